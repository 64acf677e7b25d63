"""The air: stations on channels, links that do things to frames, and taps for captures.

The ether knows nothing of Zigbee above the MAC header. It plays the part of the medium and of the
radio hardware: it hands a frame to those who listen, carries the acknowledgement back, and tells
the sender how its transmission ended. All time is the running event loop's (``loop.time``,
``loop.call_at``), so a loop that jumps to the next deadline makes days pass in seconds. All
chance comes from one seed: the same seed and the same traffic give the same air.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from enum import Enum
from typing import Final, Protocol

from hw.air_link import CLEAR, Condition, Passing
from hw.air_link import Link as Link
from hw.key_ring import KeyRing
from hw.zigbee import mac
from hw.zigbee.errors import MalformedFrame

OCTET_S: Final = 32e-6  # 250 kbit/s, O-QPSK at 2.4 GHz
PREAMBLE_OCTETS: Final = 6
FCS_OCTETS: Final = 2
TURNAROUND_S: Final = 192e-6
ACK_WAIT_S: Final = 864e-6
MOST_BITS_TURNED: Final = 3


class Acknowledged(Enum):
    """How a transmission ended for the sender's hardware."""

    NO = "no acknowledgement"
    YES = "acknowledged"
    PENDING = "acknowledged, and more is waiting for the poller"


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


class Dongle(Protocol):
    """A virtual dongle, as far as faults of it go."""

    mute: bool

    def crash(self) -> None:
        """Restart the firmware, as after an assertion."""
        ...

    def drop_line(self) -> None:
        """Pull the cable."""
        ...


class Tap(Protocol):
    """Sees every frame on the air, such as :class:`hw.capture.PcapWriter`."""

    def frame(self, psdu: bytes, channel: int, link: Link) -> None:
        """One frame without FCS, at the moment it ends, over the link it was heard on.

        A broadcast is shown once, over the link to one of those who hear it.
        """
        ...


SentCallback = Callable[[Acknowledged], None]


class Ether:
    """The medium all virtual radios of one bench share.

    ``airtime`` makes frames take their real time on the channel, one after the other; without it
    the medium is infinitely fast, which is what throughput measurements want. No parent keeps a
    frame for a sleepy child longer than ``indirect_limit_s``, whatever its own patience.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        link: Link = CLEAR,
        airtime: bool = True,
        indirect_limit_s: float = math.inf,
    ) -> None:
        self.random = random.Random(seed)
        self.keys = KeyRing()  # what the nodes on this air used, for its captures
        self.indirect_limit_s = indirect_limit_s
        self.dongles: dict[int, Dongle] = {}
        self._conditions: list[Condition] = []
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

    def impose(self, condition: Condition) -> Callable[[], None]:
        """Let a condition bend the links from now on; the result ends that (again: no harm)."""
        self._conditions.append(condition)

        def end() -> None:
            if condition in self._conditions:
                self._conditions.remove(condition)

        return end

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
        try:
            frame = mac.MacFrame.from_bytes(psdu)
        except MalformedFrame:
            self.show(psdu, channel, self._default_link)
            loop.call_soon(sent, Acknowledged.NO)
            return
        met = [
            (station, self._met(sender, station, psdu, frame))
            for station in tuple(self._stations)
            if station is not sender and station.channel == channel and station.accepts(frame)
        ]
        self.show(psdu, channel, met[0][1] if met else self._default_link)
        flight = _Flight(self, loop, sender, channel, frame, sent)
        for station, link in met:
            flight.towards(station, link)
        flight.departed()

    def link(self, sender: int, receiver: int) -> Link:
        """The link from one station to another, as it is when nothing is imposed."""
        return self._links.get((sender, receiver), self._default_link)

    def _met(
        self, sender: Station, receiver: Station, psdu: bytes, frame: mac.MacFrame | None
    ) -> Link:
        """The link in force for one frame."""
        if not self._links and not self._conditions:
            return self._default_link
        link = self.link(sender.eui64, receiver.eui64)
        if self._conditions:
            passing = Passing(sender.eui64, receiver.eui64, psdu, frame)
            for condition in tuple(self._conditions):
                link = condition.applied(link, passing)
        return link

    def happens(self, probability: float) -> bool:
        """Draw once, unless the outcome is certain (so that a clean air draws nothing)."""
        return probability > 0 and (probability >= 1 or self.random.random() < probability)

    def show(self, psdu: bytes, channel: int, link: Link) -> None:
        """Show a frame to the taps."""
        for tap in tuple(self._taps):
            tap.frame(psdu, channel, link)

    def garbled(self, frame: mac.MacFrame) -> mac.MacFrame | None:
        """A frame with one to three of its bits turned; None when it is no frame any more."""
        octets = bytearray(frame.to_bytes())
        for _ in range(self.random.randint(1, MOST_BITS_TURNED)):
            position = self.random.randrange(8 * len(octets))
            octets[position // 8] ^= 1 << position % 8
        try:
            return mac.MacFrame.from_bytes(bytes(octets))
        except MalformedFrame:
            return None

    def acknowledgement(
        self, ack: bytes, of: Station, to: Station, channel: int
    ) -> Acknowledged | None:
        """Send back what a receiver's hardware answers; None when it is not heard."""
        link = self._met(of, to, ack, None)
        self.show(ack, channel, link)
        if self.happens(link.loss) or self.happens(link.corrupt):
            return None
        return Acknowledged.PENDING if ack[0] & 0x10 else Acknowledged.YES

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
        ether = self._ether
        if ether.happens(link.loss) or ether.happens(link.corrupt):
            return
        if ether.happens(link.late):
            self._loop.call_later(link.late_s, self._arrive_late, station, link)
            return
        copies = 2 if self._ether.happens(link.repeat) else 1
        for _ in range(copies):
            if link.latency_s:
                self._in_air += 1
                self._loop.call_later(link.latency_s, self._arrive_awaited, station, link)
            else:
                self._arrive(station, link)

    def departed(self) -> None:
        """Every receiver has been tried or is on its way."""
        if not self._in_air or not self._frame.ack_request:
            self._end(Acknowledged.NO)

    def _arrive_awaited(self, station: Station, link: Link) -> None:
        self._in_air -= 1
        self._arrive_late(station, link)
        self.departed()

    def _arrive_late(self, station: Station, link: Link) -> None:
        if station.channel == self._channel:
            self._arrive(station, link)

    def _arrive(self, station: Station, link: Link) -> None:
        frame: mac.MacFrame | None = self._frame
        if self._ether.happens(link.garble):
            frame = self._ether.garbled(self._frame)
            if frame is None or not station.accepts(frame):
                return
        assert frame is not None
        ack = station.hear(frame, link)
        if ack is None or not self._frame.ack_request:
            return
        outcome = self._ether.acknowledgement(ack, station, self._sender, self._channel)
        if outcome is not None:
            self._end(outcome)

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
