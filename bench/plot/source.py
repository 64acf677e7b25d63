"""Where a picture's record comes from: a rig that runs in virtual time, or one's kept store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bench.meter_identity import identity_of
from bench.plot.record import Record, record_of
from bench.rig import VIRTUAL_START, ElectricityMeter, Quantity, Rig, RigError, Step
from bench.settings import Settings
from bench.site import site_of
from device.clock import DeviceClock
from device.logbook import LogBook
from device.store import MemoryStore, SqliteStore, Store
from esme.memory import Memory
from esme.meter import ElectricityMeter as Model
from esme.settings import EsmeSettings
from gbcs.eui64 import format_eui64
from gbcs.stamp import Reliability

_HOURLY_V: Final = (
    *(244, 245, 245, 244, 243, 240, 238, 237, 239, 241, 244, 247),
    *(250, 251, 248, 244, 240, 235, 231, 230, 233, 236, 240, 243),
)
_HOURLY_W: Final = (
    *(180, 170, 160, 160, 170, 250, 900, 1400, 700, 350, 100, -400),
    *(-900, -800, -100, 300, 600, 1800, 2600, 2300, 1500, 1100, 600, 300),
)
_SLOTS_PER_HOUR: Final = 6
"""Each has noise of its own."""
_CUT: Final = VIRTUAL_START.replace(hour=18, minute=5)


@dataclass(frozen=True, slots=True)
class Configuration:
    """How the average voltage is measured; None leaves a value as the meter has it."""

    period_s: int | None = None
    over_v: int | None = None
    under_v: int | None = None


EXAMPLE: Final = Rig(
    name="example house",
    electricity_meter=ElectricityMeter(
        voltage=Quantity(
            daily=tuple(volts for volts in _HOURLY_V for _ in range(_SLOTS_PER_HOUR)),
            noise=3.5,
            steps=(Step(at=_CUT, value=0), Step(at=_CUT + timedelta(minutes=50))),
        ),
        load=Quantity(
            daily=tuple(watts for watts in _HOURLY_W for _ in range(_SLOTS_PER_HOUR)),
            noise=150,
            seed=1,
        ),
    ),
)
"""A house with solar panels and an evening peak, and a power cut on its first day."""
EXAMPLE_CONFIGURATION: Final = Configuration(period_s=600, over_v=253, under_v=230)


def measured(rig: Rig, days: float, wanted: Configuration) -> Record:
    """Let the rig's meter measure for so many days of virtual time.

    The meter is alone: what its terminals see does not depend on the rest of the home.
    """
    section = _section(rig)
    start = rig.start or VIRTUAL_START
    end = start + timedelta(days=days)
    moment = start
    now: Callable[[], datetime] = lambda: moment  # noqa: E731 - the meter's timeline
    store = MemoryStore()
    meter = Model(
        identity_of(section),
        site_of(section),
        DeviceClock(now, status=Reliability(section.clock)),
        store,
        true_time=now,
        hub_time=now,
        settings=Settings(rig.settings).of(EsmeSettings).metrology,
    )
    _configure(meter, wanted)
    meter.advance(end)
    title = f"{rig.name}, {format_eui64(section.eui64)}"
    return record_of(meter.kept, meter.reporter.power_log.entries(), title, start, end)


def kept(rig: Rig, file: Path, days: float | None) -> Record:
    """What the rig's meter has kept in its store, all of it or the last days."""
    section = _section(rig)
    store = SqliteStore(file)
    try:
        return _recalled(store.scope(format_eui64(section.eui64)), rig, section, days)
    finally:
        store.close()


def _recalled(store: Store, rig: Rig, section: ElectricityMeter, days: float | None) -> Record:
    remembered = Memory(store).recall()
    if remembered is None:
        raise RigError(f"{rig.store} keeps nothing of meter {format_eui64(section.eui64)} yet")
    end = remembered.time.own
    start = None if days is None else end - timedelta(days=days)
    title = f"{rig.name}, {format_eui64(section.eui64)}"
    return record_of(remembered.kept, LogBook(store, "power").entries(), title, start, end)


def _section(rig: Rig) -> ElectricityMeter:
    if rig.electricity_meter is None:
        raise RigError(f"{rig.name} has no electricity meter")
    return rig.electricity_meter


def _configure(meter: Model, wanted: Configuration) -> None:
    for number, phase in enumerate(meter.kept.measurements.phases):
        if wanted.period_s is not None:
            meter.metrology.set_voltage_period(number, wanted.period_s)
        for limit, volts in (
            (phase.average.over, wanted.over_v),
            (phase.average.under, wanted.under_v),
        ):
            if volts is not None:
                limit.threshold_v = volts
