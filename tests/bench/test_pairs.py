"""Who is in whose device log when a bench stands, and who stays out of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from bench.home import Home, living_home, open_home
from bench.rig import Rig
from device.common import CommonCommands
from device.timeline import Timeline
from gbcs.asn1.names import Kind, UnjoinCode
from gbcs.utrn import ValueClass, make
from han.commands.prepayment import TopUpResult
from peers.hcalcs import LoadControlSwitch
from peers.ppmid import Ppmid
from peers.reading import Fuel

GSME, ESME, GPF = 0x02434855420000A1, 0x02434855420000A0, 0x02434855420000A3
IHD, PPMID, SWITCH, CAD = (0x0243485542000000 | one for one in (0xD1, 0xD2, 0xC1, 0xC2))
HOME: Mapping[str, object] = {
    "hub": {"radio": "ether:"},
    "electricity_meter": {},
    "displays": [{"eui64": IHD}, {"eui64": PPMID, "kind": "PPMID"}],
    "controllers": [{"eui64": SWITCH}],
    "access_devices": [{"eui64": CAD}],
}


def logs(home: Home) -> dict[int, dict[int, int]]:
    return {device: partners(common) for device, common in commons(home).items()}


def commons(home: Home) -> dict[int, CommonCommands]:
    assert home.meter is not None
    assert home.electricity_meter is not None
    found = {GSME: home.meter.common, ESME: home.electricity_meter.device.common}
    found[GPF] = home.gpf.common
    for one in (*home.displays, *home.controllers):
        if isinstance(one, Ppmid | LoadControlSwitch):
            found[one.chassis.eui64] = one.common
    return found


def partners(common: CommonCommands) -> dict[int, int]:
    return {one.device: int(one.kind) for one in common.joins.details().entries or ()}


async def test_a_bench_enters_the_pairs_of_a_home_in_the_device_logs(timeline: Timeline) -> None:
    async with open_home(Rig.model_validate(HOME), timeline) as home:
        assert logs(home) == {
            GSME: {GPF: Kind.GPF, PPMID: Kind.PPMID},
            ESME: {IHD: Kind.TYPE2, PPMID: Kind.PPMID, SWITCH: Kind.HCALCS, CAD: Kind.TYPE2},
            GPF: {GSME: Kind.GSME, IHD: Kind.TYPE2, PPMID: Kind.PPMID, CAD: Kind.TYPE2},
            PPMID: {GPF: Kind.GPF, ESME: Kind.ESME, GSME: Kind.GSME},
            SWITCH: {ESME: Kind.ESME},
        }


async def test_pairs_are_left_to_commands_when_the_rig_says_so(timeline: Timeline) -> None:
    for change in ({"pairs": "commands"}, {"hub": {"radio": "ether:", "admit": "commands"}}):
        async with open_home(Rig.model_validate({**HOME, **change}), timeline) as home:
            assert not any(logs(home).values())


async def test_a_pair_that_was_taken_apart_stays_apart(timeline: Timeline, tmp_path: Path) -> None:
    rig = Rig.model_validate({**HOME, "store": tmp_path / "rig.sqlite"})
    async with open_home(rig, timeline) as home:
        assert commons(home)[GSME].joins.unjoin(PPMID) is UnjoinCode.SUCCESS
    async with open_home(rig, timeline) as home:
        assert PPMID not in commons(home)[GSME].joins
        assert GPF in commons(home)[GSME].joins


async def test_a_gas_top_up_at_the_ppmid_needs_no_further_command(timeline: Timeline) -> None:
    displays = [{"eui64": PPMID, "kind": "PPMID"}]
    rig = Rig.model_validate({"hub": {"radio": "ether:"}, "displays": displays})
    async with living_home(rig, timeline) as home:
        await timeline.sleep(timedelta(hours=1))
        token = make(rig.parties.supplier, GSME, 1, 700, ValueClass.PENCE, home.keys)
        (ppmid,) = home.displays
        assert isinstance(ppmid, Ppmid)
        answer = await ppmid.top_up(Fuel.GAS, token)
    assert answer.result == TopUpResult.ACCEPTED
