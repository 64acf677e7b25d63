"""``chub demo control``: a day of auxiliary load control, by calendar, key and command.

A meter has an immersion heater of its own (ALCS), a storage heater on the HAN (HCALCS) and a
charger (APC). The supplier joins the HCALCS, sets a calendar and associates the boost key; the
consumer presses it; the supplier commands the storage heater; the load controller limits the
charger. Then the logs are read back and held against what was asked and what the relay did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bench.demo import DemoOptions
from bench.demo.control_parties import ControlParties, Logged, entry
from bench.home import Home, living_home
from bench.rig import VIRTUAL_START, Rig
from device.events import Event
from device.timeline import Timeline, run
from esme.control.action import Action
from esme.control.happening import Outcome
from esme.station import ElectricityMeterStation
from peers.event import RelaySwitched

ESME: Final = 0x02434855420000A0
HCALCS: Final = 0x02434855420000C1
IMMERSION, STORAGE, CHARGER = 1, 2, 3
NAMES: Final = {IMMERSION: "immersion", STORAGE: "storage", CHARGER: "charger"}
KINDS: Final = {IMMERSION: "ALCS", STORAGE: "HCALCS", CHARGER: "APC"}
LOADS_W: Final = (3000, 0, 7000)
OFFSET_NUMBER: Final = 2500
OFFSET_LIMIT_S: Final = 1200
OFFSET_S: Final = OFFSET_NUMBER * OFFSET_LIMIT_S // 10_000
CALENDAR: Final = (
    entry(0x11E4, "13:00", "1111100"),
    entry(0x1180, "16:00", "1111100"),
    entry(0x12E4, "00:30"),
    entry(0x1280, "07:00"),
    entry(0x1380 | 20, "17:00"),
    entry(0x1380 | 100, "23:00"),
)
"""Heaters on and off, the charger at a fifth over the evening; times are before the offset."""
BOOST, COMMAND, LIMIT = 0x1164, 0x1264, 0x130A
REASONS: Final = {BOOST: "boost key", COMMAND: "ECS47a", LIMIT: "ECS47e"}
EXPECTED: Final = (
    (0x11E4, "13:05:00"),
    (0x1180, "16:05:00"),
    (0x1394, "17:05:00"),
    (BOOST, "18:30:00"),
    (0x1180, "19:00:00"),
    (COMMAND, "20:00:00"),
    (0x1280, "21:00:00"),
    (LIMIT, "21:30:00"),
    (0x1394, "22:00:00"),
    (0x13E4, "23:05:00"),
    (0x12E4, "00:35:00"),
    (0x1280, "07:05:00"),
)
"""Action and the meter's time of every entry that the log has to hold, after the first ones."""
RELAY: Final = (("20:00", True), ("21:00", False), ("00:35", True), ("07:05", False))
LIMIT_ALERTS: Final = (("21:30", "8F86"), ("22:00", "8F87"))


@dataclass(frozen=True, slots=True)
class Row:
    """An entry of the log, with the outcome that was logged later under its HANCommandID."""

    at: str
    controller: int
    name: str
    kind: str
    action: str
    reason: str
    outcome: str
    han_command_id: int
    answered_at: str | None


@dataclass(slots=True)
class LoadControl:
    """The demonstration's result."""

    capture: Path
    keys: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    boosts: list[dict[str, str]] = field(default_factory=list)
    relay: list[dict[str, str | bool]] = field(default_factory=list)
    limit_alerts: list[dict[str, str]] = field(default_factory=list)
    offset_s: int = OFFSET_S
    import_wh: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """The log holds what was asked, and the relay did what the log says."""
        return not self.wrong and bool(self.rows)

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "rows": [asdict(row) for row in self.rows],
            "boosts": self.boosts,
            "relay": self.relay,
            "limit_alerts": self.limit_alerts,
            "offset_s": self.offset_s,
            "import_wh": self.import_wh,
            "wrong": self.wrong,
            "capture": str(self.capture),
            "keys": self.keys,
        }

    def print(self) -> None:
        """For people."""
        from bench.demo.control_table import print_control

        print_control(self)


def play(options: DemoOptions) -> LoadControl:
    """Run the story on a virtual home whose hub sits on the given radio."""
    timeline = Timeline(VIRTUAL_START)
    return run(_story(_rig(options), timeline, options), timeline)


def _rig(options: DemoOptions) -> Rig:
    meter = {
        "eui64": ESME,
        "controllers": ["ALCS", "none", "APC"],
        "controlled_w": LOADS_W,
        "offset_number": OFFSET_NUMBER,
        "load_w": 300,
    }
    return Rig.model_validate(
        {
            "name": "demo control",
            "hub": {"radio": options.radio},
            "pairs": "commands",
            "gas_meter": False,
            "electricity_meter": meter,
            "controllers": [{"eui64": HCALCS}],
        }
    )


async def _story(rig: Rig, timeline: Timeline, options: DemoOptions) -> LoadControl:
    result = LoadControl(options.capture)
    async with living_home(rig, timeline, capture=options.capture) as home:
        if home.electricity_meter is not None:
            teller = _Teller(home, home.electricity_meter, options, result)
            await teller.morning()
            await teller.evening()
            await teller.next_morning()
        result.keys = [key.hex() for key in home.capture_keys]
    return result


class _Teller:
    """Leads one home through the day and reads back what was logged."""

    def __init__(
        self,
        home: Home,
        meter: ElectricityMeterStation,
        options: DemoOptions,
        result: LoadControl,
    ) -> None:
        self.home, self.meter, self.options, self.result = home, meter, options, result
        self.parties = ControlParties(home, ESME, HCALCS)
        home.events.subscribe(self._note, RelaySwitched)

    async def morning(self) -> None:
        """The supplier joins the HCALCS, sets the calendar and associates the boost key."""
        await self._until("10:00")
        self.parties.listen()
        self._say("the supplier joins meter and HCALCS (CS03A1, CS03A2)")
        await self.parties.join_hcalcs()
        self._say("it sets offset, calendar and boost key (ECS38, ECS46d, ECS62)")
        await self.parties.set_offset_limit(OFFSET_LIMIT_S)
        await self.parties.set_calendar(CALENDAR)
        await self.parties.associate_boost(IMMERSION)

    async def evening(self) -> None:
        """The consumer boosts, the supplier commands, the load controller limits."""
        await self._until("18:30")
        self._say("the consumer presses the boost key twice: half an hour of hot water")
        if None in [self.meter.press_boost(15) for _ in range(2)]:
            self.result.wrong.append("the boost key did nothing")
        await self._until("19:30")
        self._say("the supplier has the storage heater on from 20:00 to 21:00 (ECS47a)")
        await self.parties.command(COMMAND, self._at("20:00"), self._at("21:00"))
        self._say("the load controller limits the charger from 21:30 to 22:00 (ECS47e)")
        await self.parties.limit(LIMIT, self._at("21:30"), self._at("22:00"))

    async def next_morning(self) -> None:
        """The logs are read back, and held against what was asked."""
        await self._until("07:30", day=1)
        self._say("the supplier reads the logs (ECS35g, ECS61c)")
        result, parties = self.result, self.parties
        result.rows = list(_rows(await parties.controller_log()))
        result.boosts = [
            {"start": _iso(start), "end": _iso(end)} for start, end in await parties.boosts()
        ]
        result.limit_alerts = [
            {"at": _iso(one.at), "alert_code": f"{one.code:04X}"}
            for one in parties.heard
            if one.at is not None and f"{one.code:04X}" in [code for _, code in LIMIT_ALERTS]
        ]
        result.import_wh = self.meter.device.meter.readings.active_import_wh
        result.wrong += [*parties.unproven, *_differences(result)]

    # -- parts -----------------------------------------------------------------------------------

    def _note(self, event: Event) -> None:
        if isinstance(event, RelaySwitched):
            self.result.relay.append({"at": _iso(event.moment), "on": event.on})
            self._say(f"the relay of the HCALCS goes {'on' if event.on else 'off'}")

    def _say(self, line: str) -> None:
        self.options.tell(f"{self.home.timeline.now():%a %H:%M} {line}")

    def _at(self, clock: str, day: int = 0) -> datetime:
        hour, minute = (int(part) for part in clock.split(":"))
        midnight = VIRTUAL_START.replace(hour=0, minute=0)
        return midnight + timedelta(days=day, hours=hour, minutes=minute)

    async def _until(self, clock: str, day: int = 0) -> None:
        await self.home.timeline.sleep_until(self._at(clock, day))


def _rows(logged: Iterable[Logged]) -> Iterator[Row]:
    """Entries of actions, each with the entry of its outcome when that came over the HAN."""
    answers = {one.han_command_id: one for one in logged if _is_answer(one)}
    for one in logged:
        if _is_answer(one):
            continue
        answer = answers.get(one.han_command_id)
        controller = one.number >> 8 & 0x0F
        by_calendar = Action.of_calendar(one.number) is not None
        yield Row(
            at=_iso(one.at),
            controller=controller,
            name=NAMES[controller],
            kind=KINDS[controller],
            action=f"{one.number:04X}",
            reason="calendar" if by_calendar else REASONS.get(one.number, "?"),
            outcome=Outcome(one.outcome if answer is None else answer.outcome).name.lower(),
            han_command_id=one.han_command_id,
            answered_at=None if answer is None else _iso(answer.at),
        )


def _is_answer(one: Logged) -> bool:
    return one.han_command_id != 0 and one.number & 0xF0FF == 0


def _differences(result: LoadControl) -> Iterator[str]:
    found = [(row.action, row.at[11:19]) for row in result.rows]
    for number, clock in EXPECTED:
        if (f"{number:04X}", clock) not in found:
            yield f"the log has no {number:04X} at {clock}"
    yield from (
        f"{row.action} at {row.at[11:19]} ended with {row.outcome}"
        for row in result.rows
        if row.outcome != "success"
    )
    relay = tuple((str(one["at"])[11:16], one["on"]) for one in result.relay)
    if relay != RELAY:
        yield f"the relay of the HCALCS went {relay}"
    alerts = tuple((one["at"][11:16], one["alert_code"]) for one in result.limit_alerts)
    if alerts != LIMIT_ALERTS:
        yield f"of the limit it was told {alerts}"
    boosts = [(one["start"][11:16], one["end"][11:16]) for one in result.boosts]
    if boosts != [("18:30", "19:00")]:
        yield f"the boost log holds {boosts}"


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
