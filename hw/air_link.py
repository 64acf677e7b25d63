"""What one direction between two stations does to frames, and what may change that for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from hw.zigbee import mac


@dataclass(frozen=True, slots=True)
class Link:
    """One direction between two stations; what happens by chance is a probability per frame.

    loss: the frame is not received.
    repeat: it is received twice.
    latency_s: time from its end at the sender to the receiver; the sender waits for it.
    late: it is received only after ``late_s``, when the sender has given it up and sent it again,
        or sent others: frames overtake each other.
    corrupt: it arrives with bits turned, the receiver's check of the FCS fails.
    garble: it arrives with bits turned that the FCS does not show.
    rssi_dbm, lqi: how the receiver hears it.
    """

    loss: float = 0.0
    repeat: float = 0.0
    latency_s: float = 0.0
    rssi_dbm: int = -40
    lqi: int = 255
    late: float = 0.0
    late_s: float = 0.05
    corrupt: float = 0.0
    garble: float = 0.0

    def __post_init__(self) -> None:
        for name in ("loss", "repeat", "late", "corrupt", "garble"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is a probability, not {getattr(self, name)}")
        if self.latency_s < 0 or self.late_s < 0:
            raise ValueError("a link takes no negative time")
        if not 0 <= self.lqi <= 255:
            raise ValueError(f"LQI is from 0 to 255, not {self.lqi}")
        if not -128 <= self.rssi_dbm <= 127:
            raise ValueError(f"RSSI is from -128 to 127 dBm, not {self.rssi_dbm}")


CLEAR: Final = Link()
OUT_OF_RANGE: Final = Link(loss=1.0)


@dataclass(slots=True)
class Passing:
    """A frame on its way from one station to another (by EUI-64); ``psdu`` is without FCS."""

    sender: int
    receiver: int
    psdu: bytes
    frame: mac.MacFrame | None


class Condition(Protocol):
    """Something that changes links as long as it is in force."""

    def applied(self, link: Link, passing: Passing) -> Link:
        """The link that this frame meets; ``link`` itself when it is none of its business."""
        ...
