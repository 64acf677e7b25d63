"""Orders to an HCALCS as the meter keeps them: identifiers, outcomes, renewal, restarts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from esme.control.settings import ControlSettings
from esme.control.state import HanOrder
from esme.meter import Identity
from gbcs.dlms import values as v
from gbcs.zcl.types import zcl_seconds
from tests.esme.bench import at
from tests.esme.controllers import COMMAND, FAILURE, OFF, ON, SUCCESS, log, period, state
from tests.esme.rig import MeterRig

HCALCS = 0x02434855420000C1
ON_1, OFF_1, RESET_1 = 0x1164, 0x1100, 0x0120
UNKNOWN = 0
UNIX_10_00 = int(at("10:00").timestamp())


def meter(**changes: object) -> MeterRig:
    types = (HCALCS.to_bytes(8, "big"), b"", b"", b"", b"")
    return MeterRig(identity=Identity(0xA0, controllers=types), **changes)  # type: ignore[arg-type]


def ordered(rig: MeterRig) -> tuple[HanOrder, ...]:
    return rig.meter.controllers.han.take()


def test_an_order_is_logged_as_unknown_under_the_seconds_of_its_time() -> None:
    rig = meter()
    assert rig.call(COMMAND, v.u16(ON_1)) == 0
    (order,) = ordered(rig)
    assert (order.device, order.level, order.id) == (HCALCS, 100, UNIX_10_00)
    assert log(rig) == [(at("10:00"), ON_1, UNKNOWN, UNIX_10_00)]
    assert state(rig, 1) == OFF


def test_identifiers_may_count_from_2000() -> None:
    rig = meter(control=ControlSettings(han_command_id="zigbee"))
    rig.call(COMMAND, v.u16(ON_1))
    assert ordered(rig)[0].id == zcl_seconds(at("10:00"))


def test_orders_of_one_second_have_different_identifiers() -> None:
    rig = meter()
    rig.call(COMMAND, v.u16(ON_1))
    rig.call(COMMAND, v.u16(OFF_1))
    assert [order.id for order in ordered(rig)] == [UNIX_10_00, UNIX_10_00 + 1]


def test_a_reported_start_is_a_success_under_the_same_identifier() -> None:
    rig = meter()
    rig.call(COMMAND, v.u16(ON_1))
    rig.until(at("10:00:05"))
    rig.meter.controllers.han.started(HCALCS, UNIX_10_00)
    assert log(rig)[1:] == [(at("10:00:05"), 0x0100, SUCCESS, UNIX_10_00)]
    assert state(rig, 1) == ON
    assert rig.alerts() == ["8131"]
    rig.meter.controllers.han.started(HCALCS, UNIX_10_00)
    assert len(log(rig)) == 2


@pytest.mark.parametrize(("device", "number"), [(0x77, UNIX_10_00), (HCALCS, 7)])
def test_reports_of_others_and_of_other_orders_count_for_nothing(device: int, number: int) -> None:
    rig = meter()
    rig.call(COMMAND, v.u16(ON_1))
    rig.meter.controllers.han.started(device, number)
    rig.meter.controllers.han.failed(device, number)
    assert len(log(rig)) == 1


def test_silence_for_a_minute_is_a_failure() -> None:
    rig = meter()
    rig.call(COMMAND, v.u16(ON_1))
    rig.until(at("10:00:59"))
    assert len(log(rig)) == 1
    rig.until(at("10:01"))
    assert log(rig)[1:] == [(at("10:01"), 0x0100, FAILURE, UNIX_10_00)]
    assert rig.alerts() == ["811A"]


def test_a_late_start_is_told_all_the_same() -> None:
    rig = meter()
    rig.call(COMMAND, v.u16(ON_1))
    rig.until(at("10:05"))
    rig.meter.controllers.han.started(HCALCS, UNIX_10_00)
    assert [outcome for _, _, outcome, _ in log(rig)] == [UNKNOWN, FAILURE, SUCCESS]


def test_an_order_lasts_as_long_as_what_is_asked_and_a_minute_more() -> None:
    rig = meter()
    period(rig, 1, at("10:00"), at("10:30"))
    rig.call(COMMAND, v.u16(ON_1))
    assert ordered(rig)[0].duration_min == 31


def test_an_order_of_a_day_is_renewed_without_an_entry() -> None:
    rig = meter()
    rig.call(COMMAND, v.u16(ON_1))
    rig.meter.controllers.han.started(HCALCS, UNIX_10_00)
    rig.until(at("09:58", day=1))
    (first,) = ordered(rig)
    assert first.duration_min == 1440
    rig.until(at("09:59", day=1))
    (second,) = ordered(rig)
    assert (second.renews, second.duration_min) == (True, 2)
    assert len(log(rig)) == 2


def test_a_reset_takes_the_order_back_under_its_identifier() -> None:
    rig = meter()
    rig.call(COMMAND, v.u16(ON_1))
    rig.meter.controllers.han.started(HCALCS, UNIX_10_00)
    assert rig.call(COMMAND, v.u16(RESET_1)) == 0
    back = ordered(rig)[-1]
    assert (back.id, back.taken_back) == (UNIX_10_00, True)
    rig.meter.controllers.han.ended(HCALCS, UNIX_10_00)
    assert [entry[1:] for entry in log(rig)[2:]] == [
        (RESET_1, UNKNOWN, UNIX_10_00),
        (0x0100, SUCCESS, UNIX_10_00),
    ]
    assert state(rig, 1) == OFF
    assert rig.meter.controllers.han.in_force() == ()


def test_an_undone_command_sends_nothing_and_leaves_what_was_to_be_sent() -> None:
    rig = meter()
    rig.call(COMMAND, v.u16(ON_1))
    rig.save()
    undo = rig.meter.undo_point()
    rig.call(COMMAND, v.u16(OFF_1))
    undo()
    assert [order.level for order in ordered(rig)] == [100]
    assert [order.level for order in rig.meter.controllers.han.in_force()] == [100]


def test_an_order_survives_the_death_of_the_process_and_its_deadline_too() -> None:
    rig = meter()
    rig.call(COMMAND, v.u16(ON_1))
    rig.save()
    again = meter(store=rig.store, start=at("10:00:30"))
    assert [order.id for order in again.meter.controllers.han.in_force(HCALCS)] == [UNIX_10_00]
    again.until(at("10:01"))
    assert log(again)[-1] == (at("10:01"), 0x0100, FAILURE, UNIX_10_00)
    again.call(COMMAND, v.u16(OFF_1))
    assert ordered(again)[-1].id > UNIX_10_00


def test_another_switch_in_its_place_owes_nothing() -> None:
    rig = meter()
    rig.call(COMMAND, v.u16(ON_1))
    rig.meter.controllers.unjoin(HCALCS)
    rig.meter.controllers.join(0x99)
    assert rig.meter.controllers.han.in_force() == ()
    rig.until(rig.now() + timedelta(minutes=2))
    assert len(log(rig)) == 1
