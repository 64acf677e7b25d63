"""Event and security logs: bounded, persistent, stamped by the device's own clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from struct import Struct
from typing import Final

from device.clock import DeviceClock
from device.events import EventStream, LogEntry
from device.store import Store, StoreError
from gbcs.errors import LocalError
from gbcs.stamp import Reliability
from gbcs.zcl.types import zcl_moment, zcl_seconds

CAPACITY: Final = 100
"""Entries of an event log or a security log."""
_HEAD: Final = Struct(">IH")
NO_TIME: Final = 0xFFFFFFFF
"""What stands where a device that does not know the time would write it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: the device's own time (None if its clock was invalid), code, further octets."""

    at: datetime | None
    code: int
    other: bytes = b""


class DeviceLog:
    """One log of a device. ``name`` is what it is called, "event" or "security"."""

    def __init__(
        self,
        name: str,
        *,
        device: int,
        clock: DeviceClock,
        store: Store,
        events: EventStream,
        true_time: Callable[[], datetime],
        keep: int = CAPACITY,
    ) -> None:
        self.name = name
        self._device = device
        self._clock = clock
        self._store = store
        self._events = events
        self._true_time = true_time
        self._keep = keep
        self._watchers: list[Callable[[LogEntry], object]] = []

    def watch(self, watcher: Callable[[LogEntry], object]) -> None:
        """Call with each new entry inside the unit that adds it, to keep something with it."""
        self._watchers.append(watcher)

    def add(self, code: int, other: bytes = b"") -> None:
        """Add an entry, as part of the open unit when there is one."""
        octets = _HEAD.pack(time_s(self._clock), code) + other
        entry = LogEntry(
            moment=self._true_time(),
            device=self._device,
            log=self.name,
            code=code,
            at=_read(octets).at,
            other=other,
        )
        with self._store.transaction() as unit:
            unit.append(f"log:{self.name}", octets, keep=self._keep)
            for watcher in self._watchers:
                watcher(entry)
            unit.on_commit(lambda: self._events.publish(entry))

    def entries(self) -> tuple[Entry, ...]:
        """Every entry, oldest first."""
        with self._store.transaction() as unit:
            return tuple(_read(octets) for octets in unit.entries(f"log:{self.name}"))

    def clear(self) -> None:
        """Drop every entry."""
        with self._store.transaction() as unit:
            unit.clear(f"log:{self.name}")


def time_s(clock: DeviceClock) -> int:
    """The device's own time as logs and alerts write it: seconds since 2000-01-01 UTC.

    NO_TIME while the clock is invalid, or shows what cannot be written.
    """
    if clock.status is Reliability.INVALID:
        return NO_TIME
    try:
        return zcl_seconds(clock.now())
    except LocalError:
        return NO_TIME


def _read(octets: int | str | bytes) -> Entry:
    if not isinstance(octets, bytes) or len(octets) < _HEAD.size:
        raise StoreError("a log holds something that is no log entry")
    seconds, code = _HEAD.unpack_from(octets)
    at = None if seconds == NO_TIME else zcl_moment(seconds)
    return Entry(at, code, octets[_HEAD.size :])
