"""What a GPF makes of a gas meter's answers to its questions, sensible or not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from device.gas_logs import GasLogs
from device.sample_log import DAILY, PROFILE, SampleLogs
from device.store import MemoryStore
from gbcs.zcl.types import zcl_seconds
from gpf.catch_up import END_OF_TIME, EVERY_CAUSE, MOST_SAMPLES, CatchUp
from han.commands.metering import (
    GetSampledData,
    GetSampledDataResponse,
    GetSnapshot,
    PublishSnapshot,
    SnapshotCause,
)
from han.commands.prepayment import GetPrepaySnapshot, PublishPrepaySnapshot
from han.logs import Snapshot
from han.mirror.flags import FunctionalFlag
from han.zcl.payload import encode

START = datetime(2026, 1, 5, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
HALF_HOUR_S = 1800


def catch_up_with_gap() -> CatchUp:
    """Totals at the first two half hours and at the fifth: two half hours are missing."""
    samples = SampleLogs(MemoryStore(), (PROFILE, DAILY), timedelta(minutes=15))
    for number in (0, 1, 4, 5):
        samples.take(100 * number, START + number * HALF_HOUR, START + number * HALF_HOUR)
    return CatchUp(samples, GasLogs(), lambda: False, HALF_HOUR, lambda day, volumes: None)


def gap_of(catch_up: CatchUp) -> GetSampledData:
    asked = catch_up.wanted(START + 5 * HALF_HOUR)[FunctionalFlag.GET_SAMPLED_DATA]
    assert isinstance(asked, GetSampledData)
    return asked


def answer(start_s: int, *samples: int) -> GetSampledDataResponse:
    return GetSampledDataResponse(0, start_s, 0, HALF_HOUR_S, len(samples), samples)


@pytest.mark.parametrize("start_s", [0, 0xFFFFFF00, zcl_seconds(START + timedelta(days=400))])
def test_samples_of_another_time_than_was_asked_for_change_nothing(start_s: int) -> None:
    catch_up = catch_up_with_gap()
    asked, log = gap_of(catch_up), catch_up.samples.get(PROFILE.sample_id)
    assert log is not None
    before = log.ends()
    catch_up.fill(asked, answer(start_s, 7, 8))
    assert log.ends() == before
    assert len(catch_up.lost) <= 3


def test_samples_that_were_asked_for_fill_the_gap() -> None:
    catch_up = catch_up_with_gap()
    asked, log = gap_of(catch_up), catch_up.samples.get(PROFILE.sample_id)
    assert log is not None
    assert asked.earliest_time == zcl_seconds(START + 2 * HALF_HOUR)
    catch_up.fill(asked, answer(asked.earliest_time, 7, 8, 9))
    assert FunctionalFlag.GET_SAMPLED_DATA not in catch_up.wanted(START + 5 * HALF_HOUR)
    assert asked.count == MOST_SAMPLES


def test_a_meter_that_has_a_snapshot_for_every_question_is_not_asked_for_ever() -> None:
    catch_up = catch_up_with_gap()
    published = PublishSnapshot(1, 0, 1, 0, 1, 1, 6, b"")
    asked: object = GetSnapshot(0, END_OF_TIME, 0, EVERY_CAUSE)
    prepaid: object = GetPrepaySnapshot(0, END_OF_TIME, 0, EVERY_CAUSE)
    told = PublishPrepaySnapshot(1, 0, 1, 0, 1, 1, 0, b"")
    for _ in range(256):
        assert isinstance(asked, GetSnapshot)
        assert isinstance(prepaid, GetPrepaySnapshot)
        assert encode(asked)
        assert encode(prepaid)
        asked = catch_up.following(asked, published)
        prepaid = catch_up.following(prepaid, told)
    assert asked is None
    assert prepaid is None


def test_a_snapshot_that_a_meter_stamped_in_the_future_hides_none_that_is_missing() -> None:
    catch_up, now = catch_up_with_gap(), START + timedelta(days=3, hours=1)
    ahead = zcl_seconds(now + timedelta(days=700))
    for day in (zcl_seconds(START), ahead):
        catch_up.logs.add(Snapshot(1, day, SnapshotCause.GENERAL, 6, b""), prepayment=False)
    asked = catch_up.wanted(now)[FunctionalFlag.GET_SNAPSHOT]
    assert asked == GetSnapshot(zcl_seconds(START) + 1, END_OF_TIME, 0, EVERY_CAUSE)


def test_half_hours_are_logged_on_after_a_clock_that_was_a_day_ahead_was_set_back() -> None:
    samples = SampleLogs(MemoryStore(), (PROFILE, DAILY), timedelta(minutes=15))
    ahead = timedelta(days=1)
    moments = [
        *(START + number * HALF_HOUR for number in range(3)),
        *(START + ahead + number * HALF_HOUR for number in range(3)),
        *(START + number * HALF_HOUR for number in range(3, 52)),
    ]
    for number, moment in enumerate(moments):
        samples.take(100 * number, moment, moment)
    log = samples.get(PROFILE.sample_id)
    assert log is not None
    read = log.read(START, 100)
    assert read is not None
    assert read.first_end == START + HALF_HOUR
    both, first_after_the_clock_was_set = (100, 100), None
    wanted = (*both, first_after_the_clock_was_set, *(100,) * 48)
    assert read.values == wanted
