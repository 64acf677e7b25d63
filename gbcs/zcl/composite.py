"""Repeated and conditional parts of cluster commands, as lists of named values.

A composite takes the rest of a command's payload. What it looks like may depend on parameters in
front of it (the snapshot payload type, the configuration control); forms without a known layout
stay octets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from gbcs.errors import LocalError, MalformedMessage
from gbcs.plain import plain_to_seconds, text_to_date, text_to_octets, to_int
from gbcs.zcl.types import DataType, Scalar, decode, encode

Row: TypeAlias = "dict[str, Scalar | list[int]]"
Composite: TypeAlias = "list[Row] | bytes"
Earlier: TypeAlias = "Mapping[str, Scalar | Composite]"
Field = tuple[str, DataType]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a composite is read and written."""

    read: Callable[[bytes, int, Earlier], Composite]
    write: Callable[[list[Row], Earlier], bytes]
    form: str
    """What a row holds, in words."""


def scalar(octets: bytes, at: int, data_type: DataType) -> tuple[Scalar, int]:
    """Decode one value that is not a collection."""
    value, at = decode(data_type, octets, at)
    if isinstance(value, (bool, int, float, str, bytes)) or value is None:
        return value, at
    raise MalformedMessage("a collection inside a command parameter", at)


def _read_fields(octets: bytes, at: int, fields: tuple[Field, ...]) -> tuple[Row, int]:
    row: Row = {}
    for name, data_type in fields:
        row[name], at = scalar(octets, at, data_type)
    return row, at


def _write_fields(row: Row, fields: tuple[Field, ...]) -> bytes:
    values = ((data_type, _scalar_of(row, name)) for name, data_type in fields)
    return b"".join(encode(data_type, _from_text(data_type, value)) for data_type, value in values)


def _from_text(data_type: DataType, value: Scalar) -> Scalar:
    """Rows may hold dates, times and octets as people write them."""
    if not isinstance(value, str):
        return value
    if data_type is DataType.DATE:
        return text_to_date(value)
    if data_type is DataType.UTC_TIME:
        return plain_to_seconds(value)
    return text_to_octets(value) if data_type is DataType.OCTET_STRING else to_int(value)


def _scalar_of(row: Row, name: str) -> Scalar:
    if name not in row:
        raise LocalError(f"{name} is missing")
    value = row[name]
    if isinstance(value, list):
        raise LocalError(f"{name} is one value, not a list")
    return value


def _list_of(row: Row, name: str) -> list[int]:
    value = row.get(name)
    if not isinstance(value, list):
        raise LocalError(f"{name} is a list")
    return value


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def rows(*fields: Field) -> Layout:
    """Equal rows until the payload ends."""

    def read(octets: bytes, at: int, _earlier: Earlier) -> Composite:
        found: list[Row] = []
        while at < len(octets):
            row, at = _read_fields(octets, at, fields)
            found.append(row)
        return found

    def write(values: list[Row], _earlier: Earlier) -> bytes:
        return b"".join(_write_fields(row, fields) for row in values)

    names = ", ".join(f"{name} {data_type.name}" for name, data_type in fields)
    return Layout(read, write, f"rows of {{{names}}}")


def _read_integers(octets: bytes, at: int, size: int, count: int) -> tuple[list[int], int]:
    stop = at + size * count
    if stop > len(octets):
        raise MalformedMessage(f"{count} values of {size} octets do not fit", at)
    values = [int.from_bytes(octets[i : i + size], "little") for i in range(at, stop, size)]
    return values, stop


def _write_integers(values: list[int], data_type: DataType) -> bytes:
    return b"".join(encode(data_type, value) for value in values)


def _read_thresholds(octets: bytes, at: int, _earlier: Earlier) -> Composite:
    found: list[Row] = []
    while at < len(octets):
        head = octets[at]
        values, at = _read_integers(octets, at + 1, 6, head & 0x0F)
        found.append({"tier_and_count": head, "thresholds": values})
    return found


def _write_thresholds(values: list[Row], _earlier: Earlier) -> bytes:
    out = b""
    for row in values:
        thresholds = _list_of(row, "thresholds")
        head = _number(_scalar_of(row, "tier_and_count"))
        if head & 0x0F != len(thresholds):
            raise LocalError("the low four bits of tier_and_count count the thresholds")
        out += encode(DataType.UINT8, head) + _write_integers(thresholds, DataType.UINT48)
    return out


_BILL: Final[tuple[Field, ...]] = (
    ("bill_to_date", DataType.UINT32),
    ("bill_to_date_time", DataType.UTC_TIME),
    ("projected_bill", DataType.UINT32),
    ("projected_bill_time", DataType.UTC_TIME),
    ("bill_trailing_digit", DataType.BITMAP8),
)
_SUMMATION: Final[Field] = ("current_summation", DataType.UINT48)
_SNAPSHOTS: Final[dict[int, tuple[tuple[Field, ...], bool]]] = {
    # payload type: fields in front of the tiers, whether block summations follow
    0x00: ((_SUMMATION, *_BILL), False),
    0x02: ((_SUMMATION, *_BILL), True),
    0x04: ((_SUMMATION,), False),
    0x06: ((_SUMMATION,), True),
}


def _read_snapshot(octets: bytes, at: int, earlier: Earlier) -> Composite:
    known = _SNAPSHOTS.get(_number(earlier.get("Snapshot Payload Type")))
    if known is None:
        return octets[at:]
    fields, has_blocks = known
    row, at = _read_fields(octets, at, fields)
    tiers, at = scalar(octets, at, DataType.UINT8)
    row["tier_summations"], at = _read_integers(octets, at, 6, _number(tiers))
    if has_blocks:
        row["tiers_and_blocks"], at = scalar(octets, at, DataType.UINT8)
        row["block_summations"], at = _read_integers(octets, at, 6, (len(octets) - at) // 6)
    if at != len(octets):
        raise MalformedMessage("octets follow the snapshot", at)
    return [row]


def _write_snapshot(values: list[Row], earlier: Earlier) -> bytes:
    known = _SNAPSHOTS.get(_number(earlier.get("Snapshot Payload Type")))
    if known is None or len(values) != 1:
        raise LocalError("a snapshot is one row of a known payload type, or octets")
    fields, has_blocks = known
    [row] = values
    tiers = _list_of(row, "tier_summations")
    out = _write_fields(row, fields) + encode(DataType.UINT8, len(tiers))
    out += _write_integers(tiers, DataType.UINT48)
    if has_blocks:
        out += encode(DataType.UINT8, _scalar_of(row, "tiers_and_blocks"))
        out += _write_integers(_list_of(row, "block_summations"), DataType.UINT48)
    return out


_PREPAY_SNAPSHOT: Final = rows(
    ("accumulated_debt", DataType.INT32),
    ("debt_1_remaining", DataType.UINT32),
    ("debt_2_remaining", DataType.UINT32),
    ("debt_3_remaining", DataType.UINT32),
    ("emergency_credit_remaining", DataType.INT32),
    ("credit_remaining", DataType.INT32),
)


def _read_prepay_snapshot(octets: bytes, at: int, earlier: Earlier) -> Composite:
    if _number(earlier.get("Snapshot Payload Type")):
        return octets[at:]
    return _PREPAY_SNAPSHOT.read(octets, at, earlier)


def _read_samples(octets: bytes, at: int, earlier: Earlier) -> Composite:
    count = _number(earlier.get("NumberOfSamples"))
    values, at = _read_integers(octets, at, 3, count)
    if at != len(octets):
        raise MalformedMessage(f"octets follow {count} samples", at)
    return [{"samples": values}]


def _write_samples(values: list[Row], _earlier: Earlier) -> bytes:
    if len(values) != 1:
        raise LocalError("samples are one row with a list")
    return _write_integers(_list_of(values[0], "samples"), DataType.UINT24)


_EVENTS: Final = rows(
    ("log_id", DataType.ENUM8),
    ("event_id", DataType.UINT16),
    ("event_time", DataType.UTC_TIME),
    ("event_data", DataType.OCTET_STRING),
)


def _read_events(octets: bytes, at: int, earlier: Earlier) -> Composite:
    control, at = scalar(octets, at, DataType.BITMAP8)
    events = _EVENTS.read(octets, at, earlier)
    first: list[Row] = [{"log_payload_control": control}]
    return first + events if isinstance(events, list) else events


def _write_events(values: list[Row], earlier: Earlier) -> bytes:
    if not values:
        raise LocalError("the first row of a log holds log_payload_control")
    control = encode(DataType.BITMAP8, _scalar_of(values[0], "log_payload_control"))
    return control + _EVENTS.write(values[1:], earlier)


_BY_LIST: Final = 0x00
_CONFIGURATIONS: Final[dict[int, tuple[Field, ...]]] = {
    0x01: (("group_id", DataType.UINT16),),
    0x02: (("log_id", DataType.UINT8),),
    0x03: (("configuration_match", DataType.BITMAP8),),
}


def _read_configuration(octets: bytes, at: int, earlier: Earlier) -> Composite:
    control = _number(earlier.get("Configuration Control"))
    if control == _BY_LIST:
        count, at = scalar(octets, at, DataType.UINT8)
        events, at = _read_integers(octets, at, 2, _number(count))
        row: Row = {"event_ids": events}
    elif control in _CONFIGURATIONS:
        row, at = _read_fields(octets, at, _CONFIGURATIONS[control])
    else:
        return octets[at:]
    if at != len(octets):
        raise MalformedMessage("octets follow the event configuration", at)
    return [row]


def _write_configuration(values: list[Row], earlier: Earlier) -> bytes:
    control = _number(earlier.get("Configuration Control"))
    if len(values) != 1:
        raise LocalError("an event configuration is one row")
    if control in _CONFIGURATIONS:
        return _write_fields(values[0], _CONFIGURATIONS[control])
    if control != _BY_LIST:
        raise LocalError(f"configuration control {control} has no known layout")
    events = _list_of(values[0], "event_ids")
    return encode(DataType.UINT8, len(events)) + _write_integers(events, DataType.UINT16)


LAYOUTS: Final[dict[tuple[int, bool, int], Layout]] = {
    # (cluster, from server, command)
    (0x0700, True, 0x05): rows(("tier_or_block", DataType.UINT8), ("price", DataType.UINT32)),
    (0x0700, True, 0x06): Layout(
        _read_thresholds, _write_thresholds, "rows of {tier_and_count UINT8, thresholds [UINT48]}"
    ),
    (0x0702, True, 0x06): Layout(
        _read_snapshot, _write_snapshot, "one row, by Snapshot Payload Type"
    ),
    (0x0702, True, 0x07): Layout(_read_samples, _write_samples, "one row of {samples [UINT24]}"),
    (0x0705, True, 0x01): Layout(
        _read_prepay_snapshot, _PREPAY_SNAPSHOT.write, _PREPAY_SNAPSHOT.form
    ),
    (0x0705, True, 0x05): rows(
        ("top_up_code", DataType.OCTET_STRING),
        ("top_up_amount", DataType.INT32),
        ("top_up_time", DataType.UTC_TIME),
    ),
    (0x0705, True, 0x06): rows(
        ("collection_time", DataType.UTC_TIME),
        ("amount_collected", DataType.UINT32),
        ("debt_type", DataType.ENUM8),
        ("outstanding_debt", DataType.UINT32),
    ),
    (0x0707, True, 0x01): rows(("start_min", DataType.UINT16), ("tier_or_flag", DataType.UINT8)),
    (0x0707, True, 0x03): rows(("start_date", DataType.DATE), ("week_id", DataType.UINT8)),
    (0x0707, True, 0x04): rows(("date", DataType.DATE), ("day_id", DataType.UINT8)),
    (0x0708, True, 0x04): Layout(
        _read_configuration,
        _write_configuration,
        "one row of {event_ids [UINT16]}, or as Configuration Control says",
    ),
    (0x0708, False, 0x04): rows(
        ("event_id", DataType.UINT16), ("event_configuration", DataType.BITMAP8)
    ),
    (0x0709, True, 0x01): Layout(
        _read_events, _write_events, "{log_payload_control}, then " + _EVENTS.form
    ),
}
