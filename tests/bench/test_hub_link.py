"""A gas meter's link to its hub when wakes are cut short and answers make no sense."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from bench.home import living_home
from device.events import EventStream, WakeEnded
from device.timeline import Timeline
from gbcs.catalogue import by_name
from gbcs.envelope import Message
from gbcs.zcl.frame import Frame
from han.exchange import DEFAULT_RESPONSE, Request
from tests.bench.test_home import FIRST_PUSH, rig, supplier

SECOND = timedelta(seconds=1)


async def test_a_command_that_came_after_its_wake_was_cut_short_is_executed_at_the_next(
    timeline: Timeline,
) -> None:
    async with living_home(rig(), timeline) as home:
        await timeline.sleep(FIRST_PUSH)
        meter, told = home.meter, list[int]()
        assert meter is not None
        link = meter._link
        assert link is not None
        home.upward.append(lambda octets: told.append(Message.parse(octets).originator_counter))
        command = supplier(home).command(by_name("GCS14"), meter.chassis.eui64, 7)
        home.hub.deliver(command.to_bytes())
        await meter.polling.set_awake(awake=True)
        with suppress(TimeoutError):
            async with timeline.timeout_at(timeline.now() + SECOND / 1000):
                await link.collect(meter.execute)
        await timeline.sleep(5 * SECOND)
        await meter.polling.set_awake(awake=False)
        assert home.hub.mailroom.waiting(meter.chassis.eui64) == 0
        assert told == []
        await timeline.sleep(timedelta(minutes=30))
        assert told == [7]


@pytest.mark.parametrize("payload", [b"", b"\x0b", bytes(9)])
async def test_an_answer_of_the_hub_that_makes_no_sense_ends_a_wake_and_not_the_meter(
    payload: bytes, timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = list[WakeEnded]()
    events = EventStream()
    events.subscribe(told.append, WakeEnded)
    async with living_home(rig(), timeline, events=events) as home:
        await timeline.sleep(FIRST_PUSH)
        meter = home.meter
        assert meter is not None
        link = meter._link
        assert link is not None
        host = link._host
        request = host.request

        async def garbled(asked: Request) -> Frame:
            frame = await request(asked)
            known = frame.is_cluster_command or frame.command_id != DEFAULT_RESPONSE
            return frame if known else replace(frame, payload=payload)

        monkeypatch.setattr(host, "request", garbled)
        await timeline.sleep(timedelta(days=1, minutes=5))
        assert any(one.trouble and "was not taken" in one.trouble for one in told)
        monkeypatch.undo()
        told.clear()
        await timeline.sleep(timedelta(hours=2))
        assert told[-1].trouble is None
