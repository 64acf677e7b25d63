"""Whether a bench keeps up with its clock.

Real time does not wait for a machine that is busy: what is due comes late, and timeouts run out
that would not on a faster one. At another rate (x60) the clock waits, and is slower than was asked
for. Either is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from device.event import Event
from device.timeline import Timeline

PERIOD: Final = timedelta(seconds=1)
"""How often, in the bench's time, it is measured how far it is behind."""
NOTICED: Final = timedelta(seconds=2)
"""A lag in the bench's time that the timeouts of a HAN begin to feel."""
FORGOTTEN_AFTER: Final = timedelta(hours=1)
"""When a lag that was told is no measure for others any more."""
GROWTH: Final = 2
"""How many times the last one that was told a lag must be to be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BehindClock(Event):
    """The bench is so much of its own time behind.

    ``device`` is the hub, or where that is not ours the first that joins. ``waits`` says whether
    its clock waits for the machine, or timeouts may run out.
    """

    behind: timedelta
    waits: bool


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
    lag, held_back = Lag(), timeline.held_back
    while True:
        due = timeline.now() + PERIOD
        await timeline.sleep_until(due)
        behind = timeline.now() - due + timeline.held_back - held_back
        if lag.worth_telling(behind, timeline.now()):
            tell(behind)
