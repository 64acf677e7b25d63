"""The table that ``chub demo stamps`` shows; it fits a terminal of 80 columns."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from bench.capture_keys import wireshark_hint

if TYPE_CHECKING:
    from bench.demo.stamps import Row, Stamps

_COLOURS: Final = {"reliable": "green", "unreliable": "yellow", "invalid": "red"}
_COLUMNS: Final = (
    ("use case", 8),
    ("asked", 13),
    ("value", 15),
    ("stamp", 8),
    ("status", 6),
    ("source", 6),
    ("trust", 10),
    ("MAC", 5),
)


def print_stamps(result: Stamps) -> None:
    """Show every Response, what was wrong, and how to open the capture."""
    console = Console(emoji=False)  # keys hold texts like :cd:
    console.print("[bold]When the values were taken, by whose clock, how reliable[/] (UTC)\n")
    console.print(_table([], header=True))
    for case, rows in groupby(result.rows, key=lambda row: row.case):
        listed = list(rows)
        console.print(f"[bold]{case}[/]: the {listed[0].responder} answers")
        console.print(_table(listed, header=False))
    for line in result.wrong:
        console.print(f"[red]not as expected:[/] {line}")
    for line in wireshark_hint(result.capture, result.keys):
        console.print(line, highlight=False, soft_wrap=True)


def _table(rows: list[Row], *, header: bool) -> Table:
    table = Table(box=None, show_header=header, padding=(0, 1, 0, 0))
    for name, width in _COLUMNS:
        table.add_column(name, width=width, no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> list[str]:
    colour = _COLOURS.get(row.reliability, "white")
    asked = row.asked_at[11:16]
    if row.answered_after_s >= 1:
        asked += f" +{row.answered_after_s / 60:.0f} min"
    return [
        row.use_case,
        asked,
        row.value,
        "no time" if row.time is None else row.time[11:19],
        row.clock_status,
        row.source,
        f"[{colour}]{row.reliability}[/]",
        "valid" if row.mac_valid else "[red]WRONG[/]",
    ]
