"""What a command leaves behind: counters and the clock outlive a restart, a failure undoes all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from device.command import Answered, Command, Outcome, Refused
from device.counters import OwnCounter
from device.refusal import Refusal
from device.settings import PipelineSettings
from device.store import MemoryStore, StoreError
from gbcs.catalogue import UseCase, by_name
from gbcs.errors import MalformedMessage, MissingKey
from gbcs.gbz import Component, Gbz
from gbcs.keys import Usage
from gbcs.party import DeviceType
from gbcs.stamp import Reliability
from gbcs.zcl.frame import Frame
from tests.device.commands import critical, gsme, refusal_of
from tests.device.rig import (
    GSME,
    MIDNIGHT,
    Rig,
    TrueTime,
    command,
)


def test_a_key_missing_for_the_answer_undoes_the_execution() -> None:
    rig = Rig(eui64=GSME, device_type=DeviceType.GSME)
    effects: list[int] = []

    def execute(asked: Command) -> Outcome:
        asked.unit.put("effect", 1)
        effects.append(1)
        asked.unit.on_rollback(effects.clear)
        return Outcome(b"\x05\x00")

    pipeline = rig.pipeline("GCS13a", handlers={"GCS28": execute})
    octets = command(rig, "GCS28", payload=b"\x05\x00")
    rig.keys.remove(GSME, Usage.DIGITAL_SIGNATURE)
    assert refusal_of(pipeline.receive(octets)) is Refusal.NO_KEY
    with rig.chassis.store.transaction() as unit:
        assert unit.get("effect") is None
    assert effects == []


def test_a_counter_must_rise_for_each_originator() -> None:
    asked: list[Command] = []
    rig, pipeline = gsme(asked)
    assert isinstance(pipeline.receive(critical(rig, 1000)), Answered)
    for counter in (1000, 999, 1):
        result = pipeline.receive(critical(rig, counter))
        assert refusal_of(result) is Refusal.REPLAYED
    assert isinstance(pipeline.receive(critical(rig, 1001)), Answered)
    assert [c.message.originator_counter for c in asked] == [1000, 1001]


def test_a_refused_command_uses_no_counter_up() -> None:
    rig, pipeline = gsme()
    spoilt = critical(rig, 5000)[:-1] + b"\x00"
    assert refusal_of(pipeline.receive(spoilt)) is Refusal.MAC_INVALID
    assert isinstance(pipeline.receive(critical(rig, 5)), Answered)


def test_counters_survive_a_restart() -> None:
    rig, pipeline = gsme()
    assert isinstance(pipeline.receive(critical(rig, 7)), Answered)
    again = Rig(eui64=GSME, device_type=DeviceType.GSME, store=rig.store)
    pipeline = again.pipeline("GCS13a", handlers={"GCS28": lambda _: Outcome(b"\x05\x00")})
    assert refusal_of(pipeline.receive(critical(rig, 7))) is Refusal.REPLAYED


def test_a_payload_that_its_handler_cannot_read_is_refused_and_undone() -> None:
    def execute(asked: Command) -> Outcome:
        asked.unit.put("effect", 1)
        raise MalformedMessage("no such time", 3)

    rig = Rig(eui64=GSME, device_type=DeviceType.GSME)
    pipeline = rig.pipeline("GCS13a", handlers={"GCS28": execute})
    result = pipeline.receive(critical(rig, 1))
    assert refusal_of(result) is Refusal.TEMPLATE
    with rig.chassis.store.transaction() as unit:
        assert unit.get("effect") is None
    assert refusal_of(pipeline.receive(critical(rig, 1))) is Refusal.TEMPLATE


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (KeyError("bug"), Refusal.FAULT),
        (RecursionError(), Refusal.FAULT),
        (MissingKey(1, "x"), Refusal.NO_KEY),
        (StoreError("disk full"), Refusal.STORAGE),
    ],
)
def test_nothing_that_goes_wrong_inside_escapes(
    error: Exception, refusal: Refusal, caplog: pytest.LogCaptureFixture
) -> None:
    def execute(_: Command) -> Outcome:
        raise error

    rig = Rig(eui64=GSME, device_type=DeviceType.GSME)
    pipeline = rig.pipeline("GCS13a", handlers={"GCS28": execute})
    with caplog.at_level(logging.CRITICAL):
        assert refusal_of(pipeline.receive(critical(rig, 1))) is refusal
    assert isinstance(pipeline.receive(command(rig)), Answered)


def test_a_store_that_fails_at_the_end_means_no_response() -> None:
    rig, pipeline = gsme()

    def fail(depth: int) -> None:
        if depth == 0:
            raise StoreError("disk full")

    octets = critical(rig, 1)
    kept, rig.store._backend.commit = rig.store._backend.commit, fail  # type: ignore[method-assign]  # a disk that is full
    assert refusal_of(pipeline.receive(octets)) is Refusal.STORAGE
    rig.store._backend.commit = kept  # type: ignore[method-assign]  # and has room again
    assert isinstance(pipeline.receive(octets), Answered)


@pytest.mark.parametrize(("classes", "refused"), [("kind", True), ("code", False)])
def test_counters_may_be_kept_for_each_message_code(classes: str, refused: bool) -> None:
    rig = Rig(eui64=GSME, device_type=DeviceType.GSME)
    handlers = {name: lambda _: Outcome(b"\x05\x00") for name in ("GCS28", "CS02c")}
    pipeline = rig.pipeline(
        "GCS13a", handlers=handlers, settings=PipelineSettings(counter_classes=classes)
    )
    assert isinstance(pipeline.receive(critical(rig, 10)), Answered)
    other = pipeline.receive(command(rig, "CS02c", counter=9, payload=b"\x05\x00"))
    assert isinstance(other, Refused) is refused


def test_an_answer_too_large_for_its_format_is_a_fault_that_undoes_the_command(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def flood(asked: Command) -> Outcome:
        asked.unit.put("effect", 1)
        return Outcome(Gbz(tuple(Component(0x0702, Frame(8, 0, 11)) for _ in range(256))))

    rig = Rig()
    with caplog.at_level(logging.CRITICAL):
        result = rig.pipeline(handlers={"GCS13a": flood}).receive(command(rig))
    assert refusal_of(result) is Refusal.FAULT
    with rig.chassis.store.transaction() as unit:
        assert unit.get("effect") is None


def test_every_critical_use_case_of_the_catalogue_needs_a_fresh_counter() -> None:
    rig = Rig()
    checks = rig.pipeline()._checks

    def is_protected(use_case: UseCase) -> bool:
        return checks._is_replay_protected(use_case)

    assert is_protected(by_name("GCS28"))
    assert is_protected(by_name("GCS09")) is (by_name("GCS09").replay_protection is True)
    assert not is_protected(by_name("GCS13a"))


def test_a_counter_at_its_end_is_an_error_and_not_a_repetition() -> None:
    store = MemoryStore()
    counter = OwnCounter(store, first=2**64 - 1)
    assert counter.next() == 2**64 - 1
    with pytest.raises(StoreError, match="used up"):
        counter.next()


def test_what_is_kept_is_not_trusted_blindly() -> None:
    rig = Rig()
    with rig.chassis.store.transaction() as unit:
        unit.put("counter:own", "no octets")
        unit.append("log:event", 5, keep=9)
    with pytest.raises(StoreError, match="no counter"):
        rig.chassis.own_counter.next()
    with pytest.raises(StoreError, match="no log entry"):
        rig.chassis.event_log.entries()


def set_clock(rig: Rig) -> Callable[[Command], Outcome]:
    def execute(asked: Command) -> Outcome:
        rig.clock.set_clock(MIDNIGHT + timedelta(hours=1), None, None)
        return Outcome(b"\x05\x00")

    return execute


def test_a_clock_that_was_set_is_still_set_after_a_restart() -> None:
    rig = Rig(eui64=GSME, device_type=DeviceType.GSME)
    pipeline = rig.pipeline("GCS13a", handlers={"GCS28": set_clock(rig)})
    rig.clock.power_loss(backup_held=False)
    rig.clock.drift_ppm = 50.0
    assert isinstance(pipeline.receive(critical(rig, 1)), Answered)
    later = TrueTime(MIDNIGHT + timedelta(days=1))
    again = Rig(eui64=GSME, device_type=DeviceType.GSME, store=rig.store, true_time=later)
    assert again.clock.status is Reliability.RELIABLE
    assert again.clock.drift_ppm == 50.0
    assert again.clock.now() - later() == timedelta(hours=1, seconds=86400 * 50e-6)


def test_a_clock_whose_setting_cannot_be_answered_goes_back() -> None:
    rig = Rig(eui64=GSME, device_type=DeviceType.GSME)
    rig.clock.power_loss(backup_held=False)
    pipeline = rig.pipeline("GCS13a", handlers={"GCS28": set_clock(rig)})
    octets = critical(rig, 1)
    rig.keys.remove(GSME, Usage.DIGITAL_SIGNATURE)
    assert refusal_of(pipeline.receive(octets)) is Refusal.NO_KEY
    assert (rig.clock.status, rig.clock.now()) == (Reliability.INVALID, MIDNIGHT)
    again = Rig(eui64=GSME, device_type=DeviceType.GSME, store=rig.store)
    assert again.clock.status is Reliability.INVALID


@pytest.mark.parametrize("kept", ["5", "{}", '{"true": 1}', "no json"])
def test_a_kept_clock_that_makes_no_sense_is_a_named_error(kept: str) -> None:
    rig = Rig()
    with rig.chassis.store.transaction() as unit:
        unit.put("clock", kept)
    with pytest.raises(StoreError):
        Rig(store=rig.store)
