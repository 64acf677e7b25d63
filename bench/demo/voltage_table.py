"""The tables that ``chub demo voltage`` shows; they fit a terminal of 80 columns."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from rich.table import Table

from bench.demo.table import console, print_end, table
from gbcs.zcl.types import zcl_moment

if TYPE_CHECKING:
    from bench.demo.voltage import Event, VoltagePeriods
    from bench.demo.voltage_check import Measured

_PERIODS: Final = (("periods", 7), ("of", 6), ("first ends", 10), ("last ends", 10))
_MEANS: Final = (("lowest", 6), ("highest", 7), ("ends", 10))
_EVENTS: Final = (("clock", 9), ("code", 6), ("what happened", 45), ("alert", 6))


def print_periods(result: VoltagePeriods) -> None:
    """Show the runs of periods, what came between them, counters, and how to open the capture."""
    shown = console()
    shown.print("[bold]Average RMS voltage, read back with ECS23[/] (UTC, the meter's clock)\n")
    shown.print(_runs_table(result.measured))
    shown.print("\n[bold]What was done, and the power event log[/] (ECS35e)\n")
    shown.print(_events_table(result.events))
    shown.print()
    for line in _counter_lines(result):
        shown.print(line)
    print_end(shown, result.wrong, result.capture, result.keys)


def runs(measured: list[Measured]) -> list[list[Measured]]:
    """Entries parted where a period is missing or the length of the periods changes."""
    found = [measured[:1]] if measured else []
    for one, next_ in pairwise(measured):
        if next_.start_s == one.end_s and next_.period_s == one.period_s:
            found[-1].append(next_)
        else:
            found.append([next_])
    return found


def _runs_table(measured: list[Measured]) -> Table:
    made = table((*_PERIODS, *_MEANS))
    for run in runs(measured):
        means = [one.mean_v for one in run]
        legal = all(one.is_aligned for one in run)
        made.add_row(
            str(len(run)),
            f"{run[0].period_s} s",
            _clock(zcl_moment(run[0].end_s)),
            _clock(zcl_moment(run[-1].end_s)),
            f"{min(means)} V",
            f"{max(means)} V",
            "[green]aligned[/]" if legal else "[red]NOT ALIGNED[/]",
        )
    return made


def _events_table(events: list[Event]) -> Table:
    made = table(_EVENTS)
    for event in events:
        alerted = {None: "", True: "[green]heard[/]", False: "[red]NONE[/]"}[event.alerted]
        at = _clock(datetime.fromisoformat(event.at))
        made.add_row(at, event.code or "", event.text, alerted)
    return made


def _counter_lines(result: VoltagePeriods) -> list[str]:
    told = {"before": "before the change", "after": "after the change", "final": "at the end"}
    counts = [
        f"  {text}: {result.counters[name]['over']} over, {result.counters[name]['under']} under"
        for name, text in told.items()
    ]
    limits = " and ".join(f"{value} V {side}" for side, value in result.thresholds_v.items())
    return [f"thresholds (ECS26b): {limits}", "counters (ECS23):", *counts]


def _clock(at: datetime) -> str:
    return at.strftime("%a %H:%M")
