"""Switching tables: seasons, weeks, days, special days."""

from datetime import UTC, date, datetime

import pytest

from device.cosem.shape import Plain
from esme.tariff.calendar import Calendar, DatePattern, read_calendar

OBIS = bytes.fromhex("00000A0064FF")


def action(hour: int, script: int) -> Plain:
    return (bytes((hour, 0, 0, 0)), OBIS, script)


def season(start: str, week: bytes) -> Plain:
    return (b"s", bytes.fromhex(start + "FF000000008000FF"), week)


CALENDAR = read_calendar(
    seasons=(season("FFFF0401", b"\1"), season("FFFF0A01", b"\2")),  # April, October
    weeks=((b"\1", 1, 1, 1, 1, 1, 2, 2), (b"\2", *[3] * 7)),
    days=((1, (action(23, 1), action(7, 2))), (2, (action(0, 3),)), (3, (action(0, 4),))),
    special_days=((1, bytes.fromhex("FFFF0501FF"), 2),),
)


def script(text: str) -> int | None:
    return CALENDAR.script_at(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-04-06T06:59", 3),  # Monday morning goes on with Sunday's script
        ("2026-04-06T07:00", 2),
        ("2026-04-06T23:00", 1),
        ("2026-04-07T03:00", 1),
        ("2026-04-11T12:00", 3),  # Saturday
        ("2026-05-01T12:00", 3),  # a special day, on a Friday
        ("2026-10-01T00:00", 4),
        ("2026-03-31T12:00", 4),  # last year's October
    ],
)
def test_the_script_in_use_follows_from_the_table(moment: str, expected: int) -> None:
    assert script(moment) == expected


def test_the_next_switch_is_found_over_days_without_one() -> None:
    def after(text: str) -> str:
        found = CALENDAR.next_switch(datetime.fromisoformat(text).replace(tzinfo=UTC))
        assert found is not None
        return f"{found:%m-%dT%H}"

    assert after("2026-04-06T06:59") == "04-06T07"
    assert after("2026-04-06T07:00") == "04-06T23"
    assert after("2026-04-10T23:30") == "04-11T00"


def test_an_empty_table_switches_nothing() -> None:
    empty = Calendar()
    moment = datetime(2026, 4, 6, tzinfo=UTC)
    assert (empty.script_at(moment), empty.next_switch(moment)) == (None, None)
    assert read_calendar(None, (), ((1,),), ((1, 2, 3, 4),)) == Calendar([], {}, {}, [])


def test_a_season_of_one_year_begins_once() -> None:
    pattern = DatePattern(2026, 2, 30)  # no such day
    assert pattern.latest_start(datetime(2026, 6, 1, tzinfo=UTC).date()) is None
    once = DatePattern(2027, 1, 1)
    assert once.latest_start(datetime(2026, 6, 1, tzinfo=UTC).date()) is None
    assert once.latest_start(datetime(2029, 6, 1, tzinfo=UTC).date()) is not None


@pytest.mark.parametrize(
    ("pattern", "day", "start"),
    [
        ("FFFF03FE07", "2026-06-01", "2026-03-29"),  # the last Sunday of March
        ("FFFF03FD07", "2026-03-21", "2025-03-23"),  # the last but one
        ("FFFF02FEFF", "2028-12-31", "2028-02-29"),
        ("FFFF021DFF", "2027-01-01", "2024-02-29"),
        ("FFFF021DFF", "1903-01-01", "1896-02-29"),
        ("FFFFFFFFFF", "2026-06-01", "2026-01-01"),
        ("07EA03FEFF", "2026-03-30", None),
    ],
)
def test_a_season_may_begin_at_the_end_of_a_month(
    pattern: str, day: str, start: str | None
) -> None:
    found = DatePattern.from_bytes(bytes.fromhex(pattern)).latest_start(date.fromisoformat(day))
    assert found == (None if start is None else date.fromisoformat(start))


def test_a_switch_at_no_time_of_day_is_none() -> None:
    days = ((1, ((bytes((24, 0, 0, 0)), OBIS, 1), (bytes((0xFF, 0xFF, 0, 0)), OBIS, 2))),)
    calendar = read_calendar((), (), days, ())
    assert [(each.at.hour, each.script) for each in calendar.days[1]] == [(0, 2)]


@pytest.mark.parametrize("pattern", ["000001FEFF", "271002FDFF", "FFFE01FE01", "FFFFFDFEFF"])
def test_the_last_day_of_a_month_that_no_calendar_has_starts_nothing(pattern: str) -> None:
    found = DatePattern.from_bytes(bytes.fromhex(pattern)).latest_start(date(2026, 6, 1))
    assert found is None
