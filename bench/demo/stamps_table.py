"""The table that ``chub demo stamps`` shows; it fits a terminal of 80 columns."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.table import Table

from bench.demo.table import console, print_end, table

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
    shown = console()
    shown.print("[bold]When the values were taken, by whose clock, how reliable[/] (UTC)\n")
    shown.print(_table([], header=True))
    for case, rows in groupby(result.rows, key=lambda row: row.case):
        listed = list(rows)
        shown.print(f"[bold]{case}[/]: the {listed[0].responder} answers")
        shown.print(_table(listed, header=False))
    print_end(shown, result.wrong, result.capture, result.keys)


def _table(rows: list[Row], *, header: bool) -> Table:
    made = table(_COLUMNS, header=header)
    for row in rows:
        made.add_row(*_cells(row))
    return made


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
