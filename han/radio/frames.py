"""What crosses the radio port on the way out: nodes, networks, frames, and how these end."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum


class Role(Enum):
    """What a node is on the network; the coordinator is also the trust centre."""

    COORDINATOR = "coordinator"
    ROUTER = "router"
    END_DEVICE = "end device"
    SLEEPY_END_DEVICE = "sleepy end device"


class Broadcast(IntEnum):
    """Broadcast destinations by who listens (Zigbee PRO)."""

    ALL = 0xFFFF
    RX_ON_WHEN_IDLE = 0xFFFD
    ROUTERS = 0xFFFC


@dataclass(frozen=True, slots=True)
class SimpleDescriptor:
    """One endpoint as service discovery shows it."""

    endpoint: int
    profile_id: int
    device_id: int
    input_clusters: tuple[int, ...]
    output_clusters: tuple[int, ...]
    device_version: int = 0


@dataclass(frozen=True, slots=True)
class NetworkParameters:
    """A network to form. The key is a secret and never printed."""

    channel: int
    pan_id: int
    extended_pan_id: int
    network_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Beacon:
    """What an active scan heard of one router or coordinator."""

    channel: int
    pan_id: int
    extended_pan_id: int
    permits_joining: bool
    lqi: int = 255
    rssi_dbm: int = -40


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a fragmented APS message; only part 0 tells how many parts there are."""

    index: int
    count: int | None = None


@dataclass(frozen=True, slots=True)
class ApsFrame:
    """One APS data frame to send, no larger than ``HanRadio.max_payload``.

    ``aps_counter`` is given only for parts after the first of one fragmented message: all parts
    share the counter that the report of part 0 named.
    """

    peer: int | Broadcast
    profile_id: int
    cluster_id: int
    source_endpoint: int
    destination_endpoint: int
    payload: bytes
    acknowledged: bool = True
    encrypted: bool = False
    block: Block | None = None
    aps_counter: int | None = None


class DeliveryStatus(Enum):
    """How sending one frame ended."""

    DELIVERED = "delivered"
    NO_ACKNOWLEDGEMENT = "no acknowledgement"
    UNKNOWN_PEER = "unknown peer"
    NO_LINK_KEY = "no link key"
    EXPIRED = "expired in the indirect queue"
    RADIO_LOST = "radio lost"
    QUEUE_FULL = "too many messages wait for the peer"
    TOO_LONG = "longer than a message may be"


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """The end of one ``send``; DELIVERED of an unacknowledged frame only says that it left."""

    status: DeliveryStatus
    aps_counter: int

    @property
    def delivered(self) -> bool:
        """Whether the peer acknowledged (or the frame left, when no acknowledgement was asked)."""
        return self.status is DeliveryStatus.DELIVERED


@dataclass(frozen=True, slots=True)
class BlockAck:
    """The receiver's answer to a part of a fragmented message: which parts of the window it holds.

    ``window_start`` is the index of the window's first part; bit n of ``received`` is part
    ``window_start + n``.
    """

    peer: int
    profile_id: int
    cluster_id: int
    source_endpoint: int
    destination_endpoint: int
    aps_counter: int
    window_start: int
    received: int
