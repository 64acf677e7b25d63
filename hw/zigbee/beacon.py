"""MAC payloads of joining: the Zigbee beacon, association, and the capability octet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from struct import Struct
from typing import Final

from hw.zigbee import mac
from hw.zigbee.errors import MalformedFrame

_BEACON: Final = Struct("<HBBBHQ3sB")
_ASSOCIATION_RESPONSE: Final = Struct("<BHB")
_NO_SUPERFRAME: Final = 0x0FFF
_PAN_COORDINATOR: Final = 0x4000
_ASSOCIATION_PERMIT: Final = 0x8000
_PROFILE_PRO_VERSION_2: Final = 0x22  # stack profile 2, protocol version 2
_ROUTER_CAPACITY: Final = 0x04
_END_DEVICE_CAPACITY: Final = 0x80
_NO_TX_OFFSET: Final = b"\xff\xff\xff"
NO_SHORT_ADDRESS: Final = 0xFFFF


class Capability(IntFlag):
    """What a joining device says about itself (association, rejoin, Device_annce)."""

    ROUTER = 0x02
    MAINS_POWERED = 0x04
    RX_ON_WHEN_IDLE = 0x08
    ALLOCATE_ADDRESS = 0x80


class AssociationStatus(IntEnum):
    """Third field of an association response."""

    SUCCESSFUL = 0
    PAN_AT_CAPACITY = 1
    ACCESS_DENIED = 2


@dataclass(frozen=True, slots=True)
class ZigbeeBeacon:
    """What a coordinator or router says of its network."""

    pan: int
    source: int
    extended_pan_id: int
    permits_joining: bool
    coordinator: bool
    update_id: int = 0
    end_device_capacity: bool = True

    def to_bytes(self, sequence: int) -> bytes:
        """The whole MAC frame."""
        superframe = _NO_SUPERFRAME
        superframe |= _PAN_COORDINATOR if self.coordinator else 0
        superframe |= _ASSOCIATION_PERMIT if self.permits_joining else 0
        capacity = _ROUTER_CAPACITY
        capacity |= _END_DEVICE_CAPACITY if self.end_device_capacity else 0
        payload = _BEACON.pack(
            superframe, 0, 0, 0, _PROFILE_PRO_VERSION_2 | capacity << 8,
            self.extended_pan_id, _NO_TX_OFFSET, self.update_id,
        )  # fmt: skip
        return mac.MacFrame(
            mac.FrameType.BEACON, sequence, self.pan, None, mac.Address(self.source), payload
        ).to_bytes()

    @classmethod
    def from_frame(cls, frame: mac.MacFrame) -> ZigbeeBeacon:
        """Read a beacon frame; MalformedFrame when it is not one of a Zigbee PRO network."""
        if frame.source is None or frame.source.long or len(frame.payload) < _BEACON.size:
            raise MalformedFrame("not a Zigbee beacon", len(frame.payload))
        superframe, gts, pending, protocol, network, extended, _, update = _BEACON.unpack_from(
            frame.payload
        )
        if gts or pending or protocol or network & 0xFF != _PROFILE_PRO_VERSION_2:
            raise MalformedFrame("beacon of another protocol", 2)
        return cls(
            pan=frame.pan,
            source=frame.source.number,
            extended_pan_id=extended,
            permits_joining=bool(superframe & _ASSOCIATION_PERMIT),
            coordinator=bool(superframe & _PAN_COORDINATOR),
            update_id=update,
            end_device_capacity=bool(network >> 8 & _END_DEVICE_CAPACITY),
        )


def beacon_request(sequence: int) -> bytes:
    """The frame of an active scan."""
    return mac.MacFrame(
        mac.FrameType.COMMAND,
        sequence,
        mac.BROADCAST_PAN,
        mac.Address(mac.BROADCAST_ADDRESS),
        None,
        bytes([mac.Command.BEACON_REQUEST]),
    ).to_bytes()


def association_request(
    sequence: int, pan: int, parent: int, eui64: int, capability: Capability
) -> bytes:
    """Ask ``parent`` for a short address."""
    return mac.MacFrame(
        mac.FrameType.COMMAND,
        sequence,
        pan,
        mac.Address(parent),
        mac.Address(eui64, long=True),
        bytes([mac.Command.ASSOCIATION_REQUEST, capability]),
        ack_request=True,
        source_pan=mac.BROADCAST_PAN,
    ).to_bytes()


def association_response(
    sequence: int, pan: int, parent_eui64: int, eui64: int, nwk: int, status: AssociationStatus
) -> bytes:
    """Answer with a short address, or refuse."""
    return mac.MacFrame(
        mac.FrameType.COMMAND,
        sequence,
        pan,
        mac.Address(eui64, long=True),
        mac.Address(parent_eui64, long=True),
        _ASSOCIATION_RESPONSE.pack(mac.Command.ASSOCIATION_RESPONSE, nwk, status),
        ack_request=True,
    ).to_bytes()


def read_association_response(payload: bytes) -> tuple[int, int]:
    """Short address and status of an association response's payload."""
    if len(payload) != _ASSOCIATION_RESPONSE.size:
        raise MalformedFrame("association response has another length", len(payload))
    _, nwk, status = _ASSOCIATION_RESPONSE.unpack(payload)
    return nwk, status


def data_request(sequence: int, pan: int, parent: int, child: mac.Address) -> bytes:
    """A child's poll, from its short address or, while associating, its EUI-64."""
    return mac.MacFrame(
        mac.FrameType.COMMAND,
        sequence,
        pan,
        mac.Address(parent),
        child,
        bytes([mac.Command.DATA_REQUEST]),
        ack_request=True,
    ).to_bytes()
