"""Recorded pairs made into others that are as legal: other values, other logs, another failure."""

from __future__ import annotations

import random
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from gbcs.dlms.apdu import AccessRequest, AccessResponse, Kind, Result, ResultItem
from gbcs.dlms.data import INTEGERS, Bits, CompactArray, Data, Tag, decode, encode
from gbcs.dlms.protected import ProtectedResponse, is_protected_read
from gbcs.envelope import Message
from gbcs.keys import KeyStore
from gbcs.protection import attribute_cipher
from gbcs.stamp import Stamp

_DATE_TIME_OCTETS: Final = 12
_MOST_ENTRIES: Final = 60
_FIRST: Final = datetime(2012, 1, 1, tzinfo=UTC)
FAILURES: Final = (1, 2, 3, 250)
"""Hardware fault, temporary failure, read-write denied, other reason."""


def with_other_values(
    request: AccessRequest,
    response: Message,
    keys: KeyStore,
    draw: random.Random,
    fixed: AbstractSet[str],
) -> Message:
    """The Response of a device that holds something else; ``fixed`` places hold what they hold."""
    recorded = AccessResponse.parse(response.payload)
    results, held = [], dict[str, Data]()
    for item, result in zip(request.items, recorded.results, strict=True):
        place = f"{item.class_id}/{item.logical_name}/{item.index}"
        data = result.data
        if result.result == Result.SUCCESS and place not in fixed:
            if item.kind in (Kind.GET, Kind.GET_WITH_SELECTION):
                data = held.setdefault(place, other(data, draw))
            elif is_protected_read(item.class_id, item.index):
                data = _other_sealed(data, response, keys, draw)
        results.append(ResultItem(result.kind, result.result, data))
    return replace(response, payload=replace(recorded, results=tuple(results)).to_bytes())


def with_a_failure(response: Message, draw: random.Random) -> Message:
    """The Response of a device that fails at one item, and so at all that follow."""
    recorded = AccessResponse.parse(response.payload)
    place, reason = draw.randrange(len(recorded.results)), draw.choice(FAILURES)
    results = [
        result if number < place else ResultItem(result.kind, reason if number == place else 250)
        for number, result in enumerate(recorded.results)
    ]
    return replace(response, payload=replace(recorded, results=tuple(results)).to_bytes())


def other(data: Data, draw: random.Random) -> Data:
    """Another value of the same type."""
    match data.value:
        case CompactArray(entry_type=kind, entries=entries):
            return Data(data.tag, CompactArray(kind, _other_log(entries, draw)))
        case Bits(length=length):
            octets = bytearray(draw.randbytes(-(-length // 8)))
            if length % 8:
                octets[-1] &= 0xFF << (8 - length % 8) & 0xFF
            return Data(data.tag, Bits(length, bytes(octets)))
        case (Data(Tag.INTEGER, _), Data(Tag.ENUM, _)):
            return data  # scaler and unit are what the quantity has
        case tuple() as elements:
            return Data(data.tag, tuple(other(element, draw) for element in elements))
        case bool():
            return Data(data.tag, draw.choice((True, False)))
        case int():
            return Data(data.tag, _other_number(data.tag, draw))
        case bytes() as octets if len(octets) == _DATE_TIME_OCTETS:
            return Data(data.tag, Stamp.of(_moment(draw)).octets)
        case bytes() as octets:
            return Data(data.tag, draw.randbytes(len(octets)))
        case str() as text:
            return Data(data.tag, "".join(draw.choice("ABCabc019 ") for _ in text))
    return data


def _other_number(tag: int, draw: random.Random) -> int:
    octets = INTEGERS[tag].size
    number = draw.choice((0, 1, (1 << 8 * octets - 1) - 1, draw.getrandbits(8 * octets - 1)))
    signed = tag in (Tag.INTEGER, Tag.LONG, Tag.DOUBLE_LONG, Tag.LONG64)
    return -number if signed and draw.random() < 0.5 else number


def _other_log(entries: tuple[Data, ...], draw: random.Random) -> tuple[Data, ...]:
    """Other entries within the time of these, each later than the one before."""
    times = [_time_of(entry) for entry in entries]
    first, last = min(times, default=0), max(times, default=0)
    count = draw.randrange(min(len(entries), _MOST_ENTRIES) + 1)
    found = []
    for at in sorted({draw.randint(first, last) for _ in range(count)}):
        time, *rest = _members(draw.choice(entries))
        found.append(_entry(Data(time.tag, at), [other(each, draw) for each in rest]))
    return tuple(found)


def _members(entry: Data) -> tuple[Data, ...]:
    members = entry.value
    if not isinstance(members, tuple) or isinstance(members, Bits | CompactArray):
        raise TypeError("no entry of a log")
    return members


def _entry(time: Data, rest: list[Data]) -> Data:
    return Data(Tag.STRUCTURE, (time, *rest))


def _time_of(entry: Data) -> int:
    time = _members(entry)[0].value
    if not isinstance(time, int):
        raise TypeError("an entry begins with its time")
    return time


def _other_sealed(data: Data, response: Message, keys: KeyStore, draw: random.Random) -> Data:
    answer = ProtectedResponse.from_data(data)
    cipher = attribute_cipher(response, keys)
    opened = other(decode(cipher.open(answer.sealed)), draw)
    return replace(answer, sealed=cipher.seal(encode(opened))).to_data()


def _moment(draw: random.Random) -> datetime:
    return _FIRST + timedelta(seconds=draw.randrange(600_000_000))
