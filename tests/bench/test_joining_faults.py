"""Joining on a bad day: silence at every step in both roles, spoilt MACs, a bad air, a lost hub."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bench.home import Home, living_home, open_home
from bench.rig import Rig
from device.commissioning import JoinSettings
from device.events import (
    Event,
    EventStream,
    KeyEstablished,
    KeyNotEstablished,
    RadioLost,
    TrustCentreWatched,
)
from device.joining import DEVICE_JOINED, JOINING_FAILED
from device.store import MemoryStore
from device.timeline import Timeline
from han.cbke.certificate import Suite
from han.cbke.messages import Step
from han.radio import ApsFrame, ApsReceived, RadioError
from hw.air_link import Link
from tests.bench.test_joining import EUI64, MINUTE, holds_key
from tests.dissected import Dissected
from tests.joining import LINK_KEY, Device, credentials, device, joining

SUITE_1 = {"chf": {"suites": 1}, "join": {"suites": 1}}  # which costs less arithmetic
KEY_ESTABLISHMENT, MATCH_DESC = 0x0800, 0x0006
STEPS = ("find", "read", "initiate", "ephemeral", "confirm")
NAMED = {
    "not answered",
    "no answer",
    "no acknowledgement",
    "the partner stopped",
    "the partner refused",
    "we refused",
    "the partner began as well",
}


@asynccontextmanager
async def home_and_device(
    timeline: Timeline, suite: Suite = Suite.SUITE_1, settings: JoinSettings | None = None
) -> AsyncIterator[tuple[Home, Device]]:
    rig = Rig.model_validate(
        {
            "hub": {"radio": "ether:"},
            "gas_meter": False,
            "settings": {"chf": {"suites": int(suite)}},
        }
    )
    certified = credentials(EUI64, LINK_KEY, suites=suite)
    patience = replace(settings or JoinSettings(), suites=int(suite))
    async with (
        open_home(rig, timeline) as home,
        device(home, timeline, EUI64, certified=certified, settings=patience) as one,
    ):
        yield home, one


def of_exchange(frame: ApsFrame | ApsReceived) -> bool:
    """Whether a frame belongs to finding the partner, or to the exchange with it."""
    found = frame.profile_id == 0 and frame.cluster_id & 0x7FFF == MATCH_DESC
    return found or frame.cluster_id == KEY_ESTABLISHMENT


class Nth:
    """Picks one frame of an exchange, by its number from 0."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.seen = wanted, 0

    def __call__(self, frame: ApsFrame | ApsReceived) -> bool:
        if not of_exchange(frame):
            return False
        self.seen += 1
        return self.seen == self.wanted + 1


def hear_all_but(nth: Nth, one: Device) -> None:
    one.radio.hear = lambda frame: None if nth(frame) else frame


def say_all_but(nth: Nth, one: Device) -> None:
    one.radio.tamper = lambda frame: None if nth(frame) else frame


def named(reasons: list[str]) -> bool:
    return bool(reasons) and all(
        reason in NAMED or reason.rpartition(": ")[2] in NAMED or "not answered" in reason
        for reason in reasons
    )


@pytest.mark.parametrize("lose", [hear_all_but, say_all_but])
@pytest.mark.parametrize("step", range(5), ids=STEPS)
async def test_a_device_that_meets_silence_says_so_and_gets_its_key_at_the_next_try(
    step: int, lose: object, timeline: Timeline
) -> None:
    assert callable(lose)
    async with home_and_device(timeline) as (home, one):
        nth = Nth(step)
        lose(nth, one)
        async with joining(one) as task:
            await task
        assert nth.seen > step
        assert named(one.reasons), one.reasons
        assert len(one.reasons) == 1
        assert holds_key(home, one)
        assert timeline.now() - timeline.start < 2 * MINUTE


@pytest.mark.parametrize("lose", [hear_all_but, say_all_but])
@pytest.mark.parametrize("step", range(5), ids=STEPS)
async def test_a_hub_whose_fresh_key_meets_silence_tries_again_and_the_old_key_serves_till_then(
    step: int, lose: object, timeline: Timeline
) -> None:
    assert callable(lose)
    async with home_and_device(timeline) as (home, one):
        await one.joining.join()
        first = home.hub.device_log.get(EUI64)
        told: list[Event] = []
        home.events.subscribe(told.append, KeyNotEstablished, KeyEstablished)
        nth = Nth(step)
        lose(nth, one)
        home.hub.trust_centre.refresh_key(EUI64)
        await timeline.sleep(3 * MINUTE)
        failed = [e for e in told if isinstance(e, KeyNotEstablished) and e.device != EUI64]
        assert named([event.reason for event in failed])
        second = home.hub.device_log.get(EUI64)
        assert first is not None
        assert second is not None
        assert first.tc_link_key != second.tc_link_key
        assert holds_key(home, one)
        assert one.joining.authorised


async def test_a_hub_gives_up_a_fresh_key_after_ten_tries_and_the_old_one_goes_on(
    timeline: Timeline,
) -> None:
    async with home_and_device(timeline) as (home, one):
        await one.joining.join()
        before = home.hub.device_log.get(EUI64)
        one.radio.hear = lambda frame: None if frame.cluster_id == KEY_ESTABLISHMENT else frame
        told: list[KeyNotEstablished] = []
        home.events.subscribe(told.append, KeyNotEstablished)
        home.hub.trust_centre.refresh_key(EUI64)
        await timeline.sleep(timedelta(hours=1))
        assert len(told) == 10
        assert home.hub.device_log.get(EUI64) == before
        assert holds_key(home, one)


def spoil_confirmation(frame: ApsFrame) -> ApsFrame:
    command = frame.payload[2:3] == bytes((Step.CONFIRM_KEY,)) and frame.payload[0] & 3 == 1
    if frame.cluster_id != KEY_ESTABLISHMENT or not command:
        return frame
    return replace(frame, payload=frame.payload[:-1] + bytes((frame.payload[-1] ^ 1,)))


async def test_a_confirmation_that_does_not_fit_is_followed_by_a_pause_and_a_rejoin(
    timeline: Timeline,
) -> None:
    async with home_and_device(timeline) as (home, one):
        one.radio.tamper = spoil_confirmation
        async with joining(one) as task:
            await timeline.sleep(10 * MINUTE)
            assert one.reasons == ["the partner refused"]
            [refused] = [e for e in one.seen if isinstance(e, KeyNotEstablished)]
            assert refused.status is not None
            assert refused.status.name == "BAD_KEY_CONFIRM"
            assert one.log == [JOINING_FAILED]
            assert not home.hub.device_log.authorised(EUI64)
            one.radio.tamper = lambda frame: frame
            await task
        assert timeline.now() - timeline.start > timedelta(minutes=15)
        assert holds_key(home, one)


async def test_a_hubs_confirmation_that_does_not_fit_is_refused_by_the_device(
    timeline: Timeline,
) -> None:
    def spoil(frame: ApsReceived) -> ApsReceived:
        step = frame.payload[2:3] == bytes((Step.CONFIRM_KEY,)) and frame.payload[0] & 3 == 1
        if frame.cluster_id != KEY_ESTABLISHMENT or not step:
            return frame
        return replace(frame, payload=bytes((*frame.payload[:-1], frame.payload[-1] ^ 1)))

    async with home_and_device(timeline, settings=JoinSettings(key_pause_s=60)) as (home, one):
        one.radio.hear = spoil
        async with joining(one) as task:
            await timeline.sleep(MINUTE / 2)
            assert one.reasons == ["we refused: BAD_KEY_CONFIRM"]
            assert not one.joining.authorised
            one.radio.hear = lambda frame: frame
            await task
        assert holds_key(home, one)


async def test_ten_failures_in_a_row_are_followed_by_a_pause_on_the_network(
    timeline: Timeline,
) -> None:
    async with home_and_device(timeline) as (_, one):
        one.radio.hear = lambda frame: None if of_exchange(frame) else frame
        async with joining(one):
            await timeline.sleep(14 * MINUTE)
            assert len(one.reasons) == 10
            assert one.radio.on_network
            await timeline.sleep(8 * MINUTE)
            assert len(one.reasons) > 10


async def test_frames_that_come_twice_or_overtake_each_other_do_no_harm(
    timeline: Timeline,
) -> None:
    async with home_and_device(timeline, Suite.SUITE_2) as (home, one):
        bad = Link(repeat=0.3, late=0.2, loss=0.1, late_s=0.2)
        home.ether.set_link(home.gpf.entity, EUI64, bad)
        async with joining(one) as task:
            await task
        home.ether.set_link(home.gpf.entity, EUI64, Link())
        await timeline.sleep(MINUTE)
        assert holds_key(home, one)


async def test_a_sleeping_meter_gets_its_fresh_key_when_it_wakes(timeline: Timeline) -> None:
    rig = Rig.model_validate({"hub": {"radio": "ether:"}, "settings": SUITE_1})
    events, established = EventStream(), list[KeyEstablished]()
    events.subscribe(established.append, KeyEstablished)
    async with living_home(rig, timeline, events=events) as home:
        await timeline.sleep(31 * MINUTE)
        assert home.meter is not None
        gsme = home.meter.chassis.eui64
        first = home.hub.device_log.get(gsme)
        assert len(established) == 2
        home.hub.trust_centre.refresh_key(gsme)
        await timeline.sleep(20 * MINUTE)
        assert home.hub.device_log.get(gsme) == first
        await timeline.sleep(15 * MINUTE)
        second = home.hub.device_log.get(gsme)
        assert first is not None
        assert second is not None
        assert first.tc_link_key != second.tc_link_key
        await timeline.sleep(31 * MINUTE)
        assert len(established) == 4  # asked for once
        assert len(home.gpf.mirror.values) > 3


async def test_a_device_whose_hub_falls_silent_looks_for_it_and_finds_it_again(
    timeline: Timeline,
) -> None:
    async with home_and_device(timeline) as (home, one):
        told: list[TrustCentreWatched] = []
        home.events.subscribe(told.append, TrustCentreWatched)
        staying = asyncio.create_task(one.joining.stay())
        await timeline.sleep(20 * MINUTE)
        assert [event.present for event in told] == []
        home.ether.set_link(home.gpf.entity, EUI64, Link(loss=1.0))
        await timeline.sleep(60 * MINUTE)
        assert [event.present for event in told] == [False]
        home.ether.set_link(home.gpf.entity, EUI64, Link())
        await timeline.sleep(70 * MINUTE)
        assert [event.present for event in told] == [False, True]
        assert holds_key(home, one)
        staying.cancel()


@pytest.mark.parametrize("radio", ["ether:", "vncp:?ezsp=8", "vncp:?ezsp=14"])
async def test_a_home_goes_on_when_its_hub_was_off_for_hours(
    radio: str, timeline: Timeline
) -> None:
    rig = Rig.model_validate(
        {
            "hub": {"radio": "ether:"},
            "gas_meter": {"radio": radio},
            "electricity_meter": {"radio": radio},
            "settings": SUITE_1,
        }
    )
    events, lost = EventStream(), list[Event]()
    events.subscribe(lost.append, RadioLost, KeyEstablished)
    async with living_home(rig, timeline, events=events) as home:
        await timeline.sleep(31 * MINUTE)
        assert home.meter is not None
        assert home.electricity_meter is not None
        established = len(lost)
        meters = (home.meter.chassis.eui64, home.electricity_meter.device.chassis.eui64)
        joinings = (home.meter.joining, home.electricity_meter.joining)
        for eui64 in meters:
            home.ether.set_link(home.gpf.entity, eui64, Link(loss=1.0))
        await timeline.sleep(timedelta(hours=5))
        assert [one.hub.lost for one in joinings] == [True, True]
        for eui64 in meters:
            home.ether.set_link(home.gpf.entity, eui64, Link())
        await timeline.sleep(timedelta(hours=2))
        assert [one.hub.lost for one in joinings] == [False, False]
        assert all(one.authorised for one in joinings)
        assert len(lost) == established  # nobody left, no key was needed


async def test_a_hub_killed_before_its_radio_had_the_key_gives_it_the_key_when_it_starts(
    timeline: Timeline, tmp_path: Path
) -> None:
    rig = Rig.model_validate(
        {
            "hub": {"radio": "ether:"},
            "gas_meter": False,
            "store": tmp_path / "rig.sqlite",
            "settings": SUITE_1,
        }
    )
    certified = credentials(EUI64, LINK_KEY, suites=Suite.SUITE_1)
    store, settings = MemoryStore(), JoinSettings(suites=1)
    async with (
        open_home(rig, timeline) as home,
        device(home, timeline, EUI64, certified=certified, settings=settings, store=store) as one,
    ):

        async def killed(eui64: int, link_key: bytes) -> None:
            del eui64, link_key
            raise RadioError("killed")

        home.host.radio.set_link_key = killed  # type: ignore[method-assign]
        home.hub.trust_centre._log.join_anew = lambda eui64: None  # type: ignore[method-assign]
        await one.joining.join()
        assert not holds_key(home, one)
    async with (
        open_home(rig, timeline) as home,
        device(
            home, timeline, EUI64, certified=certified, settings=settings, store=store, admit=False
        ) as one,
    ):
        await one.joining.join()
        await timeline.sleep(MINUTE)
        assert one.steps == ["RESUMED"]
        assert holds_key(home, one)


async def test_tshark_opens_a_whole_day_with_fresh_keys_and_a_new_network_key(
    timeline: Timeline, tmp_path: Path, tshark: str
) -> None:
    capture = tmp_path / "day.pcap"
    rig = Rig.model_validate(
        {
            "hub": {"radio": "ether:"},
            "electricity_meter": {},
            "displays": [{"eui64": "02-43-48-55-42-00-00-D1"}],
            "network": {"new_key_every_s": 7_200},
            "settings": SUITE_1 | {"display": {"electricity_poll_s": 3_600}},
        }
    )
    async with living_home(rig, timeline, capture=capture) as home:
        await timeline.sleep(timedelta(hours=2))
        for entry in home.hub.device_log.entries():
            home.hub.trust_centre.refresh_key(entry.eui64)
        await timeline.sleep(timedelta(hours=4))
        keys = [key.hex() for key in home.capture_keys]
        before = {bytes.fromhex(key) for key in keys}
        assert all(entry.tc_link_key in before for entry in home.hub.device_log.entries())

    shown = Dissected(tshark, capture, keys)
    assert shown.defects() == []
    established = shown.frames("zbee_aps.cluster == 0x0800")
    confirmed = [line for line in established if "Confirm Key Data" in line]
    assert len(confirmed) == 2 * 3 * 2  # request and response, three devices, twice
    assert len(shown.frames("zbee_aps.cluster == 0x0025 && zbee_zcl.cmd.id == 0x01")) > 40


async def test_a_device_looks_anew_for_what_others_provide_every_few_hours(
    timeline: Timeline,
) -> None:
    async with home_and_device(timeline, settings=JoinSettings(rediscovery_s=3 * 3_600)) as (
        _,
        one,
    ):
        looked: list[timedelta] = []
        one.joining.on_rediscovery(lambda: looked.append(timeline.now() - timeline.start))
        staying = asyncio.create_task(one.joining.stay())
        await timeline.sleep(timedelta(hours=10))
        assert [round(moment / timedelta(hours=1)) for moment in looked] == [3, 6, 9]
        staying.cancel()


async def test_a_device_that_was_told_to_leave_joins_again_when_it_may(timeline: Timeline) -> None:
    async with home_and_device(timeline) as (home, one):
        staying = asyncio.create_task(one.joining.stay())
        await timeline.sleep(MINUTE)
        assert holds_key(home, one)
        await one.radio.leave()
        await timeline.sleep(2 * MINUTE)
        assert holds_key(home, one)
        assert one.log == [DEVICE_JOINED, DEVICE_JOINED]
        staying.cancel()
