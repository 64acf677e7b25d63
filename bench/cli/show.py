"""``chub show``: what a device of a bench shows to people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bench.cli.options import RIG, print_json, rig_of

if TYPE_CHECKING:
    from bench.display_shown import Shown
    from bench.rig import Rig

_AFTER_S: Final = 7260.0


@click.group()
def show() -> None:
    """Show what a device shows to people."""


@show.command()
@RIG
@click.option(
    "--after",
    "after_s",
    type=click.FloatRange(min=0),
    default=_AFTER_S,
    show_default=True,
    help="Seconds of virtual time that the bench runs first.",
)
@click.option("--json", "as_json", is_flag=True, help="Print it for machines.")
def ihd(rig: Path | None, after_s: float, *, as_json: bool) -> None:
    """Boot RIG.toml in virtual time and show what its displays show.

    Without a rig: the built-in home with an electricity meter and an IHD.
    """
    from bench.display_shown import home_with_display, look

    loaded = home_with_display() if rig is None else rig_of(rig)
    if not loaded.displays:
        raise click.UsageError(f"{loaded.name} has no [[displays]]")
    shown = look(loaded, after_s)
    if as_json:
        print_json([one.as_json() for one in shown])
    else:
        _print(loaded, shown)


def _print(rig: Rig, shown: list[Shown]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(emoji=False)
    for one in shown:
        console.print(f"[bold]{one.kind} {one.display}[/] of {rig.name}, {one.at:%a %H:%M:%S} UTC")
        table = Table("fuel", "value", "taken at", "whose time", "reliable?", "stored", box=None)
        for line in one.lines:
            taken = "no time" if line.taken_at is None else f"{line.taken_at:%a %H:%M:%S}"
            held = str(len(line.history))
            table.add_row(line.fuel, line.value, taken, line.source, line.reliability, held)
        console.print(table)
        for line in one.lines:
            if line.wiped_for is not None:
                date = f"{line.wiped_for:%Y-%m-%d %H:%M:%S}"
                console.print(f"  {line.fuel} history wiped for the new tenancy of {date}")
