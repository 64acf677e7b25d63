"""A full log of samples: the oldest entry leaves it, in memory as in the store, also after gaps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.sample_log import LogKind, SampleLog
from device.store import MemoryStore, Store
from gbcs.zcl.types import zcl_seconds

START = datetime(2026, 3, 2, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
SMALL = LogKind("small", 0, HALF_HOUR, 1800, capacity=4)


class Undone(Exception):
    """What a unit was left with."""


def end(number: int) -> datetime:
    return START + number * HALF_HOUR


def held(log: SampleLog) -> dict[int, int | None]:
    """Entries by the number of their half hour."""
    found = {}
    for number in range(100):
        read = log.read(end(number), 1)
        if read is not None and read.first_end == end(number):
            found[number] = read.values[0]
    return found


def kept(store: Store) -> dict[int, int | None]:
    """What a device finds after a restart."""
    return held(SampleLog(SMALL, store))


def filled(*numbers: int) -> tuple[SampleLog, Store]:
    store = MemoryStore()
    log = SampleLog(SMALL, store)
    for number in numbers:
        log.fill(end(number), number)
    return log, store


def test_the_oldest_entry_leaves_a_full_log_also_when_another_came_first() -> None:
    log, store = filled(2, 3, 1, 4)
    log.fill(end(5), 5)
    assert held(log) == kept(store) == {2: 2, 3: 3, 4: 4, 5: 5}


def test_an_entry_from_before_a_full_log_is_not_taken() -> None:
    log, store = filled(2, 3, 4, 5)
    log.fill(end(1), 1)
    assert held(log) == kept(store) == {2: 2, 3: 3, 4: 4, 5: 5}


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=40))
def test_a_log_holds_the_newest_ends_of_what_was_kept_before_and_after_a_restart(
    told: list[tuple[int, bool]],
) -> None:
    log, store = filled()
    expected: dict[int, int | None] = {}
    for number, undone in told:
        try:
            with store.transaction():
                log.fill(end(number), number)
                if undone:
                    raise Undone
        except Undone:
            continue
        expected[number] = number
        expected = dict(sorted(expected.items())[-SMALL.capacity :])
    assert held(log) == kept(store) == expected


def test_totals_and_what_is_filled_share_one_log() -> None:
    log, store = filled()
    for number, total in ((1, 0), (2, 20), (5, 90), (6, 150), (7, 220)):
        log.take(end(number), total)
    for number in (3, 4):
        log.fill(end(number), number)
    log.take(end(8), 300)
    assert held(log) == kept(store) == {4: 4, 6: 60, 7: 70, 8: 80}
    assert log.ends() == {zcl_seconds(end(number)) for number in (4, 6, 7, 8)}


@pytest.mark.parametrize("forget", [SampleLog.clear, SampleLog.forget_total])
def test_what_is_forgotten_in_a_unit_that_is_undone_is_known_again(
    forget: Callable[[SampleLog], None],
) -> None:
    log, store = filled()
    for number in (1, 2):
        log.take(end(number), 100 * number)
    try:
        with store.transaction():
            forget(log)
            raise Undone
    except Undone:
        pass
    log.take(end(3), 350)
    assert held(log) == kept(store) == {2: 100, 3: 150}
