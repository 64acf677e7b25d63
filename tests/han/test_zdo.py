"""ZDO: what a node answers, read by zigpy's own types."""

from __future__ import annotations

from datetime import timedelta

import pytest
import zigpy.zdo.types as zdo_types
from hypothesis import given
from hypothesis import strategies as st

from han.endpoint import Endpoint
from han.exchange import Announced, Unanswered, ZdoReplied
from han.node import Node
from han.radio import ApsReceived, Broadcast, Role
from han.settings import NodeSettings
from han.zcl.payload import decode
from han.zcl.tables import Cluster, ClusterDefinition, Side
from han.zdo import client
from han.zdo.messages import Command, EndpointList, NodeDescription
from han.zdo.server import Binding, FixedAddresses
from tests.han.home import DISPLAY, HUB, METER, START, Home

METERING: Cluster[None] = Cluster(ClusterDefinition(0x0702, "Metering"))
TUNNELING: Cluster[None] = Cluster(ClusterDefinition(0x0704, "Tunneling"), Side.CLIENT)
NWK = 0x3F21


def served() -> list[Endpoint]:
    nothing = ClusterDefinition(0x0000, "Basic")
    basic: Cluster[str] = Cluster(nothing)
    metering: Cluster[str] = Cluster(METERING.definition)
    tunneling: Cluster[str] = Cluster(TUNNELING.definition, Side.CLIENT)
    return [
        Endpoint(0x2A, 0x0501, [basic.on(""), metering.on("")]),
        Endpoint(0x51, 0x0508, [basic.on(""), tunneling.on("")]),
        Endpoint(0x60, 0x0501, [metering.on("")], enabled=False),
        Endpoint(0x61, 0x0501, [metering.on("")], hidden=True),
    ]


def meter(**description: object) -> Node:
    node_settings = NodeSettings(
        description=NodeDescription(role=Role.SLEEPY_END_DEVICE, manufacturer=0x1234)
    )
    return Node(METER, served(), node_settings, FixedAddresses(NWK))


def ask(command: int, payload: bytes, *, broadcast: bool = False) -> bytes | None:
    node = meter()
    frame = ApsReceived(
        HUB, 0x0000, command, 0, 0, b"\x07" + payload, False, 1, 0, broadcast=broadcast
    )
    node.receive(frame, START)
    answers = [f for _, f in node.frames()]
    if not answers:
        return None
    (answer,) = answers
    assert (answer.cluster_id, answer.profile_id) == (command | 0x8000, 0x0000)
    assert answer.payload[0] == 0x07
    return answer.payload[1:]


def by_zigpy(command: int, payload: bytes) -> list[object]:
    _, schema = zdo_types.CLUSTERS[zdo_types.ZDOCmd(command | 0x8000)]
    values: list[object] = []
    for kind in schema:
        value, payload = kind.deserialize(payload)
        values.append(value)
    assert payload == b""
    return values


def answered(command: int, payload: str) -> list[object]:
    octets = ask(command, bytes.fromhex(payload))
    assert octets is not None
    return by_zigpy(command, octets)


def test_zigpy_reads_our_node_descriptor() -> None:
    status, nwk, descriptor = answered(Command.NODE_DESC, "213f")
    assert (status, nwk) == (0, NWK)
    assert isinstance(descriptor, zdo_types.NodeDescriptor)
    assert descriptor.is_valid
    assert descriptor.is_end_device
    assert not descriptor.is_receiver_on_when_idle
    assert descriptor.manufacturer_code == 0x1234
    assert descriptor.maximum_incoming_transfer_size == 1500
    hub = zdo_types.NodeDescriptor.deserialize(NodeDescription(Role.COORDINATOR).to_bytes())[0]
    assert hub.is_coordinator
    assert hub.is_full_function_device
    assert hub.is_mains_powered
    assert hub.is_receiver_on_when_idle


def test_zigpy_reads_our_simple_descriptors() -> None:
    status, nwk, descriptor = answered(Command.SIMPLE_DESC, "213f2a")
    assert (status, nwk) == (0, NWK)
    assert isinstance(descriptor, zdo_types.SizePrefixedSimpleDescriptor)
    assert (descriptor.endpoint, descriptor.profile, descriptor.device_type) == (42, 0x109, 0x501)
    assert list(descriptor.input_clusters) == [0x0000, 0x0702]
    *_, other = answered(Command.SIMPLE_DESC, "213f51")
    assert isinstance(other, zdo_types.SizePrefixedSimpleDescriptor)
    assert (other.endpoint, other.profile, other.device_type) == (0x51, 0x109, 0x508)
    assert (list(other.input_clusters), list(other.output_clusters)) == ([0x0000], [0x0704])


@pytest.mark.parametrize(
    ("payload", "status"),
    [("213f00", 0x82), ("213f33", 0x83), ("213f60", 0x83), ("213f61", 0x83), ("00002a", 0x80)],
)
def test_a_descriptor_that_is_not_there_has_a_reason(payload: str, status: int) -> None:
    octets = ask(Command.SIMPLE_DESC, bytes.fromhex(payload))
    assert octets is not None
    assert octets[0] == status
    assert octets[-1] == 0


def test_disabled_and_hidden_endpoints_are_not_listed() -> None:
    status, nwk, endpoints = answered(Command.ACTIVE_EP, "213f")
    assert (status, nwk, endpoints) == (0, NWK, [0x2A, 0x51])


def test_match_finds_servers_and_clients_of_the_profile() -> None:
    assert answered(Command.MATCH_DESC, "213f 0901 01 0207 00")[2] == [0x2A]
    assert answered(Command.MATCH_DESC, "213f 0901 00 01 0407")[2] == [0x51]
    assert answered(Command.MATCH_DESC, "fdff 0901 01 0207 01 0407")[2] == [0x2A, 0x51]
    assert answered(Command.MATCH_DESC, "213f 0401 01 0207 00")[2] == []


def test_a_broadcast_match_is_answered_only_by_who_matches() -> None:
    assert ask(Command.MATCH_DESC, bytes.fromhex("fdff 0901 01 0407 00"), broadcast=True) is None
    assert ask(Command.MATCH_DESC, bytes.fromhex("fdff 0901 01 0207 00"), broadcast=True)


def test_addresses() -> None:
    ours = METER.to_bytes(8, "little").hex()
    assert [int(v) for v in answered(Command.IEEE_ADDR, "213f 00 00")[2:3]] == [NWK]  # type: ignore[call-overload] # zigpy's types
    octets = ask(Command.NWK_ADDR, bytes.fromhex(ours + "0000"))
    assert octets == bytes.fromhex("00" + ours + "213f")
    stranger = HUB.to_bytes(8, "little").hex()
    octets = ask(Command.NWK_ADDR, bytes.fromhex(stranger + "0000"))
    assert octets is not None
    assert octets[0] == 0x80
    assert ask(Command.NWK_ADDR, bytes.fromhex(stranger + "0000"), broadcast=True) is None


def test_bindings_are_made_listed_and_removed() -> None:
    node, hub = meter(), Node(HUB)
    air = Home.of(node, hub)
    binding = client.bind(METER, 0x2A, 0x0702, (DISPLAY, 5))
    hub.send(binding, START)
    hub.send(binding, START)
    air.settle()
    assert node.bindings == [Binding(0x2A, 0x0702, DISPLAY, 5)]
    hub.send(client.request(METER, Command.MGMT_BIND, b"\x00", timedelta(seconds=5)), START)
    hub.send(client.bind(METER, 0x2A, 0x0702, (DISPLAY, 5), remove=True), START)
    hub.send(client.bind(METER, 0x2A, 0x0702, (DISPLAY, 5), remove=True), START)
    hub.send(client.bind(METER, 0x77, 0x0702, (DISPLAY, 5)), START)
    air.settle()
    replies = [e.payload for e in air.events[HUB] if isinstance(e, ZdoReplied)]
    assert [r[0] for r in replies] == [0, 0, 0, 0, 0x88, 0x82]
    _, total, _, entries = by_zigpy(Command.MGMT_BIND, replies[2])
    assert total == 1
    assert str(entries)
    assert node.bindings == []


def test_unknown_requests_are_not_supported_and_malformed_ones_named() -> None:
    assert ask(0x0038, b"\x00") == b"\x84"
    assert ask(0x0038, b"\x00", broadcast=True) is None
    assert ask(Command.MATCH_DESC, b"\x00") == b"\x80"
    assert ask(Command.MGMT_LQI, b"\x00") == bytes(4)


def test_an_announcement_becomes_an_event() -> None:
    node, hub = meter(), Node(HUB)
    air = Home.of(node, hub)
    node.send(client.announce(METER, NWK, 0x80), START)
    air.settle()
    assert air.seen(HUB, Announced) == [Announced(METER, NWK, 0x80)]


def test_a_broadcast_question_collects_every_answer_until_its_time_is_up() -> None:
    hub = Node(HUB)
    other = Node(DISPLAY, served(), addresses=FixedAddresses(0x1111))
    air = Home.of(hub, meter(), other)
    question = client.match_descriptors(Broadcast.RX_ON_WHEN_IDLE, 0xFFFD, inputs=(0x0702,))
    hub.send(question, START)
    air.wait(timedelta(seconds=11))
    replies = [e for e in air.events[HUB] if isinstance(e, ZdoReplied)]
    assert {r.peer: decode(EndpointList, r.payload).endpoints for r in replies} == {
        METER: (0x2A,),
        DISPLAY: (0x2A,),
    }
    assert len(air.seen(HUB, Unanswered)) == 1


@given(st.integers(0, 0x40), st.binary(max_size=40), st.booleans())
def test_any_octets_get_an_answer_or_silence(command: int, payload: bytes, everyone: bool) -> None:
    node = meter()
    frame = ApsReceived(HUB, 0, command, 0, 0, payload, False, 1, 0, broadcast=everyone)
    node.receive(frame, START)
    assert len(node.frames()) + len(node.events()) == 1
