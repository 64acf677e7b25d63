"""Buffered commands at the GPF: component by component, at once or when the meter says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gbcs.alerts import ExecutedCommand, gbz_alert
from gbcs.envelope import Cra, Message
from gbcs.gbz import Gbz, GbzAlert
from gbcs.rtds import RtdsFile
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import (
    DefaultResponse,
    GeneralCommand,
    ReadAttributes,
    ReadAttributesResponse,
)
from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_seconds
from gpf.tap_off import FAILURE
from han.clusters import DEVICE_MANAGEMENT, EVENTS, MESSAGING, PRICE
from han.clusters.events import EventLog
from han.commands.device_management import PublishChangeOfSupplier
from han.commands.events import (
    ClearEventLogRequest,
    ClearEventLogResponse,
    DisplayMessage,
    EventEntry,
    GetEventLog,
)
from han.commands.price import (
    GetCurrentPrice,
    PublishCalorificValue,
    PublishConversionFactor,
    PublishPrice,
    PublishPriceMatrix,
    PublishTariffInformation,
    TierPrice,
)
from han.zcl.payload import decode, encode
from han.zcl.tables import Access
from tests.device.rig import GSME, MIDNIGHT, SUPPLIER
from tests.gpf.rig import ProxyRig, command, response
from tests.gsme.rig import component

GCS01A, GCS01B, GCS05, GCS07, GCS23, GCS44, CS11 = (
    0x006B,
    0x00A3,
    0x006F,
    0x0071,
    0x007C,
    0x0088,
    0x0015,
)
STANDING_CHARGE, CONVERSION_FACTOR, CALORIFIC_VALUE = 0x0301, 0x0302, 0x0304
LATER = zcl_seconds(MIDNIGHT + timedelta(days=1))


def information(start: int, standing_charge: int) -> PublishTariffInformation:
    return PublishTariffInformation(
        *(0, 1, 1, start, 0, b"", 4, 0, 0, 826, 0x50, standing_charge, 0xFF, 1, 1000)
    )


def matrix(start: int, price: int) -> PublishPriceMatrix:
    return PublishPriceMatrix(0, 1, start, 1, 0, 1, 1, (TierPrice(1, price),))


def prices(start: int, counter: int, standing_charge: int = 22_465) -> Message:
    return command(
        GCS01B,
        counter,
        component(PRICE, information(start, standing_charge)),
        component(PRICE, matrix(start, 9_600)),
    )


def read(rig: ProxyRig, attribute_id: int) -> object:
    question = ReadAttributes((attribute_id,)).to_bytes()
    frame = Frame(0x00, 1, GeneralCommand.READ_ATTRIBUTES, question)
    access = Access(peer=0x1D, now=rig.true.moment)
    (answer,) = rig.gpf.han.esi_endpoint.server.execute(PRICE.cluster_id, frame, access)
    return ReadAttributesResponse.parse(answer.payload).records[0].value


def executed(asked: Message, command_id: int, code: int = 0x8F66) -> Message:
    told = ExecutedCommand(asked.message_code, asked.originator_counter, 0x0700, 0x09, command_id)
    return Message(
        cra=Cra.ALERT,
        originator_counter=1,
        originator=GSME,
        recipient=SUPPLIER,
        message_code=0x00CD,
        payload=gbz_alert(code, LATER, told).to_bytes(),
    )


def test_what_the_meter_executed_is_in_force_at_the_proxy_and_stays_so_after_a_restart() -> None:
    rig = ProxyRig()
    asked = prices(0, 5)
    rig.gpf.tapped(asked, response(asked))
    assert read(rig, STANDING_CHARGE) == 22_465
    rig.again()
    assert read(rig, STANDING_CHARGE) == 22_465
    assert read(rig, 0x0410) == 9_600
    (entry,) = rig.gpf.state.gsme_events
    assert (entry.event_id, entry.data.hex()) == (0x8154, "00a3")


def test_a_component_that_failed_at_the_meter_is_left_out_and_the_others_are_applied() -> None:
    rig = ProxyRig()
    asked = command(
        GCS23,
        5,
        component(PRICE, PublishConversionFactor(1, 0, 123_456, 0x50)),
        component(PRICE, PublishCalorificValue(1, 0, 401, 1, 0x10)),
    )
    before = read(rig, CALORIFIC_VALUE)
    rig.gpf.tapped(asked, response(asked, {1: Status.HARDWARE_FAILURE}))
    assert read(rig, CONVERSION_FACTOR) == 123_456
    assert read(rig, CALORIFIC_VALUE) == before
    assert rig.alerts == []


def test_a_response_with_another_number_of_components_applies_nothing_and_is_alerted() -> None:
    rig = ProxyRig()
    asked = prices(0, 5)
    whole = response(asked)
    half = Gbz(Gbz.parse(whole.payload).components[:1])
    rig.gpf.tapped(asked, replace(whole, payload=half.to_bytes()))
    assert read(rig, STANDING_CHARGE) == 0
    assert [GbzAlert.parse(one.payload).alert_code for one in rig.alerts] == [FAILURE]


@pytest.mark.parametrize(("sequence", "frame_control"), [(9, 0x00), (0, 0x08)])
def test_an_answer_to_something_else_applies_nothing(sequence: int, frame_control: int) -> None:
    rig = ProxyRig()
    asked = prices(0, 5)
    first, second = Gbz.parse(response(asked).payload).components
    wrong = replace(
        first,
        frame=replace(first.frame, sequence=sequence, frame_control=frame_control),
    )
    answer = replace(response(asked), payload=Gbz((wrong, second)).to_bytes())
    rig.gpf.tapped(asked, answer)
    assert read(rig, STANDING_CHARGE) == 0
    assert read(rig, 0x0410) == 9_600


def test_what_starts_later_waits_through_a_restart_for_the_meters_word() -> None:
    rig = ProxyRig()
    asked = prices(LATER, 5)
    rig.gpf.tapped(asked, response(asked))
    rig.true.moment += timedelta(days=2)
    rig.again()
    assert read(rig, STANDING_CHARGE) == 0
    rig.gpf.overheard(executed(asked, 0x04))
    assert read(rig, STANDING_CHARGE) == 22_465
    assert read(rig, 0x0410) == 0
    rig.gpf.overheard(executed(asked, 0x05))
    assert read(rig, 0x0410) == 9_600
    assert rig.gpf.state.waiting == []


def test_what_the_meter_could_not_do_is_dropped_and_another_commands_word_is_not_taken() -> None:
    rig = ProxyRig()
    asked = prices(LATER, 5)
    rig.gpf.tapped(asked, response(asked))
    rig.gpf.overheard(executed(prices(LATER, 6), 0x04))
    assert len(rig.gpf.state.waiting) == 2
    rig.gpf.overheard(executed(asked, 0x04, code=0x8F67))
    rig.gpf.overheard(executed(asked, 0x04))
    assert read(rig, STANDING_CHARGE) == 0
    assert len(rig.gpf.state.waiting) == 1


def test_a_cancellation_calls_off_what_waits_at_the_proxy_too() -> None:
    rig = ProxyRig()
    asked, cancel = prices(LATER, 5), prices(0xFFFFFFFF, 6)
    rig.gpf.tapped(asked, response(asked))
    rig.gpf.tapped(cancel, response(cancel))
    assert rig.gpf.state.waiting == []
    rig.gpf.overheard(executed(asked, 0x04))
    assert read(rig, STANDING_CHARGE) == 0


def test_supplier_and_text_are_shown_to_displays() -> None:
    rig = ProxyRig()
    supplier = PublishChangeOfSupplier(0, 1, 0, 7, 0, 0x1800, b"Supplier", b"0333 1")
    text = DisplayMessage(9, 0, 0, 0xFFFF, "Boiler service on Monday", None)
    for code, definition, message in (
        (GCS44, DEVICE_MANAGEMENT, supplier),
        (GCS07, MESSAGING, text),
    ):
        asked = command(code, code, component(definition, message))
        rig.gpf.tapped(asked, response(asked))
    rig.again()
    assert rig.gpf.state.supplier == supplier
    assert rig.gpf.board.message == text


def test_clearing_the_meters_log_clears_the_copy_and_leaves_the_proxys_own() -> None:
    rig = ProxyRig()
    rig.gpf.state.note(EventEntry(EventLog.GSME_GENERAL, 0x8145, 1, b""), security=False)
    rig.gpf.chassis.event_log.add(0x8145)
    asked = command(CS11, 5, component(EVENTS, ClearEventLogRequest(3)))
    answer = response(asked)
    (done,) = Gbz.parse(answer.payload).components
    cleared = replace(
        done,
        frame=Frame(0x09, done.frame.sequence, 0x02, encode(ClearEventLogResponse(8))),
    )
    rig.gpf.tapped(asked, replace(answer, payload=Gbz((cleared,)).to_bytes()))
    assert [entry.event_id for entry in rig.gpf.state.gsme_events] == [0x8154]
    assert [entry.code for entry in rig.gpf.chassis.event_log.entries()] == [0x8145]
    assert [entry.code for entry in rig.gpf.chassis.security_log.entries()] == [0x8F52]


@pytest.mark.parametrize("log", [EventLog.SECURITY, EventLog.GSME_SECURITY])
def test_no_device_of_the_home_reads_a_security_log(log: EventLog) -> None:
    rig = ProxyRig()
    rig.gpf.chassis.security_log.add(0x8F3F)
    rig.gpf.state.note(EventEntry(EventLog.GSME_SECURITY, 0x8F3F, 1, b""), security=True)
    (answer,) = rig.ask(EVENTS, GetEventLog(0x10 | log, 0, 0, 0xFFFFFFFF, 0, 0))
    assert DefaultResponse.parse(answer.payload).status == Status.NOT_AUTHORIZED


def test_the_price_in_force_follows_the_recorded_calendar(rtds_files: list[RtdsFile]) -> None:
    rig = ProxyRig()
    assert (
        DefaultResponse.parse(rig.ask(PRICE, GetCurrentPrice(0))[0].payload).status
        == Status.NOT_FOUND
    )
    by_name = {f.name: Message.parse(f.octets) for f in rtds_files}
    name = "GCS01a_1.1.1_IMMEDIATE_TOU_SUCCESS"
    rig.gpf.tapped(by_name[f"{name}_COMMAND"], by_name[f"{name}_RESPONSE"])
    (answer,) = rig.ask(PRICE, GetCurrentPrice(0))
    price = decode(PublishPrice, answer.payload)
    # 1 January is a special day, with tier 2
    assert (price.price, price.trailing_digit_and_tier) == (10_200, 0x52)
    assert price.duration_min == 24 * 60
    assert price.price_tiers_and_register_tier >> 4 == 4
    rig.true.moment += timedelta(days=4, hours=6)
    (answer,) = rig.ask(PRICE, GetCurrentPrice(0))
    price = decode(PublishPrice, answer.payload)
    # Monday: in the season that began on 21 June weekdays have tier 3
    assert (price.price, price.trailing_digit_and_tier) == (10_750, 0x53)
    assert price.duration_min == 18 * 60
