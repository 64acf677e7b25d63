"""APS commands of key management, and the secured frame that carries one.

Identifiers, key types and lengths are those of the Zigbee PRO security commands. A key stays out
of every ``repr``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from struct import Struct
from typing import Final

from hw.zigbee.aps import ApsHeader, FrameType
from hw.zigbee.errors import MalformedFrame
from hw.zigbee.security import AuxiliaryHeader, KeyId


class Command(IntEnum):
    """APS commands used here."""

    TRANSPORT_KEY = 0x05
    UPDATE_DEVICE = 0x06
    REMOVE_DEVICE = 0x07
    REQUEST_KEY = 0x08
    SWITCH_KEY = 0x09


class KeyType(IntEnum):
    """First field of Transport-Key."""

    NETWORK = 0x01
    APPLICATION_LINK = 0x03
    TRUST_CENTRE_LINK = 0x04


class RequestKeyType(IntEnum):
    """First field of Request-Key."""

    APPLICATION = 0x02
    TRUST_CENTRE_LINK = 0x04


_NETWORK_KEY: Final = Struct("<BB16sBQQ")
_LINK_KEY: Final = Struct("<BB16sQB")
_REQUEST: Final = Struct("<BBQ")


@dataclass(frozen=True, slots=True)
class TransportNetworkKey:
    """Transport-Key with the network key: the last step of a join, the first of a key update."""

    key: bytes = field(repr=False)
    key_sequence: int
    destination: int
    source: int

    def to_bytes(self) -> bytes:
        """Command identifier and fields."""
        return _NETWORK_KEY.pack(
            Command.TRANSPORT_KEY, KeyType.NETWORK,
            self.key, self.key_sequence, self.destination, self.source,
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, octets: bytes) -> TransportNetworkKey:
        """Read a Transport-Key command; MalformedFrame when it carries another key type."""
        if len(octets) != _NETWORK_KEY.size or octets[1] != KeyType.NETWORK:
            raise MalformedFrame("not a Transport-Key with a network key", len(octets))
        _, _, key, sequence, destination, source = _NETWORK_KEY.unpack(octets)
        return cls(key, sequence, destination, source)


@dataclass(frozen=True, slots=True)
class TransportLinkKey:
    """Transport-Key with an application link key shared with ``partner``.

    ``initiator`` is true for the device that asked for it.
    """

    key: bytes = field(repr=False)
    partner: int
    initiator: bool

    def to_bytes(self) -> bytes:
        """Command identifier and fields."""
        return _LINK_KEY.pack(
            Command.TRANSPORT_KEY, KeyType.APPLICATION_LINK, self.key, self.partner, self.initiator
        )

    @classmethod
    def from_bytes(cls, octets: bytes) -> TransportLinkKey:
        """Read a Transport-Key command; MalformedFrame when it carries another key type."""
        if len(octets) != _LINK_KEY.size or octets[1] != KeyType.APPLICATION_LINK:
            raise MalformedFrame("not a Transport-Key with an application link key", len(octets))
        _, _, key, partner, initiator = _LINK_KEY.unpack(octets)
        return cls(key, partner, bool(initiator))


def request_key(partner: int) -> bytes:
    """Request-Key for an application link key shared with ``partner``."""
    return _REQUEST.pack(Command.REQUEST_KEY, RequestKeyType.APPLICATION, partner)


def read_request_key(octets: bytes) -> int:
    """The partner of a Request-Key; MalformedFrame when it asks for another kind of key."""
    if len(octets) != _REQUEST.size or octets[1] != RequestKeyType.APPLICATION:
        raise MalformedFrame("not a Request-Key for an application link key", len(octets))
    partner: int = _REQUEST.unpack(octets)[2]
    return partner


def switch_key(key_sequence: int) -> bytes:
    """Switch-Key: use the network key of this sequence number from now on."""
    return bytes((Command.SWITCH_KEY, key_sequence))


def remove_device(target: int) -> bytes:
    """Remove-Device: ask a router to make ``target`` (or itself) leave."""
    return bytes((Command.REMOVE_DEVICE,)) + target.to_bytes(8, "little")


def seal_command(
    key: bytes, key_id: KeyId, counter: int, security_counter: int, eui64: int, command: bytes
) -> bytes:
    """A secured APS command with the sender's address in the auxiliary header."""
    header = ApsHeader(FrameType.COMMAND, counter, secured=True)
    auxiliary = AuxiliaryHeader(key_id, security_counter, eui64)
    return header.seal(key, auxiliary, eui64, command)
