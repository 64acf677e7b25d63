"""The table that ``chub demo cot`` shows; it fits a terminal of 80 columns."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.table import Table

from bench.demo.table import console, print_end, table

if TYPE_CHECKING:
    from bench.demo.cot import ChangeOfTenancy, Row

_COLUMNS: Final = (
    ("display", 7),
    ("fuel", 11),
    ("asked", 5),
    ("learnt at", 9),
    ("held", 4),
    ("wiped at", 9),
    ("left", 4),
    ("supplier still reads", 20),
)


def print_changes(result: ChangeOfTenancy) -> None:
    """Show every display and fuel, what was wrong, and how to open the capture."""
    shown = console()
    shown.print("[bold]What displays do when the tenant changes[/] (UTC, half hours)\n")
    for cot_time, rows in groupby(result.rows, key=lambda row: row.cot_time):
        listed = list(rows)
        shown.print(f"[bold]new tenancy from {_text(cot_time)}[/], control {listed[0].control}")
        shown.print(_table(listed))
    print_end(shown, result.wrong, result.capture, result.keys)


def _table(rows: list[Row]) -> Table:
    made = table(_COLUMNS)
    for row in rows:
        made.add_row(*_cells(row))
    return made


def _cells(row: Row) -> list[str]:
    return [
        row.display,
        row.fuel,
        row.server,
        _text(row.asked_at),
        _number(row.history_before),
        _text(row.wiped_at),
        _number(row.history_after),
        str(row.supplier_entries),
    ]


def _text(moment: str | None) -> str:
    return "never" if moment is None else datetime.fromisoformat(moment).strftime("%a %H:%M")


def _number(count: int | None) -> str:
    return "-" if count is None else str(count)
