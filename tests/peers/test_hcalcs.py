"""An HCALCS under its meter, over the virtual air: it obeys, asks, survives, and gives up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from bench.home import Home, living_home
from bench.remote_party import RemoteParty
from bench.rig import Rig
from device.events import Event
from device.timeline import Timeline, run
from esme.control.action import by_command
from esme.control.state import HanOrder
from gbcs.catalogue import by_name
from gbcs.envelope import Message
from gbcs.eui64 import format_eui64
from gbcs.plain import Plain
from hw.ether import Link
from peers.event import RelaySwitched
from peers.hcalcs import LoadControlSwitch
from tests.virtual_time import START

ESME, HCALCS = 0x02434855420000A0, 0x02434855420000C1
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RIG: dict[str, object] = {
    "hub": {"radio": "ether:"},
    "gas_meter": False,
    "start": START,
    "electricity_meter": {"eui64": ESME, "controllers": ["ALCS", format_eui64(HCALCS)]},
    "controllers": [{"eui64": HCALCS, "firmware": "01020304"}],
}
ON_2 = by_command(0x12, 100)
STATE = "AuxiliaryController[n].controllerNumberAndCommandedState"


@dataclass
class Bench:
    home: Home
    relay: list[RelaySwitched] = field(default_factory=list)
    counter: int = 0

    def __post_init__(self) -> None:
        self.home.events.subscribe(self._note, RelaySwitched)

    def _note(self, event: Event) -> None:
        if isinstance(event, RelaySwitched):
            self.relay.append(event)

    @property
    def switch(self) -> LoadControlSwitch:
        (switch,) = self.home.controllers
        assert isinstance(switch, LoadControlSwitch)
        return switch

    def is_on(self) -> bool:
        return self.switch.on

    @property
    def orders(self) -> tuple[HanOrder, ...]:
        assert self.home.electricity_meter is not None
        return self.home.electricity_meter.device.meter.controllers.han.in_force()

    def log(self) -> list[tuple[int, int]]:
        """Number and outcome of each entry of the auxiliary controller event log."""
        assert self.home.electricity_meter is not None
        entries = self.home.electricity_meter.device.meter.reporter.controller_log.entries()
        return [(entry.code, entry.other[0]) for entry in entries]

    def cut_off(self) -> None:
        """Nothing gets through between the two any more, directly or by way of the hub."""
        for other in (ESME, self.home.rig.hub.gpf):
            self.home.ether.set_link(HCALCS, other, Link(loss=1.0))

    async def wait(self, duration: timedelta) -> None:
        await self.home.timeline.sleep(duration)

    async def ask(self, name: str, to: int, values: dict[str, Plain] | None = None) -> Message:
        self.counter += 1
        party = RemoteParty(self.home.rig.parties.supplier, self.home.keys)
        command = party.command(by_name(name), to, self.counter, values or {})
        return Message.parse(await self.home.ask(command, 5 * MINUTE))


@asynccontextmanager
async def bench(timeline: Timeline, **changes: object) -> AsyncIterator[Bench]:
    rig = Rig.model_validate({**RIG, **changes})
    async with living_home(rig, timeline) as home:
        made = Bench(home)
        await made.wait(MINUTE)
        yield made


def play(story: Callable[[Bench], Coroutine[object, object, None]], **changes: object) -> None:
    timeline = Timeline(START)

    async def main() -> None:
        async with bench(timeline, **changes) as made:
            await story(made)

    run(main(), timeline)


def test_it_obeys_a_supplier_s_command_over_the_air_and_the_outcome_is_logged() -> None:
    async def story(b: Bench) -> None:
        await b.ask("ECS47a", ESME, {STATE: ON_2})
        await b.wait(MINUTE)
        assert b.is_on()
        assert b.log() == [(ON_2, 0), (0x0200, 1)]
        (order,) = b.orders
        assert b.relay[0].issuer_event_id == order.id == b.switch.load.active.issuer_event_id  # type: ignore[union-attr]

    play(story)


def test_a_reset_is_logged_with_its_own_number_and_the_outcome_over_the_air() -> None:
    async def story(b: Bench) -> None:
        await b.ask("ECS47a", ESME, {STATE: ON_2})
        await b.wait(MINUTE)
        older = "AuxiliaryLoadControlSwitch[n]State.OpenCloseOrReset"
        await b.ask("ECS47", ESME, {older: 0x0220})
        await b.wait(MINUTE)
        assert not b.is_on()
        assert b.log() == [(ON_2, 0), (0x0200, 1), (0x0220, 0), (0x0200, 1)]

    play(story)


def test_a_state_is_held_beyond_what_one_event_can_last() -> None:
    async def story(b: Bench) -> None:
        await b.ask("ECS47a", ESME, {STATE: ON_2})
        await b.wait(24 * HOUR - 2 * MINUTE)
        assert b.is_on()
        await b.wait(4 * MINUTE)
        assert not b.is_on()
        assert b.log()[2:] == [(0x1280, 0), (0x0200, 1)]
        assert [event.on for event in b.relay] == [True, False]

    play(story)


def test_a_boost_reaches_it_and_ends() -> None:
    async def story(b: Bench) -> None:
        meter = b.home.electricity_meter
        assert meter is not None
        await b.ask("ECS62", ESME, _associated(2))
        assert meter.press_boost(15) is not None
        await b.wait(MINUTE)
        assert b.is_on()
        await b.wait(15 * MINUTE)
        assert not b.is_on()
        assert [number for number, _ in b.log()] == [0x1264, 0x0200, 0x1280, 0x0200]

    play(story)


def test_after_a_power_cut_it_asks_and_is_told_again() -> None:
    async def story(b: Bench) -> None:
        await b.ask("ECS47a", ESME, {STATE: ON_2})
        await b.wait(MINUTE)
        again = b.switch
        again.load.drop_all()
        again.load.server = None
        await b.wait(12 * MINUTE)  # the next time it looks for its meter
        assert b.is_on()
        assert b.log() == [(ON_2, 0), (0x0200, 1)]

    play(story)


def test_a_meter_that_cannot_reach_it_logs_a_failure_and_alerts() -> None:
    async def story(b: Bench) -> None:
        raised: list[int] = []
        b.home.events.subscribe(lambda e: raised.append(getattr(e, "alert_code", 0)))
        b.cut_off()
        await b.ask("ECS47a", ESME, {STATE: ON_2})
        await b.wait(2 * MINUTE)
        assert b.log() == [(ON_2, 0), (0x0200, 2)]
        assert 0x811A in raised
        assert not b.is_on()

    play(story)


def test_it_goes_to_its_default_when_the_meter_is_silent_for_an_hour() -> None:
    async def story(b: Bench) -> None:
        await b.ask("ECS47a", ESME, {STATE: ON_2})
        await b.wait(MINUTE)
        b.cut_off()
        await b.wait(45 * MINUTE)
        assert b.is_on()
        await b.wait(30 * MINUTE)
        assert not b.is_on()
        assert b.relay[-1].reason == "the meter is silent"

    play(story)


def test_its_supplier_joins_it_reads_its_version_and_unjoins_it() -> None:
    async def story(b: Bench) -> None:
        meter: dict[str, Plain] = {"method_and_role": 1, "peer": format_eui64(ESME), "peer_kind": 1}
        answer = await b.ask("CS03A2", HCALCS, meter)
        assert answer.payload == bytes.fromhex("020100")
        assert [one.device for one in b.switch.common.joins.details().entries or ()] == [ESME]
        answer = await b.ask("CS04AC", HCALCS, {"value": format_eui64(ESME)})
        assert answer.payload == bytes.fromhex("020100")

    play(story)


def test_joining_it_at_the_meter_makes_it_the_first_free_controller() -> None:
    async def story(b: Bench) -> None:
        peer = format_eui64(HCALCS)
        await b.ask("CS03A1", ESME, {"method_and_role": 0, "peer": peer, "peer_kind": 4})
        assert b.home.electricity_meter is not None
        bank = b.home.electricity_meter.device.meter.controllers
        assert [bank.kind(n).name for n in range(1, 6)] == ["ALCS", "HCALCS", "APC", "NONE", "NONE"]
        await b.ask("CS04AC", ESME, {"value": peer})
        assert bank.kind(2).name == "NONE"

    play(story, electricity_meter={"eui64": ESME, "controllers": ["ALCS", "none", "APC"]})


def _associated(*numbers: int) -> dict[str, Plain]:
    return {f"BoostFunctionControl[{n}].value": n in numbers for n in range(1, 6)}
