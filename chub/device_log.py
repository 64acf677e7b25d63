"""The CHF's device log: which devices may be on the HAN, and with which keys.

Beside it lies the historic device log: the keys of devices that were removed, by which they are
known again. Both are kept in the CHF's store as one unit with whatever changed them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from device.store import Json, Store, StoreError, Transaction
from gbcs.eui64 import format_eui64, parse_eui64
from gbcs.party import DeviceType
from han.radio import aes_mmo

CAPACITY: Final = 16
"""Places in the device log (GBCS use-case catalogue, logEntries); the hub's own GPF takes none."""
HISTORIC_CAPACITY: Final = 15
"""Places in the historic device log; the oldest entry gives way."""

_KEY: Final = "device_log"


class DeviceLogFull(Exception):
    """The device log has no place for one more device."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One device. ``device_type`` is None when a backup, which names none, brought it.

    ``link_key`` is the preconfigured key made from its install code, or the hash of the link key
    that the device shared with an earlier hub (``restored``). ``tc_link_key`` is what key
    establishment made of it, None before the first one; ``authorised`` says whether the device
    holds that key now: one that joined anew by its install code does not, until it has established
    the next. Keys do not print.
    """

    eui64: int
    device_type: DeviceType | None
    link_key: bytes = field(repr=False)
    tc_link_key: bytes | None = field(default=None, repr=False)
    authorised: bool = False
    restored: bool = False

    @property
    def awaited(self) -> bool:
        """Whether it has yet to come from an earlier hub, with the hash of its key."""
        return self.restored and self.tc_link_key is None

    @property
    def key_hash(self) -> bytes:
        """AES-MMO of the trust centre link key; empty while there is none."""
        if self.tc_link_key is not None:
            return aes_mmo(self.tc_link_key)
        return self.link_key if self.restored else b""


@dataclass(frozen=True, slots=True)
class Historic:
    """A device that was removed, and its trust centre link key (or, ``hashed``, its hash)."""

    eui64: int
    key: bytes = field(repr=False)
    hashed: bool = False

    @property
    def key_hash(self) -> bytes:
        """AES-MMO of the key."""
        return self.key if self.hashed else aes_mmo(self.key)


class LogChange(Enum):
    """What happened to an entry of the device log."""

    ADDED = "added"
    REMOVED = "removed"
    KEY_ESTABLISHED = "trust centre link key established"
    JOINED_ANEW = "joined anew by install code"
    TYPE_LEARNT = "type of device learnt"


Watcher = Callable[[Entry, LogChange], object]
_Entries = dict[int, Entry]
_Historic = dict[int, Historic]


class DeviceLog:
    """Entries by EUI-64, and the historic ones. Watchers are told once a change is kept."""

    def __init__(self, store: Store, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self._store = store
        self._watchers: list[Watcher] = []
        self._backups: list[Callable[[], object]] = []
        with store.transaction() as unit:
            entries, historic = _read(unit)
        self._entries = {entry.eui64: entry for entry in entries}
        self._historic = {entry.eui64: entry for entry in historic}

    def __contains__(self, eui64: object) -> bool:
        """Whether this device may be on the HAN."""
        return eui64 in self._entries

    def get(self, eui64: int) -> Entry | None:
        """The entry of a device, None when it has none."""
        return self._entries.get(eui64)

    def entries(self) -> tuple[Entry, ...]:
        """Every entry, in the order of addition."""
        return tuple(self._entries.values())

    def historic(self) -> tuple[Historic, ...]:
        """Every device of the historic log, the oldest first."""
        return tuple(self._historic.values())

    def historic_of(self, eui64: int) -> Historic | None:
        """The historic entry of a device, None when it has none."""
        return self._historic.get(eui64)

    def authorised(self, eui64: int) -> bool:
        """Whether this device holds an established trust centre link key."""
        entry = self._entries.get(eui64)
        return entry is not None and entry.authorised

    def watch(self, watcher: Watcher) -> None:
        """Call with the entry as it is now (or was, when removed) and what happened to it."""
        self._watchers.append(watcher)

    def before_keeping(self, backup: Callable[[], object]) -> None:
        """Call once inside each unit that changes which devices there are, or a key's hash."""
        self._backups.append(backup)

    def add(self, entry: Entry) -> bool:
        """Add a device; False when it is there already, which keeps its keys.

        DeviceLogFull when there is no place.
        """
        if entry.eui64 in self._entries:
            return False
        self._put([entry])
        return True

    def restore(self, entries: Iterable[Entry]) -> None:
        """Add the devices of a backup; those that are there already keep their keys.

        DeviceLogFull when they do not all find a place: then none is added.
        """
        fresh = [entry for entry in entries if entry.eui64 not in self._entries]
        if fresh:
            self._put(fresh)

    def remove(self, eui64: int) -> Entry | None:
        """Remove a device, into the historic log if it had a trust centre link key.

        Its entry, or None when it had none.
        """
        entry = self._entries.get(eui64)
        if entry is None:
            return None
        entries, historic = dict(self._entries), dict(self._historic)
        del entries[eui64]
        left = _left_by(entry)
        if left is not None:
            historic.pop(eui64, None)
            historic[eui64] = left
            for oldest in list(historic)[:-HISTORIC_CAPACITY]:
                del historic[oldest]
        self._change(entries, historic, [entry], LogChange.REMOVED)
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
            self._update(changed, LogChange.KEY_ESTABLISHED)
        return True

    def join_anew(self, eui64: int) -> None:
        """The device came by its install code: it does not hold the established key (yet)."""
        entry = self._entries.get(eui64)
        if entry is not None and entry.authorised:
            self._update(replace(entry, authorised=False), LogChange.JOINED_ANEW)

    def learn_type(self, eui64: int, device_type: DeviceType) -> bool:
        """Note the type of a device whose type was not known; False when there is none such."""
        entry = self._entries.get(eui64)
        if entry is None or entry.device_type is not None:
            return False
        self._update(replace(entry, device_type=device_type), LogChange.TYPE_LEARNT)
        return True

    def load(self, entries: Iterable[Entry], historic: Iterable[Historic]) -> None:
        """Hold exactly these: for a bench that puts a hub into a known state; nobody is told."""
        self._entries = {entry.eui64: entry for entry in entries}
        self._historic = {entry.eui64: entry for entry in historic}
        with self._store.transaction() as unit:
            self._save(unit)

    # -- parts ---------------------------------------------------------------------------------

    def _put(self, fresh: list[Entry]) -> None:
        entries = self._entries | {entry.eui64: entry for entry in fresh}
        places = sum(entry.device_type is not DeviceType.GPF for entry in entries.values())
        if places > self.capacity:
            names = ", ".join(format_eui64(entry.eui64) for entry in fresh)
            raise DeviceLogFull(
                f"no place for {names}: the device log holds {self.capacity} devices"
            )
        self._change(entries, self._historic, fresh, LogChange.ADDED)

    def _update(self, entry: Entry, change: LogChange) -> None:
        self._change(self._entries | {entry.eui64: entry}, self._historic, [entry], change)

    def _change(
        self, entries: _Entries, historic: _Historic, told: list[Entry], change: LogChange
    ) -> None:
        """Change memory and store together, as part of the open unit when there is one."""
        before, hashes = (self._entries, self._historic), self._hashes()
        with self._store.transaction() as unit:
            unit.on_rollback(lambda: self._put_back(*before))
            self._entries, self._historic = entries, historic
            self._save(unit)
            if self._hashes() != hashes:
                for backup in tuple(self._backups):
                    backup()
            unit.on_commit(lambda: self._tell(told, change))

    def _hashes(self) -> dict[int, bytes]:
        return {eui64: entry.key_hash for eui64, entry in self._entries.items()}

    def _put_back(self, entries: _Entries, historic: _Historic) -> None:
        self._entries, self._historic = entries, historic

    def _tell(self, told: list[Entry], change: LogChange) -> None:
        for entry in told:
            for watcher in tuple(self._watchers):
                watcher(entry, change)

    def _save(self, unit: Transaction) -> None:
        unit.put_json(
            _KEY,
            {
                "entries": [_entry_to_json(one) for one in self._entries.values()],
                "historic": [_historic_to_json(one) for one in self._historic.values()],
            },
        )


def _left_by(entry: Entry) -> Historic | None:
    if entry.tc_link_key is not None:
        return Historic(entry.eui64, entry.tc_link_key)
    return Historic(entry.eui64, entry.link_key, hashed=True) if entry.restored else None


def _entry_to_json(entry: Entry) -> Json:
    return {
        "device": format_eui64(entry.eui64),
        "type": None if entry.device_type is None else entry.device_type.value,
        "link_key": entry.link_key.hex(),
        "tc_link_key": None if entry.tc_link_key is None else entry.tc_link_key.hex(),
        "authorised": entry.authorised,
        "restored": entry.restored,
    }


def _historic_to_json(entry: Historic) -> Json:
    return {"device": format_eui64(entry.eui64), "key": entry.key.hex(), "hashed": entry.hashed}


def _read(unit: Transaction) -> tuple[list[Entry], list[Historic]]:
    held = unit.get_json(_KEY)
    if held is None:
        return [], []
    try:
        if not isinstance(held, dict):
            raise TypeError("not a table")
        entries, historic = held["entries"], held["historic"]
        if not isinstance(entries, list) or not isinstance(historic, list):
            raise TypeError("not lists")
        return [_entry(one) for one in entries], [_historic(one) for one in historic]
    except (KeyError, TypeError, ValueError) as exc:
        raise StoreError(f"the device log cannot be read: {exc}") from exc


def _entry(held: Json) -> Entry:
    if not isinstance(held, dict):
        raise TypeError("an entry is a table")
    kind, key = held["type"], held["tc_link_key"]
    return Entry(
        parse_eui64(str(held["device"])),
        None if kind is None else DeviceType(str(kind)),
        bytes.fromhex(str(held["link_key"])),
        None if key is None else bytes.fromhex(str(key)),
        held["authorised"] is True,
        held["restored"] is True,
    )


def _historic(held: Json) -> Historic:
    if not isinstance(held, dict):
        raise TypeError("an entry is a table")
    key = bytes.fromhex(str(held["key"]))
    return Historic(parse_eui64(str(held["device"])), key, held["hashed"] is True)
