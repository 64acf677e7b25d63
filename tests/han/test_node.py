"""Two and three nodes: requests and answers, security, time-outs, long messages."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from gbcs.zcl.frame import Frame
from gbcs.zcl.general import GeneralCommand, ReadAttributes, ReadAttributesResponse
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType
from han.endpoint import Endpoint
from han.exchange import (
    AnswerLost,
    Delivered,
    Executed,
    Ignored,
    Outcome,
    Replied,
    Request,
    Unanswered,
    Undelivered,
)
from han.fragmentation import MessageTooLong
from han.node import Node
from han.radio import ApsFrame, ApsReceived, DeliveryReport, DeliveryStatus
from han.settings import NodeSettings
from han.zcl.tables import (
    Access,
    Answer,
    Attribute,
    AttributeDefinition,
    Cluster,
    ClusterDefinition,
    Command,
    CommandDefinition,
    Reply,
    Side,
)
from tests.han.home import DISPLAY, HUB, METER, START, Home, received

CLUSTER_ID = 0x0702
SECOND = timedelta(seconds=1)
ATTRIBUTES = tuple(AttributeDefinition(i, f"Text{i}", DataType.CHAR_STRING) for i in range(20))
ECHO = CommandDefinition(0x06, "Echo", answered_by=(0x07,))
DEFINITION = ClusterDefinition(CLUSTER_ID, "Metering", ATTRIBUTES, (), (ECHO,), ())


@dataclass
class Texts:
    length: int = 10
    heard: list[bytes] = field(default_factory=list)


def echo(texts: Texts, payload: bytes, access: Access) -> Answer:
    texts.heard.append(payload)
    return Reply(0x07, payload) if payload else Status.SUCCESS


def table(texts: Texts) -> Cluster[Texts]:
    return Cluster(
        DEFINITION,
        attributes=tuple(Attribute(a, lambda t: "x" * t.length) for a in ATTRIBUTES),
        commands=(Command(ECHO, echo),),
    )


def meter(texts: Texts | None = None, settings: NodeSettings | None = None) -> Node:
    texts = texts or Texts()
    return Node(METER, [Endpoint(0x2A, 0x0501, [table(texts).on(texts)])], settings)


def read(ids: int = 1, **more: object) -> Request:
    request = Request(
        METER,
        endpoint=0x2A,
        cluster_id=CLUSTER_ID,
        command_id=GeneralCommand.READ_ATTRIBUTES,
        payload=ReadAttributes(tuple(range(ids))).to_bytes(),
        source_endpoint=3,
        general=True,
        reply_within=10 * SECOND,
    )
    return replace(request, **more)  # type: ignore[arg-type] # the test names real fields


def home(texts: Texts | None = None) -> tuple[Home, Node]:
    hub = Node(HUB, [Endpoint(3, 0x0508)])
    return Home.of(hub, meter(texts)), hub


def outcome(events: Home, eui64: int = HUB) -> Outcome:
    (only,) = [e for e in events.events[eui64] if isinstance(e, Outcome)]
    return only


def test_a_read_is_answered_on_the_same_endpoints_with_the_same_security() -> None:
    air, hub = home()
    ticket = hub.send(read(), air.now)
    air.settle()
    reply = outcome(air)
    assert isinstance(reply, Replied)
    assert (reply.ticket, reply.peer) == (ticket, METER)
    records = ReadAttributesResponse.parse(reply.frame.payload).records
    assert [r.value for r in records] == ["x" * 10]
    (_, question), (_, answer) = air.carried
    assert (question.source_endpoint, question.destination_endpoint) == (3, 0x2A)
    assert (answer.source_endpoint, answer.destination_endpoint) == (0x2A, 3)
    assert question.encrypted
    assert answer.encrypted
    (trace,) = air.seen(METER, Executed)
    assert isinstance(trace, Executed)
    assert trace.answers[0].command_id == GeneralCommand.READ_ATTRIBUTES_RESPONSE


def test_a_long_answer_travels_in_parts_and_arrives_whole() -> None:
    texts = Texts(length=60)
    air, hub = home(texts)
    hub.send(read(ids=20), air.now)
    air.settle()
    reply = outcome(air)
    assert isinstance(reply, Replied)
    records = ReadAttributesResponse.parse(reply.frame.payload).records
    assert [r.value for r in records] == ["x" * 60] * 20
    assert len([f for s, f in air.carried if s == METER]) == 19


def test_a_node_expects_answers_and_the_rest_of_messages_and_else_nothing() -> None:
    air, hub = home(Texts(length=60))
    asked = air.nodes[METER]
    said = [hub.expecting]
    hub.send(read(ids=20), air.now)
    [(frame_id, question)] = hub.frames()
    said.append(hub.expecting)
    hub.sent(frame_id, DeliveryReport(DeliveryStatus.DELIVERED, 1), air.now)
    asked.receive(received(HUB, question), air.now)
    assert asked.sends_parts_to(HUB)
    [(_, first)] = asked.frames()
    hub.poll(air.now + 20 * SECOND)  # it asks no longer
    said.append(hub.expecting)
    hub.receive(received(METER, first, counter=9), air.now)
    said.append(hub.expecting)
    hub.poll(air.now + 60 * SECOND)  # and the rest does not come
    assert [*said, hub.expecting] == [False, True, False, True, False]


def test_a_node_has_sent_a_message_in_parts_once_it_is_there() -> None:
    air, hub = home(Texts(length=60))
    hub.send(read(ids=20), air.now)
    air.settle()
    assert not air.nodes[METER].sends_parts_to(HUB)
    assert not hub.expecting


def test_an_answer_beyond_1500_octets_is_insufficient_space() -> None:
    air, hub = home(Texts(length=90))
    hub.send(read(ids=20), air.now)
    air.settle()
    reply = outcome(air)
    assert isinstance(reply, Replied)
    assert reply.status is Status.INSUFFICIENT_SPACE


def test_a_request_beyond_1500_octets_is_refused_at_once() -> None:
    _, hub = home()
    with pytest.raises(MessageTooLong):
        hub.send(read(payload=bytes(1500)), START)
    assert hub.deadline is None


def test_lost_parts_are_sent_again() -> None:
    air, hub = home(Texts(length=60))
    count = 0

    def lose_every_third(frame: ApsFrame) -> bool:
        nonlocal count
        count += frame.block is not None
        return frame.block is not None and count % 3 == 0

    air.lost = lose_every_third
    hub.send(read(ids=20), air.now)
    air.settle()
    assert isinstance(outcome(air), Replied)


def test_silence_ends_as_unanswered_after_the_time_given_from_delivery() -> None:
    hub = Node(HUB, [Endpoint(3, 0x0508)])
    air = Home.of(hub, Node(METER))
    hub.send(read(), air.now)
    air.settle()
    assert hub.deadline == START + 10 * SECOND
    air.wait(9 * SECOND)
    assert air.seen(HUB, Unanswered) == []
    air.wait(1 * SECOND)
    assert isinstance(outcome(air), Unanswered)
    (ignored,) = air.seen(METER, Ignored)
    assert isinstance(ignored, Ignored)
    assert ignored.reason == "no such endpoint"


def test_a_frame_that_does_not_arrive_ends_as_undelivered() -> None:
    air, hub = home()
    air.lost = lambda _: True
    hub.send(read(), air.now)
    air.settle()
    end = outcome(air)
    assert isinstance(end, Undelivered)
    assert end.reason is DeliveryStatus.NO_ACKNOWLEDGEMENT
    assert hub.deadline is None


def test_a_request_without_a_wait_ends_when_delivered() -> None:
    texts = Texts()
    air, hub = home(texts)
    command = read(general=False, command_id=6, payload=b"", reply_within=None)
    hub.send(replace(command, default_response=False), air.now)
    air.settle()
    assert isinstance(outcome(air), Delivered)
    assert texts.heard == [b""]
    assert len(air.carried) == 1


def test_a_cluster_command_is_concluded_by_its_answer_or_a_default_response() -> None:
    air, hub = home()
    command = read(general=False, command_id=6, answered_by=frozenset({7}))
    hub.send(replace(command, payload=b"hello"), air.now)
    hub.send(replace(command, payload=b""), air.now)
    hub.send(replace(command, command_id=0x55), air.now)
    air.settle()
    replies = [e for e in air.events[HUB] if isinstance(e, Replied)]
    assert replies[0].frame.payload == b"hello"
    assert [r.status for r in replies] == [None, Status.SUCCESS, Status.UNSUP_CLUSTER_COMMAND]


@pytest.mark.parametrize(("control", "answers"), [(0x09, ["10010b0700"]), (0x19, [])])
def test_an_answer_gets_a_default_response_when_its_sender_wants_one(
    control: int, answers: list[str]
) -> None:
    hub = Node(HUB, [Endpoint(3, 0x0508)])
    hub.send(read(general=False, command_id=6, answered_by=frozenset({7})), START)
    hub.frames()
    reply = Frame(control, 1, 0x07, b"").to_bytes()
    hub.sent(1, DeliveryReport(DeliveryStatus.DELIVERED, 1), START)
    hub.receive(ApsReceived(METER, 0x0109, CLUSTER_ID, 0x2A, 3, reply, True, 7, 0), START)
    assert [type(e) for e in hub.events()] == [Replied]
    assert [f.payload.hex() for _, f in hub.frames()] == answers


def test_a_peers_own_command_with_the_same_number_is_no_answer() -> None:
    texts = Texts()
    client: Cluster[Texts] = Cluster(DEFINITION, Side.CLIENT)
    hub = Node(HUB, [Endpoint(3, 0x0508, [client.on(texts)])])
    hub.send(read(), START)
    report = ApsReceived(
        METER, 0x0109, CLUSTER_ID, 0x2A, 3, Frame(0x08, 1, 0x0A, b"").to_bytes(), True, 7, 0
    )
    hub.receive(report, START)
    assert not [e for e in hub.events() if isinstance(e, Outcome)]
    assert texts.heard == []


def test_an_unsecured_frame_of_a_secured_cluster_is_refused_unsecured() -> None:
    texts = Texts()
    air, hub = home(texts)
    hub.send(read(encrypted=False), air.now)
    air.settle()
    reply = outcome(air)
    assert isinstance(reply, Replied)
    assert reply.status is Status.FAILURE
    assert not air.carried[1][1].encrypted
    (trace,) = air.seen(METER, Executed)
    assert isinstance(trace, Executed)
    assert trace.refused


def test_a_meter_may_be_set_to_accept_unsecured_frames() -> None:
    hub = Node(HUB, [Endpoint(3, 0x0508)], NodeSettings(refuse_unsecured=False))
    air = Home.of(hub, meter(settings=NodeSettings(refuse_unsecured=False)))
    hub.send(read(encrypted=False), air.now)
    air.settle()
    reply = outcome(air)
    assert isinstance(reply, Replied)
    assert reply.status is None


def test_an_unsecured_success_ends_no_secured_request() -> None:
    hub = Node(HUB, [Endpoint(3, 0x0508)])
    hub.send(read(general=False, command_id=6), START)
    forged = Frame(0x18, 1, 0x0B, bytes((6, 0))).to_bytes()
    frame = ApsReceived(METER, 0x0109, CLUSTER_ID, 0x2A, 3, forged, False, 7, 0)
    hub.receive(frame, START)
    assert not [e for e in hub.events() if isinstance(e, Replied)]


def test_time_and_basic_travel_in_the_clear() -> None:
    hub = Node(HUB, [Endpoint(3, 0x0508)])
    hub.send(read(cluster_id=0x000A), START)
    ((_, frame),) = hub.frames()
    assert not frame.encrypted


def test_one_message_at_a_time_to_a_peer_and_peers_side_by_side() -> None:
    hub = Node(HUB, [Endpoint(3, 0x0508)])
    hub.send(read(), START)
    hub.send(read(), START)
    hub.send(read(peer=DISPLAY), START)
    first, other = hub.frames()
    assert (first[1].peer, other[1].peer) == (METER, DISPLAY)
    assert hub.frames() == []
    hub.sent(first[0], DeliveryReport(DeliveryStatus.DELIVERED, 1), START)
    ((_, second),) = hub.frames()
    assert second.peer == METER
    assert second.payload[1] != first[1].payload[1]


def test_a_peer_that_takes_nothing_costs_a_bounded_queue() -> None:
    hub = Node(HUB, [Endpoint(3, 0x0508)])
    for _ in range(257):
        hub.send(read(), START)
    (refused,) = [e for e in hub.events() if isinstance(e, Undelivered)]
    assert refused.reason is DeliveryStatus.QUEUE_FULL


def test_a_service_that_asks_for_too_much_is_told() -> None:
    hub = Node(HUB, [Endpoint(3, 0x0508)])
    asker = Asker(wanted=[read(payload=bytes(1501))])
    asker.due = None
    hub.attach(asker)
    hub.poll(START)
    (told,) = asker.heard
    assert isinstance(told, Undelivered)
    assert told.reason is DeliveryStatus.TOO_LONG


def test_a_peer_that_leaves_ends_everything_with_it() -> None:
    hub = Node(HUB, [Endpoint(3, 0x0508)])
    hub.send(read(), START)
    hub.send(read(), START)
    hub.send(read(peer=DISPLAY), START)
    hub.forget(METER, START)
    ends = [e for e in hub.events() if isinstance(e, Undelivered)]
    assert [e.reason for e in ends] == [DeliveryStatus.UNKNOWN_PEER] * 2
    ((_, frame),) = hub.frames()
    assert frame.peer == DISPLAY


def test_a_disabled_endpoint_does_not_answer() -> None:
    air, hub = home()
    mirror = air.nodes[METER].endpoints[0x2A]
    mirror.enabled = False
    hub.send(read(), air.now)
    air.wait(11 * SECOND)
    assert isinstance(outcome(air), Unanswered)


def test_an_answer_that_does_not_arrive_is_told() -> None:
    node = meter()
    question = Frame(0x00, 9, 0x00, bytes(2)).to_bytes()
    node.receive(ApsReceived(HUB, 0x0109, CLUSTER_ID, 3, 0x2A, question, True, 1, 0), START)
    ((frame_id, _),) = node.frames()
    node.sent(frame_id, DeliveryReport(DeliveryStatus.EXPIRED, 1), START)
    assert AnswerLost(HUB, CLUSTER_ID, DeliveryStatus.EXPIRED) in node.events()


@pytest.mark.parametrize("octets", [b"", b"\x01", b"\x03\x00\x00", bytes(3)[:2]])
def test_noise_is_ignored_and_named(octets: bytes) -> None:
    node = meter()
    frame = ApsFrame(METER, 0x0109, CLUSTER_ID, 3, 0x2A, octets, encrypted=True)
    node.receive(received(HUB, frame), START)
    assert [type(e) for e in node.events()] == [Ignored]
    assert node.frames() == []


@dataclass
class Asker:
    """A service that asks twice and keeps what it hears."""

    due: datetime | None = START
    wanted: list[Request] = field(default_factory=list)
    heard: list[Outcome] = field(default_factory=list)

    @property
    def deadline(self) -> datetime | None:
        return self.due

    def poll(self, now: datetime) -> None:
        self.due = None
        self.wanted.append(read())

    def requests(self) -> list[Request]:
        wanted, self.wanted = self.wanted, []
        return wanted

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        self.heard.append(outcome)
        if len(self.heard) == 1:
            self.wanted.append(read())


def test_a_service_is_polled_and_told_how_its_requests_ended() -> None:
    air, hub = home()
    asker = Asker()
    hub.attach(asker)
    assert hub.deadline == START
    hub.poll(air.now)
    air.settle()
    assert [type(o) for o in asker.heard] == [Replied, Replied]
    assert hub.deadline is None
