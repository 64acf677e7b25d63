"""Option types that several verbs share."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gbcs.errors import GbcsError
from gbcs.eui64 import parse_eui64

if TYPE_CHECKING:
    from bench.rig import Rig


class Eui64Type(click.ParamType[int]):
    """An EUI-64 or entity identifier: sixteen hex digits, dashes or colons allowed."""

    name = "eui64"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Read it; the message names what is wrong."""
        if isinstance(value, int):
            return value
        try:
            return parse_eui64(value)
        except GbcsError as error:
            self.fail(str(error), param, ctx)


EUI64 = Eui64Type()


def print_json(value: object) -> None:
    """Machine-readable result on standard output."""
    click.echo(json.dumps(value, indent=2))


RIG = click.argument(
    "rig", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)


ABOVE_ZERO = click.FloatRange(min=0, min_open=True)
FOR = click.option("--for", "for_s", type=ABOVE_ZERO, help="End after so many seconds.")


def examples(*lines: str) -> str:
    """The end of a verb's help: command lines as one types them."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def milliseconds_since_2000() -> int:
    """An originator counter that goes up from one command line to the next."""
    since = datetime.now(UTC) - datetime(2000, 1, 1, tzinfo=UTC)
    return since // timedelta(milliseconds=1)


def rig_of(path: Path | None) -> Rig:
    """The rig of a file; the built-in home without one."""
    from bench.rig import Rig, load_rig

    return Rig() if path is None else load_rig(path)
