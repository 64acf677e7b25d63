"""What the displays of a home show after a while of virtual time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bench.home import living_home
from bench.rig import VIRTUAL_START, Display, ElectricityMeter, Rig
from device.timeline import Timeline, run
from gbcs.eui64 import format_eui64
from peers.display import Display as LivingDisplay
from peers.memory import Remembered
from peers.reading import Fuel

IHD: Final = 0x02434855420000D1


@dataclass(frozen=True, slots=True)
class Line:
    """One fuel: the value with what the HAN tells of its moment, and what is stored."""

    fuel: str
    value: str
    taken_at: datetime | None
    source: str
    reliability: str
    history: tuple[Remembered, ...]
    wiped_for: datetime | None


@dataclass(frozen=True, slots=True)
class Shown:
    """One display at a moment."""

    display: str
    kind: str
    at: datetime
    lines: tuple[Line, ...]

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "display": self.display,
            "kind": self.kind,
            "at": self.at.isoformat(),
            "shown": [_line_json(line) for line in self.lines],
        }


def home_with_display() -> Rig:
    """The built-in home with an electricity meter and an IHD."""
    return Rig(electricity_meter=ElectricityMeter(), displays=(Display(eui64=IHD),))


def look(rig: Rig, after_s: float) -> list[Shown]:
    """Boot a rig and look at its displays after so many seconds."""
    timeline = Timeline(rig.start or VIRTUAL_START)
    return run(_look(rig, timeline, timedelta(seconds=after_s)), timeline)


async def _look(rig: Rig, timeline: Timeline, after: timedelta) -> list[Shown]:
    async with living_home(rig, timeline) as home:
        await timeline.sleep(after)
        return [_shown(display) for display in home.displays]


def _shown(display: LivingDisplay) -> Shown:
    credentials = display.chassis.credentials
    return Shown(
        format_eui64(credentials.eui64),
        credentials.device_type.value,
        display.chassis.clock.now(),
        tuple(_line(display, fuel) for fuel in Fuel),
    )


def _line(display: LivingDisplay, fuel: Fuel) -> Line:
    reading, memory = display.shown.get(fuel), display.memory[fuel]
    handled = memory.handled
    wiped_for = None if handled is None else handled.at
    if reading is None:
        return Line(fuel.value, "no meter", None, "", "", memory.history(), wiped_for)
    return Line(
        fuel.value,
        reading.text,
        reading.taken_at if reading.is_stated else reading.read_at,
        "stated on the HAN" if reading.is_stated else "the display's own",
        reading.trust.value,
        memory.history(),
        wiped_for,
    )


def _line_json(line: Line) -> dict[str, object]:
    return {
        "fuel": line.fuel,
        "value": line.value,
        "taken_at": None if line.taken_at is None else line.taken_at.isoformat(),
        "source": line.source,
        "reliability": line.reliability,
        "history": [
            {"at": each.at.isoformat(), "register": each.register} for each in line.history
        ],
        "wiped_for": None if line.wiped_for is None else line.wiped_for.isoformat(),
    }
