"""What a display remembers and when it must forget, without a radio."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.store import MemoryStore, SqliteStore, Store
from gbcs.zcl.types import zcl_seconds
from peers.memory import Change, FuelMemory, Remembered
from peers.reading import Fuel, Trust, fuel_of, numbers_of, reading_of
from peers.tenancy import change_of, due, expected

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
WIPE = 0x200


def minute(number: int) -> datetime:
    return MIDNIGHT + timedelta(minutes=number)


def memory(store: Store | None = None, capacity: int = 100) -> FuelMemory:
    return FuelMemory(store or MemoryStore(), Fuel.GAS, capacity)


def test_one_entry_is_kept_of_each_half_hour_and_the_oldest_go() -> None:
    held = memory(capacity=3)
    kept = [held.remember(Remembered(minute(at), at)) for at in (1, 20, 29, 30, 61, 95, 94)]
    assert kept == [True, False, False, True, True, True, False]
    assert [entry.register for entry in held.history()] == [30, 61, 95]


def test_memories_of_two_fuels_are_apart() -> None:
    store = MemoryStore()
    gas, electricity = (FuelMemory(store, fuel, 9) for fuel in (Fuel.GAS, Fuel.ELECTRICITY))
    for each in (gas, electricity):
        each.remember(Remembered(minute(1), 1))
    gas.wipe(Change(minute(5), WIPE))
    assert (len(gas.history()), len(electricity.history())) == (0, 1)


def test_nothing_of_a_former_tenant_comes_back_after_a_wipe() -> None:
    held = memory()
    held.wipe(Change(minute(40), WIPE))
    assert not held.remember(Remembered(minute(30), 1))
    assert held.remember(Remembered(minute(40), 2))


def test_memory_outlives_the_process(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "display")
    first = memory(store)
    first.remember(Remembered(minute(1), 7))
    first.expect(Change(minute(50), WIPE))
    store.close()
    store = SqliteStore(tmp_path / "display")
    again = memory(store)
    assert again.history() == (Remembered(minute(1), 7),)
    assert due(again, minute(49)) is None
    assert due(again, minute(50)) == Change(minute(50), WIPE)
    store.close()


@pytest.mark.parametrize(
    ("told", "still_expected"),
    [
        pytest.param(None, False, id="no change known"),
        pytest.param(Change(minute(70), WIPE), True, id="later than the last"),
        pytest.param(Change(minute(60), WIPE), False, id="the same again"),
        pytest.param(Change(minute(50), WIPE), False, id="earlier than the last"),
        pytest.param(Change(minute(70), 0xFDFF), False, id="every bit but bit 9"),
        pytest.param(Change(minute(70), 0xFFFF), True, id="every bit"),
    ],
)
def test_a_change_is_expected_when_it_asks_for_a_wipe_and_is_new(
    told: Change | None, still_expected: bool
) -> None:
    held = memory()
    held.wipe(Change(minute(60), WIPE))
    assert (expected(told, held) == told) is (still_expected or told is None)


def test_a_meter_that_knows_no_change_tells_none() -> None:
    assert change_of({}) is None
    assert change_of({0x0200: 0xFFFFFFFF, 0x0201: WIPE}) is None
    assert change_of({0x0200: zcl_seconds(minute(1)), 0x0201: 0}) == Change(minute(1), 0)


told_changes = st.lists(
    st.tuples(st.integers(0, 30), st.one_of(st.none(), st.integers(0, 400))), max_size=30
)


@given(told_changes)
@settings(max_examples=80)
def test_whatever_is_told_each_change_wipes_once_and_never_before_its_date(
    story: list[tuple[int, int | None]],
) -> None:
    held, now, wiped = memory(), 0, list[datetime]()
    for later, date in story:
        now += later
        told = None if date is None else Change(minute(date), WIPE)
        held.remember(Remembered(minute(now), now))
        held.expect(expected(told, held))
        change = due(held, minute(now))
        if change is not None:
            assert change.at <= minute(now)
            held.wipe(change)
            wiped.append(change.at)
            assert held.history() == ()
    assert wiped == sorted(set(wiped))
    assert all(entry.at >= wiped[-1] for entry in held.history() if wiped)


def test_a_reading_says_what_the_meter_states_of_its_time() -> None:
    values = {0x0000: 12345, 0x0300: 1, 0x0301: 1, 0x0302: 1000}
    unstated = reading_of(values, minute(9))
    stated = reading_of({**values, 0x0007: zcl_seconds(minute(1))}, minute(9))
    invalid = reading_of({**values, 0x0007: 0xFFFFFFFF}, minute(9))
    assert unstated is not None
    assert stated is not None
    assert invalid is not None
    assert (unstated.text, unstated.moment, unstated.is_stated) == ("12.345 m3", minute(9), False)
    assert (stated.moment, stated.trust) == (minute(1), Trust.NOT_STATED)
    assert (invalid.taken_at, invalid.trust, invalid.is_stated) == (None, Trust.INVALID, True)
    assert reading_of({}, minute(9)) is None


def test_a_meter_is_known_by_its_type_or_else_by_its_unit() -> None:
    assert fuel_of({0x0306: 128}) is Fuel.GAS
    assert fuel_of({0x0306: 0, 0x0300: 0}) is Fuel.ELECTRICITY
    assert fuel_of({0x0306: 127, 0x0300: 0x81}) is Fuel.GAS
    assert fuel_of({0x0300: 5}) is None
    assert fuel_of({}) is None


def test_only_numbers_count() -> None:
    assert numbers_of({0x0000: 5, 0x0300: None, 0x0307: b"MPRN"}) == {0x0000: 5}
