"""The chassis: what every emulated device has, put together once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypedDict

from device.clock import ClockChange, DeviceClock, Occurrence
from device.counters import OwnCounter
from device.credentials import Credentials
from device.events import ClockStepped, EventStream, MessageDropped
from device.faults import Part
from device.kept_clock import keep_clock, kept_clock
from device.log import CAPACITY, DeviceLog
from device.outbox import Outbox
from device.settings import CommonSettings
from device.store import Store
from gbcs.envelope import Message
from gbcs.eui64 import format_eui64

CLOCK_NOT_ADJUSTED: Final = 0x8F0C
"""Clock not adjusted: the difference is too large, or outside the range of a Set Clock."""


class Here(TypedDict):
    """When and where of an event."""

    moment: datetime
    device: int


class Chassis:
    """Identity, clock, logs, own counter, outbox and the device's own part of the rig's store.

    ``true_time`` is the timeline's ``now``. Changes of the clock are kept and published, and those
    that call for it go into the security log. A clock that was kept goes on where it was.

    ``random_octets`` is the device's source of randomness, from which it makes key pairs;
    ``broken`` are the parts of it that a test makes fail.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        true_time: Callable[[], datetime],
        clock: DeviceClock,
        store: Store,
        events: EventStream,
        log_capacity: int = CAPACITY,
        common: CommonSettings | None = None,
        random_octets: Callable[[int], bytes] | None = None,
    ) -> None:
        self.common = common or CommonSettings()
        self.random_octets = random_octets
        self.broken: set[Part] = set()
        self.credentials = credentials
        self.true_time = true_time
        self.clock = clock
        self.store = store.scope(format_eui64(credentials.eui64))
        self.events = events
        credentials.keep_in(self.store)
        self.own_counter = OwnCounter(self.store)
        self.outbox = Outbox(
            self.store, self.common.outbox_places, self.common.outbox_tries, self._dropped
        )
        self.event_log, self.security_log = (
            DeviceLog(
                name,
                device=credentials.eui64,
                clock=clock,
                store=self.store,
                events=events,
                true_time=true_time,
                keep=log_capacity,
            )
            for name in ("event", "security")
        )
        with self.store.transaction() as unit:
            kept = kept_clock(unit)
        if kept is not None:
            clock.restore(kept)
        clock.watch(self._clock_changed)

    @property
    def eui64(self) -> int:
        """The device's EUI-64, which is its entity identifier too."""
        return self.credentials.eui64

    def here(self) -> Here:
        """The first two fields of an event of this device now."""
        return Here(moment=self.true_time(), device=self.credentials.eui64)

    def _dropped(self, octets: bytes, reason: str) -> None:
        message = Message.parse(octets)
        self.events.publish(
            MessageDropped(
                **self.here(),
                message_code=message.message_code,
                recipient=message.recipient,
                originator_counter=message.originator_counter,
                reason=reason,
            )
        )

    def _clock_changed(self, change: ClockChange) -> None:
        if change.occurrence is not Occurrence.RESTORED:
            self._keep_clock(change)
        self.events.publish(
            ClockStepped(
                **self.here(),
                occurrence=change.occurrence,
                before=change.before,
                after=change.after,
                status_before=change.status_before,
                status=change.status,
                adjusted=change.adjusted,
                alert=change.alert,
            )
        )

    def _keep_clock(self, change: ClockChange) -> None:
        """Keep the clock with the open unit; if that is undone, the clock goes back as well."""
        with self.store.transaction() as unit:
            unit.on_rollback(lambda: self.clock.restore(change.state_before))
            keep_clock(unit, self.clock.state)
            if change.alert:
                self.security_log.add(CLOCK_NOT_ADJUSTED)
