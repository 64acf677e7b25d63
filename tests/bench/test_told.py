"""What a bench tells people of requests that fail and of firmware, in the field's words."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

from bench.narrator import sentence
from bench.parts import Parts
from bench.rig import Rig
from bench.wan_side import names_of
from device.chassis import Here
from device.event import Event, EventStream
from device.events import (
    DownloadBroken,
    FirmwareOffered,
    FirmwareReceived,
    FirmwareTransferEnded,
    FirmwareUnfit,
    FrameFailed,
)
from device.host import NotDelivered
from device.timeline import Timeline
from han.exchange import Request
from han.zdo.client import match_descriptors

METER, HUB = 0x0243485542E100A0, 0x0243485542E100A3
NAMES = {METER: "ESME", HUB: "GPF"}
HERE = Here(moment=datetime(2027, 3, 28, 0, 59, 59, tzinfo=UTC), device=METER)
VERSION = bytes.fromhex("0BADF001")


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            FrameFailed(**HERE, peer=HUB, cluster_id=6, reason="not answered", zdo=True),
            "ZDO MATCH_DESC to GPF failed: not answered",
        ),
        (
            FrameFailed(**HERE, peer=HUB, cluster_id=0x0702, reason="no link key"),
            "Metering (0702) to GPF failed: no link key",
        ),
        (
            FrameFailed(**HERE, peer=HUB, cluster_id=0x8006, reason="radio lost"),
            "ZDO answer to MATCH_DESC to GPF failed: radio lost",
        ),
        (
            FirmwareUnfit(**HERE, peer=METER, manufacturer=0x4348, image_type=1, hardware=1),
            "no firmware fits ESME, which asks for manufacturer 4348, image type 0001, hardware 1",
        ),
        (
            DownloadBroken(**HERE, held_octets=0, reason="no answer"),
            "no firmware yet, to be asked for again: no answer",
        ),
        (
            FirmwareOffered(**HERE, version=VERSION, image_hash=b"", targets=(METER, HUB)),
            "firmware 0BADF001 offered to ESME, GPF",
        ),
        (
            FirmwareReceived(**HERE, version=VERSION, image_hash=b"", octets=7013),
            "firmware 0BADF001 received, 7013 octets, verified",
        ),
        (
            FirmwareReceived(
                **HERE, version=VERSION, image_hash=b"", octets=9, trouble="too short"
            ),
            "firmware 0BADF001 received, 9 octets, discarded: too short",
        ),
        (
            FirmwareTransferEnded(**HERE, peer=METER, version=VERSION, status=0x96),
            "ESME ended its download of 0BADF001: INVALID_IMAGE",
        ),
        (
            DownloadBroken(**HERE, held_octets=96, reason="the hub does not answer"),
            "firmware download stopped at 96 octets, to go on: the hub does not answer",
        ),
    ],
)
def test_an_event_is_a_sentence(event: Event, said: str) -> None:
    assert sentence(event, NAMES) == f"00:59:59 ESME: {said}"


def test_devices_of_one_kind_are_told_apart() -> None:
    displays = [{"eui64": f"0243485542E100D{n}"} for n in (1, 2)]
    rig = Rig.model_validate({"displays": displays, "electricity_meter": {}})
    names = names_of(rig)
    assert names[0x0243485542E100D2] == "IHD 0243485542E100D2"
    assert names[rig.station("electricity_meter")] == "ESME"


def test_a_request_that_fails_is_named_by_its_cluster() -> None:
    zdo = NotDelivered(match_descriptors(HUB, 0, inputs=(0x0800,)), "no acknowledgement")
    assert str(zdo) == "ZDO MATCH_DESC to 0243485542E100A3: no acknowledgement"
    read = NotDelivered(Request(HUB, 1, 0x0708, 0x00, source_endpoint=7), "no link key")
    assert "DeviceManagement (0708) command 00 to 0243485542E100A3" in str(read)


async def test_the_keys_of_a_seed_do_not_hang_on_how_long_the_machine_took(
    timeline: Timeline,
) -> None:
    async with AsyncExitStack() as stack:
        parts = Parts.of(Rig(seed=11), timeline, stack, None, EventStream(), None)
        first = parts.octets(METER)(16)
        await timeline.sleep(timedelta(milliseconds=7))
        assert parts.octets(METER)(16) == first
        await timeline.sleep(timedelta(seconds=1))
        assert parts.octets(METER)(16) != first
