"""Reading records out of general command payloads."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Final, TypeVar

from gbcs.errors import MalformedMessage

_ID: Final = Struct("<H")
_Record = TypeVar("_Record")


def read_all(
    read: Callable[[bytes, int], tuple[_Record, int]], payload: bytes
) -> tuple[_Record, ...]:
    """Decode records until the payload ends."""
    records: list[_Record] = []
    at = 0
    while at < len(payload):
        record, at = read(payload, at)
        records.append(record)
    return tuple(records)


def check_whole(layout: Struct, payload: bytes) -> None:
    """Refuse a payload that is not whole records of this layout."""
    if len(payload) % layout.size:
        raise MalformedMessage(f"records are {layout.size} octets each", len(payload))


def read_pairs(layout: Struct, payload: bytes) -> tuple[tuple[int, int], ...]:
    """Decode pairs until the payload ends."""
    check_whole(layout, payload)
    return tuple((first, second) for first, second in layout.iter_unpack(payload))


def read_fields(layout: Struct, payload: bytes, at: int) -> tuple[tuple[int, ...], int]:
    """Decode one fixed layout; return the fields and the offset behind them."""
    if at + layout.size > len(payload):
        raise MalformedMessage("record is cut short", at)
    return layout.unpack_from(payload, at), at + layout.size


def read_u8(payload: bytes, at: int) -> tuple[int, int]:
    """Decode one octet."""
    if at >= len(payload):
        raise MalformedMessage("record is cut short", at)
    return payload[at], at + 1


def read_u16(payload: bytes, at: int) -> tuple[int, int]:
    """Decode two octets."""
    fields, at = read_fields(_ID, payload, at)
    return fields[0], at


def read_complete(payload: bytes) -> tuple[bool, bytes]:
    """Decode the "discovery complete" octet; return it and the rest."""
    if not payload or payload[0] > 1:
        raise MalformedMessage("discovery complete is neither 0 nor 1", 0)
    return bool(payload[0]), payload[1:]
