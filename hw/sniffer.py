"""Listen to a channel through a dongle that is on no network: a capture of a HAN made by others.

A second dongle is needed to capture a network the bench itself is on; the virtual air has a tap
of its own (:meth:`hw.ether.Ether.tap`).
"""

from __future__ import annotations

import asyncio

import bellows.types as t

from han.radio import RadioError
from hw.bellows_ezsp import SmartEnergyEzsp, disconnect, radio_errors, require
from hw.ether import Tap

TRAILER_OCTETS = 2  # link quality or FCS: hosts cut it off


class _Watch:
    """Ends the capture when the dongle goes."""

    def __init__(self) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_exception(RadioError(f"the dongle is gone: {exc!r}"))


async def sniff(path: str, channel: int, tap: Tap, *, baudrate: int = 115200) -> None:
    """Show every frame on ``channel`` to ``tap`` until cancelled, or RadioError when it goes."""
    watch = _Watch()
    settings = {"path": path, "baudrate": baudrate, "flow_control": None}
    ezsp = SmartEnergyEzsp(settings, watch)

    def heard(name: str, values: list[t.LVBytes]) -> None:
        if name == "mfglibRxHandler":
            tap.frame(bytes(values[2])[:-TRAILER_OCTETS], channel)

    with radio_errors(f"listening through {path}"):
        await ezsp.connect(use_thread=False)
        try:
            (status,) = await ezsp.mfglibStart(t.Bool.true)
            require(status, "the radio test library")
            (status,) = await ezsp.mfglibSetChannel(t.uint8_t(channel))
            require(status, f"channel {channel}")
            ezsp.add_callback(heard)
            await watch.lost
        finally:
            await disconnect(ezsp)
