"""Commands to a gas meter that take effect later: kept, executed on time, called off, told of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gbcs.alerts import ExecutedCommand, gbz_details
from gbcs.envelope import Message
from gbcs.gbz import GbzAlert
from gbcs.keys import KeyStore, Usage
from gbcs.rtds import RtdsFile
from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_seconds
from gsme.model import PRICE, value_of
from han.clusters import PREPAYMENT
from han.commands.prepayment import ChangePaymentMode
from tests.device.rig import GSME
from tests.gsme.rig import HOUR, START, GasRig, component

DUE = datetime(2030, 1, 15, 9, tzinfo=UTC)
SUPPLIER_OF_RTDS = 0x90B3D51F30010000
STANDING_CHARGE = 0x0301
EXECUTED = 0x00CD


def recorded(files: list[RtdsFile], name: str, kind: str) -> list[Message]:
    return [Message.parse(f.octets) for f in files if f.name.startswith(name) and f.kind == kind]


def rig_at(moment: datetime, keys: KeyStore) -> GasRig:
    assert GSME == 0x00DB1234567890A1  # that of the reference messages
    return GasRig(start=moment, keys=keys, supplier=SUPPLIER_OF_RTDS)


@pytest.fixture
def keys(rtds_keys: KeyStore) -> KeyStore:
    """The published keys, with one of ours to sign with."""
    if not rtds_keys.has_private(GSME, Usage.DIGITAL_SIGNATURE):
        rtds_keys.add_private(GSME, Usage.DIGITAL_SIGNATURE, 0x2A)
    return rtds_keys


@pytest.mark.parametrize(
    ("name", "alerts"),
    [
        ("GCS01a_1.1.1_FUTURE_DATED_BLOCK_SUCCESS", 5),
        ("GCS05_2.1_FUTURE_DATED_SUCCESS", 6),
    ],
)
def test_a_recorded_future_dated_command_raises_the_recorded_alerts_at_its_time(
    name: str, alerts: int, rtds_files: list[RtdsFile], keys: KeyStore
) -> None:
    (command,) = recorded(rtds_files, name, "COMMAND")
    rig = rig_at(DUE - timedelta(minutes=1), keys)
    assert rig.meter.answer(command.to_bytes()) is not None
    assert rig.alerts == []
    rig.pass_time(timedelta(minutes=2))
    execution = [one for one in rig.alerts if one.message_code == EXECUTED]
    prefix = name.split("_FUTURE")[0]
    published = [
        one
        for one in recorded(rtds_files, f"{prefix}_8F66", "ALERT")
        if one.message_code == EXECUTED
    ]
    ours = {one.payload for one in execution}
    assert len(execution) == alerts
    assert published
    assert {one.payload for one in published} <= ours
    assert [one.originator_counter for one in execution] == sorted(
        one.originator_counter for one in execution
    )


def test_a_future_dated_tariff_changes_nothing_before_its_time_and_everything_at_it(
    rtds_files: list[RtdsFile], keys: KeyStore
) -> None:
    (command,) = recorded(rtds_files, "GCS01a_1.1.1_FUTURE_DATED_BLOCK_SUCCESS", "COMMAND")
    rig = rig_at(DUE - HOUR, keys)
    rig.meter.answer(command.to_bytes())
    rig.pass_time(HOUR - timedelta(seconds=1))
    assert value_of(rig.model, PRICE, STANDING_CHARGE) == 0
    assert rig.model.tariff.calendars == {}
    rig.pass_time(timedelta(seconds=1))
    assert value_of(rig.model, PRICE, STANDING_CHARGE) == 54794
    calendar = rig.model.tariff.calendars[0]
    assert sorted(calendar.days) == [1]
    assert calendar.seasons is not None
    assert rig.model.tariff.by_blocks
    assert rig.model.tariff.price(0, 3) == 11000


def test_what_waits_survives_the_end_of_the_process_and_is_executed_late_if_need_be(
    rtds_files: list[RtdsFile], keys: KeyStore
) -> None:
    (command,) = recorded(rtds_files, "GCS01a_1.1.1_FUTURE_DATED_BLOCK_SUCCESS", "COMMAND")
    rig = rig_at(DUE - HOUR, keys)
    rig.meter.answer(command.to_bytes())
    rig.true.moment = DUE + HOUR
    rig.again()
    assert value_of(rig.model, PRICE, STANDING_CHARGE) == 0
    rig.meter.act()
    assert value_of(rig.model, PRICE, STANDING_CHARGE) == 54794
    assert [one.message_code for one in rig.alerts].count(EXECUTED) == 5


def prepays(rig: GasRig) -> bool:
    return rig.model.account.prepayment


def change_mode(at_s: int) -> ChangePaymentMode:
    return ChangePaymentMode(0, 1, at_s, 0x0C97, 0)


def test_a_cancellation_calls_off_what_waits_and_raises_no_alert() -> None:
    rig = GasRig()
    rig.ask("GCS03", component(PREPAYMENT, change_mode(zcl_seconds(START + HOUR))))
    assert len(rig.model.pending) == 1
    rig.ask("GCS03", component(PREPAYMENT, change_mode(0xFFFFFFFF)))
    assert rig.model.pending == []
    rig.pass_time(2 * HOUR)
    assert not prepays(rig)
    assert rig.alerts == []


def test_a_newer_command_takes_the_place_of_one_that_waits() -> None:
    rig = GasRig()
    rig.ask("GCS03", component(PREPAYMENT, change_mode(zcl_seconds(START + HOUR))))
    rig.ask("GCS03", component(PREPAYMENT, change_mode(zcl_seconds(START + 3 * HOUR))))
    rig.pass_time(2 * HOUR)
    assert not prepays(rig)
    rig.pass_time(2 * HOUR)
    assert prepays(rig)
    (alert,) = (one for one in rig.alerts if one.message_code == EXECUTED)
    told = gbz_details(EXECUTED, GbzAlert.parse(alert.payload))
    assert isinstance(told, ExecutedCommand)
    assert told.originator_counter == 1002


def test_what_cannot_be_executed_at_its_time_is_told_as_not_actioned() -> None:
    rig = GasRig()
    rig.ask("GCS03", component(PREPAYMENT, change_mode(zcl_seconds(START + HOUR))))
    rig.meter.server.command_faults[PREPAYMENT.cluster_id, 0x06] = Status.HARDWARE_FAILURE
    rig.pass_time(2 * HOUR)
    assert rig.alert_codes() == [0x8F67]
    assert [entry.code for entry in rig.meter.chassis.event_log.entries()] == [0x8F67]


def test_a_meter_that_does_not_know_the_time_executes_nothing_that_waits() -> None:
    rig = GasRig()
    rig.ask("GCS03", component(PREPAYMENT, change_mode(zcl_seconds(START + HOUR))))
    rig.meter.chassis.clock.power_loss(backup_held=False)
    rig.pass_time(5 * HOUR)
    assert not prepays(rig)
    assert len(rig.model.pending) == 1
