"""Originator counters: those of others against replay, and the device's own."""

from __future__ import annotations

from typing import Final

from device.store import Store, StoreError, Transaction
from gbcs.eui64 import format_eui64

_OCTETS: Final = 8
_LIMIT: Final = 1 << 64


class ReplayCounters:
    """The highest counter accepted from each originator, for each class of commands.

    Top-ups count apart from everything else: their counters live in the high 32 bits.
    """

    def last(self, unit: Transaction, originator: int, kind: str) -> int | None:
        """The highest counter accepted; None before the first."""
        return _read(unit, _key(originator, kind))

    def accept(self, unit: Transaction, originator: int, kind: str, counter: int) -> None:
        """Remember a counter as the highest."""
        unit.put(_key(originator, kind), counter.to_bytes(_OCTETS, "big"))


class OwnCounter:
    """The device's own originator counter, one number for each message it originates.

    It never repeats, whatever happens to the process: the number is kept with the unit that uses
    it.
    """

    def __init__(self, store: Store, first: int = 1) -> None:
        self._store = store
        self._first = first

    def start_at(self, number: int) -> None:
        """Use this number next: for a bench that repeats what another device did."""
        with self._store.transaction() as unit:
            unit.put("counter:own", (number - 1).to_bytes(_OCTETS, "big"))

    def next(self) -> int:
        """Take the next number, as part of the open unit when there is one."""
        with self._store.transaction() as unit:
            last = _read(unit, "counter:own")
            number = self._first if last is None else last + 1
            if number >= _LIMIT:
                raise StoreError("the originator counter is used up")
            unit.put("counter:own", number.to_bytes(_OCTETS, "big"))
            return number


def _key(originator: int, kind: str) -> str:
    return f"counter:{kind}:{format_eui64(originator)}"


def _read(unit: Transaction, key: str) -> int | None:
    octets = unit.get(key)
    if octets is None:
        return None
    if not isinstance(octets, bytes):
        raise StoreError(f"{key} holds no counter")
    return int.from_bytes(octets, "big")
