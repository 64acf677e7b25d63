"""A node on a radio: requests with their ends, what is served, and a radio that goes away."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from device.events import (
    Event,
    EventStream,
    FrameDelivered,
    FrameFailed,
    FrameIgnored,
    FrameServed,
    Joined,
    Left,
    RadioLost,
    RadioUp,
)
from device.host import Busy, Host, HostError, NoReply, NotDelivered, RadioGone, payload_limits
from device.timeline import Timeline
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import ReadAttributes, ReadAttributesResponse
from gbcs.zcl.types import DataType
from han.endpoint import Endpoint
from han.exchange import ZDO, Executed, NodeEvent, Outcome, Replied, Request
from han.node import Node
from han.radio import ApsReceived, Broadcast, DeviceJoined, DeviceLeft, JoinKind, RadioEvent
from han.settings import NodeSettings
from han.zcl.tables import (
    Access,
    Attribute,
    AttributeDefinition,
    Cluster,
    ClusterDefinition,
    Command,
    CommandDefinition,
    Served,
)
from han.zdo.client import simple_descriptor
from tests.device.wire import Wire, WireRadio

METER, DISPLAY = 0x00DB1234567890A1, 0x00DB1234567890A4
METERING = 0x0702
SILENT = 0x42


def metering() -> Served:
    """Half a kilolitre, a log too long for one frame, and a command nobody answers."""

    def nothing(model: int, payload: bytes, access: Access) -> tuple[()]:
        return ()

    cluster: Cluster[int] = Cluster(
        ClusterDefinition(METERING, "Metering"),
        attributes=(
            Attribute(AttributeDefinition(0, "Volume", DataType.UINT48), lambda m: m),
            Attribute(AttributeDefinition(1, "Log", DataType.OCTET_STRING), lambda m: bytes(200)),
        ),
        commands=(Command(CommandDefinition(SILENT, "Silent"), nothing),),
    )
    return cluster.on(500)


@dataclass
class Pair:
    """A meter and a display on one wire."""

    timeline: Timeline
    wire: Wire = field(default_factory=Wire)
    seen: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.events = EventStream()
        self.events.subscribe(self.seen.append)
        self.meter_radio, self.display_radio = self.wire.radio(METER), self.wire.radio(DISPLAY)
        self.meter = self._host(METER, self.meter_radio, metering())
        self.display = self._host(DISPLAY, self.display_radio)

    def _host(self, eui64: int, radio: WireRadio, *served: Served) -> Host:
        settings = NodeSettings(limits=payload_limits(radio))
        node = Node(eui64, [Endpoint(1, 0x0501, served)], settings)
        return Host(node, radio, self.timeline, self.events, max_pending=20)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.seen if isinstance(event, kind)]


@pytest.fixture
async def pair(timeline: Timeline) -> AsyncIterator[Pair]:
    pair = Pair(timeline)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(pair.meter.running())
        await stack.enter_async_context(pair.display.running())
        yield pair


def read(*attribute_ids: int, peer: int = METER) -> Request:
    payload = ReadAttributes(attribute_ids).to_bytes()
    return Request(peer, 1, METERING, 0, payload, general=True)


def silent(**fields: object) -> Request:
    request = Request(METER, 1, METERING, SILENT)
    return replace(request, **fields)  # type: ignore[arg-type]  # fields are passed through


def value_of(frame: Frame) -> object:
    return ReadAttributesResponse.parse(frame.payload).records[0].value


async def test_a_request_is_answered(pair: Pair) -> None:
    assert value_of(await pair.display.request(read(0))) == 500
    (served,) = pair.of(FrameServed)
    assert isinstance(served, FrameServed)
    assert (served.device, served.peer, served.cluster_id) == (METER, DISPLAY, METERING)
    assert len(pair.of(FrameDelivered)) == 1


async def test_an_answer_too_long_for_one_frame_comes_in_parts(pair: Pair) -> None:
    assert value_of(await pair.display.request(read(1))) == bytes(200)
    assert len(pair.wire.carried) > 4


async def test_a_command_without_an_answer_ends_when_it_is_delivered(pair: Pair) -> None:
    await pair.display.send(silent())
    assert pair.timeline.now() == pair.timeline.start


async def test_no_answer_is_an_error_at_its_deadline(pair: Pair) -> None:
    with pytest.raises(NoReply, match="delivered, but not answered"):
        await pair.display.request(silent(reply_within=timedelta(seconds=3)))
    assert pair.timeline.now() == pair.timeline.start + timedelta(seconds=3)
    (failed,) = pair.of(FrameFailed)
    assert isinstance(failed, FrameFailed)
    assert failed.reason == "not answered"


async def test_an_unknown_peer_is_an_error_by_name(pair: Pair) -> None:
    with pytest.raises(NotDelivered, match=r"0000000000000005: unknown peer") as caught:
        await pair.display.request(read(0, peer=5))
    assert caught.value.reason == "unknown peer"


async def test_a_lost_frame_is_an_error_by_name(pair: Pair) -> None:
    pair.wire.lose = 99
    with pytest.raises(NotDelivered, match="no acknowledgement"):
        await pair.display.send(silent())


async def test_a_message_too_long_for_any_fragmentation_is_refused_at_once(pair: Pair) -> None:
    with pytest.raises(NotDelivered, match="do not fit"):
        await pair.display.send(silent(payload=bytes(2000)))


async def test_requests_to_one_peer_keep_their_order_and_find_their_answers(pair: Pair) -> None:
    requests = [read(0), read(1), read(0), read(7)]
    frames = await asyncio.gather(*map(pair.display.request, requests))
    assert [value_of(frame) for frame in frames] == [500, bytes(200), 500, None]


async def test_too_many_requests_at_a_time_are_refused(pair: Pair) -> None:
    pair.wire.clear.clear()
    waiting = [asyncio.ensure_future(pair.display.request(read(0))) for _ in range(20)]
    await pair.timeline.sleep(timedelta(seconds=1))
    with pytest.raises(Busy, match="20 requests wait"):
        await pair.display.request(read(0))
    pair.wire.clear.set()
    await asyncio.gather(*waiting)
    assert value_of(await pair.display.request(read(0))) == 500


async def test_who_stops_waiting_disturbs_nobody(pair: Pair) -> None:
    pair.wire.clear.clear()
    impatient = asyncio.ensure_future(pair.display.request(read(1)))
    await pair.timeline.sleep(timedelta(seconds=1))
    impatient.cancel()
    pair.wire.clear.set()
    assert value_of(await pair.display.request(read(0))) == 500


async def test_a_lost_radio_fails_what_is_under_way_and_the_next_request_works_again(
    pair: Pair,
) -> None:
    answered_late = asyncio.ensure_future(pair.display.request(silent()))
    await pair.timeline.sleep(timedelta(seconds=1))
    pair.display_radio.break_down("unplugged")
    with pytest.raises(RadioGone, match="unplugged"):
        await answered_late
    with pytest.raises(NotDelivered, match="radio lost"):
        await pair.display.request(read(0))
    pair.display_radio.mend()
    assert value_of(await pair.display.request(read(0))) == 500
    assert len(pair.of(RadioLost)) == 1
    assert len(pair.of(RadioUp)) == 3


async def test_a_radio_lost_while_a_frame_waits_fails_it_by_name(pair: Pair) -> None:
    pair.wire.clear.clear()
    waiting = asyncio.ensure_future(pair.display.request(read(0)))
    await pair.timeline.sleep(timedelta(seconds=1))
    pair.display_radio.break_down()
    pair.wire.clear.set()
    with pytest.raises(RadioGone):
        await waiting


async def test_a_closed_radio_ends_the_device_and_every_wait(timeline: Timeline) -> None:
    pair = Pair(timeline)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(pair.display.run())
        await timeline.sleep(timedelta(seconds=1))
        pair.wire.clear.clear()
        waiting = asyncio.ensure_future(pair.display.request(read(0)))
        await timeline.sleep(timedelta(seconds=1))
        await pair.display_radio.close()
        with pytest.raises(RadioGone, match="closed"):
            await waiting
        await running
    with pytest.raises(RadioGone, match="not running"):
        await pair.display.request(read(0))


async def test_a_stopped_device_fails_its_waits_by_name(timeline: Timeline) -> None:
    pair = Pair(timeline)
    async with pair.display.running() as display:
        await timeline.sleep(timedelta(seconds=1))
        pair.wire.clear.clear()
        waiting = asyncio.ensure_future(display.request(read(0)))
        await timeline.sleep(timedelta(seconds=1))
    with pytest.raises(RadioGone, match="stopped"):
        await waiting
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_noise_is_ignored_by_name(pair: Pair) -> None:
    noise = ApsReceived(
        peer=5,
        profile_id=0x0109,
        cluster_id=METERING,
        source_endpoint=1,
        destination_endpoint=1,
        payload=b"\x00",
        encrypted=True,
        aps_counter=1,
        peer_nwk=5,
    )
    pair.meter_radio.put(noise)
    pair.meter_radio.put(replace(noise, destination_endpoint=77))
    assert value_of(await pair.display.request(read(0))) == 500
    reasons = [event.reason for event in pair.seen if isinstance(event, FrameIgnored)]
    assert len(reasons) == 2
    assert reasons[1] == "no such endpoint"


async def test_a_fault_in_the_devices_own_code_does_not_stop_it(
    timeline: Timeline, caplog: pytest.LogCaptureFixture
) -> None:
    pair = Pair(timeline)

    def fail(*_: object) -> None:
        raise ValueError("a bug")

    pair.meter.on_node_event(fail)
    pair.meter.on_radio_event(fail)
    pair.meter.on_progress(fail)
    async with pair.meter.running(), pair.display.running():
        with caplog.at_level(logging.CRITICAL, "device.host"):
            assert value_of(await pair.display.request(read(0))) == 500
            assert value_of(await pair.display.request(read(0))) == 500


async def test_watchers_see_frames_and_radio_events(pair: Pair) -> None:
    frames: list[NodeEvent] = []
    radio: list[RadioEvent] = []
    progress: list[int] = []
    pair.meter.on_node_event(frames.append)
    pair.meter.on_radio_event(radio.append)
    pair.meter.on_progress(lambda: progress.append(1))
    pair.meter_radio.put(DeviceJoined(5, JoinKind.ASSOCIATED, admitted=True))
    pair.meter_radio.put(DeviceLeft(5))
    await pair.display.request(read(0))
    assert any(isinstance(event, Executed) for event in frames)
    assert [type(e) for e in radio if not isinstance(e, ApsReceived)][-2:] == [
        DeviceJoined,
        DeviceLeft,
    ]
    assert progress
    assert len(pair.of(Joined)) == len(pair.of(Left)) == 1


async def test_a_peer_that_leaves_ends_what_waits_for_it(pair: Pair) -> None:
    waiting = asyncio.ensure_future(pair.display.request(silent()))
    await pair.timeline.sleep(timedelta(seconds=1))
    pair.display_radio.put(DeviceLeft(METER))
    with pytest.raises(NotDelivered, match="unknown peer"):
        await waiting


async def test_zdo_requests_are_answered(pair: Pair) -> None:
    request = simple_descriptor(METER, METER & 0xFFFF, 1)
    assert request.profile_id == ZDO
    assert (await pair.display.zdo(request))[0] == 0x81  # that node knows no short address
    with pytest.raises(NotDelivered, match="not a ZDO request"):
        await pair.display.zdo(read(0))
    with pytest.raises(NotDelivered, match="not a ZCL request"):
        await pair.display.request(request)


async def test_a_broadcast_has_no_delivery_to_wait_for(pair: Pair) -> None:
    await pair.display.send(silent(peer=Broadcast.ALL, endpoint=0xFF))
    await pair.timeline.sleep(timedelta(seconds=1))
    assert len(pair.of(FrameServed)) <= 1


class Ticking:
    """A service that asks the meter once a minute."""

    def __init__(self, timeline: Timeline) -> None:
        self._due = timeline.start + timedelta(minutes=1)
        self._open: list[Request] = []
        self.answers: list[Outcome] = []

    @property
    def deadline(self) -> object:
        return self._due

    def poll(self, now: object) -> None:
        self._due += timedelta(minutes=1)
        self._open.append(replace(read(0), reply_within=timedelta(seconds=5)))

    def requests(self) -> list[Request]:
        requests, self._open = self._open, []
        return requests

    def concluded(self, outcome: Outcome, now: object) -> None:
        self.answers.append(outcome)


async def test_services_run_on_their_deadlines(timeline: Timeline) -> None:
    pair, service = Pair(timeline), Ticking(timeline)
    pair.display.node.attach(service)  # type: ignore[arg-type]  # moments are objects here
    async with pair.meter.running(), pair.display.running():
        await timeline.sleep(timedelta(hours=1, seconds=1))
    assert len(service.answers) == 60
    assert all(isinstance(outcome, Replied) for outcome in service.answers)


async def test_a_service_whose_deadline_never_moves_does_not_stop_time(
    timeline: Timeline,
) -> None:
    pair, service = Pair(timeline), Ticking(timeline)
    service.poll = lambda now: None  # type: ignore[method-assign]  # a service with a bug
    pair.display.node.attach(service)  # type: ignore[arg-type]  # moments are objects here
    async with pair.meter.running(), pair.display.running():
        await timeline.sleep(timedelta(seconds=61))
    assert timeline.now() == timeline.start + timedelta(seconds=61)


async def test_watchers_hear_of_a_deadline_that_sent_nothing_and_may_send_then(
    timeline: Timeline,
) -> None:
    pair, service = Pair(timeline), Ticking(timeline)
    polled: list[int] = []
    poll = service.poll

    def note(now: object) -> None:
        polled.append(1)
        poll(now)
        service._open.clear()

    def push() -> None:
        if polled:
            polled.clear()
            service._open.append(replace(read(0), reply_within=timedelta(seconds=5)))
            pair.display.kick()

    service.poll = note  # type: ignore[method-assign]  # a service that only notes
    pair.display.node.attach(service)  # type: ignore[arg-type]  # moments are objects here
    pair.display.on_progress(push)
    async with pair.meter.running(), pair.display.running():
        await timeline.sleep(timedelta(minutes=3, seconds=1))
    assert len(pair.of(FrameServed)) == 3


async def test_a_kick_lets_a_service_send(timeline: Timeline) -> None:
    pair, service = Pair(timeline), Ticking(timeline)
    pair.display.node.attach(service)  # type: ignore[arg-type]  # moments are objects here
    async with pair.meter.running(), pair.display.running():
        await timeline.sleep(timedelta(seconds=1))
        service._open.append(replace(read(0), reply_within=timedelta(seconds=5)))
        pair.display.kick()
        await timeline.sleep(timedelta(seconds=1))
        assert len(pair.of(FrameServed)) == 1


async def test_a_fault_of_the_node_itself_is_logged_and_survived(
    timeline: Timeline, caplog: pytest.LogCaptureFixture
) -> None:
    pair = Pair(timeline)
    forget = pair.meter.node.forget
    pair.meter.node.forget = None  # type: ignore[assignment,method-assign]  # a fault of ours
    async with pair.meter.running(), pair.display.running():
        with caplog.at_level(logging.CRITICAL, "device.host"):
            pair.meter_radio.put(DeviceLeft(5))
            await timeline.sleep(timedelta(seconds=1))
        pair.meter.node.forget = forget  # type: ignore[method-assign]  # mended
        assert value_of(await pair.display.request(read(0))) == 500


async def test_a_radio_lost_in_the_middle_of_a_long_message(pair: Pair) -> None:
    waiting = asyncio.ensure_future(pair.display.request(read(1)))
    while len(pair.wire.carried) < 3:  # noqa: ASYNC110 - the wire takes no time
        await asyncio.sleep(0)
    pair.display_radio.break_down()
    with pytest.raises(RadioGone):
        await waiting
    await pair.timeline.sleep(timedelta(minutes=5))
    pair.display_radio.mend()
    assert value_of(await pair.display.request(read(1))) == bytes(200)


async def test_a_kick_before_and_after_the_life_of_a_device_does_nothing(
    timeline: Timeline,
) -> None:
    pair = Pair(timeline)
    pair.display.kick()
    async with pair.display.running():
        pass
    pair.display.kick()
    assert pair.wire.carried == []


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_happens_to_the_wire_nothing_hangs_and_nothing_is_left_behind(
    timeline: Timeline, seed: int
) -> None:
    pair, chance = Pair(timeline), random.Random(seed)
    outcomes: list[str] = []

    async def ask() -> None:
        request = chance.choice([read(0), read(1), silent(), read(0, peer=5)])
        try:
            await pair.display.request(replace(request, reply_within=timedelta(seconds=20)))
            outcomes.append("answered")
        except HostError as error:
            outcomes.append(type(error).__name__)

    def bend() -> None:
        deed = chance.randrange(6)
        if deed == 0:
            pair.wire.lose += chance.randrange(8)
        elif deed == 1:
            chance.choice([pair.display_radio, pair.meter_radio]).break_down()
        elif deed == 2:
            pair.display_radio.mend()
            pair.meter_radio.mend()
        elif deed == 3:
            chance.choice([pair.wire.clear.clear, pair.wire.clear.set])()
        elif deed == 4:
            pair.display_radio.put(DeviceLeft(METER))
        else:
            pair.wire.clear.set()

    async with pair.meter.running(), pair.display.running():
        asking: list[asyncio.Task[None]] = []
        for _ in range(120):
            asking.append(asyncio.create_task(ask()))
            bend()
            await timeline.sleep(timedelta(seconds=chance.random() * 3))
            if chance.random() < 0.1:
                chance.choice(asking).cancel()
        pair.wire.clear.set()
        pair.wire.lose = 0
        pair.display_radio.mend()
        pair.meter_radio.mend()
        await timeline.sleep(timedelta(minutes=10))
        assert all(task.done() for task in asking), f"seed {seed}"
        assert value_of(await pair.display.request(read(1))) == bytes(200), f"seed {seed}"
        await timeline.sleep(timedelta(minutes=1))
        assert not pair.display._pending
        assert not pair.display._sending
        assert not pair.display.node._transactions.open
    assert {"answered", "NotDelivered"} <= set(outcomes)
