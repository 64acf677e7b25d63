"""Who may join through a dongle.

Keys by EUI-64, kept fresh in the firmware while the window is open.

The firmware's keys for joiners expire (after 300 s or so), an install code may have been loaded
long before its device appears: so they are written when the window opens and again before they
run out.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from han.radio import DeviceJoined, JoinKind, RadioError
from hw.ezsp_port import EzspPort

LOGGER = logging.getLogger(__name__)

REFRESH_S: Final = 120.0
LONGEST_WINDOW_S: Final = 254  # 255 would mean for ever


DENIED: Final = 2
JOIN_KINDS: Final = {
    0: JoinKind.SECURED_REJOIN,
    1: JoinKind.ASSOCIATED,
    3: JoinKind.UNSECURED_REJOIN,
}


def met(eui64: int, update: int, decision: int) -> DeviceJoined | None:
    """What an EmberDeviceUpdate and an EmberJoinDecision say together; None: nothing of ours."""
    kind = JOIN_KINDS.get(update)
    return None if kind is None else DeviceJoined(eui64, kind, admitted=decision != DENIED)


class Admission:
    """The whitelist and the window; survives a lost radio."""

    def __init__(self) -> None:
        self._keys: dict[int, bytes] = {}
        self._port: EzspPort | None = None
        self._open_until_s = 0.0
        self._refresher: asyncio.Task[None] | None = None

    def key_of(self, eui64: int) -> bytes | None:
        """The preconfigured link key of an allowed device."""
        return self._keys.get(eui64)

    async def attach(self, port: EzspPort) -> None:
        """Use this port from now on; keys and window are applied to it."""
        self._port = port
        if self._remaining_s() > 0:
            await self._apply(port)

    def detach(self) -> None:
        """The port is gone."""
        self._port = None

    def close(self) -> None:
        """Stop refreshing."""
        if self._refresher is not None:
            self._refresher.cancel()
            self._refresher = None

    async def allow(self, eui64: int, link_key: bytes) -> None:
        """Let this device in while the window is open."""
        self._keys[eui64] = link_key
        if self._port is not None and self._remaining_s() > 0:
            await self._port.keys.add_transient_key(eui64, link_key)

    async def deny(self, eui64: int) -> None:
        """Take :meth:`allow` back."""
        if self._keys.pop(eui64, None) is None or self._port is None:
            return
        await self._port.keys.clear_transient_keys()
        if self._remaining_s() > 0:
            await self._write_keys(self._port)

    async def permit(self, duration_s: int) -> None:
        """Open the window for ``duration_s`` seconds; 0 closes it."""
        self._open_until_s = asyncio.get_running_loop().time() + duration_s
        if self._port is not None:
            await self._apply(self._port)

    async def _apply(self, port: EzspPort) -> None:
        remaining_s = round(self._remaining_s())
        if remaining_s > 0:
            await self._write_keys(port)
        await port.permit_joining(min(remaining_s, LONGEST_WINDOW_S))
        self.close()
        if remaining_s > REFRESH_S:
            self._refresher = asyncio.get_running_loop().create_task(
                self._refresh(), name="refresh joiners' keys"
            )

    async def _write_keys(self, port: EzspPort) -> None:
        for eui64, key in self._keys.items():
            await port.keys.add_transient_key(eui64, key)

    def _remaining_s(self) -> float:
        return self._open_until_s - asyncio.get_running_loop().time()

    async def _refresh(self) -> None:
        while self._remaining_s() > 0:
            await asyncio.sleep(min(REFRESH_S, self._remaining_s()))
            port, remaining_s = self._port, round(self._remaining_s())
            if port is None or remaining_s <= 0:
                continue
            try:
                await self._write_keys(port)
                await port.permit_joining(min(remaining_s, LONGEST_WINDOW_S))
            except RadioError as exc:
                LOGGER.warning("joiners' keys not refreshed: %s", exc)
