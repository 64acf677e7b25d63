"""Top-up tokens: each is credited once, in any order, and guessing stops."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from device.tokens import (
    DUPLICATE,
    ENTRY_SUSPENDED,
    LOCKED_OUT,
    NOT_AUTHENTIC,
    NOT_FOR_THIS_DEVICE,
    REMEMBERED,
    Authentic,
    PrepaySettings,
    Refused,
    TokenGate,
    TokenMemory,
)
from gbcs.utrn import Token, ValueClass

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NONSENSE = b"12345678901234567890"


def digits(counter: int, mac: bytes = b"good") -> bytes:
    return Token(counter % 1024, ValueClass.PENCE, 500, mac).digits().encode()


class Meter:
    def __init__(self, settings: PrepaySettings | None = None) -> None:
        self.memory = TokenMemory()
        self.now = NOON
        self.gate = TokenGate(lambda: self.memory, lambda token, _: token.mac == b"good", settings)

    def enter(self, octets: bytes, counter: int | None = None) -> tuple[int, ...]:
        """Event codes; none when the token was credited."""
        outcome = self.gate.check(octets, self.now, counter)
        if isinstance(outcome, Refused):
            return outcome.codes
        self.gate.spent(outcome)
        return ()


def test_a_token_counts_once_by_hand_and_by_message() -> None:
    meter = Meter()
    assert meter.enter(digits(700), 700) == ()
    assert meter.enter(digits(700)) == (DUPLICATE,)
    assert meter.enter(digits(700), 700) == (DUPLICATE,)


def test_tokens_may_come_in_another_order_than_they_were_bought() -> None:
    meter = Meter()
    assert [meter.enter(digits(n)) for n in (12, 10, 11, 10)] == [(), (), (), (DUPLICATE,)]


def test_the_counter_of_a_token_entered_by_hand_is_the_nearest_to_the_highest_used() -> None:
    meter = Meter()
    assert meter.enter(digits(2_458_896_167), 2_458_896_167) == ()
    outcome = meter.gate.check(digits(2_458_896_172), NOON)  # the example of GBCS 14
    assert isinstance(outcome, Authentic)
    assert outcome.counter == 2_458_896_172


def test_a_token_older_than_all_that_are_remembered_is_taken_for_a_used_one() -> None:
    meter = Meter()
    for counter in range(10, 11 + REMEMBERED):
        assert meter.enter(digits(counter), counter) == ()
    assert len(meter.memory.counters) == REMEMBERED
    assert meter.enter(digits(10)) == (DUPLICATE,)
    assert meter.enter(digits(9)) == (DUPLICATE,)


@pytest.mark.parametrize(
    ("octets", "counter", "code"),
    [
        (NONSENSE, None, NOT_AUTHENTIC),
        (b"no digits", 7, NOT_AUTHENTIC),
        (digits(7, b"evil"), None, NOT_FOR_THIS_DEVICE),
        (digits(7, b"evil"), 7, NOT_FOR_THIS_DEVICE),
        (digits(7), 8, NOT_FOR_THIS_DEVICE),
        (digits(1000), None, NOT_FOR_THIS_DEVICE),  # restored to a counter below zero
    ],
)
def test_what_is_no_token_of_this_meter_is_refused_by_name(
    octets: bytes, counter: int | None, code: int
) -> None:
    assert Meter().enter(octets, counter) == (code,)


def test_guessing_by_hand_is_suspended_ever_longer() -> None:
    meter = Meter(PrepaySettings(utrn_lockout_failures=3, utrn_lockout_s=60))
    guesses = [meter.enter(NONSENSE) for _ in range(4)]
    assert guesses == [
        (NOT_AUTHENTIC,),
        (NOT_AUTHENTIC,),
        (NOT_AUTHENTIC, ENTRY_SUSPENDED),
        (LOCKED_OUT,),
    ]
    meter.now += timedelta(seconds=59)
    assert meter.enter(digits(5)) == (LOCKED_OUT,)
    assert meter.enter(digits(4), 4) == ()  # a message is not suspended
    meter.now += timedelta(seconds=1)
    assert [meter.enter(NONSENSE) for _ in range(3)][-1] == (NOT_AUTHENTIC, ENTRY_SUSPENDED)
    assert meter.memory.locked_until is not None


def test_the_second_suspension_is_twice_as_long_and_a_good_token_forgives() -> None:
    meter = Meter(PrepaySettings(utrn_lockout_failures=1, utrn_lockout_s=60))
    lengths = []
    for _ in range(3):
        assert meter.enter(NONSENSE) == (NOT_AUTHENTIC, ENTRY_SUSPENDED)
        assert meter.memory.locked_until is not None
        lengths.append(meter.memory.locked_until - meter.now)
        meter.now = meter.memory.locked_until
    assert [each.seconds for each in lengths] == [60, 120, 240]
    assert meter.enter(digits(5)) == ()
    assert meter.enter(NONSENSE) == (NOT_AUTHENTIC, ENTRY_SUSPENDED)
    assert meter.memory.locked_until == meter.now + timedelta(seconds=60)
