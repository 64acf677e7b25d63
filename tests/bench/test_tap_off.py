"""Buffered commands in a whole home: supplier, mailbox, gas meter, Response, proxy."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bench.home import Home, living_home
from bench.rig import Rig
from device.timeline import Timeline
from gbcs.catalogue import by_name
from gbcs.envelope import Cra, Message
from gbcs.gbz import Component, Gbz, GbzAlert
from gbcs.protection import protect
from gbcs.zcl.types import zcl_seconds
from gpf.tap_off import FAILURE
from han.clusters import DEVICE_MANAGEMENT, PRICE
from han.commands.device_management import PublishChangeOfSupplier
from han.commands.price import (
    PublishCalorificValue,
    PublishConversionFactor,
    PublishPriceMatrix,
    PublishTariffInformation,
    TierPrice,
)
from tests.gsme.rig import component, moved

FIRST_PUSH = timedelta(minutes=31)
STANDING_CHARGE, CONVERSION_FACTOR = 0x0301, 0x0302


def rig() -> Rig:
    return Rig.model_validate({"hub": {"radio": "ether:"}})


def order(home: Home, use_case: str, counter: int, *components: Component) -> Message:
    assert home.meter is not None
    numbered = [moved(each, number) for number, each in enumerate(components)]
    message = Message(
        cra=Cra.COMMAND,
        originator_counter=counter,
        originator=home.rig.parties.supplier,
        recipient=home.meter.chassis.eui64,
        message_code=by_name(use_case).message_code,
        payload=Gbz(tuple(numbered)).to_bytes(),
    )
    return protect(message, home.keys)


def conversion(factor: int) -> tuple[Component, Component]:
    return (
        component(PRICE, PublishConversionFactor(1, 0, factor, 0x50)),
        component(PRICE, PublishCalorificValue(1, 0, 401, 1, 0x10)),
    )


async def test_the_proxy_shows_what_the_meter_has_executed_once_it_has(timeline: Timeline) -> None:
    async with living_home(rig(), timeline) as home:
        await timeline.sleep(FIRST_PUSH)
        before = home.gpf.state.tariff.values[CONVERSION_FACTOR]
        asking = order(home, "GCS23", 7, *conversion(123_456))
        home.hub.deliver(asking.to_bytes())
        assert home.gpf.state.tariff.values[CONVERSION_FACTOR] == before
        await timeline.sleep(timedelta(minutes=31))
        assert home.gpf.state.tariff.values[CONVERSION_FACTOR] == 123_456
        assert home.meter is not None
        assert home.meter.model.tariff.values[CONVERSION_FACTOR] == 123_456


async def test_a_future_dated_price_is_in_force_at_meter_and_proxy_at_its_time(
    timeline: Timeline,
) -> None:
    async with living_home(rig(), timeline) as home:
        await timeline.sleep(FIRST_PUSH)
        at = timeline.start + timedelta(hours=2, minutes=10)
        start = zcl_seconds(at)
        asking = order(
            home,
            "GCS01b",
            7,
            component(
                PRICE,
                PublishTariffInformation(
                    *(0, 1, 1, start, 0, b"", 4, 0, 0, 826, 0x50, 22_465, 0xFF, 1, 1000)
                ),
            ),
            component(PRICE, PublishPriceMatrix(0, 1, start, 1, 0, 1, 1, (TierPrice(1, 9_600),))),
        )
        home.hub.deliver(asking.to_bytes())
        await timeline.sleep_until(at - timedelta(seconds=1))
        assert home.meter is not None
        meter, proxy = home.meter.model.tariff.values, home.gpf.state.tariff.values
        assert (meter[STANDING_CHARGE], proxy[STANDING_CHARGE]) == (0, 0)
        await timeline.sleep(timedelta(seconds=30))
        assert (meter[STANDING_CHARGE], proxy[STANDING_CHARGE]) == (22_465, 22_465)
        assert proxy[0x0410] == 9_600


async def test_a_hub_that_restarts_between_command_and_response_still_taps_it_off(
    timeline: Timeline,
) -> None:
    async with living_home(rig(), timeline) as home:
        await timeline.sleep(FIRST_PUSH)
        asking = order(home, "GCS23", 7, *conversion(123_456))
        home.hub.deliver(asking.to_bytes())
        from chub.tap_off import TapOffs

        again = TapOffs(home.hub.chassis.store)
        again.tapped, again.overheard = home.gpf.tapped, home.gpf.overheard
        home.hub.tap_offs = again
        await timeline.sleep(timedelta(minutes=31))
        assert home.gpf.state.tariff.values[CONVERSION_FACTOR] == 123_456


async def test_a_response_put_by_another_device_than_the_meter_is_not_tapped_off(
    timeline: Timeline,
) -> None:
    async with living_home(rig(), timeline) as home:
        await timeline.sleep(FIRST_PUSH)
        supplier = PublishChangeOfSupplier(0, 1, 0, 0, 0, 0x1800, b"E", b"0333")
        asking = order(home, "GCS44", 7, component(DEVICE_MANAGEMENT, supplier))
        home.hub.deliver(asking.to_bytes())
        forged = Message(
            cra=Cra.RESPONSE,
            originator_counter=7,
            originator=asking.recipient,
            recipient=asking.originator,
            message_code=asking.message_code,
            payload=bytes.fromhex("010901010708000500000B0100"),
        )
        home.hub.tap_offs.heard(0x1234, forged)
        assert home.gpf.state.supplier is None
        await timeline.sleep(timedelta(minutes=31))
        assert home.gpf.state.supplier == supplier


@pytest.mark.parametrize("code", [FAILURE])
async def test_a_response_that_fits_no_command_is_alerted_by_the_proxy(
    code: int, timeline: Timeline
) -> None:
    async with living_home(rig(), timeline) as home:
        await timeline.sleep(FIRST_PUSH)
        alerts: list[Message] = []
        home.upward.append(lambda octets: alerts.append(Message.parse(octets)))
        asking = order(home, "GCS23", 7, *conversion(123_456))
        short = Gbz(Gbz.parse(asking.payload).components[:1]).to_bytes()
        home.gpf.tapped(asking, asking.answer(short))
        assert [GbzAlert.parse(one.payload).alert_code for one in alerts] == [code]
