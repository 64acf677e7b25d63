"""What a host drives on its node: services with deadlines, kicks, and watchers."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from device.events import (
    FrameServed,
    Joined,
    Left,
)
from device.timeline import Timeline
from han.exchange import Executed, NodeEvent, Outcome, Replied, Request
from han.radio import ApsReceived, DeviceJoined, DeviceLeft, JoinKind, RadioEvent
from tests.device.pair import Pair, read, value_of


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


async def test_a_kick_before_and_after_the_life_of_a_device_does_nothing(
    timeline: Timeline,
) -> None:
    pair = Pair(timeline)
    pair.display.kick()
    async with pair.display.running():
        pass
    pair.display.kick()
    assert pair.wire.carried == []
