"""The air: stations on channels, links that lose, delay and repeat frames, and a tap for captures.

The ether knows nothing of Zigbee above the MAC header. It plays the part of the medium and of the
radio hardware: it hands a frame to those who listen, carries the acknowledgement back, and tells
the sender how its transmission ended. All time is the running event loop's (``loop.time``,
``loop.call_at``), so a loop that jumps to the next deadline makes days pass in seconds. All
chance comes from one seed: the same seed and the same traffic give the same air.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from hw.key_ring import KeyRing
from hw.zigbee import mac
from hw.zigbee.errors import MalformedFrame

OCTET_S: Final = 32e-6  # 250 kbit/s, O-QPSK at 2.4 GHz
PREAMBLE_OCTETS: Final = 6
FCS_OCTETS: Final = 2
TURNAROUND_S: Final = 192e-6
ACK_WAIT_S: Final = 864e-6


class Acknowledged(Enum):
    """How a transmission ended for the sender's hardware."""

    NO = "no acknowledgement"
    YES = "acknowledged"
    PENDING = "acknowledged, and more is waiting for the poller"


@dataclass(frozen=True, slots=True)
class Link:
    """One direction between two stations; ``loss`` and ``repeat`` are probabilities per frame."""

    loss: float = 0.0
    repeat: float = 0.0
    latency_s: float = 0.0
    rssi_dbm: int = -40
    lqi: int = 255


CLEAR: Final = Link()


class Station(Protocol):
    """What the ether must know of a radio on it."""

    @property
    def eui64(self) -> int:
        """The station's IEEE address, which names its links."""
        ...

    @property
    def channel(self) -> int | None:
        """Where it listens now; None while its receiver is off."""
        ...

    def accepts(self, frame: mac.MacFrame) -> bool:
        """The hardware address filter."""
        ...

    def hear(self, frame: mac.MacFrame, link: Link) -> bytes | None:
        """Take a frame; the acknowledgement to send, if any."""
        ...


class Tap(Protocol):
    """Sees every frame on the air, such as :class:`hw.capture.PcapWriter`."""

    def frame(self, psdu: bytes, channel: int) -> None:
        """One frame without FCS, at the moment it ends."""
        ...


SentCallback = Callable[[Acknowledged], None]


class Ether:
    """The medium all virtual radios of one bench share.

    ``airtime`` makes frames take their real time on the channel, one after the other; without it
    the medium is infinitely fast, which is what throughput measurements want.
    """

    def __init__(self, seed: int = 0, *, link: Link = CLEAR, airtime: bool = True) -> None:
        self.random = random.Random(seed)
        self.keys = KeyRing()  # what the nodes on this air used, for its captures
        self._default_link = link
        self._airtime = airtime
        self._links: dict[tuple[int, int], Link] = {}
        self._stations: list[Station] = []
        self._taps: list[Tap] = []
        self._busy_until: dict[int, float] = {}

    def attach(self, station: Station) -> None:
        """Put a station on the air; its own channel says where."""
        if station not in self._stations:
            self._stations.append(station)

    def detach(self, station: Station) -> None:
        """Take a station off the air."""
        if station in self._stations:
            self._stations.remove(station)

    def tap(self, tap: Tap) -> None:
        """Let ``tap`` see every frame from now on."""
        self._taps.append(tap)

    def untap(self, tap: Tap) -> None:
        """Stop :meth:`tap`."""
        self._taps.remove(tap)

    def set_link(self, sender: int, receiver: int, link: Link, *, both: bool = True) -> None:
        """Give two stations (by EUI-64) a link of their own; ``Link(loss=1)`` is out of range."""
        self._links[sender, receiver] = link
        if both:
            self._links[receiver, sender] = link

    def set_default_link(self, link: Link) -> None:
        """The link of every pair that has none of its own."""
        self._default_link = link

    def transmit(self, sender: Station, channel: int, psdu: bytes, sent: SentCallback) -> None:
        """Put one frame (without FCS) on the channel; ``sent`` hears how it ended, always later."""
        loop = asyncio.get_running_loop()
        if not self._airtime:
            loop.call_soon(self._land, loop, sender, channel, psdu, sent)
            return
        start = max(loop.time(), self._busy_until.get(channel, 0.0))
        end = start + TURNAROUND_S + _airtime_s(psdu)
        self._busy_until[channel] = end
        loop.call_at(end, self._land, loop, sender, channel, psdu, sent)

    def _land(
        self,
        loop: asyncio.AbstractEventLoop,
        sender: Station,
        channel: int,
        psdu: bytes,
        sent: SentCallback,
    ) -> None:
        """The frame ends now: show it to the taps and to whoever listens."""
        for tap in tuple(self._taps):
            tap.frame(psdu, channel)
        try:
            frame = mac.MacFrame.from_bytes(psdu)
        except MalformedFrame:
            loop.call_soon(sent, Acknowledged.NO)
            return
        flight = _Flight(self, loop, sender, channel, frame, sent)
        for station in tuple(self._stations):
            if station is not sender and station.channel == channel and station.accepts(frame):
                flight.towards(station, self._link(sender, station))
        flight.departed()

    def link(self, sender: int, receiver: int) -> Link:
        """The link in force from one station to another."""
        return self._links.get((sender, receiver), self._default_link)

    def _link(self, sender: Station, receiver: Station) -> Link:
        if not self._links:
            return self._default_link
        return self.link(sender.eui64, receiver.eui64)

    def happens(self, probability: float) -> bool:
        """Draw once, unless the outcome is certain (so that a clean air draws nothing)."""
        return probability > 0 and (probability >= 1 or self.random.random() < probability)

    def show(self, psdu: bytes, channel: int) -> None:
        """Show an acknowledgement to the taps."""
        for tap in self._taps:
            tap.frame(psdu, channel)

    def ack_time_s(self) -> float:
        """How long an acknowledgement keeps the sender waiting."""
        return TURNAROUND_S + 11 * OCTET_S if self._airtime else 0.0


class _Flight:
    """One frame on its way to its receivers, until the sender knows how it ended."""

    __slots__ = ("_channel", "_ended", "_ether", "_frame", "_in_air", "_loop", "_sender", "_sent")

    def __init__(
        self,
        ether: Ether,
        loop: asyncio.AbstractEventLoop,
        sender: Station,
        channel: int,
        frame: mac.MacFrame,
        sent: SentCallback,
    ) -> None:
        self._ether = ether
        self._loop = loop
        self._sender = sender
        self._channel = channel
        self._frame = frame
        self._sent = sent
        self._in_air = 0
        self._ended = False

    def towards(self, station: Station, link: Link) -> None:
        if self._ether.happens(link.loss):
            return
        copies = 2 if self._ether.happens(link.repeat) else 1
        for _ in range(copies):
            if link.latency_s:
                self._in_air += 1
                self._loop.call_later(link.latency_s, self._arrive_late, station, link)
            else:
                self._arrive(station, link)

    def departed(self) -> None:
        """Every receiver has been tried or is on its way."""
        if not self._in_air or not self._frame.ack_request:
            self._end(Acknowledged.NO)

    def _arrive_late(self, station: Station, link: Link) -> None:
        self._in_air -= 1
        if station.channel == self._channel:
            self._arrive(station, link)
        self.departed()

    def _arrive(self, station: Station, link: Link) -> None:
        ack = station.hear(self._frame, link)
        if ack is None or not self._frame.ack_request:
            return
        self._ether.show(ack, self._channel)
        if not self._ether.happens(self._ether.link(station.eui64, self._sender.eui64).loss):
            pending = bool(ack[0] & 0x10)
            self._end(Acknowledged.PENDING if pending else Acknowledged.YES)

    def _end(self, outcome: Acknowledged) -> None:
        if self._ended:
            return
        self._ended = True
        if outcome is not Acknowledged.NO:
            wait_s = self._ether.ack_time_s()
        else:
            wait_s = ACK_WAIT_S if self._frame.ack_request else 0.0
        if wait_s:
            self._loop.call_later(wait_s, self._sent, outcome)
        else:
            self._loop.call_soon(self._sent, outcome)


def _airtime_s(psdu: bytes) -> float:
    return (PREAMBLE_OCTETS + len(psdu) + FCS_OCTETS) * OCTET_S
