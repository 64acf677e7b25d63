"""Poll Control in a home: a sleepy meter that checks in, and a hub that has something for it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from bench.home import Home, living_home, open_home
from bench.narrator import sentence
from bench.remote_party import RemoteParty
from bench.rig import Rig, RigError
from bench.settings import Settings
from chub.event import CheckedIn, PollControlBound
from device.events import (
    Event,
    EventStream,
    FastPolling,
    FrameDelivered,
    FrameServed,
    KeyEstablished,
    PollIntervalsChanged,
    WakeEnded,
)
from device.host import NotDelivered
from device.timeline import Timeline
from gbcs.catalogue import by_name
from gbcs.party import DeviceType
from gbcs.zcl.general import AttributeValue, ReadAttributesResponse
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType
from gsme.device import ENDPOINT, GasMeter
from han.clusters import POLL_CONTROL
from han.poll_control import FastPollStarted, PollControl, PollIntervals
from han.radio import ChildPolled, RadioEvent, Role
from han.requests import Far, command_of
from han.zdo.server import Binding
from tests.dissected import Dissected
from tests.joining import ENDPOINT as OTHER_ENDPOINT
from tests.joining import device
from tests.virtual_time import START

CLUSTER = POLL_CONTROL.cluster_id
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
EVERY_MINUTE: Final[dict[str, object]] = {
    "bind_poll_control": True,
    "long_poll_s": 60,
    "check_in_s": 60,
}
STRANGER = 0x000D6F00ABCDEF01


def rig(radio: str = "ether:", **settings: dict[str, object]) -> Rig:
    sections = {"hub": {"radio": radio}, "gas_meter": {"radio": radio}, "settings": settings}
    return Rig.model_validate(sections)


def listen(*kinds: type[Event]) -> tuple[EventStream, list[Event]]:
    events, seen = EventStream(), list[Event]()
    events.subscribe(seen.append, *kinds)
    return events, seen


def meter_of(home: Home) -> GasMeter:
    assert home.meter is not None
    return home.meter


def far(home: Home, endpoint: int = ENDPOINT) -> Far:
    """The meter's Poll Control server, as seen from the CHF's endpoint."""
    return Far(meter_of(home).chassis.eui64, endpoint, CLUSTER, home.hub.endpoint.number)


def polls(home: Home) -> list[int]:
    """Who polls from now on: each second in which it does counts once."""
    heard: list[int] = []

    def take(event: RadioEvent) -> None:
        if isinstance(event, ChildPolled):
            heard.append(event.eui64)

    home.host.on_radio_event(take)
    return heard


async def asked(home: Home, timeline: Timeline, use_case: str = "GCS13c") -> timedelta:
    """How long a supplier waits for the meter's Response."""
    supplier = RemoteParty(home.rig.parties.supplier, home.keys)
    began = timeline.now()
    command = supplier.command(by_name(use_case), meter_of(home).chassis.eui64, 7)
    await home.ask(command)
    return timeline.now() - began


# -- a home that binds nothing -------------------------------------------------------------------


async def test_a_meter_that_nobody_binds_says_nothing_and_polls_at_its_wakes_alone(
    timeline: Timeline,
) -> None:
    events, seen = listen(FrameDelivered, FrameServed)
    async with living_home(rig(), timeline, events=events) as home:
        await timeline.sleep(5 * MINUTE)
        heard = polls(home)
        await timeline.sleep(20 * MINUTE)
        assert heard == []
        await timeline.sleep(4 * HOUR)
        assert 0 < len(heard) < 100
    assert [event for event in seen if event.cluster_id == CLUSTER] == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(("wake_s", "long_poll"), [(1800, 7200), (600, 2400)])
async def test_a_meter_says_how_often_it_polls(
    wake_s: int, long_poll: int, timeline: Timeline
) -> None:
    async with living_home(rig(gsme={"wake_interval_s": wake_s}), timeline) as home:
        await timeline.sleep(5 * MINUTE)
        await meter_of(home).polling.set_awake(awake=True)
        frame = await home.host.request(far(home).read(range(7)))
    records = ReadAttributesResponse.parse(frame.payload).records
    assert [record.value for record in records] == [14_400, long_poll, 2, 40, 0, 0, 0]


async def test_poll_control_can_be_left_out(timeline: Timeline) -> None:
    async with open_home(rig(poll={"poll_control": False}), timeline) as home:
        host = await meter_of(home).start()
        assert CLUSTER not in host.node.endpoints[ENDPOINT].descriptor.input_clusters


@pytest.mark.parametrize("name", ["short_poll_qs", "fast_poll_timeout_qs"])
def test_an_interval_that_is_none_is_refused_by_name(name: str) -> None:
    with pytest.raises(RigError, match=f"^settings.poll: {name} is 0, not from 1 to 65535$"):
        Settings({"poll": {name: 0}})


# -- a hub that binds ----------------------------------------------------------------------------


@pytest.mark.parametrize("radio", ["ether:", "vncp:?ezsp=8", "vncp:"])
async def test_a_message_waits_for_a_check_in_and_not_for_the_half_hour(
    radio: str, timeline: Timeline
) -> None:
    events, seen = listen(CheckedIn, FastPolling, PollControlBound)
    async with living_home(rig(radio, chf=EVERY_MINUTE), timeline, events=events) as home:
        await timeline.sleep(5 * MINUTE)
        assert [type(event) for event in seen] == [PollControlBound] + 4 * [CheckedIn]
        assert not any(event.fast_poll for event in seen if isinstance(event, CheckedIn))
        seen.clear()
        assert await asked(home, timeline) < 70 * SECOND
        stopped_at = timeline.now()
        await timeline.sleep(MINUTE)
        hub, meter = home.host.node.eui64, meter_of(home).chassis.eui64
        checked_in, started, stopped, again = seen
    assert isinstance(checked_in, CheckedIn)
    assert (checked_in.peer, checked_in.fast_poll) == (meter, True)
    assert isinstance(started, FastPolling)
    assert isinstance(stopped, FastPolling)
    assert (started.peer, stopped.peer) == (hub, None)
    assert stopped.moment < stopped_at + SECOND  # long before the minute that was asked for
    assert isinstance(again, CheckedIn)
    assert not again.fast_poll


async def test_a_meter_that_does_not_wake_when_called_polls_fast_and_collects_at_its_own_time(
    timeline: Timeline,
) -> None:
    events, seen = listen(WakeEnded)
    wanted = rig(chf=EVERY_MINUTE, gsme={"wake_when_called": False})
    async with living_home(wanted, timeline, events=events) as home:
        await timeline.sleep(5 * MINUTE)
        seen.clear()
        heard = polls(home)
        asking = asyncio.create_task(asked(home, timeline))
        await timeline.sleep(10 * MINUTE)
        assert seen == []
        assert len(heard) > 300  # most seconds, and not once a minute
        assert await asking > 20 * MINUTE


async def test_a_fresh_link_key_is_established_at_the_next_check_in(timeline: Timeline) -> None:
    events, seen = listen(KeyEstablished)
    async with living_home(rig(chf=EVERY_MINUTE), timeline, events=events) as home:
        await timeline.sleep(5 * MINUTE)
        seen.clear()
        home.hub.trust_centre.refresh_key(meter_of(home).chassis.eui64)
        await timeline.sleep(70 * SECOND)
        assert len(seen) == 2  # both ends tell of it
        heard = polls(home)
        await timeline.sleep(5 * MINUTE)
        assert len(heard) < 20


async def test_a_meter_that_polls_every_few_seconds_is_reached_between_its_wakes(
    timeline: Timeline,
) -> None:
    settings: dict[str, object] = {"bind_poll_control": True, "long_poll_s": 5}
    async with living_home(rig(chf=settings), timeline) as home:
        await timeline.sleep(5 * MINUTE)
        began = timeline.now()
        frame = await home.host.request(far(home).read([0x0001]))
        assert timeline.now() - began < 6 * SECOND
        assert ReadAttributesResponse.parse(frame.payload).records[0].value == 20
    async with living_home(rig(), timeline) as home:
        await timeline.sleep(5 * MINUTE)
        with pytest.raises(NotDelivered):
            await home.host.request(far(home).read([0x0001]))


@pytest.mark.parametrize(
    ("hub", "meter", "refused"),
    [
        ({"check_in_s": 60}, {}, ("CheckInInterval: INVALID_VALUE",)),
        ({"long_poll_s": 5}, {"long_poll_min_qs": 40}, ("LongPollInterval: INVALID_VALUE",)),
        (
            {"long_poll_s": 60, "check_in_s": 60},
            {"check_in_min_qs": 241},
            ("CheckInInterval: INVALID_VALUE",),
        ),
        ({"long_poll_s": 7_200, "check_in_s": 7_200}, {}, ()),
    ],
)
async def test_what_a_meter_does_not_take_is_told_with_its_status(
    hub: dict[str, object],
    meter: dict[str, object],
    refused: tuple[str, ...],
    timeline: Timeline,
) -> None:
    events, seen = listen(PollControlBound)
    wanted = rig(chf={"bind_poll_control": True} | hub, poll=meter)
    async with living_home(wanted, timeline, events=events) as home:
        await timeline.sleep(31 * MINUTE)  # a meter that fell asleep meanwhile is asked at its wake
        [bound] = seen
        assert isinstance(bound, PollControlBound)
        assert (bound.peer, bound.endpoint) == (meter_of(home).chassis.eui64, ENDPOINT)
        assert bound.refused == refused
        said = sentence(bound, {})
        assert said is not None
        assert all(each in said for each in refused)


# -- memory --------------------------------------------------------------------------------------


async def test_a_meter_goes_on_with_its_intervals_and_its_peers_after_a_restart(
    timeline: Timeline, tmp_path: Path
) -> None:
    kept = {"store": tmp_path / "rig.sqlite", "time": "jump"}
    first = rig(chf=EVERY_MINUTE)
    async with living_home(first.model_copy(update=kept), timeline) as home:
        await timeline.sleep(5 * MINUTE)
        intervals = meter_of(home).polling.control.intervals
    assert (intervals.check_in, intervals.long_poll) == (240, 240)
    events, seen = listen(CheckedIn, PollControlBound)
    async with living_home(rig().model_copy(update=kept), timeline, events=events) as home:
        assert meter_of(home).polling.control.intervals == intervals
        await timeline.sleep(150 * SECOND)
        assert [type(event) for event in seen] == 3 * [CheckedIn]  # the first one at once
        heard = polls(home)
        await timeline.sleep(5 * MINUTE)
        assert 4 <= len(heard) <= 20


async def test_a_meter_that_was_removed_checks_in_with_nobody(timeline: Timeline) -> None:
    events, seen = listen(CheckedIn)
    async with living_home(rig(chf=EVERY_MINUTE), timeline, events=events) as home:
        await timeline.sleep(5 * MINUTE)
        meter = meter_of(home)
        await home.hub.remove_device(meter.chassis.eui64)
        await timeline.sleep(2 * MINUTE)
        assert not meter.radio.on_network
        assert meter.polling.control.deadline is None
        assert meter.polling.control.intervals == PollIntervals(long_poll=7200)
        seen.clear()
        await timeline.sleep(HOUR)
    assert seen == []


# -- a device under test -------------------------------------------------------------------------


async def test_a_device_that_checks_in_unbidden_is_answered_and_kept_awake_for_its_messages(
    timeline: Timeline,
) -> None:
    wanted = Rig.model_validate({"hub": {"radio": "ether:"}, "gas_meter": False})
    bindings: list[Binding] = []
    control = PollControl(OTHER_ENDPOINT, lambda: bindings, PollIntervals(check_in=240))
    async with (
        open_home(wanted, timeline) as home,
        device(
            home,
            timeline,
            STRANGER,
            kind=DeviceType.GSME,
            role=Role.SLEEPY_END_DEVICE,
            served=[control.served()],
        ) as one,
    ):
        await one.joining.join()
        one.host.node.attach(control)
        bindings.append(
            Binding(OTHER_ENDPOINT, CLUSTER, home.host.node.eui64, home.hub.endpoint.number)
        )
        await one.radio.set_awake(awake=True)
        control.start(timeline.now())
        one.host.kick()
        await timeline.sleep(10 * SECOND)
        assert control.events() == []  # it was answered: nothing waits
        assert home.hub.mailroom.put(STRANGER, b"a message", timeline.now())
        await timeline.sleep(MINUTE)
        [started] = control.events()
        assert started == FastPollStarted(
            home.host.node.eui64,
            started.until,  # type: ignore[union-attr]
        )
        assert started.until - timeline.now() > 40 * SECOND


# -- what others see -----------------------------------------------------------------------------


async def test_tshark_reads_every_frame_of_poll_control(
    timeline: Timeline, tmp_path: Path, tshark: str
) -> None:
    capture = tmp_path / "poll.pcap"
    async with living_home(rig(chf=EVERY_MINUTE), timeline, capture=capture) as home:
        await timeline.sleep(3 * MINUTE)
        await asked(home, timeline)
        await meter_of(home).polling.set_awake(awake=True)
        short = far(home).command(
            command_of(POLL_CONTROL, "SetShortPollInterval"), bytes.fromhex("0300")
        )
        answer = await home.host.request(short)
        assert answer.payload == bytes((0x03, Status.SUCCESS))
        write = far(home).write([AttributeValue(0x0003, DataType.UINT16, 80)])
        assert (await home.host.request(write)).payload == bytes((Status.SUCCESS,))
        await timeline.sleep(SECOND)
        keys = [key.hex() for key in home.capture_keys]

    shown = Dissected(tshark, capture, keys)
    assert shown.defects() == []
    lines = shown.frames("zbee_aps.cluster == 0x0020 && zbee_aps.type == 0")
    for name in (
        "Check-in,",
        "Check-in Response",
        "Fast Poll Stop",
        "Set Long Poll Interval",
        "Set Short Poll Interval",
        "Write Attributes",
    ):
        assert any(name in line for line in lines), name
    ours = "zbee_zcl_general.poll"
    answers = shown.fields(f"{ours}.start", f"{ours}.start", f"{ours}.fast_timeout")
    no, yes = ("False", "True") if "True\t240" in answers else ("0", "1")  # by tshark's version
    assert set(answers) == {f"{no}\t0", f"{yes}\t240"}
    assert set(shown.fields(f"{ours}.new_long_interval", f"{ours}.new_long_interval")) == {"240"}
    assert shown.fields(f"{ours}.new_short_interval", f"{ours}.new_short_interval") == ["3"]


def test_intervals_that_were_changed_are_told_in_seconds() -> None:
    event = PollIntervalsChanged(
        moment=START, device=1, check_in=240, long_poll=10, short_poll=2, fast_poll_timeout=40
    )
    told = "00:00:00 GSME: told to poll every 2.5 s, check in every 60 s"
    assert sentence(event, {1: "GSME"}) == told
