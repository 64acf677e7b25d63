"""What a display shows once a new tenant lives in its home, and how it finds its meters again."""

from __future__ import annotations

import pytest

from device.host import HostError
from device.timeline import Timeline
from gbcs.stamp import Stamp
from gbcs.zcl.types import Value
from han.clusters import METERING, PRICE
from peers.finder import Meter
from peers.reading import Fuel
from peers.told import COSTS, TRAILING_DIGIT, Told
from tests.peers.test_shown import house

ELECTRICITY = Fuel.ELECTRICITY


async def test_after_a_change_of_tenancy_reports_are_shown_in_the_meters_units(
    timeline: Timeline,
) -> None:
    async with house(timeline, electricity_by="report", cot_poll_s=600, electricity_poll_s=60) as h:
        await h.command("ECS10", {"SupplierMessage.value": "For the former tenant"})
        await h.wait(hours=1)
        before, power = h.ihd.shown[ELECTRICITY], h.ihd.told(ELECTRICITY).power_kw
        assert h.ihd.message(ELECTRICITY) is not None
        octets = "0x" + Stamp.of(timeline.now()).to_bytes().hex()
        await h.command("ECS12", {"restrictDataDateTime.value": octets})
        await h.wait(minutes=100)
        after = h.ihd.shown[ELECTRICITY]
        assert h.ihd.told(ELECTRICITY).power_kw == power
        assert after.text.partition(" ")[2] == before.text.partition(" ")[2] == "kWh"
        assert (after.multiplier, after.divisor) == (before.multiplier, before.divisor)
        assert after.register > before.register
        assert h.ihd.message(ELECTRICITY) is None


async def test_meters_are_looked_for_again_when_the_search_that_was_due_failed(
    timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(timeline, search_retry_s=60) as h:
        await h.wait(minutes=40)
        display = h.ihd
        assert set(display.meters) == set(Fuel)
        assert display.finder is not None
        search, searches = display.finder.search, list[bool]()

        async def failing_once() -> dict[Fuel, Meter]:
            searches.append(not searches)
            if searches[-1]:
                raise HostError("nobody answers")
            return await search()

        monkeypatch.setattr(display.finder, "search", failing_once)
        display._rediscover()
        await h.wait(minutes=3)
        assert searches == [True, False]


def test_a_meter_that_counts_money_in_whole_units_is_understood() -> None:
    told = Told()
    values: dict[int, Value] = {TRAILING_DIGIT: 0x00}
    told.take(PRICE.cluster_id, values)
    told.take(0x0705, {COSTS[0]: 12})
    assert told.costs.today == "12.00"


def test_a_divisor_of_nothing_is_taken_for_one() -> None:
    told = Told()
    told.take(METERING.cluster_id, {0x0000: 5, 0x0302: 0, 0x0401: 7})
    assert told.consumption.today == "7 kWh"
