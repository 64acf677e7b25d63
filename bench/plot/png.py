"""A picture by matplotlib, which is imported when one is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.plot import look
from bench.plot.record import Record, Span, runs

_SIZE_IN: Final = (12, 6.4)
_DPI: Final = 150
_RATIOS: Final = {"voltage": (3, 2), "load": (2, 3)}


def draw(record: Record, kind: str, file: Path) -> None:
    """Draw voltage above consumption; ``kind`` is which of them gets more room."""
    import matplotlib.dates as dates
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_IN, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    volts, energy = figure.subplots(2, sharex=True, gridspec_kw={"height_ratios": _RATIOS[kind]})
    figure.suptitle(record.title, x=0.01, ha="left", fontsize=13, color=look.INK)
    _voltage(volts, record, dates)
    _energy(energy, record, dates)
    for axes in (volts, energy):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(colors=look.INK)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9)
    energy.set_xlim(dates.date2num(record.start), dates.date2num(record.end))
    locator = dates.AutoDateLocator(minticks=4, maxticks=10)
    energy.xaxis.set_major_locator(locator)
    energy.xaxis.set_major_formatter(
        dates.ConciseDateFormatter(
            locator, formats=["%Y", "%b", "%a %-d %b", "%H:%M", "%H:%M", "%S"]
        )
    )
    energy.set_xlabel("the meter's clock, UTC", color=look.INK)
    figure.savefig(file)


def _voltage(axes: Any, record: Record, dates: Any) -> None:  # noqa: ANN401 - matplotlib has no types
    axes.set_ylim(*look.voltage_range(record))
    axes.set_ylabel(look.VOLTAGE_AXIS, color=look.INK)
    _shade(axes, record.voltage_gaps, look.GAP, look.NO_ENTRY, dates)
    _shade(axes, record.outages, look.OUTAGE, look.SUPPLY_AWAY, dates)
    for name, volts in look.limits(record):
        axes.axhline(volts, color=look.LIMIT, linestyle="--", linewidth=1.1, label=name)
    named = zip(look.phase_names(record), record.voltage, look.PHASES, strict=False)
    for name, spans, colour in named:
        for run in runs(spans):
            starts, ends = _ends(run, dates)
            heights = [span.value for span in run]
            axes.stairs(heights, [*starts, ends[-1]], baseline=None, color=colour, alpha=0.4)
        axes.hlines(
            [span.value for span in spans],
            *_ends(spans, dates),
            color=colour,
            linewidth=2.6,
            capstyle="butt",
            antialiased=False,
            label=name,
        )


def _energy(axes: Any, record: Record, dates: Any) -> None:  # noqa: ANN401 - matplotlib has no types
    axes.set_ylabel(look.ENERGY_AXIS, color=look.INK)
    _shade(axes, record.energy_gaps, look.GAP, look.NO_ENTRY, dates)
    _shade(axes, record.outages, look.OUTAGE, None, dates)
    _bars(axes, record.consumed, 1, look.IMPORT, "imported", dates)
    if record.exports:
        _bars(axes, record.exported, -1, look.EXPORT, "exported", dates)
        axes.axhline(0, color=look.INK, linewidth=0.8)


def _bars(axes: Any, spans: Sequence[Span], sign: int, colour: str, name: str, dates: Any) -> None:  # noqa: ANN401 - matplotlib has no types
    starts, ends = _ends(spans, dates)
    widths = [end - start for start, end in zip(starts, ends, strict=True)]
    heights = [sign * span.value for span in spans]
    axes.bar(starts, heights, widths, align="edge", color=colour, linewidth=0, label=name)


def _shade(axes: Any, spans: Sequence[Span], colour: str, name: str | None, dates: Any) -> None:  # noqa: ANN401 - matplotlib has no types
    for place, (start, end) in enumerate(zip(*_ends(spans, dates), strict=True)):
        label = name if place == 0 else None
        axes.axvspan(start, end, color=colour, linewidth=0, zorder=0, label=label)


def _ends(spans: Sequence[Span], dates: Any) -> tuple[list[float], list[float]]:  # noqa: ANN401 - matplotlib has no types
    return (
        [dates.date2num(span.start) for span in spans],
        [dates.date2num(span.end) for span in spans],
    )
