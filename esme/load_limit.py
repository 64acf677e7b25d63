"""Load limiting: too much power for too long counts, and may open the load switch for a while.

The switch stays open for a second at least: a meter does not see at the same moment that the power
is gone and that it is there again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LIMIT_EXCEEDED: Final = 0x8F01
DISABLED_BY_LIMIT: Final = 0x8F33
ENABLED_AFTER_LIMIT: Final = 0x8F34
_MILLIWATTS: Final = 1_000
_SHORTEST_RESTORATION: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class LoadLimit:
    """Threshold (W; 0 switches it off), how long it must be exceeded, and what happens then."""

    threshold_w: int = 0
    period_s: int = 0
    restoration_s: int = 0
    opens_switch: bool = False


@dataclass(slots=True)
class LoadLimitState:
    """``exceeded_since`` and ``restore_at`` in true time; ``counted`` until the power is back."""

    counter: int = 0
    exceeded_since: datetime | None = None
    counted: bool = False
    restore_at: datetime | None = None


class LoadLimiter:
    """Watches the power. ``limit`` gives the settings in force, ``move`` the switch.

    ``move`` is told whether to enable the supply, and says whether it did.
    """

    def __init__(
        self,
        state: LoadLimitState,
        limit: Callable[[], LoadLimit],
        move: Callable[[bool], bool],
    ) -> None:
        self.state = state
        self._limit = limit
        self._move = move

    def observe(self, active_mw: int, at: datetime) -> None:
        """See the imported power from this moment on."""
        limit, state = self._limit(), self.state
        if not limit.threshold_w or active_mw <= limit.threshold_w * _MILLIWATTS:
            state.exceeded_since, state.counted = None, False
        elif state.exceeded_since is None and not state.counted:
            state.exceeded_since = at

    def deadline(self) -> datetime | None:
        """When the limit takes effect, or its effect ends."""
        if self.state.restore_at is not None:
            return self.state.restore_at
        if self.state.exceeded_since is None:
            return None
        return self.state.exceeded_since + timedelta(seconds=self._limit().period_s)

    def confirm(self, at: datetime) -> Iterator[int]:
        """At this moment: the codes of what happens."""
        deadline, limit, state = self.deadline(), self._limit(), self.state
        if deadline is None or at < deadline:
            return
        if state.restore_at is not None:
            state.restore_at = None
            if self._move(True):
                yield ENABLED_AFTER_LIMIT
            return
        state.exceeded_since, state.counted = None, True
        state.counter += 1
        yield LIMIT_EXCEEDED
        if limit.opens_switch and self._move(False):
            restoration = timedelta(seconds=limit.restoration_s)
            state.restore_at = at + max(restoration, _SHORTEST_RESTORATION)
            yield DISABLED_BY_LIMIT

    def forget(self) -> None:
        """Somebody else has moved the switch: nothing is to come."""
        self.state.exceeded_since, self.state.restore_at = None, None

    def lose_power(self) -> None:
        """The supply is away, and no power with it; a switch that is open is closed in its time."""
        self.state.exceeded_since, self.state.counted = None, False
