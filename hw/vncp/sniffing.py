"""EZSP commands of the radio test library that a sniffer needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from hw.ether import Link
from hw.ezsp_layout import Fields
from hw.ezsp_status import Status
from hw.vncp.ezsp import Command
from hw.vncp.networking import CHANNELS

if TYPE_CHECKING:
    from hw.vncp.ncp import VirtualNcp

OK: Final[Fields] = {"status": Status.OK}
TRAILER: Final = b"\x00\x00"  # the two octets in place of the FCS; hosts cut them off


class Sniffer:
    """Hands every frame on one channel to the host, off the network."""

    def __init__(self, ncp: VirtualNcp, *, reports: bool) -> None:
        self.channel = CHANNELS[0]
        self._ncp = ncp
        self._reports = reports

    def frame(self, psdu: bytes, channel: int, link: Link) -> None:
        """See :class:`hw.ether.Tap`."""
        if self._reports and channel == self.channel:
            self._ncp.callback(
                "mfglibRxHandler",
                {
                    "linkQuality": link.lqi,
                    "rssi": link.rssi_dbm,
                    "packetContents": psdu + TRAILER,
                },
            )


def start(ncp: VirtualNcp, command: Command) -> Fields:
    """Start the test library; not while on a network."""
    if ncp.stack.on_network or ncp.sniffer is not None:
        return {"status": Status.INVALID_CALL}
    ncp.sniffer = Sniffer(ncp, reports=bool(command.number("rxCallback")))
    ncp.ether.tap(ncp.sniffer)
    return OK


def set_channel(ncp: VirtualNcp, command: Command) -> Fields:
    """Listen on another channel."""
    channel = command.number("channel")
    if ncp.sniffer is None or channel not in CHANNELS:
        return {"status": Status.INVALID_CALL}
    ncp.sniffer.channel = channel
    return OK


def end(ncp: VirtualNcp, command: Command) -> Fields:
    """Stop the test library."""
    if ncp.sniffer is None:
        return {"status": Status.INVALID_CALL}
    ncp.stop_sniffing()
    return OK


HANDLERS: Final[Mapping[str, Callable[[VirtualNcp, Command], Fields]]] = {
    "mfglibStart": start,
    "mfglibSetChannel": set_channel,
    "mfglibEnd": end,
}
