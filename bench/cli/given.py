"""Values that need not stand in the command line: ``@FILE`` and ``-`` (standard input).

What stands in a command line, every user of the machine can read in the list of processes, and a
shell remembers it. Install codes, prepayment tokens, PINs and keys do not belong there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

ELSEWHERE: Final = "@FILE or - (standard input) keeps it out of the list of processes."
"""How the help of an option says that it takes a secret from elsewhere."""


class SecretType(click.ParamType[str]):
    """A text that is a secret: itself, or where it is. Errors name the place, never the text."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read it from where it is."""
        octets = octets_given(value)
        if octets is None:
            return value
        text = text_of(octets)
        if text is None:
            self.fail(f"{_place(value)} holds no text", param, ctx)
        return text


SECRET = SecretType()


def octets_given(text: str) -> bytes | None:
    """What ``-`` or ``@FILE`` stands for; None of a text that stands for itself.

    At a terminal standard input is a line that is asked for and not shown.
    """
    if text == "-":
        octets = _standard_input()
    elif text.startswith("@"):
        try:
            octets = Path(text[1:]).read_bytes()
        except OSError as error:
            raise click.UsageError(f"{text}: {error.strerror}") from error
    else:
        return None
    if not octets.strip():
        raise click.UsageError(f"{_place(text)} is empty")
    return octets


def text_of(octets: bytes) -> str | None:
    """Octets as the text that they are, without blanks and line ends around it; None if not."""
    try:
        return octets.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return None


def _standard_input() -> bytes:
    if sys.stdin.isatty():
        typed: str = click.prompt("value (not shown)", hide_input=True, err=True)
        return typed.encode()
    return sys.stdin.buffer.read()


def _place(text: str) -> str:
    return "standard input" if text == "-" else text[1:]
