"""Options, inputs and outputs that the verbs of the language share."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from errno import EINVAL, ENAMETOOLONG
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bench.cli.given import octets_given, text_of

if TYPE_CHECKING:  # the verbs load the language only when they are used
    from gbcs.catalogue import UseCase
    from gbcs.errors import MalformedMessage
    from gbcs.keys import KeyStore
    from gbcs.plain import Plain

KEYS = click.option(
    "--keys",
    "keys_path",
    type=click.Path(path_type=Path),
    help="Key store: a directory of PEM files, or a keystore.json.",
)
GENERATION = click.option("--generation", help="Generation of a keystore.json, such as Z1.")
USE_CASES = click.option(
    "--use-cases",
    "own_path",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Directory of *.toml files with use cases of your own.",
)
INPUTS = click.argument("inputs", nargs=-1)
SETTINGS = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="One parameter, also NAME=@FILE or NAME=- (standard input): a certificate, or a value "
    "that is to stay out of the list of processes.",
)
PARAMETERS = click.option(
    "--parameters",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="JSON object of parameters.",
)
FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["hex", "gfi", "base64", "binary"]),
    default="hex",
    show_default=True,
    help="How messages are written.",
)


def keys_of(place: Path | None, generation: str | None) -> KeyStore | None:
    """The key store of ``--keys``; None without one."""
    from gbcs.key_sources import open_keys

    return None if place is None else open_keys(place, generation)


def required_keys(place: Path | None, generation: str | None) -> KeyStore:
    """The key store of ``--keys``, which must be given."""
    keys = keys_of(place, generation)
    if keys is None:
        raise click.UsageError("--keys is needed here")
    return keys


def own_use_cases(place: Path | None) -> dict[str, UseCase]:
    """Use cases of ``--use-cases`` by name in lower case."""
    from gbcs.catalogue.extension import load_use_cases

    return load_use_cases(place) if place else {}


def use_case_of(name: str, own_path: Path | None) -> UseCase:
    """The user's own use case of that name, or the catalogue's."""
    from gbcs.catalogue import by_name

    own = own_use_cases(own_path)
    return own.get(name.lower()) or by_name(name)


def messages_of(
    inputs: tuple[str, ...], network_keys: tuple[str, ...] = ()
) -> Iterator[bytes | MalformedMessage]:
    """Every message of the inputs; where none can be read, the error in its place."""
    from bench.captured import is_capture, messages_in_capture
    from gbcs.errors import MalformedMessage
    from gbcs.sources import messages_in

    for text in inputs or ("-",):
        octets = _input_octets(text)
        if is_capture(octets):
            yield from messages_in_capture(octets, network_keys)
        else:
            nothing = f"no message in {'standard input' if text == '-' else text}"
            yield from messages_in(octets) or (MalformedMessage(nothing),)


def readable_messages(inputs: tuple[str, ...]) -> Iterator[bytes]:
    """Every message of the inputs; MalformedMessage is raised at the first that is none."""
    from gbcs.errors import MalformedMessage

    for found in messages_of(inputs):
        if isinstance(found, MalformedMessage):
            raise found
        yield found


def _input_octets(text: str) -> bytes:
    if text == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(text).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        if error.errno not in _NO_NAME_OF_A_FILE:
            raise click.UsageError(f"{text}: {error.strerror}") from error
    if text.startswith(_STARTS_OF_PATHS) or "." in text:
        raise click.UsageError(f"no such file: {text}")
    return text.encode()


_NO_NAME_OF_A_FILE: Final = (ENAMETOOLONG, EINVAL)
"""What opening a message as if it were a file may end with, besides that there is none."""
_STARTS_OF_PATHS: Final = ("/", "~", "\\")
"""No message starts like this, in hexadecimal, base64 or GFI text; nor has it a full stop."""


def arguments_of_settings(
    settings: tuple[str, ...], parameters: Path | None = None
) -> dict[str, Plain]:
    """Parameters from NAME=VALUE texts and a JSON file."""
    given: dict[str, Plain] = {}
    if parameters is not None:
        loaded = _json(parameters.read_text("utf-8-sig"))
        if not isinstance(loaded, dict):
            raise click.UsageError(f"{parameters} holds no JSON object")
        given |= loaded
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator:
            raise click.UsageError(f"--set {setting}: NAME=VALUE is expected")
        given[name] = _value(value)
    return given


def _value(text: str) -> Plain:
    """Lists and objects are JSON, @FILE and - may hold a certificate; other text has its type."""
    octets = octets_given(text)
    if octets is not None:
        held = text_of(octets)
        if held is None or held.startswith("-----"):  # DER is no text, PEM is
            from gbcs.certificate import read_certificate

            return "0x" + read_certificate(octets).der.hex()
        text = held
    if text[:1] not in ("[", "{"):
        return None if text == "null" else text
    return _json(text)


def _json(text: str) -> Plain:
    try:
        value: Plain = json.loads(text)
    except json.JSONDecodeError as exc:
        raise click.UsageError(f"not JSON: {text[:40]}: {exc}") from exc
    return value


def write_message(octets: bytes, form: str) -> None:
    """One message on standard output, in a form of ``--format``."""
    import base64

    from gbcs.gfi import to_gfi

    if form == "binary":
        sys.stdout.buffer.write(octets)
    elif form == "gfi":
        sys.stdout.buffer.write(to_gfi(octets))
    elif form == "base64":
        click.echo(base64.b64encode(octets).decode())
    else:
        click.echo(octets.hex().upper())
