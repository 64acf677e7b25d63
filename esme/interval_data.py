"""Half-hour consumption for displays: GetProfile and its answer (Metering 0x0702, command 0x00).

Half hours that began before a change of tenancy are not shown in the house any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from esme.kept import Kept
from esme.own_time import HALF_HOUR
from gbcs.zcl.types import DataType, encode, zcl_moment, zcl_seconds
from han.zcl.payload import U8, Rest, Utc
from han.zcl.payload import encode as encode_payload

MOST_PERIODS: Final = 12
"""Entries of one answer: what fits one frame without fragmentation."""
_HALF_HOURS: Final = 2
_LARGEST: Final = 0xFFFFFE


class Channel(IntEnum):
    """What the display asks for."""

    DELIVERED = 0
    RECEIVED = 1


class ProfileStatus(IntEnum):
    """Whether the display gets it."""

    SUCCESS = 0
    UNDEFINED_CHANNEL = 1
    NOT_SUPPORTED = 2
    INVALID_END_TIME = 3
    MORE_THAN_CAN_BE_RETURNED = 4
    NONE_AVAILABLE = 5


@dataclass(frozen=True, slots=True)
class GetProfile:
    """The newest intervals that end at or before ``end_time_s``; 0: the newest there are."""

    channel: U8
    end_time_s: Utc
    periods: U8


@dataclass(frozen=True, slots=True)
class GetProfileResponse:
    """Intervals, the newest first, each in 24 bits."""

    end_time_s: Utc
    status: U8
    interval_period: U8
    periods: U8
    intervals: Rest


def answer(kept: Kept, shown_since: datetime | None, request: GetProfile) -> bytes:
    """The payload of the answer; half hours that began before ``shown_since`` are hidden."""
    if request.channel not in tuple(Channel):
        return _response(0, ProfileStatus.UNDEFINED_CHANNEL, ())
    last = zcl_moment(request.end_time_s) if request.end_time_s else None
    found = [
        (end, wh)
        for end, wh in _entries(kept, Channel(request.channel), last)
        if shown_since is None or end - HALF_HOUR >= shown_since
    ]
    wanted = min(request.periods, MOST_PERIODS)
    newest = _without_gaps(found)[:wanted]
    if not newest:
        return _response(0, ProfileStatus.NONE_AVAILABLE, ())
    return _response(zcl_seconds(newest[0][0]), ProfileStatus.SUCCESS, [wh for _, wh in newest])


def _entries(kept: Kept, channel: Channel, last: datetime | None) -> list[tuple[datetime, int]]:
    """Half hours, the newest first."""
    half_hours = kept.measurements.half_hours
    log = half_hours.active_import if channel is Channel.DELIVERED else half_hours.export
    twin = channel is Channel.DELIVERED
    shown = [
        (end, first + second if twin else first)
        for end, (first, second) in log.between(None, last)
        if end is not None
    ]
    return shown[::-1]


def _without_gaps(entries: list[tuple[datetime, int]]) -> list[tuple[datetime, int]]:
    """Entries down to the first gap: an answer has one time, that of its newest interval."""
    kept: list[tuple[datetime, int]] = []
    for end, wh in entries:
        if kept and kept[-1][0] - end != HALF_HOUR:
            break
        kept.append((end, wh))
    return kept


def _response(end_s: int, status: ProfileStatus, intervals: tuple[int, ...] | list[int]) -> bytes:
    octets = b"".join(encode(DataType.UINT24, min(wh, _LARGEST)) for wh in intervals)
    return encode_payload(GetProfileResponse(end_s, status, _HALF_HOURS, len(intervals), octets))
