"""Firmware activation (CS06), as recorded messages show it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from esme.firmware import NEVER, Firmware, FirmwareState
from gbcs.asn1.devices import ActivationAlert, ActivationOutcome, FirmwareActivation
from gbcs.asn1.names import ActivationCode
from gbcs.asn1.payload import decode, encode
from gbcs.envelope import Cra, Message
from gbcs.rtds import RtdsFile, pairs
from tests.device.rig import MIDNIGHT, SUPPLIER, command
from tests.esme.bench import mains, volts
from tests.esme.test_device import Bench

OLD, NEW, HASH = bytes.fromhex("0123ABCD"), bytes.fromhex("0123ABCE"), bytes(range(32))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def firmware(*, image: bool = True) -> Firmware:
    made = Firmware(FirmwareState(), lambda: OLD)
    if image:
        made.hold(NEW, HASH)
    return made


def order(image_hash: bytes = HASH, at: datetime | None = None) -> FirmwareActivation:
    return FirmwareActivation(image_hash, 1000, at)


def test_an_image_is_activated_at_once() -> None:
    meter = firmware()
    assert meter.order(order(), NOON) == ActivationOutcome(ActivationCode.SUCCESS, NEW)
    assert meter.running == NEW
    again = meter.order(order(), NOON)
    assert again == ActivationOutcome(ActivationCode.NO_IMAGE_HELD, NEW)


@pytest.mark.parametrize(
    ("image", "image_hash", "result"),
    [(True, bytes(32), ActivationCode.HASH_MISMATCH), (False, HASH, ActivationCode.NO_IMAGE_HELD)],
)
def test_without_that_image_nothing_changes(
    image: bool, image_hash: bytes, result: ActivationCode
) -> None:
    meter = firmware(image=image)
    assert meter.order(order(image_hash), NOON) == ActivationOutcome(result, OLD)
    assert meter.running == OLD


def test_an_activation_to_come_is_told_when_it_is_there() -> None:
    meter = firmware()
    assert meter.order(order(at=NOON + timedelta(hours=1)), NOON) is None
    assert meter.execute_due(NOON) is None
    told = meter.execute_due(NOON + timedelta(hours=2))
    outcome = ActivationOutcome(ActivationCode.SUCCESS, NEW)
    assert told == ActivationAlert(0x8F66, NOON + timedelta(hours=2), 1000, outcome)
    assert meter.execute_due(NOON + timedelta(hours=3)) is None


def test_an_activation_can_be_cancelled() -> None:
    meter = firmware()
    meter.order(order(at=NOON + timedelta(hours=1)), NOON)
    assert meter.order(order(at=NEVER), NOON) is None
    assert meter.execute_due(NOON + timedelta(hours=2)) is None
    assert meter.running == OLD


def test_a_failed_activation_is_told_too() -> None:
    meter = firmware()
    meter.order(order(bytes(32), NOON + timedelta(hours=1)), NOON)
    told = meter.execute_due(NOON + timedelta(hours=1))
    assert told is not None
    assert (told.alert_code, told.outcome.result) == (0x8F67, 2)


def activation(bench: Bench, counter: int, inner: int, at: datetime | None = None) -> bytes:
    payload = encode(0x0012, Cra.COMMAND, FirmwareActivation(HASH, inner, at))
    return command(bench.rig, "CS06", counter=counter, originator=SUPPLIER, payload=payload)


def test_a_power_cut_over_the_time_delays_the_activation() -> None:
    off, on = MIDNIGHT + timedelta(minutes=50), MIDNIGHT + timedelta(minutes=80)
    bench = Bench(mains(volts(230, (off, 0), (on, 230))))
    bench.device.meter.firmware.hold(NEW, HASH)
    due = MIDNIGHT + timedelta(hours=1)
    octets = bench.device.answer(activation(bench, 1000, 1000, due))
    assert octets is not None
    assert Message.parse(octets).payload == bytes.fromhex("0500")
    bench.pass_(hours=2)
    told = [alert for alert in bench.sent if alert.message_code == 0x00CA]
    (alert,) = (decode(0x00CA, Cra.ALERT, each.payload) for each in told)
    assert isinstance(alert, ActivationAlert)
    assert (alert.when, alert.counter, alert.outcome.running) == (on, 1000, NEW)
    assert bench.device.meter.firmware.running == NEW


def test_a_counter_inside_that_is_another_one_is_refused() -> None:
    bench = Bench(mains(volts(230)))
    assert bench.device.answer(activation(bench, 1000, 1001)) is None


def test_recorded_activations_are_answered_as_recorded(rtds_files: list[RtdsFile]) -> None:
    found = 0
    for asked, answered in pairs(rtds_files):
        message, response = Message.parse(asked.octets), Message.parse(answered.octets)
        if message.message_code != 0x0012:
            continue
        recorded = decode(0x0012, Cra.RESPONSE, response.payload)
        ordered = decode(0x0012, Cra.COMMAND, message.payload)
        assert isinstance(ordered, FirmwareActivation)
        meter = Firmware(FirmwareState(), lambda: OLD)
        if isinstance(recorded, ActivationOutcome):
            success = recorded.result == ActivationCode.SUCCESS
            if success:
                meter.hold(recorded.running, ordered.image_hash)
            else:
                meter.state.running = recorded.running
        outcome = meter.order(ordered, datetime(2015, 1, 1, tzinfo=UTC))
        assert encode(0x0012, Cra.RESPONSE, outcome) == response.payload, asked.name
        found += 1
    assert found >= 3
