"""The CHF's device log: which devices may be on the HAN, and with which keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from device.store import Json, Store
from gbcs.eui64 import format_eui64, parse_eui64
from gbcs.party import DeviceType

CAPACITY: Final = 16
"""Places in the device log (GBCS use-case catalogue, logEntries)."""

_PREFIX: Final = "device_log/"


class DeviceLogFull(Exception):
    """The device log has no place for one more device."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One device. ``link_key`` is the preconfigured key made from its install code.

    ``tc_link_key`` is what key establishment made of it, None before the first one;
    ``authorised`` says whether the device holds that key now: one that joined anew by its install
    code does not, until it has established the next. Keys do not print.
    """

    eui64: int
    device_type: DeviceType
    link_key: bytes = field(repr=False)
    tc_link_key: bytes | None = field(default=None, repr=False)
    authorised: bool = False


class LogChange(Enum):
    """What happened to an entry of the device log."""

    ADDED = "added"
    REMOVED = "removed"
    KEY_ESTABLISHED = "trust centre link key established"
    JOINED_ANEW = "joined anew by install code"


Watcher = Callable[[Entry, LogChange], object]


class DeviceLog:
    """Entries by EUI-64, kept in the CHF's store. Watchers are told once a change is kept."""

    def __init__(self, store: Store, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self._store = store
        self._watchers: list[Watcher] = []
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

    def authorised(self, eui64: int) -> bool:
        """Whether this device holds an established trust centre link key."""
        entry = self._entries.get(eui64)
        return entry is not None and entry.authorised

    def watch(self, watcher: Watcher) -> None:
        """Call with the entry as it is now (or was, when removed) and what happened to it."""
        self._watchers.append(watcher)

    def add(self, entry: Entry) -> bool:
        """Add a device; False when it is there already, which keeps its keys."""
        if entry.eui64 in self._entries:
            return False
        if len(self._entries) >= self.capacity:
            name = format_eui64(entry.eui64)
            raise DeviceLogFull(
                f"no place for {name}: the device log holds {self.capacity} devices"
            )
        self._change(entry.eui64, entry, LogChange.ADDED)
        return True

    def remove(self, eui64: int) -> Entry | None:
        """Remove a device; its entry, or None when it had none."""
        entry = self._entries.get(eui64)
        if entry is not None:
            self._change(eui64, None, LogChange.REMOVED)
        return entry

    def establish(self, eui64: int, tc_link_key: bytes) -> bool:
        """Keep the trust centre link key that was established; False for a device not in the log.

        It is kept, and told, only when it is news.
        """
        entry = self._entries.get(eui64)
        if entry is None:
            return False
        changed = replace(entry, tc_link_key=tc_link_key, authorised=True)
        if changed != entry:
            self._change(eui64, changed, LogChange.KEY_ESTABLISHED)
        return True

    def join_anew(self, eui64: int) -> None:
        """The device came by its install code: it does not hold the established key (yet)."""
        entry = self._entries.get(eui64)
        if entry is not None and entry.authorised:
            self._change(eui64, replace(entry, authorised=False), LogChange.JOINED_ANEW)

    # -- parts ---------------------------------------------------------------------------------

    def _change(self, eui64: int, entry: Entry | None, change: LogChange) -> None:
        """Change memory and store together, as part of the open unit when there is one."""
        before, told = dict(self._entries), entry or self._entries[eui64]
        with self._store.transaction() as unit:
            unit.on_rollback(lambda: self._put_back(before))
            if entry is None:
                unit.delete(_PREFIX + format_eui64(eui64))
                del self._entries[eui64]
            else:
                unit.put_json(_PREFIX + format_eui64(eui64), _to_json(entry))
                self._entries[eui64] = entry
            unit.on_commit(lambda: self._tell(told, change))

    def _put_back(self, before: dict[int, Entry]) -> None:
        self._entries = before

    def _tell(self, entry: Entry, change: LogChange) -> None:
        for watcher in tuple(self._watchers):
            watcher(entry, change)

    def _restore(self) -> list[Entry]:
        with self._store.transaction() as unit:
            held = {key: unit.get_json(key) for key in unit.keys(_PREFIX)}
        return [
            _of_json(parse_eui64(key.removeprefix(_PREFIX)), kept)
            for key, kept in held.items()
            if isinstance(kept, dict)
        ]


def _to_json(entry: Entry) -> Json:
    return {
        "type": entry.device_type.value,
        "link_key": entry.link_key.hex(),
        "tc_link_key": entry.tc_link_key.hex() if entry.tc_link_key else None,
        "authorised": entry.authorised,
    }


def _of_json(eui64: int, kept: dict[str, Json]) -> Entry:
    established = kept.get("tc_link_key")
    return Entry(
        eui64,
        DeviceType(str(kept["type"])),
        bytes.fromhex(str(kept["link_key"])),
        bytes.fromhex(established) if isinstance(established, str) else None,
        authorised=kept.get("authorised") is True,
    )
