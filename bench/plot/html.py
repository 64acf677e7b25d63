"""A picture as one HTML file: inline SVG, numbers under the pointer, nothing from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Final

from bench.plot import look
from bench.plot.record import Record, Span, runs
from bench.plot.scale import ticks, time_label, time_ticks

_LEFT, _WIDTH, _TOP, _BETWEEN, _BOTTOM = 70, 1080, 16, 34, 44
_HEIGHTS: Final = {"voltage": (330, 200), "load": (220, 310)}
_MOST_TICKS: Final = 8
_MOST_TIMES: Final = 12
_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 14px system-ui, sans-serif; color: {ink}; margin: 24px; background: #fff; }}
h1 {{ font-size: 18px; font-weight: 600; margin: 0 0 4px; }}
svg {{ width: 100%; max-width: 1180px; height: auto; display: block; }}
text {{ font: 12px system-ui, sans-serif; fill: {ink}; }}
.key {{ display: inline-block; margin: 0 18px 8px 0; }}
.key i {{ display: inline-block; width: 14px; height: 10px; margin-right: 6px; }}
</style></head><body>
<h1>{title}</h1>
<p>{keys}</p>
{svg}
</body></html>
"""


def draw(record: Record, kind: str, file: Path) -> None:
    """Draw voltage above consumption; ``kind`` is which of them gets more room."""
    upper, lower = _HEIGHTS[kind]
    volts = _Panel(record, _TOP, upper, *look.voltage_range(record))
    energy = _Panel(record, _TOP + upper + _BETWEEN, lower, *_energy_range(record))
    height = _TOP + upper + _BETWEEN + lower + _BOTTOM
    marks = [*_voltage(volts, record), *_energy(energy, record), *_times(energy, record)]
    svg = f'<svg viewBox="0 0 {_LEFT + _WIDTH + 20} {height}" role="img">\n'
    page = _PAGE.format(
        title=escape(record.title),
        ink=look.INK,
        keys="".join(_keys(record)),
        svg=svg + "\n".join(marks) + "\n</svg>",
    )
    file.write_text(page, encoding="utf-8")


def _energy_range(record: Record) -> tuple[float, float]:
    most = max((span.value for span in record.consumed), default=0)
    least = max((span.value for span in record.exported), default=0)
    return -1.08 * least, 1.08 * (most or 1)


@dataclass(frozen=True, slots=True)
class _Panel:
    """One pair of axes: from ``top`` down, values from ``low`` to ``high``."""

    record: Record
    top: float
    height: float
    low: float
    high: float

    def x(self, at: datetime) -> float:
        whole = (self.record.end - self.record.start).total_seconds() or 1
        seconds = (at - self.record.start).total_seconds()
        return _LEFT + _WIDTH * min(max(seconds / whole, 0), 1)

    def y(self, value: float) -> float:
        return self.top + self.height * (1 - (value - self.low) / (self.high - self.low))

    def axes(self, label: str) -> Iterator[str]:
        """Grid lines with their values, and what they are."""
        for value in ticks(self.low, self.high, _MOST_TICKS):
            y = self.y(value)
            yield _line(_LEFT, y, _LEFT + _WIDTH, y, "#dddddd")
            yield _text(_LEFT - 8, y + 4, f"{value:g}", "end")
        middle = self.top + self.height / 2
        turned = f' transform="rotate(-90 18 {middle:.1f})"'
        yield _text(18, middle, label, "middle", turned)

    def shade(self, spans: Sequence[Span], colour: str, name: str) -> Iterator[str]:
        """Times over the whole height."""
        for span in spans:
            yield _box(self.x(span.start), self.top, self.x(span.end), self.top + self.height,
                       colour, f"{name}, {_from_to(span)}")  # fmt: skip


def _voltage(panel: _Panel, record: Record) -> Iterator[str]:
    yield from panel.shade(record.voltage_gaps, look.GAP, look.NO_ENTRY)
    yield from panel.shade(record.outages, look.OUTAGE, look.SUPPLY_AWAY)
    yield from panel.axes(look.VOLTAGE_AXIS)
    for name, volts in look.limits(record):
        y = panel.y(volts)
        yield _line(_LEFT, y, _LEFT + _WIDTH, y, look.LIMIT, ' stroke-dasharray="7 5"')
        yield _text(_LEFT + _WIDTH - 4, y - 5, name, "end")
    named = zip(look.phase_names(record), record.voltage, look.PHASES, strict=False)
    for name, spans, colour in named:
        for run in runs(spans):
            yield _stairs(panel, run, colour)
        for span in spans:
            y = panel.y(span.value)
            yield _box(panel.x(span.start), y - 1.5, panel.x(span.end), y + 1.5, colour,
                       f"{name} {span.value:g} V, {_from_to(span)}")  # fmt: skip


def _energy(panel: _Panel, record: Record) -> Iterator[str]:
    yield from panel.shade(record.energy_gaps, look.GAP, look.NO_ENTRY)
    yield from panel.shade(record.outages, look.OUTAGE, look.SUPPLY_AWAY)
    yield from panel.axes(look.ENERGY_AXIS)
    yield from _bars(panel, record.consumed, look.IMPORT, "imported", lambda kwh: kwh)
    if record.exports:
        yield from _bars(panel, record.exported, look.EXPORT, "exported", lambda kwh: -kwh)
    yield _line(_LEFT, panel.y(0), _LEFT + _WIDTH, panel.y(0), look.INK)


def _bars(
    panel: _Panel, spans: Sequence[Span], colour: str, name: str, place: Callable[[float], float]
) -> Iterator[str]:
    for span in spans:
        top, bottom = sorted((panel.y(place(span.value)), panel.y(0)))
        yield _box(panel.x(span.start), top, panel.x(span.end), bottom, colour,
                   f"{name} {span.value:g} kWh, {_from_to(span)}")  # fmt: skip


def _times(panel: _Panel, record: Record) -> Iterator[str]:
    bottom = panel.top + panel.height
    found = time_ticks(record.start, record.end, _MOST_TIMES)
    days_only = all((at.hour, at.minute) == (0, 0) for at in found)
    for at in found:
        x = panel.x(at)
        yield _line(x, bottom, x, bottom + 5, look.INK)
        yield _text(x, bottom + 20, time_label(at, days_only=days_only), "middle")
    yield _text(_LEFT + _WIDTH / 2, bottom + 40, "the meter's clock, UTC", "middle")


def _stairs(panel: _Panel, run: Sequence[Span], colour: str) -> str:
    corners = [(at, span.value) for span in run for at in (span.start, span.end)]
    points = " ".join(f"{panel.x(at):.1f},{panel.y(value):.1f}" for at, value in corners)
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-opacity="0.4"/>'


def _keys(record: Record) -> Iterator[str]:
    named = [*zip(look.phase_names(record), look.PHASES, strict=False)]
    named += [(name, look.LIMIT) for name, _ in look.limits(record)]
    named += [("imported", look.IMPORT)]
    named += [("exported", look.EXPORT)] if record.exports else []
    named += [(look.NO_ENTRY, look.GAP)] if record.voltage_gaps or record.energy_gaps else []
    named += [(look.SUPPLY_AWAY, look.OUTAGE)] if record.outages else []
    for name, colour in named:
        yield f'<span class="key"><i style="background:{colour}"></i>{escape(name)}</span>'


def _from_to(span: Span) -> str:
    return f"{span.start:%a %d %b %H:%M:%S} to {span.end:%H:%M:%S}"


def _box(left: float, top: float, right: float, bottom: float, colour: str, title: str) -> str:
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.2f}" height="{bottom - top:.1f}"'
        f' fill="{colour}"><title>{escape(title)}</title></rect>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{more}/>'
    )


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'
