"""A node with every service this package has, against frames nobody would send."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gbcs.errors import MalformedMessage
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import AttributeValue
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value
from han.cbke.authority import Authority, Credentials
from han.cbke.certificate import Suite
from han.cbke.service import KeyEstablishment
from han.clusters import METERING, every_cluster
from han.clusters.mirrored import mirrored
from han.endpoint import Endpoint
from han.exchange import Ignored
from han.keep_alive import KeepAlive, keep_alive_server
from han.logs import Snapshot, metering_snapshots, top_up_log
from han.mirror import MirrorClient, MirrorHost
from han.node import Node
from han.ota.client import OtaClient
from han.ota.image import GbImage, ImageKey
from han.ota.server import OtaServer
from han.poll_control import PollControl
from han.radio import ApsReceived, Block, DeliveryReport, DeliveryStatus
from han.reporter import Reporter
from han.tunnel import Collector, Mailboxes, TunnelClients, TunnelServer
from han.zcl.tables import Failure, Side
from han.zdo.client import endpoints_of, match_descriptors
from han.zdo.server import FixedAddresses
from tests.han.home import HUB, METER, START

OURS = HUB
RANDOM = Random(1).randbytes
CREDENTIALS: Credentials = Authority.create(Suite.SUITE_1, 9, RANDOM).issue(OURS, RANDOM)
CLUSTERS = [c.cluster_id for c in every_cluster()]


class Sink:
    def reported(self, peer: int, cluster_id: int, record: AttributeValue, now: datetime) -> Status:
        return Status.SUCCESS


def value_of(attribute_id: int) -> Value | Failure:
    return 1 if attribute_id % 2 else Failure(Status.HARDWARE_FAILURE)


class Everything:
    """Both sides of everything on two endpoints, every service under way with one peer."""

    def __init__(self) -> None:
        addresses = FixedAddresses(0, {METER: 0x1234})
        tunnel_server, tunnel_clients = TunnelServer(1), TunnelClients(1)
        self.mailboxes = Mailboxes(tunnel_server)
        self.collector = Collector(tunnel_clients, METER)
        self.tunnels = (tunnel_server, tunnel_clients)
        mirror = Endpoint(2, 0x0501, [mirrored(METERING, Side.SERVER, value_of)])
        host = MirrorHost([mirror], Sink())
        host.restore(METER, 2, None)
        keys = KeyEstablishment(OURS, 1, [CREDENTIALS], RANDOM)
        server = OtaServer()
        image = GbImage.build(ImageKey(1, 2), 3, bytes(100), bytes(64))
        server.offer(image.to_bytes(), frozenset({METER}))
        device = OtaClient(METER, 1, 3, ImageKey(1, 2))
        meter = MirrorClient(METER, 1, 3)
        watch = KeepAlive(METER, 1, 3, lambda n: 0)
        served = [
            tunnel_server.served(),
            tunnel_clients.served(),
            host.served_by_esi(),
            keep_alive_server(),
            server.served(),
            *keys.served(),
            metering_snapshots(lambda _: [Snapshot(1, 2, 1, 0, b"x")]),
            top_up_log(lambda _: ()),
        ]
        esi = Endpoint(1, 0x0500, served)
        self.node = Node(OURS, [esi, mirror], addresses=addresses)
        poll = PollControl(3, lambda: self.node.bindings)
        third = Endpoint(3, 0x0501, [device.served(), meter.served(), poll.served()])
        self.node.add_endpoint(third)
        for service in (
            tunnel_server,
            tunnel_clients,
            keys,
            device,
            meter,
            watch,
            poll,
            Reporter([mirror], lambda: self.node.bindings),
        ):
            self.node.attach(service)
        tunnel_clients.open(METER, 1, START)
        keys.start(METER, 1)
        device.query()
        meter.start(START, 1)
        watch.start(START)
        self.node.send(match_descriptors(METER, 0x1234, inputs=(0x0702,)), START)
        self.collector.collect(START)
        self.node.poll(START)
        self.deliver(START)

    def deliver(self, now: datetime) -> None:
        """Report every frame delivered, and hand tunnel events on."""
        for _ in range(20):
            frames = self.node.frames()
            for frame_id, _ in frames:
                self.node.sent(frame_id, DeliveryReport(DeliveryStatus.DELIVERED, 1), now)
            for event in self.tunnels[0].events():
                self.mailboxes.receive(event, now)
            for event in self.tunnels[1].events():
                self.collector.receive(event, now)
            if not frames:
                break


frames = st.builds(
    lambda control, sequence, command, payload: (
        bytes((control,)) + b"\x34\x12" * bool(control & 4) + bytes((sequence, command)) + payload
    ),
    st.sampled_from([0x00, 0x01, 0x08, 0x09, 0x10, 0x11, 0x18, 0x19, 0x05, 0x03]),
    st.integers(0, 12),
    st.integers(0, 0x16),
    st.binary(max_size=90),
)
received = st.builds(
    lambda cluster, endpoint, octets, encrypted, broadcast, block: ApsReceived(
        METER, 0x0109, cluster, 1, endpoint, octets, encrypted, 5, 0x1234, broadcast, block
    ),
    st.sampled_from(CLUSTERS),
    st.sampled_from([1, 2, 3, 0xFF, 9]),
    frames | st.binary(max_size=20),
    st.booleans(),
    st.booleans(),
    st.none() | st.builds(Block, st.integers(0, 5), st.none() | st.integers(0, 6)),
)
zdo = st.builds(
    lambda command, octets, broadcast: ApsReceived(
        METER, 0, command, 0, 0, octets, False, 5, 0x1234, broadcast
    ),
    st.sampled_from([0, 1, 2, 3, 4, 5, 6, 0x13, 0x21, 0x22, 0x31, 0x33, 0x8006, 0x8000, 0x77]),
    st.binary(max_size=40),
    st.booleans(),
)


@given(st.lists(received | zdo, min_size=1, max_size=12))
@settings(max_examples=250)
def test_nothing_a_peer_sends_escapes_as_an_exception(arriving: list[ApsReceived]) -> None:
    rig = Everything()
    now = START
    for frame in arriving:
        now += timedelta(seconds=3)
        rig.node.receive(frame, now)
        rig.deliver(now)
        rig.node.poll(now)
    rig.node.forget(METER, now)
    rig.node.poll(now + timedelta(days=2))


@given(st.binary(max_size=12))
@settings(max_examples=100)
def test_a_list_of_endpoints_is_read_or_malformed(octets: bytes) -> None:
    with suppress(MalformedMessage):
        assert all(0 <= endpoint <= 0xFF for endpoint in endpoints_of(octets))


@pytest.mark.parametrize("octets", [b"", b"\x00", bytes(3)])
def test_what_is_no_frame_is_named(octets: bytes) -> None:
    rig = Everything()
    rig.node.events()
    rig.node.receive(ApsReceived(METER, 0x0109, 0x0702, 1, 9, octets, True, 5, 0), START)
    assert [e.reason for e in rig.node.events() if isinstance(e, Ignored)] == ["no such endpoint"]
    if len(octets) < 3:
        rig.node.receive(ApsReceived(METER, 0x0109, 0x0702, 1, 2, octets, True, 5, 0), START)
        assert [type(e) for e in rig.node.events()] == [Ignored]
    else:
        assert Frame.parse(octets).command_id == 0
