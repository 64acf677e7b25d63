"""The CHF's device log: which devices may be on the HAN, and with which key they come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from device.store import Store
from gbcs.eui64 import format_eui64, parse_eui64
from gbcs.party import DeviceType

CAPACITY: Final = 16
"""Places in the device log (GBCS use-case catalogue, logEntries)."""

_PREFIX: Final = "device_log/"


class DeviceLogFull(Exception):
    """The device log holds sixteen devices already."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One device; ``link_key`` is the preconfigured key made from its install code."""

    eui64: int
    device_type: DeviceType
    link_key: bytes = field(repr=False)


class DeviceLog:
    """Entries by EUI-64, kept in the CHF's store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._entries = {entry.eui64: entry for entry in self._restore()}

    def __contains__(self, eui64: object) -> bool:
        """Whether this device may be on the HAN."""
        return eui64 in self._entries

    def get(self, eui64: int) -> Entry | None:
        """The entry of a device, None when it has none."""
        return self._entries.get(eui64)

    def entries(self) -> tuple[Entry, ...]:
        """Every entry, in the order of addition."""
        return tuple(self._entries.values())

    def add(self, entry: Entry) -> bool:
        """Add a device; False when it is there already, which keeps its key."""
        if entry.eui64 in self._entries:
            return False
        if len(self._entries) >= CAPACITY:
            name = format_eui64(entry.eui64)
            raise DeviceLogFull(f"no place for {name}: the device log holds {CAPACITY} devices")
        with self._store.transaction() as unit:
            unit.put_json(
                _PREFIX + format_eui64(entry.eui64),
                {"type": entry.device_type.value, "link_key": entry.link_key.hex()},
            )
        self._entries[entry.eui64] = entry
        return True

    def remove(self, eui64: int) -> Entry | None:
        """Remove a device; its entry, or None when it had none."""
        entry = self._entries.pop(eui64, None)
        if entry is not None:
            with self._store.transaction() as unit:
                unit.delete(_PREFIX + format_eui64(eui64))
        return entry

    def _restore(self) -> list[Entry]:
        with self._store.transaction() as unit:
            found = []
            for key in unit.keys(_PREFIX):
                held = unit.get_json(key)
                if isinstance(held, dict):
                    kind, link_key = DeviceType(str(held["type"])), str(held["link_key"])
                    eui64 = parse_eui64(key.removeprefix(_PREFIX))
                    found.append(Entry(eui64, kind, bytes.fromhex(link_key)))
            return found
