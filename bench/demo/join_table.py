"""The table that ``chub demo join`` shows; it fits a terminal of 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table

from bench.demo.table import console, print_end, table

if TYPE_CHECKING:
    from bench.demo.join import JoiningTold, Outcome, Row

_COLUMNS: Final = (("after", 9), ("step", 32), ("", 37))


def print_joining(result: JoiningTold) -> None:
    """Show every device with its steps, what was wrong, and how to open the capture."""
    shown = console()
    shown.print("[bold]How devices come onto the HAN[/]\n")
    for outcome in result.outcomes:
        rows = [row for row in result.rows if row.device == outcome.device]
        shown.print(f"[bold]{outcome.device}[/] {rows[0].eui64}: {_summary(outcome)}")
        shown.print(_table(rows))
    print_end(shown, result.wrong, result.capture, result.keys)


def _summary(outcome: Outcome) -> str:
    if not outcome.joined:
        return "[red]outside[/]"
    first = ", not at first" if outcome.refusals else ""
    return f"joined by key establishment suite {outcome.suite}{first}"


def _table(rows: list[Row]) -> Table:
    made = table(_COLUMNS, wraps=True)
    for row in rows:
        made.add_row(f"{row.after_s:7.3f} s", row.step, row.detail)
    return made
