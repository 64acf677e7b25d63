"""Firmware activation (CS06, CS08): at once, later, cancelled, failed, over a restart."""

from __future__ import annotations

from datetime import timedelta

import pytest

from device.faults import Part
from device.firmware import Firmware
from device.future import NEVER
from device.refusal import Refusal
from gbcs.asn1.devices import (
    ActivationAlert,
    ActivationOutcome,
    FirmwareActivation,
    RunningFirmware,
)
from gbcs.asn1.names import ActivationCode, ReadCode
from gbcs.asn1.payload import decode
from gbcs.envelope import Cra
from gbcs.party import DeviceType, Role
from tests.device.shared import NEW_VERSION, NOW, OLD_VERSION, PARTIES, SharedBench

HASH = bytes(range(32))
HOUR = timedelta(hours=1)


def order(bench: SharedBench, at: object = None, image_hash: bytes = HASH) -> object:
    counter = bench.counter + 1
    asked = FirmwareActivation(image_hash, counter, at)  # type: ignore[arg-type]  # a moment or None
    return bench.ask("CS06", asked)


def held(store: object = None) -> SharedBench:
    bench = SharedBench(store=store)  # type: ignore[arg-type]  # a store or None
    bench.firmware.hold(NEW_VERSION, HASH)
    return bench


class PowerCut(Exception):
    """The power goes."""


class CutOff(Firmware):
    """Firmware of a device whose power goes while it activates an image."""

    def activate(self, image_hash: bytes) -> ActivationOutcome:
        super().activate(image_hash)
        raise PowerCut


def told(bench: SharedBench) -> list[object]:
    return [decode(0x00CA, Cra.ALERT, each.payload) for each in bench.sent]


def test_an_image_is_activated_at_once_and_only_once() -> None:
    bench = held()
    assert order(bench) == ActivationOutcome(ActivationCode.SUCCESS, NEW_VERSION)
    assert order(bench) == ActivationOutcome(ActivationCode.NO_IMAGE_HELD, NEW_VERSION)
    assert [each.code for each in bench.chassis.security_log.entries()] == [0x8F43]
    again = SharedBench(store=bench.store)
    assert again.firmware.running == NEW_VERSION


def test_another_hash_or_a_failure_changes_nothing() -> None:
    bench = held()
    assert order(bench, image_hash=bytes(32)) == ActivationOutcome(
        ActivationCode.HASH_MISMATCH, OLD_VERSION
    )
    bench.chassis.broken.add(Part.FIRMWARE_ACTIVATION)
    assert order(bench) == ActivationOutcome(ActivationCode.ACTIVATION_FAILURE, OLD_VERSION)
    assert bench.firmware.running == OLD_VERSION


@pytest.mark.parametrize("restart", [False, True])
def test_an_activation_to_come_is_told_when_it_is_there(restart: bool) -> None:
    bench = held()
    assert order(bench, NOW + HOUR) is None
    counter = bench.counter
    if restart:
        bench = SharedBench(store=bench.store)
    bench.pass_(minutes=59)
    assert told(bench) == []
    assert bench.common.next_due == NOW + HOUR
    bench.pass_(minutes=1)
    outcome = ActivationOutcome(ActivationCode.SUCCESS, NEW_VERSION)
    assert told(bench) == [ActivationAlert(0x8F66, NOW + HOUR, counter, outcome)]
    assert bench.sent[0].recipient == PARTIES[Role.SUPPLIER]
    assert bench.common.next_due is None


def test_a_device_that_was_off_activates_when_it_is_back() -> None:
    bench = held()
    order(bench, NOW + HOUR)
    bench.pass_(hours=3)
    (alert,) = told(bench)
    assert isinstance(alert, ActivationAlert)
    assert (alert.alert_code, alert.when) == (0x8F66, NOW + 3 * HOUR)


def test_an_activation_that_was_cut_off_is_done_after_the_restart() -> None:
    bench = held()
    order(bench, NOW + HOUR)
    bench.common.firmware = CutOff(bench.store, lambda: OLD_VERSION, bench.chassis.broken)
    with pytest.raises(PowerCut):
        bench.pass_(hours=1)
    assert bench.common.next_due == NOW + HOUR
    again = SharedBench(store=bench.store)
    again.pass_(hours=1)
    assert again.firmware.running == NEW_VERSION
    assert len(told(again)) == 1


def test_an_activation_is_cancelled_or_replaced() -> None:
    bench = held()
    order(bench, NOW + HOUR)
    assert order(bench, NEVER) is None
    bench.pass_(hours=2)
    assert (told(bench), bench.firmware.running) == ([], OLD_VERSION)
    order(bench, NOW + 3 * HOUR)
    order(bench, NOW + 4 * HOUR, bytes(32))
    bench.pass_(hours=3)
    (alert,) = told(bench)
    assert isinstance(alert, ActivationAlert)
    assert (alert.alert_code, alert.outcome.result) == (0x8F67, ActivationCode.HASH_MISMATCH)


def test_a_counter_inside_that_is_another_one_is_refused() -> None:
    bench = held()
    assert bench.ask("CS06", FirmwareActivation(HASH, 7)) is Refusal.TEMPLATE


def test_displays_and_controllers_tell_what_runs() -> None:
    bench = SharedBench(DeviceType.PPMID)
    broker = Role.ACCESS_CONTROL_BROKER
    assert bench.ask("CS08", None, broker) == RunningFirmware(OLD_VERSION, ReadCode.SUCCESS)
    bench.chassis.broken.add(Part.FIRMWARE_MEMORY)
    assert bench.ask("CS08", None, broker) == RunningFirmware(bytes(4), ReadCode.READ_FAILURE)
    assert SharedBench().ask("CS08", None, broker) is Refusal.NOT_SUPPORTED
