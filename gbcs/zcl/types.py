"""ZCL data types: octets to Python values and back, little-endian as ZCL carries them.

| types | Python value |
|---|---|
| no data | None |
| boolean | bool; None for the invalid value 0xFF |
| data, bitmap, unsigned, signed, enumeration, time, identifiers | int |
| semi, single, double precision | float |
| octet string, long octet string, 128-bit key | bytes; None for the invalid string |
| character string, long character string | str; None for the invalid string |
| array, set, bag | :class:`Collection` |
| structure | tuple of (type, value) |

Text is UTF-8; meters do put other octets into character strings (model identifiers), and those
survive as lone surrogates. Numbers keep their wire value: "invalid" patterns such as 0xFFFF are
plain integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from struct import Struct
from struct import error as StructError
from typing import Final, TypeAlias

from gbcs.errors import LocalError, MalformedMessage

NESTING_LIMIT: Final = 4
"""Deepest array or structure inside another."""
COLLECTION_LIMIT: Final = 1024
"""Most elements of an array, set, bag or structure accepted."""
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
INVALID_UTC_TIME: Final = 0xFFFFFFFF


class DataType(IntEnum):
    """ZCL data type identifiers."""

    NO_DATA = 0x00
    DATA8 = 0x08
    DATA16 = 0x09
    DATA24 = 0x0A
    DATA32 = 0x0B
    DATA40 = 0x0C
    DATA48 = 0x0D
    DATA56 = 0x0E
    DATA64 = 0x0F
    BOOL = 0x10
    BITMAP8 = 0x18
    BITMAP16 = 0x19
    BITMAP24 = 0x1A
    BITMAP32 = 0x1B
    BITMAP40 = 0x1C
    BITMAP48 = 0x1D
    BITMAP56 = 0x1E
    BITMAP64 = 0x1F
    UINT8 = 0x20
    UINT16 = 0x21
    UINT24 = 0x22
    UINT32 = 0x23
    UINT40 = 0x24
    UINT48 = 0x25
    UINT56 = 0x26
    UINT64 = 0x27
    INT8 = 0x28
    INT16 = 0x29
    INT24 = 0x2A
    INT32 = 0x2B
    INT40 = 0x2C
    INT48 = 0x2D
    INT56 = 0x2E
    INT64 = 0x2F
    ENUM8 = 0x30
    ENUM16 = 0x31
    SEMI = 0x38
    SINGLE = 0x39
    DOUBLE = 0x3A
    OCTET_STRING = 0x41
    CHAR_STRING = 0x42
    LONG_OCTET_STRING = 0x43
    LONG_CHAR_STRING = 0x44
    ARRAY = 0x48
    STRUCTURE = 0x4C
    SET = 0x50
    BAG = 0x51
    TIME_OF_DAY = 0xE0
    DATE = 0xE1
    UTC_TIME = 0xE2
    CLUSTER_ID = 0xE8
    ATTRIBUTE_ID = 0xE9
    BACNET_OID = 0xEA
    EUI64 = 0xF0
    KEY128 = 0xF1
    UNKNOWN = 0xFF


@dataclass(frozen=True, slots=True)
class Collection:
    """An array, set or bag: elements of one type."""

    element_type: int
    elements: tuple[Value, ...]


Scalar: TypeAlias = bool | int | float | bytes | str | None
Value: TypeAlias = "Scalar | Collection | tuple[tuple[int, Value], ...]"


def zcl_seconds(moment: datetime) -> int:
    """UTCTime of an aware moment: whole seconds since 2000-01-01 00:00:00 UTC."""
    if moment.tzinfo is None:
        raise LocalError("UTCTime needs an aware moment")
    if not fits_utc_time(moment):
        raise LocalError(f"{moment} does not fit UTCTime")
    return (moment - EPOCH) // _SECOND


def fits_utc_time(moment: datetime) -> bool:
    """Whether an aware moment has a UTCTime: 2000 to 2136."""
    return 0 <= (moment - EPOCH) // _SECOND < INVALID_UTC_TIME


def zcl_moment(seconds: int) -> datetime:
    """The moment of a UTCTime value."""
    return EPOCH + timedelta(seconds=seconds)


def is_analog(type_id: int) -> bool:
    """Whether reports of this type use a reportable change (ZCL analog types)."""
    return 0x20 <= type_id <= 0x2F or 0x38 <= type_id <= 0x3A or 0xE0 <= type_id <= 0xE2


def invalid_value(type_id: int) -> Value:
    """The value that means "none" in this type; None for the types that hold it as such."""
    size = fixed_size(type_id)
    if type_id not in _INTEGERS or size is None:
        return None
    _, signed = _INTEGERS[type_id]
    return -(1 << 8 * size - 1) if signed else (1 << 8 * size) - 1


def fixed_size(type_id: int) -> int | None:
    """Octets a value of this type takes; None for strings, collections and unknown types."""
    if type_id in _INTEGERS:
        return _INTEGERS[type_id][0]
    return _FLOATS[type_id].size if type_id in _FLOATS else _OTHER_SIZES.get(type_id)


def decode(type_id: int, octets: bytes, at: int = 0) -> tuple[Value, int]:
    """Decode one value; return it and the offset behind it."""
    return _decode(type_id, octets, at, NESTING_LIMIT)


def encode(type_id: int, value: Value) -> bytes:
    """Encode one value; LocalError when it does not fit its type."""
    if type_id in _INTEGERS:
        return _encode_integer(type_id, value)
    encoder = _ENCODERS.get(type_id)
    if encoder is None:
        raise LocalError(f"no such ZCL data type: 0x{type_id:02X}")
    return encoder(type_id, value)


def fitted(type_id: int, value: Value) -> Value:
    """The value, or for an integer beyond its type the end of the type's range.

    The end is the last value that does not mean "invalid".
    """
    known = _INTEGERS.get(type_id)
    if known is None or not isinstance(value, int):
        return value
    bits, signed = 8 * known[0], known[1]
    if signed:
        return min(max(value, 1 - (1 << bits - 1)), (1 << bits - 1) - 1)
    return value if 0 <= value < 1 << bits else min(max(value, 0), (1 << bits) - 2)


def _decode(type_id: int, octets: bytes, at: int, depth: int) -> tuple[Value, int]:
    known = _INTEGERS.get(type_id)
    if known is not None:
        size, signed = known
        raw, stop = _take(octets, at, size)
        return int.from_bytes(raw, "little", signed=signed), stop
    if type_id in _STRINGS:
        return _decode_string(type_id, octets, at)
    if type_id in _FLOATS:
        raw, stop = _take(octets, at, _FLOATS[type_id].size)
        return float(_FLOATS[type_id].unpack(raw)[0]), stop
    if type_id == DataType.BOOL:
        raw, stop = _take(octets, at, 1)
        return _decode_bool(raw[0], at), stop
    if type_id == DataType.KEY128:
        return _take(octets, at, 16)
    if type_id == DataType.NO_DATA or type_id == DataType.UNKNOWN:
        return None, at
    if type_id in _COLLECTIONS or type_id == DataType.STRUCTURE:
        return _decode_compound(type_id, octets, at, depth)
    raise MalformedMessage(f"no such ZCL data type: 0x{type_id:02X}", at)


def _take(octets: bytes, at: int, size: int) -> tuple[bytes, int]:
    stop = at + size
    if stop > len(octets):
        raise MalformedMessage(
            f"value needs {size} octets, {max(len(octets) - at, 0)} are left", at
        )
    return octets[at:stop], stop


def _decode_bool(octet: int, at: int) -> bool | None:
    if octet > 1 and octet != 0xFF:
        raise MalformedMessage(f"boolean is 0x{octet:02X}", at)
    return None if octet == 0xFF else bool(octet)


def _decode_string(type_id: int, octets: bytes, at: int) -> tuple[bytes | str | None, int]:
    is_text, length_size = _STRINGS[type_id]
    raw, start = _take(octets, at, length_size)
    length = int.from_bytes(raw, "little")
    if length == (1 << 8 * length_size) - 1:
        return None, start
    content, stop = _take(octets, start, length)
    return content.decode("utf-8", "surrogateescape") if is_text else content, stop


def _decode_compound(type_id: int, octets: bytes, at: int, depth: int) -> tuple[Value, int]:
    if depth == 0:
        raise MalformedMessage(f"more than {NESTING_LIMIT} nested collections", at)
    element_type = 0
    if type_id != DataType.STRUCTURE:
        raw, at = _take(octets, at, 1)
        element_type = raw[0]
    raw, at = _take(octets, at, 2)
    count = int.from_bytes(raw, "little")
    if count == 0xFFFF:
        count = 0
    if count > COLLECTION_LIMIT:
        raise MalformedMessage(
            f"collection of {count} elements, the limit is {COLLECTION_LIMIT}", at
        )
    if type_id == DataType.STRUCTURE:
        return _decode_members(octets, at, count, depth)
    elements: list[Value] = []
    for _ in range(count):
        value, at = _decode(element_type, octets, at, depth - 1)
        elements.append(value)
    return Collection(element_type, tuple(elements)), at


def _decode_members(octets: bytes, at: int, count: int, depth: int) -> tuple[Value, int]:
    members: list[tuple[int, Value]] = []
    for _ in range(count):
        raw, at = _take(octets, at, 1)
        value, at = _decode(raw[0], octets, at, depth - 1)
        members.append((raw[0], value))
    return tuple(members), at


def _encode_integer(type_id: int, value: Value) -> bytes:
    size, signed = _INTEGERS[type_id]
    if not isinstance(value, int):
        raise _misfit(type_id, value)
    try:
        return value.to_bytes(size, "little", signed=signed)
    except OverflowError:
        raise _misfit(type_id, value) from None


def _misfit(type_id: int, value: Value) -> LocalError:
    name = DataType(type_id).name
    return LocalError(f"{value!r} does not fit ZCL type {name}")


def _encode_bool(type_id: int, value: Value) -> bytes:
    if value is not None and not isinstance(value, int):
        raise _misfit(type_id, value)
    return b"\xff" if value is None else bytes((bool(value),))


def _encode_float(type_id: int, value: Value) -> bytes:
    if not isinstance(value, (int, float)):
        raise _misfit(type_id, value)
    try:
        return _FLOATS[type_id].pack(value)
    except (OverflowError, StructError):
        raise _misfit(type_id, value) from None


def _encode_string(type_id: int, value: Value) -> bytes:
    is_text, length_size = _STRINGS[type_id]
    invalid = (1 << 8 * length_size) - 1
    if value is None:
        return invalid.to_bytes(length_size, "little")
    content = value
    if is_text and isinstance(value, str):
        content = _text_octets(type_id, value)
    if not isinstance(content, bytes) or len(content) >= invalid:
        raise _misfit(type_id, value)
    return len(content).to_bytes(length_size, "little") + content


def _text_octets(type_id: int, text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise _misfit(type_id, text) from None


def _encode_key(type_id: int, value: Value) -> bytes:
    if not isinstance(value, bytes) or len(value) != 16:
        raise _misfit(type_id, "a value that is not 16 octets")
    return value


def _encode_nothing(type_id: int, value: Value) -> bytes:
    if value is not None:
        raise _misfit(type_id, value)
    return b""


def _encode_collection(type_id: int, value: Value) -> bytes:
    if not isinstance(value, Collection) or len(value.elements) > COLLECTION_LIMIT:
        raise _misfit(type_id, value)
    head = bytes((value.element_type,)) + len(value.elements).to_bytes(2, "little")
    return head + b"".join(encode(value.element_type, e) for e in value.elements)


def _encode_structure(type_id: int, value: Value) -> bytes:
    if not isinstance(value, tuple) or len(value) > COLLECTION_LIMIT:
        raise _misfit(type_id, value)
    head = len(value).to_bytes(2, "little")
    return head + b"".join(bytes((member,)) + encode(member, v) for member, v in value)


def _integer_types() -> dict[int, tuple[int, bool]]:
    families = ((0x08, False), (0x18, False), (0x20, False), (0x28, True))
    table = {first + n: (n + 1, signed) for first, signed in families for n in range(8)}
    return table | {
        DataType.ENUM8: (1, False),
        DataType.ENUM16: (2, False),
        DataType.TIME_OF_DAY: (4, False),
        DataType.DATE: (4, False),
        DataType.UTC_TIME: (4, False),
        DataType.CLUSTER_ID: (2, False),
        DataType.ATTRIBUTE_ID: (2, False),
        DataType.BACNET_OID: (4, False),
        DataType.EUI64: (8, False),
    }


_INTEGERS: Final = _integer_types()
_FLOATS: Final[dict[int, Struct]] = {
    DataType.SEMI: Struct("<e"),
    DataType.SINGLE: Struct("<f"),
    DataType.DOUBLE: Struct("<d"),
}
_STRINGS: Final[dict[int, tuple[bool, int]]] = {
    DataType.OCTET_STRING: (False, 1),
    DataType.CHAR_STRING: (True, 1),
    DataType.LONG_OCTET_STRING: (False, 2),
    DataType.LONG_CHAR_STRING: (True, 2),
}
_COLLECTIONS: Final = frozenset({int(DataType.ARRAY), int(DataType.SET), int(DataType.BAG)})
_OTHER_SIZES: Final[dict[int, int]] = {
    DataType.NO_DATA: 0,
    DataType.BOOL: 1,
    DataType.KEY128: 16,
}
_ENCODERS: Final[dict[int, Callable[[int, Value], bytes]]] = {
    DataType.BOOL: _encode_bool,
    DataType.KEY128: _encode_key,
    DataType.NO_DATA: _encode_nothing,
    DataType.UNKNOWN: _encode_nothing,
    DataType.STRUCTURE: _encode_structure,
    **dict.fromkeys(_FLOATS, _encode_float),
    **dict.fromkeys(_STRINGS, _encode_string),
    **dict.fromkeys(_COLLECTIONS, _encode_collection),
}
