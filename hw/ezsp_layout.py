"""Layouts of EZSP frames, compiled from the command tables of bellows.

The tables are the truth; their field types are convenient but slow, and hot frames pass here by
the thousand. Values are plain: integers (EUI-64 too), octets, lists of integers, mappings for
structures, and, for what an NCP answers, :class:`Status` in the numbering of the field.
"""

# ruff: noqa: SLF001 - names of bellows and zigpy that tests/hw/test_bellows_names.py watches

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from struct import Struct, error
from typing import Final, Protocol

import bellows.types as t
import zigpy.types as zigpy_t

from hw.ezsp_names import NAMES
from hw.ezsp_status import Status

Value = int | bytes | Status | list["Value"] | dict[str, "Value"]
Fields = Mapping[str, Value]

_UNSIGNED: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}
_SIGNED: Final = {1: "b", 2: "h", 4: "i", 8: "q"}
_EUI64_FORMAT: Final = "Q"
_KEY_FORMAT: Final = "16s"
_NUMBERINGS: Final[Mapping[type, Callable[[Status], int]]] = {
    t.EmberStatus: lambda status: status.ember,
    t.EzspStatus: lambda status: status.ezsp,
    t.sl_Status: lambda status: status.sl,
}


class Truncated(ValueError):
    """The frame ends before its layout does."""


@dataclass(frozen=True, slots=True)
class Report:
    """The fields of one frame by common name; TypeError where a field is of another kind."""

    name: str
    fields: dict[str, Value]

    def number(self, name: str) -> int:
        """A field that is a number (or flag)."""
        value = self.fields[name]
        if isinstance(value, int):
            return value
        raise TypeError(f"{self.name}.{name} is no number")

    def octets(self, name: str) -> bytes:
        """A field that is octets."""
        value = self.fields[name]
        if isinstance(value, bytes):
            return value
        raise TypeError(f"{self.name}.{name} is no octet string")

    def structure(self, name: str) -> dict[str, Value]:
        """A field that is a structure."""
        value = self.fields[name]
        if isinstance(value, dict):
            return value
        raise TypeError(f"{self.name}.{name} is no structure")

    def numbers(self, name: str) -> list[int]:
        """A field that is a list of numbers."""
        value = self.fields[name]
        if isinstance(value, list):
            return [item for item in value if isinstance(item, int)]
        raise TypeError(f"{self.name}.{name} is no list")


class _Part(Protocol):
    """One field, or several of fixed size, of a layout."""

    def read(self, octets: bytes, offset: int, into: dict[str, Value]) -> int:
        """Put the values into the mapping; the offset behind them."""
        ...

    def write(self, fields: Fields) -> bytes:
        """Encode; KeyError names a field that is missing."""
        ...


class Layout:
    """One frame or structure; ``renamed`` gives its fields their common names."""

    def __init__(self, schema: Mapping[str, type] | type, *, renamed: bool) -> None:
        self._parts: list[_Part] = []
        run: list[tuple[str, str, Callable[[Status], int] | None]] = []
        for name, kind, optional in _fields_of(schema):
            common = NAMES.get(name, name) if renamed else name
            fixed = None if optional else _fixed_format(kind)
            if fixed is not None:
                run.append((common, fixed, _NUMBERINGS.get(kind)))
                continue
            if run:
                self._parts.append(_Run(run))
                run = []
            self._parts.append(_variable(common, kind, optional=optional))
        if run:
            self._parts.append(_Run(run))

    def decode(self, octets: bytes, offset: int = 0) -> dict[str, Value]:
        """The fields by name; Truncated when octets are missing."""
        fields: dict[str, Value] = {}
        self.read_into(octets, offset, fields)
        return fields

    def read_into(self, octets: bytes, offset: int, fields: dict[str, Value]) -> int:
        """Decode at an offset; the offset behind the layout."""
        for part in self._parts:
            offset = part.read(octets, offset, fields)
        return offset

    def encode(self, fields: Fields) -> bytes:
        """Encode; KeyError names a field that is missing."""
        return b"".join([part.write(fields) for part in self._parts])


def layout_of(schema: Mapping[str, type] | type) -> Layout:
    """The layout of one entry of a command table."""
    return Layout(schema, renamed=True)


def _fields_of(schema: Mapping[str, type] | type) -> list[tuple[str, type, bool]]:
    if isinstance(schema, type):
        return [
            (field.name, field.type, bool(field.optional or field.requires))
            for field in schema.fields  # type: ignore[attr-defined] # a zigpy structure
        ]
    # an empty tuple stands for no fields in some tables
    return [(name, kind, False) for name, kind in schema.items()] if schema else []


def _fixed_format(kind: type) -> str | None:
    if issubclass(kind, zigpy_t.EUI64):
        return _EUI64_FORMAT
    if issubclass(kind, zigpy_t.KeyData):
        return _KEY_FORMAT
    if issubclass(kind, int):
        size: int = kind._size  # type: ignore[attr-defined] # a zigpy integer
        signed: bool = kind._signed  # type: ignore[attr-defined] # a zigpy integer
        return (_SIGNED if signed else _UNSIGNED).get(size)
    return None


class _Run:
    """Fields of fixed size in a row."""

    def __init__(self, fields: list[tuple[str, str, Callable[[Status], int] | None]]) -> None:
        self._struct = Struct("<" + "".join(form for _, form, _ in fields))
        self._names = tuple(name for name, _, _ in fields)
        self._numberings = {name: number for name, _, number in fields if number is not None}

    def read(self, octets: bytes, offset: int, into: dict[str, Value]) -> int:
        try:
            into.update(zip(self._names, self._struct.unpack_from(octets, offset), strict=True))
        except error:
            raise Truncated(f"{self._names[0]} is cut short") from None
        return offset + self._struct.size

    def write(self, fields: Fields) -> bytes:
        values = [fields[name] for name in self._names]
        if self._numberings:
            values = [
                self._numberings[name](value) if isinstance(value, Status) else value
                for name, value in zip(self._names, values, strict=True)
            ]
        return self._struct.pack(*values)


def _variable(name: str, kind: type, *, optional: bool) -> _Part:
    if issubclass(kind, t.LVBytes):
        prefix: int = kind._prefix_length  # type: ignore[attr-defined] # a zigpy octet string
        return _Counted(name, prefix, optional)
    if issubclass(kind, zigpy_t.Struct):
        return _Nested(name, kind)
    return _Other(name, kind, optional)


class _Counted:
    """Octets behind their count."""

    def __init__(self, name: str, prefix: int, optional: bool) -> None:
        self._name, self._prefix, self._optional = name, prefix, optional

    def read(self, octets: bytes, offset: int, into: dict[str, Value]) -> int:
        start = offset + self._prefix
        end = start + int.from_bytes(octets[offset:start], "little")
        if start > len(octets) or end > len(octets):
            if self._optional:
                return offset
            raise Truncated(f"{self._name} is cut short")
        into[self._name] = octets[start:end]
        return end

    def write(self, fields: Fields) -> bytes:
        if self._optional and self._name not in fields:
            return b""
        value = fields[self._name]
        if not isinstance(value, bytes):
            raise TypeError(f"{self._name} is octets")
        return len(value).to_bytes(self._prefix, "little") + value


class _Nested:
    """A structure within a frame; its fields keep the names of the table."""

    def __init__(self, name: str, kind: type) -> None:
        self._name, self._layout = name, _structure(kind)

    def read(self, octets: bytes, offset: int, into: dict[str, Value]) -> int:
        inner: dict[str, Value] = {}
        offset = self._layout.read_into(octets, offset, inner)
        into[self._name] = inner
        return offset

    def write(self, fields: Fields) -> bytes:
        value = fields[self._name]
        if not isinstance(value, dict):
            raise TypeError(f"{self._name} is a structure")
        return self._layout.encode(value)


@cache
def _structure(kind: type) -> Layout:
    return Layout(kind, renamed=False)


class _Other:
    """Lists and other rare types: bellows reads and writes them."""

    def __init__(self, name: str, kind: type, optional: bool) -> None:
        self._name, self._kind, self._optional = name, kind, optional

    def read(self, octets: bytes, offset: int, into: dict[str, Value]) -> int:
        try:
            value, rest = self._kind.deserialize(octets[offset:])  # type: ignore[attr-defined] # untyped
        except ValueError:
            if self._optional:
                return offset
            raise Truncated(f"{self._name} is cut short") from None
        items: list[Value] = [int(i) for i in value] if isinstance(value, list) else []
        into[self._name] = int(value) if isinstance(value, int) else items
        return len(octets) - len(rest)

    def write(self, fields: Fields) -> bytes:
        if self._optional and self._name not in fields:
            return b""
        value = fields[self._name]
        return self._kind(value).serialize()  # type: ignore[no-any-return] # untyped library
