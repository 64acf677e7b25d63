"""The table that ``chub demo cot`` shows; it fits a terminal of 80 columns."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from bench.capture_keys import wireshark_hint

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
    console = Console(emoji=False)  # keys hold texts like :cd:
    console.print("[bold]What displays do when the tenant changes[/] (UTC, half hours)\n")
    for cot_time, rows in groupby(result.rows, key=lambda row: row.cot_time):
        listed = list(rows)
        console.print(f"[bold]new tenancy from {_text(cot_time)}[/], control {listed[0].control}")
        console.print(_table(listed))
    for line in result.wrong:
        console.print(f"[red]not as expected:[/] {line}")
    for line in wireshark_hint(result.capture, result.keys):
        console.print(line, highlight=False, soft_wrap=True)


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name, width in _COLUMNS:
        table.add_column(name, width=width, no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row))
    return table


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
