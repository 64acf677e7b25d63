"""Finding ports and saying what stands in the way."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from han.radio import Role
from hw.discovery import Confidence, guess, holders, list_ports, stable_path
from hw.doctor import Outcome, check_access, check_air, check_dongle, check_machine
from hw.ether import Ether
from hw.ether_radio import EtherRadio
from hw.silicon import ask_sticks
from hw.survey import survey
from hw.vncp.bootloader import DongleWithBootloader
from hw.vncp.ncp import VirtualNcp
from hw.vncp.transport import publish, withdraw
from tests.hw.air import HUB, METER, NETWORK, needed


@pytest.mark.parametrize(
    ("vid", "pid", "manufacturer", "product", "name", "confidence"),
    [
        (0x10C4, 0xEA60, "Nabu Casa", "SkyConnect v1.0", "SkyConnect", Confidence.LIKELY),
        (0x10C4, 0xEA60, "ITEAD", "Sonoff Dongle Plus V2", "Dongle-E", Confidence.LIKELY),
        (0x10C4, 0xEA60, "Itead", "Sonoff Dongle Plus", "Dongle-P", Confidence.LIKELY),
        (0x10C4, 0xEA60, "SMLIGHT", "SMLIGHT SLZB-07p7", "TI", Confidence.LIKELY),
        (0x1A86, 0x55D4, None, None, "Dongle-E", Confidence.LIKELY),
        (0x10C4, 0xEA60, "Silicon Labs", "CP2102 USB to UART", "", Confidence.POSSIBLE),
        (0x1234, 0x5678, None, None, "", Confidence.UNKNOWN),
        (None, None, None, None, "", Confidence.UNKNOWN),
    ],
)  # fmt: skip
def test_a_dongle_is_guessed_by_identity_and_text(
    vid: int | None,
    pid: int | None,
    manufacturer: str | None,
    product: str | None,
    name: str,
    confidence: Confidence,
) -> None:
    kind, how = guess(vid, pid, manufacturer, product)
    assert how is confidence
    assert name in (kind.name if kind is not None else "")


def test_the_stable_name_of_a_port_is_found(tmp_path: Path) -> None:
    device = tmp_path / "ttyUSB0"
    device.touch()
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    (by_id / "usb-dongle").symlink_to(device)
    assert stable_path(str(device), by_id) == str(by_id / "usb-dongle")
    assert stable_path(str(tmp_path / "other"), by_id) == str(tmp_path / "other")


def test_who_holds_a_port_is_named(tmp_path: Path) -> None:
    port = tmp_path / "ttyUSB0"
    port.touch()
    assert list(holders(str(port))) == []
    with port.open("rb"):
        (holder,) = holders(str(port))
        assert holder.pid == os.getpid()
        outcomes = {check.name: check for check in check_access(str(port))}
        assert outcomes["port is free"].outcome is Outcome.BAD
        assert str(os.getpid()) in outcomes["port is free"].found


def test_a_port_that_is_not_there_is_said_so() -> None:
    (check,) = check_access("/dev/no-such-port")
    assert (check.outcome, bool(check.remedy)) == (Outcome.BAD, True)
    assert check_access("tcp://127.0.0.1:1") == []


def test_the_machine_is_checked_with_or_without_ports() -> None:
    checks = {check.name: check for check in check_machine()}
    assert checks["Python"].outcome is Outcome.GOOD
    assert checks["bellows"].outcome is Outcome.GOOD
    assert len(checks) > len(list_ports())


@pytest.mark.parametrize(("version", "outcome"), [(13, Outcome.GOOD), (19, Outcome.WARNING)])
async def test_a_dongle_is_judged(version: int, outcome: Outcome) -> None:
    needed("universal_silabs_flasher")
    device = DongleWithBootloader(VirtualNcp(Ether(), HUB, ezsp_version=version))
    path = publish("patient", device)
    checks = {check.name: check for check in await check_dongle(path)}
    assert checks["EZSP version"].outcome is outcome
    assert checks["link key table"].outcome is Outcome.WARNING
    assert f"{HUB:016X}" in checks["EUI-64"].found
    withdraw("patient")
    device.drop_line()


async def test_silence_is_a_finding() -> None:
    needed("universal_silabs_flasher")
    (check,) = await check_dongle("vncp://nobody-here")
    assert check.outcome is Outcome.BAD
    assert check.remedy


async def test_a_survey_shows_who_is_on_which_channel() -> None:
    ether = Ether()
    hub = EtherRadio(ether, METER, Role.COORDINATOR)
    await hub.start()
    await hub.form(replace(NETWORK, channel=20))
    ncp = VirtualNcp(ether, HUB)
    seen = await survey(publish("surveyor", ncp))
    assert [(b.channel, b.pan_id) for b in seen.networks] == [(20, NETWORK.pan_id)]
    assert max(seen.rssi_dbm, key=lambda channel: seen.rssi_dbm[channel]) == 20
    assert seen.quietest() == 11
    withdraw("surveyor")
    ncp.drop_line()
    await hub.close()


@pytest.mark.parametrize("version", [8, 13, 19])
async def test_two_sticks_answer_every_question(version: int) -> None:
    ether = Ether()
    paths, ncps = [], []
    for number, eui64 in enumerate((HUB, METER)):
        ncp = VirtualNcp(ether, eui64, ezsp_version=version)
        ncps.append(ncp)
        paths.append(publish(f"stick-{number}", ncp))
    checks = await ask_sticks(*paths)
    assert [check for check in checks if check.outcome is not Outcome.GOOD] == []
    told = {check.name: check.found for check in checks}
    assert told["largest frame"] == "plain 72 octets, encrypted 63 octets"
    assert told["fragments"] == "0x01 taken, 0xff taken"
    assert len(checks) == 9
    for number, ncp in enumerate(ncps):
        withdraw(f"stick-{number}")
        ncp.drop_line()


async def test_a_stick_that_hears_nobody_is_reported() -> None:
    ncps = [VirtualNcp(Ether(), HUB), VirtualNcp(Ether(), METER)]
    paths = [publish(f"alone-{n}", ncp) for n, ncp in enumerate(ncps)]
    checks = await ask_sticks(*paths)
    assert {check.found for check in checks} == {"the hub was not heard"}
    for number, ncp in enumerate(ncps):
        withdraw(f"alone-{number}")
        ncp.drop_line()


async def test_the_air_around_a_dongle_is_judged() -> None:
    ether = Ether()
    hub = EtherRadio(ether, METER, Role.COORDINATOR)
    await hub.start()
    await hub.form(replace(NETWORK, channel=20))
    ncp = VirtualNcp(ether, HUB)
    path = publish("breather", ncp)
    free = {check.name: check for check in await check_air(path, 15)}
    taken = {check.name: check for check in await check_air(path, 20)}
    assert free["endpoints"].outcome is free["channel"].outcome is Outcome.GOOD
    assert taken["channel"].outcome is Outcome.WARNING
    assert "network.channel = 11" in taken["channel"].remedy
    withdraw("breather")
    ncp.drop_line()
    await hub.close()
