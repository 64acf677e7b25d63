"""Load control between an ESME and an HCALCS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_seconds
from han.clusters import DEMAND_RESPONSE
from han.commands.events import GetScheduledEvents, LoadControlEvent
from han.endpoint import Endpoint
from han.exchange import Replied
from han.load_control import (
    ControlRequested,
    EventStatus,
    LoadChanged,
    LoadController,
    LoadControlServer,
    StatusReported,
)
from han.node import Node
from han.requests import Far, command_of
from han.zcl.payload import encode
from tests.han.home import DISPLAY, METER, START, Home

HCALCS = DISPLAY
MINUTE = timedelta(minutes=1)


@dataclass
class Rig:
    air: Home
    esme: LoadControlServer
    hcalcs: LoadController

    def issue(self, event: LoadControlEvent) -> None:
        self.air.nodes[METER].send(self.esme.issue(event, HCALCS, 8), self.air.now)
        self.air.settle()

    def statuses(self) -> list[tuple[int, EventStatus]]:
        reports = (e.report for e in self.esme.events() if isinstance(e, StatusReported))
        return [(report.issuer_event_id, EventStatus(report.status)) for report in reports]


def rig() -> Rig:
    esme = LoadControlServer(7)
    far = Far(METER, 7, DEMAND_RESPONSE.cluster_id, 8)
    hcalcs = LoadController(far, device_class=0x0080, group=2)
    node = Node(HCALCS, [Endpoint(8, 0x0504, [hcalcs.served()])])
    node.attach(hcalcs)
    return Rig(Home.of(Node(METER, [Endpoint(7, 0x0500, [esme.served()])]), node), esme, hcalcs)


def event(
    number: int, start: datetime | None = None, minutes: int = 10, group: int = 2
) -> LoadControlEvent:
    seconds = 0 if start is None else zcl_seconds(start)
    return LoadControlEvent(number, 0x0080, group, seconds, minutes, 1, duty_cycle_percent=100)


def test_an_event_is_23_octets() -> None:
    assert len(encode(event(1))) == 23


def test_an_event_is_received_started_and_completed() -> None:
    setup = rig()
    setup.issue(event(1, START + 5 * MINUTE))
    assert setup.statuses() == [(1, EventStatus.RECEIVED)]
    assert setup.hcalcs.active is None
    setup.air.wait(6 * MINUTE)
    assert setup.statuses() == [(1, EventStatus.STARTED)]
    assert setup.hcalcs.events() == [LoadChanged(event(1, START + 5 * MINUTE))]
    setup.air.wait(10 * MINUTE)
    assert setup.statuses() == [(1, EventStatus.COMPLETED)]
    assert setup.hcalcs.events() == [LoadChanged(None)]
    assert setup.hcalcs.deadline is None


def test_an_event_without_a_time_begins_at_once() -> None:
    setup = rig()
    setup.issue(event(1))
    assert setup.statuses() == [(1, EventStatus.RECEIVED), (1, EventStatus.STARTED)]


def test_a_later_event_supersedes_one_it_overlaps() -> None:
    setup = rig()
    setup.issue(event(1))
    setup.issue(event(2, START + 5 * MINUTE))
    assert setup.statuses()[2:] == [(1, EventStatus.SUPERSEDED), (2, EventStatus.RECEIVED)]
    setup.issue(event(3, START + 60 * MINUTE))
    assert setup.statuses() == [(3, EventStatus.RECEIVED)]


@pytest.mark.parametrize("when", ["before", "while"])
def test_an_event_is_cancelled(when: str) -> None:
    setup = rig()
    setup.issue(event(1, None if when == "while" else START + MINUTE))
    setup.esme.events()
    request = setup.esme.cancel(1, HCALCS, 8)
    assert request is not None
    setup.air.nodes[METER].send(request, START)
    setup.air.settle()
    assert setup.statuses() == [(1, EventStatus.CANCELLED)]
    assert setup.hcalcs.active is None
    assert setup.esme.cancel(1, HCALCS, 8) is None


def test_an_unknown_event_cannot_be_cancelled_and_an_old_one_not_begin() -> None:
    setup = rig()
    setup.esme.issue(event(9), HCALCS, 8)  # never sent
    cancel = setup.esme.cancel(9, HCALCS, 8)
    assert cancel is not None
    setup.air.nodes[METER].send(cancel, START)
    setup.issue(event(2, START - 60 * MINUTE))
    assert setup.statuses() == [
        (9, EventStatus.REJECTED_UNDEFINED),
        (2, EventStatus.REJECTED_EXPIRED),
    ]


def test_an_event_for_others_is_left_alone() -> None:
    setup = rig()
    setup.issue(event(1, group=3))
    setup.issue(event(2, group=0))
    assert [number for number, _ in setup.statuses()] == [2, 2]


def test_a_device_may_ask_for_what_is_scheduled() -> None:
    setup = rig()
    far = Far(METER, 7, DEMAND_RESPONSE.cluster_id, 8)
    ask = far.command(
        command_of(DEMAND_RESPONSE, "GetScheduledEvents"), encode(GetScheduledEvents(0, 0))
    )
    setup.esme.issue(event(1, START + 5 * MINUTE), HCALCS, 8)
    setup.esme.issue(event(2, START - 60 * MINUTE), HCALCS, 8)
    setup.air.nodes[HCALCS].send(ask, START)
    setup.air.settle()
    reply = setup.air.seen(HCALCS, Replied)[-1]
    assert isinstance(reply, Replied)
    assert reply.frame.payload == encode(event(1, START + 5 * MINUTE))


def test_a_device_that_lost_its_power_gets_its_event_again_by_asking() -> None:
    setup = rig()
    setup.esme.expect(event(1, START - 5 * MINUTE, minutes=30), HCALCS)
    setup.esme.expect(event(2, START - 5 * MINUTE, minutes=30), 0x77)
    setup.hcalcs.ask()
    setup.air.settle()
    assert setup.hcalcs.active == event(1, START - 5 * MINUTE, minutes=30)
    asked, *reports = setup.esme.events()
    assert asked == ControlRequested(HCALCS, 8)
    assert [r.report.status for r in reports if isinstance(r, StatusReported)] == [1, 2]


def test_a_device_that_asks_and_has_nothing_scheduled_drops_what_it_had() -> None:
    setup = rig()
    setup.issue(event(1))
    setup.esme.forget(HCALCS)
    setup.hcalcs.ask()
    setup.air.settle()
    assert setup.hcalcs.active is None


def test_everything_is_cancelled_at_once() -> None:
    setup = rig()
    setup.issue(event(1))
    setup.issue(event(2, START + 60 * MINUTE))
    setup.esme.events()
    setup.air.nodes[METER].send(setup.esme.cancel_all(HCALCS, 8), START)
    setup.air.settle()
    assert setup.statuses() == [(1, EventStatus.CANCELLED), (2, EventStatus.CANCELLED)]


def test_nobody_but_its_meter_is_obeyed() -> None:
    setup = rig()
    setup.hcalcs.server = Far(0x77, 7, DEMAND_RESPONSE.cluster_id, 8)
    setup.issue(event(1))
    assert setup.hcalcs.active is None
    reply = setup.air.seen(METER, Replied)[-1]
    assert isinstance(reply, Replied)
    assert reply.status is Status.NOT_AUTHORIZED


def test_the_same_event_again_is_reported_as_it_stands() -> None:
    setup = rig()
    setup.issue(event(1))
    setup.issue(event(1))
    assert [status for _, status in setup.statuses()] == [
        EventStatus.RECEIVED,
        EventStatus.STARTED,
        EventStatus.STARTED,
    ]


def test_a_device_of_no_group_takes_events_of_every_group() -> None:
    setup = rig()
    setup.hcalcs.group = 0
    setup.issue(event(1, group=3))
    assert setup.hcalcs.active == event(1, group=3)
