"""Profile and daily consumption logs: differences of a register's totals at the boundaries.

An entry carries the boundary that ENDS its period. A total counts for a boundary when it was taken
within the grace behind it. Nothing is interpolated: a period one of whose ends is missing has no
entry, and reads as the ZCL's invalid value when entries around it are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from device.schedule import next_boundary
from device.store import Json, Store, Transaction
from gbcs.zcl.types import zcl_moment, zcl_seconds

NO_SAMPLE: Final = 0xFFFFFF
_REGISTER_OCTETS: Final = 6
_SAMPLE_BITS: Final = 24


@dataclass(frozen=True, slots=True)
class LogKind:
    """One of the logs; ``interval_s`` is what Responses state as its sample request interval."""

    name: str
    sample_id: int
    period: timedelta
    interval_s: int
    capacity: int


PROFILE: Final = LogKind("profile", 0x0000, timedelta(minutes=30), 1800, 19_056)
"""Thirteen months of half hours (SMETS profile data log)."""
DAILY: Final = LogKind("daily", 0x0001, timedelta(days=1), 0xFFFF, 731)
NETWORK: Final = LogKind("network", 0x0002, timedelta(minutes=6), 360, 41)
"""Four hours in steps of six minutes, once a network operator asked for them (GCS31)."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Consecutive periods; ``first_end`` ends the first one. None stands for a missing entry."""

    first_end: datetime
    values: tuple[int | None, ...]


class SampleLog:
    """One log, kept in the store: entries by the end of their period."""

    def __init__(self, kind: LogKind, store: Store) -> None:
        self.kind, self._store = kind, store
        with store.transaction() as unit:
            packed = [each for each in unit.entries(kind.name) if isinstance(each, int)]
            self._last = _total(unit.get_json(self._last_key))
        self._entries = {each >> _SAMPLE_BITS: each & NO_SAMPLE for each in packed}

    @property
    def _last_key(self) -> str:
        return f"{self.kind.name}/last"

    def take(self, boundary: datetime, total: int) -> None:
        """Take the register as it stood at a boundary; a period that has its entry keeps it.

        An earlier boundary than the last comes from a clock that was set back: it begins anew.
        """
        last, at_s = self._last, zcl_seconds(boundary)
        if last is not None and at_s == last[0]:
            return
        period_s = self.kind.period // timedelta(seconds=1)
        used = None
        if last is not None and last[0] == at_s - period_s and at_s not in self._entries:
            used = min((total - last[1]) % (1 << 8 * _REGISTER_OCTETS), NO_SAMPLE)
        self._keep((at_s, total), used)

    def fill(self, end: datetime, used: int) -> None:
        """Take an entry that was missed and is told now.

        One that is there already stays as it is; one from before a full log is not taken.
        """
        end_s = zcl_seconds(end)
        full = len(self._entries) >= self.kind.capacity
        if end_s in self._entries or (full and end_s < min(self._entries)):
            return
        with self._store.transaction() as unit:
            self._enter(unit, end_s, min(used, NO_SAMPLE))

    @property
    def last_total_at(self) -> datetime | None:
        """The boundary at which a total was taken last."""
        return None if self._last is None else zcl_moment(self._last[0])

    def ends(self) -> set[int]:
        """The ends of every period that has an entry, in UTCTime seconds."""
        return set(self._entries)

    def clear(self) -> None:
        """Drop every entry, and the last total."""
        with self._store.transaction() as unit:
            unit.clear(self.kind.name)
            unit.delete(self._last_key)
            before, entries = self._last, self._entries
            self._last, self._entries = None, {}
            unit.on_rollback(lambda: self._set(entries))
            unit.on_rollback(lambda: self._go_back(before))

    def forget_total(self) -> None:
        """Another meter's totals come next: the first makes no difference with the last of this."""
        with self._store.transaction() as unit:
            unit.delete(self._last_key)
            before, self._last = self._last, None
            unit.on_rollback(lambda: self._go_back(before))

    def read(
        self, earliest: datetime, count: int, hidden_before: datetime | None = None
    ) -> Samples | None:
        """At most ``count`` periods from the first entry at or after a moment; None without one."""
        period_s = self.kind.period // timedelta(seconds=1)
        from_s = zcl_seconds(earliest)
        if hidden_before is not None:
            from_s = max(from_s, zcl_seconds(hidden_before) + period_s)
        ends = sorted(end for end in self._entries if end >= from_s)
        if not ends or count < 1:
            return None
        first = ends[0]
        stop = min(ends[-1], first + (count - 1) * period_s)
        values = (self._entries.get(end) for end in range(first, stop + 1, period_s))
        return Samples(zcl_moment(first), tuple(values))

    def _keep(self, last: tuple[int, int], used: int | None) -> None:
        with self._store.transaction() as unit:
            unit.put_json(self._last_key, list(last))
            before, self._last = self._last, last
            unit.on_rollback(lambda: self._go_back(before))
            if used is not None:
                self._enter(unit, last[0], used)

    def _enter(self, unit: Transaction, end_s: int, used: int) -> None:
        """Take an entry; the oldest leaves a log that is full. It goes back if the unit does."""
        self._append(unit, end_s, used)
        self._entries[end_s] = used
        unit.on_rollback(lambda: self._entries.pop(end_s))
        if len(self._entries) <= self.kind.capacity:
            return
        oldest = min(self._entries)
        if next(iter(self._entries)) == oldest:  # which has left the store
            dropped = self._entries.pop(oldest)
            unit.on_rollback(lambda: self._set({oldest: dropped, **self._entries}))
        else:  # entries came late: what came first is not the oldest
            self._sort(unit, without=oldest)

    def _sort(self, unit: Transaction, *, without: int) -> None:
        """Have the entries, but one, in the order of their ends, here and in the store."""
        before = self._entries
        self._set({end: before[end] for end in sorted(before) if end != without})
        unit.on_rollback(lambda: self._set(before))
        unit.clear(self.kind.name)
        for end_s, used in self._entries.items():
            self._append(unit, end_s, used)

    def _append(self, unit: Transaction, end_s: int, used: int) -> None:
        unit.append(self.kind.name, end_s << _SAMPLE_BITS | used, keep=self.kind.capacity)

    def _set(self, entries: dict[int, int]) -> None:
        self._entries = entries

    def _go_back(self, last: tuple[int, int] | None) -> None:
        self._last = last


class SampleLogs:
    """Every log of one register; a total counts for a boundary within ``grace`` behind it."""

    def __init__(self, store: Store, kinds: tuple[LogKind, ...], grace: timedelta) -> None:
        scope = store.scope("samples")
        self._grace = grace
        self._logs = {kind.sample_id: SampleLog(kind, scope) for kind in kinds}

    def get(self, sample_id: int) -> SampleLog | None:
        """The log with this identifier."""
        return self._logs.get(sample_id)

    def forget_totals(self) -> None:
        """The meter has left; what was logged stays."""
        for log in self._logs.values():
            log.forget_total()

    def moment(self, taken_at: datetime | None, now: datetime) -> datetime:
        """When a total was taken: as the meter says, unless it is far from the clock here."""
        return now if taken_at is None or abs(now - taken_at) > self._grace else taken_at

    def take(self, total: int, taken_at: datetime | None, now: datetime) -> None:
        """Take a pushed total into every log at whose boundary it was taken.

        The meter's own moment counts unless it is far from the clock here (``now``).
        """
        taken_at = self.moment(taken_at, now)
        for log in self._logs.values():
            boundary = next_boundary(taken_at, log.kind.period) - log.kind.period
            if taken_at - boundary <= self._grace:
                log.take(boundary, total)


def _total(held: Json) -> tuple[int, int] | None:
    match held:
        case [int(at_s), int(total)]:
            return at_s, total
    return None
