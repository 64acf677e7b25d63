"""Signs of life of a dongle, and the way back of one that is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from han.radio import RadioError
from hw.ezsp_port import EzspPort

LOGGER: Final = logging.getLogger(__name__)

FIRST_RETRY_S: Final = 0.25
LAST_RETRY_S: Final = 10.0
HEARTBEAT_TIMEOUT_S: Final = 4.0


class Recovery:
    """Brings the dongle at ``path`` back, however often it is lost again on the way.

    ``reopen`` opens and configures it, ``go_back`` brings it onto its network, or finds that the
    port was lost meanwhile; both raise RadioError when they cannot. Then ``give_up`` is called, and
    all begins again.
    """

    def __init__(
        self,
        path: str,
        reopen: Callable[[], Awaitable[EzspPort]],
        go_back: Callable[[EzspPort], Awaitable[None]],
        give_up: Callable[[], None],
    ) -> None:
        self.path = path
        self.running = False
        self._reopen, self._go_back, self._give_up = reopen, go_back, give_up

    async def rebuild(self, lost: EzspPort) -> None:
        """Try until the dongle is back; once at a time."""
        delay_s = FIRST_RETRY_S
        self.running = True
        try:
            while True:
                await lost.close()
                await asyncio.sleep(delay_s)
                delay_s = min(2 * delay_s, LAST_RETRY_S)
                try:
                    lost = await self._reopen()
                    await self._go_back(lost)
                except RadioError as exc:
                    LOGGER.info("%s still lost: %s", self.path, exc)
                    self._give_up()
                else:
                    return
        finally:
            self.running = False


async def watch(
    port_now: Callable[[], EzspPort | None], interval_s: float, lost: Callable[[str], None]
) -> None:
    """Ask an idle dongle for a sign of life this often; ``lost`` hears of one that gives none."""
    while True:
        await asyncio.sleep(interval_s)
        port = port_now()
        if port is None:
            continue
        try:
            async with asyncio.timeout(HEARTBEAT_TIMEOUT_S):
                await port.alive()
        except (RadioError, TimeoutError):
            if port is port_now():
                lost("no sign of life")
