"""DER for the structures GBCS sends: typed codecs that are strict when writing, tolerant reading.

A codec turns one tag-length-value (``gbcs.asn1.tlv``) into a Python value and back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum, IntFlag
from typing import Final, Generic, Protocol, TypeVar

from gbcs.asn1.tlv import Lengths, Tlv, children, read_tlv, write_tlv
from gbcs.errors import LocalError, MalformedMessage

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
ENUMERATED: Final = 0x0A
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
_CONTEXT: Final = 0x80
_CONSTRUCTED: Final = 0x20
_LONGEST_INTEGER: Final = 9
LIST_LIMIT: Final = 256
"""Most elements of a SEQUENCE OF accepted."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Codec(Protocol[T]):
    """Reads and writes one type."""

    @property
    def tags(self) -> frozenset[int]:
        """Tags a value may start with."""
        ...

    def read(self, tlv: Tlv) -> T:
        """Decode; MalformedMessage when the content is not of this type."""
        ...

    def write(self, value: T, lengths: Lengths, tag: int | None = None) -> bytes:
        """Encode with header; ``tag`` replaces the type's own (implicit tagging)."""
        ...


def read_all(codec: Codec[T], octets: bytes) -> T:
    """Decode one value that fills the octets."""
    tlv, stop = read_tlv(octets)
    if stop != len(octets):
        raise MalformedMessage("octets follow the value", stop)
    return read_as(codec, tlv)


def read_as(codec: Codec[T], tlv: Tlv) -> T:
    """Decode after checking the tag."""
    if tlv.tag not in codec.tags:
        raise MalformedMessage(f"tag {tlv.tag:02X} is not expected here", tlv.offset)
    return codec.read(tlv)


@dataclass(frozen=True, slots=True)
class Integer:
    """INTEGER or ENUMERATED, not negative; known values become members of ``names``."""

    names: type[IntEnum] | None = None
    tag: int = INTEGER

    @property
    def tags(self) -> frozenset[int]:
        """Its own tag."""
        return frozenset({self.tag})

    def read(self, tlv: Tlv) -> int:
        """Decode; values without a name stay plain integers."""
        content = tlv.content
        if not 0 < len(content) <= _LONGEST_INTEGER:
            raise MalformedMessage(f"integer of {len(content)} octets", tlv.offset)
        value = int.from_bytes(content, "big", signed=True)
        if value < 0:
            raise MalformedMessage("integer is negative", tlv.offset)
        if self.names is None:
            return value
        try:
            return self.names(value)
        except ValueError:
            return value

    def write(self, value: int, lengths: Lengths, tag: int | None = None) -> bytes:
        """Encode in the fewest octets."""
        if value < 0:
            raise LocalError(f"{value} is negative")
        content = int(value).to_bytes(int(value).bit_length() // 8 + 1, "big")
        return write_tlv(self.tag if tag is None else tag, content, lengths)


@dataclass(frozen=True, slots=True)
class Octets:
    """OCTET STRING; ``size`` fixes its length."""

    size: int | None = None
    tags: frozenset[int] = frozenset({OCTET_STRING})

    def read(self, tlv: Tlv) -> bytes:
        """Decode."""
        content = tlv.content
        if self.size is not None and len(content) != self.size:
            raise MalformedMessage(f"{len(content)} octets, not {self.size}", tlv.offset)
        return content

    def write(self, value: bytes, lengths: Lengths, tag: int | None = None) -> bytes:
        """Encode."""
        if self.size is not None and len(value) != self.size:
            raise LocalError(f"{len(value)} octets, not {self.size}")
        return write_tlv(OCTET_STRING if tag is None else tag, value, lengths)


@dataclass(frozen=True, slots=True)
class Identifier:
    """OCTET STRING of 8 as entity identifier or EUI-64."""

    tags: frozenset[int] = frozenset({OCTET_STRING})

    def read(self, tlv: Tlv) -> int:
        """Decode."""
        content = tlv.content
        if len(content) != 8:
            raise MalformedMessage(f"identifier of {len(content)} octets, not 8", tlv.offset)
        return int.from_bytes(content, "big")

    def write(self, value: int, lengths: Lengths, tag: int | None = None) -> bytes:
        """Encode."""
        if not 0 <= value < 1 << 64:
            raise LocalError(f"not a 64-bit identifier: {value}")
        return write_tlv(OCTET_STRING if tag is None else tag, value.to_bytes(8, "big"), lengths)


@dataclass(frozen=True, slots=True)
class UsageBits:
    """BIT STRING of up to eight named bits as an octet, first bit highest."""

    names: type[IntFlag]
    tags: frozenset[int] = frozenset({BIT_STRING})

    def read(self, tlv: Tlv) -> int:
        """Decode."""
        content = tlv.content
        if content == b"\x00":
            return self.names(0)
        if len(content) != 2 or content[0] > 7 or content[1] & ((1 << content[0]) - 1):
            raise MalformedMessage("not a bit string of up to eight bits", tlv.offset)
        return self.names(content[1])

    def write(self, value: int, lengths: Lengths, tag: int | None = None) -> bytes:
        """Encode without trailing zero bits."""
        if not 0 <= value <= 0xFF:
            raise LocalError(f"not eight bits: {value}")
        octet = int(value)
        unused = (octet & -octet).bit_length() - 1
        content = bytes((unused, octet)) if value else b"\x00"
        return write_tlv(BIT_STRING if tag is None else tag, content, lengths)


@dataclass(frozen=True, slots=True)
class Time:
    """GeneralizedTime, whole seconds of UTC."""

    tags: frozenset[int] = frozenset({GENERALIZED_TIME})

    def read(self, tlv: Tlv) -> datetime:
        """Decode."""
        text = tlv.content
        if len(text) != 15 or text[14:] != b"Z" or not text[:14].isdigit():
            raise MalformedMessage("time is not YYYYMMDDHHMMSSZ", tlv.offset)
        parts = (text[:4], *(text[i : i + 2] for i in range(4, 14, 2)))
        year, month, day, hour, minute, second = map(int, parts)
        try:
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            raise MalformedMessage(f"no such time: {text.decode()}", tlv.offset) from None

    def write(self, value: datetime, lengths: Lengths, tag: int | None = None) -> bytes:
        """Encode."""
        if value.tzinfo is None:
            raise LocalError("a time needs to be aware")
        t = value.astimezone(UTC)
        text = f"{t.year:04}{t.month:02}{t.day:02}{t.hour:02}{t.minute:02}{t.second:02}Z"
        return write_tlv(GENERALIZED_TIME if tag is None else tag, text.encode(), lengths)


@dataclass(frozen=True, slots=True)
class Null:
    """NULL."""

    tags: frozenset[int] = frozenset({NULL})

    def read(self, tlv: Tlv) -> None:
        """Decode."""
        if tlv.content:
            raise MalformedMessage("NULL with content", tlv.offset)

    def write(self, value: None, lengths: Lengths, tag: int | None = None) -> bytes:
        """Encode."""
        return write_tlv(NULL if tag is None else tag, b"", lengths)


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed object (certificate, certification request), kept as the octets received."""

    tags: frozenset[int] = frozenset({SEQUENCE})

    def read(self, tlv: Tlv) -> bytes:
        """Check the outline: two values, then the signature."""
        parts = [child.tag for child in children(tlv)]
        if len(parts) != 3 or parts[2] != BIT_STRING:
            raise MalformedMessage("not a signed object", tlv.offset)
        return tlv.octets

    def write(self, value: bytes, lengths: Lengths, tag: int | None = None) -> bytes:
        """Encode: the octets as they are."""
        tlv, stop = read_tlv(value)
        if stop != len(value) or tlv.tag != SEQUENCE:
            raise LocalError("not one DER sequence")
        return value


@dataclass(frozen=True, slots=True)
class ListOf(Generic[T]):
    """SEQUENCE OF."""

    element: Codec[T]
    tags: frozenset[int] = frozenset({SEQUENCE})

    def read(self, tlv: Tlv) -> tuple[T, ...]:
        """Decode."""
        found: list[T] = []
        for child in children(tlv):
            if len(found) == LIST_LIMIT:
                raise MalformedMessage(f"more than {LIST_LIMIT} elements", child.offset)
            found.append(read_as(self.element, child))
        return tuple(found)

    def write(self, value: tuple[T, ...], lengths: Lengths, tag: int | None = None) -> bytes:
        """Encode."""
        content = b"".join(self.element.write(element, lengths) for element in value)
        return write_tlv(SEQUENCE if tag is None else tag, content, lengths)


class AnyCodec(Protocol):
    """A codec whose value type is only known at run time."""

    @property
    def tags(self) -> frozenset[int]:
        """Tags a value may start with."""
        ...

    def read(self, tlv: Tlv) -> object:
        """Decode."""
        ...

    @property
    def write(self) -> Callable[..., bytes]:
        """Encode."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a sequence: attribute name, type, context number, whether it may be absent."""

    name: str
    codec: AnyCodec
    context: int | None = None
    optional: bool = False
    default: object = None

    def tags(self) -> frozenset[int]:
        """Tags this member may start with."""
        if self.context is None:
            return self.codec.tags
        constructed = _CONSTRUCTED if SEQUENCE in self.codec.tags else 0
        return frozenset({_CONTEXT | constructed | self.context})


class Sequence(Generic[T]):
    """SEQUENCE as a dataclass: members in order, absent ones take their default."""

    tags: frozenset[int] = frozenset({SEQUENCE})

    def __init__(self, build: Callable[..., T], *members: Member) -> None:
        self._build = build
        self.members = members
        self._tagged = tuple((member, member.tags()) for member in members)

    def make(self, values: dict[str, object]) -> T:
        """The dataclass from its members by name."""
        return self._build(**values)

    def read(self, tlv: Tlv) -> T:
        """Decode."""
        found: dict[str, object] = {}
        inside = children(tlv)
        child = next(inside, None)
        for member, tags in self._tagged:
            if child is not None and child.tag in tags:
                found[member.name] = member.codec.read(child)
                child = next(inside, None)
            elif member.optional:
                found[member.name] = member.default
            else:
                offset = tlv.offset if child is None else child.offset
                raise MalformedMessage(f"{member.name} is missing", offset)
        if child is not None:
            raise MalformedMessage(f"tag {child.tag:02X} is not expected here", child.offset)
        return self.make(found)

    def write(self, value: T, lengths: Lengths, tag: int | None = None) -> bytes:
        """Encode; members with their default value are left out."""
        content = bytearray()
        for member, tags in self._tagged:
            part = getattr(value, member.name)
            if member.optional and part == member.default:
                continue
            own_tag = None if member.context is None else next(iter(tags))
            content += member.codec.write(part, lengths, own_tag)
        return write_tlv(SEQUENCE if tag is None else tag, bytes(content), lengths)


class Choice:
    """One of several types, told apart by tag and, when writing, by the Python type."""

    def __init__(self, *alternatives: tuple[type, AnyCodec]) -> None:
        self._alternatives = alternatives
        self.tags = frozenset[int]().union(*(codec.tags for _, codec in alternatives))

    @property
    def codecs(self) -> tuple[AnyCodec, ...]:
        """The alternatives in order."""
        return tuple(codec for _, codec in self._alternatives)

    def codec_of(self, value: object) -> AnyCodec:
        """The alternative for this Python type; LocalError when there is none."""
        for kind, codec in self._alternatives:
            if isinstance(value, kind):
                return codec
        raise LocalError(f"{type(value).__name__} is none of the alternatives")

    def read(self, tlv: Tlv) -> object:
        """Decode with the alternative that has this tag."""
        for _, codec in self._alternatives:
            if tlv.tag in codec.tags:
                return codec.read(tlv)
        raise MalformedMessage(f"tag {tlv.tag:02X} is not expected here", tlv.offset)

    def write(self, value: object, lengths: Lengths, tag: int | None = None) -> bytes:
        """Encode with the alternative for this Python type."""
        return self.codec_of(value).write(value, lengths, tag)
