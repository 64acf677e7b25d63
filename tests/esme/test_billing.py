"""Billing periods, daily reads, and what a change of terms leaves in the books."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from device.cosem.settings import Settings
from device.cosem.table import Place
from esme.execution import Execution
from gbcs.dlms import values as v
from gbcs.dlms.data import Data
from gbcs.stamp import NOW, Stamp
from gbcs.zcl.types import zcl_seconds
from tests.esme.bench import at, mains, volts, watts
from tests.esme.prepaid import prepaid
from tests.esme.rig import MeterRig

CALENDAR = "22/0-0:15.0.0.255/4"
BLOCKS = "22/0-0:15.1.0.255/4"


def schedule(*entries: tuple[str, str]) -> Data:
    """Times and days as hexadecimal digits."""
    rows = (v.structure(v.octets(bytes.fromhex(t)), v.octets(bytes.fromhex(d))) for t, d in entries)
    return v.array(*rows)


MIDNIGHT, NOON = "00000000", "0C000000"
EVERY_DAY, FIRST_OF_MONTH = "FFFFFFFFFF", "FFFFFF01FF"


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([(NOON, FIRST_OF_MONTH)], ["2026-04-01T12", "2026-05-01T12"]),
        ([(MIDNIGHT, EVERY_DAY)], ["2026-03-03T00", "2026-03-04T00"]),
        ([(MIDNIGHT, "FFFF0401FF"), (MIDNIGHT, "FFFF0A01FF")], ["2026-04-01T00", "2026-10-01T00"]),
        ([(MIDNIGHT, "FFFF021DFF")], ["2028-02-29T00", "2032-02-29T00"]),
        ([(MIDNIGHT, "FFFFFFFEFF")], ["2026-03-31T00", "2026-04-30T00"]),
        ([(MIDNIGHT, "FFFFFFFDFF")], ["2026-03-30T00", "2026-04-29T00"]),
        ([(MIDNIGHT, "FFFF02FEFF")], ["2027-02-28T00", "2028-02-29T00"]),
        ([(MIDNIGHT, "FFFFFFFE07")], ["2026-03-29T00", "2026-04-26T00"]),
        ([(MIDNIGHT, "FFFFFF1FFF")], ["2026-03-31T00", "2026-05-31T00"]),
        ([("FFFFFFFF", FIRST_OF_MONTH)], ["2026-04-01T00", "2026-05-01T00"]),
        ([("18000000", EVERY_DAY)], [None, None]),
        ([(MIDNIGHT, "07DFFFFFFF")], [None, None]),
        ([], [None, None]),
    ],
)
def test_executions_follow_one_another(
    entries: list[tuple[str, str]], expected: list[str | None]
) -> None:
    settings = Settings()
    settings.put(Place.parse(CALENDAR), schedule(*entries))
    execution = Execution(settings, Place.parse(CALENDAR))
    found: list[str | None] = []
    moment = at("10:00")
    for _ in range(2):
        due = execution.next_after(moment)
        found.append(None if due is None else f"{due:%Y-%m-%dT%H}")
        moment = due or moment
    assert found == expected
    assert execution.next_after(at("10:00")) == (
        None if expected[0] is None else datetime.fromisoformat(f"{expected[0]}:00+00:00")
    )


def test_the_end_of_a_billing_period_is_kept_and_sent() -> None:
    rig = MeterRig(mains(volts(230), watts(1000)))
    assert rig.set(CALENDAR, schedule((MIDNIGHT, EVERY_DAY))) == 0
    rig.until(at("12:00", day=1))
    midnight = zcl_seconds(at("00:00", day=1))
    assert rig.numbers("7/0-0:98.1.0.255/2") == [[midnight, 14_000]]
    assert rig.numbers("7/0-0:98.1.1.255/2") == [[midnight, 0, 0, 0, 0, 0, 0]]
    (alert,) = rig.meter.reporter.take_alerts()
    assert (alert.message_code, alert.alert_code, alert.at) == (0x0061, 0x8F0A, at("00:00", day=1))
    assert alert.secret is not None
    assert alert.secret.value == (rig.server.value(Place.parse("7/0-0:98.1.0.255/2")),)


def test_a_period_that_ends_in_the_dark_is_kept_on_return() -> None:
    supply = volts(230, (at("23:00"), 0), (at("01:00", day=1), 230))
    rig = MeterRig(mains(supply, watts(1000)))
    rig.set(CALENDAR, schedule((MIDNIGHT, EVERY_DAY)))
    rig.until(at("12:00", day=1))
    ends = [row[:2] for row in rig.numbers("7/0-0:98.1.0.255/2")]
    assert ends == [[zcl_seconds(at("01:00", day=1)), 13_000]]


def test_block_counters_start_again_when_their_schedule_says_so() -> None:
    rig = MeterRig(mains(volts(230), watts(1000)))
    rig.set(BLOCKS, schedule((NOON, EVERY_DAY)))
    rig.meter.kept.tariff.script = 101
    rig.until(at("11:00"))
    (row,) = rig.numbers("1/0-0:94.44.34.2/2")
    assert (row[0], row[8]) == (1000, 1000)
    rig.until(at("13:00"))
    (row,) = rig.numbers("1/0-0:94.44.34.2/2")
    assert (row[0], row[8]) == (3000, 1000)


def test_a_new_payment_mode_closes_the_old_books_once() -> None:
    rig = prepaid(1000)
    mode = v.structure(v.enum(1), v.enum(2))
    then = v.date_time(Stamp.of(at("12:00")))
    for place, data in (("2", mode), ("13", then)):
        assert rig.set(f"111/0-1:19.0.0.255/{place}", data) == 0
    rig.set("113/0-0:19.20.0.255/7", then)
    rig.until(at("13:00"))
    rows = rig.numbers("7/0-0:98.1.2.255/2")
    at_start, at_noon = (zcl_seconds(at(clock)) for clock in ("10:00", "12:00"))
    assert [row[:2] for row in rows] == [[at_start, 0], [at_noon, 2000]]
    assert rows[-1][3] == 100_000 - 40_000  # the balance of noon, after two kWh at 20 p


def test_entries_of_a_command_that_is_undone_are_taken_back() -> None:
    rig = MeterRig()
    undo = rig.meter.undo_point()
    rig.set("113/0-0:19.20.0.255/7", v.date_time(NOW))
    assert len(rig.numbers("7/0-0:98.1.2.255/2")) == 1
    undo()
    assert rig.numbers("7/0-0:98.1.2.255/2") == []
    assert not rig.meter.kept.snapshots.billing_changes.unsaved


def test_an_undone_entry_of_a_full_log_gives_its_place_back_to_the_oldest() -> None:
    rig = MeterRig()
    for minute in range(12):
        rig.until(at(f"11:{minute:02}"))
        rig.set("113/0-0:19.20.0.255/7", v.date_time(NOW))
    rig.until(at("12:00"))
    rig.save()
    before = rig.numbers("7/0-0:98.1.2.255/2")
    assert len(before) == 12
    undo = rig.meter.undo_point()
    rig.set("113/0-0:19.20.0.255/7", v.date_time(NOW))
    assert rig.numbers("7/0-0:98.1.2.255/2") != before
    undo()
    assert rig.numbers("7/0-0:98.1.2.255/2") == before
    rig.save()
    assert MeterRig(store=rig.store).numbers("7/0-0:98.1.2.255/2") == before


def test_a_step_over_the_end_of_a_period_ends_it() -> None:
    rig = MeterRig(mains(volts(230), watts(1000)))
    rig.set(CALENDAR, schedule((MIDNIGHT, EVERY_DAY)))
    rig.until(at("11:00"))
    rig.clock.set_clock(datetime(2026, 3, 3, 5, tzinfo=UTC), None, None)
    assert len(rig.numbers("7/0-0:98.1.0.255/2")) == 1
