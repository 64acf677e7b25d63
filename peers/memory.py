"""What a display remembers: a history of each fuel, and the changes of tenancy it has heard of.

A wipe is one unit of the store: after a power cut the history is either whole, and the change is
still to be handled, or gone for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from device.store import Json, Store, Transaction
from gbcs.zcl.types import zcl_moment, zcl_seconds
from peers.reading import Fuel

_HALF_HOUR_S: Final = timedelta(minutes=30) // timedelta(seconds=1)
_ENTRY: Final = "{at_s} {register}"


@dataclass(frozen=True, slots=True)
class Remembered:
    """A register as it stood at a moment."""

    at: datetime
    register: int


@dataclass(frozen=True, slots=True)
class Change:
    """A change of tenancy as a meter tells it; ``control`` is ProposedTenancyChangeControl."""

    at: datetime
    control: int


class FuelMemory:
    """The memory of one fuel, in the display's store; at most one entry for each half hour."""

    def __init__(self, store: Store, fuel: Fuel, capacity: int) -> None:
        self._store, self._capacity = store.scope(fuel.value), capacity

    def history(self) -> tuple[Remembered, ...]:
        """Every entry, oldest first."""
        with self._store.transaction() as unit:
            return _history(unit)

    def remember(self, entry: Remembered) -> bool:
        """Keep a register; False when its half hour has one, or belongs to a former tenant."""
        at_s = zcl_seconds(entry.at)
        with self._store.transaction() as unit:
            newest = unit.get("newest")
            handled = _change(unit.get_json("handled"))
            if handled is not None and entry.at < handled.at:
                return False
            if isinstance(newest, int) and at_s // _HALF_HOUR_S <= newest:
                return False
            unit.put("newest", at_s // _HALF_HOUR_S)
            _append(unit, entry, self._capacity)
        return True

    @property
    def handled(self) -> Change | None:
        """The last change for which this history was wiped."""
        with self._store.transaction() as unit:
            return _change(unit.get_json("handled"))

    @property
    def pending(self) -> Change | None:
        """The change for which it is still to be wiped."""
        with self._store.transaction() as unit:
            return _change(unit.get_json("pending"))

    def expect(self, change: Change | None) -> None:
        """Remember what is still to be handled, instead of what was."""
        with self._store.transaction() as unit:
            if change is None:
                unit.delete("pending")
            else:
                unit.put_json("pending", _json(change))

    def wipe(self, change: Change, *, keep_from: datetime | None = None) -> tuple[int, int]:
        """Wipe for a change: numbers of entries before and after. Later entries may be kept."""
        with self._store.transaction() as unit:
            before = _history(unit)
            kept = [each for each in before if keep_from is not None and each.at >= keep_from]
            unit.clear("history")
            if not kept:
                unit.delete("newest")
            for entry in kept:
                _append(unit, entry, self._capacity)
            unit.put_json("handled", _json(change))
            unit.delete("pending")
        return len(before), len(kept)


def _history(unit: Transaction) -> tuple[Remembered, ...]:
    lines = (str(each).split() for each in unit.entries("history"))
    return tuple(Remembered(zcl_moment(int(at_s)), int(register)) for at_s, register in lines)


def _append(unit: Transaction, entry: Remembered, capacity: int) -> None:
    text = _ENTRY.format(at_s=zcl_seconds(entry.at), register=entry.register)
    unit.append("history", text, keep=capacity)


def _json(change: Change) -> Json:
    return [zcl_seconds(change.at), change.control]


def _change(held: Json) -> Change | None:
    match held:
        case [int(at_s), int(control)]:
            return Change(zcl_moment(at_s), control)
    return None
