"""APS frames: data, acknowledgements, commands, the extended header of fragmentation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final

from hw.zigbee.errors import MalformedFrame
from hw.zigbee.security import AuxiliaryHeader, seal, unseal

_ADDRESSED: Final = Struct("<BBHHBB")
_BARE: Final = Struct("<BB")
_TYPE_MASK: Final = 0x03
_DELIVERY_SHIFT: Final = 2
_ACK_FORMAT: Final = 0x10
_SECURED: Final = 0x20
_ACK_REQUEST: Final = 0x40
_EXTENDED: Final = 0x80
_FIRST_BLOCK: Final = 0x01
_FOLLOWING_BLOCK: Final = 0x02


class FrameType(IntEnum):
    """Frame control, bits 0 and 1."""

    DATA = 0
    COMMAND = 1
    ACK = 2


class Delivery(IntEnum):
    """Frame control, bits 2 and 3."""

    UNICAST = 0
    BROADCAST = 2
    GROUP = 3


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """Extended header.

    ``number`` is the block's index, or on the first block of data how many there are.
    """

    first: bool
    number: int
    received: int | None = None  # acknowledgements only: bit n is block ``number + n``


@dataclass(frozen=True, slots=True)
class ApsHeader:
    """Everything in front of the payload.

    Acknowledgements of commands and commands have no endpoints.
    """

    kind: FrameType
    counter: int
    delivery: Delivery = Delivery.UNICAST
    destination_endpoint: int = 0
    source_endpoint: int = 0
    cluster_id: int = 0
    profile_id: int = 0
    ack_request: bool = False
    secured: bool = False
    of_command: bool = False  # acknowledgement of a command: no addressing fields
    block: BlockHeader | None = None

    @property
    def addressed(self) -> bool:
        """Whether endpoints, cluster and profile are on the air."""
        return self.kind is not FrameType.COMMAND and not self.of_command

    def to_bytes(self) -> bytes:
        """Encode."""
        control = (
            self.kind
            | self.delivery << _DELIVERY_SHIFT
            | (_ACK_FORMAT if self.of_command else 0)
            | (_SECURED if self.secured else 0)
            | (_ACK_REQUEST if self.ack_request else 0)
            | (_EXTENDED if self.block is not None else 0)
        )
        if not self.addressed:
            return _BARE.pack(control, self.counter)
        octets = _ADDRESSED.pack(
            control,
            self.destination_endpoint,
            self.cluster_id,
            self.profile_id,
            self.source_endpoint,
            self.counter,
        )
        return octets if self.block is None else octets + _block_octets(self.block)

    def seal(self, key: bytes, auxiliary: AuxiliaryHeader, source: int, payload: bytes) -> bytes:
        """The secured frame; ``source`` is the EUI-64 of the sender."""
        return seal(key, self.to_bytes(), auxiliary, source, payload)


@dataclass(frozen=True, slots=True)
class ApsEnvelope:
    """A received frame before its payload is opened."""

    header: ApsHeader
    octets: bytes  # of the header
    auxiliary: AuxiliaryHeader | None
    payload: bytes

    def open(self, key: bytes, source: int) -> bytes:
        """The payload in clear; NotAuthentic when ``key`` is not the sender's."""
        if self.auxiliary is None:
            return self.payload
        sender = self.auxiliary.source if self.auxiliary.source is not None else source
        return unseal(key, self.octets, self.auxiliary, sender, self.payload)


def parse(octets: bytes) -> ApsEnvelope:
    """Read header and auxiliary header; MalformedFrame for anything else."""
    if len(octets) < _BARE.size:
        raise MalformedFrame("APS header is cut short", len(octets))
    control = octets[0]
    if control & _TYPE_MASK > FrameType.ACK:
        raise MalformedFrame("inter-PAN frames are not handled here")
    kind = _KINDS[control & _TYPE_MASK]
    delivery = control >> _DELIVERY_SHIFT & 3
    if delivery == 1:
        raise MalformedFrame("APS delivery mode 1 is reserved")
    of_command = kind is FrameType.ACK and bool(control & _ACK_FORMAT)
    block = None
    if kind is FrameType.COMMAND or of_command:
        endpoint = cluster = profile = source_endpoint = 0
        counter, offset = octets[1], _BARE.size
    else:
        if delivery == Delivery.GROUP:
            raise MalformedFrame("group addressing is not used in a Smart Energy network")
        if len(octets) < _ADDRESSED.size:
            raise MalformedFrame("APS header is cut short", len(octets))
        _, endpoint, cluster, profile, source_endpoint, counter = _ADDRESSED.unpack_from(octets)
        offset = _ADDRESSED.size
        if control & _EXTENDED:
            block, offset = _block_from(octets, offset, kind)
    header = ApsHeader(
        kind, counter, Delivery(delivery), endpoint, source_endpoint, cluster, profile,
        bool(control & _ACK_REQUEST), bool(control & _SECURED), of_command, block,
    )  # fmt: skip
    auxiliary = None
    clear = octets[:offset]
    if control & _SECURED:
        auxiliary, offset = AuxiliaryHeader.from_bytes(octets, offset)
    return ApsEnvelope(header, clear, auxiliary, octets[offset:])


_KINDS: Final = tuple(FrameType)


def _block_octets(block: BlockHeader) -> bytes:
    octets = bytes((_FIRST_BLOCK if block.first else _FOLLOWING_BLOCK, block.number))
    return octets if block.received is None else octets + bytes((block.received,))


def _block_from(octets: bytes, offset: int, kind: FrameType) -> tuple[BlockHeader | None, int]:
    size = 3 if kind is FrameType.ACK else 2
    if offset >= len(octets):
        raise MalformedFrame("extended header is cut short", offset)
    fragmentation = octets[offset] & 3
    if not fragmentation:
        return None, offset + 1
    if offset + size > len(octets):
        raise MalformedFrame("extended header is cut short", offset)
    received = octets[offset + 2] if kind is FrameType.ACK else None
    return BlockHeader(fragmentation == _FIRST_BLOCK, octets[offset + 1], received), offset + size
