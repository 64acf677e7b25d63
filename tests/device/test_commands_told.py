"""What a pipeline tells: events, the security log, and never a key."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from device.command import Answered
from device.events import (
    CommandAnswered,
    CommandReceived,
    LogEntry,
    StorageCommitted,
)
from device.refusal import Refusal
from device.store import StoreError
from gbcs.errors import MissingKey
from tests.device.commands import refusal_of
from tests.device.rig import (
    BROKER,
    MIDNIGHT,
    SUPPLIER,
    Rig,
    command,
)


def test_events_tell_received_kept_answered_in_this_order() -> None:
    rig = Rig()
    rig.pipeline().receive(command(rig))
    assert [type(event) for event in rig.seen] == [
        CommandReceived,
        StorageCommitted,
        CommandAnswered,
    ]


def test_an_unusual_number_of_refusals_is_one_entry_and_one_alert() -> None:
    rig, alerts = Rig(), list[int]()
    pipeline = rig.pipeline(alert=alerts.append)
    for _ in range(12):
        pipeline.receive(b"noise")
        rig.true_time.pass_(60)
    assert alerts == [0x8F60]
    codes = [entry.code for entry in rig.chassis.security_log.entries()]
    assert codes.count(0x8F60) == 1
    rig.true_time.pass_(7200)
    for _ in range(9):
        pipeline.receive(b"noise")
    assert alerts == [0x8F60]


def test_the_security_log_keeps_the_newest_hundred() -> None:
    rig = Rig()
    pipeline = rig.pipeline()
    for _ in range(150):
        pipeline.receive(b"noise")
    assert len(rig.chassis.security_log.entries()) == 100


def test_entries_of_a_device_without_time_say_so() -> None:
    rig = Rig()
    rig.clock.power_loss(backup_held=False)
    rig.chassis.event_log.add(0x8F43, b"\x01")
    (entry,) = rig.chassis.event_log.entries()
    assert (entry.at, entry.code, entry.other) == (None, 0x8F43, b"\x01")
    rig.clock.set_clock(MIDNIGHT, None, None)
    rig.chassis.event_log.clear()
    rig.chassis.event_log.add(0x8F43)
    assert rig.chassis.event_log.entries()[0].at == MIDNIGHT
    assert len(rig.events_of(LogEntry)) == 2


def test_a_clock_far_off_is_no_reason_to_fail() -> None:
    rig = Rig()
    rig.clock.hold(MIDNIGHT - timedelta(days=365 * 40))
    assert refusal_of(rig.pipeline().receive(b"noise")) is Refusal.MALFORMED
    (entry,) = rig.chassis.security_log.entries()
    assert entry.at is None
    assert isinstance(rig.pipeline().receive(command(rig)), Answered)


def test_an_alert_that_cannot_be_raised_is_no_reason_to_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: int) -> None:
        raise MissingKey(SUPPLIER, "key agreement")

    rig = Rig()
    pipeline = rig.pipeline(alert=fail)
    with caplog.at_level(logging.WARNING):
        for _ in range(12):
            assert refusal_of(pipeline.receive(b"noise")) is Refusal.MALFORMED
    assert "could not log or alert" in caplog.text


def test_a_clock_that_is_not_adjusted_is_logged() -> None:
    rig = Rig()
    rig.clock.sync(MIDNIGHT + timedelta(seconds=11))
    assert [entry.code for entry in rig.chassis.security_log.entries()] == [0x8F0C]


def test_a_security_log_that_cannot_be_written_is_no_reason_to_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    pipeline = rig.pipeline()

    def fail(depth: int) -> None:
        raise StoreError("disk full")

    kept, rig.store._backend.begin = rig.store._backend.begin, fail  # type: ignore[method-assign]  # a disk that is full
    with caplog.at_level(logging.CRITICAL):
        assert refusal_of(pipeline.receive(b"noise")) is Refusal.MALFORMED
        assert refusal_of(pipeline.receive(command(rig))) is Refusal.STORAGE
    rig.store._backend.begin = kept  # type: ignore[method-assign]  # and has room again
    assert isinstance(pipeline.receive(command(rig)), Answered)


def test_keys_never_appear_in_what_the_pipeline_says(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    pipeline = rig.pipeline()
    with caplog.at_level(logging.DEBUG):
        pipeline.receive(command(rig))
        pipeline.receive(command(rig)[:-1] + b"\x00")
    secret = rig.keys.shared_secret(BROKER, rig.eui64).octets.hex()
    said = caplog.text + "".join(map(repr, rig.seen)) + repr(pipeline) + repr(rig.credentials)
    assert secret not in said.lower()
