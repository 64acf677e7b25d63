"""The tables that ``chub demo control`` shows; they fit a terminal of 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from bench.capture_keys import wireshark_hint

if TYPE_CHECKING:
    from bench.demo.control import LoadControl, Row

_COLUMNS: Final = (
    ("at", 9),
    ("controller", 23),
    ("action", 6),
    ("asked by", 16),
    ("outcome", 7),
    ("HAN command", 11),
)


def print_control(result: LoadControl) -> None:
    """Show the log as the supplier reads it, the boosts, the relay, and what was wrong."""
    console = Console(emoji=False)  # keys hold texts like :cd:
    console.print("[bold]The auxiliary controller event log, as ECS35g returns it[/] (UTC)\n")
    console.print(_table(result.rows))
    console.print(f"\nThe calendar is {result.offset_s} s late: the randomised offset.")
    for boost in result.boosts:
        console.print(f"Boost log (ECS61c): {boost['start'][11:19]} to {boost['end'][11:19]}.")
    switched = ", ".join(
        f"{str(one['at'])[11:19]} {'on' if one['on'] else 'off'}" for one in result.relay
    )
    console.print(f"The relay of the HCALCS: {switched}.")
    told = ", ".join(f"{one['at'][11:16]} {one['alert_code']}" for one in result.limit_alerts)
    console.print(f"Told of the limit (ECS101, ECS102): {told}.")
    console.print(f"Imported: {result.import_wh / 1000:.3f} kWh.\n")
    for line in result.wrong:
        console.print(f"[red]not as expected:[/] {line}")
    for line in wireshark_hint(result.capture, result.keys):
        console.print(line, highlight=False, soft_wrap=True)


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name, width in _COLUMNS:
        table.add_column(name, width=width, no_wrap=True)
    for row in rows:
        command = str(row.han_command_id) if row.han_command_id else "-"
        name = f"{row.controller} {row.name} ({row.kind})"
        table.add_row(row.at[11:19], name, row.action, row.reason, row.outcome, command)
    return table
