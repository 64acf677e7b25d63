"""What happens in a display and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from device.events import Eui64, Event
from peers.reading import Fuel


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumptionRead(Event):
    """What a consumer access device read of a fuel, with its units; money in pounds.

    What the meter does not tell is None. ``price`` is for a unit of the register.
    """

    fuel: Fuel
    peer: Eui64
    register: str
    taken_at: datetime | None
    power_kw: float | None
    price: float | None
    balance: float | None
    today: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlAsked(Event):
    """A load control switch asked its meter what it is to do (HECS01)."""

    peer: Eui64


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySwitched(Event):
    """A load control switch switched its load; the event of its meter that asked, None for none."""

    on: bool
    issuer_event_id: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFound(Event):
    """A display found where to read a fuel."""

    fuel: Fuel
    peer: Eui64
    endpoint: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TenancyAsked(Event):
    """A display asked a meter for its change of tenancy; ``at`` is None when it knows of none."""

    fuel: Fuel
    peer: Eui64
    at: datetime | None
    control: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryWiped(Event):
    """A display wiped what it had stored of a fuel, for the change of tenancy ``at``."""

    fuel: Fuel
    at: datetime
    control: int
    entries_before: int
    entries_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonPressed(Event):
    """Somebody pressed a button of a PPMID; ``result`` is the meter's answer by name."""

    button: str
    fuel: Fuel
    done: bool
    result: str
