"""Price and Calendar to displays: what they show is what the supplier set."""

from __future__ import annotations

from device.cosem.fields import elements, octets
from gbcs.dlms import values as v
from gbcs.rtds import RtdsFile
from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_seconds
from han.clusters import (
    CALENDAR,
    METERING,
    PRICE,
)
from han.commands.calendar import (
    GetCalendar,
    GetDayProfiles,
    GetSeasons,
    GetSpecialDays,
    GetWeekProfiles,
    PublishCalendar,
    PublishDayProfile,
    PublishSeasons,
    PublishSpecialDays,
    PublishWeekProfile,
)
from han.commands.price import (
    GetBillingPeriod,
    GetBlockThresholds,
    GetCurrentPrice,
    GetPriceMatrix,
    GetScheduledPrices,
    GetTariffInformation,
    PublishBillingPeriod,
    PublishPrice,
    PublishPriceMatrix,
    PublishTariffInformation,
    TierPrice,
)
from tests.esme.bench import at, mains, volts, watts
from tests.esme.house import ANY_EVENT, FOR_EVER, PRICES, House, executed, two_rates
from tests.esme.prepaid import (
    IMMEDIATE,
)
from tests.esme.rig import MeterRig


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
