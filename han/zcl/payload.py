"""Command payloads as dataclasses: one field, one wire type.

    @dataclass(frozen=True, slots=True)
    class RequestTunnel:
        protocol_id: U8
        manufacturer: U16

``decode`` reads such a class and ``encode`` writes it. A field with a default may be absent at the
end of what is read; octets behind the last field are ignored, as the ZCL asks of receivers.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from enum import Enum
from typing import Annotated, Final, TypeVar, get_args, get_type_hints

from gbcs.errors import LocalError, MalformedMessage
from gbcs.zcl.types import DataType
from gbcs.zcl.types import decode as decode_value
from gbcs.zcl.types import encode as encode_value

P = TypeVar("P")


class Shape(Enum):
    """How octets lie on the wire when no ZCL data type says it."""

    REST = "all octets to the end"


@dataclass(frozen=True, slots=True)
class Repeated:
    """Values of one type, or records of one payload class, to the end of the payload."""

    item: DataType | type


@dataclass(frozen=True, slots=True)
class Counted:
    """An octet that counts, and as many values of one type."""

    item: DataType | type


U8 = Annotated[int, DataType.UINT8]
U16 = Annotated[int, DataType.UINT16]
U24 = Annotated[int, DataType.UINT24]
U32 = Annotated[int, DataType.UINT32]
S8 = Annotated[int, DataType.INT8]
S16 = Annotated[int, DataType.INT16]
S32 = Annotated[int, DataType.INT32]
Bool8 = Annotated[bool, DataType.BOOL]
Enum8 = Annotated[int, DataType.ENUM8]
Map8 = Annotated[int, DataType.BITMAP8]
Map16 = Annotated[int, DataType.BITMAP16]
Map32 = Annotated[int, DataType.BITMAP32]
Utc = Annotated[int, DataType.UTC_TIME]  # seconds since 2000-01-01, as on the wire
Octets = Annotated[bytes, DataType.OCTET_STRING]
Text = Annotated[str, DataType.CHAR_STRING]
Rest = Annotated[bytes, Shape.REST]
Eui64 = Annotated[int, DataType.EUI64]
U24s = Annotated[tuple[int, ...], Repeated(DataType.UINT24)]
U32s = Annotated[tuple[int, ...], Repeated(DataType.UINT32)]

CountedU8s = Annotated[tuple[int, ...], Counted(DataType.UINT8)]
CountedU16s = Annotated[tuple[int, ...], Counted(DataType.UINT16)]

_Wire = DataType | Shape | Repeated | Counted
_Layout = tuple[tuple[str, _Wire, bool], ...]  # name, wire type, may be absent
_NOTHING: Final = {DataType.OCTET_STRING: b"", DataType.CHAR_STRING: ""}  # invalid reads as empty
_LAYOUTS: Final[dict[type, _Layout]] = {}  # read once from each class's annotations


def decode(kind: type[P], payload: bytes) -> P:
    """Read a payload; MalformedMessage when it ends inside a field."""
    return _decode(kind, payload, 0)[0]


def _decode(kind: type[P], payload: bytes, offset: int) -> tuple[P, int]:
    values: dict[str, object] = {}
    for name, wire, optional in _layout(kind):
        if optional and offset >= len(payload):
            break
        values[name], offset = _read(wire, payload, offset)
    return kind(**values), offset


def encode(message: object) -> bytes:
    """Write a payload; fields that are None at the end are left out."""
    parts = []
    for name, wire, _ in _layout(type(message)):
        value = getattr(message, name)
        if value is None:
            break
        parts.append(_write(wire, value))
    return b"".join(parts)


def _layout(kind: type) -> _Layout:
    layout = _LAYOUTS.get(kind)
    if layout is None:
        hints = get_type_hints(kind, include_extras=True)
        layout = tuple(
            (f.name, _wire(hints[f.name]), f.default is not MISSING) for f in fields(kind)
        )
        _LAYOUTS[kind] = layout
    return layout


def _wire(hint: object) -> _Wire:
    """The wire type annotated on a field; ``U8 | None`` annotates an optional one."""
    for candidate in (hint, *get_args(hint)):
        for mark in getattr(candidate, "__metadata__", ()):
            if isinstance(mark, _Wire):
                return mark
    raise TypeError(f"no wire type on {hint}")


def _read(wire: _Wire, payload: bytes, offset: int) -> tuple[object, int]:
    if wire is Shape.REST:
        return bytes(payload[offset:]), len(payload)
    if isinstance(wire, Repeated | Counted):
        return _read_list(wire, payload, offset)
    value, end = decode_value(DataType(wire), payload, offset)
    if value is None and wire not in _NOTHING:
        raise MalformedMessage(f"{DataType(wire).name} is invalid", offset)
    return _NOTHING[DataType(wire)] if value is None else value, end


def _read_list(wire: Repeated | Counted, payload: bytes, offset: int) -> tuple[object, int]:
    count = -1
    if isinstance(wire, Counted):
        if offset >= len(payload):
            raise MalformedMessage("the count of a list is missing", offset)
        count, offset = payload[offset], offset + 1
    values: list[object] = []
    while offset < len(payload) if count < 0 else len(values) < count:
        value, end = _read_item(wire.item, payload, offset)
        if end == offset:
            raise MalformedMessage("a list of nothing does not end", offset)
        values.append(value)
        offset = end
    return tuple(values), offset


def _read_item(item: DataType | type, payload: bytes, offset: int) -> tuple[object, int]:
    if isinstance(item, DataType):
        return decode_value(item, payload, offset)
    return _decode(item, payload, offset)


def _write(wire: _Wire, value: object) -> bytes:
    match wire, value:
        case Shape.REST, bytes(octets):
            return octets
        case Repeated(item), tuple(values):
            return b"".join(_write_item(item, each) for each in values)
        case Counted(item), tuple(values):
            return bytes([len(values)]) + b"".join(_write_item(item, each) for each in values)
        case DataType() as kind, int() | bytes() | str():
            return encode_value(kind, value)
    raise LocalError(f"{value!r} does not fit {wire}")


def _write_item(item: DataType | type, value: object) -> bytes:
    return _write(item, value) if isinstance(item, DataType) else encode(value)
