"""Zigbee PRO network frames: header, security, and the commands a star network needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final

from hw.zigbee.errors import MalformedFrame
from hw.zigbee.security import AuxiliaryHeader, KeyId, seal, unseal

COORDINATOR: Final = 0x0000
FIRST_BROADCAST: Final = 0xFFF8
UNKNOWN: Final = 0xFFFF
DEFAULT_RADIUS: Final = 30

_HEADER: Final = Struct("<HHHBB")
_TYPE_MASK: Final = 0x0003
_VERSION_MASK: Final = 0x003C
_VERSION_2: Final = 0x0008
_DISCOVER_ROUTE: Final = 0x0040
_MULTICAST: Final = 0x0100
_SECURED: Final = 0x0200
_SOURCE_ROUTE: Final = 0x0400
_DESTINATION_IEEE: Final = 0x0800
_SOURCE_IEEE: Final = 0x1000


class FrameType(IntEnum):
    """Frame control, bits 0 and 1."""

    DATA = 0
    COMMAND = 1


class Command(IntEnum):
    """NWK commands used here."""

    LEAVE = 0x04
    REJOIN_REQUEST = 0x06
    REJOIN_RESPONSE = 0x07


LEAVE_REJOIN: Final = 0x20
LEAVE_REQUEST: Final = 0x40


@dataclass(frozen=True, slots=True)
class NwkFrame:
    """One network frame with its payload in clear; ``secured`` says how it travels."""

    kind: FrameType
    destination: int
    source: int
    sequence: int
    payload: bytes
    radius: int = DEFAULT_RADIUS
    secured: bool = True
    discover_route: bool = False
    destination_ieee: int | None = None
    source_ieee: int | None = None

    def header(self) -> bytes:
        """The octets in front of the auxiliary header."""
        control = (
            self.kind
            | _VERSION_2
            | (_DISCOVER_ROUTE if self.discover_route else 0)
            | (_SECURED if self.secured else 0)
            | (_DESTINATION_IEEE if self.destination_ieee is not None else 0)
            | (_SOURCE_IEEE if self.source_ieee is not None else 0)
        )
        octets = _HEADER.pack(control, self.destination, self.source, self.radius, self.sequence)
        for ieee in (self.destination_ieee, self.source_ieee):
            if ieee is not None:
                octets += ieee.to_bytes(8, "little")
        return octets

    def to_bytes(self) -> bytes:
        """Encode an unsecured frame."""
        return self.header() + self.payload

    def seal(self, key: bytes, key_sequence: int, counter: int, eui64: int) -> bytes:
        """Encode a secured frame, protected hop by hop by ``eui64``."""
        auxiliary = AuxiliaryHeader(KeyId.NETWORK, counter, eui64, key_sequence)
        return seal(key, self.header(), auxiliary, eui64, self.payload)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A received frame before its payload is opened."""

    frame: NwkFrame
    header: bytes
    auxiliary: AuxiliaryHeader | None

    def open(self, key: bytes) -> NwkFrame:
        """The frame with its payload decrypted; NotAuthentic when the key is not the sender's."""
        if self.auxiliary is None or self.auxiliary.source is None:
            raise MalformedFrame("network security without the sender's address")
        payload = unseal(
            key, self.header, self.auxiliary, self.auxiliary.source, self.frame.payload
        )
        frame = self.frame
        return NwkFrame(
            frame.kind,
            frame.destination,
            frame.source,
            frame.sequence,
            payload,
            frame.radius,
            True,
            frame.discover_route,
            frame.destination_ieee,
            frame.source_ieee,
        )


def parse(octets: bytes) -> Envelope:
    """Read header and auxiliary header; MalformedFrame for what Zigbee PRO does not send."""
    if len(octets) < _HEADER.size:
        raise MalformedFrame("network header is cut short", len(octets))
    control, destination, source, radius, sequence = _HEADER.unpack_from(octets)
    if control & _VERSION_MASK != _VERSION_2:
        raise MalformedFrame("network protocol version is not 2")
    if control & _TYPE_MASK > FrameType.COMMAND:
        raise MalformedFrame("network frame type is reserved")
    offset = _HEADER.size
    destination_ieee = source_ieee = None
    if control & _DESTINATION_IEEE:
        destination_ieee, offset = _ieee(octets, offset)
    if control & _SOURCE_IEEE:
        source_ieee, offset = _ieee(octets, offset)
    if control & _MULTICAST:
        offset += 1
    if control & _SOURCE_ROUTE:
        offset = _behind_source_route(octets, offset)
    header = octets[:offset]
    auxiliary = None
    if control & _SECURED:
        auxiliary, offset = AuxiliaryHeader.from_bytes(octets, offset)
    frame = NwkFrame(
        FrameType.COMMAND if control & _TYPE_MASK else FrameType.DATA,
        destination,
        source,
        sequence,
        octets[offset:],
        radius,
        auxiliary is not None,
        bool(control & _DISCOVER_ROUTE),
        destination_ieee,
        source_ieee,
    )
    return Envelope(frame, header, auxiliary)


def _ieee(octets: bytes, offset: int) -> tuple[int, int]:
    if offset + 8 > len(octets):
        raise MalformedFrame("network header is cut short", len(octets))
    return int.from_bytes(octets[offset : offset + 8], "little"), offset + 8


def _behind_source_route(octets: bytes, offset: int) -> int:
    if offset + 2 > len(octets) or offset + 2 + 2 * octets[offset] > len(octets):
        raise MalformedFrame("source route is cut short", offset)
    return offset + 2 + 2 * octets[offset]
