"""Messages longer than a tunnel carries: cut into blocks, and put together again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.long_messages import WHOLE_OCTETS, LongMessages, parts_of
from gbcs.envelope import Cra, Message
from gbcs.errors import MalformedMessage


def message(octets: int, counter: int = 1) -> bytes:
    return Message(
        cra=Cra.RESPONSE,
        originator_counter=counter,
        originator=0xA0,
        recipient=0xB0,
        message_code=0x0036,
        payload=bytes(n % 251 for n in range(octets)),
        signature=bytes(64),
    ).to_bytes()


@pytest.mark.parametrize("octets", [1, 900, 1_400, 5_000, 150_000])
def test_a_message_of_any_length_arrives_whole(octets: int) -> None:
    sent = message(octets)
    parts = parts_of(sent)
    assert all(len(part) <= WHOLE_OCTETS for part in parts)
    taker = LongMessages()
    arrived = [taker.take(part) for part in parts]
    assert arrived == [None] * (len(parts) - 1) + [sent]


@given(st.randoms(use_true_random=False))
def test_blocks_of_two_messages_may_come_mixed_and_twice(random: object) -> None:
    first, second = message(4_000, 1), message(3_000, 2)
    parts = [*parts_of(first), *parts_of(second)]
    parts += parts[:2]
    random.shuffle(parts)  # type: ignore[attr-defined]
    taker = LongMessages()
    arrived = {whole for part in parts if (whole := taker.take(part)) is not None}
    assert {first, second} <= arrived


def test_a_block_that_contradicts_another_is_named_and_its_message_dropped() -> None:
    taker = LongMessages()
    first, *_ = parts_of(message(4_000))
    taker.take(first)
    forged = bytes([*first[:-1], first[-1] ^ 1])
    with pytest.raises(MalformedMessage, match="two different blocks number 1"):
        taker.take(forged)


def test_blocks_that_never_end_are_not_kept_for_ever() -> None:
    taker = LongMessages()
    for counter in range(100):
        first, *_ = parts_of(message(4_000, counter))
        assert taker.take(first) is None
    parts = parts_of(message(4_000, 99))
    assert [taker.take(part) for part in parts[1:]][-1] is not None
