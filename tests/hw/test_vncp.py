"""The virtual dongle as others meet it.

Stock zigpy, raw EZSP, resets, limits, other ways to the line.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import zigpy.exceptions
import zigpy.types as zigpy_t
from bellows.ash import AshException
from bellows.exception import EzspError, InvalidCommandError
from bellows.ezsp import EZSP
from bellows.types import EzspConfigId, EzspPolicyId, KeyData, sl_Status
from bellows.zigbee.application import ControllerApplication

from device.timeline import REAL, Timeline, run
from han.radio import (
    JoinKind,
    RadioError,
    Role,
)
from hw.bellows_log import CUT
from hw.bellows_radio import BellowsRadio
from hw.ether import Ether, Link
from hw.sniffer import sniff
from hw.vncp.ash import AshFrame, AshNcp, Kind, ResetCode
from hw.vncp.ezsp import EzspCodec
from hw.vncp.ncp import VirtualNcp
from hw.vncp.serve import Dongle, serving
from tests.hw.air import CHANNEL, DISPLAY, HUB, METER, METER_KEY, NETWORK, Air, message, published
from tests.virtual_time import START

VERSIONS = (8, 13, 14, 19)


def _application(path: str) -> dict[str, object]:
    return {
        "device": {"path": path},
        "use_thread": False,
        "backup_enabled": False,
        "topology_scan_enabled": False,
        "watchdog_enabled": False,
    }


@asynccontextmanager
async def _ezsp(ncp: VirtualNcp) -> AsyncIterator[EZSP]:
    async with published(ncp) as path:
        ezsp = EZSP({"path": path, "baudrate": 115200, "flow_control": None})
        await ezsp.connect(use_thread=False)
        yield ezsp
        await ezsp.disconnect()


# -- stock zigpy --------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
async def test_stock_zigpy_starts_forms_and_makes_a_backup(version: int) -> None:
    ncp = VirtualNcp(Ether(), HUB, ezsp_version=version)
    async with published(ncp) as path:
        app = await ControllerApplication.new(_application(path), auto_form=True)
        backup = await app.backups.create_backup(load_devices=True)
        assert app.state.node_info.manufacturer == "chub"
        assert int.from_bytes(app.state.node_info.ieee.serialize(), "little") == HUB
        await app.shutdown()
        kept = ncp.stack.state.membership
        assert kept is not None
        assert bytes(backup.network_info.network_key.key.serialize()) == kept.network_key


@pytest.mark.parametrize("version", [13, 19])
async def test_stock_zigpy_moves_a_network_to_another_dongle(version: int) -> None:
    first = VirtualNcp(Ether(), HUB, ezsp_version=13)
    async with published(first) as path:
        app = await ControllerApplication.new(_application(path), auto_form=True)
        backup = await app.backups.create_backup(load_devices=True)
        await app.shutdown()
    second = VirtualNcp(Ether(), METER, ezsp_version=version)
    async with published(second) as path:
        app = ControllerApplication(_application(path))
        await app.connect()
        await app.backups.restore_backup(backup)
        await app.shutdown()
    moved, kept = second.stack.state.membership, first.stack.state.membership
    assert moved is not None
    assert kept is not None
    assert (moved.network_key, moved.pan_id) == (kept.network_key, kept.pan_id)
    assert second.eui64 == HUB
    assert second.stack.state.nwk_counter.value > first.stack.state.nwk_counter.value


async def test_old_firmware_cannot_take_another_address() -> None:
    first = VirtualNcp(Ether(), HUB)
    async with published(first) as path:
        app = await ControllerApplication.new(_application(path), auto_form=True)
        backup = await app.backups.create_backup()
        await app.shutdown()
    async with published(VirtualNcp(Ether(), METER, ezsp_version=8)) as path:
        app = ControllerApplication(_application(path))
        await app.connect()
        with pytest.raises(zigpy.exceptions.DestructiveWriteNetworkSettings):
            await app.backups.restore_backup(backup)
        await app.shutdown()


# -- raw EZSP -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_command_without_a_handler_is_an_invalid_command(version: int) -> None:
    async with _ezsp(VirtualNcp(Ether(), HUB, ezsp_version=version)) as ezsp:
        with pytest.raises(InvalidCommandError):
            await ezsp.getCertificate283k1()


async def test_before_the_version_is_agreed_nothing_is_answered() -> None:
    ncp = VirtualNcp(Ether(), HUB)
    codec = EzspCodec(13)
    answer = ncp._answer(bytes((1, 0, 1)) + (0x26).to_bytes(2, "little"))
    assert answer[3:5] == (0x58).to_bytes(2, "little")
    assert answer[5] == 0x30
    assert ncp._answer(bytes((2, 0, 0, 4))) == codec.version_response(2, 2, 0x7440, legacy=True)


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_key_table_has_limits(version: int) -> None:
    async with _ezsp(VirtualNcp(Ether(), HUB, ezsp_version=version, key_table_limit=4)) as ezsp:
        size = EzspConfigId.CONFIG_KEY_TABLE_SIZE
        (status,) = await ezsp.setConfigurationValue(size, 5)
        assert sl_Status.from_ember_status(status) != sl_Status.OK
        await ezsp.setConfigurationValue(size, 2)
        outcomes = []
        for peer in (1, 2, 3, 1):
            address = zigpy_t.EUI64.deserialize(peer.to_bytes(8, "little"))[0]
            key = KeyData(bytes([peer]) * 16)
            if version >= 12:
                (status,) = await ezsp.importLinkKey(0xFF, address, key)
            else:
                (status,) = await ezsp.addOrUpdateKeyTableEntry(address, True, key)
            outcomes.append(sl_Status.from_ember_status(status))
        assert outcomes == [sl_Status.OK, sl_Status.OK, sl_Status.FULL, sl_Status.OK]


async def test_a_joiners_key_expires() -> None:
    ncp = VirtualNcp(Ether(), HUB)
    async with _ezsp(ncp) as ezsp:
        address = zigpy_t.EUI64.deserialize(METER.to_bytes(8, "little"))[0]
        await ezsp.setPolicy(EzspPolicyId.TRUST_CENTER_POLICY, 0x11)
        await ezsp.add_transient_link_key(address, KeyData(METER_KEY))
        assert ncp._admits(METER, JoinKind.ASSOCIATED) == METER_KEY
        await asyncio.sleep(301)
        assert ncp._admits(METER, JoinKind.ASSOCIATED) is None


async def test_a_wildcard_key_admits_only_without_the_install_code_policy() -> None:
    ncp = VirtualNcp(Ether(), HUB)
    async with _ezsp(ncp) as ezsp:
        anyone = zigpy_t.EUI64.deserialize(b"\xff" * 8)[0]
        await ezsp.add_transient_link_key(anyone, KeyData(b"ZigBeeAlliance09"))
        assert ncp._admits(METER, JoinKind.ASSOCIATED) == b"ZigBeeAlliance09"
        await ezsp.setPolicy(EzspPolicyId.TRUST_CENTER_POLICY, 0x11)
        assert ncp._admits(METER, JoinKind.ASSOCIATED) is None


async def test_callbacks_follow_the_answer_under_its_number() -> None:
    ncp = VirtualNcp(Ether(), HUB)
    ncp.form_once(15)
    ncp.stack.power_on()
    frames: list[bytes] = []
    line = AshNcp(
        lambda _: None, ncp._ezsp_received, ncp.reset, asyncio.get_running_loop().call_later
    )
    line.send = frames.append  # type: ignore[assignment] # see what would go out
    ncp._line = line
    ncp._ezsp_received(bytes((9, 0, 0, 13)))
    ncp._ezsp_received(bytes((10, 0, 1)) + (0x17).to_bytes(2, "little") + b"\0\0")
    await asyncio.sleep(1)
    ids = [(frame[0], frame[1], int.from_bytes(frame[3:5], "little")) for frame in frames[1:]]
    assert ids == [(10, 0x80, 0x17), (10, 0x90, 0x19)]
    ncp._line = None
    ncp.stack.power_off()


class _Owner:
    """Hears when its line is gone."""

    lost = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


async def test_a_host_that_takes_the_line_over_keeps_it_when_the_former_lets_go() -> None:
    ncp = VirtualNcp(Ether(), HUB)
    async with published(ncp) as path:
        settings, owner = {"path": path, "baudrate": 115200, "flow_control": None}, _Owner()
        former, latter = EZSP(settings, owner), EZSP(settings)
        await former.connect(use_thread=False)
        await latter.connect(use_thread=False)
        await asyncio.sleep(1)
        assert owner.lost
        await former.disconnect()
        assert await latter.getEui64()
        await latter.disconnect()


# -- secrets --------------------------------------------------------------------------------------


async def test_the_logs_of_bellows_hold_no_keys(
    timeline: Timeline, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        air = Air(timeline, "ezsp13")
        hub = await air.hub()
        await air.peer(hub)
        await hub.radio.set_link_key(METER, METER_KEY)
        await air.close()
    text = caplog.text.lower()
    assert CUT in text
    for key in (NETWORK.network_key, METER_KEY):
        assert key.hex() not in text
        assert key.hex(":") not in text
        assert ", ".join(str(octet) for octet in key[:6]) not in text
        assert repr(key)[2:-1].lower() not in text


# -- other ways to the line, in real time -------------------------------------------------------


async def _form_over(host: str | None) -> None:
    ether = Ether()
    async with serving(Dongle(host, eui64=HUB, blank=True), ether) as path:
        radio = BellowsRadio(path, Role.COORDINATOR)
        await radio.start()
        assert not await radio.resume()
        await radio.form(NETWORK)
        assert radio.on_network
        await radio.close()


@pytest.mark.parametrize("host", ["127.0.0.1", None], ids=["tcp", "pty"])
def test_a_served_dongle_is_driven_over_tcp_and_a_terminal(host: str | None) -> None:
    run(_form_over(host), Timeline(START, REAL))


def test_a_taken_port_is_named() -> None:
    async def main() -> None:
        async with serving(Dongle(eui64=HUB), Ether()) as path:
            port = int(path.rsplit(":", 1)[1])
            with pytest.raises(RadioError, match=str(port)):
                async with serving(Dongle(port=port), Ether()):
                    pass

    run(main(), Timeline(START, REAL))


async def test_a_lost_dongle_refuses_commands() -> None:
    ncp = VirtualNcp(Ether(), HUB)
    async with _ezsp(ncp) as ezsp:
        ncp.drop_line()
        with pytest.raises((EzspError, AshException)):
            await ezsp.getEui64()


# -- noise --------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
async def test_no_octets_of_a_host_upset_the_firmware(version: int) -> None:
    chance = random.Random(version)
    ncp = VirtualNcp(Ether(), HUB, ezsp_version=version)
    ncp.form_once(15)
    ncp.stack.power_on()
    written: list[bytes] = []
    ncp.connect(written.append, lambda: None)
    ids = sorted(entry[0] for entry in EZSP._BY_VERSION[version].COMMANDS.values())
    ncp._ezsp_received(bytes((0, 0, 0, version)))
    for sequence in range(3000):
        body = chance.randbytes(chance.choice((0, 1, 2, 3, 8, 20, 60)))
        frame_id = chance.choice(ids).to_bytes(2, "little")
        ncp._ezsp_received(bytes((sequence & 0xFF, 0, 1)) + frame_id + body)
        if sequence % 50 == 0:
            await asyncio.sleep(0.1)
    for _ in range(200):
        ncp.receive(chance.randbytes(500))
    ncp.receive(b"\x1a" * 32 + AshFrame(Kind.RST).to_octets())
    await asyncio.sleep(1)
    assert AshFrame(Kind.RSTACK, bytes((2, ResetCode.SOFTWARE))).to_octets() in written
    ncp.drop_line()


# -- sniffing -----------------------------------------------------------------------------------


async def test_a_second_dongle_captures_what_is_on_the_air(timeline: Timeline) -> None:
    air = Air(timeline, "ether")
    air.ether.set_default_link(Link(rssi_dbm=-71, lqi=120))
    listener = VirtualNcp(air.ether, DISPLAY)
    seen: list[bytes] = []

    class Seen:
        def frame(self, psdu: bytes, channel: int, link: Link) -> None:
            assert (channel, link.rssi_dbm, link.lqi) == (CHANNEL, -71, 120)
            seen.append(psdu)

    async with published(listener) as path:
        sniffing = asyncio.create_task(sniff(path, CHANNEL, Seen()))
        await asyncio.sleep(1)
        on_air: list[bytes] = []

        class Tapped:
            def frame(self, psdu: bytes, channel: int, link: Link) -> None:
                on_air.append(psdu)

        air.ether.tap(Tapped())
        hub = await air.hub()
        peer = await air.peer(hub)
        assert (await peer.radio.send(message(HUB, encrypted=True))).delivered
        await asyncio.sleep(1)
        assert seen == on_air
        assert len(seen) > 10
        listener.drop_line()
        with pytest.raises(RadioError, match="gone"):
            await sniffing
    await air.close()
