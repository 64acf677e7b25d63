"""The clock of a meter: what sets it, what makes it doubtful, what it shows meanwhile."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.clock import ClockChange, ClockSettings, DeviceClock, Occurrence, transitions
from device.schedule import HALF_HOUR, Call, next_boundary, wait_until
from device.timeline import Timeline
from gbcs.stamp import Reliability

MIDNIGHT = datetime(2015, 1, 1, tzinfo=UTC)
RELIABLE, UNRELIABLE, INVALID = (
    Reliability.RELIABLE,
    Reliability.UNRELIABLE,
    Reliability.INVALID,
)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


class True_:
    """True time, moved by hand."""

    def __init__(self, moment: datetime = MIDNIGHT) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment


def reliable_clock(true: True_, **options: object) -> DeviceClock:
    return DeviceClock(true, status=RELIABLE, **options)  # type: ignore[arg-type]  # options are passed through


def test_a_clock_that_was_never_set_is_invalid_but_runs() -> None:
    true = True_()
    clock = DeviceClock(true, offset=seconds(-5))
    true.moment += seconds(60)
    assert clock.status is INVALID
    assert clock.now() == MIDNIGHT + seconds(55)


def test_set_clock_within_its_range_takes_the_hubs_time() -> None:
    # RTDS GCS28 SUCCESS: 20141231233000Z..20150101003000Z -> 20141231233000Z, reliable
    clock = DeviceClock(True_())
    hub = datetime(2014, 12, 31, 23, 30, tzinfo=UTC)
    change = clock.set_clock(hub, hub, hub + timedelta(hours=1))
    assert (change.adjusted, clock.now(), clock.status) == (True, hub, RELIABLE)


def test_set_clock_outside_its_range_leaves_a_running_clock_alone_and_doubts_it() -> None:
    # RTDS GCS28 ERROR: 20150101010000Z..20150101020000Z -> 20150101000000Z, unreliable
    clock = reliable_clock(True_())
    start = MIDNIGHT + timedelta(hours=1)
    change = clock.set_clock(MIDNIGHT, start, start + timedelta(hours=1))
    assert (change.adjusted, change.alert) == (False, True)
    assert (clock.now(), clock.status) == (MIDNIGHT, UNRELIABLE)


def test_set_clock_without_a_hub_leaves_an_invalid_clock_invalid() -> None:
    clock = DeviceClock(True_())
    assert not clock.set_clock(None, None, None).adjusted
    assert clock.status is INVALID


def test_an_open_range_accepts_any_time() -> None:
    clock = DeviceClock(True_())
    assert clock.set_clock(MIDNIGHT + timedelta(days=400), None, None).adjusted


@pytest.mark.parametrize("slow_s", [-10, -9, 0, 9, 10])
def test_a_difference_within_tolerance_is_adjusted_silently(slow_s: int) -> None:
    clock = reliable_clock(True_(), offset=seconds(-slow_s))
    change = clock.sync(MIDNIGHT)
    assert (change.adjusted, change.alert) == (True, False)
    assert (clock.now(), change.step) == (MIDNIGHT, seconds(slow_s))


@pytest.mark.parametrize("slow_s", [-11, 11, 3600])
def test_a_difference_beyond_tolerance_is_not_adjusted_but_alerted(slow_s: int) -> None:
    clock = reliable_clock(True_(), offset=seconds(-slow_s))
    change = clock.sync(MIDNIGHT)
    assert (change.adjusted, change.alert, clock.status) == (False, True, UNRELIABLE)
    assert clock.now() == MIDNIGHT - seconds(slow_s)


def test_an_unreliable_clock_recovers_with_a_reading_within_tolerance() -> None:
    clock = DeviceClock(True_(), offset=seconds(3), status=UNRELIABLE)
    clock.sync(MIDNIGHT)
    assert (clock.status, clock.now()) == (RELIABLE, MIDNIGHT)


def test_an_unreliable_clock_stays_so_when_told_not_to_recover() -> None:
    options = ClockSettings(auto_recover=False)
    clock = DeviceClock(True_(), status=UNRELIABLE, settings=options)
    assert not clock.sync(MIDNIGHT).adjusted
    assert clock.status is UNRELIABLE


@pytest.mark.parametrize("accept", [True, False])
def test_a_first_reading_is_believed_only_when_told_so(accept: bool) -> None:
    clock = DeviceClock(
        True_(), offset=timedelta(days=-900), settings=ClockSettings(accept_first_read=accept)
    )
    assert clock.sync(MIDNIGHT).adjusted is accept
    assert clock.status is (RELIABLE if accept else INVALID)


def test_power_loss_with_backup_leaves_time_but_doubts_it_until_the_next_reading() -> None:
    clock = reliable_clock(True_())
    clock.power_loss(backup_held=True)
    assert clock.status is UNRELIABLE
    clock.sync(MIDNIGHT)
    assert clock.status is RELIABLE


def test_power_loss_without_backup_makes_the_clock_invalid() -> None:
    clock = reliable_clock(True_())
    assert clock.power_loss(backup_held=False).status is INVALID


def test_a_silent_hub_matters_only_after_the_holdover() -> None:
    true = True_()
    clock = reliable_clock(true, settings=ClockSettings(max_holdover_s=3600))
    true.moment += seconds(3600)
    assert clock.hub_silent() is None
    true.moment += seconds(1)
    assert clock.hub_silent() is not None
    assert clock.status is UNRELIABLE
    assert reliable_clock(true).hub_silent() is None


def test_set_clock_too_soon_after_the_last_is_refused_when_a_limit_is_set() -> None:
    true = True_()
    clock = DeviceClock(true, settings=ClockSettings(set_clock_min_interval_s=86400))
    assert clock.set_clock(MIDNIGHT, None, None).adjusted
    true.moment += timedelta(hours=23)
    assert not clock.set_clock(true.moment, None, None).adjusted
    true.moment += timedelta(hours=1)
    assert clock.set_clock(true.moment, None, None).adjusted


def test_drift_adds_up_and_a_reading_takes_it_away() -> None:
    true = True_()
    clock = reliable_clock(true, drift_ppm=100.0)
    true.moment += timedelta(seconds=100_000)
    assert clock.now() - true.moment == seconds(10)
    clock.sync(true.moment)
    assert clock.now() == true.moment
    assert clock.true_time_of(clock.own_time(true.moment + HALF_HOUR)) == true.moment + HALF_HOUR


def test_a_change_of_drift_does_not_step_the_clock() -> None:
    true = True_()
    clock = reliable_clock(true, drift_ppm=100.0)
    true.moment += timedelta(seconds=10_000)
    clock.drift_ppm = -100.0
    assert clock.now() - true.moment == seconds(1)
    true.moment += timedelta(seconds=10_000)
    assert clock.now() == true.moment


def test_a_held_clock_shows_one_moment_until_it_is_released() -> None:
    true = True_()
    clock = reliable_clock(true)
    clock.hold(MIDNIGHT + timedelta(days=1))
    true.moment += seconds(100)
    assert clock.now() == MIDNIGHT + timedelta(days=1)
    clock.release()
    assert clock.now() == MIDNIGHT + seconds(100)


def test_setting_a_held_clock_moves_what_it_shows() -> None:
    clock = reliable_clock(True_())
    clock.hold(MIDNIGHT)
    clock.set_clock(MIDNIGHT + seconds(7), None, None)
    assert clock.now() == MIDNIGHT + seconds(7)


def test_watchers_hear_of_every_change_until_they_stop() -> None:
    clock, heard = reliable_clock(True_()), list[ClockChange]()
    unwatch = clock.watch(heard.append)
    clock.sync(MIDNIGHT)
    unwatch()
    clock.sync(MIDNIGHT)
    assert [change.occurrence for change in heard] == [Occurrence.SYNC_WITHIN]


@pytest.mark.parametrize(("late_s", "adjusted"), [(-1, True), (0, False), (1.9, False), (2, True)])
def test_the_hubs_whole_seconds_mean_the_same_for_two_seconds(
    late_s: float, *, adjusted: bool
) -> None:
    clock = reliable_clock(True_())
    clock.hear(MIDNIGHT - seconds(late_s))
    assert (clock.now() != MIDNIGHT, clock.status) == (adjusted, RELIABLE)


def test_a_clock_that_was_never_set_hears_the_hub_as_at_every_reading() -> None:
    clock = DeviceClock(True_(), settings=ClockSettings(accept_first_read=True))
    assert clock.hear(None) is None
    clock.hear(MIDNIGHT - seconds(5))
    assert (clock.now(), clock.status) == (MIDNIGHT - seconds(5), RELIABLE)


def test_every_status_has_a_row_for_every_occurrence() -> None:
    table = transitions(ClockSettings())
    statuses = (RELIABLE, UNRELIABLE, INVALID)
    assert set(table) == {(s, o) for s in statuses for o in Occurrence}


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["set", "sync", "loss", "wait"]), st.integers(-20, 20)),
        max_size=12,
    )
)
def test_only_a_believed_hub_ever_moves_the_clock(steps: list[tuple[str, int]]) -> None:
    true = True_()
    clock = DeviceClock(true)
    for step, number in steps:
        before = clock.now() - true.moment
        if step == "set":
            change = clock.set_clock(true.moment + seconds(number), true.moment, None)
        elif step == "sync":
            change = clock.sync(true.moment + seconds(number))
        elif step == "loss":
            change = clock.power_loss(backup_held=number > 0)
        else:
            true.moment += seconds(abs(number))
            assert clock.now() - true.moment == before
            continue
        assert change.adjusted or clock.now() - true.moment == before
        assert not change.adjusted or clock.status is RELIABLE


def test_the_next_boundary_is_never_now() -> None:
    assert next_boundary(MIDNIGHT) == MIDNIGHT + HALF_HOUR
    assert next_boundary(MIDNIGHT + seconds(1)) == MIDNIGHT + HALF_HOUR
    assert next_boundary(MIDNIGHT - seconds(1), timedelta(days=1)) == MIDNIGHT


async def test_a_device_waits_on_its_own_clock(timeline: Timeline) -> None:
    clock = DeviceClock(timeline.now, offset=seconds(-600), drift_ppm=50.0, status=RELIABLE)
    boundary = next_boundary(clock.now())
    await wait_until(clock, timeline, boundary)
    assert boundary <= clock.now() < boundary + timedelta(milliseconds=1)


async def test_a_clock_set_back_makes_the_wait_longer(timeline: Timeline) -> None:
    clock = DeviceClock(timeline.now, status=RELIABLE)
    waiting = asyncio.ensure_future(wait_until(clock, timeline, timeline.start + seconds(100)))
    await timeline.sleep(seconds(90))
    clock.set_clock(timeline.start, None, None)
    await waiting
    assert timeline.now() == timeline.start + seconds(190)


async def test_a_call_ends_the_wait_also_when_it_came_before(timeline: Timeline) -> None:
    clock, call = DeviceClock(timeline.now, status=RELIABLE), Call()
    moment = timeline.start + seconds(100)
    waiting = asyncio.ensure_future(wait_until(clock, timeline, moment, call))
    await timeline.sleep(seconds(10))
    clock.set_clock(timeline.start, None, None)
    await timeline.sleep(seconds(10))
    assert not waiting.done()
    call.make()
    await waiting
    await wait_until(clock, timeline, moment, call)
    assert timeline.now() == timeline.start + seconds(20)
    call.clear()
    await wait_until(clock, timeline, moment, call)
    assert clock.now() >= moment


async def test_a_clock_set_past_the_moment_ends_the_wait(timeline: Timeline) -> None:
    clock = DeviceClock(timeline.now, status=RELIABLE)
    waiting = asyncio.ensure_future(wait_until(clock, timeline, timeline.start + seconds(100)))
    await timeline.sleep(seconds(10))
    clock.set_clock(timeline.start + seconds(200), None, None)
    await waiting
    assert timeline.now() == timeline.start + seconds(10)
