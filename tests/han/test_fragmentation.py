"""Fragmentation: sender and receiver joined by a line that loses, repeats and reorders."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from han.fragmentation import (
    FragmentationSettings,
    FragmentSender,
    MessageTooLong,
    Reassembler,
)
from han.radio import (
    ApsFrame,
    ApsReceived,
    Block,
    BlockAck,
    DeliveryReport,
    DeliveryStatus,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HUB, METER = 0x0A0B0C0D0E0F1011, 0x0A0B0C0D0E0F1012


def message(octets: bytes) -> ApsFrame:
    return ApsFrame(METER, 0x0109, 0x0704, 3, 1, octets, encrypted=True)


def part(
    index: int, payload: bytes, count: int | None = None, counter: int = 9, peer: int = HUB
) -> ApsReceived:
    return ApsReceived(
        peer, 0x0109, 0x0704, 3, 1, payload, True, counter, 0, block=Block(index, count)
    )


def received(frame: ApsFrame, counter: int) -> ApsReceived:
    return ApsReceived(
        HUB,
        frame.profile_id,
        frame.cluster_id,
        frame.source_endpoint,
        frame.destination_endpoint,
        frame.payload,
        frame.encrypted,
        counter,
        0,
        block=frame.block,
    )


@dataclass
class Line:
    """A radio link: gives each new message a counter, may lose a part or its acknowledgement."""

    random: Random
    loss: float
    repeats: float = 0.0
    reassembler: Reassembler = field(default_factory=Reassembler)
    arrived: list[bytes] = field(default_factory=list)
    counter: int = 40

    def carry(self, frame: ApsFrame) -> DeliveryReport:
        if frame.aps_counter is None:
            self.counter += 1
        counter = self.counter if frame.aps_counter is None else frame.aps_counter
        acknowledged = False
        for _ in range(2 if self.random.random() < self.repeats else 1):
            if self.random.random() < self.loss:
                continue
            whole, ack = self.reassembler.receive(received(frame, counter), NOW)
            if whole is not None:
                self.arrived.append(whole.payload)
            answered = ack is not None or frame.block is None
            acknowledged |= answered and self.random.random() >= self.loss
        status = DeliveryStatus.DELIVERED if acknowledged else DeliveryStatus.NO_ACKNOWLEDGEMENT
        return DeliveryReport(status, counter)


def run(sender: FragmentSender, line: Line) -> None:
    while not (sender.done or sender.failed):
        sender.reported(line.carry(sender.part))


def test_a_short_message_is_sent_whole() -> None:
    sender = FragmentSender(message(b"short"), part_octets=71)
    assert sender.part == message(b"short")
    sender.reported(DeliveryReport(DeliveryStatus.DELIVERED, 5))
    assert sender.done


def test_only_part_0_tells_the_count_and_later_parts_name_its_counter() -> None:
    sender = FragmentSender(message(bytes(150)), part_octets=71)
    parts = []
    while not sender.done:
        parts.append(sender.part)
        sender.reported(DeliveryReport(DeliveryStatus.DELIVERED, 0x55))
    assert [p.block for p in parts] == [Block(0, 3), Block(1), Block(2)]
    assert [p.aps_counter for p in parts] == [None, 0x55, 0x55]
    assert [len(p.payload) for p in parts] == [71, 71, 8]
    assert all(p.encrypted for p in parts)


@pytest.mark.parametrize(("octets", "part_octets", "parts"), [(1200, 71, 17), (1200, 61, 20)])
def test_a_gbcs_message_of_full_length_takes_the_known_number_of_parts(
    octets: int, part_octets: int, parts: int
) -> None:
    assert FragmentSender(message(bytes(octets)), part_octets).count == parts


def test_more_than_1500_octets_are_refused() -> None:
    FragmentSender(message(bytes(1500)), 71)
    with pytest.raises(MessageTooLong):
        FragmentSender(message(bytes(1501)), 71)


def test_the_sender_gives_up_after_three_retries_of_one_part() -> None:
    sender = FragmentSender(message(bytes(100)), 71)
    lost = DeliveryReport(DeliveryStatus.NO_ACKNOWLEDGEMENT, 1)
    for _ in range(4):
        assert not sender.failed
        sender.reported(lost)
    assert sender.failed


@given(st.binary(min_size=1, max_size=1500), st.integers(20, 80))
@settings(max_examples=60)
def test_every_message_arrives_whole_over_a_clean_line(octets: bytes, part_octets: int) -> None:
    line = Line(Random(0), loss=0.0)
    run(FragmentSender(message(octets), part_octets), line)
    assert line.arrived == [octets]


@given(st.integers(0, 2**32 - 1), st.integers(72, 1500), st.sampled_from([0.05, 0.2, 0.5]))
@settings(max_examples=150)
def test_over_a_bad_line_a_message_arrives_at_most_once_and_always_when_the_sender_says_so(
    seed: int, length: int, loss: float
) -> None:
    random = Random(seed)
    octets = random.randbytes(length)
    line = Line(random, loss, repeats=0.2)
    sender = FragmentSender(message(octets), 61)
    run(sender, line)
    assert line.arrived in ([], [octets])
    if sender.done:
        assert line.arrived == [octets]


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(2, 25))
@settings(max_examples=150)
def test_parts_in_any_order_and_twice_make_one_message(seed: int, window: int, count: int) -> None:
    random = Random(seed)
    parts = [random.randbytes(60) for _ in range(count)]
    arriving = [*range(count), *(random.randrange(count) for _ in range(count))]
    random.shuffle(arriving)
    reassembler = Reassembler(FragmentationSettings(window=window))
    whole = []
    for index in arriving:
        done, _ = reassembler.receive(part(index, parts[index], None if index else count), NOW)
        whole += [done.payload] if done else []
    assert whole == [b"".join(parts)]


def test_part_0_need_not_be_the_first() -> None:
    reassembler = Reassembler()
    assert reassembler.receive(part(1, b"world"), NOW)[0] is None
    whole, ack = reassembler.receive(part(0, b"hello ", 2), NOW)
    assert whole is not None
    assert whole.payload == b"hello world"
    assert whole.block is None
    assert ack == BlockAck(HUB, 0x0109, 0x0704, 1, 3, 9, window_start=0, received=1)


def test_a_window_is_acknowledged_when_complete_and_a_repeat_tells_what_is_held() -> None:
    reassembler = Reassembler(FragmentationSettings(window=3))
    acks = [reassembler.receive(part(i, bytes([i]), 5 if i == 0 else None), NOW)[1] for i in (0, 2)]
    assert acks == [None, None]
    _, ack = reassembler.receive(part(2, b"\x02"), NOW)
    assert ack is not None
    assert (ack.window_start, ack.received) == (0, 0b101)
    _, ack = reassembler.receive(part(1, b"\x01"), NOW)
    assert ack is not None
    assert ack.received == 0b111
    assert reassembler.receive(part(3, b"\x03"), NOW)[1] is None
    whole, ack = reassembler.receive(part(4, b"\x04"), NOW)
    assert whole is not None
    assert whole.payload == bytes(range(5))
    assert ack is not None
    assert (ack.window_start, ack.received) == (3, 0b11)


def test_an_idle_reception_is_given_up_and_every_part_postpones_that() -> None:
    reassembler = Reassembler()
    reassembler.receive(part(0, b"a", 3), NOW)
    later = NOW + timedelta(seconds=9)
    reassembler.receive(part(1, b"b"), later)
    assert reassembler.poll(NOW + timedelta(seconds=11)) == []
    assert reassembler.deadline == later + timedelta(seconds=10)
    assert [f.payload for f in reassembler.poll(later + timedelta(seconds=10))] == [b"a"]
    assert reassembler.deadline is None


def test_a_reused_counter_is_a_new_message() -> None:
    reassembler = Reassembler()
    for first, second in ((b"a", b"b"), (b"c", b"d")):
        reassembler.receive(part(0, first, 2), NOW)
        whole, _ = reassembler.receive(part(1, second), NOW)
        assert whole is not None
        assert whole.payload == first + second


@pytest.mark.parametrize("frame", [part(5, b"x", 3), part(0, b"", 0), part(0, bytes(1501), 2)])
def test_a_part_that_cannot_be_is_dropped_without_acknowledgement(frame: ApsReceived) -> None:
    assert Reassembler().receive(frame, NOW) == (None, None)


def test_a_peer_cannot_fill_the_memory_with_beginnings() -> None:
    reassembler = Reassembler()
    for counter in range(200):
        reassembler.receive(part(0, b"a", 2, counter=counter), NOW)
    lost = reassembler.poll(NOW + timedelta(minutes=1))
    assert [f.aps_counter for f in lost] == list(range(184, 200))


def test_peers_and_security_do_not_mix() -> None:
    reassembler = Reassembler()
    reassembler.receive(part(0, b"a", 2), NOW)
    assert reassembler.receive(part(1, b"b", peer=METER), NOW)[0] is None
    reassembler.forget(HUB)
    assert reassembler.receive(part(1, b"b"), NOW)[0] is None
