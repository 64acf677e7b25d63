"""What a picture of an electricity meter shows, taken from the logs that the meter keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from device.log import Entry
from esme.kept import Kept
from esme.own_time import HALF_HOUR
from esme.voltage.codes import interrupted_phase, restored_phase

_WH_PER_KWH: Final = 1000


@dataclass(frozen=True, slots=True)
class Span:
    """Something with a value from one time to another, by the meter's clock."""

    start: datetime
    end: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Record:
    """One meter over some time.

    voltage: for each phase, its measurement periods in V.
    consumed, exported: half hours in kWh, both elements together.
    over_v, under_v: the limits of the average voltage; 0 is none.
    outages: from when to when the supply was away, as far as the power event log knows.
    """

    title: str
    start: datetime
    end: datetime
    voltage: tuple[tuple[Span, ...], ...]
    consumed: tuple[Span, ...]
    exported: tuple[Span, ...]
    over_v: int = 0
    under_v: int = 0
    outages: tuple[Span, ...] = ()

    @property
    def voltage_gaps(self) -> tuple[Span, ...]:
        """Times without a voltage period on any phase."""
        return tuple(gaps((span for phase in self.voltage for span in phase), self.start, self.end))

    @property
    def energy_gaps(self) -> tuple[Span, ...]:
        """Times without a half hour."""
        return tuple(gaps(self.consumed, self.start, self.end))

    @property
    def exports(self) -> bool:
        """Whether anything was exported."""
        return any(span.value for span in self.exported)


def record_of(
    kept: Kept, power_log: Iterable[Entry], title: str, start: datetime | None, end: datetime
) -> Record:
    """The record of what a meter keeps up to ``end``, from ``start`` or from its first entry.

    It is half an hour long at least, so that there is something to see of a meter with no entry.
    """
    measured = kept.measurements
    phases = [phase.average for phase in measured.phases]
    voltage = [periods(average.profile.entries, average.period_s) for average in phases]
    imported = _half_hours(measured.half_hours.active_import.entries)
    exported = _half_hours((at, (wh, 0)) for at, (wh, _) in measured.half_hours.export.entries)
    starts = [spans[0].start for spans in (*voltage, imported) if spans]
    first = min(start or min(starts, default=end), end - HALF_HOUR)
    shown = [_shown(spans, first) for spans in voltage]
    return Record(
        title,
        first,
        end,
        voltage=tuple(shown),
        consumed=_shown(imported, first),
        exported=_shown(exported, first),
        over_v=phases[0].over.threshold_v,
        under_v=phases[0].under.threshold_v,
        outages=_shown(list(_outages(power_log, end)), first),
    )


def runs(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """Spans that follow one another without a gap, run by run."""
    run: list[Span] = []
    for span in spans:
        if run and span.start != run[-1].end:
            yield run
            run = []
        run.append(span)
    if run:
        yield run


def gaps(spans: Iterable[Span], start: datetime, end: datetime) -> Iterator[Span]:
    """What no span covers."""
    covered = start
    for span in sorted(spans, key=lambda span: span.start):
        if span.start > covered:
            yield Span(covered, span.start, 0)
        covered = max(covered, span.end)
    if end > covered:
        yield Span(covered, end, 0)


def _shown(spans: Sequence[Span], start: datetime) -> tuple[Span, ...]:
    return tuple(span for span in spans if span.end > start)


def _half_hours(entries: Iterable[tuple[datetime | None, tuple[int, int]]]) -> list[Span]:
    return [
        Span(at - HALF_HOUR, at, (first + second) / _WH_PER_KWH)
        for at, (first, second) in entries
        if at is not None
    ]


def periods(entries: Iterable[tuple[datetime | None, int]], period_s: int) -> list[Span]:
    """Measurement periods: an entry says when one ended, its neighbours how long it was.

    Where they do not, it was as long as periods are now.
    """
    known = [(at, volts) for at, volts in entries if at is not None]
    steps = [later - sooner for (sooner, _), (later, _) in pairwise(known)]
    spans = []
    for place, (end, volts) in enumerate(known):
        around = steps[max(place - 2, 0) : place + 1]
        before = steps[place - 1] if place else None
        regular = before is not None and around.count(before) > 1
        length = before if regular and before else timedelta(seconds=period_s)
        spans.append(Span(end - length, end, volts))
    return spans


def _outages(log: Iterable[Entry], end: datetime) -> Iterator[Span]:
    """Outages of the whole supply or of a phase; one that is not over lasts until the end."""
    open_since: dict[int, datetime] = {}
    for entry in log:
        phase = interrupted_phase(entry.code)
        if phase is not None and entry.at is not None:
            open_since[phase] = entry.at
        back = restored_phase(entry.code)
        if back is not None and entry.at is not None and back in open_since:
            yield Span(open_since.pop(back), entry.at, back)
    for phase, since in open_since.items():
        yield Span(since, end, phase)
