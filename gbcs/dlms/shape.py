"""Shapes of A-XDR data, and plain values that fit them.

A shape is what the catalogue writes: ``u32``, ``os(12)``, ``{i8,enum}``, ``array<{u16,os(5)}>``.
Lengths of octet strings are what was seen, not a rule, but for 12 octets: a date-time. A
value that does not fit its shape is written with its type, as ``{"u16": 5}``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from gbcs.dlms import values as v
from gbcs.dlms.data import INTEGERS, Bits, CompactArray, Data, Tag
from gbcs.errors import LocalError
from gbcs.plain import (
    Plain,
    octets_to_text,
    plain_to_text,
    stamp_octets_to_text,
    text_to_octets,
    text_to_plain,
    text_to_stamp_octets,
    to_bool,
    to_int,
)

_TAGS: Final = {
    "null": Tag.NULL,
    "bool": Tag.BOOLEAN,
    "u8": Tag.UNSIGNED,
    "u16": Tag.LONG_UNSIGNED,
    "u32": Tag.DOUBLE_LONG_UNSIGNED,
    "u64": Tag.LONG64_UNSIGNED,
    "i8": Tag.INTEGER,
    "i16": Tag.LONG,
    "i32": Tag.DOUBLE_LONG,
    "i64": Tag.LONG64,
    "enum": Tag.ENUM,
    "os": Tag.OCTET_STRING,
    "bs": Tag.BIT_STRING,
    "vs": Tag.VISIBLE_STRING,
    "utf8": Tag.UTF8_STRING,
}
_NAMES: Final = {int(tag): name for name, tag in _TAGS.items()}
_TOKEN: Final = re.compile(r"(array<|compact-array<|\{|\}|>|,|\w+)(?:\((\d+)\))?")
_DATE_TIME_OCTETS: Final = 12
_BOUND: Final = 8
"""Deepest nesting a shape may have."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Tag, members of a structure or the element of an array, and the length seen."""

    tag: int
    members: tuple[Shape, ...] = ()
    length: int | None = None


@cache
def parse_shape(text: str) -> Shape:
    """Read a shape; LocalError when it is not one."""
    tokens = [(match[1], match[2]) for match in _TOKEN.finditer(text)]
    shape, rest = _read_shape(tokens, _BOUND)
    if rest or "".join(name + (f"({n})" if n else "") for name, n in tokens) != text:
        raise LocalError(f"not a shape: {text!r}")
    return shape


_Tokens = list[tuple[str, str]]


def _read_shape(tokens: _Tokens, depth: int) -> tuple[Shape, _Tokens]:
    if not tokens or depth == 0:
        raise LocalError("a shape is cut short or too deep")
    (name, length), rest = tokens[0], tokens[1:]
    if name == "{":
        members, rest = _read_members(rest, "}", depth)
        return Shape(Tag.STRUCTURE, members), rest
    if name in ("array<", "compact-array<"):
        members, rest = _read_members(rest, ">", depth)
        return Shape(Tag.ARRAY if name == "array<" else Tag.COMPACT_ARRAY, members), rest
    if name not in _TAGS:
        raise LocalError(f"unknown type {name!r} in a shape")
    return Shape(_TAGS[name], (), int(length) if length else None), rest


def _read_members(tokens: _Tokens, end: str, depth: int) -> tuple[tuple[Shape, ...], _Tokens]:
    members: list[Shape] = []
    while tokens and tokens[0][0] != end:
        member, tokens = _read_shape(tokens, depth - 1)
        members.append(member)
        if tokens and tokens[0][0] == ",":
            tokens = tokens[1:]
    if not tokens:
        raise LocalError(f"a shape lacks {end!r}")
    return tuple(members), tokens[1:]


def to_plain(data: Data, shapes: tuple[str, ...]) -> Plain:
    """Write data plainly, by the first shape that gives the same data back."""
    for text in shapes:
        shape = parse_shape(text)
        plain = _plain(data, shape)
        try:
            if _data(plain, shape) == data:
                return plain
        except LocalError:
            continue
    return typed(data)


def from_plain(plain: Plain, shapes: tuple[str, ...]) -> Data:
    """Read a plain value by the first shape it fits; typed values need no shape."""
    reasons = []
    for text in shapes:
        try:
            return _data(plain, parse_shape(text))
        except LocalError as exc:
            reasons.append(f"{text}: {exc}")
    if _is_typed(plain):
        return untyped(plain)
    raise LocalError(f"{plain!r} fits none of the shapes: {'; '.join(reasons)}")


def typed(data: Data) -> Plain:
    """Write data with its types, whatever its shape."""
    value = data.value
    if isinstance(value, CompactArray):
        return {"compact-array": [typed(entry) for entry in value.entries]}
    if isinstance(value, tuple) and not isinstance(value, Bits):
        name = "array" if data.tag == Tag.ARRAY else "structure"
        return {name: [typed(member) for member in value]}
    return {_NAMES[data.tag]: _plain(data, Shape(data.tag))}


def untyped(plain: Plain) -> Data:
    """Read what :func:`typed` writes; compact arrays cannot be read back."""
    if isinstance(plain, dict) and len(plain) == 1:
        [(name, value)] = plain.items()
        if name in _TAGS:
            return _data(value, Shape(_TAGS[name]))
        if name in ("array", "structure") and isinstance(value, list):
            build = v.array if name == "array" else v.structure
            return build(*map(untyped, value))
    raise LocalError(f"not a typed value: {plain!r}")


def _is_typed(plain: Plain) -> bool:
    return isinstance(plain, dict) and len(plain) == 1


def _plain(data: Data, shape: Shape) -> Plain:
    value = data.value
    if isinstance(value, CompactArray):
        member = shape.members[0] if shape.members else Shape(Tag.NULL)
        return [_plain(entry, member) for entry in value.entries]
    if isinstance(value, Bits):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(e, _member_shape(shape, i, e)) for i, e in enumerate(value)]
    if isinstance(value, bytes):
        is_time = shape.length == _DATE_TIME_OCTETS and len(value) == _DATE_TIME_OCTETS
        return stamp_octets_to_text(value) if is_time else octets_to_text(value)
    return text_to_plain(value) if isinstance(value, str) else value


def _member_shape(shape: Shape, index: int, data: Data) -> Shape:
    if shape.tag == Tag.ARRAY and shape.members:
        return shape.members[0]
    return shape.members[index] if index < len(shape.members) else Shape(data.tag)


def _data(plain: Plain, shape: Shape) -> Data:
    tag = shape.tag
    if tag in INTEGERS:
        return _integer(tag, plain)
    if tag == Tag.STRUCTURE:
        values = _list(plain)
        if len(values) != len(shape.members):
            raise LocalError(f"{len(values)} members, not {len(shape.members)}")
        return v.structure(*map(_data, values, shape.members))
    if tag == Tag.ARRAY:
        values = _list(plain)
        if values and len(shape.members) != 1:
            raise LocalError("this array is empty")
        return v.array(*(_data(value, shape.members[0]) for value in values))
    if tag == Tag.NULL:
        if plain is not None:
            raise LocalError(f"null, not {plain!r}")
        return v.NULL
    return _text(plain, shape)


def _text(plain: Plain, shape: Shape) -> Data:
    tag = shape.tag
    if tag == Tag.BOOLEAN:
        return v.boolean(to_bool(plain))
    if tag == Tag.OCTET_STRING:
        if shape.length == _DATE_TIME_OCTETS:
            return v.octets(text_to_stamp_octets(plain))
        return v.octets(text_to_octets(plain))
    if not isinstance(plain, str):
        raise LocalError(f"text, not {plain!r}")
    if tag == Tag.BIT_STRING:
        return v.bits(plain)
    if tag in (Tag.VISIBLE_STRING, Tag.UTF8_STRING):
        return Data(tag, plain_to_text(plain))
    raise LocalError("compact arrays are only read")


def _integer(tag: int, plain: Plain) -> Data:
    value = to_int(plain)
    layout = INTEGERS[tag]
    signed = layout.format[-1:].islower()
    bits = 8 * layout.size
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not least <= value <= most:
        raise LocalError(f"{value} does not fit {_NAMES[tag]}")
    return Data(int(tag), value)


def _list(plain: Plain) -> list[Plain]:
    if isinstance(plain, list):
        return plain
    raise LocalError(f"a list, not {plain!r}")
