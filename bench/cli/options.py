"""Option types that several verbs share."""

from __future__ import annotations

import json

import click

from gbcs.errors import GbcsError
from gbcs.eui64 import parse_eui64


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
