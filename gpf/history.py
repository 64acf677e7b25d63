"""Gas by day, week and month: the GPF's cumulative and historical value store (SMETS).

The meter tells only what it counted today, and begins anew at midnight. From its pushes the GPF
keeps every day of the current and of the last thirteen months, in energy and in money; a week or
month is the sum of its days. What no push told of a day, its half hours tell once the GPF
has caught up on them; a day of which those are missing, too, counts nothing: nothing is
interpolated.

Days are those of the GPF's own clock: the amounts of a meter whose clock is far from it are taken
when they come (``push_grace_s``). Should the GPF's own clock be ahead, nothing is lost: old days
make room by their number, and days that lie ahead are dropped when it is right again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from device.periods import DAY, midnight
from device.sample_log import PROFILE
from device.store import Json, Store, Transaction
from gbcs.zcl.types import zcl_seconds

MONTHS_KEPT: Final = 13
_MOST_DAYS: Final = 31 * (MONTHS_KEPT + 1)
_COURSES: Final = 31 + 7
"""Days that a current month, or a week that began in the one before it, may reach."""
_DAYS: Final = "day/"
_STATE: Final = "state"
_REGISTER_MODULUS: Final = 1 << 48
_INSTANT: Final = timedelta(microseconds=1)
_PUSHED_AT_ONCE_S: Final = 900
"""A push so long before the end of a half hour at most, or after it, is that of its end."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """Energy in Wh and its cost in 1/100000 of the currency unit."""

    energy_wh: int = 0
    cost: int = 0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(self.energy_wh + other.energy_wh, self.cost + other.cost)

    def __sub__(self, other: Amounts) -> Amounts:
        return Amounts(self.energy_wh - other.energy_wh, self.cost - other.cost)


NOTHING: Final = Amounts()
Worth = Callable[[int, datetime], Amounts]
"""Energy and cost of a volume in dm3, by the tariff of a moment."""


@dataclass(frozen=True, slots=True)
class Point:
    """What had been used since midnight, at a moment in UTCTime seconds."""

    at_s: int
    used: Amounts


@dataclass(frozen=True, slots=True)
class _State:
    """How the newest push stood: what the meter counted, before what, at which register.

    ``base`` is what the day had used when the meter's counters began anew within it.
    """

    meter: int = 0
    counted: Amounts = NOTHING
    base: Amounts = NOTHING
    register_dm3: int | None = None


class ConsumptionHistory:
    """Kept in the store; every method that changes it is one unit."""

    def __init__(self, store: Store, worth: Worth) -> None:
        self._store, self._worth = store.scope("history"), worth
        with self._store.transaction() as unit:
            self._state = _state_of(unit.get_json(_STATE))
            self._days = {
                date.fromisoformat(key.removeprefix(_DAYS)): _points_of(unit.get_json(key))
                for key in unit.keys(_DAYS)
            }

    def belongs_to(self, meter: int) -> None:
        """A meter has the mirror: the counters of another one begin beside what the day has."""
        if self._state.meter == meter:
            return
        newest = max(self._days, default=None)
        base = NOTHING if newest is None else self._days[newest][-1].used
        with self._store.transaction() as unit:
            self._keep(unit, _State(meter, base=base))

    def take(self, at: datetime, counted: Amounts, register_dm3: int | None, now: datetime) -> None:
        """Take what a meter counted since midnight, at a moment; one that is past is ignored.

        ``now`` is the GPF's own clock.
        """
        day = at.date()
        with self._store.transaction() as unit:
            self._drop_ahead(unit, max(day, now.date()))
            newest, points = max(self._days, default=day), self._days.get(day, ())
            if day < newest or (points and zcl_seconds(at) < points[-1].at_s):
                return
            base = _base_of(self._state, counted) if points else NOTHING
            if day == newest + DAY:
                self._end(unit, newest, day, at, counted, register_dm3)
            if day != newest:
                self._shorten(unit)
            state = _State(self._state.meter, counted, base, register_dm3)
            self._keep(unit, state)
            self._put(unit, day, (*points, Point(zcl_seconds(at), base + counted)))

    def fill(self, day: date, volumes_dm3: Sequence[int]) -> None:
        """Take the half hours of a day that is over: what its last push did not tell is added."""
        newest, points = max(self._days, default=day), self._days.get(day, ())
        ends = [midnight(day, UTC) + (n + 1) * PROFILE.period for n in range(len(volumes_dm3))]
        if day >= newest or (points and points[-1].at_s >= zcl_seconds(ends[-1])):
            return
        used = points[-1].used if points else NOTHING
        found = list(points)
        for end, volume_dm3 in zip(ends, volumes_dm3, strict=True):
            if not points or zcl_seconds(end) - points[-1].at_s > _PUSHED_AT_ONCE_S:
                used += self._worth(volume_dm3, end - _INSTANT)
                found.append(Point(zcl_seconds(end), used))
        with self._store.transaction() as unit:
            self._put(unit, day, tuple(found) if self._may_be_current(day) else (found[-1],))

    def used(
        self, first: date, last: date, now: datetime, hidden_before: datetime | None = None
    ) -> Amounts:
        """What was used from one day to before another.

        A period that began before ``hidden_before`` used nothing, unless it lasts still: then it
        counts from there.
        """
        begins, ends = midnight(first, now.tzinfo), midnight(last, now.tzinfo)
        if hidden_before is not None and begins < hidden_before and not begins <= now < ends:
            return NOTHING
        days = (day for day in self._days if first <= day < last)
        return sum((self._of_day(day, now, hidden_before) for day in days), NOTHING)

    def _of_day(self, day: date, now: datetime, hidden_before: datetime | None) -> Amounts:
        points = self._days[day]
        total = points[-1].used
        if hidden_before is None or hidden_before <= midnight(day, now.tzinfo):
            return total
        from_s = zcl_seconds(hidden_before)
        before = next((each.used for each in points if each.at_s >= from_s), total)
        return total - before

    def _end(
        self,
        unit: Transaction,
        ended: date,
        day: date,
        at: datetime,
        counted: Amounts,
        register_dm3: int | None,
    ) -> None:
        """Add to a day what flowed after its last push: by the register, less what today has."""
        if register_dm3 is None or self._state.register_dm3 is None:
            return
        end = midnight(day, at.tzinfo)
        volume_dm3 = (register_dm3 - self._state.register_dm3) % _REGISTER_MODULUS
        worth = self._worth(volume_dm3, end - _INSTANT)
        left_wh = worth.energy_wh - counted.energy_wh
        if left_wh <= 0:
            return
        left = Amounts(left_wh, worth.cost * left_wh // worth.energy_wh)
        points = self._days[ended]
        self._put(unit, ended, (*points, Point(zcl_seconds(end), points[-1].used + left)))

    def _drop_ahead(self, unit: Transaction, today: date) -> None:
        """Drop days that were taken by a clock which has been set back since.

        The meter goes on beside what its day had before, or with it, if it has counted on.
        """
        ahead = [day for day in self._days if day > today]
        for day in ahead:
            self._put(unit, day, ())
        if ahead:
            newest = max(self._days, default=None)
            used = NOTHING if newest is None else self._days[newest][-1].used
            self._keep(unit, _State(self._state.meter, counted=used))

    def _shorten(self, unit: Transaction) -> None:
        """Make room for a day, and drop the course of days of which only sums count."""
        for day in sorted(self._days)[: 1 - _MOST_DAYS]:
            self._put(unit, day, ())
        for day, points in tuple(self._days.items()):
            if len(points) > 1 and not self._may_be_current(day):
                self._put(unit, day, points[-1:])

    def _may_be_current(self, day: date) -> bool:
        """Whether a current week or month may reach a day, so that its course counts."""
        return sum(later > day for later in self._days) < _COURSES

    def _put(self, unit: Transaction, day: date, points: tuple[Point, ...]) -> None:
        """Keep the course of a day; an empty one is dropped."""
        before = dict(self._days)
        unit.on_rollback(lambda: self._go_back(before))
        if points:
            self._days[day] = points
            unit.put_json(f"{_DAYS}{day.isoformat()}", [_json(each) for each in points])
        else:
            del self._days[day]
            unit.delete(f"{_DAYS}{day.isoformat()}")

    def _keep(self, unit: Transaction, state: _State) -> None:
        before, self._state = self._state, state
        unit.on_rollback(lambda: self._stand(before))
        counted, base = state.counted, state.base
        unit.put_json(
            _STATE,
            {
                "meter": state.meter,
                "counted": [counted.energy_wh, counted.cost],
                "base": [base.energy_wh, base.cost],
                "register": state.register_dm3,
            },
        )

    def _go_back(self, days: dict[date, tuple[Point, ...]]) -> None:
        self._days = days

    def _stand(self, state: _State) -> None:
        self._state = state


def _base_of(state: _State, counted: Amounts) -> Amounts:
    """What a day had used when the meter's counters began anew; each may have done so."""
    base, before = state.base, state.counted
    if counted.energy_wh < before.energy_wh:
        base = replace(base, energy_wh=base.energy_wh + before.energy_wh)
    if counted.cost < before.cost:
        base = replace(base, cost=base.cost + before.cost)
    return base


def _json(point: Point) -> Json:
    return [point.at_s, point.used.energy_wh, point.used.cost]


def _points_of(held: Json) -> tuple[Point, ...]:
    return tuple(_points(held if isinstance(held, list) else []))


def _points(held: list[Json]) -> Iterator[Point]:
    for each in held:
        match each:
            case [int(at_s), int(energy_wh), int(cost)]:
                yield Point(at_s, Amounts(energy_wh, cost))


def _state_of(held: Json) -> _State:
    match held:
        case {
            "meter": int(meter),
            "counted": [int(energy_wh), int(cost)],
            "base": [int(base_wh), int(base_cost)],
            "register": int() | None as register,
        }:
            return _State(meter, Amounts(energy_wh, cost), Amounts(base_wh, base_cost), register)
    return _State()
