"""Whether a bench keeps up with its clock.

Time that flows (real, or x60) does not wait for a machine that is busy: what is due comes late, and
timeouts run out that would not on a faster one. A bench that falls behind says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from device.event import Event
from device.timeline import Timeline

PERIOD: Final = timedelta(seconds=1)
"""How often, in the bench's time, the lag is measured."""
NOTICED: Final = timedelta(seconds=5)
"""A lag in the bench's time that the timeouts of a HAN begin to feel."""
FORGOTTEN_AFTER: Final = timedelta(hours=1)
GROWTH: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class BehindClock(Event):
    """What was due at this bench came so much too late, in its own time; ``device`` is the hub, or
    where that is not ours the first that joins."""

    behind: timedelta


@dataclass(slots=True)
class Lag:
    """Which lags are worth telling: one that was told only when it has doubled, or is old news."""

    _told: timedelta = field(default=timedelta(), init=False)
    _told_at: datetime | None = field(default=None, init=False)

    def worth_telling(self, lag: timedelta, now: datetime) -> bool:
        """Whether to tell this one, which is then taken as told."""
        if self._told_at is not None and now - self._told_at >= FORGOTTEN_AFTER:
            self._told = timedelta()
        if lag < max(NOTICED, GROWTH * self._told):
            return False
        self._told, self._told_at = lag, now
        return True


async def watch_pace(timeline: Timeline, tell: Callable[[timedelta], object]) -> None:
    """Call ``tell`` with how far the bench is behind when that grows; until cancelled.

    Time that jumps waits for the bench, which is never behind then: this returns at once.
    """
    if timeline.jumping:
        return
    lag = Lag()
    while True:
        due = timeline.now() + PERIOD
        await timeline.sleep_until(due)
        late = timeline.now() - due
        if lag.worth_telling(late, timeline.now()):
            tell(late)
