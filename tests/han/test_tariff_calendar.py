"""A published calendar: which entry holds, on ordinary and on special days."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from han.commands.calendar import (
    PublishCalendar,
    PublishDayProfile,
    PublishSeasons,
    PublishSpecialDays,
    PublishWeekProfile,
    ScheduleEntry,
    Season,
    SpecialDay,
)
from han.tariff.book import DELIVERED, TariffBook
from han.tariff.calendar import in_force, latest, next_switch

EVERY_DAY = 0xFFFFFFFF


def zcl(text: str) -> int:
    """Year from 1900, month, day and weekday as octets, FF for any."""
    return int.from_bytes(bytes.fromhex(text), "little")


def book() -> TariffBook:
    """Day 1: tier 1 from 06:40, tier 2 from 23:05; day 0, which is Christmas: tier 3."""
    made = TariffBook()
    for message in (
        PublishCalendar(0, 1, 1, 0, DELIVERED, 0, b"", 1, 1, 2),
        PublishDayProfile(
            0, 1, 1, 1, 2, 0, 1, DELIVERED, (ScheduleEntry(400, 1), ScheduleEntry(1385, 2))
        ),
        PublishDayProfile(0, 1, 1, 0, 1, 0, 1, DELIVERED, (ScheduleEntry(0, 3),)),
        PublishWeekProfile(0, 1, 1, 1, *(1,) * 7),
        PublishSeasons(0, 1, 1, 0, 1, (Season(EVERY_DAY, 1),)),
        PublishSpecialDays(0, 1, 1, 0, DELIVERED, 1, 0, 1, (SpecialDay(zcl("FF0C19FF"), 0),)),
    ):
        assert made.take(message)
    return made


@pytest.mark.parametrize(
    ("moment", "tier", "following"),
    [
        ("2026-12-23T06:39:59", 2, "2026-12-23T06:40:00"),
        ("2026-12-23T06:40:00", 1, "2026-12-23T23:05:00"),
        ("2026-12-24T23:30:00", 2, "2026-12-25T00:00:00"),
        ("2026-12-25T12:00:00", 3, "2026-12-26T06:40:00"),
        ("2026-12-26T03:00:00", 3, "2026-12-26T06:40:00"),
    ],
)
def test_a_special_day_may_have_any_number_even_nought(
    moment: str, tier: int, following: str
) -> None:
    calendar = book().calendar(DELIVERED)
    assert calendar is not None
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    switch = in_force(calendar, now)
    assert switch is not None
    assert switch.tier == tier
    assert next_switch(calendar, now) == datetime.fromisoformat(following).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("pattern", "day", "expected"),
    [
        ("FF021DFF", "2027-06-01", "2024-02-29"),
        ("FF0401FF", "2026-03-31", "2025-04-01"),
        ("7E0401FF", "2026-03-31", None),
        ("FFFFFFFF", "2026-03-31", "2026-01-01"),
    ],
)
def test_a_season_begins_at_its_last_date(pattern: str, day: str, expected: str | None) -> None:
    found = latest(zcl(pattern), date.fromisoformat(day))
    assert found == (None if expected is None else date.fromisoformat(expected))
