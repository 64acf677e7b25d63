"""A bench on a machine that is too slow says that it runs behind its clock, once per growth."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from bench.home import open_home
from bench.narrator import sentence
from bench.pace import BehindClock, watch_pace
from bench.rig import Rig
from device.event import Event, EventStream
from device.timeline import Timeline

START = datetime(2026, 5, 6, 7, tzinfo=UTC)


class BusyMachine(Timeline):
    """Time that flows, on a machine that is so late each time; it ends after the last of them."""

    def __init__(self, late_s: Iterable[float]) -> None:
        super().__init__(START, rate=60.0)
        self._late_s, self._moment = iter(late_s), START
        self.waits_s = 0.0

    def now(self) -> datetime:
        return self._moment

    async def sleep_until(self, moment: datetime) -> None:
        late_s = next(self._late_s, None)
        if late_s is None:
            raise EOFError
        self._moment = moment + timedelta(seconds=late_s)
        self.held_back += timedelta(seconds=self.waits_s)


async def told(*late_s: float) -> list[float]:
    lags = list[float]()
    with pytest.raises(EOFError):
        await watch_pace(BusyMachine(late_s), lambda lag: lags.append(lag.total_seconds()))
    return lags


async def test_a_bench_that_keeps_up_says_nothing() -> None:
    assert await told(0.0, 0.4, 1.9, 1.0) == []


async def test_a_lag_is_told_when_it_begins_and_each_time_it_has_doubled() -> None:
    assert await told(6.0, 6.5, 0.1, 11.9, 12.0, 23.0, 25.0, 7.0) == [6.0, 12.0, 25.0]


async def test_a_lag_after_an_hour_is_news_again() -> None:
    quiet = [0.0] * 3_600
    assert await told(40.0, 30.0, *quiet, 6.0) == [40.0, 6.0]


async def test_time_that_jumps_is_never_behind(timeline: Timeline) -> None:
    await watch_pace(timeline, lambda lag: pytest.fail(f"told {lag}"))


async def test_what_a_clock_waited_for_its_machine_is_told_too() -> None:
    busy, lags = BusyMachine([0.0] * 9), list[timedelta]()
    busy.waits_s = 30
    with pytest.raises(EOFError):
        await watch_pace(busy, lags.append)
    assert [lag.total_seconds() for lag in lags] == [30, 60, 120, 240]


async def test_the_lag_of_a_home_is_an_event_that_reads_as_a_warning(timeline: Timeline) -> None:
    events, seen = EventStream(), list[Event]()
    events.subscribe(seen.append, BehindClock)
    async with open_home(Rig(), timeline, events=events) as home:
        home.tell_behind(timedelta(seconds=83.7))
    assert "BENCH runs behind its clock by 84 s: which waits" in (sentence(seen[0], {}) or "")
