"""Every key that was ever used on the air of a home, for those who open its capture."""

from __future__ import annotations

from collections.abc import Iterator

from chub.device_log import Entry, LogChange


class AirKeys:
    """Network keys first, then link keys, each once, in the order in which they came up."""

    def __init__(self) -> None:
        self._network: dict[bytes, None] = {}
        self._link: dict[bytes, None] = {}

    def add_network_key(self, key: bytes) -> None:
        """A network key came into use."""
        self._network[key] = None

    def add_link_key(self, key: bytes) -> None:
        """A link key came into use."""
        self._link[key] = None

    def note(self, entry: Entry, change: LogChange | None = None) -> None:
        """Watch a device log."""
        del change
        self.add_link_key(entry.link_key)
        if entry.tc_link_key is not None:
            self.add_link_key(entry.tc_link_key)

    def __iter__(self) -> Iterator[bytes]:
        """All of them."""
        return iter((*self._network, *self._link))
