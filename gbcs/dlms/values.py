"""Short names to build A-XDR data with."""

from __future__ import annotations

from gbcs.dlms.data import Bits, Data, Tag
from gbcs.dlms.obis import Obis
from gbcs.errors import LocalError
from gbcs.stamp import Stamp

NULL = Data(Tag.NULL, None)


def boolean(value: bool) -> Data:
    """A boolean."""
    return Data(Tag.BOOLEAN, value)


def u8(value: int) -> Data:
    """Unsigned, 8 bits."""
    return Data(Tag.UNSIGNED, value)


def u16(value: int) -> Data:
    """Long-unsigned, 16 bits."""
    return Data(Tag.LONG_UNSIGNED, value)


def u32(value: int) -> Data:
    """Double-long-unsigned, 32 bits."""
    return Data(Tag.DOUBLE_LONG_UNSIGNED, value)


def i8(value: int) -> Data:
    """Integer, 8 bits."""
    return Data(Tag.INTEGER, value)


def i16(value: int) -> Data:
    """Long, 16 bits."""
    return Data(Tag.LONG, value)


def i32(value: int) -> Data:
    """Double-long, 32 bits."""
    return Data(Tag.DOUBLE_LONG, value)


def enum(value: int) -> Data:
    """An enumeration value."""
    return Data(Tag.ENUM, value)


def octets(value: bytes) -> Data:
    """An octet string."""
    return Data(Tag.OCTET_STRING, bytes(value))


def visible(value: str) -> Data:
    """A visible (ASCII) string."""
    return Data(Tag.VISIBLE_STRING, value)


def utf8(value: str) -> Data:
    """A UTF-8 string."""
    return Data(Tag.UTF8_STRING, value)


def logical_name(text: str) -> Data:
    """A logical name as octet string."""
    return octets(Obis.parse(text))


def date_time(stamp: Stamp) -> Data:
    """A date-time as octet string of 12."""
    return octets(stamp.to_bytes())


def bits(pattern: str) -> Data:
    """A bit string from its digits, the first bit first."""
    if pattern.strip("01"):
        raise LocalError(f"a bit pattern holds 0 and 1 only: {pattern!r}")
    padded = pattern.ljust((len(pattern) + 7) // 8 * 8, "0")
    raw = bytes(int(padded[i : i + 8], 2) for i in range(0, len(padded), 8))
    return Data(Tag.BIT_STRING, Bits(len(pattern), raw))


def structure(*members: Data) -> Data:
    """A structure."""
    return Data(Tag.STRUCTURE, members)


def array(*elements: Data) -> Data:
    """An array."""
    return Data(Tag.ARRAY, elements)


def scaler_unit(scaler: int, unit: int) -> Data:
    """Scaler and unit of a register (unit: DLMS enumeration, 30 = Wh)."""
    return structure(i8(scaler), enum(unit))
