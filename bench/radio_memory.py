"""A virtual radio's non-volatile memory, kept in the rig's store."""

from __future__ import annotations

from device.store import Store


class RadioMemory:
    """Network, keys and frame counters of one radio, by named part."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def load(self, part: str) -> bytes | None:
        """The octets saved last under this name."""
        with self._store.transaction() as unit:
            held = unit.get(part)
        return held if isinstance(held, bytes) else None

    def save(self, part: str, octets: bytes) -> None:
        """Replace them; durable when the call returns."""
        with self._store.transaction() as unit:
            unit.put(part, octets)
