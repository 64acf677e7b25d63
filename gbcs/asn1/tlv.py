"""Tag, length, value: how ASN.1 frames whatever GBCS sends of it.

Lengths longer than necessary are accepted; :class:`Lengths` chooses how they are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from gbcs.errors import MalformedMessage
from gbcs.length import encode_length, read_length


class Lengths(Enum):
    """How lengths are written."""

    SHORTEST = "shortest"
    """DER."""
    TWO_OCTETS = "two octets"
    """Lengths of 128 to 255 as 82 00 xx, as reference messages do in credential answers."""


@dataclass(frozen=True, slots=True)
class Tlv:
    """One tag-length-value as received."""

    tag: int
    octets: bytes
    """All of it, header included."""
    start: int
    """Where the content starts in ``octets``."""
    offset: int
    """Where ``octets`` lies in what is being decoded."""

    @property
    def content(self) -> bytes:
        """What tag and length enclose."""
        return self.octets[self.start :]


def read_tlv(octets: bytes, at: int = 0, offset: int = 0) -> tuple[Tlv, int]:
    """Cut one tag-length-value; return it and where the next one starts."""
    if at >= len(octets):
        raise MalformedMessage("value is missing", offset + at)
    length, start = read_length(octets, at + 1)
    stop = start + length
    if stop > len(octets):
        raise MalformedMessage("value is cut short", offset + at)
    return Tlv(octets[at], octets[at:stop], start - at, offset + at), stop


def children(tlv: Tlv) -> Iterator[Tlv]:
    """The values inside a constructed one."""
    at = tlv.start
    while at < len(tlv.octets):
        child, at = read_tlv(tlv.octets, at, tlv.offset)
        yield child


def write_tlv(tag: int, content: bytes, lengths: Lengths) -> bytes:
    """Put tag and length in front of a content."""
    size = len(content)
    if lengths is Lengths.TWO_OCTETS and 0x80 <= size <= 0xFF:
        return bytes((tag, 0x82, 0x00, size)) + content
    return bytes((tag,)) + encode_length(size) + content
