"""COSEM schedules, as a recorded non-disablement calendar writes them."""

from datetime import UTC, datetime

import pytest

from device.cosem.shape import Plain
from esme.schedule import last_selector
from gbcs.dlms.data import Bits

BEGINS, ENDS = 32, 33
SPECIAL_DAYS: Plain = ((1, bytes.fromhex("FFFF0C19FF"), 1), (2, bytes.fromhex("07EA0405FF"), 2))


def row(selector: int, clock: str, weekdays: str, specials: str, begin: str, end: str) -> Plain:
    hour, minute = (int(part) for part in clock.split(":"))
    days = Bits(7, bytes((int(weekdays, 2) << 1,)))
    special = Bits(2, bytes((int(specials, 2) << 6,)))
    at = bytes((hour, minute, 0, 0))
    begin_, end_ = (bytes.fromhex(text) for text in (begin, end))
    return (1, True, bytes(6), selector, at, 0xFFFF, days, special, begin_, end_)


WINTER = ("07E90A1AFF", "07EA031DFF")
SUMMER = ("FFFF041DFF", "FFFF0719FF")
SCHEDULE: Plain = (
    row(BEGINS, "18:00", "1111100", "00", *WINTER),
    row(ENDS, "08:00", "1111100", "00", *WINTER),
    row(BEGINS, "00:00", "0000011", "00", *WINTER),
    row(BEGINS, "01:15", "0000000", "11", "FFFFFFFFFF", "FFFFFFFFFF"),
    row(ENDS, "09:30", "0000011", "00", *SUMMER),
)


@pytest.mark.parametrize(
    ("moment", "selector"),
    [
        ("2026-03-02T07:59", BEGINS),  # Monday: since the weekend
        ("2026-03-02T08:00", ENDS),
        ("2026-03-02T17:59", ENDS),
        ("2026-03-02T18:00", BEGINS),
        ("2026-03-03T07:59", BEGINS),
        ("2026-03-07T12:00", BEGINS),  # Saturday
        ("2025-12-25T08:30", BEGINS),  # a special day has actions of its own
        ("2026-05-02T09:29", None),  # out of the winter's season
        ("2026-05-02T09:30", ENDS),
    ],
)
def test_the_last_action_decides(moment: str, selector: int | None) -> None:
    own = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert last_selector(SCHEDULE, SPECIAL_DAYS, own) == selector


@pytest.mark.parametrize(("month", "selector"), [(12, BEGINS), (1, BEGINS), (6, None)])
def test_a_yearly_season_may_go_over_new_year(month: int, selector: int | None) -> None:
    rows = (row(BEGINS, "00:00", "1111111", "00", "FFFF0B01FF", "FFFF0201FF"),)
    own = datetime(2026, month, 15, 12, tzinfo=UTC)
    assert last_selector(rows, (), own) == selector


def test_an_empty_schedule_has_no_last_action() -> None:
    assert last_selector((), (), datetime(2026, 1, 1, tzinfo=UTC)) is None
    assert last_selector(None, None, datetime(2026, 1, 1, tzinfo=UTC)) is None
