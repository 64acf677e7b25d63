"""A node on a radio: requests with their ends, what is served, and a radio that goes away."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from device.events import (
    FrameDelivered,
    FrameFailed,
    FrameIgnored,
    FrameServed,
    RadioLost,
    RadioUp,
)
from device.host import Busy, HostError, NoReply, NotDelivered, RadioGone
from device.timeline import Timeline
from han.exchange import ZDO
from han.radio import ApsReceived, Broadcast, DeviceLeft
from han.zdo.client import simple_descriptor
from tests.device.pair import DISPLAY, METER, METERING, Pair, read, silent, value_of


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
