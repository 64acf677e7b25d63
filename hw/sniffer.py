"""Listen to a channel through a dongle that is on no network: a capture of a HAN made by others.

A second dongle is needed to capture a network the bench itself is on; the virtual air has a tap
of its own (:meth:`hw.ether.Ether.tap`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import bellows.types as t

from han.radio import RadioError
from hw.bellows_ezsp import SmartEnergyEzsp, disconnect, radio_errors, require
from hw.ether import Link, Tap

TRAILER_OCTETS = 2  # link quality or FCS: hosts cut it off


class _Watch:
    """Ends the capture when the dongle goes."""

    def __init__(self) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_exception(RadioError(f"the dongle is gone: {exc!r}"))


async def sniff(
    path: str,
    channel: int,
    tap: Tap,
    *,
    baudrate: int = 115200,
    flow_control: str | None = None,
    listening: Callable[[], object] = lambda: None,
) -> None:
    """Show every frame on ``channel`` to ``tap`` until cancelled, or RadioError when it goes.

    ``listening`` is called once the dongle listens.
    """
    watch = _Watch()
    settings = {"path": path, "baudrate": baudrate, "flow_control": flow_control}
    ezsp = SmartEnergyEzsp(settings, watch)

    def heard(name: str, values: list[t.uint8_t]) -> None:
        if name == "mfglibRxHandler":
            link = Link(rssi_dbm=int(values[1]), lqi=int(values[0]))
            tap.frame(bytes(values[2])[:-TRAILER_OCTETS], channel, link)

    with radio_errors(f"listening through {path}"):
        await ezsp.connect(use_thread=False)
        try:
            (status,) = await ezsp.mfglibStart(t.Bool.true)
            require(status, "the radio test library")
            (status,) = await ezsp.mfglibSetChannel(t.uint8_t(channel))
            require(status, f"channel {channel}")
            ezsp.add_callback(heard)
            listening()
            await watch.lost
        finally:
            await disconnect(ezsp)
