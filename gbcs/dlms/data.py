"""A-XDR data: the typed values inside DLMS payloads.

A :class:`Data` is a tag and a plain Python value:

| tag | value |
|---|---|
| null | None |
| boolean | bool (a true that was not sent as FF stays that integer) |
| integers, enum | int |
| octet string | bytes |
| visible and UTF-8 string | str (other octets survive as lone surrogates) |
| bit string | :class:`Bits` |
| array, structure | tuple of Data |
| compact array | :class:`CompactArray` |
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from struct import Struct
from struct import error as StructError
from typing import Final, NamedTuple, TypeAlias

from gbcs.errors import LocalError, MalformedMessage
from gbcs.length import encode_length, read_length

NESTING_LIMIT: Final = 16
"""Deepest array or structure inside another; reference messages need 6."""
ELEMENT_LIMIT: Final = 1 << 16
"""Most elements of one array, structure or compact array; the longest log has 19,056 entries."""


class Tag(IntEnum):
    """A-XDR data tags."""

    NULL = 0x00
    ARRAY = 0x01
    STRUCTURE = 0x02
    BOOLEAN = 0x03
    BIT_STRING = 0x04
    DOUBLE_LONG = 0x05
    DOUBLE_LONG_UNSIGNED = 0x06
    OCTET_STRING = 0x09
    VISIBLE_STRING = 0x0A
    UTF8_STRING = 0x0C
    INTEGER = 0x0F
    LONG = 0x10
    UNSIGNED = 0x11
    LONG_UNSIGNED = 0x12
    COMPACT_ARRAY = 0x13
    LONG64 = 0x14
    LONG64_UNSIGNED = 0x15
    ENUM = 0x16


class Bits(NamedTuple):
    """A bit string: how many bits, and the octets that hold them, left aligned."""

    length: int
    octets: bytes

    def __str__(self) -> str:
        return "".join(f"{octet:08b}" for octet in self.octets)[: self.length]


class TypeDescription(NamedTuple):
    """Type of a compact array's entries: a tag, with members for structures and arrays.

    For a fixed array ``members`` holds the element type once and ``repeat`` says how often.
    """

    tag: int
    members: tuple[TypeDescription, ...] = ()
    repeat: int = 0


class CompactArray(NamedTuple):
    """Entries of one described type, sent without tags."""

    entry_type: TypeDescription
    entries: tuple[Data, ...]


Content: TypeAlias = "int | bool | str | bytes | Bits | CompactArray | tuple[Data, ...] | None"


class Data(NamedTuple):
    """One typed value."""

    tag: int
    value: Content


INTEGERS: Final[dict[int, Struct]] = {
    Tag.DOUBLE_LONG: Struct(">i"),
    Tag.DOUBLE_LONG_UNSIGNED: Struct(">I"),
    Tag.INTEGER: Struct(">b"),
    Tag.LONG: Struct(">h"),
    Tag.UNSIGNED: Struct(">B"),
    Tag.LONG_UNSIGNED: Struct(">H"),
    Tag.LONG64: Struct(">q"),
    Tag.LONG64_UNSIGNED: Struct(">Q"),
    Tag.ENUM: Struct(">B"),
}
_Reader: TypeAlias = "Callable[[bytes, int, int], tuple[Data, int]]"
_NULL: Final = Data(int(Tag.NULL), None)
_OCTET_STRING: Final = int(Tag.OCTET_STRING)
_BIT_STRING: Final = int(Tag.BIT_STRING)
_BOOLEAN: Final = int(Tag.BOOLEAN)
_COMPACT_ARRAY: Final = int(Tag.COMPACT_ARRAY)
_COMPOUND: Final = frozenset({int(Tag.ARRAY), int(Tag.STRUCTURE)})


def decode(octets: bytes) -> Data:
    """Decode one value that fills the octets; MalformedMessage otherwise."""
    data, at = read(octets, 0)
    if at != len(octets):
        raise MalformedMessage("octets follow the value", at)
    return data


def read(octets: bytes, at: int) -> tuple[Data, int]:
    """Decode one value at an offset; return it and the offset behind it."""
    if at >= len(octets):
        raise MalformedMessage("value is missing", at)
    return _READERS[octets[at]](octets, at + 1, NESTING_LIMIT)


def encode(data: Data) -> bytes:
    """Encode one value; LocalError when the value does not fit its tag."""
    octets = bytearray()
    _write(data, octets)
    return bytes(octets)


def _elements_reader(tag: int) -> _Reader:
    def reader(octets: bytes, at: int, depth: int) -> tuple[Data, int]:
        count, at = read_length(octets, at)
        size = len(octets)
        if depth == 0:
            raise MalformedMessage(f"more than {NESTING_LIMIT} nested values", at)
        if count > size - at or count > ELEMENT_LIMIT:
            raise MalformedMessage(f"{count} elements in {size - at} octets", at)
        elements = []
        readers, depth = _READERS, depth - 1
        for _ in range(count):
            if at >= size:
                raise MalformedMessage("value is missing", at)
            element, at = readers[octets[at]](octets, at + 1, depth)
            elements.append(element)
        return Data(tag, tuple(elements)), at

    return reader


def _integer_reader(tag: int, layout: Struct) -> _Reader:
    size, unpack_from = layout.size, layout.unpack_from

    def reader(octets: bytes, at: int, _depth: int) -> tuple[Data, int]:
        try:
            return Data(tag, unpack_from(octets, at)[0]), at + size
        except StructError:
            raise MalformedMessage("value is cut short", at) from None

    return reader


def _read_null(_octets: bytes, at: int, _depth: int) -> tuple[Data, int]:
    return _NULL, at


def _unknown_reader(tag: int) -> _Reader:
    def reader(_octets: bytes, at: int, _depth: int) -> tuple[Data, int]:
        raise MalformedMessage(f"unknown data tag {tag:02X}", at - 1)

    return reader


def _take(octets: bytes, at: int, length: int) -> tuple[bytes, int]:
    stop = at + length
    if stop > len(octets):
        raise MalformedMessage("value is cut short", at)
    return octets[at:stop], stop


def _read_octet_string(octets: bytes, at: int, _depth: int) -> tuple[Data, int]:
    length, at = read_length(octets, at)
    stop = at + length
    if stop > len(octets):
        raise MalformedMessage("value is cut short", at)
    return Data(_OCTET_STRING, octets[at:stop]), stop


def _text_reader(tag: int, character_set: str) -> _Reader:
    def reader(octets: bytes, at: int, _depth: int) -> tuple[Data, int]:
        length, at = read_length(octets, at)
        raw, stop = _take(octets, at, length)
        return Data(tag, raw.decode(character_set, "surrogateescape")), stop

    return reader


def _read_bit_string(octets: bytes, at: int, _depth: int) -> tuple[Data, int]:
    length, at = read_length(octets, at)
    raw, stop = _take(octets, at, (length + 7) // 8)
    return Data(_BIT_STRING, Bits(length, raw)), stop


def _read_boolean(octets: bytes, at: int, _depth: int) -> tuple[Data, int]:
    raw, stop = _take(octets, at, 1)
    octet = raw[0]
    return Data(_BOOLEAN, octet == 0xFF if octet in (0x00, 0xFF) else octet), stop


def _read_compact_array(octets: bytes, at: int, depth: int) -> tuple[Data, int]:
    entry_type, at = _read_description(octets, at, depth)
    length, at = read_length(octets, at)
    stop = at + length
    if stop > len(octets):
        raise MalformedMessage("compact array is cut short", at)
    fixed = _fixed_layout(entry_type)
    if fixed is not None:
        return Data(_COMPACT_ARRAY, _read_fixed_entries(entry_type, fixed, octets[at:stop])), stop
    contents = octets[:stop]
    entries: list[Data] = []
    while at < stop:
        if len(entries) == ELEMENT_LIMIT:
            raise MalformedMessage(f"more than {ELEMENT_LIMIT} entries", at)
        entry, at = _read_described(entry_type, contents, at)
        entries.append(entry)
    return Data(_COMPACT_ARRAY, CompactArray(entry_type, tuple(entries))), stop


def _fixed_layout(kind: TypeDescription) -> Struct | None:
    """The layout of entries that are integers, or structures of integers: most logs."""
    members = kind.members if kind.tag == Tag.STRUCTURE else (kind,)
    if not all(member.tag in INTEGERS for member in members):
        return None
    return Struct(">" + "".join(INTEGERS[member.tag].format[1:] for member in members))


def _read_fixed_entries(kind: TypeDescription, layout: Struct, contents: bytes) -> CompactArray:
    if len(contents) % layout.size:
        raise MalformedMessage("entry of a compact array is cut short")
    if len(contents) // layout.size > ELEMENT_LIMIT:
        raise MalformedMessage(f"more than {ELEMENT_LIMIT} entries")
    rows = layout.iter_unpack(contents)
    if kind.tag != Tag.STRUCTURE:
        return CompactArray(kind, tuple(Data(kind.tag, value) for (value,) in rows))
    tags = tuple(member.tag for member in kind.members)
    entries = (Data(kind.tag, tuple(map(Data, tags, row))) for row in rows)
    return CompactArray(kind, tuple(entries))


def _read_description(octets: bytes, at: int, depth: int) -> tuple[TypeDescription, int]:
    if at >= len(octets) or depth == 0:
        raise MalformedMessage("type description is missing or too deep", at)
    tag = octets[at]
    if tag == Tag.ARRAY:
        if at + 3 > len(octets):
            raise MalformedMessage("type description is cut short", at)
        count = int.from_bytes(octets[at + 1 : at + 3], "big")
        element, stop = _read_description(octets, at + 3, depth - 1)
        return TypeDescription(tag, (element,), _at_least_one(count, at)), stop
    if tag == Tag.STRUCTURE:
        count, at = read_length(octets, at + 1)
        if _at_least_one(count, at) > len(octets) - at:
            raise MalformedMessage(f"{count} members in {len(octets) - at} octets", at)
        members = []
        for _ in range(count):
            member, at = _read_description(octets, at, depth - 1)
            members.append(member)
        return TypeDescription(tag, tuple(members)), at
    if tag not in _DESCRIBABLE:
        raise MalformedMessage(f"type {tag:02X} in a compact array", at)
    return TypeDescription(tag), at + 1


def _at_least_one(count: int, at: int) -> int:
    """Entries without octets would never end, so a description must not allow them."""
    if count == 0:
        raise MalformedMessage("type description of a value without octets", at)
    return count


def _read_described(kind: TypeDescription, octets: bytes, at: int) -> tuple[Data, int]:
    if kind.tag not in _COMPOUND:
        return _READERS[kind.tag](octets, at, 0)
    types = kind.members * kind.repeat if kind.tag == Tag.ARRAY else kind.members
    if len(types) > len(octets) - at:
        raise MalformedMessage("entry of a compact array is cut short", at)
    elements = []
    for member in types:
        element, at = _read_described(member, octets, at)
        elements.append(element)
    return Data(kind.tag, tuple(elements)), at


_DESCRIBABLE: Final = frozenset(
    {
        *INTEGERS,
        int(Tag.BOOLEAN),
        int(Tag.BIT_STRING),
        int(Tag.OCTET_STRING),
        int(Tag.VISIBLE_STRING),
        int(Tag.UTF8_STRING),
    }
)


def _write(data: Data, out: bytearray) -> None:
    tag, value = data
    out.append(tag)
    if tag in _COMPOUND:
        elements = _expect_elements(data)
        out += encode_length(len(elements))
        for element in elements:
            _write(element, out)
    elif tag == Tag.COMPACT_ARRAY:
        _write_compact_array(data, out)
    else:
        out += _simple_octets(tag, value)


def _expect_elements(data: Data) -> tuple[Data, ...]:
    if not isinstance(data.value, tuple) or isinstance(data.value, (Bits, CompactArray)):
        raise LocalError(f"{data.value!r} does not fit data tag {data.tag:02X}")
    return data.value


def _simple_octets(tag: int, value: Content) -> bytes:
    layout = INTEGERS.get(tag)
    try:
        if layout is not None and isinstance(value, int):
            return layout.pack(value)
    except StructError:
        raise _misfit(tag, value) from None
    if tag == Tag.NULL and value is None:
        return b""
    if tag == Tag.BOOLEAN and isinstance(value, int) and 0 <= value <= 0xFF:
        return b"\xff" if value is True else bytes((value,))
    if tag == Tag.OCTET_STRING and isinstance(value, bytes):
        return encode_length(len(value)) + value
    if tag == Tag.BIT_STRING and isinstance(value, Bits):
        return _bits_octets(value)
    if tag in (Tag.VISIBLE_STRING, Tag.UTF8_STRING) and isinstance(value, str):
        return _text_octets(tag, value)
    raise _misfit(tag, value)


def _bits_octets(bits: Bits) -> bytes:
    if len(bits.octets) != (bits.length + 7) // 8:
        raise LocalError(f"{bits.length} bits do not take {len(bits.octets)} octets")
    return encode_length(bits.length) + bits.octets


def _text_octets(tag: int, text: str) -> bytes:
    try:
        raw = text.encode("ascii" if tag == Tag.VISIBLE_STRING else "utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise _misfit(tag, text) from None
    return encode_length(len(raw)) + raw


def _misfit(tag: int, value: Content) -> LocalError:
    return LocalError(f"{value!r} does not fit data tag {tag:02X}")


def _write_compact_array(data: Data, out: bytearray) -> None:
    if not isinstance(data.value, CompactArray):
        raise _misfit(data.tag, data.value)
    _write_description(data.value.entry_type, out)
    contents = bytearray()
    for entry in data.value.entries:
        _write_described(data.value.entry_type, entry, contents)
    out += encode_length(len(contents))
    out += contents


def _write_description(kind: TypeDescription, out: bytearray) -> None:
    out.append(kind.tag)
    if kind.tag == Tag.ARRAY:
        out += kind.repeat.to_bytes(2, "big")
    elif kind.tag == Tag.STRUCTURE:
        out += encode_length(len(kind.members))
    for member in kind.members:
        _write_description(member, out)


def _write_described(kind: TypeDescription, data: Data, out: bytearray) -> None:
    if data.tag != kind.tag:
        raise LocalError(f"entry has tag {data.tag:02X}, the description says {kind.tag:02X}")
    if kind.tag not in _COMPOUND:
        out += _simple_octets(kind.tag, data.value)
        return
    types = kind.members * kind.repeat if kind.tag == Tag.ARRAY else kind.members
    elements = _expect_elements(data)
    if len(elements) != len(types):
        raise LocalError(f"entry has {len(elements)} elements, the description says {len(types)}")
    for member, element in zip(types, elements, strict=True):
        _write_described(member, element, out)


def _readers() -> tuple[_Reader, ...]:
    readers = [_unknown_reader(tag) for tag in range(256)]
    for tag, layout in INTEGERS.items():
        readers[tag] = _integer_reader(int(tag), layout)
    for tag in _COMPOUND:
        readers[tag] = _elements_reader(tag)
    readers[Tag.NULL] = _read_null
    readers[Tag.BOOLEAN] = _read_boolean
    readers[Tag.BIT_STRING] = _read_bit_string
    readers[Tag.OCTET_STRING] = _read_octet_string
    readers[Tag.VISIBLE_STRING] = _text_reader(int(Tag.VISIBLE_STRING), "ascii")
    readers[Tag.UTF8_STRING] = _text_reader(int(Tag.UTF8_STRING), "utf-8")
    readers[Tag.COMPACT_ARRAY] = _read_compact_array
    return tuple(readers)


_READERS: Final = _readers()
