"""tshark, which knows nothing of this package, reads what nodes say to each other."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from random import Random

from gbcs.zcl.general import AttributeValue
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType, zcl_seconds
from han.cbke.authority import Authority
from han.cbke.certificate import Suite
from han.cbke.service import KeyEstablishment
from han.clusters import DEVICE_MANAGEMENT, EVENTS, METERING
from han.clusters.mirrored import mirrored
from han.commands.events import DisplayMessage, EventEntry, GetEventLog, LoadControlEvent
from han.commands.metering import GetSnapshot
from han.endpoint import Endpoint
from han.keep_alive import KeepAlive, keep_alive_server
from han.load_control import LoadController, LoadControlServer
from han.logs import Snapshot, event_logs, metering_snapshots
from han.messaging import MessageBoard, MessageDisplay
from han.mirror import MirrorClient, MirrorHost
from han.node import Node
from han.ota.client import OtaClient
from han.ota.image import GbImage, ImageKey
from han.ota.server import OtaServer
from han.radio import ApsFrame, Broadcast, link_key_of_install_code
from han.requests import Far, command_of
from han.tunnel import Collector, Mailboxes, TunnelClients, TunnelServer
from han.zcl.payload import encode
from han.zcl.tables import Side
from han.zdo.client import bind, match_descriptors
from han.zdo.server import FixedAddresses
from hw.capture import PcapWriter, wireshark_key_option
from hw.zigbee import aps, mac, nwk
from hw.zigbee.security import AuxiliaryHeader, KeyId
from tests.han.home import HUB, METER, START, Home
from tests.han.test_logs import Logs
from tests.han.test_mirror import Kept

NETWORK_KEY = b"\x5a" * 16
LINK_KEY = link_key_of_install_code(bytes.fromhex("83fed3407a939723a5c639b26916d505"))
SHORT = {HUB: 0x0000, METER: 0x3F21}
PAN = 0xABCD
GCS13A = bytes.fromhex(  # RTDS 4.5.0, GCS13a_4.1.1_SUCCESS_RELIABLE_GPF_COMMAND
    "dd000000000000471100000000df090100000000000003e90890b3d51f300100000800db1234567890a30002"
    "007413010901010702000b000000020301030003000000b2f465180bed930984be78c0"
)


@dataclass
class Rendering:
    """Turns the messages of a :class:`Home` into frames of the air, secured as they would be."""

    file: BytesIO = field(default_factory=BytesIO)
    counter: int = 0x2000

    def render(self, source: int, frame: ApsFrame, writer: PcapWriter, aps_counter: int) -> None:
        self.counter += 1
        broadcast = isinstance(frame.peer, Broadcast)
        destination = int(frame.peer) if broadcast else SHORT[frame.peer]
        block = None
        if frame.block is not None:
            first = frame.block.index == 0
            block = aps.BlockHeader(first, frame.block.count or frame.block.index)
        header = aps.ApsHeader(
            kind=aps.FrameType.DATA,
            counter=aps_counter,
            delivery=aps.Delivery.BROADCAST if broadcast else aps.Delivery.UNICAST,
            destination_endpoint=frame.destination_endpoint,
            source_endpoint=frame.source_endpoint,
            cluster_id=frame.cluster_id,
            profile_id=frame.profile_id,
            ack_request=frame.acknowledged,
            secured=frame.encrypted,
            block=block,
        )
        payload = header.to_bytes() + frame.payload
        if frame.encrypted:
            auxiliary = AuxiliaryHeader(KeyId.LINK, self.counter)
            payload = header.seal(LINK_KEY, auxiliary, source, frame.payload)
        network = nwk.NwkFrame(
            nwk.FrameType.DATA, destination, SHORT[source], self.counter & 0xFF, payload
        )
        sealed = network.seal(NETWORK_KEY, 0, self.counter, source)
        hop = 0xFFFF if broadcast else destination
        writer.frame(mac.data(PAN, hop, SHORT[source], self.counter & 0xFF, sealed))


def home() -> Home:
    """A hub and a meter that use everything this package has with each other."""
    random = Random(3).randbytes
    authority = Authority.create(Suite.SUITE_2, 0x1112131415161718, random)
    hub_keys = KeyEstablishment(HUB, 1, [authority.issue(HUB, random)], random)
    meter_keys = KeyEstablishment(METER, 1, [authority.issue(METER, random)], random)
    server, clients = TunnelServer(1), TunnelClients(1)
    mailboxes, collector = Mailboxes(server), Collector(clients, HUB)
    mirror = Endpoint(2, 0x0501)
    host, client = MirrorHost([mirror], Kept()), MirrorClient(HUB, 1, 1)
    images, device = OtaServer(), OtaClient(HUB, 1, 1, ImageKey(1, 2))
    image = GbImage.build(ImageKey(1, 2), 3, random(200), bytes(64)).to_bytes()
    images.offer(image, frozenset({METER}))
    watch = KeepAlive(HUB, 1, 1, lambda _: 0)
    board = MessageBoard(1, DisplayMessage(1, 0x80, zcl_seconds(START), 60, "Reset"))
    display = MessageDisplay(Far(HUB, 1, 0x0703, 1))
    loads = LoadControlServer(1)
    load = LoadController(Far(HUB, 1, 0x0701, 1), device_class=0x80)
    hub = Node(
        HUB,
        [
            Endpoint(
                1,
                0x0500,
                [
                    *hub_keys.served(),
                    server.served(),
                    host.served_by_esi(),
                    images.served(),
                    keep_alive_server(),
                    board.served(),
                    loads.served(),
                    event_logs(Logs({3: [EventEntry(3, 0x8154, zcl_seconds(START), b"\x00\x9b")]})),
                    metering_snapshots(lambda _: [Snapshot(1, 9, 1, 0, bytes(48))]),
                    mirrored(
                        DEVICE_MANAGEMENT, Side.SERVER, lambda _: 0x200, only={0x0200, 0x0201}
                    ),
                ],
            ),
            mirror,
        ],
        addresses=FixedAddresses(0x0000, SHORT),
    )
    services = (clients, client, device, watch, display, load, meter_keys)
    tables = (
        clients.served(),
        client.served(),
        device.served(),
        display.served(),
        load.served(),
        *meter_keys.served(),
    )
    meter = Node(METER, [Endpoint(1, 0x0501, tables)], addresses=FixedAddresses(0x3F21, SHORT))
    for service in services:
        meter.attach(service)
    hub.attach(server)
    hub.attach(hub_keys)
    air = Home.of(hub, meter)
    meter_keys.start(HUB, 1)
    clients.open(HUB, 1, START)
    client.start(START, 1)
    watch.start(START)
    meter.poll(START)
    air.settle()
    mailboxes.put(METER, GCS13A, START)
    collector.collect(START)
    device.query()
    display.ask()
    client.report([(0x0702, [AttributeValue(0, DataType.UINT48, 5)])])
    for _ in range(4):
        air.settle()
        for event in server.events():
            mailboxes.receive(event, START)
    assert display.confirm(START)
    device.end(Status.SUCCESS)
    far = Far(HUB, 1, 0x0709, 1)
    query = GetEventLog(0x13, 0, 0, 0xFFFFFFFF, 0, 0)
    meter.send(far.command(command_of(EVENTS, "GetEventLog"), encode(query)), START)
    snapshots = Far(HUB, 1, 0x0702, 1).command(
        command_of(METERING, "GetSnapshot"), encode(GetSnapshot(0, 0xFFFFFFFF, 0, 1))
    )
    meter.send(snapshots, START)
    meter.send(Far(HUB, 1, 0x0708, 1).read([0x0200, 0x0201]), START)
    meter.send(bind(HUB, 1, 0x0708, (METER, 1)), START)
    meter.send(match_descriptors(Broadcast.RX_ON_WHEN_IDLE, 0xFFFD, inputs=(0x0704,)), START)
    event_of_load = LoadControlEvent(1, 0x80, 0, 0, 5, 1, duty_cycle_percent=100)
    hub.send(loads.issue(event_of_load, METER, 1), START)
    air.settle()
    return air


def capture(path: Path) -> int:
    """Everything the two nodes said, as a capture; how many frames."""
    air, rendering = home(), Rendering()
    writer = PcapWriter(rendering.file, lambda: START)
    counter = 0
    for source, frame in air.carried:
        counter += frame.aps_counter is None
        rendering.render(source, frame, writer, frame.aps_counter or counter & 0xFF)
    path.write_bytes(rendering.file.getvalue())
    return len(air.carried)


def dissect(tshark: str, path: Path, *options: str) -> str:
    keys: list[str] = []
    for label, key in (("network", NETWORK_KEY), ("link", LINK_KEY)):
        keys += ["-o", wireshark_key_option(key, label)]
    command = [tshark, "-r", str(path), *keys, *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_tshark_reads_every_frame_to_its_end(tshark: str, tmp_path: Path) -> None:
    path = tmp_path / "han.pcap"
    count = capture(path)
    packets = json.loads(dissect(tshark, path, "-T", "json"))
    assert len(packets) == count > 50
    assert max(int(p["_source"]["layers"]["frame"]["frame.len"]) for p in packets) <= 127
    text = json.dumps(packets)
    for wrong in ("_ws.malformed", "Encrypted Payload", "Decryption failed", "_ws.expert"):
        assert wrong not in text, wrong


def test_tshark_names_what_was_said(tshark: str, tmp_path: Path) -> None:
    path = tmp_path / "han.pcap"
    capture(path)
    summary = dissect(tshark, path)
    for said in (
        "Read Attributes",
        "Report Attributes",
        "Default Response",
        "Match Descriptor Request",
        "Bind Request",
    ):
        assert said in summary, said
    detail = dissect(tshark, path, "-V")
    for said in (
        "Initiate Key Establishment",
        "Ephemeral Data",
        "Confirm Key Data",
        "Request Tunnel",
        "Transfer Data",
        "Request Mirror",
        "Configure Mirror",
        "Mirror Report Attribute Response",
        "Query Next Image",
        "Image Block",
        "Upgrade End",
        "Display Message",
        "Message Confirmation",
        "Load Control Event",
        "Report Event Status",
        "Get Event Log",
        "Publish Event Log",
        "Publish Snapshot",
        "GBCS Message",
    ):
        assert said.lower() in detail.lower(), said
