"""A device's own clock: offset and drift against the timeline, and how far it can be trusted.

Set Clock (ECS70, GCS28) and the periodic reading of the hub's Time cluster are the only ways to
put a meter's clock right. :func:`transitions` is the whole state machine; what the specification
leaves open is a named field of :class:`ClockSettings`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from gbcs.stamp import Reliability

_MILLION: Final = 1_000_000
_HUB_TIME_RESOLUTION: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class ClockSettings:
    """How a device treats the hub's time; defaults marked unverified have no published text.

    ``tolerance_s``: largest difference that is adjusted silently. ``auto_recover``: a reading
    within tolerance makes an unreliable clock reliable (unverified). ``accept_first_read``: a clock
    that was never set believes its first reading (unverified). ``doubt_beyond_tolerance``: a
    reading beyond tolerance makes a reliable clock unreliable (unverified).
    ``doubt_after_power_loss``: so does a power loss that the backup bridged (unverified).
    ``max_holdover_s``: so does a hub that stays silent this long; None means never (unverified).
    ``set_clock_min_interval_s``: a Set Clock sooner than this after the last effective one is
    refused (one maker states 24 h).
    """

    tolerance_s: int = 10
    auto_recover: bool = True
    accept_first_read: bool = False
    doubt_beyond_tolerance: bool = True
    doubt_after_power_loss: bool = True
    max_holdover_s: int | None = None
    set_clock_min_interval_s: int = 0


class Occurrence(Enum):
    """What can happen to a clock."""

    SET = "set clock within its range"
    SET_REFUSED = "set clock outside its range"
    SYNC_WITHIN = "hub's time within tolerance"
    SYNC_BEYOND = "hub's time beyond tolerance"
    HUB_SILENT = "hub silent beyond holdover"
    POWER_LOST = "power lost with the backup"
    POWER_BRIDGED = "power lost, backup held"
    RATE_CHANGED = "drift changed by the bench"
    RESTORED = "earlier state restored"


@dataclass(frozen=True, slots=True)
class Transition:
    """Effect of an occurrence: status after it, take the hub's time or not, alert or not."""

    status: Reliability
    adjust: bool = False
    alert: bool = False


def transitions(settings: ClockSettings) -> Mapping[tuple[Reliability, Occurrence], Transition]:
    """Write the state machine out; every (status, occurrence) pair is in it."""
    good, doubtful, none = Reliability.RELIABLE, Reliability.UNRELIABLE, Reliability.INVALID
    beyond = doubtful if settings.doubt_beyond_tolerance else good
    bridged = doubtful if settings.doubt_after_power_loss else good
    recovered = Transition(good, adjust=True) if settings.auto_recover else Transition(doubtful)
    first = Transition(good, adjust=True) if settings.accept_first_read else Transition(none)
    table = {(status, Occurrence.SET): Transition(good, adjust=True) for status in _STATUSES}
    table |= {(status, Occurrence.POWER_LOST): Transition(none) for status in _STATUSES}
    for unchanged in (Occurrence.RATE_CHANGED, Occurrence.RESTORED):
        table |= {(status, unchanged): Transition(status) for status in _STATUSES}
    return table | {
        (good, Occurrence.SET_REFUSED): Transition(doubtful, alert=True),
        (good, Occurrence.SYNC_WITHIN): Transition(good, adjust=True),
        (good, Occurrence.SYNC_BEYOND): Transition(beyond, alert=True),
        (good, Occurrence.HUB_SILENT): Transition(doubtful),
        (good, Occurrence.POWER_BRIDGED): Transition(bridged),
        (doubtful, Occurrence.SET_REFUSED): Transition(doubtful, alert=True),
        (doubtful, Occurrence.SYNC_WITHIN): recovered,
        (doubtful, Occurrence.SYNC_BEYOND): Transition(doubtful, alert=True),
        (doubtful, Occurrence.HUB_SILENT): Transition(doubtful),
        (doubtful, Occurrence.POWER_BRIDGED): Transition(doubtful),
        (none, Occurrence.SET_REFUSED): Transition(none, alert=True),
        (none, Occurrence.SYNC_WITHIN): first,
        (none, Occurrence.SYNC_BEYOND): first,
        (none, Occurrence.HUB_SILENT): Transition(none),
        (none, Occurrence.POWER_BRIDGED): Transition(none),
    }


_STATUSES: Final = (Reliability.RELIABLE, Reliability.UNRELIABLE, Reliability.INVALID)


@dataclass(frozen=True, slots=True)
class ClockState:
    """All that a clock knows: at ``true`` it showed ``own``; since then it drifted.

    ``last_set`` is the last effective Set Clock, ``last_heard`` the last time from the hub.
    """

    true: datetime
    own: datetime
    drift_ppm: float
    status: Reliability
    last_set: datetime | None
    last_heard: datetime


@dataclass(frozen=True, slots=True)
class ClockChange:
    """What an occurrence did; ``before`` and ``after`` are the device's own time (UTC).

    ``alert`` asks for 0x8F0C "clock not adjusted" in the security log and as an alert.
    ``state_before`` is what to restore when the change is undone.
    """

    occurrence: Occurrence
    before: datetime
    after: datetime
    status_before: Reliability
    status: Reliability
    adjusted: bool
    alert: bool
    state_before: ClockState

    @property
    def step(self) -> timedelta:
        """How far the clock was moved, forward being positive."""
        return self.after - self.before


class DeviceClock:
    """One device's clock. ``true_time`` is the timeline's ``now``.

    ``offset`` is how far it is ahead at the start; ``drift_ppm`` how much faster than true time it
    runs, in millionths.
    """

    def __init__(
        self,
        true_time: Callable[[], datetime],
        *,
        settings: ClockSettings | None = None,
        offset: timedelta = timedelta(0),
        drift_ppm: float = 0.0,
        status: Reliability = Reliability.INVALID,
    ) -> None:
        self.settings = settings or ClockSettings()
        self.status = status
        self._table = transitions(self.settings)
        self._true_time = true_time
        self._drift_ppm = drift_ppm
        self._anchor_true = true_time()
        self._anchor_own = self._anchor_true + offset
        self._held: datetime | None = None
        self._last_set: datetime | None = None
        self._last_heard = self._anchor_true
        self._watchers: list[Callable[[ClockChange], object]] = []

    def now(self) -> datetime:
        """The device's own idea of UTC; it keeps running, and means nothing, while invalid."""
        return self._held or self.running_time()

    def running_time(self) -> datetime:
        """What the clock would show if it were not held; waits go by it."""
        return self.own_time(self._true_time())

    def own_time(self, true: datetime) -> datetime:
        """What this clock shows at a moment of the timeline, if nothing changes until then."""
        passed = true - self._anchor_true
        return self._anchor_own + passed + passed * self._drift_ppm / _MILLION

    def true_time_of(self, own: datetime) -> datetime:
        """Moment of the timeline when this clock shows ``own`` if nothing changes until then."""
        return self._anchor_true + (own - self._anchor_own) / (1 + self._drift_ppm / _MILLION)

    @property
    def drift_ppm(self) -> float:
        """How much faster than true time the clock runs, in millionths."""
        return self._drift_ppm

    @drift_ppm.setter
    def drift_ppm(self, value: float) -> None:
        before = self._mark()
        self._rebase(self.running_time())
        self._drift_ppm = value
        self._occur(Occurrence.RATE_CHANGED, None, before)

    @property
    def state(self) -> ClockState:
        """What to keep, or to go back to; a hold is not part of it."""
        return ClockState(
            self._anchor_true,
            self._anchor_own,
            self._drift_ppm,
            self.status,
            self._last_set,
            self._last_heard,
        )

    def restore(self, state: ClockState) -> None:
        """Go back to a state, or on from one that was kept."""
        before = self._mark()
        self._anchor_true, self._anchor_own = state.true, state.own
        self._drift_ppm, self.status = state.drift_ppm, state.status
        self._last_set, self._last_heard = state.last_set, state.last_heard
        self._occur(Occurrence.RESTORED, None, before)

    def watch(self, watcher: Callable[[ClockChange], object]) -> Callable[[], None]:
        """Call ``watcher`` after every change; the result ends that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def set_clock(
        self, hub_time: datetime | None, start: datetime | None, end: datetime | None
    ) -> ClockChange:
        """Set Clock with its range, both ends included; None leaves an end open.

        ``hub_time`` is None when the hub's Time cluster did not answer.
        """
        in_range = hub_time is not None and not (
            (start is not None and hub_time < start) or (end is not None and hub_time > end)
        )
        before = self._mark()
        if not in_range or self._set_too_soon():
            return self._occur(Occurrence.SET_REFUSED, hub_time, before)
        self._last_set = self._true_time()
        return self._occur(Occurrence.SET, hub_time, before)

    def sync(self, hub_time: datetime) -> ClockChange:
        """Periodic reading of the hub's Time cluster."""
        beyond = abs(hub_time - self.now()) > timedelta(seconds=self.settings.tolerance_s)
        before = self._mark()
        self._last_heard = self._true_time()
        occurrence = Occurrence.SYNC_BEYOND if beyond else Occurrence.SYNC_WITHIN
        return self._occur(occurrence, hub_time, before)

    def hear(self, hub_time: datetime | None) -> ClockChange | None:
        """Take the hub's Time cluster as it was read over the air; None while the hub has no time.

        It comes in whole seconds and late: within that it says "the same".
        """
        if hub_time is None:
            return self.hub_silent()
        own = self.now()
        same = timedelta(0) <= own - hub_time < _HUB_TIME_RESOLUTION
        return self.sync(own if same else hub_time)

    def hub_silent(self) -> ClockChange | None:
        """Say that a periodic reading got no answer; None while the holdover lasts."""
        limit_s = self.settings.max_holdover_s
        if limit_s is None or self._true_time() - self._last_heard <= timedelta(seconds=limit_s):
            return None
        return self._occur(Occurrence.HUB_SILENT, None, self._mark())

    def power_loss(self, *, backup_held: bool) -> ClockChange:
        """Power came back; without a backup the clock starts again and is invalid."""
        occurrence = Occurrence.POWER_BRIDGED if backup_held else Occurrence.POWER_LOST
        return self._occur(occurrence, None, self._mark())

    def hold(self, at: datetime) -> None:
        """Freeze what the clock shows: a bench tool for replays. The status stays as it is."""
        self._held = at

    def release(self) -> None:
        """Let the clock show its running time again."""
        self._held = None

    def _set_too_soon(self) -> bool:
        if self._last_set is None:
            return False
        interval = timedelta(seconds=self.settings.set_clock_min_interval_s)
        return self._true_time() - self._last_set < interval

    def _mark(self) -> tuple[datetime, ClockState]:
        return self.now(), self.state

    def _occur(
        self,
        occurrence: Occurrence,
        hub_time: datetime | None,
        before: tuple[datetime, ClockState],
    ) -> ClockChange:
        effect = self._table[self.status, occurrence]
        adjusted = effect.adjust and hub_time is not None
        if adjusted and hub_time is not None:
            self._rebase(hub_time)
            self._held = hub_time if self._held else None
            self._last_heard = self._true_time()
        self.status = effect.status
        shown, state = before
        change = ClockChange(
            occurrence=occurrence,
            before=shown,
            after=self.now(),
            status_before=state.status,
            status=self.status,
            adjusted=adjusted,
            alert=effect.alert,
            state_before=state,
        )
        self._tell(change)
        return change

    def _rebase(self, own: datetime) -> None:
        self._anchor_true, self._anchor_own = self._true_time(), own

    def _tell(self, change: ClockChange) -> None:
        for watcher in tuple(self._watchers):
            watcher(change)
