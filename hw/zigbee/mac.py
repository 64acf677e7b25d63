"""IEEE 802.15.4-2003 MAC frames as Zigbee uses them.

Data, acknowledgement, beacon and four commands.

Frames are without FCS; :func:`frame_check_sequence` gives it where a capture needs it.
Beacon-enabled PANs, MAC security and the 2006 frame versions are not used by Zigbee PRO and are
refused.
"""

from __future__ import annotations

from binascii import crc_hqx
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final

from hw.zigbee.errors import MalformedFrame

BROADCAST_PAN: Final = 0xFFFF
BROADCAST_ADDRESS: Final = 0xFFFF
_TYPE_MASK: Final = 0x0007
_SECURED: Final = 0x0008
_PENDING: Final = 0x0010
_ACK_REQUEST: Final = 0x0020
_INTRA_PAN: Final = 0x0040
_MODE_NONE: Final = 0
_MODE_SHORT: Final = 2
_MODE_LONG: Final = 3
_DATA_SHORT: Final = 0x8841  # data, intra-PAN, both addresses short
_HEAD: Final = Struct("<HB")
_SHORT_HEADER: Final = Struct("<HBHHH")


class FrameType(IntEnum):
    """Frame control, bits 0 to 2."""

    BEACON = 0
    DATA = 1
    ACK = 2
    COMMAND = 3


class Command(IntEnum):
    """MAC commands of a Zigbee network."""

    ASSOCIATION_REQUEST = 0x01
    ASSOCIATION_RESPONSE = 0x02
    DATA_REQUEST = 0x04
    BEACON_REQUEST = 0x07


@dataclass(frozen=True, slots=True)
class Address:
    """A short (16 bit) or long (EUI-64) MAC address."""

    number: int
    long: bool = False


@dataclass(frozen=True, slots=True)
class MacFrame:
    """One MAC frame; ``pan`` is the destination's, or the source's when there is no destination."""

    kind: FrameType
    sequence: int
    pan: int = BROADCAST_PAN
    destination: Address | None = None
    source: Address | None = None
    payload: bytes = b""
    ack_request: bool = False
    pending: bool = False
    source_pan: int | None = None  # only where it differs from ``pan``

    def to_bytes(self) -> bytes:
        """Encode without FCS."""
        intra = self.destination is not None and self.source is not None and self.source_pan is None
        control = (
            self.kind
            | (_PENDING if self.pending else 0)
            | (_ACK_REQUEST if self.ack_request else 0)
            | (_INTRA_PAN if intra else 0)
            | _mode(self.destination) << 10
            | _mode(self.source) << 14
        )
        octets = _HEAD.pack(control, self.sequence)
        if self.destination is not None:
            octets += self.pan.to_bytes(2, "little") + _address_octets(self.destination)
        if self.source is not None:
            if not intra:
                source_pan = self.pan if self.source_pan is None else self.source_pan
                octets += source_pan.to_bytes(2, "little")
            octets += _address_octets(self.source)
        return octets + self.payload

    @classmethod
    def from_bytes(cls, octets: bytes) -> MacFrame:
        """Decode without FCS; MalformedFrame for anything Zigbee PRO does not send."""
        if len(octets) < 3:
            raise MalformedFrame("MAC header is cut short", len(octets))
        control, sequence = _HEAD.unpack_from(octets)
        if control & _SECURED:
            raise MalformedFrame("MAC security is not used by Zigbee")
        kind = control & _TYPE_MASK
        if kind > FrameType.COMMAND:
            raise MalformedFrame(f"MAC frame type {kind} is reserved")
        return _decode_addressed(cls, octets, control, FrameType(kind), sequence)


def data(pan: int, destination: int, source: int, sequence: int, payload: bytes) -> bytes:
    """A data frame between short addresses; broadcasts ask for no acknowledgement."""
    control = _DATA_SHORT if destination == BROADCAST_ADDRESS else _DATA_SHORT | _ACK_REQUEST
    return _SHORT_HEADER.pack(control, sequence, pan, destination, source) + payload


def acknowledgement(sequence: int, *, pending: bool) -> bytes:
    """The acknowledgement a receiver's hardware sends.

    ``pending`` tells a polling child to stay awake.
    """
    return _HEAD.pack(FrameType.ACK | (_PENDING if pending else 0), sequence)


def frame_check_sequence(octets: bytes) -> bytes:
    """ITU-T CRC-16 over the frame (reflected, initial value 0), low octet first."""
    crc = crc_hqx(octets.translate(_REVERSED), 0)
    return bytes((_REVERSED[crc >> 8], _REVERSED[crc & 0xFF]))


_REVERSED: Final = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))


def _mode(address: Address | None) -> int:
    if address is None:
        return _MODE_NONE
    return _MODE_LONG if address.long else _MODE_SHORT


def _address_octets(address: Address) -> bytes:
    return address.number.to_bytes(8 if address.long else 2, "little")


def _decode_addressed(
    cls: type[MacFrame], octets: bytes, control: int, kind: FrameType, sequence: int
) -> MacFrame:
    offset = 3
    pan = source_pan = None
    destination_mode, source_mode = control >> 10 & 3, control >> 14
    destination = source = None
    if destination_mode:
        pan, offset = _number(octets, offset, 2)
        destination, offset = _address(octets, offset, destination_mode)
    if source_mode:
        if not control & _INTRA_PAN or pan is None:
            source_pan, offset = _number(octets, offset, 2)
        source, offset = _address(octets, offset, source_mode)
    if pan is None:
        pan, source_pan = source_pan, None
    return cls(
        kind=kind,
        sequence=sequence,
        pan=BROADCAST_PAN if pan is None else pan,
        destination=destination,
        source=source,
        payload=octets[offset:],
        ack_request=bool(control & _ACK_REQUEST),
        pending=bool(control & _PENDING),
        source_pan=source_pan,
    )


def _address(octets: bytes, offset: int, mode: int) -> tuple[Address, int]:
    if mode not in (_MODE_SHORT, _MODE_LONG):
        raise MalformedFrame(f"MAC addressing mode {mode} is reserved", offset)
    number, offset = _number(octets, offset, 8 if mode == _MODE_LONG else 2)
    return Address(number, mode == _MODE_LONG), offset


def _number(octets: bytes, offset: int, size: int) -> tuple[int, int]:
    end = offset + size
    if end > len(octets):
        raise MalformedFrame("MAC header is cut short", len(octets))
    return int.from_bytes(octets[offset:end], "little"), end
