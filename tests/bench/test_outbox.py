"""Alerts and Responses on their way to the WAN: none is lost, whoever is away meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bench import devices
from bench.home import Home, living_home, open_home
from bench.hub import start_hub
from bench.parts import Parts
from bench.remote_party import RemoteParty
from bench.rig import Rig
from chub.device_log import Entry
from chub.hub import CommunicationsHub
from device.alerts import Alerts
from device.events import EventStream, FrameFailed, MessageDropped, WakeEnded
from device.timeline import Timeline
from esme.station import ElectricityMeterStation
from gbcs.catalogue import by_name
from gbcs.envelope import Cra, Message
from gbcs.zcl.status import Status
from gsme.device import GasMeter
from han.clusters import METERING, TUNNELING
from han.clusters.tunneling import ToClient, ToServer
from han.requests import command_of
from han.zcl.tables import Side
from hw.ether import Link

ESME, GSME = 0x02434855420000A0, 0x02434855420000A1
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CLOCK_NOT_ADJUSTED = 0x8F0C


def rig(sections: Mapping[str, object], folder: Path | None = None) -> Rig:
    """A rig of these sections; with a folder its store is a file there."""
    store: dict[str, object] = {} if folder is None else {"store": folder / "rig.sqlite"}
    hub: dict[str, object] = {"hub": {"radio": "ether:"}, "gas_meter": False}
    return Rig.model_validate({**hub, **store, **sections})


ELECTRICITY: dict[str, object] = {"electricity_meter": {}}
GAS: dict[str, object] = {"gas_meter": {}}


def hear(home: Home, originator: int, cra: Cra = Cra.ALERT) -> list[Message]:
    """What of one device reaches the WAN from now on, and what waited for somebody there."""
    heard: list[Message] = []

    def take(octets: bytes) -> bool:
        message = Message.parse(octets)
        mine = message.originator == originator and message.cra is cra
        if mine:
            heard.append(message)
        return mine

    home.upward.append(take)
    home.hub.chassis.outbox.flush()
    return heard


def numbers(messages: list[Message]) -> list[int]:
    return [message.originator_counter for message in messages]


def alert(home: Home, times: int = 1) -> list[int]:
    """Let the meter raise an alert to its supplier; the numbers it got."""
    if home.meter is not None:
        alerts = home.meter.meter.alerts
    else:
        assert home.electricity_meter is not None
        alerts = home.electricity_meter.device.common._alerts
    return [alerts.generic(CLOCK_NOT_ADJUSTED).originator_counter for _ in range(times)]


def waiting(home: Home) -> int:
    """How many messages wait in the meter."""
    if home.meter is not None:
        return len(home.meter.chassis.outbox)
    assert home.electricity_meter is not None
    return len(home.electricity_meter.device.chassis.outbox)


def reach(home: Home, *, reached: bool) -> None:
    """Put the meter out of the hub's reach, or back."""
    for meter in (ESME, GSME):
        home.ether.set_link(home.gpf.entity, meter, Link(loss=0.0 if reached else 1.0))


@pytest.mark.parametrize(("sections", "eui64"), [(ELECTRICITY, ESME), (GAS, GSME)])
async def test_alerts_raised_while_the_hub_is_away_survive_the_end_of_the_process(
    sections: Mapping[str, object], eui64: int, timeline: Timeline, tmp_path: Path
) -> None:
    kept = rig(sections, tmp_path)
    async with living_home(kept, timeline) as home:
        heard = hear(home, eui64)
        await timeline.sleep(2 * MINUTE)
        reach(home, reached=False)
        raised = alert(home, 3)
        await timeline.sleep(5 * MINUTE)
        assert heard == []
    async with living_home(kept, timeline) as home:
        heard = hear(home, eui64)
        assert waiting(home) == 3
        await timeline.sleep(40 * MINUTE)
        assert numbers(heard) == raised
        assert waiting(home) == 0
        raised = alert(home)
        await timeline.sleep(40 * MINUTE)
    assert numbers(heard)[3:] == raised == [4]


@pytest.mark.parametrize(("sections", "eui64"), [(ELECTRICITY, ESME), (GAS, GSME)])
async def test_alerts_of_a_meter_out_of_reach_arrive_in_order_when_it_is_back(
    sections: Mapping[str, object], eui64: int, timeline: Timeline
) -> None:
    async with living_home(rig(sections), timeline) as home:
        heard = hear(home, eui64)
        await timeline.sleep(2 * MINUTE)
        reach(home, reached=False)
        raised = alert(home, 5)
        await timeline.sleep(90 * MINUTE)
        assert heard == []
        reach(home, reached=True)
        await timeline.sleep(70 * MINUTE)
        assert numbers(heard) == raised


async def test_a_gas_meter_that_cannot_tell_its_alert_sleeps_until_its_next_wake(
    timeline: Timeline,
) -> None:
    events, ends = EventStream(), list[WakeEnded]()
    events.subscribe(ends.append, WakeEnded)
    async with living_home(rig(GAS), timeline, events=events) as home:
        await timeline.sleep(2 * MINUTE)
        reach(home, reached=False)
        alert(home)
        ends.clear()
        await timeline.sleep(10 * HOUR)
        assert waiting(home) == 1
    assert 20 <= len(ends) <= 22


@asynccontextmanager
async def hub_alone(parts: Parts, heard: list[Message]) -> AsyncIterator[CommunicationsHub]:
    """A hub for the air and the store of others, for as long as the block lasts."""

    def take(octets: bytes) -> None:
        message = Message.parse(octets)
        if message.originator in (ESME, GSME):
            heard.append(message)

    async with AsyncExitStack() as life:
        hub, *_ = await start_hub(replace(parts, stack=life), take)
        yield hub


@pytest.mark.parametrize(("sections", "eui64"), [(ELECTRICITY, ESME), (GAS, GSME)])
async def test_alerts_arrive_when_the_hub_was_off_and_started_again(
    sections: Mapping[str, object], eui64: int, timeline: Timeline
) -> None:
    wanted, heard = rig(sections), list[Message]()
    async with AsyncExitStack() as stack:
        parts = Parts.of(wanted, timeline, stack, None, EventStream(), None)
        meter: ElectricityMeterStation | GasMeter
        async with hub_alone(parts, heard) as hub:
            for section, kind in devices.sections(parts):
                await hub.add_device(Entry(section.eui64, kind, parts.link_key(section)))
            if wanted.gas_meter is not None:
                meter = devices.gas_meter(parts, wanted.gas_meter)
                chassis = meter.chassis
            else:
                assert wanted.electricity_meter is not None
                meter = devices.electricity_meter(parts, wanted.electricity_meter)
                chassis = meter.device.chassis
            living = asyncio.create_task(meter.live())
            await timeline.sleep(40 * MINUTE)
        alerts = Alerts(chassis)
        raised = [alerts.generic(CLOCK_NOT_ADJUSTED).originator_counter for _ in range(3)]
        await timeline.sleep(20 * MINUTE)
        assert (heard, len(chassis.outbox)) == ([], 3)
        async with hub_alone(parts, heard):
            await timeline.sleep(90 * MINUTE)
            assert numbers(heard) == raised
            assert len(chassis.outbox) == 0
            living.cancel()


async def test_what_nobody_takes_from_the_hub_waits_there_over_a_restart(
    timeline: Timeline, tmp_path: Path
) -> None:
    kept = rig(ELECTRICITY, tmp_path)
    async with living_home(kept, timeline) as home:
        await timeline.sleep(2 * MINUTE)
        raised = alert(home, 2)
        await timeline.sleep(MINUTE)
        assert waiting(home) == 0  # the hub has them
    async with open_home(kept, timeline) as home:
        assert numbers(hear(home, ESME)) == raised
        hub = home.hub.chassis
        home.hub.alerts.generic(CLOCK_NOT_ADJUSTED)
        own, before = hub.own_counter.next() - 1, len(hub.outbox)
        assert numbers(hear(home, hub.eui64))[-1] == own
        assert len(hub.outbox) < before
        raised = [home.gpf.alerts.generic(CLOCK_NOT_ADJUSTED).originator_counter]
        assert len(home.gpf.chassis.outbox) == 0  # the hub has it
        assert numbers(hear(home, home.gpf.entity))[-1:] == raised


async def test_a_meter_whose_tunnel_was_closed_after_a_day_of_silence_still_tells_its_alerts(
    timeline: Timeline,
) -> None:
    async with living_home(rig(ELECTRICITY), timeline) as home:
        heard = hear(home, ESME)
        await timeline.sleep(timedelta(days=2))
        raised = alert(home)
        await timeline.sleep(MINUTE)
        assert numbers(heard) == raised


async def test_a_response_that_could_not_be_delivered_arrives_after_a_restart(
    timeline: Timeline, tmp_path: Path
) -> None:
    kept = rig(ELECTRICITY, tmp_path)
    async with living_home(kept, timeline) as home:
        heard = hear(home, ESME, Cra.RESPONSE)
        await timeline.sleep(2 * MINUTE)
        station = home.electricity_meter
        assert station is not None
        supplier = RemoteParty(home.rig.parties.supplier, home.keys)
        command = supplier.command(by_name("ECS52"), ESME, 4711).to_bytes()
        reach(home, reached=False)
        station._tunnel._receive(home.gpf.entity, command)  # it came, and then the hub was gone
        await timeline.sleep(MINUTE)
        assert heard == []
    async with living_home(kept, timeline) as home:
        heard = hear(home, ESME, Cra.RESPONSE)
        await timeline.sleep(2 * MINUTE)
        assert numbers(heard) == [4711]
        await timeline.sleep(2 * HOUR)
        assert numbers(heard) == [4711]


async def test_a_long_response_that_was_cut_off_is_sent_again_whole(timeline: Timeline) -> None:
    async with living_home(rig(ELECTRICITY), timeline) as home:
        await timeline.sleep(timedelta(days=5))
        heard = hear(home, ESME, Cra.RESPONSE)
        operator = RemoteParty(home.rig.parties.network_operator, home.keys)
        buffer = "Phase[1].AverageRMSVoltageProfileDataLog.buffer"
        span = {f"{buffer}.from": "2025-12-01T00:00:00Z", f"{buffer}.to": "2026-12-01T00:00:00Z"}
        home.hub.deliver(operator.command(by_name("ECS23"), ESME, 5, span).to_bytes())
        while not home.hub._from_devices._open:  # the hub has no block of it yet
            await timeline.sleep(timedelta(milliseconds=1))
        reach(home, reached=False)
        await timeline.sleep(5 * MINUTE)
        assert heard == []
        assert waiting(home) == 1
        reach(home, reached=True)
        await timeline.sleep(10 * MINUTE)
        (message,) = heard
        assert len(message.to_bytes()) > 1_200
        assert operator.open(message.to_bytes()).verification.is_authentic


async def test_of_more_alerts_than_a_meter_has_places_the_oldest_are_dropped_by_name(
    timeline: Timeline,
) -> None:
    events, dropped = EventStream(), list[MessageDropped]()
    events.subscribe(dropped.append, MessageDropped)
    places = rig(ELECTRICITY | {"settings": {"common": {"outbox_places": 4}}})
    async with living_home(places, timeline, events=events) as home:
        heard = hear(home, ESME)
        await timeline.sleep(2 * MINUTE)
        reach(home, reached=False)
        raised = alert(home, 7)
        await timeline.sleep(10 * MINUTE)
        reach(home, reached=True)
        await timeline.sleep(2 * HOUR)
        assert numbers(heard) == raised[3:]
    assert [one.originator_counter for one in dropped if one.device == ESME] == raised[:3]


def refuse(home: Home, *, refused: bool) -> None:
    """Let the hub answer every transfer of a device that it failed, or take them again."""
    for endpoint in home.host.node.endpoints.values():
        for command in (ToServer.TRANSFER_DATA, ToClient.TRANSFER_DATA):
            faults = endpoint.server.command_faults
            if refused:
                faults[TUNNELING.cluster_id, command] = Status.FAILURE
            else:
                faults.pop((TUNNELING.cluster_id, command), None)


@pytest.mark.parametrize(
    ("sections", "eui64", "while_refused"),
    [(ELECTRICITY, ESME, 8 * MINUTE), (GAS, GSME, 2.5 * HOUR)],
)
async def test_a_message_that_the_hub_never_wants_is_given_up_by_name_and_the_next_one_goes(
    sections: Mapping[str, object], eui64: int, while_refused: timedelta, timeline: Timeline
) -> None:
    events, dropped = EventStream(), list[MessageDropped]()
    events.subscribe(dropped.append, MessageDropped)
    async with living_home(rig(sections), timeline, events=events) as home:
        heard = hear(home, eui64)
        await timeline.sleep(35 * MINUTE)
        refuse(home, refused=True)
        unwanted, wanted = alert(home, 2)
        await timeline.sleep(while_refused)
        refuse(home, refused=False)
        await timeline.sleep(2 * HOUR)
        assert numbers(heard) == [wanted]
        assert waiting(home) == 0
    assert [(one.originator_counter, one.reason) for one in dropped] == [
        (unwanted, "refused 5 times: " + dropped[0].reason.partition(": ")[2])
    ]


async def test_what_a_foreign_mirror_has_no_use_for_ends_no_wake_of_a_gas_meter(
    timeline: Timeline,
) -> None:
    events, ended, failed = EventStream(), list[WakeEnded](), list[FrameFailed]()
    events.subscribe(ended.append, WakeEnded)
    events.subscribe(failed.append, FrameFailed)
    async with living_home(rig(GAS), timeline, events=events) as home:
        await timeline.sleep(HOUR)
        mirror = home.gpf.han.mirror_endpoint.server
        snapshot = command_of(METERING, "PublishSnapshot", Side.CLIENT)
        mirror.command_faults[METERING.cluster_id, snapshot.id] = Status.UNSUP_CLUSTER_COMMAND
        await timeline.sleep(25 * HOUR)
    assert {one.trouble for one in ended} == {None}
    assert {one.reason for one in failed if one.device == GSME} == {
        "the hub has no use for it: PublishSnapshot was not taken: UNSUP_CLUSTER_COMMAND"
    }
