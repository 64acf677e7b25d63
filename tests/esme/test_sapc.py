"""An SAPC in a home: commanded, its calendar followed, read back, gone on with after a restart."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bench.home import Home, living_home
from bench.remote_party import RemoteParty
from bench.rig import Rig
from device.cosem.shape import plain
from device.timeline import Timeline, run
from esme.sapc.device import SapcStation
from gbcs.catalogue import by_name
from gbcs.dlms.apdu import AccessResponse, Result
from gbcs.envelope import Message
from gbcs.plain import Plain, moment_to_text
from tests.virtual_time import START

SAPC = 0x02434855420000A6
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
QUICK = {"chf": {"suites": 1}, "join": {"suites": 1}}
ALWAYS, SCRIPT = "0xFFFFFFFFFF", "0x00000A0067FF"


def rig(store: Path | None = None) -> Rig:
    return Rig.model_validate(
        {
            "hub": {"radio": "ether:"},
            "gas_meter": False,
            "start": START,
            "store": store,
            "controllers": [{"eui64": SAPC, "kind": "SAPC"}],
            "settings": QUICK,
        }
    )


class Supplier:
    def __init__(self, home: Home, counter: int = 1000) -> None:
        self._home, self._counter = home, counter

    async def ask(self, name: str, values: dict[str, Plain] | None = None) -> AccessResponse:
        self._counter += 1
        party = RemoteParty(self._home.rig.parties.supplier, self._home.keys)
        command = party.command(by_name(name), SAPC, self._counter, values or {})
        answer = Message.parse(await self._home.ask(command, 5 * MINUTE))
        return AccessResponse.parse(answer.payload)

    async def order(self, number: int, from_hours: int, to_hours: int) -> AccessResponse:
        now = self._home.timeline.now()
        values: dict[str, Plain] = {
            f"AuxiliaryController[1].settingPeriod{edge}DateTime": moment_to_text(now + HOUR * n)
            for edge, n in (("Start", from_hours), ("End", to_hours))
        }
        values["AuxiliaryController[n].controllerNumberAndCommandedState"] = number
        return await self.ask("ECS47a", values)

    async def state(self) -> object:
        return plain((await self.ask("ECS61e")).results[5].data)


def entry(selector: int, hour: int) -> Plain:
    at = f"0x{hour:02X}000000"
    return [1, True, SCRIPT, selector, at, 0xFFFF, "1111111", "000", ALWAYS, ALWAYS]


def station(home: Home) -> SapcStation:
    (only,) = home.controllers
    assert isinstance(only, SapcStation)
    return only


def test_an_sapc_follows_its_calendar_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    async def before(timeline: Timeline) -> None:
        async with living_home(rig(tmp_path / "store"), timeline) as home:
            await timeline.sleep(MINUTE)
            supplier = Supplier(home)
            hour = START.hour + 1
            calendar: dict[str, Plain] = {
                "AuxiliaryControllerCalendarSpecialDays.entries": [],
                "AuxiliaryControllerCalendar.entries": [
                    entry(0x1180 | 40, hour),
                    entry(0x1180 | 90, hour + 4),
                ],
                "AuxiliaryControllerCalendar.activateNextDateTime": "now",
                "AuxiliaryControllerCalendarSpecialDays.activateNextDateTime": "now",
            }
            answer = await supplier.ask("ECS46d", calendar)
            assert {result.result for result in answer.results} == {Result.SUCCESS}
            assert await supplier.state() == '{"outputState": 90, "inputState": 0}'
            await timeline.sleep(HOUR + 10 * MINUTE)
            assert await supplier.state() == '{"outputState": 40, "inputState": 0}'

    async def after(timeline: Timeline) -> None:
        async with living_home(rig(tmp_path / "store"), timeline) as home:
            await timeline.sleep(MINUTE)
            supplier = Supplier(home, 2000)
            assert await supplier.state() == '{"outputState": 40, "inputState": 0}'
            await supplier.order(0x110A, 1, 3)
            await timeline.sleep(HOUR + MINUTE)
            assert await supplier.state() == '{"outputState": 10, "inputState": 0}'
            entries = station(home).sapc.reporter.controller_log.entries()
            assert [one.code for one in entries] == [0x11DA, 0x11A8, 0x110A]

    first = Timeline(START)
    run(before(first), first)
    again = Timeline(START + 2 * HOUR)
    run(after(again), again)


def test_a_refused_period_changes_nothing() -> None:
    async def story(timeline: Timeline) -> None:
        async with living_home(rig(), timeline) as home:
            await timeline.sleep(MINUTE)
            answer = await Supplier(home).order(0x110A, 3, 1)
            assert [result.result for result in answer.results] == [0, 0, Result.OTHER_REASON]
            assert station(home).sapc.reporter.controller_log.entries() == ()

    timeline = Timeline(START)
    run(story(timeline), timeline)
