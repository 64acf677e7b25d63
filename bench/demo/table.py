"""What the tables of the demonstrations have in common; they fit a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.capture_keys import wireshark_hint

Columns = tuple[tuple[str, int], ...]
"""Headings with the width of what stands below."""


def console() -> Console:
    """Where a demonstration is shown. Keys hold texts like ``:cd:``, which are no pictures."""
    return Console(emoji=False)


def table(columns: Columns, *, header: bool = True, wraps: bool = False) -> Table:
    """An empty table; what is too long for its column ``wraps``, or is cut off."""
    made = Table(box=None, show_header=header, padding=(0, 1, 0, 0))
    for name, width in columns:
        made.add_column(name, width=width, no_wrap=not wraps)
    return made


def print_end(shown: Console, wrong: Iterable[str], capture: Path, keys: Sequence[str]) -> None:
    """What was not as expected, and how to open the capture."""
    for line in wrong:
        shown.print(f"[red]not as expected:[/] {line}")
    for line in wireshark_hint(capture, keys):
        shown.print(line, highlight=False, soft_wrap=True)
