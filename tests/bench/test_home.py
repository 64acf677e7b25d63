"""A whole home in virtual time: hub, gas meter and air, asked from the WAN side."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bench.home import Home, living_home
from bench.remote_party import Opened, RemoteParty
from bench.rig import Rig
from device.events import CommandRefused, Event, EventStream, MessageQueued, Pushed, WakeEnded
from device.timeline import Timeline
from gbcs.catalogue import by_name
from gbcs.protection import Verdict
from gbcs.stamp import Reliability, Source
from han.clusters import PRICE

HUBS = ["ether:", "vncp:?ezsp=8", "vncp:?ezsp=13", "vncp:?ezsp=14"]
FIRST_PUSH = timedelta(minutes=31)


def rig(**sections: object) -> Rig:
    return Rig.model_validate({"hub": {"radio": "ether:"}} | sections)


def supplier(home: Home) -> RemoteParty:
    return RemoteParty(home.rig.parties.supplier, home.keys)


async def ask(home: Home, use_case: str, to: int, counter: int) -> Opened:
    command = supplier(home).command(by_name(use_case), to, counter)
    return supplier(home).open(await home.ask(command))


def values(answer: Opened) -> dict[tuple[int, int], object]:
    return {(cluster, r.attribute_id): r.value for cluster, r in answer.attributes}


@pytest.mark.parametrize("radio", HUBS)
async def test_a_supplier_reads_the_pushed_register_with_the_meters_time(
    radio: str, timeline: Timeline
) -> None:
    async with living_home(rig(hub={"radio": radio}), timeline) as home:
        await timeline.sleep(FIRST_PUSH)
        answer = await ask(home, "GCS13a", home.gpf.entity, 1)
    stamp = answer.message.date_time
    assert stamp is not None
    assert (stamp.source, stamp.reliability) == (Source.GSME, Reliability.RELIABLE)
    assert stamp.at == timeline.start + timedelta(minutes=30)
    assert answer.verification.mac is Verdict.VALID
    assert values(answer)[0x0702, 0x0000] == 12_345 + 600  # 1200 dm3/h for half an hour


@pytest.mark.parametrize("radio", ["ether:", "vncp:"])
async def test_the_gas_meter_answers_its_supplier_at_its_next_wake(
    radio: str, timeline: Timeline
) -> None:
    async with living_home(rig(hub={"radio": radio}), timeline) as home:
        await timeline.sleep(FIRST_PUSH)
        meter = home.meter
        assert meter is not None
        answer = await ask(home, "GCS13c", meter.chassis.eui64, 7)
        answered_at = timeline.now()
    stamp = answer.message.date_time
    assert stamp is not None
    assert stamp.status == 0x00
    assert stamp.at == timeline.start + timedelta(hours=1)
    assert answered_at - timeline.start < timedelta(hours=1, seconds=30)


async def test_a_hub_on_the_air_loses_nothing_when_one_frame_in_ten_is_lost(
    timeline: Timeline,
) -> None:
    from hw.ether import Link

    async with living_home(rig(), timeline) as home:
        await timeline.sleep(timedelta(minutes=1))
        meter = home.meter
        assert meter is not None
        home.ether.set_link(home.gpf.entity, meter.chassis.eui64, Link(loss=0.1))
        answers = [await ask(home, "GCS14", meter.chassis.eui64, 10 + n) for n in range(4)]
    assert [answer.message.originator_counter for answer in answers] == [10, 11, 12, 13]


async def test_commands_wait_in_order_for_a_sleeping_meter(timeline: Timeline) -> None:
    events, seen = EventStream(), list[Event]()
    events.subscribe(seen.append, MessageQueued, Pushed)
    async with living_home(rig(), timeline, events=events) as home:
        await timeline.sleep(FIRST_PUSH)
        meter = home.meter
        assert meter is not None
        arrived: list[bytes] = []
        home.upward.append(arrived.append)
        for counter in (1, 2, 3):
            command = supplier(home).command(by_name("GCS13a"), meter.chassis.eui64, counter)
            home.hub.deliver(command.to_bytes())
        await timeline.sleep(timedelta(minutes=30))
        opened = [supplier(home).open(octets) for octets in arrived]
    assert [one.message.originator_counter for one in opened] == [1, 2, 3]
    waiting = [event.waiting for event in seen if isinstance(event, MessageQueued)]
    assert waiting == [1, 2, 3]


async def test_what_the_hub_cannot_carry_is_refused_by_name(timeline: Timeline) -> None:
    events, seen = EventStream(), list[CommandRefused]()
    events.subscribe(seen.append, CommandRefused)
    async with living_home(rig(), timeline, events=events) as home:
        await timeline.sleep(FIRST_PUSH)
        command = supplier(home).command(by_name("GCS13a"), home.gpf.entity, 1)
        stranger = replace(command, recipient=0x1122334455667788).to_bytes()
        good = command.to_bytes()
        flipped = bytes([*good[:-1], good[-1] ^ 1])
        for octets in (b"\xdd" * 40, flipped, good):
            home.hub.deliver(octets)
        home.hub.deliver(stranger)
    assert [event.refusal.name for event in seen] == [
        "MALFORMED",
        "MAC_INVALID",
        "UNKNOWN_RECIPIENT",
    ]


async def test_a_use_case_the_device_lacks_is_refused_by_name(timeline: Timeline) -> None:
    events, seen = EventStream(), list[CommandRefused]()
    events.subscribe(seen.append, CommandRefused)
    async with living_home(rig(), timeline, events=events) as home:
        await timeline.sleep(timedelta(minutes=1))
        command = supplier(home).command(by_name("ECS17b"), home.gpf.entity, 1)
        home.hub.deliver(command.to_bytes())
    assert [event.refusal.name for event in seen] == ["NOT_SUPPORTED"]


async def test_a_restarted_rig_goes_on_with_network_mirror_and_waiting_messages(
    timeline: Timeline, tmp_path: Path
) -> None:
    kept = rig(store=tmp_path / "rig.sqlite")
    async with living_home(kept, timeline) as home:
        await timeline.sleep(FIRST_PUSH)
        meter = home.meter
        assert meter is not None
        gsme = meter.chassis.eui64
        command = supplier(home).command(by_name("GCS13a"), gsme, 5)
        home.hub.deliver(command.to_bytes())
    async with living_home(kept, timeline) as home:
        arrived: list[bytes] = []
        home.upward.append(arrived.append)
        answer = await ask(home, "GCS13a", home.gpf.entity, 6)
        await timeline.sleep(timedelta(minutes=31))
        [waited] = arrived[1:]
        assert supplier(home).open(waited).message.originator_counter == 5
    stamp = answer.message.date_time
    assert stamp is not None
    assert stamp.at == timeline.start + timedelta(minutes=30)


async def test_a_restarted_hub_knows_which_displays_want_to_hear_of_changes(
    timeline: Timeline, tmp_path: Path
) -> None:
    kept = rig(store=tmp_path / "rig.sqlite", displays=[{"eui64": "02434855420000D1"}])
    async with living_home(kept, timeline) as home:
        await timeline.sleep(FIRST_PUSH)
        bound = {(each.cluster_id, each.peer) for each in home.host.node.bindings}
    assert (PRICE.cluster_id, 0x02434855420000D1) in bound
    async with living_home(kept, timeline) as home:
        assert {(each.cluster_id, each.peer) for each in home.host.node.bindings} == bound


async def test_a_meter_that_is_not_in_the_device_log_is_not_let_in(timeline: Timeline) -> None:
    events, ends = EventStream(), list[WakeEnded]()
    events.subscribe(ends.append, WakeEnded)
    async with living_home(rig(), timeline, events=events) as home:
        meter = home.meter
        assert meter is not None
        await timeline.sleep(FIRST_PUSH)
        assert await home.hub.remove_device(meter.chassis.eui64)
        await timeline.sleep(timedelta(hours=1))
        assert not meter.radio.on_network
        assert home.gpf.mirror.values == {}


async def test_a_real_meter_is_admitted_by_its_install_code_and_none_is_emulated(
    timeline: Timeline,
) -> None:
    from han.radio import Role, link_key_of_install_code
    from hw.ether_radio import EtherRadio

    code, eui64 = bytes(range(16)), 0x000D6F00ABCDEF01
    real = {"kind": "GSME", "eui64": f"{eui64:016X}", "install_code": code.hex()}
    async with living_home(rig(gas_meter=False, admitted=[real]), timeline) as home:
        assert home.meter is None
        assert [entry.eui64 for entry in home.hub.device_log.entries()] == [eui64]
        radio = EtherRadio(home.ether, eui64, Role.SLEEPY_END_DEVICE)
        await radio.start()
        [beacon] = await radio.scan([15])
        await radio.join(beacon, link_key_of_install_code(code))
        assert radio.on_network
        await radio.close()


async def test_a_response_longer_than_a_tunnel_carries_arrives_whole(timeline: Timeline) -> None:
    built = rig(gas_meter=False, electricity_meter={"load_w": 1_000})
    async with living_home(built, timeline) as home:
        await timeline.sleep(timedelta(days=30))
        station = home.electricity_meter
        assert station is not None
        operator = RemoteParty(home.rig.parties.network_operator, home.keys)
        buffer = "Phase[1].AverageRMSVoltageProfileDataLog.buffer"
        span = {f"{buffer}.from": "2025-12-01T00:00:00Z", f"{buffer}.to": "2026-12-01T00:00:00Z"}
        command = operator.command(by_name("ECS23"), station.device.chassis.eui64, 5, span)
        octets = await home.ask(command)
    assert len(octets) > 10_000
    assert operator.open(octets).verification.is_authentic
