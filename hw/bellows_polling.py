"""How often a dongle that is a sleepy end device polls its parent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from han.radio import AWAKE_POLL_S, RadioError
from hw.ezsp_port import EzspPort


class DonglePolling:
    """What the firmware is told of polling; nothing at all unless the node is ``sleepy``.

    EZSP leaves it to the host to poll for the acknowledgement of what it sends.
    """

    def __init__(self, *, sleepy: bool) -> None:
        self._sleepy = sleepy
        self._every_s: float | None = None
        self._expecting = 0
        self._told: float | None = None
        self._turn = asyncio.Lock()

    async def set(self, port: EzspPort | None, every_s: float | None) -> None:
        """Poll this often from now on, None not at all; later, when there is no ``port`` yet."""
        self._every_s = every_s
        if port is not None:
            await self._tell(port)

    async def begin(self, port: EzspPort) -> None:
        """The node came to its network: its firmware does not poll yet."""
        self._told = None
        await self._tell(port)

    @asynccontextmanager
    async def expecting(self, port: EzspPort) -> AsyncIterator[None]:
        """Poll fast while the block lasts, for something is to come."""
        self._expecting += 1
        try:
            await self._tell(port)
            yield
        finally:
            self._expecting -= 1
            with suppress(RadioError):  # a lost radio does not poll either
                await self._tell(port)

    @property
    def _wanted_s(self) -> float | None:
        if self._expecting and (self._every_s is None or self._every_s > AWAKE_POLL_S):
            return AWAKE_POLL_S
        return self._every_s

    async def _tell(self, port: EzspPort) -> None:
        if not self._sleepy:
            return
        async with self._turn:
            wanted_s = self._wanted_s
            if wanted_s != self._told:
                await port.poll(wanted_s)
                self._told = wanted_s
