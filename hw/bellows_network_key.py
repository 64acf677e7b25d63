"""A new network key through a dongle: to each device under its link key, then the switch."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from han.radio import RadioError
from hw.bellows_messages import AddressBook
from hw.ezsp_port import EzspPort

LOGGER: Final = logging.getLogger(__name__)


class NetworkKeyUpdate:
    """The key on its way, and which sleepy children were sent it at a poll of theirs.

    The firmware keeps a frame for a sleepy child for some seconds only and does not tell what
    became of it, so each child is sent the key once more when it is next awake.
    """

    def __init__(self, book: AddressBook) -> None:
        self._book = book
        self._key: bytes | None = None
        self._polled: set[int] = set()

    async def send(self, port: EzspPort, key: bytes, devices: Iterable[int]) -> None:
        """Send it to these devices; RadioError when there are some and none can be sent it."""
        self._key, self._polled = key, set()
        refused: RadioError | None = None
        sent = 0
        for eui64 in devices:
            try:
                sent += await self._send_to(port, eui64, key)
            except RadioError as exc:
                refused = exc
                LOGGER.warning("network key for %016X: %s", eui64, exc)
        if sent:
            return
        if refused is not None:
            raise refused
        await port.keys.broadcast_network_key(key)  # nobody is there; the firmware takes it up

    async def _send_to(self, port: EzspPort, eui64: int, key: bytes) -> bool:
        node = self._book.node_of(eui64)
        if node is None:
            node = await port.node_of(eui64)
        if node is None:
            return False
        await port.keys.send_network_key(eui64, node, key)
        return True

    def wanted_by(self, eui64: int) -> bool:
        """Whether this child, which just polled, shall be sent the key; true once for each."""
        if self._key is None or eui64 in self._polled:
            return False
        self._polled.add(eui64)
        return True

    async def send_again(self, port: EzspPort, eui64: int) -> None:
        """Send it to a child that is awake."""
        if self._key is None:
            return
        try:
            await self._send_to(port, eui64, self._key)
        except RadioError as exc:
            LOGGER.warning("network key for %016X: %s", eui64, exc)

    async def switch(self, port: EzspPort) -> None:
        """Use it."""
        await port.keys.switch_network_key()
        self._key = None
