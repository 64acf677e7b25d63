"""Poll control: check-ins, fast polling, and what a peer may change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from gbcs.zcl.general import AttributeValue
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType
from han.clusters import POLL_CONTROL
from han.endpoint import Endpoint
from han.exchange import Replied
from han.node import Node
from han.poll_control import (
    CheckInResponse,
    FastPollStarted,
    FastPollStopped,
    PollControl,
    PollIntervals,
)
from han.requests import Far, command_of
from han.zcl.payload import encode
from han.zcl.tables import Access, Answer, Cluster, Command, Reply, Side
from han.zdo.client import bind
from tests.han.home import HUB, METER, START, Home

MINUTE = timedelta(minutes=1)


@dataclass
class Hub:
    wants: CheckInResponse | None = None
    check_ins: int = 0

    def check_in(self, payload: bytes, access: Access) -> Answer:
        self.check_ins += 1
        return Status.SUCCESS if self.wants is None else Reply(0x00, encode(self.wants))


CLIENT: Cluster[Hub] = Cluster(
    POLL_CONTROL,
    Side.CLIENT,
    commands=(Command(command_of(POLL_CONTROL, "CheckIn", Side.CLIENT), Hub.check_in),),
)


@dataclass
class Rig:
    air: Home
    control: PollControl
    hub: Hub

    def tell(self, name: str, payload: str) -> Status | None:
        far = Far(METER, 4, POLL_CONTROL.cluster_id, 3)
        request = far.command(command_of(POLL_CONTROL, name), bytes.fromhex(payload))
        self.air.nodes[HUB].send(request, self.air.now)
        self.air.settle()
        reply = self.air.seen(HUB, Replied)[-1]
        assert isinstance(reply, Replied)
        return reply.status


def rig() -> Rig:
    hub = Hub()
    meter = Node(METER)
    control = PollControl(4, lambda: meter.bindings, PollIntervals(check_in=240))
    meter.add_endpoint(Endpoint(4, 0x0501, [control.served()]))
    meter.attach(control)
    coordinator = Node(HUB, [Endpoint(3, 0x0508, [CLIENT.on(hub)])])
    air = Home.of(meter, coordinator)
    coordinator.send(bind(METER, 4, POLL_CONTROL.cluster_id, (HUB, 3)), START)
    air.settle()
    control.start(START)
    return Rig(air, control, hub)


def test_a_bound_peer_is_checked_in_with_at_every_interval() -> None:
    setup = rig()
    setup.air.wait(timedelta(minutes=5, seconds=1))
    assert setup.hub.check_ins == 6
    assert setup.control.events() == []


def test_a_peer_keeps_the_device_awake_and_lets_it_sleep() -> None:
    setup = rig()
    setup.hub.wants = CheckInResponse(start_fast_polling=True, timeout=120)
    setup.air.wait(timedelta(seconds=10))
    assert setup.control.fast
    assert setup.control.events() == [FastPollStarted(HUB, START + timedelta(seconds=30))]
    assert setup.tell("FastPollStop", "") is Status.SUCCESS
    assert setup.control.events() == [FastPollStopped()]
    assert setup.tell("FastPollStop", "") is Status.ACTION_DENIED
    setup.hub.wants = CheckInResponse(start_fast_polling=True, timeout=0)
    setup.air.wait(MINUTE)
    started, stopped = setup.control.events()
    assert started == FastPollStarted(HUB, START + MINUTE + timedelta(seconds=10))
    assert stopped == FastPollStopped()
    assert not setup.control.fast


def test_a_peer_that_wants_nothing_changes_nothing() -> None:
    setup = rig()
    setup.hub.wants = CheckInResponse(start_fast_polling=False, timeout=9)
    setup.air.wait(MINUTE)
    assert setup.control.events() == []
    assert setup.tell("CheckInResponse", "01 0900") is Status.TIMEOUT


@pytest.mark.parametrize(
    ("name", "payload", "status"),
    [
        ("SetLongPollInterval", "28000000", Status.SUCCESS),
        ("SetLongPollInterval", "01000000", Status.INVALID_VALUE),
        ("SetLongPollInterval", "f1000000", Status.INVALID_VALUE),
        ("SetShortPollInterval", "0400", Status.SUCCESS),
        ("SetShortPollInterval", "0000", Status.INVALID_VALUE),
        ("SetShortPollInterval", "1500", Status.INVALID_VALUE),
    ],
)
def test_intervals_have_their_limits(name: str, payload: str, status: Status) -> None:
    assert rig().tell(name, payload) is status


@pytest.mark.parametrize(
    ("attribute", "kind", "value", "answer"),
    [
        (0x0000, DataType.UINT32, 400, "00"),
        (0x0000, DataType.UINT32, 0, "00"),
        (0x0000, DataType.UINT32, 3, "870000"),
        (0x0003, DataType.UINT16, 80, "00"),
        (0x0003, DataType.UINT16, 0, "870300"),
        (0x0001, DataType.UINT32, 80, "880100"),
    ],
)
def test_two_attributes_can_be_written(
    attribute: int, kind: DataType, value: int, answer: str
) -> None:
    assert write(rig(), attribute, kind, value) == answer


def write(setup: Rig, attribute: int, kind: DataType, value: int) -> str:
    far = Far(METER, 4, POLL_CONTROL.cluster_id, 3)
    request = far.write([AttributeValue(attribute, kind, value)])
    setup.air.nodes[HUB].send(request, setup.air.now)
    setup.air.settle()
    reply = setup.air.seen(HUB, Replied)[-1]
    assert isinstance(reply, Replied)
    return reply.frame.payload.hex()


def test_a_check_in_interval_counts_from_its_writing_and_zero_ends_checking_in() -> None:
    setup = rig()
    setup.air.wait(timedelta(seconds=1))
    assert setup.hub.check_ins == 1
    assert write(setup, 0x0000, DataType.UINT32, 40) == "00"
    setup.air.wait(timedelta(seconds=31))
    assert setup.hub.check_ins == 4
    assert write(setup, 0x0000, DataType.UINT32, 0) == "00"
    setup.air.wait(timedelta(minutes=10))
    assert setup.hub.check_ins == 4
    assert setup.control.deadline is None


def test_a_device_listens_for_the_answer_to_its_check_in_and_no_longer() -> None:
    setup = rig()
    setup.air.wait(timedelta(seconds=7))
    assert setup.control.fast
    setup.air.wait(timedelta(seconds=1))
    assert not setup.control.fast


def test_a_late_answer_and_that_of_a_stranger_start_nothing() -> None:
    setup = rig()
    setup.air.wait(timedelta(seconds=10))
    assert setup.tell("CheckInResponse", "01 0900") is Status.TIMEOUT
    setup.air.nodes[METER].bindings.clear()
    assert setup.tell("CheckInResponse", "01 0900") is Status.ACTION_DENIED
    assert not setup.control.fast


def test_fast_polling_has_its_longest_time() -> None:
    setup = rig()
    setup.control.intervals = replace(setup.control.intervals, fast_poll_timeout_max=100)
    setup.hub.wants = CheckInResponse(start_fast_polling=True, timeout=101)
    setup.air.wait(timedelta(seconds=10))
    assert setup.control.events() == []
    assert write(setup, 0x0003, DataType.UINT16, 101) == "870300"
    setup.hub.wants = CheckInResponse(start_fast_polling=True, timeout=100)
    setup.air.wait(MINUTE)
    assert setup.control.events()[0] == FastPollStarted(HUB, START + timedelta(seconds=85))


def test_a_device_polls_fast_until_the_last_peer_has_had_enough() -> None:
    meter, other = Node(METER), 0x0D0D0D0D0D0D0D0D
    control = PollControl(4, lambda: meter.bindings)
    meter.add_endpoint(Endpoint(4, 0x0501, [control.served()]))
    meter.attach(control)
    hubs = {
        eui64: Hub(CheckInResponse(True, timeout)) for eui64, timeout in ((HUB, 40), (other, 80))
    }
    nodes = [Node(eui64, [Endpoint(3, 0x0508, [CLIENT.on(hub)])]) for eui64, hub in hubs.items()]
    air = Home.of(meter, *nodes)
    for node in nodes:
        node.send(bind(METER, 4, POLL_CONTROL.cluster_id, (node.eui64, 3)), START)
    air.settle()
    control.start(START)
    air.wait(timedelta(seconds=1))
    assert [event.until for event in control.events() if isinstance(event, FastPollStarted)] == [
        START + timedelta(seconds=10),
        START + timedelta(seconds=20),
    ]
    far = Far(METER, 4, POLL_CONTROL.cluster_id, 3)
    stop = far.command(command_of(POLL_CONTROL, "FastPollStop"))
    air.nodes[other].send(stop, air.now)
    air.settle()
    assert (control.fast, control.events()) == (True, [])
    air.wait(timedelta(seconds=10))
    assert (control.fast, control.events()) == (False, [FastPollStopped()])


def test_a_device_that_leaves_its_network_polls_for_nobody() -> None:
    setup = rig()
    setup.hub.wants = CheckInResponse(start_fast_polling=True, timeout=400)
    setup.air.wait(timedelta(seconds=1))
    setup.control.stop()
    assert (setup.control.fast, setup.control.deadline) == (False, None)
    assert isinstance(setup.control.events()[-1], FastPollStopped)


def test_what_a_peer_changes_is_told() -> None:
    setup, told = rig(), list[PollIntervals]()
    setup.control.changed = lambda: told.append(setup.control.intervals)
    assert setup.tell("SetLongPollInterval", "28000000") is Status.SUCCESS
    assert setup.tell("SetLongPollInterval", "00000000") is Status.INVALID_VALUE
    assert write(setup, 0x0000, DataType.UINT32, 80) == "00"
    assert told == [
        PollIntervals(check_in=240, long_poll=40),
        PollIntervals(check_in=80, long_poll=40),
    ]
