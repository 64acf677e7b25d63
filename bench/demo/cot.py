"""``chub demo cot``: two changes of tenancy on both fuels, and what the displays do (SECMP0056).

The supplier sets a date that has passed, then one that lies ahead. An IHD and a PPMID ask both
meters, wipe what they have stored of each fuel once for each change, and go on; the supplier still
reads everything.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bench.demo import DemoOptions
from bench.demo.cot_supplier import Supplier
from bench.home import Home, living_home
from bench.rig import VIRTUAL_START, Rig
from device.events import Event
from device.timeline import Timeline, run
from peers.event import HistoryWiped, TenancyAsked
from peers.reading import Fuel

ESME: Final = 0x02434855420000A0
DISPLAYS: Final = {0x02434855420000D1: "IHD", 0x02434855420000D2: "PPMID"}
SERVERS: Final = {Fuel.GAS: "GPF", Fuel.ELECTRICITY: "ESME"}
READING: Final = {"electricity_poll_s": 900, "gas_poll_s": 900, "details_poll_s": 1800}
"""Displays of this story read less often than real ones, to keep the capture small."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of tenancy: when it is set, and for when (days and time after the start)."""

    set_at: timedelta
    date: timedelta
    told_until: timedelta
    """By then every display has asked, and wiped on the date."""


_MIDNIGHT: Final = VIRTUAL_START.replace(hour=0, minute=0)
CHANGES: Final = (
    Change(timedelta(hours=15, minutes=5), timedelta(hours=15), timedelta(hours=16, minutes=30)),
    Change(timedelta(hours=17), timedelta(hours=36, minutes=10), timedelta(hours=37)),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One display, one fuel, one change: entries held before and after, and when it wiped."""

    display: str
    fuel: str
    server: str
    cot_time: str
    control: str
    asked_at: str | None
    history_before: int | None
    history_after: int | None
    wiped_at: str | None
    supplier_entries: int


@dataclass(slots=True)
class ChangeOfTenancy:
    """The demonstration's result."""

    capture: Path
    keys: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Every display wiped every fuel once for each change, and the supplier lost nothing."""
        return not self.wrong and len(self.rows) == len(DISPLAYS) * len(Fuel) * len(CHANGES)

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "rows": [asdict(row) for row in self.rows],
            "capture": str(self.capture),
            "keys": self.keys,
        }

    def print(self) -> None:
        """For people."""
        from bench.demo.cot_table import print_changes

        print_changes(self)


def play(options: DemoOptions) -> ChangeOfTenancy:
    """Run the story on a virtual home whose hub sits on the given radio."""
    timeline = Timeline(VIRTUAL_START)
    return run(_story(_rig(options), timeline, options), timeline)


def _rig(options: DemoOptions) -> Rig:
    return Rig.model_validate(
        {
            "name": "demo cot",
            "hub": {"radio": options.radio},
            "electricity_meter": {"eui64": ESME},
            "displays": [{"eui64": eui64, "kind": kind} for eui64, kind in DISPLAYS.items()],
            "settings": {"display": READING},
        }
    )


async def _story(rig: Rig, timeline: Timeline, options: DemoOptions) -> ChangeOfTenancy:
    result = ChangeOfTenancy(options.capture)
    async with living_home(rig, timeline, capture=options.capture) as home:
        teller = _Teller(home, options, result)
        for change in CHANGES:
            await teller.tell(change)
        result.keys = [key.hex() for key in home.capture_keys]
    return result


class _Teller:
    """Leads one home through the changes and notes what every display does."""

    def __init__(self, home: Home, options: DemoOptions, result: ChangeOfTenancy) -> None:
        self.home, self.options, self.result = home, options, result
        self.supplier = Supplier(home, ESME)
        self._asked: list[TenancyAsked] = []
        self._wiped: list[HistoryWiped] = []
        home.events.subscribe(self._note, TenancyAsked, HistoryWiped)

    async def tell(self, change: Change) -> None:
        """One change from its command to the last wipe."""
        date = _MIDNIGHT + change.date
        await self._until(change.set_at)
        read_before = await self._supplier_entries()
        self.options.tell(f"the supplier sets a change of tenancy for {_text(date)} on both fuels")
        await self.supplier.change(date)
        await self._until(change.told_until)
        entries = await self._supplier_entries()
        for eui64 in DISPLAYS:
            for fuel in Fuel:
                if entries[fuel] < read_before[fuel]:
                    self.result.wrong.append(f"{fuel.value}: the supplier reads less than before")
                self._add_row(eui64, fuel, date, entries[fuel])

    def _note(self, event: Event) -> None:
        if isinstance(event, TenancyAsked):
            self._asked.append(event)
        elif isinstance(event, HistoryWiped):
            self._wiped.append(event)
            self.options.tell(
                f"{_text(event.moment)} {DISPLAYS[event.device]} wipes its {event.fuel.value} "
                f"history of {event.entries_before} half hours"
            )

    def _add_row(self, eui64: int, fuel: Fuel, date: datetime, entries: int) -> None:
        mine = (eui64, fuel, date)
        asked = [each for each in self._asked if (each.device, each.fuel, each.at) == mine]
        wiped = [each for each in self._wiped if (each.device, each.fuel, each.at) == mine]
        name = DISPLAYS[eui64]
        if len(wiped) != 1:
            self.result.wrong.append(f"{name} wiped {fuel.value} {len(wiped)} times for {date}")
        self.result.rows.append(
            Row(
                display=name,
                fuel=fuel.value,
                server=SERVERS[fuel],
                cot_time=date.isoformat(),
                control=f"0x{asked[0].control if asked else 0:08X}",
                asked_at=asked[0].moment.isoformat(timespec="seconds") if asked else None,
                history_before=wiped[0].entries_before if wiped else None,
                history_after=wiped[0].entries_after if wiped else None,
                wiped_at=wiped[0].moment.isoformat(timespec="seconds") if wiped else None,
                supplier_entries=entries,
            )
        )

    async def _supplier_entries(self) -> dict[Fuel, int]:
        return {
            Fuel.GAS: await self.supplier.gas_half_hours(),
            Fuel.ELECTRICITY: await self.supplier.electricity_half_hours(),
        }

    async def _until(self, since_midnight: timedelta) -> None:
        moment = _MIDNIGHT + since_midnight
        self.options.tell(f"virtual time goes to {_text(moment)}")
        await self.home.timeline.sleep_until(moment)


def _text(moment: datetime) -> str:
    return moment.strftime("%a %H:%M")
