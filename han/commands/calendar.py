"""Payloads of the Calendar commands that GB devices use; times are UTCTime seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from han.zcl.payload import (
    U8,
    U16,
    U32,
    Enum8,
    Octets,
    Repeated,
    Utc,
)


@dataclass(frozen=True, slots=True)
class GetCalendar:
    """Ask for calendars from a moment on; type 0xFF asks for every type."""

    earliest_start_time: Utc
    min_issuer_event_id: U32
    count: U8
    calendar_type: Enum8
    provider_id: U32


@dataclass(frozen=True, slots=True)
class GetDayProfiles:
    """Ask for day profiles."""

    provider_id: U32
    issuer_calendar_id: U32
    start_day_id: U8
    count: U8


@dataclass(frozen=True, slots=True)
class GetWeekProfiles:
    """Ask for week profiles."""

    provider_id: U32
    issuer_calendar_id: U32
    start_week_id: U8
    count: U8


@dataclass(frozen=True, slots=True)
class GetSeasons:
    """Ask for seasons."""

    provider_id: U32
    issuer_calendar_id: U32


@dataclass(frozen=True, slots=True)
class GetSpecialDays:
    """Ask for special days."""

    start_time: Utc
    count: U8
    calendar_type: Enum8
    provider_id: U32
    issuer_calendar_id: U32


@dataclass(frozen=True, slots=True)
class PublishCalendar:
    """A calendar: what else belongs to it, and from when on."""

    provider_id: U32
    issuer_event_id: U32
    issuer_calendar_id: U32
    start_time: Utc
    calendar_type: Enum8
    time_reference: U8
    name: Octets
    seasons: U8
    week_profiles: U8
    day_profiles: U8


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """From this minute of the day on, this tier (or, in other calendars, this state)."""

    start_min: U16
    tier: U8


@dataclass(frozen=True, slots=True)
class PublishDayProfile:
    """What happens in a day."""

    provider_id: U32
    issuer_event_id: U32
    issuer_calendar_id: U32
    day_id: U8
    total_entries: U8
    command_index: U8
    total_commands: U8
    calendar_type: Enum8
    entries: Annotated[tuple[ScheduleEntry, ...], Repeated(ScheduleEntry)]


@dataclass(frozen=True, slots=True)
class PublishWeekProfile:
    """The day profile of each weekday."""

    provider_id: U32
    issuer_event_id: U32
    issuer_calendar_id: U32
    week_id: U8
    monday: U8
    tuesday: U8
    wednesday: U8
    thursday: U8
    friday: U8
    saturday: U8
    sunday: U8


@dataclass(frozen=True, slots=True)
class Season:
    """From this ZCL date on, this week profile."""

    start_date: U32
    week_id: U8


@dataclass(frozen=True, slots=True)
class PublishSeasons:
    """The seasons of a year."""

    provider_id: U32
    issuer_event_id: U32
    issuer_calendar_id: U32
    command_index: U8
    total_commands: U8
    seasons: Annotated[tuple[Season, ...], Repeated(Season)]


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """On this ZCL date, this day profile."""

    date: U32
    day_id: U8


@dataclass(frozen=True, slots=True)
class PublishSpecialDays:
    """Days with a profile of their own."""

    provider_id: U32
    issuer_event_id: U32
    issuer_calendar_id: U32
    start_time: Utc
    calendar_type: Enum8
    total_days: U8
    command_index: U8
    total_commands: U8
    days: Annotated[tuple[SpecialDay, ...], Repeated(SpecialDay)]
