"""Waiting on a device's own clock, which may be stepped or drift while one waits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from device.clock import ClockChange, DeviceClock
from device.timeline import Timeline

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
HALF_HOUR: Final = timedelta(minutes=30)


def next_boundary(moment: datetime, period: timedelta = HALF_HOUR) -> datetime:
    """First multiple of the period (counted from 2000-01-01 UTC) after a moment."""
    return moment + period - (moment - _EPOCH) % period


class Call:
    """Ends waits before their time: there is something to do."""

    def __init__(self) -> None:
        self.made = False
        self.changed = asyncio.Event()

    def make(self) -> None:
        """Call whoever waits, now or next."""
        self.made = True
        self.changed.set()

    def clear(self) -> None:
        """It is being done."""
        self.made = False


async def wait_until(
    clock: DeviceClock, timeline: Timeline, own: datetime, call: Call | None = None
) -> None:
    """Return once the device's clock shows ``own`` or more, however it comes to that, or ``call``.

    A clock that is stepped back makes the wait longer, one that is stepped past ends it at once.
    """
    call = call or Call()

    def notice(_: ClockChange) -> None:
        call.changed.set()

    unwatch = clock.watch(notice)
    try:
        while clock.running_time() < own and not call.made:
            call.changed.clear()
            try:
                async with timeline.timeout_at(_later(clock.true_time_of(own), timeline.now())):
                    await call.changed.wait()
            except TimeoutError:
                continue
    finally:
        unwatch()


def _later(moment: datetime, now: datetime) -> datetime:
    """A moment that is really ahead: rounding must not make waits of no length."""
    return max(moment, now + timedelta(microseconds=1))
