"""Firmware: images as zigpy reads them, and a download with losses, waits and a power cut."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random

import pytest
import zigpy.ota.image as zigpy_image
import zigpy.zcl.clusters.general as zigpy_general
from hypothesis import given
from hypothesis import strategies as st

from gbcs.errors import MalformedMessage
from gbcs.zcl.status import Status
from han.clusters import OTA_UPGRADE
from han.endpoint import Endpoint
from han.exchange import Replied
from han.node import Node
from han.ota.client import (
    DownloadStopped,
    ImageDownloaded,
    NoImage,
    OtaClient,
    OtaClientEvent,
    OtaClientSettings,
    UpgradeAnswered,
)
from han.ota.image import GbImage, ImageKey, OtaHeader
from han.ota.messages import (
    ImageBlock,
    ImageBlockRequest,
    QueryNextImageRequest,
    QueryNextImageResponse,
    UpgradeEndResponse,
    WaitForData,
)
from han.ota.server import AskedInVain, DownloadEnded, DownloadStarted, OtaServer
from han.requests import Far
from han.zcl.payload import encode
from han.zcl.tables import Side
from tests.han.home import HUB, METER, START, Home

KEY = ImageKey(0x1234, 0x0042)
SIGNATURE = bytes(range(64))
IMAGE = GbImage.build(KEY, 0x00010002, Random(1).randbytes(3000), SIGNATURE)
VERSION = 0x00010002


@dataclass
class Rig:
    air: Home
    server: OtaServer
    client: OtaClient

    def run(self) -> list[OtaClientEvent]:
        self.client.query()
        self.air.wait(timedelta(hours=1))
        return self.client.events()


def rig(*, offered: bool = True, target: int = METER) -> Rig:
    server = OtaServer()
    if offered:
        server.offer(IMAGE.to_bytes(), frozenset({target}))
    client = OtaClient(HUB, 5, 6, KEY, OtaClientSettings(attempts=4))
    meter = Node(METER, [Endpoint(6, 0x0501, [client.served()])])
    meter.attach(client)
    hub = Node(HUB, [Endpoint(5, 0x0508, [server.served()])])
    return Rig(Home.of(hub, meter), server, client)


def test_zigpy_reads_the_header_of_our_image() -> None:
    octets = IMAGE.to_bytes()
    header, rest = zigpy_image.OTAImageHeader.deserialize(octets)
    assert (header.manufacturer_id, header.image_type) == (0x1234, 0x0042)
    assert header.file_version == VERSION
    assert header.image_size == len(octets)
    assert header.header_length == 60
    assert (header.minimum_hardware_version, header.maximum_hardware_version) == (0, 0xFFFF)
    assert octets[:4].hex() == "1ef1ee0b"
    assert rest == IMAGE.manufacturer_image + b"\x00\x40" + SIGNATURE


def test_an_image_is_read_again_and_its_hash_is_of_the_manufacturer_image() -> None:
    again = GbImage.parse(IMAGE.to_bytes())
    assert again == IMAGE
    assert len(again.hash) == 32
    assert GbImage.parse(GbImage.build(KEY, 1, b"", SIGNATURE).to_bytes()).manufacturer_image == b""


@pytest.mark.parametrize(
    "spoil",
    [
        lambda octets: octets[:-1],
        lambda octets: octets + b"\0",
        lambda octets: b"\0" + octets[1:],
        lambda octets: octets[:30],
        lambda octets: octets[:-65] + b"\x41" + octets[-64:],
    ],
)
def test_a_spoilt_image_is_malformed(spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(MalformedMessage):
        GbImage.parse(spoil(IMAGE.to_bytes()))


@given(st.binary(max_size=80))
def test_any_octets_are_a_header_or_malformed(octets: bytes) -> None:
    try:
        OtaHeader.parse(octets)
    except MalformedMessage:
        return


OTA = zigpy_general.Ota


@pytest.mark.parametrize(
    ("message", "schema"),
    [
        (QueryNextImageRequest(1, 2, 3, 4, 5), OTA.server_commands[0x01].schema),
        (QueryNextImageResponse(0, 2, 3, 4, 5), OTA.client_commands[0x02].schema),
        (ImageBlockRequest(0, 2, 3, 4, 5, 48), OTA.server_commands[0x03].schema),
        (UpgradeEndResponse(2, 3, 4, 5), OTA.client_commands[0x07].schema),
    ],
)
def test_zigpy_reads_our_messages(message: object, schema: object) -> None:
    octets = encode(message)
    theirs, left = schema.deserialize(octets)  # type: ignore[attr-defined] # zigpy is untyped here
    assert left == b""
    assert theirs.serialize() == octets


def test_zigpy_reads_our_blocks() -> None:
    schema = OTA.client_commands[0x05].schema
    block = b"\x00" + encode(ImageBlock(1, 2, 3, 4, b"abc"))
    theirs, left = schema.deserialize(block)
    assert (left, theirs.image_data, theirs.file_offset) == (b"", b"abc", 4)
    wait = b"\x97" + encode(WaitForData(1, 61, 100))
    theirs, left = schema.deserialize(wait)
    assert (left, theirs.request_time) == (b"", 61)


def test_a_device_downloads_verifies_and_is_told_to_wait_for_its_command() -> None:
    setup = rig()
    assert setup.run() == [ImageDownloaded(IMAGE.to_bytes())]
    setup.client.end(Status.SUCCESS)
    setup.air.settle()
    assert setup.client.events() == [UpgradeAnswered(0xFFFFFFFF)]
    assert setup.server.events() == [
        DownloadStarted(METER, VERSION),
        DownloadEnded(METER, VERSION, Status.SUCCESS),
    ]


def test_a_device_that_is_not_meant_gets_no_image() -> None:
    assert rig(target=HUB).run() == [NoImage(Status.NOT_AUTHORIZED)]
    assert rig(offered=False).run() == [NoImage(Status.NO_IMAGE_AVAILABLE)]
    current = rig()
    current.client.file_version = VERSION
    assert current.run() == [NoImage(Status.NO_IMAGE_AVAILABLE)]
    wrong = rig()
    wrong.server.offer(
        GbImage.build(KEY, VERSION, b"x", SIGNATURE, hardware=(2, 3)).to_bytes(),
        frozenset({METER}),
    )
    wrong.client.hardware_version = 1
    assert wrong.run() == [NoImage(Status.NO_IMAGE_AVAILABLE)]


def test_lost_blocks_are_asked_for_again() -> None:
    setup = rig()
    random = Random(4)
    setup.air.lost = lambda _: random.random() < 0.2
    setup.client.settings = OtaClientSettings(attempts=20)
    assert setup.run()[-1:] == [ImageDownloaded(IMAGE.to_bytes())]


def test_a_busy_hub_is_asked_again_when_it_said() -> None:
    setup = rig()
    setup.server.busy = True
    setup.client.query()
    setup.air.settle()
    assert setup.client.deadline == START + timedelta(seconds=60)
    setup.server.busy = False
    setup.air.wait(timedelta(seconds=61))
    assert setup.client.events() == [ImageDownloaded(IMAGE.to_bytes())]


def test_a_download_goes_on_after_a_power_cut() -> None:
    setup = rig()
    blocks = 0

    def cut(frame: object) -> bool:
        nonlocal blocks
        blocks += 1
        return blocks > 40

    setup.air.lost = cut
    (stopped,) = setup.run()
    assert isinstance(stopped, DownloadStopped)
    progress = setup.client.progress
    assert progress is not None
    assert 0 < len(progress.octets) < len(IMAGE.to_bytes())
    again = rig()
    again.client.resume(progress)
    assert again.run() == [ImageDownloaded(IMAGE.to_bytes())]
    assert len(again.air.carried) < 2 * (len(IMAGE.to_bytes()) // 48)


def test_a_withdrawn_image_aborts_its_download() -> None:
    setup = rig()

    def withdraw(_: object) -> bool:
        if len(setup.air.carried) > 10:
            setup.server.withdraw(KEY)
        return False

    setup.air.lost = withdraw
    assert setup.run() == [DownloadStopped("the hub aborted the download")]


def test_a_bad_image_is_reported_and_forgotten() -> None:
    setup = rig()
    setup.run()
    setup.client.end(Status.INVALID_IMAGE)
    setup.air.settle()
    assert setup.server.events()[-1] == DownloadEnded(METER, VERSION, Status.INVALID_IMAGE)
    assert setup.client.progress is None


def test_a_device_that_is_notified_while_it_asks_downloads_once_and_without_a_pause() -> None:
    setup = rig()
    for _ in range(3):
        setup.client.query()
        setup.air.nodes[HUB].send(setup.server.notify(METER, 6, 5), START)
    setup.air.settle()
    assert setup.client.events() == [ImageDownloaded(IMAGE.to_bytes())]


def test_the_hub_learns_what_a_device_asks_for_in_vain() -> None:
    setup = rig(offered=False)
    other = GbImage.build(ImageKey(0x1234, 0x0043), VERSION, b"x", SIGNATURE)
    setup.server.offer(other.to_bytes(), frozenset({METER}))
    assert setup.run() == [NoImage(Status.NO_IMAGE_AVAILABLE)]
    assert setup.server.events() == [AskedInVain(METER, KEY, None)]


def test_a_notified_device_asks_and_shows_its_state() -> None:
    setup = rig()
    setup.air.nodes[HUB].send(setup.server.notify(METER, 6, 5), START)
    setup.air.settle()
    assert setup.client.events() == [ImageDownloaded(IMAGE.to_bytes())]
    far = Far(METER, 6, OTA_UPGRADE.cluster_id, 5, Side.CLIENT)
    setup.air.nodes[HUB].send(far.read([0x0006]), START)
    setup.air.settle()
    reply = setup.air.seen(HUB, Replied)[-1]
    assert isinstance(reply, Replied)
    assert reply.frame.payload.hex() == "0600003002"
