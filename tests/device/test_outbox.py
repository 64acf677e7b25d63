"""The outbox: kept with its cause, emptied by whoever carries it, never longer than its places."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from device.alerts import Alerts
from device.events import CommandRefused, MessageDropped
from device.log import CAPACITY
from device.outbox import Outbox
from device.refusal import Refusal
from device.responding import respond
from device.settings import CommonSettings
from device.store import MemoryStore, SqliteStore, Store, StoreError
from gbcs.envelope import Message
from tests.device.rig import Rig, command
from tests.esme.kill.dying import DyingStore, Killed


class Undone(Exception):
    """What a unit was left with."""


def outbox(store: Store, places: int = 10) -> tuple[Outbox, list[bytes]]:
    dropped: list[bytes] = []
    return Outbox(store, places, 3, lambda octets, _: dropped.append(octets)), dropped


def waiting(box: Outbox) -> list[bytes]:
    """Take everything that waits, oldest first."""
    found = []
    while (first := box.first) is not None:
        found.append(first.octets)
        box.delivered(first.number)
    return found


def test_what_waits_is_there_after_a_restart_in_its_order(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "rig.sqlite")
    box, _ = outbox(store.scope("meter"))
    for octets in (b"1", b"2", b"3"):
        box.put(octets)
    box.delivered(1)
    store.close()
    store = SqliteStore(tmp_path / "rig.sqlite")
    again, _ = outbox(store.scope("meter"))
    again.put(b"4")
    assert waiting(again) == [b"2", b"3", b"4"]
    assert waiting(outbox(store.scope("meter"))[0]) == []
    store.close()


def test_a_message_is_kept_with_its_cause_or_not_at_all() -> None:
    store = MemoryStore()
    box, _ = outbox(store)

    def undone() -> None:
        with store.transaction():
            box.put(b"told")
            raise Undone

    with pytest.raises(Undone):
        undone()
    assert len(box) == len(outbox(store)[0]) == 0
    with store.transaction():
        box.put(b"told")
        assert box.first is None  # nobody may have it before it is kept
    assert waiting(box) == [b"told"]


def test_a_carrier_hears_of_each_message_once_it_is_kept() -> None:
    store = MemoryStore()
    box, _ = outbox(store)
    heard: list[int] = []
    box.watch(lambda: heard.append(box.newest))
    with store.transaction():
        box.put(b"1")
        box.put(b"2")
        assert heard == []
    assert heard == [1, 2]


def test_what_is_not_taken_waits_for_a_flush_and_the_next_is_offered_all_the_same() -> None:
    box, _ = outbox(MemoryStore())
    taken: list[bytes] = []
    wanted = {b"response"}

    def take(octets: bytes) -> bool:
        if octets not in wanted:
            return False
        taken.append(octets)
        return True

    box.hand_to(take)
    for octets in (b"1", b"response", b"2"):
        box.put(octets)
    assert taken == [b"response"]
    wanted |= {b"1", b"2"}
    box.flush()
    assert taken == [b"response", b"1", b"2"]
    assert len(box) == 0


def test_what_comes_from_elsewhere_is_kept_only_if_nobody_takes_it() -> None:
    store = MemoryStore()
    box, _ = outbox(store)
    taken: list[bytes] = []
    box.forward(b"nobody carries yet")
    box.hand_to(taken.append)
    box.forward(b"taken")
    assert taken == [b"nobody carries yet", b"taken"]
    assert box.newest == 0
    box.hand_to(lambda _: False)
    box.forward(b"nobody is there")
    assert waiting(outbox(store)[0]) == [b"nobody is there"]


def test_a_message_that_the_next_on_its_way_cannot_keep_waits_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = MemoryStore()
    box, _ = outbox(store)

    def full(octets: bytes) -> None:
        raise StoreError("disk full")

    box.hand_to(full)
    with store.transaction() as unit:
        unit.put("cause", 1)
        box.put(b"told")
    assert "disk full" in caplog.text
    assert waiting(box) == [b"told"]


def test_a_full_outbox_drops_its_oldest_message_by_name() -> None:
    rig = Rig(common=CommonSettings(outbox_places=3))
    alerts = Alerts(rig.chassis)
    numbers = [alerts.generic(0x8F0C).originator_counter for _ in range(5)]
    assert [Message.parse(one).originator_counter for one in waiting(rig.chassis.outbox)] == (
        numbers[2:]
    )
    dropped = rig.events_of(MessageDropped)
    assert [one.originator_counter for one in dropped if isinstance(one, MessageDropped)] == (
        numbers[:2]
    )


def test_only_a_message_that_is_refused_again_and_again_is_given_up() -> None:
    box, dropped = outbox(MemoryStore())
    for octets in (b"1", b"2"):
        box.put(octets)
    for number in (1, 1, 2, 1, 1):
        box.refused(number, "status 1")
    assert dropped == []
    box.refused(1, "status 1")
    assert dropped == [b"1"]
    assert waiting(box) == [b"2"]


def test_a_delivered_message_that_cannot_be_removed_is_not_sent_again_before_a_restart(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryStore()
    box, _ = outbox(store)
    box.put(b"told")

    def fail(depth: int) -> None:
        raise StoreError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(store._backend, "commit", fail)
        assert waiting(box) == [b"told"]
    assert "disk full" in caplog.text
    assert len(box) == 0
    assert waiting(outbox(store)[0]) == [b"told"]


def test_a_response_is_kept_with_the_counter_of_its_command() -> None:
    rig = Rig()
    pipeline = rig.pipeline()

    def execute(octets: bytes) -> bytes | None:
        answer = pipeline.receive(octets)
        assert rig.chassis.outbox.first is None
        return getattr(answer, "octets", None)

    asked = command(rig)
    respond(rig.chassis, execute, asked)
    again = Rig(store=rig.store)
    (kept,) = waiting(again.chassis.outbox)
    assert Message.parse(kept).originator_counter == Message.parse(asked).originator_counter


def test_a_command_that_is_refused_has_no_response() -> None:
    rig = Rig()
    respond(rig.chassis, lambda _: None, b"")
    assert rig.chassis.outbox.first is None


def test_a_command_whose_unit_cannot_be_kept_is_refused_and_had_no_effect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig()

    def execute(octets: bytes) -> bytes:
        rig.chassis.event_log.add(0x8154)
        return octets

    def fail(depth: int) -> None:
        raise StoreError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(rig.store._backend, "commit", fail)
        respond(rig.chassis, execute, b"command")
    (refused,) = rig.events_of(CommandRefused)
    assert isinstance(refused, CommandRefused)
    assert (refused.refusal, refused.detail) == (Refusal.STORAGE, "disk full")
    assert rig.chassis.event_log.entries() == ()
    assert rig.chassis.outbox.first is None


def test_every_alert_of_a_device_killed_at_random_points_arrives(tmp_path: Path) -> None:
    draw, store = Random(3), DyingStore(tmp_path)
    arrived: list[bytes] = []
    for _ in range(100):
        device = Rig(store=store)
        try:
            store.arm(draw.randrange(200), draw.choice((None, draw.random())))
            device.chassis.outbox.hand_to(arrived.append)
            alerts = Alerts(device.chassis)
            for _ in range(5):
                alerts.event(0x8F0C)
        except Killed:
            store = store.again()
        store.arm(None)
    last = Rig(store=store).chassis
    last.outbox.hand_to(arrived.append)
    messages = [Message.parse(octets) for octets in set(arrived)]
    numbers = [message.originator_counter for message in messages]
    assert sorted(numbers) == list(range(1, last.own_counter.next()))
    assert len(last.event_log.entries()) == min(len(numbers), CAPACITY)
    assert len(arrived) > len(numbers) > 100  # some arrived twice, the same octets
    store.close()
