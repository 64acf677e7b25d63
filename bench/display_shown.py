"""What the displays of a home show after a while of virtual time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from bench.home import living_home
from bench.rig import VIRTUAL_START, Display, ElectricityMeter, Rig
from device.timeline import Timeline, run
from gbcs.eui64 import format_eui64
from peers.display import Display as LivingDisplay
from peers.memory import Remembered
from peers.reading import Fuel
from peers.told import SUPPLIER, TELEPHONE, Consumption, Credit, Tariff

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
    details: Details


@dataclass(frozen=True, slots=True)
class Details:
    """The rest of one fuel; None where the meter does not tell."""

    power_kw: Decimal | None
    ambient: str | None
    cost_of_an_hour: Decimal | None
    consumption: Consumption
    costs: Consumption
    tariff: Tariff | None
    credit: Credit | None
    supply: str | None
    supplier: str
    telephone: str
    message: str | None
    events: tuple[int, ...]


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
        return [shown_by(display) for display in home.displays]


def shown_by(display: LivingDisplay) -> Shown:
    """What one display shows now."""
    credentials = display.chassis.credentials
    return Shown(
        format_eui64(credentials.eui64),
        credentials.device_type.value,
        display.chassis.clock.now(),
        tuple(_line(display, fuel) for fuel in Fuel),
    )


def _line(display: LivingDisplay, fuel: Fuel) -> Line:
    reading, memory = display.shown.get(fuel), display.memory[fuel]
    handled, details = memory.handled, _details(display, fuel)
    wiped_for = None if handled is None else handled.at
    if reading is None:
        history = memory.history()
        return Line(fuel.value, "no meter", None, "", "", history, wiped_for, details)
    return Line(
        fuel.value,
        reading.text,
        reading.taken_at if reading.is_stated else reading.read_at,
        "stated on the HAN" if reading.is_stated else "the display's own",
        reading.trust.value,
        memory.history(),
        wiped_for,
        details,
    )


def _details(display: LivingDisplay, fuel: Fuel) -> Details:
    told, message = display.told(fuel), display.message(fuel)
    return Details(
        power_kw=told.power_kw,
        ambient=told.ambient,
        cost_of_an_hour=told.cost_of_an_hour,
        consumption=told.consumption,
        costs=told.costs,
        tariff=told.tariff,
        credit=told.credit,
        supply=told.supply,
        supplier=told.text(SUPPLIER),
        telephone=told.text(TELEPHONE),
        message=None if message is None else message.text,
        events=tuple(event.event_id for event in told.events),
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
        **_details_json(line.details),
    }


def _details_json(details: Details) -> dict[str, object]:
    tariff, credit = details.tariff, details.credit
    return {
        "power_kw": _number(details.power_kw),
        "ambient": details.ambient,
        "cost_of_an_hour": _number(details.cost_of_an_hour),
        "consumption": asdict(details.consumption),
        "costs": asdict(details.costs),
        "tariff": None
        if tariff is None
        else {
            "price": _number(tariff.price),
            "tier": tariff.tier,
            "standing_charge": _number(tariff.standing_charge),
            "currency": tariff.currency,
        },
        "credit": None
        if credit is None
        else {
            "payment": credit.payment.value,
            "balance": _number(credit.balance),
            "emergency_credit": _number(credit.emergency_credit),
            "debt": _number(credit.debt),
            "is_low": credit.is_low,
            "emergency_offered": credit.emergency_offered,
            "emergency_in_use": credit.emergency_in_use,
        },
        "supply": details.supply,
        "supplier": details.supplier,
        "telephone": details.telephone,
        "message": details.message,
        "events": [f"0x{code:04X}" for code in details.events],
    }


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
