"""DLMS payloads explained: items by the names of the catalogue, data by type."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final, NamedTuple

from gbcs.catalogue.dlms import ItemSpec, ObjectRef, Operation, dlms_items
from gbcs.catalogue.use_case import all_use_cases
from gbcs.dlms.apdu import (
    NULL,
    AccessRequest,
    AccessResponse,
    Kind,
    RequestItem,
    ResultItem,
    result_name,
)
from gbcs.dlms.data import Bits, CompactArray, Data, Tag, decode, encode
from gbcs.dlms.shape import typed
from gbcs.errors import GbcsError
from gbcs.explain.cosem_units import NO_UNIT, scaled_unit, unit_name, unit_of, units_of
from gbcs.explain.gbz import token_note
from gbcs.explain.node import CHILD_LIMIT, Cursor, Node
from gbcs.gbz import Cipher
from gbcs.length import encode_length
from gbcs.plain import (
    moment_to_text,
    octets_to_text,
    seconds_to_plain,
    stamp_octets_to_text,
    text_to_plain,
)
from gbcs.stamp import Stamp

_TOKEN_GATEWAY: Final = (115, 1)
_SPECIFICATION_OCTETS: Final = 10
_TYPE_NAMES: Final = {int(tag): tag.name.lower().replace("_", "-") for tag in Tag}
_EARLIEST_LOG_TIME: Final = 0x10000000
"""Log entries before mid-2008 do not exist: smaller numbers are no times."""
_LATEST_LOG_TIME: Final = 0x60000000


class About(NamedTuple):
    """What is known of a value beside its data."""

    note: str = ""
    unit: str = ""
    reference: str = ""


UNKNOWN: Final = About()
"""A value of which only the data is known."""


@cache
def item_names() -> dict[tuple[int, str, int], str]:
    """Names of attributes and methods, over all use cases."""
    names: dict[tuple[int, str, int], str] = {}
    for use_case in all_use_cases():
        for spec in dlms_items(use_case.name):
            at = spec.at
            names.setdefault((at.class_id, at.logical_name, at.index), spec.name)
    return names


def explain_request(request: AccessRequest, offset: int | None) -> tuple[Node, ...]:
    """An access-request: what each item asks, then what is sent with it."""
    cursor = _head(request.invoke, request.date_time, offset)
    cursor.skip(len(encode_length(len(request.items))))
    for number, item in enumerate(request.items, start=1):
        length = _SPECIFICATION_OCTETS
        children: tuple[Node, ...] = ()
        if item.selection is not None:
            length += 1 + len(encode(item.selection))
            start = None if cursor.at is None else cursor.at + _SPECIFICATION_OCTETS + 1
            children = (explain_data("selection", item.selection, start),)
        verb = item.kind.name.lower().replace("_", " ")
        asked = f"{verb} {_asked(item)}"
        cursor.add(f"item {number}", length, asked, _name(item), *children, reference=_where(item))
    cursor.skip(len(encode_length(len(request.items))))
    for number, item in enumerate(request.items, start=1):
        if item.data == NULL:
            cursor.skip(1)
        else:
            note = _name(item)
            if (item.class_id, item.index) == _TOKEN_GATEWAY:
                note = token_note(item.data.value)
            unit = "" if item.kind is Kind.ACTION else unit_of(_ref(item))
            about = About(note, unit, _where(item))
            cursor.place(explain_data(f"data {number}", item.data, cursor.at, about))
    return cursor.result()


def explain_response(
    response: AccessResponse, offset: int | None, specs: tuple[ItemSpec, ...], cipher: Cipher | None
) -> tuple[Node, ...]:
    """An access-response; ``specs`` are the request's items, none when they are not known."""
    about = _about(specs, response) if specs else [UNKNOWN] * len(response.results)
    cursor = _head(response.invoke, response.date_time, offset)
    cursor.skip(1 + len(encode_length(len(response.results))))
    for number, item in enumerate(response.results):
        node = explain_data(f"data {number + 1}", item.data, cursor.at, about[number])
        if cipher is not None and (opened := _opened(item.data, cipher)):
            node = replace(node, children=(*node.children, opened))
        cursor.place(node)
    cursor.skip(len(encode_length(len(response.results))))
    for number, item in enumerate(response.results):
        note, _, reference = about[number]
        cursor.add(f"result {number + 1}", 2, _result(item), note, reference=reference)
    return cursor.result()


def _about(specs: tuple[ItemSpec, ...], response: AccessResponse) -> list[About]:
    units = units_of(specs, [item.data for item in response.results])
    return [
        About(spec.name, unit, _reference(spec.at, is_method=spec.operation is Operation.ACTION))
        for spec, unit in zip(specs, units, strict=True)
    ]


def explain_data(name: str, data: Data, offset: int | None, about: About = UNKNOWN) -> Node:
    """One A-XDR value with its members."""
    note, unit, reference = about
    value = data.value
    if isinstance(value, CompactArray):
        shown = enumerate(value.entries[:CHILD_LIMIT], start=1)
        rows = tuple(Node(f"entry {number}", _row(entry)) for number, entry in shown)
        text = f"compact-array of {len(value.entries)}"
        return Node(name, text, offset, len(encode(data)), note, rows, "", reference)
    if isinstance(value, tuple) and not isinstance(value, Bits):
        return _explain_elements(name, data, value, offset, about)
    simple = f"{_TYPE_NAMES[data.tag]} {_simple(data)}"
    unit = unit if isinstance(value, int) else _time_unit(value)
    return Node(name, simple, offset, len(encode(data)), note, (), unit, reference)


def _explain_elements(
    name: str, data: Data, elements: tuple[Data, ...], offset: int | None, about: About
) -> Node:
    cursor = Cursor(0)  # lengths add up from here, places from offset
    cursor.skip(1 + len(encode_length(len(elements))))
    for number, element in enumerate(elements[:CHILD_LIMIT], start=1):
        start = None if offset is None or cursor.at is None else offset + cursor.at
        cursor.place(explain_data(str(number), element, start, _about_element(elements, number)))
    if rest := elements[CHILD_LIMIT:]:
        cursor.pass_over(len(rest), sum(len(encode(element)) for element in rest))
    text = f"{_TYPE_NAMES[data.tag]} of {len(elements)}"
    return Node(
        name, text, offset, cursor.at or 0, about.note, cursor.result(), "", about.reference
    )


def _opened(data: Data, cipher: Cipher) -> Node | None:
    if not isinstance(data.value, tuple) or len(data.value) != 2:
        return None
    sealed = data.value[1]
    if not isinstance(sealed, Data) or not isinstance(sealed.value, bytes):
        return None
    try:
        return explain_data("decrypted", decode(cipher.open(sealed.value)), None)
    except GbcsError as exc:
        return Node("not decrypted", str(exc))


def opened_members(members: tuple[Data, ...], cipher: Cipher | None) -> Node | None:
    """The plaintext of an alert's protected attributes."""
    return None if cipher is None else _opened(Data(Tag.STRUCTURE, members), cipher)


def _head(invoke: int, date_time: bytes, offset: int | None) -> Cursor:
    cursor = Cursor(offset)
    cursor.skip(1)
    cursor.add("long invoke id", 4, f"{invoke & 0xFFFFFF}", f"flags {invoke >> 24:02X}")
    cursor.add("date-time", 1 + len(date_time), octets_to_text(date_time) if date_time else "-")
    return cursor


def _asked(item: RequestItem) -> str:
    what = "method" if item.kind.name == "ACTION" else "attribute"
    return f"class {item.class_id} {item.logical_name} {what} {item.index}"


def _ref(item: RequestItem) -> ObjectRef:
    return ObjectRef(item.class_id, str(item.logical_name), item.index)


def _where(item: RequestItem) -> str:
    return _reference(_ref(item), is_method=item.kind is Kind.ACTION)


def _reference(at: ObjectRef, *, is_method: bool) -> str:
    what = "method " if is_method else ""
    return f"COSEM {what}{at.class_id}/{at.logical_name}/{at.index}"


def _name(item: RequestItem) -> str:
    key = (item.class_id, str(item.logical_name), item.index)
    return item_names().get(key, "not in the catalogue")


def _result(item: ResultItem) -> str:
    return f"{item.result} {result_name(item.result)}"


def _about_element(members: tuple[Data, ...], number: int) -> About:
    """What a scaler and unit pair says, of its own second member and of the value before it."""
    data = members[number - 1]
    if isinstance(data.value, int):
        if number == len(members) == 2 and _is_scaler_unit(members):
            return About("no unit") if data.value == NO_UNIT else About("", unit_name(data.value))
        if number < len(members):
            return About("", scaled_unit(members[number]))
    return UNKNOWN


def _is_scaler_unit(members: tuple[Data, ...]) -> bool:
    return (members[0].tag, members[1].tag) == (Tag.INTEGER, Tag.ENUM)


def _time_unit(value: object) -> str:
    is_time = isinstance(value, bytes) and len(value) == 12 and Stamp(value).at is not None
    return "UTC" if is_time else ""


def _simple(data: Data) -> str:
    value = data.value
    if isinstance(value, bytes):
        return _octets(value)
    if data.tag == Tag.DOUBLE_LONG_UNSIGNED and isinstance(value, int) and _may_be_time(value):
        return f"{value} (as time {seconds_to_plain(value)})"
    if isinstance(value, Bits):
        return f"{value.length} bits {value.octets.hex().upper()}"
    if isinstance(value, str):
        return text_to_plain(value)
    return "" if value is None else str(value)


def _may_be_time(value: int) -> bool:
    return _EARLIEST_LOG_TIME <= value < _LATEST_LOG_TIME


def _octets(value: bytes) -> str:
    if len(value) == 12:
        moment = Stamp(value).at
        text = moment_to_text(moment) if moment else stamp_octets_to_text(value)
        return f"{value.hex().upper()} ({text})" if not text.startswith("0x") else text
    text = octets_to_text(value)
    return f'"{text}"' if value and not text.startswith("0x") else value.hex().upper() or "empty"


def _row(entry: Data) -> str:
    if isinstance(entry.value, tuple) and not isinstance(entry.value, (Bits, CompactArray)):
        return ", ".join(_row(member) for member in entry.value)
    return _simple(entry) or str(typed(entry))
