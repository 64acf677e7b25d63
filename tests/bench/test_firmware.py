"""Firmware from the hub to its devices: over losses and power cuts, verified and activated."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from bench.cli.main import group
from bench.home import Home, living_home, open_home
from bench.rig import Rig, RigError, load_rig
from device.events import (
    DownloadBroken,
    Event,
    FirmwareReceived,
    FirmwareTransferEnded,
    FirmwareUnfit,
    FrameDelivered,
)
from device.timeline import Timeline
from gbcs.alerts import DlmsAlert, FirmwareReceipt
from gbcs.asn1.devices import (
    ActivationOutcome,
    FirmwareActivation,
    RunningFirmwareAlert,
    TransferAlert,
)
from gbcs.asn1.names import ActivationCode, TransferCode
from gbcs.asn1.payload import decode, encode
from gbcs.catalogue import by_name
from gbcs.crypto import sign
from gbcs.envelope import Cra, Message
from gbcs.gbz import GbzAlert
from gbcs.keys import KeyStore, Usage
from gbcs.protection import protect
from han.ota.image import GbImage, ImageKey
from hw.ether import Link
from tests.virtual_time import START

ESME, GSME, SWITCH = 0x02434855420000A0, 0x02434855420000A1, 0x02434855420000C1
DISPLAY = 0x02434855420000D1
HUB = Rig().hub.gpf
SUPPLIER = Rig().parties.supplier
VERSION = bytes.fromhex("0123ABCE")
TYPES = {ESME: 1, GSME: 2, DISPLAY: 3, SWITCH: 4}
HOUR = timedelta(hours=1)
ROOT = Path(__file__).resolve().parents[2]


def rig(**sections: object) -> Rig:
    return Rig.model_validate(
        {
            "time": "jump",
            "start": START,
            "hub": {"radio": "ether:"},
            "electricity_meter": {"eui64": ESME},
            "settings": {"chf": {"suites": 1}, "join": {"suites": 1}},
            **sections,
        }
    )


def image(keys: KeyStore, device: int, octets: int = 3000, *, good: bool = True) -> GbImage:
    """An image of version 0123ABCE, or one of the next version whose signature is wrong."""
    body = Random(device).randbytes(octets)
    signer = keys.private_key(SUPPLIER, Usage.DIGITAL_SIGNATURE)
    signature = sign(signer, body if good else body + b"\0")
    key = ImageKey(0x4348, TYPES[device])
    return GbImage.build(key, int.from_bytes(VERSION, "big") + (not good), body, signature)


@dataclass
class Bench:
    home: Home
    seen: list[Event] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home.events.subscribe(self.seen.append)
        self.home.upward.append(lambda octets: self.sent.append(Message.parse(octets)))

    def offer(self, *devices: int, octets: int = 3000, good: bool = True) -> bytes:
        made = [image(self.home.keys, device, octets, good=good) for device in devices]
        for device, one in zip(devices, made, strict=True):
            self.home.hub.firmware.distribute(one.to_bytes(), (device,))
        return made[0].hash

    def events_of(self, kind: type[Event], device: int | None = None) -> list[Event]:
        return [e for e in self.seen if isinstance(e, kind) and device in (None, e.device)]

    def alerts(self, code: int) -> list[Message]:
        return [one for one in self.sent if one.cra is Cra.ALERT and one.message_code == code]

    async def wait(self, duration: timedelta) -> None:
        await self.home.timeline.sleep(duration)


@asynccontextmanager
async def living(
    timeline: Timeline, wanted: Rig, capture: Path | None = None
) -> AsyncIterator[Bench]:
    async with living_home(wanted, timeline, capture=capture) as home:
        bench = Bench(home)
        await bench.wait(timedelta(minutes=5))
        yield bench


def activation(
    keys: KeyStore, device: int, image_hash: bytes, counter: int, sender: int = SUPPLIER
) -> Message:
    code = by_name("CS06").message_code
    return protect(
        Message(
            cra=Cra.COMMAND,
            originator_counter=counter,
            originator=sender,
            recipient=device,
            message_code=code,
            payload=encode(code, Cra.COMMAND, FirmwareActivation(image_hash, counter)),
        ),
        keys,
    )


async def test_both_meters_download_tell_and_activate(timeline: Timeline) -> None:
    async with living(timeline, rig()) as bench:
        hashes = {ESME: bench.offer(ESME), GSME: bench.offer(GSME)}
        await bench.wait(HOUR)
        for device, image_hash in hashes.items():
            (received,) = bench.events_of(FirmwareReceived, device)
            assert isinstance(received, FirmwareReceived)
            assert (received.trouble, received.version) == (None, VERSION)
            assert received.image_hash == image_hash
            asked = activation(bench.home.keys, device, image_hash, 2000)
            answer = Message.parse(await bench.home.ask(asked))
            outcome = decode(answer.message_code, Cra.RESPONSE, answer.payload)
            assert outcome == ActivationOutcome(ActivationCode.SUCCESS, VERSION)
        assert bench.home.hub.firmware.waiting() == ()
        (dlms,), (gbz,) = bench.alerts(0x00CE), bench.alerts(0x00CF)
        told = DlmsAlert.parse(0x00CE, dlms.payload)
        assert (told.alert_code, told.details) == (0x8F72, FirmwareReceipt(hashes[ESME]))
        told_by_gas = GbzAlert.parse(gbz.payload)
        assert told_by_gas.alert_code == 0x8F72
        assert told_by_gas.body == b"\x09\x20" + hashes[GSME]
        assert {dlms.recipient, gbz.recipient} == {SUPPLIER}


async def test_a_controllers_download_is_told_by_the_hub(timeline: Timeline) -> None:
    wanted = rig(controllers=[{"eui64": f"{SWITCH:016X}"}], gas_meter=False)
    async with living(timeline, wanted) as bench:
        bench.offer(SWITCH)
        await bench.wait(HOUR)
        (alert,) = bench.alerts(0x0128)
        told = decode(0x0128, Cra.ALERT, alert.payload)
        assert isinstance(told, TransferAlert)
        assert (told.alert_code, told.device, told.image) == (0x8F8A, SWITCH, VERSION)
        bench.offer(SWITCH, octets=500, good=False)
        await bench.wait(HOUR)
        failed = decode(0x0128, Cra.ALERT, bench.alerts(0x0128)[-1].payload)
        assert isinstance(failed, TransferAlert)
        assert (failed.alert_code, failed.result) == (0x8F89, TransferCode.IMAGE_DISCARDED)


async def test_a_display_says_which_version_it_activated(timeline: Timeline) -> None:
    wanted = rig(displays=[{"eui64": f"{DISPLAY:016X}", "kind": "PPMID"}], gas_meter=False)
    async with living(timeline, wanted) as bench:
        image_hash = bench.offer(DISPLAY)
        await bench.wait(HOUR)
        assert len(bench.alerts(0x0128)) == 1
        broker = bench.home.rig.parties.access_control_broker
        asked = activation(bench.home.keys, DISPLAY, image_hash, 2000, broker)
        answer = Message.parse(await bench.home.ask(asked))
        outcome = decode(answer.message_code, Cra.RESPONSE, answer.payload)
        assert outcome == ActivationOutcome(ActivationCode.SUCCESS, VERSION)
        await bench.wait(timedelta(minutes=1))
        (alert,) = bench.alerts(0x012B)
        told = decode(0x012B, Cra.ALERT, alert.payload)
        assert isinstance(told, RunningFirmwareAlert)
        assert (told.alert_code, told.running, alert.recipient) == (0x8F8B, VERSION, broker)


async def test_an_image_signed_wrongly_is_discarded_and_told(timeline: Timeline) -> None:
    async with living(timeline, rig(gas_meter=False)) as bench:
        image_hash = bench.offer(ESME, good=False)
        await bench.wait(HOUR)
        (received,) = bench.events_of(FirmwareReceived)
        assert isinstance(received, FirmwareReceived)
        assert received.trouble == "its signature does not verify"
        (alert,) = bench.alerts(0x00CE)
        assert DlmsAlert.parse(0x00CE, alert.payload).alert_code == 0x8F1C
        asked = activation(bench.home.keys, ESME, image_hash, 2000)
        answer = Message.parse(await bench.home.ask(asked))
        outcome = decode(answer.message_code, Cra.RESPONSE, answer.payload)
        assert isinstance(outcome, ActivationOutcome)
        assert outcome.result == ActivationCode.NO_IMAGE_HELD


async def test_an_image_for_others_is_not_given_and_not_asked_for_again(timeline: Timeline) -> None:
    async with living(timeline, rig(gas_meter=False)) as bench:
        made = image(bench.home.keys, ESME)
        bench.home.hub.firmware.distribute(made.to_bytes(), (GSME,))
        await bench.wait(HOUR)
        assert bench.events_of(FirmwareReceived) == []
        assert bench.home.hub.firmware.waiting() == (GSME,)


async def test_a_device_gets_the_last_image_that_was_meant_for_it_and_none_before(
    timeline: Timeline,
) -> None:
    async with living(timeline, rig(gas_meter=False)) as bench:
        firmware = bench.home.hub.firmware
        first, last = image(bench.home.keys, ESME), image(bench.home.keys, GSME)
        firmware.distribute(first.to_bytes(), (ESME,))
        for told in (1, 2):
            firmware.distribute(last.to_bytes(), (ESME,))
            await bench.wait(HOUR)
            assert len(bench.events_of(FirmwareUnfit)) == told
        assert bench.events_of(FirmwareReceived) == []
        assert firmware.waiting() == (ESME,)


async def test_blocks_that_are_lost_are_fetched_again(timeline: Timeline) -> None:
    async with living(timeline, rig(gas_meter=False)) as bench:
        bench.home.ether.set_link(ESME, HUB, Link(loss=0.3))
        bench.offer(ESME, octets=6000)
        await bench.wait(6 * HOUR)
        (received,) = bench.events_of(FirmwareReceived)
        assert isinstance(received, FirmwareReceived)
        assert received.trouble is None


@pytest.mark.parametrize(("device", "blocks"), [(ESME, 1), (ESME, 120), (GSME, 77)])
async def test_a_download_goes_on_at_its_last_block_after_kill_9(
    device: int, blocks: int, timeline: Timeline, tmp_path: Path
) -> None:
    store = tmp_path / "rig.sqlite"
    victim = [sys.executable, "-m", "tests.bench.firmware_victim", str(store), f"{device:X}"]
    process = await asyncio.to_thread(
        subprocess.run, [*victim, str(blocks)], cwd=ROOT, check=False, timeout=100
    )
    assert process.returncode == -signal.SIGKILL
    async with living_home(rig(store=store), timeline) as home:
        again = Bench(home)
        await again.wait(2 * HOUR)
        (received,) = again.events_of(FirmwareReceived, device)
        assert isinstance(received, FirmwareReceived)
        expected = image(home.keys, device, 12_000).hash
        assert (received.trouble, received.image_hash) == (None, expected)
        (ended,) = again.events_of(FirmwareTransferEnded)
        assert isinstance(ended, FirmwareTransferEnded)
        assert ended.peer == device
        assert blocks + _blocks(again) < 12_000 // 48 + 10


def _blocks(bench: Bench) -> int:
    """How many blocks were asked for and sent."""
    asked = [e for e in bench.events_of(FrameDelivered) if isinstance(e, FrameDelivered)]
    return sum(e.cluster_id == 0x0019 and e.command_id == 0x03 for e in asked)


async def test_a_hub_that_falls_silent_is_asked_again_later(timeline: Timeline) -> None:
    async with living(timeline, rig(gas_meter=False)) as bench:
        bench.offer(ESME, octets=20_000)
        while _blocks(bench) < 50:
            await bench.wait(timedelta(milliseconds=20))
        bench.home.ether.set_link(ESME, HUB, Link(loss=1.0))
        await bench.wait(HOUR)
        broken = bench.events_of(DownloadBroken)
        assert broken
        bench.home.ether.set_link(ESME, HUB, Link())
        await bench.wait(2 * HOUR)
        assert len(bench.events_of(FirmwareReceived)) == 1


async def test_tshark_reads_every_frame_of_a_download(
    timeline: Timeline, tmp_path: Path, tshark: str
) -> None:
    capture = tmp_path / "ota.pcap"
    async with living(timeline, rig(gas_meter=False), capture) as bench:
        bench.offer(ESME, octets=600)
        await bench.wait(HOUR)
        keys = [key.hex(":") for key in bench.home.air_keys]
    rows = [f'"{key}","Normal","key {n}"' for n, key in enumerate(keys)]
    (tmp_path / "zigbee_pc_keys").write_text("\n".join(rows) + "\n")
    fields = [
        "zbee_zcl_general.ota.cmd.srv_rx.id",
        "zbee_zcl_general.ota.cmd.srv_tx.id",
        "_ws.malformed",
    ]
    shown = [part for name in fields for part in ("-e", name)]
    process = await asyncio.to_thread(
        subprocess.run,
        [tshark, "-r", str(capture), "-T", "fields", *shown],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "WIRESHARK_CONFIG_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.split("\t") for line in process.stdout.splitlines()]
    assert not any(line[2] for line in lines if len(line) > 2)
    assert {line[0] for line in lines if line[0]} >= {"0x01", "0x03", "0x06"}
    assert {line[1] for line in lines if len(line) > 1 and line[1]} >= {
        "0x00",
        "0x02",
        "0x05",
        "0x07",
    }


def test_an_image_is_made_shown_and_offered_by_a_rig(tmp_path: Path) -> None:
    runner, store = CliRunner(), tmp_path / "keys"
    body, out = tmp_path / "body.bin", tmp_path / "image.ota"
    body.write_bytes(bytes(range(100)))
    assert runner.invoke(group, ["pki", "new", str(store)]).exit_code == 0
    made = runner.invoke(
        group,
        ["firmware", "make", str(body), "--signer", "90B3D51F30010000", "--image-type", "1",
         "--version", "0123ABCE", "--out", str(out), "--keys", str(store)],
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    shown = runner.invoke(
        group,
        [
            "firmware",
            "show",
            str(out),
            "--signer",
            "90B3D51F30010000",
            "--keys",
            str(store),
            "--json",
        ],
    )
    assert shown.exit_code == 0
    assert '"signature": "valid"' in shown.output
    assert GbImage.parse(out.read_bytes()).hash.hex().upper() in shown.output
    other = runner.invoke(
        group, ["firmware", "show", str(out), "--signer", "90B3D51F30020000", "--keys", str(store)]
    )
    assert other.exit_code == 1
    rig_file = tmp_path / "rig.toml"
    rig_file.write_text('[[firmware]]\nfile = "image.ota"\ntargets = ["02434855420000A0"]\n')
    (section,) = load_rig(rig_file).firmware
    assert section.file == out


async def test_a_rig_with_a_file_that_is_no_image_is_refused_by_name(
    timeline: Timeline, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.ota"
    for octets, reason in ((None, "No such file"), (b"nothing", "cut short")):
        if octets is not None:
            wrong.write_bytes(octets)
        wanted = rig(firmware=[{"file": wrong, "targets": [ESME]}])
        with pytest.raises(ExceptionGroup) as raised:
            async with open_home(wanted, timeline):
                pass
        (error,) = raised.value.exceptions
        assert isinstance(error, RigError)
        assert reason in str(error)
