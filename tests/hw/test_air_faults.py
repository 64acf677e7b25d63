"""The air as a test instrument: what links do to frames, and faults by hand and by script."""

from __future__ import annotations

import asyncio
import io
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.timeline import Timeline
from han.radio import DeliveryStatus, RadioLost, Role
from hw.air_faults import (
    FRAMES_REMEMBERED,
    LINK_DOWN,
    AirFaults,
    DongleFault,
    DongleTrouble,
    FaultError,
    FrameFault,
    FrameTrouble,
    LinkFault,
    Match,
    _FramesOnTheWay,
)
from hw.air_link import CLEAR, Passing
from hw.capture import LinkType, PcapWriter, link_type_of, wireshark_key_option
from hw.ether import Ether, Link
from hw.zigbee.aps import FrameType
from hw.zigbee.beacon import data_request
from hw.zigbee.mac import Address, MacFrame
from tests.hw.air import DISPLAY, DISPLAY_KEY, HUB, METER, METERING, Air, Node, message


@pytest.fixture
async def air(timeline: Timeline) -> AsyncIterator[Air]:
    air = Air(timeline, "ether", seed=3)
    yield air
    await air.close()


async def _two(air: Air) -> tuple[Node, Node, AirFaults]:
    hub = await air.hub()
    return hub, await air.peer(hub), AirFaults(air.ether)


# -- links --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link",
    [
        Link(corrupt=0.3),
        Link(garble=0.3),
        Link(late=0.3, late_s=0.2),
        Link(loss=0.1, repeat=0.2, latency_s=0.01, late=0.1, corrupt=0.1, garble=0.1),
    ],
)
async def test_over_every_kind_of_bad_link_each_message_arrives_once_in_order(
    air: Air, link: Link
) -> None:
    hub, meter, _ = await _two(air)
    air.ether.set_link(HUB, METER, link)
    sent = [bytes((number,)) * 20 for number in range(40)]
    for payload in sent:
        while not (await hub.radio.send(message(METER, payload, encrypted=True))).delivered:
            pass
    heard = meter.payloads()
    assert list(dict.fromkeys(heard)) == sent  # an APS retry that ends in vain is sent anew
    assert len(heard) <= len(sent) + 2


async def test_turned_bits_never_reach_the_application(air: Air) -> None:
    hub, meter, _ = await _two(air)
    air.ether.set_link(HUB, METER, Link(garble=1.0), both=False)
    report = await hub.radio.send(message(METER, bytes(40)))
    assert report.status is DeliveryStatus.NO_ACKNOWLEDGEMENT
    assert meter.payloads() == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"loss": 1.5}, "loss is a probability"),
        ({"late": -0.1}, "late is a probability"),
        ({"latency_s": -1.0}, "no negative time"),
        ({"lqi": 256}, "LQI is from 0 to 255"),
        ({"rssi_dbm": -200}, "RSSI is from -128"),
    ],
)
def test_a_link_that_cannot_be_is_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LinkFault(wrong)


async def test_a_parent_keeps_frames_no_longer_than_the_air_says(timeline: Timeline) -> None:
    air = Air(timeline, "ezsp13")
    air.ether = Ether(1, indirect_limit_s=2.0)
    hub = await air.hub()
    await air.peer(hub, Role.SLEEPY_END_DEVICE)
    before = timeline.elapsed_s
    report = await hub.radio.send(message(METER))
    assert report.status is DeliveryStatus.EXPIRED
    assert 2.0 <= timeline.elapsed_s - before < 2.5
    await air.close()


# -- faults -------------------------------------------------------------------------------------


async def test_a_link_that_is_down_for_a_while_comes_back(air: Air, timeline: Timeline) -> None:
    hub, _, faults = await _two(air)
    faults.plan(LinkFault(LINK_DOWN, (HUB, METER)), in_s=60, for_s=30)
    await asyncio.sleep(59)
    assert (await hub.radio.send(message(METER))).delivered
    await asyncio.sleep(2)
    assert not (await hub.radio.send(message(METER))).delivered
    await asyncio.sleep(30)
    assert (await hub.radio.send(message(METER))).delivered


async def test_one_station_may_be_cut_off_from_all_others(air: Air) -> None:
    hub, _, faults = await _two(air)
    await air.peer(hub, eui64=DISPLAY, key=DISPLAY_KEY)
    with faults.during(LinkFault(LINK_DOWN, (METER,))):
        assert not (await hub.radio.send(message(METER))).delivered
        assert (await hub.radio.send(message(DISPLAY))).delivered
    assert (await hub.radio.send(message(METER))).delivered


async def test_a_fault_of_one_direction_leaves_the_other_alone(air: Air) -> None:
    hub, meter, faults = await _two(air)
    with faults.during(LinkFault({"corrupt": 1.0}, (METER, HUB), one_way=True)):
        assert not (await hub.radio.send(message(METER, b"heard, not acknowledged"))).delivered
        assert meter.payloads() == [b"heard, not acknowledged"]


async def test_the_third_message_of_a_cluster_is_lost_and_sent_again(
    air: Air, timeline: Timeline
) -> None:
    hub, meter, faults = await _two(air)
    faults.start(FrameFault(Match(HUB, METER, cluster=METERING), nth=3))
    took = []
    for number in range(5):
        before = timeline.elapsed_s
        assert (await hub.radio.send(message(METER, bytes((number,)), encrypted=True))).delivered
        took.append(timeline.elapsed_s - before)
    assert meter.payloads() == [bytes((number,)) for number in range(5)]
    assert [second > 1 for second in took] == [False, False, True, False, False]


async def test_a_lost_aps_acknowledgement_does_not_make_a_message_two(
    air: Air, timeline: Timeline
) -> None:
    hub, meter, faults = await _two(air)
    faults.start(FrameFault(Match(METER, HUB, kind=FrameType.ACK, cluster=METERING)))
    before = timeline.elapsed_s
    assert (await hub.radio.send(message(METER, b"once", encrypted=True))).delivered
    assert timeline.elapsed_s - before > 1
    assert meter.payloads() == [b"once"]


@pytest.mark.parametrize(
    ("trouble", "delivered"),
    [
        (FrameTrouble.REPEAT, True),
        (FrameTrouble.DELAY, True),
        (FrameTrouble.CORRUPT, False),
        (FrameTrouble.GARBLE, False),
    ],
)
async def test_frames_may_be_troubled_for_good(
    air: Air, trouble: FrameTrouble, delivered: bool
) -> None:
    hub, meter, faults = await _two(air)
    end = faults.start(FrameFault(Match(receiver=METER, cluster=METERING), trouble, count=0))
    assert (await hub.radio.send(message(METER, b"x"))).delivered is delivered
    end()
    assert (await hub.radio.send(message(METER, b"y"))).delivered
    assert meter.payloads() == ([b"x", b"y"] if delivered else [b"y"])


async def test_a_key_on_its_way_can_be_lost_by_its_command(air: Air) -> None:
    hub, _, faults = await _two(air)
    display = await air.peer(hub, eui64=DISPLAY, key=DISPLAY_KEY)
    for device in (METER, DISPLAY):
        await hub.radio.set_authorised(device, authorised=True)
    with faults.during(FrameFault(Match(receiver=DISPLAY, aps_command=0x05), count=0)):
        assert not await display.radio.request_partner_key(METER)
    assert await display.radio.request_partner_key(METER)


@pytest.mark.parametrize("trouble", list(DongleTrouble))
async def test_a_dongle_in_trouble_is_reported_and_comes_back(
    timeline: Timeline, trouble: DongleTrouble
) -> None:
    air = Air(timeline, "ezsp13")
    hub, _, faults = await _two(air)
    faults.plan(DongleFault(HUB, trouble), in_s=1, for_s=20)
    await asyncio.sleep(2)
    sending = asyncio.create_task(hub.radio.send(message(METER)))
    await hub.hears(RadioLost)
    await asyncio.sleep(60)
    assert hub.radio.on_network
    assert (await hub.radio.send(message(METER))).delivered
    await asyncio.gather(sending, return_exceptions=True)
    await air.close()


async def test_faults_that_cannot_be_are_refused_by_name(air: Air) -> None:
    _, _, faults = await _two(air)
    with pytest.raises(FaultError, match="0A0B0C0D0E0F1012 is no virtual dongle"):
        faults.start(DongleFault(METER, DongleTrouble.MUTE))
    with pytest.raises(FaultError, match="counted from 1"):
        FrameFault(Match(), nth=0)
    with pytest.raises(TypeError):
        LinkFault({"loss_of_nerve": 1.0})


async def test_what_is_planned_can_be_dropped(air: Air) -> None:
    hub, _, faults = await _two(air)
    faults.plan(LinkFault(LINK_DOWN), in_s=5)
    faults.cancel()
    await asyncio.sleep(10)
    assert (await hub.radio.send(message(METER))).delivered


# -- captures -----------------------------------------------------------------------------------


async def test_tshark_reads_strength_quality_and_channel_of_each_frame(
    air: Air, timeline: Timeline, tshark: str, tmp_path: Path
) -> None:
    octets = io.BytesIO()
    air.ether.tap(PcapWriter(octets, timeline.now, LinkType.TAP))
    air.ether.set_link(HUB, METER, Link(rssi_dbm=-83, lqi=97), both=False)
    air.ether.set_link(METER, HUB, Link(rssi_dbm=-61, lqi=180), both=False)
    hub, meter, _ = await _two(air)
    assert (await hub.radio.send(message(METER, encrypted=True))).delivered
    assert (await meter.radio.send(message(HUB, encrypted=True))).delivered
    assert link_type_of(octets.getvalue()[:24]) is LinkType.TAP
    capture = tmp_path / "tap.pcap"
    capture.write_bytes(octets.getvalue())
    keys = [o for key in air.ether.keys for o in ("-o", wireshark_key_option(key, "key"))]
    names = ("wpan-tap.rss", "wpan-tap.lqi", "wpan-tap.ch_num", "wpan.fcs_ok")

    def shown(display_filter: str) -> set[str]:
        fields = [part for name in names for part in ("-e", name)]
        return set(
            subprocess.run(
                [tshark, "-r", str(capture), *keys, "-Y", display_filter, "-T", "fields", *fields],
                check=True,
                capture_output=True,
                text=True,
            ).stdout.splitlines()
        )

    assert shown("_ws.malformed || zbee_sec.encrypted_payload") == set()
    cluster = f"zbee_aps.cluster == {METERING:#x}"
    assert shown(f"{cluster} && zbee_nwk.src == 0") == {"-83\t97\t15\t1"}
    assert shown(f"{cluster} && zbee_nwk.dst == 0") == {"-61\t180\t15\t1"}


def test_a_fault_of_single_frames_counts_on_for_ever_and_remembers_the_last_ones() -> None:
    at_work = _FramesOnTheWay(FrameFault(Match(), nth=1000), Ether())
    for number in range(1, 1100):
        psdu = bytes.fromhex("4188") + number.to_bytes(3, "little") + bytes(6)
        passing = Passing(HUB, METER, psdu, MacFrame.from_bytes(psdu))
        for _ in range(4):  # the MAC repeats it
            assert (at_work.applied(CLEAR, passing) != CLEAR) is (number == 1000)
    assert len(at_work._met) <= FRAMES_REMEMBERED


def test_a_poll_that_looks_like_one_of_256_polls_ago_is_another_frame() -> None:
    at_work = _FramesOnTheWay(FrameFault(Match(), nth=1), Ether())
    for number in range(600):
        psdu = data_request(number & 0xFF, 0xABCD, 0, Address(0x1234))
        passing = Passing(METER, HUB, psdu, MacFrame.from_bytes(psdu))
        assert (at_work.applied(CLEAR, passing) != CLEAR) is (number == 0)
