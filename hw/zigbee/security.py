"""AES-CCM* as Zigbee uses it: security level 5 (encrypted, 4 octet MIC), never written on the air.

The auxiliary header goes out with the level bits zeroed; nonce and authenticated data hold it
with the level filled in.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from hw.zigbee.errors import MalformedFrame, NotAuthentic

MIC_OCTETS: Final = 4
LEVEL: Final = 5
_EXTENDED_NONCE: Final = 0x20
_KEY_ID_SHIFT: Final = 3
_NONCE: Final = Struct("<QIB")
_COUNTER: Final = Struct("<BI")
_COUNTER_SOURCE: Final = Struct("<BIQ")
MAX_FRAME_COUNTER: Final = 0xFFFFFFFE  # 0xFFFFFFFF must never be used


class KeyId(IntEnum):
    """Which key of the sender protects a frame (security control, bits 3 and 4)."""

    LINK = 0
    NETWORK = 1
    KEY_TRANSPORT = 2
    KEY_LOAD = 3


class AuxiliaryHeader(NamedTuple):
    """Security control, frame counter, and what the control octet says follows."""

    key_id: KeyId
    counter: int
    source: int | None = None
    key_sequence: int | None = None

    def to_bytes(self, level: int = 0) -> bytes:
        """Encode; ``level`` is 0 on the air and 5 inside nonce and authenticated data."""
        control = self.key_id << _KEY_ID_SHIFT | level
        if self.source is None:
            octets = _COUNTER.pack(control, self.counter)
        else:
            octets = _COUNTER_SOURCE.pack(control | _EXTENDED_NONCE, self.counter, self.source)
        if self.key_sequence is not None:
            octets += bytes((self.key_sequence,))
        return octets

    @classmethod
    def from_bytes(cls, octets: bytes, offset: int) -> tuple[AuxiliaryHeader, int]:
        """Decode at ``offset``; the header and the offset behind it."""
        if offset + _COUNTER.size > len(octets):
            raise MalformedFrame("auxiliary header is cut short", len(octets))
        control, counter = _COUNTER.unpack_from(octets, offset)
        key_id = _KEY_IDS[control >> _KEY_ID_SHIFT & 3]
        source = key_sequence = None
        if control & _EXTENDED_NONCE:
            if offset + _COUNTER_SOURCE.size > len(octets):
                raise MalformedFrame("auxiliary header is cut short", len(octets))
            source = _COUNTER_SOURCE.unpack_from(octets, offset)[2]
            offset += _COUNTER_SOURCE.size
        else:
            offset += _COUNTER.size
        if key_id is KeyId.NETWORK:
            if offset >= len(octets):
                raise MalformedFrame("auxiliary header is cut short", offset)
            key_sequence = octets[offset]
            offset += 1
        return cls(key_id, counter, source, key_sequence), offset


_KEY_IDS: Final = tuple(KeyId)


def seal(
    key: bytes, header: bytes, auxiliary: AuxiliaryHeader, source: int, plaintext: bytes
) -> bytes:
    """Header, auxiliary header, ciphertext and MIC.

    ``source`` is the EUI-64 that protects the frame.
    """
    authenticated = auxiliary.to_bytes(LEVEL)
    nonce = _NONCE.pack(source, auxiliary.counter, authenticated[0])
    sealed = _cipher(key).encrypt(nonce, plaintext, header + authenticated)
    return header + auxiliary.to_bytes() + sealed


def unseal(
    key: bytes, header: bytes, auxiliary: AuxiliaryHeader, source: int, sealed: bytes
) -> bytes:
    """The plaintext; NotAuthentic when the MIC is wrong."""
    if len(sealed) < MIC_OCTETS:
        raise MalformedFrame("no room for the MIC", len(sealed))
    authenticated = auxiliary.to_bytes(LEVEL)
    nonce = _NONCE.pack(source, auxiliary.counter, authenticated[0])
    try:
        return _cipher(key).decrypt(nonce, sealed, header + authenticated)
    except InvalidTag:
        raise NotAuthentic("MIC does not match") from None


@lru_cache(maxsize=512)
def _cipher(key: bytes) -> AESCCM:
    return AESCCM(key, tag_length=MIC_OCTETS)
