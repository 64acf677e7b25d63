"""``chub settings``: what the bench decided where no published text does."""

from __future__ import annotations

from enum import Enum

import click

from bench.cli.options import print_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print them for machines.")
def settings(*, as_json: bool) -> None:
    """List the named settings, their defaults and what they choose between.

    A rig file changes them in [settings.SECTION].
    """
    from bench.settings import all_settings

    if as_json:
        print_json({one.name: {"default": _plain(one.default), "meaning": one.meaning}
                    for one in all_settings()})  # fmt: skip
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("setting", "default", "meaning")
    for one in all_settings():
        table.add_row(one.name, str(one.default), one.meaning)
    Console().print(table)


def _plain(default: object) -> object:
    """A default as JSON holds it: enums by name, collections as lists."""
    match default:
        case Enum():
            return default.name
        case tuple() | frozenset():
            return [_plain(each) for each in default]
        case None | bool() | int() | float() | str():
            return default
    return str(default)
