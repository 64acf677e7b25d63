"""What a gas meter logs reaches its proxy: pushed as it happens, asked for when it was missed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bench.home import Home, living_home
from bench.rig import Rig
from device.sample_log import DAILY, PROFILE
from device.timeline import Timeline
from gbcs.envelope import Message
from gbcs.gbz import GbzAlert
from gbcs.protection import attribute_cipher
from gbcs.zcl.types import zcl_seconds
from gsme.device import GasMeter
from gsme.hub_link import LinkTrouble
from han.commands.metering import PublishSnapshot
from han.commands.price import PublishBillingPeriod
from han.zcl.payload import decode
from han.zcl.tables import ClusterDefinition
from hw.air_link import Link

HALF_HOUR = timedelta(minutes=30)
A_WHILE = timedelta(minutes=1)


def rig() -> Rig:
    return Rig.model_validate({"hub": {"radio": "ether:"}, "gas_meter": {"flow_dm3_per_h": 240}})


def meter_of(home: Home) -> GasMeter:
    assert home.meter is not None
    return home.meter


def profile(home: Home) -> dict[int, int | None]:
    log = home.gpf.samples.get(PROFILE.sample_id)
    assert log is not None
    held = log.read(home.timeline.start, 100)
    assert held is not None
    first = zcl_seconds(held.first_end)
    return {first + 1800 * number: value for number, value in enumerate(held.values)}


async def test_the_snapshot_of_midnight_comes_with_the_push_and_refreshes_the_registers(
    timeline: Timeline,
) -> None:
    async with living_home(rig(), timeline) as home:
        await timeline.sleep(timedelta(days=1) + A_WHILE)
        logs, meter = home.gpf.state.logs, meter_of(home)
        midnight = zcl_seconds(timeline.start + timedelta(days=1))
        assert [one.time for one in logs.daily] == [midnight]
        assert logs.daily == meter.model.logs.daily
        assert int.from_bytes(logs.daily[0].body[:6], "little") == meter.model.volume_dm3
        daily = home.gpf.samples.get(DAILY.sample_id)
        assert daily is not None


def set_range(home: Home, *, good: bool) -> None:
    meter, hub = meter_of(home).chassis.eui64, home.gpf.entity
    home.ether.set_link(meter, hub, Link() if good else Link(loss=1.0))


async def test_half_hours_of_lost_pushes_are_asked_for_and_entered_once(
    timeline: Timeline,
) -> None:
    async with living_home(rig(), timeline) as home:
        await timeline.sleep(2 * HALF_HOUR + A_WHILE)
        set_range(home, good=False)
        await timeline.sleep(3 * HALF_HOUR)
        set_range(home, good=True)
        await timeline.sleep(3 * HALF_HOUR)
        entries = profile(home)
    start = zcl_seconds(timeline.start)
    assert list(entries) == [start + 1800 * n for n in range(2, 9)]
    assert set(entries.values()) == {120}


async def test_a_day_whose_snapshot_was_missed_is_asked_for(timeline: Timeline) -> None:
    async with living_home(rig(), timeline) as home:
        await timeline.sleep(timedelta(hours=23))
        set_range(home, good=False)
        await timeline.sleep(timedelta(hours=1, minutes=45))
        assert home.gpf.state.logs.daily == []
        set_range(home, good=True)
        await timeline.sleep(timedelta(hours=2))
        midnight = zcl_seconds(timeline.start + timedelta(days=1))
        assert [one.time for one in home.gpf.state.logs.daily] == [midnight]
        assert len(profile(home)) >= 48


async def test_a_billing_period_that_ends_is_snapshot_pushed_and_told_to_the_supplier(
    timeline: Timeline,
) -> None:
    alerts: list[Message] = []
    async with living_home(rig(), timeline) as home:
        home.upward.append(lambda octets: alerts.append(Message.parse(octets)))
        start = zcl_seconds(timeline.start + timedelta(hours=2))
        model = meter_of(home).model
        model.tariff.take(PublishBillingPeriod(0, 1, start, 1, 0x21, 0))
        await timeline.sleep(timedelta(hours=2) + A_WHILE)
        assert [one.time for one in home.gpf.state.logs.billing] == [start]
        (alert,) = (one for one in alerts if one.message_code == 0x008B)
        told = GbzAlert.parse(alert.payload)
        cipher = attribute_cipher(alert, home.keys)
        (component,) = (each.opened(cipher) for each in told.components())
        snapshot = decode(PublishSnapshot, component.frame.payload)
        assert told.alert_code == 0x8F0A
        assert snapshot.snapshot_time == start
        assert snapshot.body == model.logs.billing[0].body


async def test_the_proxy_has_a_copy_of_the_meters_event_log(timeline: Timeline) -> None:
    async with living_home(rig(), timeline) as home:
        await timeline.sleep(HALF_HOUR + A_WHILE)
        meter_of(home).chassis.event_log.add(0x8168, b"\x01")
        meter_of(home).chassis.security_log.add(0x8F3F)
        await timeline.sleep(HALF_HOUR)
        state = home.gpf.state
        assert [(one.event_id, one.data) for one in state.gsme_events[-1:]] == [(0x8168, b"\x01")]
        assert [one.event_id for one in state.gsme_security] == [0x8F3F]


async def test_of_entries_that_a_failing_wake_left_the_proxy_gets_each_once(
    timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with living_home(rig(), timeline) as home:
        await timeline.sleep(HALF_HOUR + A_WHILE)
        meter, sent = meter_of(home), list[object]()
        link = meter._link
        assert link is not None
        publish = link.publish

        async def publish_three(definition: ClusterDefinition, message: object) -> None:
            sent.append(message)
            if len(sent) == 4:
                meter.chassis.event_log.add(0x8168, b"meanwhile")
                raise LinkTrouble("the hub is gone")
            await publish(definition, message)

        monkeypatch.setattr(link, "publish", publish_three)
        for number in range(5):
            meter.chassis.event_log.add(0x8168, bytes((number,)))
        await timeline.sleep(2 * HALF_HOUR)
        told = [one.data for one in home.gpf.state.gsme_events if one.event_id == 0x8168]
        assert told == [*(bytes((number,)) for number in range(5)), b"meanwhile"]
        assert meter.model.untold == []
