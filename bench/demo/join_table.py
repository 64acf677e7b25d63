"""The table that ``chub demo join`` shows; it fits a terminal of 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from bench.capture_keys import wireshark_hint

if TYPE_CHECKING:
    from bench.demo.join import JoiningTold, Outcome, Row

_COLUMNS: Final = (("after", 9), ("step", 32), ("", 37))


def print_joining(result: JoiningTold) -> None:
    """Show every device with its steps, what was wrong, and how to open the capture."""
    console = Console(emoji=False)  # keys hold texts like :cd:
    console.print("[bold]How devices come onto the HAN[/]\n")
    for outcome in result.outcomes:
        rows = [row for row in result.rows if row.device == outcome.device]
        console.print(f"[bold]{outcome.device}[/] {rows[0].eui64}: {_summary(outcome)}")
        console.print(_table(rows))
    for line in result.wrong:
        console.print(f"[red]not as expected:[/] {line}")
    for line in wireshark_hint(result.capture, result.keys):
        console.print(line, highlight=False, soft_wrap=True)


def _summary(outcome: Outcome) -> str:
    if not outcome.joined:
        return "[red]outside[/]"
    first = ", not at first" if outcome.refusals else ""
    return f"joined by key establishment suite {outcome.suite}{first}"


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name, width in _COLUMNS:
        table.add_column(name, width=width)
    for row in rows:
        table.add_row(f"{row.after_s:7.3f} s", row.step, row.detail)
    return table
