"""Logs of codes: power events, controller events and the like, kept in the device's store.

Entries are written as :class:`device.log.DeviceLog` writes its own, so both can share a log; the
difference is that the moment comes from whoever noticed the event, not from the clock now.
"""

from __future__ import annotations

from datetime import datetime
from struct import Struct
from typing import Final

from device.log import Entry
from device.store import Store, StoreError
from gbcs.zcl.types import zcl_moment, zcl_seconds

CAPACITY: Final = 100
NO_TIME: Final = 0xFFFFFFFF
_HEAD: Final = Struct(">IH")


def seconds(at: datetime | None) -> int:
    """A moment as logs carry it; all ones when the device had no time."""
    return NO_TIME if at is None else zcl_seconds(at)


def moment(seconds_since_2000: int) -> datetime | None:
    """The moment of a log's seconds."""
    return None if seconds_since_2000 == NO_TIME else zcl_moment(seconds_since_2000)


class LogBook:
    """One log; the newest ``keep`` entries."""

    def __init__(self, store: Store, name: str, keep: int = CAPACITY) -> None:
        self._store = store
        self._name = f"log:{name}"
        self._keep = keep

    def record(self, entry: Entry) -> None:
        """Add an entry, as part of the open unit when there is one."""
        octets = _HEAD.pack(seconds(entry.at), entry.code) + entry.other
        with self._store.transaction() as unit:
            unit.append(self._name, octets, keep=self._keep)

    def entries(self) -> tuple[Entry, ...]:
        """Every entry, oldest first."""
        with self._store.transaction() as unit:
            return tuple(_read(octets) for octets in unit.entries(self._name))

    def between(self, start: datetime | None, end: datetime | None) -> tuple[Entry, ...]:
        """Entries from ``start`` to ``end``, both included; those without a time come last."""
        first = 0 if start is None else seconds(start)
        last = NO_TIME if end is None else seconds(end)
        return tuple(entry for entry in self.entries() if first <= seconds(entry.at) <= last)

    def clear(self) -> None:
        """Drop every entry."""
        with self._store.transaction() as unit:
            unit.clear(self._name)


def _read(octets: int | str | bytes) -> Entry:
    if not isinstance(octets, bytes) or len(octets) < _HEAD.size:
        raise StoreError("a log holds something that is no log entry")
    at, code = _HEAD.unpack_from(octets)
    return Entry(moment(at), code, octets[_HEAD.size :])
