"""Gas by day, week and month at the GPF's mirror; and what a snapshot of midnight refreshes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from device.periods import month_start
from device.store import MemoryStore
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import ReadAttributes, ReadAttributesResponse
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType, Value, zcl_seconds
from gpf.history import Amounts, ConsumptionHistory
from gpf.mirror_memory import Lent, MirrorMemory
from han.clusters.device_management import PublishChangeOfTenancy
from han.commands.metering import (
    GetSampledData,
    GetSampledDataResponse,
    PublishSnapshot,
    SnapshotCause,
)
from han.mirror.flags import FunctionalFlag
from han.tariff import book as prices
from han.zcl.payload import encode
from han.zcl.tables import Access
from tests.device.rig import GSME
from tests.gpf.rig import ProxyRig

MONDAY = datetime(2026, 3, 30, tzinfo=UTC)
HALF_HOUR, HOUR, DAY, WEEK = (timedelta(minutes=each) for each in (30, 60, 1440, 10_080))
METERING, PREPAYMENT = 0x0702, 0x0705
DAYS = (0x0C01, 0x0C03, *range(0x0C20, 0x0C2E, 2))
WEEKS, MONTHS = tuple(range(0x0C30, 0x0C3C, 2)), tuple(range(0x0C40, 0x0C5C, 2))
COST_DAYS, COST_WEEKS = tuple(range(0x051C, 0x052E, 2)), tuple(range(0x0530, 0x053C, 2))


class Proxy(ProxyRig):
    """A GPF to whom a meter pushes that counts a dm3 as ten Wh at a cost of a unit each."""

    def push(
        self,
        at: datetime,
        today_wh: int,
        register_dm3: int = 0,
        cost: int = -1,
        stamp: datetime | None = None,
    ) -> None:
        """``stamp`` is the meter's own time, if its clock is not right."""
        self.true.moment = at
        cost = today_wh if cost < 0 else cost
        for key, kind, value in (
            ((METERING, 0x0C01), DataType.UINT24, today_wh),
            ((METERING, 0x0000), DataType.UINT48, register_dm3),
            ((METERING, 0x0007), DataType.UTC_TIME, zcl_seconds(stamp or at)),
            ((PREPAYMENT, 0x051C), DataType.UINT48, cost),
        ):
            self.gpf.mirror.receive(key, kind, value, at)
        self.true.moment = at + timedelta(seconds=31)  # complete without its last frame
        self.gpf.han.poll(self.true.moment)

    def read(self, cluster_id: int, *attributes: int) -> list[Value]:
        frame = Frame(0x00, 1, 0x00, ReadAttributes(attributes).to_bytes())
        access = Access(peer=0x1D, now=self.true.moment)
        server = self.gpf.han.mirror_endpoint.server
        found = ReadAttributesResponse.parse(server.execute(cluster_id, frame, access)[0].payload)
        assert {each.status for each in found.records} == {Status.SUCCESS}
        return [each.value for each in found.records]

    def change(self, at: datetime) -> None:
        told = PublishChangeOfTenancy(0, 1, 0, zcl_seconds(at), 0x200)
        assert self.gpf.tenancy.accept(told, self.true.moment) is Status.SUCCESS


def days_of(proxy: Proxy, first: datetime, count: int) -> None:
    """Push ten kWh in the evening of so many days, and on each a Wh more than on the one before."""
    for number in range(count):
        proxy.push(first + number * DAY + 20 * HOUR, 10_000 + number)


def test_today_and_eight_days_before_it_are_told_in_energy_and_in_money() -> None:
    proxy = Proxy()
    days_of(proxy, MONDAY, 10)
    wanted: list[Value] = [10_000 + number for number in range(9, 0, -1)]
    assert proxy.read(METERING, *DAYS) == wanted
    assert proxy.read(PREPAYMENT, *COST_DAYS) == wanted


def test_days_move_back_at_midnight_before_the_meter_has_pushed() -> None:
    proxy = Proxy()
    proxy.push(MONDAY + 20 * HOUR, 7_000)
    proxy.true.moment = MONDAY + DAY
    assert proxy.read(METERING, *DAYS[:3]) == [0, 7_000, 0]
    assert proxy.read(METERING, WEEKS[0], MONTHS[0]) == [7_000, 7_000]


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    proxy = Proxy()
    for number in range(14):
        proxy.push(MONDAY - 7 * DAY + number * DAY + HOUR, 1 << number)
    first_week, second_week = (1 << 7) - 1, ((1 << 7) - 1) << 7
    assert proxy.read(METERING, *WEEKS[:3]) == [second_week, first_week, 0]
    assert proxy.read(PREPAYMENT, *COST_WEEKS[:3]) == [second_week, first_week, 0]
    march = (1 << 9) - 1  # 23 to 31 March
    assert proxy.read(METERING, *MONTHS[:3]) == [(1 << 14) - 1 - march, march, 0]


def test_thirteen_months_before_this_one_are_told_after_a_restart() -> None:
    proxy = Proxy()
    for month in range(16):
        proxy.push(datetime(2025 + month // 12, month % 12 + 1, 15, tzinfo=UTC), 100 + month)
    proxy.again()
    proxy.push(datetime(2026, 4, 15, 1, tzinfo=UTC), 115)
    assert proxy.read(METERING, *MONTHS) == [100 + month for month in range(15, 1, -1)]


def test_a_day_that_no_month_reaches_any_more_makes_room_for_a_new_one() -> None:
    store = MemoryStore()
    history = ConsumptionHistory(store, lambda volume, at: Amounts())
    for number in range(500):
        at = MONDAY + number * DAY
        history.take(at + HOUR, Amounts(1, 1), None, at + HOUR)
        history.take(at + 2 * HOUR, Amounts(2, 2), None, at + 2 * HOUR)
    with store.scope("history").transaction() as unit:
        assert len(unit.keys("day/")) == 14 * 31
        assert sum("],[" in str(unit.get(key)) for key in unit.keys("day/")) <= 40
    again = ConsumptionHistory(store, lambda volume, at: Amounts())
    thirteen_ago = month_start(at.date(), 13)
    assert again.used(thirteen_ago, month_start(at.date(), 12), at) == Amounts(2 * 31, 2 * 31)


def test_a_push_that_a_meter_stamps_far_in_the_future_counts_on_the_day_it_came() -> None:
    proxy = Proxy()
    days_of(proxy, MONDAY, 3)
    noon = MONDAY + 3 * DAY + 12 * HOUR
    proxy.push(noon, 700, stamp=noon + 900 * DAY)
    proxy.push(noon + HALF_HOUR, 800)
    assert proxy.read(METERING, *DAYS[:4]) == [800, 10_002, 10_001, 10_000]


def test_thirteen_months_survive_a_proxy_whose_own_clock_was_years_ahead_for_some_days() -> None:
    proxy = Proxy()
    days_of(proxy, MONDAY - 300 * DAY, 301)
    months = proxy.read(METERING, *MONTHS)
    assert sum(bool(each) for each in months) == 10
    for number in range(3):
        proxy.push(MONDAY + (800 + number) * DAY + 21 * HOUR, 10_400 + number)
    proxy.again()
    proxy.push(MONDAY + 22 * HOUR, 10_500)
    more = 10_500 - 10_300
    assert proxy.read(METERING, *MONTHS) == [int(str(months[0])) + more, *months[1:]]
    assert proxy.read(METERING, *DAYS[:2]) == [10_500, 10_299]
    proxy.push(MONDAY + DAY + HOUR, 30)
    assert proxy.read(METERING, *DAYS[:2]) == [30, 10_500]


def test_a_meter_whose_clock_was_a_little_ahead_at_midnight_takes_nothing_from_the_day() -> None:
    proxy = Proxy()
    late = MONDAY + DAY - timedelta(minutes=8)
    proxy.push(late - HOUR, 20_000)
    proxy.push(late, 5, stamp=late + timedelta(minutes=9))
    assert proxy.read(METERING, *DAYS[:2]) == [20_000, 0]
    proxy.push(late + timedelta(minutes=3), 8)
    assert proxy.read(METERING, *DAYS[:2]) == [20_008, 0]
    proxy.push(MONDAY + DAY + HOUR, 40)
    assert proxy.read(METERING, *DAYS[:2]) == [40, 20_008]


def test_gas_that_flowed_after_the_last_push_of_a_day_belongs_to_that_day() -> None:
    proxy = Proxy()
    ten_wh_each(proxy)
    proxy.push(MONDAY + DAY - HALF_HOUR, 47_000, 4_700)
    proxy.push(MONDAY + DAY, 0, 4_800)
    assert proxy.read(METERING, *DAYS[:2]) == [0, 48_000]
    proxy.push(MONDAY + DAY + HALF_HOUR, 1_000, 4_900)
    assert proxy.read(METERING, *DAYS[:2]) == [1_000, 48_000]


def ten_wh_each(proxy: Proxy) -> None:
    """A dm3 has ten Wh."""
    book = proxy.gpf.state.tariff
    book.values[prices.CALORIFIC_VALUE] = 36
    book.values[prices.CALORIFIC_VALUE_DIGIT] = 0
    book.values[prices.CONVERSION_FACTOR] = 1
    book.values[prices.CONVERSION_FACTOR_DIGIT] = 0


def test_days_that_an_outage_hid_are_told_by_their_half_hours() -> None:
    proxy = Proxy()
    ten_wh_each(proxy)
    for half_hour in range(25):  # 100 dm3 each, up to noon
        proxy.push(MONDAY + half_hour * HALF_HOUR, 1_000 * half_hour, 100 * half_hour)
    proxy.push(MONDAY + 3 * DAY + 8 * HOUR, 16_000, 100 * (3 * 48 + 16))
    assert proxy.read(METERING, *DAYS[:4]) == [16_000, 0, 0, 24_000]
    catch_up = proxy.gpf.han.catch_up
    asked = 0
    while question := catch_up.wanted(proxy.true.moment).get(FunctionalFlag.GET_SAMPLED_DATA):
        assert isinstance(question, GetSampledData)
        asked += 1
        samples = (100,) * (100 if asked == 1 else 36)
        answer = GetSampledDataResponse(0, question.earliest_time, 0, 1800, len(samples), samples)
        catch_up.fill(question, answer)
    assert asked == 2
    proxy.again()
    proxy.push(MONDAY + 3 * DAY + 8 * HOUR, 16_000, 100 * (3 * 48 + 16))
    assert proxy.read(METERING, *DAYS[:5]) == [16_000, 48_000, 48_000, 48_000, 0]
    assert proxy.read(METERING, WEEKS[0]) == [160_000]
    proxy.change(MONDAY + 18 * HOUR)
    assert proxy.read(METERING, WEEKS[0]) == [124_000]


def test_a_counter_that_begins_anew_within_a_day_takes_nothing_away() -> None:
    proxy = Proxy()
    proxy.push(MONDAY + HOUR, 500)
    proxy.push(MONDAY + 2 * HOUR, 40)
    proxy.push(MONDAY + 3 * HOUR, 90)
    assert proxy.read(METERING, DAYS[0]) == [590]
    assert proxy.read(PREPAYMENT, COST_DAYS[0]) == [590]


def test_another_meter_counts_beside_what_the_day_has_the_same_one_goes_on() -> None:
    history = ConsumptionHistory(MemoryStore(), lambda volume, at: Amounts())
    today, at = MONDAY.date(), MONDAY + HOUR
    days = (today, today + DAY)
    for meter, counted, used in ((1, 500, 500), (1, 600, 600), (2, 700, 1_300), (2, 710, 1_310)):
        history.belongs_to(meter)
        history.take(at, Amounts(counted, counted), None, at)
        assert history.used(*days, at) == Amounts(used, used)


def test_periods_that_began_before_a_new_tenancy_are_hidden_and_current_ones_count_from_it() -> (
    None
):
    proxy = Proxy()
    days_of(proxy, MONDAY - 3 * DAY, 3)
    for hour, used in ((1, 100), (2, 200), (3, 400), (4, 800)):
        proxy.push(MONDAY + hour * HOUR, used)
    proxy.change(MONDAY + 2 * HOUR)
    assert proxy.read(METERING, *DAYS[:3]) == [600, 0, 0]
    assert proxy.read(METERING, *WEEKS[:2], *MONTHS[:2]) == [600, 0, 600, 0]
    assert proxy.read(PREPAYMENT, *COST_DAYS[:2], COST_WEEKS[0]) == [600, 0, 600]
    proxy.push(MONDAY + DAY + HOUR, 50)
    assert proxy.read(METERING, *DAYS[:2], WEEKS[0]) == [50, 0, 650]
    proxy.change(MONDAY + 2 * DAY)  # ahead: hides at once
    assert proxy.read(METERING, *DAYS[:2], WEEKS[0], MONTHS[0]) == [0, 0, 0, 0]


def test_a_meter_that_pushes_no_amounts_has_no_history() -> None:
    proxy = Proxy()
    frame = Frame(0x00, 1, 0x00, ReadAttributes((0x0C01, 0x0C30)).to_bytes())
    answer = proxy.gpf.han.mirror_endpoint.server.execute(
        METERING, frame, Access(peer=0x1D, now=proxy.true.moment)
    )
    found = ReadAttributesResponse.parse(answer[0].payload).records
    assert {each.status for each in found} == {Status.UNSUPPORTED_ATTRIBUTE}


def test_what_a_failed_unit_took_is_forgotten() -> None:
    store = MemoryStore()
    history = ConsumptionHistory(store, lambda volume, at: Amounts())
    today = MONDAY.date()
    history.take(MONDAY + HOUR, Amounts(5, 5), None, MONDAY + HOUR)

    def fail() -> None:
        with store.transaction():
            history.take(MONDAY + DAY, Amounts(9, 9), None, MONDAY + DAY)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert history.used(today, today + 3 * DAY, MONDAY + DAY) == Amounts(5, 5)
    history.take(MONDAY + 2 * HOUR, Amounts(6, 6), None, MONDAY + 2 * HOUR)
    assert history.used(today, today + DAY, MONDAY + DAY) == Amounts(6, 6)


@pytest.mark.parametrize(
    ("minutes", "register"),
    [pytest.param(12, 4_711, id="before the next wake"), pytest.param(40, 4_800, id="after it")],
)
def test_scenario_15_a_late_snapshot_of_midnight_goes_to_the_log_alone(
    minutes: int, register: int
) -> None:
    proxy = Proxy()
    mirror = proxy.gpf.han.mirror_endpoint.number
    MirrorMemory(proxy.gpf.chassis.store).lend(Lent(GSME, mirror))
    proxy.again()
    proxy.push(MONDAY + timedelta(minutes=minutes - 1), 0, 4_800)
    body = (4_711).to_bytes(6, "little")  # and neither tiers nor blocks
    told = PublishSnapshot(
        1, zcl_seconds(MONDAY), 1, 0, 1, SnapshotCause.GENERAL, 6, body + b"\0\0"
    )
    access = Access(peer=GSME, now=MONDAY + timedelta(minutes=minutes))
    frame = Frame(0x09, 1, 0x06, encode(told))
    answer = proxy.gpf.han.mirror_endpoint.server.execute(METERING, frame, access)
    assert [each.payload for each in answer] == [b"\x06\x00"]
    assert [each.time for each in proxy.gpf.state.logs.daily] == [zcl_seconds(MONDAY)]
    assert proxy.read(METERING, 0x0000) == [register]
