r"""Types of attributes in a short notation, and plain values to and from typed data.

| notation | typed data | plain value |
|---|---|---|
| u8 u16 u32 i8 i16 i32 enum | integer of that size | int |
| bool | boolean | bool |
| null | null | None |
| os(6) os(..8) os | octet string of 6, of at most 8, of any length | bytes |
| vs(..20) utf8 | visible string, UTF-8 string | str |
| bs(256) bs | bit string | Bits |
| {u32,i8} | structure | tuple |
| array<u32> array[48]<u32> | array, of any or of a fixed number | tuple |
| compact<{u32,u16}> | compact array | tuple |
| u16\|os(12) | either | either |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

from gbcs.dlms.data import Bits, CompactArray, Data, Tag, TypeDescription
from gbcs.errors import LocalError

Plain: TypeAlias = "int | bool | str | bytes | Bits | tuple[Plain, ...] | None"

_TAGS: Final = {
    "null": Tag.NULL,
    "bool": Tag.BOOLEAN,
    "u8": Tag.UNSIGNED,
    "u16": Tag.LONG_UNSIGNED,
    "u32": Tag.DOUBLE_LONG_UNSIGNED,
    "i8": Tag.INTEGER,
    "i16": Tag.LONG,
    "i32": Tag.DOUBLE_LONG,
    "enum": Tag.ENUM,
    "os": Tag.OCTET_STRING,
    "vs": Tag.VISIBLE_STRING,
    "utf8": Tag.UTF8_STRING,
    "bs": Tag.BIT_STRING,
    "array": Tag.ARRAY,
    "compact": Tag.COMPACT_ARRAY,
}
_TOKEN: Final = re.compile(r"[a-z]+\d*|\d+|\.\.|[{}<>()\[\],|]")


@dataclass(frozen=True, slots=True)
class Shape:
    """One type: a tag, limits of its size, and the types inside it."""

    tag: int
    members: tuple[Shape, ...] = ()
    least: int = 0
    most: int | None = None
    alternatives: tuple[Shape, ...] = ()
    """Set when this is a choice; everything else is then empty."""

    def fits(self, data: Data) -> bool:
        """Whether typed data is of this type."""
        if self.alternatives:
            return any(shape.fits(data) for shape in self.alternatives)
        if data.tag != self.tag:
            return False
        match data.value:
            case CompactArray(entries=elements):
                return all(self.members[0].fits(element) for element in elements)
            case Bits(length=length):
                return self._sized(length)
            case tuple() as elements:
                return self._fits_elements(elements)
            case bytes() | str() as text:
                return self._sized(len(text))
        return True

    def build(self, value: Plain) -> Data:
        """Typed data from a plain value; LocalError when the value is not of this type."""
        if self.alternatives:
            return self._build_any(value)
        if self.tag in (Tag.ARRAY, Tag.STRUCTURE, Tag.COMPACT_ARRAY):
            if not isinstance(value, tuple) or isinstance(value, Bits):
                raise LocalError(f"{value!r} has no elements")
            return self._build_elements(value)
        if isinstance(value, tuple) and not isinstance(value, Bits):
            raise LocalError(f"{value!r} is not a single value")
        data = Data(self.tag, value)
        if not self.fits(data):
            raise LocalError(f"{value!r} has another length")
        return data

    def description(self) -> TypeDescription:
        """The type as a compact array writes it down."""
        if self.tag == Tag.ARRAY:
            return TypeDescription(self.tag, (self.members[0].description(),), self.least)
        return TypeDescription(self.tag, tuple(shape.description() for shape in self.members))

    def _build_any(self, value: Plain) -> Data:
        for shape in self.alternatives:
            try:
                return shape.build(value)
            except LocalError:
                continue
        raise LocalError(f"{value!r} fits no alternative")

    def _build_elements(self, value: tuple[Plain, ...]) -> Data:
        shapes = self._element_shapes(len(value))
        if shapes is None:
            raise LocalError(f"{len(value)} elements are too many or too few")
        elements = tuple(shape.build(each) for shape, each in zip(shapes, value, strict=True))
        if self.tag == Tag.COMPACT_ARRAY:
            return Data(self.tag, CompactArray(self.members[0].description(), elements))
        return Data(self.tag, elements)

    def _fits_elements(self, elements: tuple[Data, ...]) -> bool:
        shapes = self._element_shapes(len(elements))
        return shapes is not None and all(map(Shape.fits, shapes, elements))

    def _element_shapes(self, count: int) -> tuple[Shape, ...] | None:
        if self.tag == Tag.STRUCTURE:
            return self.members if count == len(self.members) else None
        return self.members * count if self._sized(count) else None

    def _sized(self, length: int) -> bool:
        return self.least <= length and (self.most is None or length <= self.most)


def plain(data: Data) -> Plain:
    """The value of typed data without its types."""
    match data.value:
        case Bits():
            return data.value
        case CompactArray(entries=elements):
            return tuple(plain(element) for element in elements)
        case tuple() as elements:
            return tuple(plain(element) for element in elements)
    return data.value


@cache
def shape(notation: str) -> Shape:
    """Read the notation; LocalError when it cannot be read."""
    tokens = _Tokens(notation)
    parsed = _choice(tokens)
    tokens.end()
    return parsed


class _Tokens:
    def __init__(self, notation: str) -> None:
        self._notation = notation
        self._left: list[str] = _TOKEN.findall(notation)[::-1]
        if "".join(self._left[::-1]) != notation:
            self.fail()

    def take(self, *expected: str) -> str:
        if not self._left or (expected and self._left[-1] not in expected):
            self.fail()
        return self._left.pop()

    def accept(self, token: str) -> bool:
        if self._left and self._left[-1] == token:
            self._left.pop()
            return True
        return False

    def end(self) -> None:
        if self._left:
            self.fail()

    def fail(self) -> None:
        raise LocalError(f"not the notation of a type: {self._notation!r}")


def _choice(tokens: _Tokens) -> Shape:
    shapes = [_single(tokens)]
    while tokens.accept("|"):
        shapes.append(_single(tokens))
    return shapes[0] if len(shapes) == 1 else Shape(-1, alternatives=tuple(shapes))


def _single(tokens: _Tokens) -> Shape:
    if tokens.accept("{"):
        return Shape(Tag.STRUCTURE, tuple(_members(tokens)))
    tag = _TAGS[tokens.take(*_TAGS)]
    if tag not in (Tag.ARRAY, Tag.COMPACT_ARRAY):
        return Shape(tag, (), *_size(tokens, "(", ")"))
    least, most = _size(tokens, "[", "]")
    tokens.take("<")
    element = _choice(tokens)
    tokens.take(">")
    return Shape(tag, (element,), least, most)


def _members(tokens: _Tokens) -> Iterator[Shape]:
    while True:
        yield _choice(tokens)
        if tokens.take(",", "}") == "}":
            return


def _size(tokens: _Tokens, opening: str, closing: str) -> tuple[int, int | None]:
    if not tokens.accept(opening):
        return 0, None
    least = 0 if tokens.accept("..") else None
    most = int(tokens.take())
    tokens.take(closing)
    return (most if least is None else least), most
