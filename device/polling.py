"""How often a sleepy device polls its parent: for its own work, and as Poll Control has it.

It polls at its ShortPollInterval while it expects something, else at its LongPollInterval. One that
wakes by itself, as a gas meter does, is deaf between its wakes, unless a peer gave it a
LongPollInterval shorter than that, or has it poll fast.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from device.chassis import Chassis
from device.events import FastPolling, PollIntervalsChanged
from device.host import Host
from device.joining import Joining
from device.store import Json, StoreError
from han.poll_control import (
    LONGEST,
    QUARTER_SECOND,
    SHORTEST_LONG_POLL,
    FastPollStarted,
    FastPollStopped,
    PollControl,
    PollIntervals,
)
from han.radio import AWAKE_POLL_S, HanRadio, NetworkDown, RadioError, RadioEvent, Role
from han.zcl.tables import Served
from han.zdo.server import Binding

_KEY: Final = "poll control"
LIMITS: Final = {
    "check_in_qs": (0, LONGEST),
    "long_poll_qs": (SHORTEST_LONG_POLL, LONGEST),
    "short_poll_qs": (1, 0xFFFF),
    "fast_poll_timeout_qs": (1, 0xFFFF),
    "check_in_min_qs": (0, LONGEST),
    "long_poll_min_qs": (0, LONGEST),
    "fast_poll_timeout_max_qs": (0, 0xFFFF),
}
_WRITABLE: Final = ("check_in", "long_poll", "short_poll", "fast_poll_timeout")


@dataclass(frozen=True, slots=True)
class PollSettings:
    """How a sleepy device polls, in quarter seconds, until peers change it (Poll Control).

    No GB role table has Poll Control, so all of it is unverified; the numbers are those of the ZCL.

    poll_control: whether sleepy devices serve Poll Control; nothing is sent until a peer binds it.
    check_in_qs: time between check-ins with the peers that bound it; 0: none.
    long_poll_qs: time between polls while nothing is expected. That of a gas meter is the time
        between its wakes.
    short_poll_qs: time between polls while an answer, or the rest of a message, is expected, or a
        peer has the device poll fast.
    fast_poll_timeout_qs: how long to poll fast when a peer does not say how long.
    check_in_min_qs: shortest time between check-ins that a peer may set; 0: any.
    long_poll_min_qs: shortest LongPollInterval that a peer may set; 0: any.
    fast_poll_timeout_max_qs: longest fast polling that a peer may ask for; 0: any.
    """

    poll_control: bool = True
    check_in_qs: int = 14_400
    long_poll_qs: int = 20
    short_poll_qs: int = 2
    fast_poll_timeout_qs: int = 40
    check_in_min_qs: int = 0
    long_poll_min_qs: int = 0
    fast_poll_timeout_max_qs: int = 0

    def __post_init__(self) -> None:
        """Refuse what the ZCL has no place for."""
        for name, (least, most) in LIMITS.items():
            if not least <= (value := getattr(self, name)) <= most:
                raise ValueError(f"{name} is {value}, not from {least} to {most}")

    def intervals(self, wake_interval: timedelta | None = None) -> PollIntervals:
        """The attributes of a device, which may wake this often by itself."""
        wakes = self.long_poll_qs if wake_interval is None else wake_interval // QUARTER_SECOND
        long_poll = min(max(wakes, SHORTEST_LONG_POLL), LONGEST)
        return PollIntervals(
            check_in=max(self.check_in_qs, long_poll) if self.check_in_qs else 0,
            long_poll=long_poll,
            short_poll=min(self.short_poll_qs, long_poll),
            fast_poll_timeout=self.fast_poll_timeout_qs,
            check_in_min=self.check_in_min_qs,
            long_poll_min=self.long_poll_min_qs,
            fast_poll_timeout_max=self.fast_poll_timeout_max_qs,
        )


class Polling:
    """The polling of one device, whose ``endpoint`` serves Poll Control if it is sleepy.

    ``called`` learns which peer has the device poll fast. What peers wrote is kept.
    """

    def __init__(
        self,
        chassis: Chassis,
        radio: HanRadio,
        joining: Joining,
        endpoint: int,
        settings: PollSettings | None = None,
    ) -> None:
        self.settings = settings or PollSettings()
        self.called: Callable[[int], object] = lambda peer: None
        self._chassis, self._radio = chassis, radio
        self._wake_interval: timedelta | None = None
        self._own = self.settings.intervals()
        self.control = PollControl(endpoint, self._bound, self._restored(), self._changed)
        self._awake = False
        self._told: float | None = None
        self._turn = asyncio.Lock()
        self._host: Host | None = None
        joining.set_awake = lambda awake: self.set_awake(awake=awake)
        joining.on_joined(self._begin)

    @property
    def sleepy(self) -> bool:
        """Whether the device sleeps at all; the others have nothing to poll for."""
        return self._radio.role is Role.SLEEPY_END_DEVICE

    def wakes_every(self, interval_s: int) -> None:
        """The device wakes by itself and sleeps in between; before it starts."""
        self._wake_interval = timedelta(seconds=interval_s)
        self._own = self.settings.intervals(self._wake_interval)
        self.control.intervals = self._restored()

    def served(self) -> tuple[Served, ...]:
        """The Poll Control server of a sleepy device, for the endpoint's table."""
        return (self.control.served(),) if self.sleepy and self.settings.poll_control else ()

    def attach(self, host: Host) -> None:
        """Work on this node; before the host runs."""
        if not self.sleepy:
            return
        self._host = host
        host.node.attach(self.control)
        host.on_progress(self._progress)
        host.on_radio_event(self._radio_event)

    async def set_awake(self, *, awake: bool) -> None:
        """Poll for the device's own work, or no longer; RadioError when the radio is lost."""
        self._awake = awake
        await self._tell(always=True)

    @property
    def interval_s(self) -> float | None:
        """How often the radio polls now; None is not at all."""
        intervals = self.control.intervals
        if self._awake:
            return AWAKE_POLL_S
        long_poll = intervals.long_poll * QUARTER_SECOND
        deaf = self._wake_interval is not None and long_poll >= self._wake_interval
        expecting = not deaf and self._host is not None and self._host.node.expecting
        if self.control.fast or expecting:
            return (intervals.short_poll * QUARTER_SECOND).total_seconds()
        return None if deaf else long_poll.total_seconds()

    # -- parts ---------------------------------------------------------------------------------

    def _begin(self) -> None:
        """The device is on its network: check in with whoever bound the cluster."""
        if self.settings.poll_control and self._host is not None:
            self.control.start(self._chassis.true_time())
            self._host.kick()

    async def _tell(self, *, always: bool = False) -> None:
        """Tell the radio what changed; in turn, for the last word counts."""
        async with self._turn:
            interval_s = self.interval_s
            if not always and interval_s == self._told:
                return
            every_s = AWAKE_POLL_S if interval_s is None else interval_s
            await self._radio.set_awake(awake=interval_s is not None, every_s=every_s)
            self._told = interval_s

    async def _try_to_tell(self) -> None:
        with suppress(RadioError):  # its loss is an event of its own; it is told once it is back
            await self._tell()

    def _progress(self) -> None:
        for event in self.control.events():
            here = self._chassis.here()
            match event:
                case FastPollStarted(peer, until):
                    self._chassis.events.publish(FastPolling(**here, peer=peer, until=until))
                    self.called(peer)
                case FastPollStopped():
                    self._chassis.events.publish(FastPolling(**here))
        if self._host is not None and self.interval_s != self._told:
            self._host.start_task(self._try_to_tell(), "change how often it polls")

    def _changed(self) -> None:
        """A peer changed the intervals: keep what differs from the device's own."""
        now = self.control.intervals
        written = {name: getattr(now, name) for name in _WRITABLE}
        with self._chassis.store.transaction() as unit:
            own = {name: getattr(self._own, name) for name in _WRITABLE}
            unit.put_json(_KEY, {k: v for k, v in written.items() if v != own[k]})
        self._chassis.events.publish(PollIntervalsChanged(**self._chassis.here(), **written))

    def _restored(self) -> PollIntervals:
        with self._chassis.store.transaction() as unit:
            kept = _numbers(unit.get_json(_KEY))
        intervals = replace(self._own, **kept)
        if 0 < intervals.check_in < intervals.long_poll:  # the device's own wakes were changed
            return replace(intervals, long_poll=intervals.check_in)
        return intervals

    def _radio_event(self, event: RadioEvent) -> None:
        if isinstance(event, NetworkDown):
            self.control.stop()
            if self.control.intervals != self._own:  # of peers that it has left
                self.control.intervals = self._own
                self._changed()

    def _bound(self) -> Sequence[Binding]:
        return () if self._host is None else self._host.node.bindings


def _numbers(kept: Json) -> dict[str, int]:
    """What peers wrote, by the interval's name; StoreError when it is something else."""
    found = {}
    for name, value in (kept if isinstance(kept, dict) else {}).items():
        if name not in _WRITABLE or not isinstance(value, int):
            raise StoreError(f"{_KEY} holds {name} {value!r}, which is no interval")
        found[name] = value
    return found
