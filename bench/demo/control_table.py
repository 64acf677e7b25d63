"""The tables that ``chub demo control`` shows; they fit a terminal of 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table

from bench.demo.table import console, print_end, table

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
    shown = console()
    shown.print("[bold]The auxiliary controller event log, as ECS35g returns it[/] (UTC)\n")
    shown.print(_table(result.rows))
    shown.print(f"\nThe calendar is {result.offset_s} s late: the randomised offset.")
    for boost in result.boosts:
        shown.print(f"Boost log (ECS61c): {boost['start'][11:19]} to {boost['end'][11:19]}.")
    switched = ", ".join(
        f"{str(one['at'])[11:19]} {'on' if one['on'] else 'off'}" for one in result.relay
    )
    shown.print(f"The relay of the HCALCS: {switched}.")
    told = ", ".join(f"{one['at'][11:16]} {one['alert_code']}" for one in result.limit_alerts)
    shown.print(f"Told of the limit (ECS101, ECS102): {told}.")
    shown.print(f"Imported: {result.import_wh / 1000:.3f} kWh.\n")
    print_end(shown, result.wrong, result.capture, result.keys)


def _table(rows: list[Row]) -> Table:
    made = table(_COLUMNS)
    for row in rows:
        command = str(row.han_command_id) if row.han_command_id else "-"
        name = f"{row.controller} {row.name} ({row.kind})"
        made.add_row(row.at[11:19], name, row.action, row.reason, row.outcome, command)
    return made
