"""The three DLMS payloads: access-request, access-response, data-notification."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from struct import error as StructError
from typing import Final, NamedTuple, Self

from gbcs.dlms.data import Data, Tag, encode, read
from gbcs.dlms.obis import Obis
from gbcs.errors import LocalError, MalformedMessage
from gbcs.length import encode_length, read_length

ACCESS_REQUEST: Final = 0xD9
ACCESS_RESPONSE: Final = 0xDA
DATA_NOTIFICATION: Final = 0x0F
BREAK_ON_ERROR: Final = 0x20000000
NULL: Final = Data(Tag.NULL, None)

_HEAD: Final = Struct(">BIB")
_SPECIFICATION: Final = Struct(">BH6sb")


class Kind(IntEnum):
    """What one item of an access-request does."""

    GET = 1
    SET = 2
    ACTION = 3
    GET_WITH_SELECTION = 4
    SET_WITH_SELECTION = 5

    @property
    def answer(self) -> Kind:
        """The kind its result carries."""
        return _ANSWER.get(self, self)


_WITH_SELECTION: Final = int(Kind.GET_WITH_SELECTION)
_KINDS: Final = {int(kind): kind for kind in Kind}
_ANSWER: Final = {Kind.GET_WITH_SELECTION: Kind.GET, Kind.SET_WITH_SELECTION: Kind.SET}


class Result(IntEnum):
    """Data access and action results."""

    SUCCESS = 0
    HARDWARE_FAULT = 1
    TEMPORARY_FAILURE = 2
    READ_WRITE_DENIED = 3
    OBJECT_UNDEFINED = 4
    OBJECT_CLASS_INCONSISTENT = 9
    OBJECT_UNAVAILABLE = 11
    TYPE_UNMATCHED = 12
    SCOPE_OF_ACCESS_VIOLATED = 13
    DATA_BLOCK_UNAVAILABLE = 14
    LONG_GET_ABORTED = 15
    NO_LONG_GET_IN_PROGRESS = 16
    LONG_SET_ABORTED = 17
    NO_LONG_SET_IN_PROGRESS = 18
    DATA_BLOCK_NUMBER_INVALID = 19
    OTHER_REASON = 250


def result_name(code: int) -> str:
    """Name of a result code, or its number when it has none."""
    try:
        return Result(code).name.lower().replace("_", " ")
    except ValueError:
        return str(code)


def invoke_id(originator_counter: int) -> int:
    """Long-invoke-id-and-priority of a message: break on error, low 24 bits of the counter."""
    return BREAK_ON_ERROR | originator_counter & 0xFFFFFF


@dataclass(frozen=True, slots=True)
class RequestItem:
    """One attribute to read or write, or one method to call.

    ``selector`` and ``selection`` go with the kinds "with selection"; ``data`` is what is set or
    handed to the method, null otherwise.
    """

    kind: Kind
    class_id: int
    logical_name: Obis
    index: int
    data: Data = NULL
    selector: int | None = None
    selection: Data | None = None


class ResultItem(NamedTuple):
    """Outcome of one item: result code, and data (null when there is none)."""

    kind: int
    result: int
    data: Data = NULL


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """A command: items processed in order until the first failure."""

    invoke: int
    items: tuple[RequestItem, ...]
    date_time: bytes = b""

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode every octet; MalformedMessage otherwise."""
        invoke, date_time, at = _read_head(payload, ACCESS_REQUEST)
        count, at = _read_count(payload, at)
        specifications = []
        for _ in range(count):
            specification, at = _read_specification(payload, at)
            specifications.append(specification)
        at = _expect_count(payload, at, count, "data")
        items = []
        for kind, class_id, name, index, selector, selection in specifications:
            data, at = read(payload, at)
            items.append(RequestItem(kind, class_id, name, index, data, selector, selection))
        _expect_end(payload, at)
        return cls(invoke, tuple(items), date_time)

    def to_bytes(self) -> bytes:
        """Encode."""
        out = _head(ACCESS_REQUEST, self.invoke, self.date_time)
        out += encode_length(len(self.items))
        for item in self.items:
            out += _specification(item)
        out += encode_length(len(self.items))
        for item in self.items:
            out += encode(item.data)
        return bytes(out)


@dataclass(frozen=True, slots=True)
class AccessResponse:
    """The answer: one result per item, in order."""

    invoke: int
    results: tuple[ResultItem, ...]
    date_time: bytes = b""
    specifications: tuple[RequestItem, ...] | None = None
    """The request's items when the answer repeats them; GBCS leaves them out."""

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode every octet; MalformedMessage otherwise."""
        invoke, date_time, at = _read_head(payload, ACCESS_RESPONSE)
        specifications, at = _read_optional_specifications(payload, at)
        count, at = _read_count(payload, at)
        values: list[Data] = []
        for _ in range(count):
            data, at = read(payload, at)
            values.append(data)
        at = _expect_count(payload, at, count, "results")
        if at + 2 * count != len(payload):
            raise MalformedMessage("results are cut short, or octets follow them", at)
        results = tuple(
            ResultItem(payload[at + 2 * i], payload[at + 2 * i + 1], value)
            for i, value in enumerate(values)
        )
        return cls(invoke, results, date_time, specifications)

    def to_bytes(self) -> bytes:
        """Encode."""
        out = _head(ACCESS_RESPONSE, self.invoke, self.date_time)
        if self.specifications is None:
            out.append(0)
        else:
            out += b"\x01" + encode_length(len(self.specifications))
            for item in self.specifications:
                out += _specification(item)
        count = encode_length(len(self.results))
        out += count
        for result in self.results:
            out += encode(result.data)
        out += count
        for result in self.results:
            out += bytes((result.kind, result.result))
        return bytes(out)


@dataclass(frozen=True, slots=True)
class DataNotification:
    """An alert: one structure."""

    invoke: int
    body: Data
    date_time: bytes = b""

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode every octet; MalformedMessage otherwise."""
        invoke, date_time, at = _read_head(payload, DATA_NOTIFICATION)
        body, at = read(payload, at)
        _expect_end(payload, at)
        return cls(invoke, body, date_time)

    def to_bytes(self) -> bytes:
        """Encode."""
        return bytes(_head(DATA_NOTIFICATION, self.invoke, self.date_time) + encode(self.body))


def _head(tag: int, invoke: int, date_time: bytes) -> bytearray:
    try:
        return bytearray(_HEAD.pack(tag, invoke, len(date_time)) + date_time)
    except StructError as exc:
        raise LocalError(f"invoke id or date-time out of range: {exc}") from exc


def _read_head(payload: bytes, expected: int) -> tuple[int, bytes, int]:
    if len(payload) < _HEAD.size:
        raise MalformedMessage("DLMS payload is cut short", 0)
    tag, invoke, length = _HEAD.unpack_from(payload)
    if tag != expected:
        raise MalformedMessage(f"tag {tag:02X} is not {expected:02X}", 0)
    if length not in (0, 12) or _HEAD.size + length > len(payload):
        raise MalformedMessage(f"date-time of {length} octets", 5)
    at = _HEAD.size + length
    return invoke, bytes(payload[_HEAD.size : at]), at


def _read_count(payload: bytes, at: int) -> tuple[int, int]:
    count, at = read_length(payload, at)
    if count > len(payload) - at:
        raise MalformedMessage(f"{count} items in {len(payload) - at} octets", at)
    return count, at


def _expect_count(payload: bytes, at: int, count: int, what: str) -> int:
    found, behind = read_length(payload, at)
    if found != count:
        raise MalformedMessage(f"{found} {what} for {count} items", at)
    return behind


def _expect_end(payload: bytes, at: int) -> None:
    if at != len(payload):
        raise MalformedMessage("octets follow the DLMS payload", at)


_Specification = tuple[Kind, int, Obis, int, int | None, Data | None]


def _read_specification(payload: bytes, at: int) -> tuple[_Specification, int]:
    if at + _SPECIFICATION.size > len(payload):
        raise MalformedMessage("item is cut short", at)
    kind, class_id, name, index = _SPECIFICATION.unpack_from(payload, at)
    if kind not in _KINDS:
        raise MalformedMessage(f"item of kind {kind}", at)
    at += _SPECIFICATION.size
    selector = selection = None
    if kind >= _WITH_SELECTION:
        if at >= len(payload):
            raise MalformedMessage("access selector is missing", at)
        selector = payload[at]
        selection, at = read(payload, at + 1)
    return (_KINDS[kind], class_id, Obis(name), index, selector, selection), at


def _read_optional_specifications(
    payload: bytes, at: int
) -> tuple[tuple[RequestItem, ...] | None, int]:
    if at >= len(payload) or payload[at] > 1:
        raise MalformedMessage("flag of the request list is neither 0 nor 1", at)
    if payload[at] == 0:
        return None, at + 1
    count, at = _read_count(payload, at + 1)
    items = []
    for _ in range(count):
        (kind, class_id, name, index, selector, selection), at = _read_specification(payload, at)
        items.append(RequestItem(kind, class_id, name, index, NULL, selector, selection))
    return tuple(items), at


def _specification(item: RequestItem) -> bytes:
    has_selection = item.kind in (Kind.GET_WITH_SELECTION, Kind.SET_WITH_SELECTION)
    given = (item.selector is not None, item.selection is not None)
    if given != (has_selection, has_selection):
        raise LocalError("selector and selection go with the kinds that have a selection")
    try:
        octets = _SPECIFICATION.pack(item.kind, item.class_id, item.logical_name, item.index)
    except StructError as exc:
        raise LocalError(f"class or attribute out of range: {exc}") from exc
    if item.selector is None or item.selection is None:
        return octets
    return octets + bytes((item.selector,)) + encode(item.selection)
