"""What commands have stored: typed data by place, with the old values at hand until it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self

from device.cosem.table import Place
from device.store import Transaction
from gbcs.dlms.data import Data, decode, encode

_PREFIX: Final = "cosem:"


class Settings:
    """Stored attributes.

    Changes collect until :meth:`keep` hands them to whoever makes them permanent, or :meth:`undo`
    takes them back.
    """

    def __init__(self, kept: Mapping[Place, Data] | None = None) -> None:
        self._values = dict(kept or {})
        self._before: dict[Place, Data | None] = {}
        self.version = 0
        """Another number after every change."""

    @classmethod
    def stored(cls, unit: Transaction) -> Self:
        """What a device has stored; MalformedMessage when it cannot be read."""
        held = {key: unit.get(key) for key in unit.keys(_PREFIX)}
        return cls(
            {
                Place.parse(key.removeprefix(_PREFIX)): decode(octets)
                for key, octets in held.items()
                if isinstance(octets, bytes)
            }
        )

    def store(self, unit: Transaction) -> None:
        """Write the changes down; call :meth:`keep` once the unit is kept."""
        for place, data in self.changes().items():
            if data is None:
                unit.delete(f"{_PREFIX}{place}")
            else:
                unit.put(f"{_PREFIX}{place}", encode(data))

    def get(self, place: Place, initial: Data) -> Data:
        """What is stored, or the initial value."""
        return self._values.get(place, initial)

    def find(self, place: Place) -> Data | None:
        """What is stored; None when nothing is."""
        return self._values.get(place)

    def put(self, place: Place, data: Data) -> None:
        """Store a value."""
        self._before.setdefault(place, self._values.get(place))
        self._values[place] = data
        self.version += 1

    def discard(self, place: Place) -> None:
        """Go back to the initial value."""
        self._before.setdefault(place, self._values.pop(place, None))
        self.version += 1

    def changes(self) -> dict[Place, Data | None]:
        """What changed since the last :meth:`keep`; None where nothing is stored any more."""
        return {place: self._values.get(place) for place in self._before}

    def keep(self) -> dict[Place, Data | None]:
        """Take note that the changes, which are returned, are permanent."""
        changed = self.changes()
        self._before.clear()
        return changed

    def undo(self) -> None:
        """Take the changes back."""
        for place, data in self._before.items():
            if data is None:
                self._values.pop(place, None)
            else:
                self._values[place] = data
        self._before.clear()
        self.version += 1
