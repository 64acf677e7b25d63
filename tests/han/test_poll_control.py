"""Poll control: check-ins, fast polling, and what a peer may change."""

from __future__ import annotations

from dataclasses import dataclass
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
    assert setup.control.events() == [FastPollStarted(START + timedelta(seconds=30))]
    assert setup.tell("FastPollStop", "") is Status.SUCCESS
    assert setup.control.events() == [FastPollStopped()]
    assert setup.tell("FastPollStop", "") is Status.ACTION_DENIED
    setup.hub.wants = CheckInResponse(start_fast_polling=True, timeout=0)
    setup.air.wait(MINUTE)
    started, stopped = setup.control.events()
    assert started == FastPollStarted(START + MINUTE + timedelta(seconds=10))
    assert stopped == FastPollStopped()


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
    setup = rig()
    far = Far(METER, 4, POLL_CONTROL.cluster_id, 3)
    setup.air.nodes[HUB].send(far.write([AttributeValue(attribute, kind, value)]), START)
    setup.air.settle()
    reply = setup.air.seen(HUB, Replied)[-1]
    assert isinstance(reply, Replied)
    assert reply.frame.payload.hex() == answer


def test_without_an_interval_there_is_no_check_in() -> None:
    setup = rig()
    setup.air.wait(timedelta(seconds=1))
    far = Far(METER, 4, POLL_CONTROL.cluster_id, 3)
    setup.air.nodes[HUB].send(far.write([AttributeValue(0, DataType.UINT32, 0)]), setup.air.now)
    setup.air.wait(timedelta(minutes=10))
    assert setup.hub.check_ins == 2
