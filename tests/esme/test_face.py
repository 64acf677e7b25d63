"""The meter's face to the house: the tariff, the money, the messages that the supplier has set."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from device.cosem.fields import elements, octets
from device.cosem.table import Access as CosemAccess
from esme.face import HanFace
from esme.face.prepayment import HouseholdActions
from esme.physics.site import Site
from gbcs.dlms import values as v
from gbcs.dlms.apdu import AccessRequest
from gbcs.dlms.data import Data
from gbcs.envelope import Message
from gbcs.rtds import RtdsFile
from gbcs.stamp import Stamp
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import (
    AttributeStatus,
    DefaultResponse,
    GeneralCommand,
    ReadAttributes,
    ReadAttributesResponse,
)
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value, zcl_seconds
from han.clusters import (
    CALENDAR,
    DEVICE_MANAGEMENT,
    EVENTS,
    MESSAGING,
    METERING,
    PREPAYMENT,
    PRICE,
)
from han.commands import payload_class
from han.commands.device_management import PublishChangeOfSupplier, UpdateCIN
from han.commands.events import (
    CancelMessage,
    DisplayMessage,
    GetEventLog,
    MessageConfirmation,
    PublishEvent,
    PublishEventLog,
)
from han.commands.metering import GetSnapshot, LocalChangeSupply, PublishSnapshot
from han.commands.prepayment import (
    ConsumerTopUp,
    ConsumerTopUpResponse,
    DebtPayCreditStatus,
    GetDebtRepaymentLog,
    GetPrepaySnapshot,
    GetTopUpLog,
    OriginatingDevice,
    PublishDebtLog,
    PublishPrepaySnapshot,
    PublishTopUpLog,
    SelectAvailableEmergencyCredit,
    TopUpResult,
)
from han.commands.price import (
    GetBillingPeriod,
    GetBlockThresholds,
    GetCalendar,
    GetCurrentPrice,
    GetDayProfiles,
    GetPriceMatrix,
    GetScheduledPrices,
    GetSeasons,
    GetSpecialDays,
    GetTariffInformation,
    GetWeekProfiles,
    PublishBillingPeriod,
    PublishCalendar,
    PublishDayProfile,
    PublishPrice,
    PublishPriceMatrix,
    PublishSeasons,
    PublishSpecialDays,
    PublishTariffInformation,
    PublishWeekProfile,
    TierPrice,
)
from han.household import LocalSupply
from han.requests import command_of
from han.zcl.payload import decode, encode
from han.zcl.server import ZclServer
from han.zcl.tables import Access, ClusterDefinition, Side
from tests.esme.bench import at, mains, volts, watts
from tests.esme.rig import MeterRig
from tests.esme.test_account import (
    IMMEDIATE,
    POUND,
    charge,
    events,
    non_disablement,
    prepaid,
    supply,
    token,
)

P = TypeVar("P")
ANY_EVENT = 0xFFFFFFFF
FOR_EVER = 0xFFFFFFFF
PPMID = 0x02
PRICES = "113/0-0:19.20.0.255/5"


@dataclass
class House:
    """A display before a meter; what the meter tells unasked is in ``told``."""

    rig: MeterRig
    told: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.face = HanFace(self.rig.meter)
        self.server = ZclServer(self.face.served())

    def ask(self, definition: ClusterDefinition, question: object) -> list[object] | Status:
        """The answers, or the status of the Default Response."""
        command = command_of(definition, type(question).__name__)
        return self.command(definition, command.id, encode(question))

    def command(
        self, definition: ClusterDefinition, command: int, payload: bytes
    ) -> list[object] | Status:
        access = Access(peer=PPMID, now=self.rig.meter.now)
        frame = Frame(0x01, 0, command, payload)
        answers = self.server.execute(definition.cluster_id, frame, access)
        if not answers[0].is_cluster_command:
            return Status(DefaultResponse.parse(answers[0].payload).status)
        kinds = [
            payload_class(definition.cluster_id, Side.CLIENT, answer.command_id)
            for answer in answers
        ]
        return [
            decode(kind, answer.payload)
            for kind, answer in zip(kinds, answers, strict=True)
            if kind is not None
        ]

    def one(self, definition: ClusterDefinition, question: object, kind: type[P]) -> P:
        (answer,) = self.every(definition, question, kind)
        return answer

    def every(self, definition: ClusterDefinition, question: object, kind: type[P]) -> Sequence[P]:
        answers = self.ask(definition, question)
        assert not isinstance(answers, Status), answers.name
        return [each for each in answers if isinstance(each, kind)]

    def records(self, definition: ClusterDefinition, *ids: int) -> Sequence[AttributeStatus]:
        frame = Frame(0x00, 1, GeneralCommand.READ_ATTRIBUTES, ReadAttributes(ids).to_bytes())
        access = Access(peer=PPMID, now=self.rig.meter.now)
        (answer,) = self.server.execute(definition.cluster_id, frame, access)
        return ReadAttributesResponse.parse(answer.payload).records

    def read(self, definition: ClusterDefinition, *ids: int) -> list[Value]:
        return [record.value for record in self.records(definition, *ids)]

    def listen(self) -> list[object]:
        """What the meter tells since the last time."""
        return [message for _, message in self.face.news()]


def executed(rig: MeterRig, files: list[RtdsFile], name: str) -> None:
    """Let the meter execute a recorded command."""
    (file,) = [each for each in files if each.name.startswith(name)]
    request = AccessRequest.parse(Message.parse(file.octets).payload)
    results = rig.server.execute(request, CosemAccess(rig.meter.now)).results
    assert {result.result for result in results} == {0}


def two_rates(rig: MeterRig) -> None:
    """Rate 1 from midnight for 10 p, rate 2 from 07:00 for 30 p; Sundays rate 1 all day."""

    def day(number: int, *switches: tuple[int, int]) -> Data:
        actions = [
            v.structure(
                v.octets(bytes((hour, 0, 0, 0))), v.logical_name("0-0:10.0.100.255"), v.u16(script)
            )
            for hour, script in switches
        ]
        return v.structure(v.u8(number), v.array(*actions))

    table = "20/0-0:13.0.0.255"
    start = bytes.fromhex("FFFF0101FF") + bytes(7)
    rig.set(f"{table}/7", v.array(v.structure(v.octets(b"A"), v.octets(start), v.octets(b"W"))))
    rig.set(f"{table}/8", v.array(v.structure(v.octets(b"W"), *[v.u8(1)] * 6, v.u8(2))))
    rig.set(f"{table}/9", v.array(day(1, (0, 1), (7, 2)), day(2, (0, 1))))
    rig.set(f"{table}/10", IMMEDIATE)
    prices = v.structure(
        v.structure(v.i8(3), v.i8(-5)),
        v.structure(v.u16(3), v.octets(bytes.fromhex("0100010800FF")), v.i8(2)),
        v.array(
            v.structure(v.octets(b"\1"), v.i16(10_000)), v.structure(v.octets(b"\2"), v.i16(30_000))
        ),
    )
    rig.set("113/0-0:19.20.0.255/6", prices)
    rig.set("113/0-0:19.20.0.255/7", IMMEDIATE)
    rig.set("113/0-0:19.20.4.255/6", charge(25_000))
    rig.set("113/0-0:19.20.4.255/7", IMMEDIATE)


def test_a_display_and_the_supplier_see_one_price_at_any_time() -> None:
    rig = MeterRig(start=at("05:00"))
    two_rates(rig)
    house = House(rig)
    for clock, tier, price in (("06:00", 1, 10_000), ("08:00", 2, 30_000)):
        rig.until(at(clock))
        now = house.one(PRICE, GetCurrentPrice(0), PublishPrice)
        assert now.price == rig.read("3/0-0:94.44.1.7/2") == price
        assert now.trailing_digit_and_tier == 0x50 | tier
        assert house.read(METERING, 0x0020) == [tier]
    assert house.read(PRICE, 0x0301, 0x0410, 0x0420, 0x0611, 0x0615, 0x0616, 0x0617) == [
        25_000,
        10_000,
        30_000,
        2,
        0,
        826,
        0x50,
    ]


def test_prices_to_come_are_those_of_the_switching_table() -> None:
    rig = MeterRig(start=at("05:00"))
    two_rates(rig)
    found = House(rig).every(PRICE, GetScheduledPrices(0, 0), PublishPrice)
    assert [(each.price, each.start_time) for each in found] == [
        (10_000, zcl_seconds(at("05:00"))),
        (30_000, zcl_seconds(at("07:00"))),
    ]
    assert [each.duration_min for each in found] == [120, 17 * 60]


def test_a_switch_of_rate_is_told_and_nothing_else_is() -> None:
    rig = MeterRig(start=at("05:00"))
    house = House(rig)
    two_rates(rig)
    kinds = [type(each).__name__ for each in house.listen()]
    assert kinds == [
        "PublishPrice",
        "PublishTariffInformation",
        "PublishPriceMatrix",
        "PublishCalendar",
        "PublishDayProfile",
        "PublishDayProfile",
        "PublishWeekProfile",
        "PublishSeasons",
    ]
    rig.until(at("06:59"))
    assert house.listen() == []
    rig.until(at("07:01"))
    (told,) = house.listen()
    assert isinstance(told, PublishPrice)
    assert (told.price, told.start_time) == (30_000, zcl_seconds(at("07:00")))


def test_the_switching_table_is_published_in_its_parts() -> None:
    rig = MeterRig(start=at("05:00"))
    two_rates(rig)
    house = House(rig)
    event = zcl_seconds(at("05:00"))
    calendar = house.one(CALENDAR, GetCalendar(0, ANY_EVENT, 0, 0, 0), PublishCalendar)
    assert (calendar.issuer_calendar_id, calendar.start_time) == (event, event)
    assert (calendar.seasons, calendar.week_profiles, calendar.day_profiles) == (1, 1, 2)
    days = house.every(CALENDAR, GetDayProfiles(0, event, 1, 0), PublishDayProfile)
    assert [[(e.start_min, e.tier) for e in day.entries] for day in days] == [
        [(0, 1), (420, 2)],
        [(0, 1)],
    ]
    week = house.one(CALENDAR, GetWeekProfiles(0, event, 1, 0), PublishWeekProfile)
    assert (week.monday, week.saturday, week.sunday) == (1, 1, 2)
    (season,) = house.one(CALENDAR, GetSeasons(0, event), PublishSeasons).seasons
    assert season.start_date.to_bytes(4, "little") == bytes.fromhex("ff0101ff")
    assert house.ask(CALENDAR, GetSpecialDays(0, 0, 0, 0, event)) is Status.NOT_FOUND
    assert house.ask(CALENDAR, GetCalendar(0, ANY_EVENT, 0, 3, 0)) is Status.NOT_FOUND


def test_a_recorded_tariff_reads_the_same_on_both_faces(rtds_files: list[RtdsFile]) -> None:
    rig = MeterRig(start=at("12:00"))
    executed(rig, rtds_files, "ECS01a_1.1.1_IMMEDIATE_TOU_SUCCESS_COMMAND")
    house = House(rig)
    tariff = house.one(PRICE, GetTariffInformation(0, ANY_EVENT, 0, 0), PublishTariffInformation)
    assert tariff.standing_charge == 20_000
    matrix = house.one(PRICE, GetPriceMatrix(tariff.issuer_tariff_id), PublishPriceMatrix)
    days = house.every(CALENDAR, GetDayProfiles(0, 0xFFFFFFFF, 0, 0), PublishDayProfile)
    used = {entry.tier for day in days for entry in day.entries}
    assert (matrix.control, tariff.tiers) == (1, len(used))
    set_by_supplier = [
        (int.from_bytes(octets(index), "big"), price)
        for index, price in map(elements, elements(elements(rig.read(PRICES))[2]))
    ]
    assert [(each.tier_block_id, each.price) for each in matrix.prices] == [
        (index, price) for index, price in set_by_supplier if index in used
    ]
    price = house.one(PRICE, GetCurrentPrice(0), PublishPrice)
    assert price.price == rig.read("3/0-0:94.44.1.7/2")
    assert price.price > 0
    assert len(days) == len(rig.numbers("20/0-0:13.0.0.255/5"))
    specials = house.every(CALENDAR, GetSpecialDays(0, 0, 0, 0, FOR_EVER), PublishSpecialDays)
    assert sum(len(each.days) for each in specials) == len(rig.numbers("11/0-0:11.0.0.255/2"))


def test_blocks_have_thresholds_and_the_price_follows_what_was_used() -> None:
    rig = MeterRig(mains(volts(230), watts(2000)), start=at("05:00"))
    two_rates(rig)
    table = "20/0-0:13.0.0.255"
    action = v.structure(v.octets(bytes(4)), v.logical_name("0-0:10.0.100.255"), v.u16(101))
    rig.set(f"{table}/9", v.array(*[v.structure(v.u8(n), v.array(action)) for n in (1, 2)]))
    rig.set(f"{table}/10", IMMEDIATE)
    rig.set("21/0-0:16.1.11.255/2", v.array(v.u32(3000), v.u32(9000), v.u32(0xFFFFFFFF)))
    rig.set("9000/0-0:63.1.1.255/6", IMMEDIATE)
    rows = [(49, 10_000), (57, 20_000), (65, 5_000)]
    prices = v.structure(
        v.structure(v.i8(3), v.i8(-5)),
        v.structure(v.u16(3), v.octets(bytes.fromhex("0100010800FF")), v.i8(2)),
        v.array(*[v.structure(v.octets(bytes((n,))), v.i16(p)) for n, p in rows]),
    )
    rig.set("113/0-0:19.20.0.255/6", prices)
    rig.set("113/0-0:19.20.0.255/7", IMMEDIATE)
    house = House(rig)
    seen = []
    for clock in ("06:00", "07:00", "09:59"):
        rig.until(at(clock))
        seen.append(house.one(PRICE, GetCurrentPrice(0), PublishPrice).price)
        assert seen[-1] == rig.read("3/0-0:94.44.1.7/2")
    assert seen == [10_000, 20_000, 5_000]
    tariff = house.one(PRICE, GetTariffInformation(0, ANY_EVENT, 0, 0), PublishTariffInformation)
    assert (tariff.block_thresholds, tariff.type_and_charging_scheme) == (2, 0x30)
    matrix = house.one(PRICE, GetPriceMatrix(tariff.issuer_tariff_id), PublishPriceMatrix)
    assert matrix.prices == (
        TierPrice(0x10, 10_000),
        TierPrice(0x11, 20_000),
        TierPrice(0x12, 5_000),
    )
    answers = house.ask(PRICE, GetBlockThresholds(tariff.issuer_tariff_id))
    assert not isinstance(answers, Status)
    assert house.read(PRICE, 0x0100, 0x0101, 0x0102) == [3000, 9000, 0xFFFFFFFFFFFF]
    assert house.read(METERING, 0x0710, 0x0711, 0x0712) == [3000, 6000, 966]


def test_the_billing_period_is_the_one_of_the_billing_calendar() -> None:
    rig = MeterRig(start=at("12:00"))
    house = House(rig)
    question = GetBillingPeriod(0, ANY_EVENT, 1, 0)
    assert house.ask(PRICE, question) is Status.NOT_FOUND
    monthly = v.structure(v.octets(bytes(4)), v.octets(bytes.fromhex("FFFFFF01FF")))
    rig.set("22/0-0:15.0.0.255/4", v.array(monthly))
    period = house.one(PRICE, question, PublishBillingPeriod)
    assert period.start_time == zcl_seconds(at("00:00", day=-1))  # 1 March
    assert period.duration == 31 * 1440
    assert house.read(PRICE, 0x0700, 0x0701) == [period.start_time, period.duration]


def test_scenario_43_credit_runs_out_and_the_display_gives_the_emergency_credit() -> None:
    rig = prepaid(100)
    house = House(rig)
    select = SelectAvailableEmergencyCredit(0, PPMID)
    assert house.ask(PREPAYMENT, select) is Status.SUCCESS  # 1.00 is at the threshold
    rig = prepaid(100, balance=POUND + 1_000)
    house = House(rig)
    assert house.ask(PREPAYMENT, select) is Status.FAILURE
    assert events(rig) == ["8155"]
    rig.until(at("10:30"))
    assert events(rig)[1:] == ["8119"]
    assert house.read(PREPAYMENT, 0x0001, 0x0002, 0x0003) == [POUND, 0, 0b1101]
    assert house.ask(PREPAYMENT, select) is Status.SUCCESS
    assert events(rig)[2:] == ["81AB", "8154"]
    assert house.read(PREPAYMENT, 0x0001, 0x0002, 0x0003) == [POUND, 5 * POUND, 0b10101]
    rig.meter.metrology.site = mains(volts(230), watts(10_000))
    rig.until(at("13:30"))
    assert events(rig)[4:] == ["81AA", "8F0F"]
    assert house.read(METERING, 0x0014) == [0]
    assert house.read(PREPAYMENT, 0x0003) == [0b1110101]


def test_scenario_43_a_non_disablement_period_keeps_the_supply_on() -> None:
    rig = prepaid(10_000, start="20:00")
    non_disablement(rig, begins=19, ends=8)
    rig.until(at("20:30"))
    house = House(rig)
    assert house.ask(PREPAYMENT, SelectAvailableEmergencyCredit(0, PPMID)) is Status.SUCCESS
    rig.until(at("07:30", day=1))
    assert "81AA" in events(rig)
    assert events(rig)[-1] == "8F83"
    assert house.read(METERING, 0x0014) == [2]


def top_up(house: House, digits: bytes) -> ConsumerTopUpResponse:
    return house.one(PREPAYMENT, ConsumerTopUp(PPMID, digits), ConsumerTopUpResponse)


def test_scenario_44_a_token_counts_once_and_only_here_and_only_up_to_the_limit() -> None:
    rig = prepaid(0)
    house = House(rig)
    first = top_up(house, token(500, 7))
    assert (first.result, first.value, first.credit_remaining) == (0, 5 * POUND, 6 * POUND)
    again = top_up(house, token(500, 7))
    assert (again.result, again.credit_remaining) == (TopUpResult.REJECTED_DUPLICATE, 6 * POUND)
    other = top_up(house, token(500, 8, b"evil"))
    assert other.result == TopUpResult.REJECTED_INVALID
    rig.set("9000/0-0:94.44.2.10/4", v.i32(50 * POUND))
    rig.set("9000/0-0:94.44.2.10/6", IMMEDIATE)
    large = top_up(house, token(6000, 9))
    assert large.result == TopUpResult.REJECTED_TOP_UP_TOO_LARGE
    assert events(rig) == ["810E", "8154", "8F51", "8155", "8F64", "8155", "8F5B", "8155"]
    assert rig.meter.kept.balances.meter_balance == 6 * POUND
    log = house.one(PREPAYMENT, GetTopUpLog(FOR_EVER, 0), PublishTopUpLog)
    assert [(each.code, each.amount) for each in log.top_ups] == [(token(500, 7), 5 * POUND)]


def test_the_keys_of_the_meter_do_the_same_under_codes_of_their_own() -> None:
    rig = prepaid(10_000)
    rig.until(at("11:00"))
    keys = HouseholdActions(rig.meter, nullcontext, at_keys=True)
    me = Access(peer=0, now=rig.meter.now)
    assert keys.change_supply(LocalSupply.ON, me) is Status.FAILURE
    answer = keys.top_up(token(1000, 7), OriginatingDevice.METER, me)
    assert (answer.result, answer.source) == (TopUpResult.ACCEPTED_SUPPLY_ARMED, 1)
    assert keys.change_supply(LocalSupply.ON, me) is Status.SUCCESS
    locking = [keys.top_up(b"1" * 20, OriginatingDevice.METER, me).result for _ in range(6)]
    assert locking[-1] == TopUpResult.REJECTED_KEYPAD_LOCK
    assert top_up(House(rig), token(500, 8)).result == TopUpResult.REJECTED_KEYPAD_LOCK
    codes = [each for each in events(rig) if each[:3] == "816"]
    assert codes == ["8162", "8161", "8161", *["8162"] * 6]


def test_guessing_tokens_locks_the_display_out_but_not_the_supplier() -> None:
    rig = prepaid(0)
    house = House(rig)
    results = [top_up(house, b"1" * 20).result for _ in range(6)]
    assert results == [TopUpResult.REJECTED_INVALID] * 5 + [TopUpResult.REJECTED_KEYPAD_LOCK]
    assert [each for each in events(rig) if each != "8155"] == ["8F63"] * 5 + ["81C4", "81C5"]
    place, entered = "115/0-0:19.40.0.255/1", v.octets(token(500, 7))
    assert rig.call(place, entered, originator_counter=7 << 32) == 0
    rig.until(at("10:06"))
    assert top_up(house, token(500, 8)).result == TopUpResult.ACCEPTED


def test_scenario_45_both_logs_of_a_top_up_are_read_on_both_faces() -> None:
    rig = prepaid(0, balance=0)
    rig.call("113/0-0:19.20.3.255/4", v.i32(50 * POUND))
    rig.set("113/0-0:19.20.3.255/13", v.u16(3000))
    house = House(rig)
    assert top_up(house, token(1000, 7)).credit_remaining == 7 * POUND
    (debt,) = house.one(PREPAYMENT, GetDebtRepaymentLog(FOR_EVER, 0, 0xFF), PublishDebtLog).payments
    assert (debt.amount_paid, debt.outstanding) == (3 * POUND, 47 * POUND)
    (paid,) = house.one(PREPAYMENT, GetTopUpLog(FOR_EVER, 1), PublishTopUpLog).top_ups
    assert paid.amount == 10 * POUND
    assert rig.numbers("7/0-0:98.1.4.255/2") == [[debt.time, 3 * POUND]]
    assert rig.numbers("7/0-0:98.1.5.255/2") == [[paid.time, 10 * POUND]]
    assert house.read(PREPAYMENT, 0x0101, 0x0103, 0x0231) == [
        10 * POUND,
        token(1000, 7),
        47 * POUND,
    ]


def test_the_supply_is_switched_on_from_a_display_only_once_it_is_armed() -> None:
    rig = prepaid(10_000)
    rig.until(at("11:00"))
    house = House(rig)
    on = LocalChangeSupply(2)
    assert (supply(rig), house.ask(METERING, on)) == (0, Status.FAILURE)
    assert top_up(house, token(1000, 7)).result == TopUpResult.ACCEPTED_SUPPLY_ARMED
    assert house.read(METERING, 0x0014) == [1]
    assert house.ask(METERING, on) is Status.SUCCESS
    assert house.read(METERING, 0x0014) == [2]
    assert house.ask(METERING, LocalChangeSupply(1)) is Status.NOT_AUTHORIZED
    assert events(rig)[-2:] == ["8154", "8154"]


def test_in_credit_mode_no_emergency_credit_is_on_offer() -> None:
    rig = prepaid(0)
    rig.set("111/0-1:19.0.0.255/2", v.structure(v.enum(1), v.enum(2)))
    rig.set("111/0-1:19.0.0.255/13", IMMEDIATE)
    house = House(rig)
    assert house.ask(PREPAYMENT, SelectAvailableEmergencyCredit(0, PPMID)) is Status.FAILURE
    assert house.read(PREPAYMENT, 0x0000, 0x0003) == [0x0094, 0]


def message(rig: MeterRig, text: bytes) -> None:
    assert rig.set("1/0-2:96.13.1.255/2", v.octets(text)) == 0


def test_a_message_is_told_confirmed_once_and_taken_back() -> None:
    rig = MeterRig(start=at("12:00"))
    house = House(rig)
    message(rig, b"Your supply is safe")
    (told,) = house.listen()
    assert isinstance(told, DisplayMessage)
    assert told.text == "Your supply is safe"
    (last,) = house.command(MESSAGING, 0x00, b"")  # type: ignore[misc]  # a display asks
    assert last == told
    yes = MessageConfirmation(told.message_id, zcl_seconds(at("12:00")))
    for _ in range(2):
        assert house.ask(MESSAGING, yes) is Status.SUCCESS
        house.listen()
    assert events(rig) == rig.alerts() == ["81A6"]
    rig.until(at("12:05"))
    message(rig, b"")
    assert house.listen() == [CancelMessage(told.message_id, 0)]
    assert house.command(MESSAGING, 0x00, b"") is Status.NOT_FOUND


def test_the_supplier_has_a_name_and_a_telephone(rtds_files: list[RtdsFile]) -> None:
    rig = MeterRig(start=at("12:00"))
    house = House(rig)
    assert house.command(DEVICE_MANAGEMENT, 0x01, b"") is Status.NOT_FOUND
    executed(rig, rtds_files, "ECS16_3.4_ERROR_COMMAND")
    executed(rig, rtds_files, "ECS50_9.1_ERROR_COMMAND")
    supplier, customer = house.listen()
    assert isinstance(supplier, PublishChangeOfSupplier)
    assert isinstance(customer, UpdateCIN)
    assert (supplier.provider_name, supplier.contact_details) == (b"E-ON", b"0333 202 4650")
    assert house.read(DEVICE_MANAGEMENT, 0x0101, 0x0102) == [
        supplier.provider_name,
        supplier.contact_details,
    ]
    assert house.command(DEVICE_MANAGEMENT, 0x05, b"") == [customer]


def test_displays_read_events_but_no_security_log_and_clear_nothing() -> None:
    rig = prepaid(100)
    rig.until(at("10:30"))
    house = House(rig)
    log = house.one(EVENTS, GetEventLog(0x13, 0, 0, FOR_EVER, 0, 0), PublishEventLog)
    assert [each.event_id for each in log.entries] == [0x8119]
    for security in (0x14, 0x17):
        refused = house.ask(EVENTS, GetEventLog(security, 0, 0, FOR_EVER, 0, 0))
        assert refused is Status.NOT_AUTHORIZED
    answer = house.command(EVENTS, 0x01, b"\x03")
    assert not isinstance(answer, Status)
    assert getattr(answer[0], "cleared") == 0  # noqa: B009
    assert events(rig) == ["8119"]


@pytest.mark.parametrize("shares", [True, False])
def test_events_are_told_to_displays_as_the_supplier_wants(shares: bool) -> None:
    rig = prepaid(100)
    if not shares:
        bit = (1 << 0x19).to_bytes(32, "big")
        mask = v.bits("".join(f"{octet:08b}" for octet in bit + bytes(32)))
        assert rig.set("1/0-30:97.98.12.255/2", mask) == 0
    house = House(rig)
    house.listen()
    rig.until(at("10:30"))
    told = [each for each in house.listen() if isinstance(each, PublishEvent)]
    assert [each.event_id for each in told] == ([0x8119] if shares else [])


def test_scenario_48_a_new_tenant_sees_nothing_older_on_the_han() -> None:
    rig = prepaid(0, start="06:00")
    monthly = v.structure(v.octets(bytes((11, 0, 0, 0))), v.octets(b"\xff" * 5))
    rig.set("22/0-0:15.0.0.255/4", v.array(monthly))
    house = House(rig)
    rig.until(at("06:30", day=1))
    top_up(house, token(500, 7))
    message(rig, b"For you alone")
    rig.until(at("15:00", day=1))

    def shown() -> list[bool]:
        asked: list[tuple[ClusterDefinition, object]] = [
            (METERING, GetSnapshot(0, FOR_EVER, 0, 1)),
            (METERING, GetSnapshot(0, FOR_EVER, 0, 2)),
            (PREPAYMENT, GetPrepaySnapshot(0, FOR_EVER, 0, 1)),
            (PREPAYMENT, GetPrepaySnapshot(0, FOR_EVER, 0, 2)),
            (PREPAYMENT, GetTopUpLog(FOR_EVER, 0)),
            (EVENTS, GetEventLog(0x13, 0, 0, FOR_EVER, 0, 0)),
        ]
        answers = [house.ask(*each) for each in asked]
        house.listen()
        answers.append(house.command(MESSAGING, 0x00, b""))
        return [not isinstance(answer, Status) for answer in answers]

    assert shown() == [True] * 7
    assert rig.set("1/0-0:94.44.3.2/2", v.date_time(Stamp.of(at("15:00", day=1)))) == 0
    assert shown() == [False] * 7
    assert house.read(PREPAYMENT, 0x0101, 0x0103) == [-(1 << 47), None]
    for log in ("98.1.9", "98.1.8", "98.1.0", "98.1.1", "98.1.5", "99.98.0"):
        assert rig.read(f"7/0-0:{log}.255/2") != ()  # the supplier sees them all
    rig.until(at("12:00", day=2))
    top_up(house, token(500, 8))
    assert shown() == [True] * 6 + [False]


def test_snapshots_show_what_the_supplier_reads() -> None:
    rig = prepaid(1000, start="06:00", balance=90 * POUND)
    rig.until(at("06:00", day=1))
    house = House(rig)
    prepay = house.one(PREPAYMENT, GetPrepaySnapshot(0, FOR_EVER, 0, 1), PublishPrepaySnapshot)
    status = decode(DebtPayCreditStatus, prepay.body)
    assert status.credit_remaining == rig.numbers("7/0-0:98.1.8.255/2")[0][2]
    registers = house.one(METERING, GetSnapshot(0, FOR_EVER, 0, 1), PublishSnapshot)
    assert int.from_bytes(registers.body[:6], "little") == 18_000
    assert registers.body[6:] == b"\1" + (18_000).to_bytes(6, "little")
    assert registers.snapshot_time == zcl_seconds(at("00:00", day=1))


def test_every_attribute_of_every_table_reads_without_failing() -> None:
    rig = prepaid(100)
    two_rates(rig)
    house = House(rig)
    for served in house.face.served():
        for number in served.attributes:
            (record,) = house.records(served.definition, number)
            assert record.status == Status.SUCCESS, (served.definition.name, f"{number:04X}")


def test_a_three_phase_meter_has_the_same_face() -> None:
    rig = MeterRig(Site(mains(volts(230)).phases * 3))
    assert House(rig).read(METERING, 0x0000) == [0]
