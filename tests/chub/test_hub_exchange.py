"""A hub is replaced: CCS03 brings the old one's devices to the new one, keys and all."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bench.home import Home, living_home, open_home
from bench.remote_party import RemoteParty
from device.timeline import Timeline
from gbcs.catalogue import by_name
from han.radio import Role, aes_mmo
from hw.ether_radio import EtherRadio
from tests.chub.bench import CODE, ESME, GSME, Broker, rig

NEW_GPF, NEW_CHF = 0x02434855420001A3, 0x02434855420001A2
OLD = {"radio": "ether:", "admit": "commands"}
NEW = OLD | {"gpf": f"{NEW_GPF:016X}", "chf": f"{NEW_CHF:016X}"}
NEW_NETWORK = {"channel": 20, "pan_id": 0x1234, "network_key": "C3" * 16}


async def joined(home: Home, timeline: Timeline, kinds: dict[int, str]) -> dict[int, bytes]:
    """Let the meters join; the last backup that the broker got."""
    broker = Broker(home)
    for eui64, kind in kinds.items():
        await broker.admit(eui64, kind, timeout_s=3600)
    await timeline.sleep(timedelta(hours=1))
    return broker.backups()[-1]


def restored(backup: dict[int, bytes], pan: int) -> dict[str, object]:
    devices = [[f"0x{eui64:016X}", f"0x{key.hex()}"] for eui64, key in backup.items()]
    return {"DeviceLogCHF.restore_PAN": [f"0x{pan:016X}", devices]}


@pytest.mark.parametrize("radio", ["ether:", "vncp:"])
async def test_an_electricity_meter_comes_to_the_new_hub_and_answers_through_it(
    radio: str, timeline: Timeline, tmp_path: Path
) -> None:
    home_of = {
        "electricity_meter": {"install_code": CODE.hex()},
        "store": tmp_path / "rig.sqlite",
    }
    async with living_home(rig(hub=OLD, **home_of), timeline) as home:
        backup = await joined(home, timeline, {ESME: "ESME"})
        pan = home.gpf.entity
    assert len(backup[ESME]) == 16
    new = rig(hub=NEW | {"radio": radio}, network=NEW_NETWORK, **home_of)
    async with living_home(new, timeline) as home:
        broker = Broker(home)
        results, _ = await broker.ask("CCS03", restored(backup, pan))  # type: ignore[arg-type]
        assert results == [0]
        assert broker.backups() == [backup]
        await timeline.sleep(timedelta(hours=2))
        entry = home.hub.device_log.get(ESME)
        assert entry is not None
        assert entry.tc_link_key is not None
        assert broker.backups()[-1] == {ESME: aes_mmo(entry.tc_link_key)} != backup
        supplier = RemoteParty(home.rig.parties.supplier, home.keys)
        octets = await home.ask(supplier.command(by_name("ECS52"), ESME, 1), timedelta(minutes=1))
        assert supplier.open(octets).verification.is_authentic


async def test_a_gas_meter_comes_to_the_new_hub_and_is_known_as_one(
    timeline: Timeline, tmp_path: Path
) -> None:
    home_of = {"gas_meter": {"install_code": CODE.hex()}, "store": tmp_path / "rig.sqlite"}
    async with living_home(rig(hub=OLD, **home_of), timeline) as home:
        backup = await joined(home, timeline, {GSME: "GSME"})
        pan = home.gpf.entity
    async with living_home(rig(hub=NEW, network=NEW_NETWORK, **home_of), timeline) as home:
        await Broker(home).ask("CCS03", restored(backup, pan))  # type: ignore[arg-type]
        await timeline.sleep(timedelta(hours=3))
        assert home.gpf.mirror.values
        supplier = RemoteParty(home.rig.parties.supplier, home.keys)
        octets = await home.ask(supplier.command(by_name("GCS13c"), GSME, 1), timedelta(hours=2))
        assert supplier.open(octets).verification.is_authentic


async def test_a_backup_of_too_many_devices_is_refused_whole(timeline: Timeline) -> None:
    backup = {0x1000 + number: bytes(16) for number in range(17)}
    async with open_home(rig(), timeline) as home:
        broker = Broker(home)
        results, _ = await broker.ask("CCS03", restored(backup, 0x0140))  # type: ignore[arg-type]
        assert results == [250]
        assert await broker.device_log() == {}
        assert broker.backups() == []


@pytest.mark.parametrize(("restores", "pan"), [(True, 0x0140), (False, rig().hub.gpf)])
async def test_the_network_takes_the_old_extended_pan_identifier_unless_told_not_to(
    restores: bool, pan: int, timeline: Timeline
) -> None:
    wanted = rig(settings={"chf": {"restore_pan": restores}})
    async with open_home(wanted, timeline) as home:
        await Broker(home).ask("CCS03", restored({ESME: bytes(16)}, 0x0140))  # type: ignore[arg-type]
        await timeline.sleep(timedelta(seconds=1))
        radio = EtherRadio(home.ether, ESME, Role.ROUTER)
        await radio.start()
        assert [one.extended_pan_id for one in await radio.scan([15])] == [pan]
        await radio.close()
