"""Devices come onto the HAN: by install code to the network, by certificate to a key of their own.

Scenarios 29 and 30 of a home, and everything that may go wrong with them.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from bench.home import Home, living_home, open_home
from bench.rig import Rig
from device.commissioning import JoinSettings
from device.events import EventStream, Expelled, FrameIgnored, FrameServed
from device.host import HostError
from device.joining import DEVICE_JOINED, JOINING_FAILED
from device.store import MemoryStore
from device.timeline import Timeline
from gbcs.party import DeviceType
from gbcs.zcl.general import DefaultResponse, GeneralCommand
from gbcs.zcl.status import Status
from han.cbke.certificate import Suite
from han.clusters import METERING, TIME, TUNNELING
from han.radio import ApsFrame, ApsReceived, Role
from han.requests import Far
from tests.joining import ENDPOINT, LINK_KEY, Device, credentials, device, joining

EUI64 = 0x000D6F00ABCDEF01
MINUTE = timedelta(minutes=1)


def rig(**settings: dict[str, object]) -> Rig:
    return Rig.model_validate(
        {"hub": {"radio": "ether:"}, "gas_meter": False, "settings": settings}
    )


def holds_key(home: Home, one: Device) -> bool:
    """Whether hub and device have the same established key in their radios."""
    entry = home.hub.device_log.get(one.eui64)
    assert entry is not None
    hub = home.host.radio
    keys = [hub._stack.state.link_keys[one.eui64].key]  # type: ignore[attr-defined]
    keys += [one.radio._stack.state.link_keys[hub.eui64].key, entry.tc_link_key]
    return entry.authorised and entry.tc_link_key != LINK_KEY and len(set(keys)) == 1


async def test_a_device_with_the_right_install_code_gets_a_key_of_its_own(
    timeline: Timeline,
) -> None:
    async with open_home(rig(), timeline) as home, device(home, timeline, EUI64) as one:
        await one.joining.join()
        assert one.joining.authorised
        assert holds_key(home, one)
        assert one.reasons == []
        assert one.log == [DEVICE_JOINED]
        assert one.steps == [
            "HEARD",
            "NETWORK_KEY",
            "KEY_SERVER",
            "CERTIFICATE",
            "EPHEMERAL",
            "CONFIRMED",
            "AUTHORISED",
        ]
        [heard] = home.hub.chassis.event_log.entries()
        assert (heard.code, heard.other) == (DEVICE_JOINED, EUI64.to_bytes(8))


async def test_a_device_with_a_wrong_install_code_never_gets_the_network_key(
    timeline: Timeline,
) -> None:
    async with (
        open_home(rig(chf={"join_timeout_s": 90}), timeline) as home,
        device(home, timeline, EUI64, link_key=bytes(16)) as one,
        joining(one),
    ):
        await timeline.sleep(timedelta(seconds=30))
        assert one.reasons == [
            "hub 02434855420000A3: no network key arrived: "
            "the trust centre does not know this device or its link key"
        ]
        await timeline.sleep(timedelta(minutes=5))
        assert one.reasons[-1] == "no hub that permits joining was heard"
        entry = home.hub.device_log.get(EUI64)
        assert entry is not None
        assert (entry.tc_link_key, entry.authorised) == (None, False)
        assert DEVICE_JOINED not in one.log
        assert home.hub.chassis.event_log.entries() == ()


async def test_a_device_that_comes_after_the_window_is_let_in_when_it_opens_again(
    timeline: Timeline,
) -> None:
    async with (
        open_home(rig(chf={"join_timeout_s": 90}), timeline) as home,
        device(home, timeline, EUI64) as one,
    ):
        await timeline.sleep(2 * MINUTE)
        async with joining(one) as task:
            await timeline.sleep(2 * MINUTE)
            assert set(one.reasons) == {"no hub that permits joining was heard"}
            entry = home.hub.device_log.get(EUI64)
            assert entry is not None
            await home.hub.reopen(entry)
            await task
        assert holds_key(home, one)


async def test_a_stranger_is_turned_away(timeline: Timeline) -> None:
    async with (
        open_home(rig(), timeline) as home,
        device(home, timeline, EUI64, admit=False) as one,
        joining(one),
    ):
        await home.host.radio.permit_joining(200)
        await timeline.sleep(3 * MINUTE)
        assert not one.radio.on_network
        assert EUI64 not in home.hub.device_log


@pytest.mark.parametrize(
    ("of_device", "of_hub", "chosen"),
    [(1, 1, 1), (2, 2, 2), (3, 3, 2), (3, 1, 1), (1, 3, 1), (2, 3, 2)],
)
async def test_the_best_suite_in_common_is_taken(
    of_device: int, of_hub: int, chosen: int, timeline: Timeline
) -> None:
    certified = credentials(EUI64, LINK_KEY, suites=Suite(of_device))
    offered = JoinSettings(suites=of_device)
    async with (
        open_home(rig(chf={"suites": of_hub}), timeline) as home,
        device(home, timeline, EUI64, certified=certified, settings=offered) as one,
    ):
        await one.joining.join()
        established = [event.suite for event in one.seen if hasattr(event, "suite")]
        assert established == [chosen]
        assert holds_key(home, one)


async def test_without_a_suite_in_common_the_device_stays_outside_and_says_why(
    timeline: Timeline,
) -> None:
    certified = credentials(EUI64, LINK_KEY, suites=Suite.SUITE_1)
    async with (
        open_home(rig(), timeline) as home,
        device(home, timeline, EUI64, certified=certified, settings=JoinSettings(suites=1)) as one,
        joining(one),
    ):
        await timeline.sleep(MINUTE)
        assert set(one.reasons) == {"no suite in common"}
        assert one.radio.on_network
        assert not one.joining.authorised


async def test_a_device_with_a_certificate_of_another_authority_leaves(
    timeline: Timeline,
) -> None:
    foreign = credentials(EUI64, LINK_KEY, seed="another authority")
    async with (
        open_home(rig(), timeline) as home,
        device(home, timeline, EUI64, certified=foreign) as one,
        joining(one),
    ):
        await timeline.sleep(MINUTE)
        assert not one.radio.on_network
        assert one.reasons == [
            "the partner refused",
            "the hub and this device have certificates of other authorities",
        ]
        assert one.log == [JOINING_FAILED]
        assert [entry.code for entry in home.hub.chassis.event_log.entries()] == [JOINING_FAILED]
        entry = home.hub.device_log.get(EUI64)
        assert entry is not None
        assert entry.tc_link_key is None


async def test_a_restarted_device_goes_on_without_a_new_key(timeline: Timeline) -> None:
    store = MemoryStore()
    async with open_home(rig(), timeline) as home:
        async with device(home, timeline, EUI64, store=store) as one:
            await one.joining.join()
        entry = home.hub.device_log.get(EUI64)
        async with device(home, timeline, EUI64, store=store) as again:
            await again.joining.join()
            assert again.steps == ["RESUMED"]
            assert holds_key(home, again)
        assert home.hub.device_log.get(EUI64) == entry


async def test_a_device_that_lost_its_memory_joins_anew_and_gets_the_next_key(
    timeline: Timeline,
) -> None:
    async with open_home(rig(), timeline) as home:
        async with device(home, timeline, EUI64) as one:
            await one.joining.join()
        first = home.hub.device_log.get(EUI64)
        async with device(
            home, timeline, EUI64, certified=credentials(EUI64, LINK_KEY, random=2)
        ) as again:
            await again.joining.join()
            assert holds_key(home, again)
        second = home.hub.device_log.get(EUI64)
        assert first is not None
        assert second is not None
        assert first.tc_link_key != second.tc_link_key


async def test_a_restarted_hub_knows_its_devices_and_their_keys(
    timeline: Timeline, tmp_path: Path
) -> None:
    kept = rig().model_copy(update={"store": tmp_path / "rig.sqlite"})
    store = MemoryStore()
    async with open_home(kept, timeline) as home, device(home, timeline, EUI64, store=store) as one:
        await one.joining.join()
        before = home.hub.device_log.get(EUI64)
    async with (
        open_home(kept, timeline) as home,
        device(home, timeline, EUI64, store=store, admit=False) as one,
    ):
        assert home.hub.device_log.get(EUI64) == before
        await one.joining.join()
        assert one.steps == ["RESUMED"]
        assert holds_key(home, one)


# -- what a device may do before it has its key ----------------------------------------------------


async def on_the_network(home: Home, one: Device) -> None:
    """Bring a device to the network with nothing but the key of its install code."""
    [beacon] = await one.radio.scan([15])
    await one.radio.join(beacon, LINK_KEY)


async def test_before_its_key_a_device_reads_the_time_but_no_smart_energy_cluster(
    timeline: Timeline,
) -> None:
    async with open_home(rig(), timeline) as home, device(home, timeline, EUI64) as one:
        await on_the_network(home, one)
        hub, chf = home.gpf.entity, home.rig.hub.chf_endpoint
        answer = await one.host.request(Far(hub, chf, TIME.cluster_id, ENDPOINT).read([0]))
        assert answer.command_id == GeneralCommand.READ_ATTRIBUTES_RESPONSE

        clear = Far(hub, chf, TUNNELING.cluster_id, ENDPOINT).read([0])
        served: list[FrameServed] = []
        home.events.subscribe(served.append, FrameServed)
        frame = ApsFrame(hub, 0x0109, TUNNELING.cluster_id, ENDPOINT, chf, b"\x00\x01\x00\x00\x00")
        await one.radio.send(frame)
        await timeline.sleep(MINUTE)
        assert [event.refused for event in served if event.device == hub] == [True]

        ignored: list[FrameIgnored] = []
        home.events.subscribe(ignored.append, FrameIgnored)
        with pytest.raises(HostError, match="not answered"):
            await one.host.request(clear)
        assert [event.reason for event in ignored if event.device == hub] == [
            "secured by a device that has not established its link key"
        ]


async def test_unsecured_frames_of_smart_energy_clusters_are_answered_failure(
    timeline: Timeline,
) -> None:
    async with open_home(rig(), timeline) as home, device(home, timeline, EUI64) as one:
        await one.joining.join()
        heard: list[bytes] = []

        def note(frame: ApsReceived) -> ApsReceived:
            if frame.cluster_id == METERING.cluster_id:
                heard.append(frame.payload)
            return frame

        one.radio.hear = note
        esi = home.rig.hub.esi_endpoint
        frame = ApsFrame(
            home.gpf.entity, 0x0109, METERING.cluster_id, ENDPOINT, esi, b"\x08\x21\x00\x00\x00"
        )
        await one.radio.send(frame)
        await timeline.sleep(MINUTE)
    [answer] = heard
    assert answer[1:3] == b"\x21\x0b"
    assert DefaultResponse.parse(answer[3:]) == DefaultResponse(0x00, Status.FAILURE)


async def test_the_hub_opens_no_tunnel_before_the_key(timeline: Timeline) -> None:
    async with (
        open_home(rig(), timeline) as home,
        device(home, timeline, EUI64, kind=DeviceType.ESME) as one,
    ):
        await on_the_network(home, one)
        await timeline.sleep(MINUTE)
        assert not home.hub.opener.clients.is_open(EUI64)
        home.hub.opener.send(EUI64, b"x", timeline.now())
        [failed] = home.hub.opener.events()
        assert getattr(failed, "reason", None) == "it has not established its link key"


async def test_a_device_that_takes_too_long_is_made_to_leave_and_may_come_again(
    timeline: Timeline,
) -> None:
    events = EventStream()
    expelling = rig(chf={"expel_after_s": 3_600})
    async with (
        open_home(expelling, timeline, events=events) as home,
        device(home, timeline, EUI64) as one,
    ):
        expelled: list[Expelled] = []
        events.subscribe(expelled.append, Expelled)
        await on_the_network(home, one)
        await timeline.sleep(59 * MINUTE)
        assert expelled == []
        await timeline.sleep(2 * MINUTE)
        assert [event.peer for event in expelled] == [EUI64]
        assert not one.radio.on_network
        entry = home.hub.device_log.get(EUI64)
        assert entry is not None
        await home.hub.reopen(entry)
        await one.joining.join()
        assert holds_key(home, one)


async def test_a_sleepy_device_establishes_its_key_and_sleeps_again(timeline: Timeline) -> None:
    async with (
        open_home(rig(), timeline) as home,
        device(home, timeline, EUI64, role=Role.SLEEPY_END_DEVICE) as one,
    ):
        await one.joining.join()
        assert holds_key(home, one)
        assert one.radio._stack.polls_every_s is None


async def test_a_whole_home_joins_a_hub_with_unusual_endpoint_numbers(timeline: Timeline) -> None:
    strict = Rig.model_validate(
        {
            "hub": {
                "radio": "ether:",
                "esi_endpoint": 0x7B,
                "mirror_endpoint": 0xC8,
                "chf_endpoint": 0x11,
            },
            "electricity_meter": {},
            "displays": [{"eui64": "02-43-48-55-42-00-00-D1"}],
        }
    )
    async with living_home(strict, timeline) as home:
        await timeline.sleep(timedelta(minutes=31))
        assert all(entry.authorised for entry in home.hub.device_log.entries())
        [display] = home.displays
        assert len(display.shown) == 2
        assert home.electricity_meter is not None
        assert home.hub.opener.clients.is_open(home.electricity_meter.device.chassis.eui64)


async def test_a_hub_on_a_dongle_takes_as_many_devices_as_a_device_log_has_places(
    timeline: Timeline,
) -> None:
    home_rig = Rig.model_validate({"hub": {"radio": "vncp:"}, "gas_meter": False})
    async with open_home(home_rig, timeline) as home, AsyncExitStack() as stack:
        devices = [
            await stack.enter_async_context(device(home, timeline, EUI64 + number))
            for number in range(16)
        ]
        async with timeline.timeout_at(timeline.now() + 10 * MINUTE):
            await asyncio.gather(*(one.joining.join() for one in devices))
        entries = home.hub.device_log.entries()
        assert len(entries) == sum(entry.authorised for entry in entries) == 16
