"""Registers, instantaneous power and maximum demand (ECS17a to e, ECS18a and b, ECS57)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from device.cosem.fields import elements, number, reset
from device.cosem.shape import Plain, shape
from device.cosem.table import Attribute, CosemObject, cosem, scaler_unit, stored
from esme.demand import MaximumDemand
from esme.metering.energy import EnergyRegisters, Register, shown
from esme.objects.calendars import SCHEDULE
from esme.objects.fields import (
    VAR_HOUR,
    WATT,
    WATT_HOUR,
    Meter,
    MeterAttribute,
    date_time,
    register,
)
from esme.physics.signal import Constant
from esme.physics.site import Phase, Site
from esme.tariff.registers import BLOCK_TOU_REGISTERS

_WH = (0, WATT_HOUR)
_VARH = (0, VAR_HOUR)
_W = (0, WATT)
_MILLI = 1000


def register_objects(twin: bool) -> Iterator[CosemObject[Meter]]:
    """Objects of a meter with one element or two."""
    for name, title, unit, held in (
        ("3/1-0:2.8.0.255", "ActiveExportRegister", WATT_HOUR, lambda e: e.active_export),
        ("3/1-0:4.8.0.255", "ReactiveExportRegister", VAR_HOUR, lambda e: e.reactive_export),
    ):
        yield cosem(name, title, _cumulative(held), scaler_unit(unit))
    yield cosem("1/0-0:94.44.34.10", "ImportRegisterCollection", _imports(twin))
    yield cosem("1/0-0:94.44.34.20", "PowerImportCollection", _powers(twin))
    yield cosem("1/0-0:94.44.34.1", "TariffTOURegisterCollection", _time_of_use(twin))
    yield cosem("1/0-0:94.44.34.2", "TariffBlockTOURegisterCollection", _blocks())
    yield from _protected("8", "ImportRegisterCollection", "1/0-0:94.44.34.10/2")
    yield from _protected("9", "TariffTOURegisterCollection", "1/0-0:94.44.34.1/2")
    yield from _protected("10", "TariffBlockTOURegisterCollection", "1/0-0:94.44.34.2/2")
    yield from _demands()


def _protected(number_: str, title: str, place: str) -> Iterator[CosemObject[Meter]]:
    yield cosem(f"30/0-0:43.2.{number_}.255", title, protects=(place,))


def _cumulative(held: Callable[[EnergyRegisters], Register]) -> MeterAttribute:
    def put(meter: Meter, units: int) -> None:
        held(meter.kept.measurements.energy).units = units

    return register(lambda meter: held(meter.kept.measurements.energy).units, put)


def _imports(twin: bool) -> MeterAttribute:
    def read(meter: Meter) -> Plain:
        now = meter.readings
        first = (shown(now.active_import_wh), _WH, shown(now.reactive_import_varh), _VARH)
        return (*first, shown(now.secondary_import_wh)) if twin else first

    def load(meter: Meter, value: Plain) -> None:
        energy, values = meter.kept.measurements.energy, elements(value)
        energy.active_import.units = number(values[0])
        energy.reactive_import.units = number(values[2])
        energy.secondary_import.units = number(values[4]) if twin else 0

    kind = "{u32,{i8,enum},u32,{i8,enum},u32}" if twin else "{u32,{i8,enum},u32,{i8,enum}}"
    return Attribute(2, "value", shape(kind), read=read, load=load)


def _powers(twin: bool) -> MeterAttribute:
    def read(meter: Meter) -> Plain:
        seen = meter.metrology.conditions()
        active_w = max(seen.active_mw, 0) // _MILLI
        return (active_w, _W, max(seen.secondary_mw, 0) // _MILLI) if twin else (active_w, _W)

    def load(meter: Meter, value: Plain) -> None:
        values = elements(value)
        second = Constant(number(values[2]) * _MILLI) if twin else None
        meter.metrology.site = Site(
            (Phase(active_mw=Constant(number(values[0]) * _MILLI)),), second
        )

    kind = "{u32,{i8,enum},u32}" if twin else "{u32,{i8,enum}}"
    return Attribute(2, "value", shape(kind), read=read, load=load)


def _time_of_use(twin: bool) -> MeterAttribute:
    def read(meter: Meter) -> Plain:
        meter.tariff.settle()
        held = meter.kept.tariff
        tou, secondary = tuple(map(shown, held.tou)), tuple(map(shown, held.secondary))
        return (tou, secondary) if twin else (tou,)

    def load(meter: Meter, value: Plain) -> None:
        meter.tariff.settle()
        first, *second = elements(value)
        meter.kept.tariff.tou = [number(each) for each in elements(first)]
        if second:
            meter.kept.tariff.secondary = [number(each) for each in elements(second[0])]

    kind = "{array[48]<u32>,array[4]<u32>}" if twin else "{array[48]<u32>}"
    return Attribute(2, "value", shape(kind), read=read, load=load)


def _blocks() -> MeterAttribute:
    """For each block its registers by time of use, then its counters."""

    def read(meter: Meter) -> Plain:
        meter.tariff.settle()
        held = meter.kept.tariff
        pairs = zip(held.blocks, held.counters, strict=True)
        return (tuple(shown(wh) for block, counter in pairs for wh in (*block, *counter)),)

    def load(meter: Meter, value: Plain) -> None:
        meter.tariff.settle()
        row = [number(each) for each in elements(elements(value)[0])]
        eights = [row[n : n + BLOCK_TOU_REGISTERS] for n in range(0, len(row), BLOCK_TOU_REGISTERS)]
        meter.kept.tariff.blocks, meter.kept.tariff.counters = eights[::2], eights[1::2]

    return Attribute(2, "value", shape("{array[64]<u32>}"), read=read, load=load)


def _demands() -> Iterator[CosemObject[Meter]]:
    yield from _demand("1-0:1.6.0", "5.1", "MaximumDemandActivePowerImport", _active_import)
    yield from _demand(
        "1-0:1.6.1", "5.0", "MaximumDemand(ConfigurableTime)ActivePowerImport", _configurable
    )
    yield from _demand("1-0:2.6.0", "5.2", "MaximumDemandActivePowerExport", _active_export)
    yield cosem(
        "10/0-0:12.0.0.255",
        "MaximumDemandConfigurableTimePeriod",
        stored(2, "entries", SCHEDULE, ()),
    )


def _demand(
    name: str, last_reset: str, title: str, held: Callable[[Meter], MaximumDemand]
) -> Iterator[CosemObject[Meter]]:
    yield cosem(
        f"4/{name}.255",
        f"{title}Value",
        register(lambda m: held(m).power_w, lambda m, watts: setattr(held(m), "power_w", watts)),
        scaler_unit(WATT),
        date_time(
            5, "capture_time", lambda m: held(m).at, lambda m, at: setattr(held(m), "at", at)
        ),
        reset(lambda m, now: held(m).reset(now)),
    )
    yield cosem(
        f"1/0-0:94.44.{last_reset}",
        f"{title}Value, time of its last reset",
        date_time(
            2, "value", lambda m: held(m).reset_at, lambda m, at: setattr(held(m), "reset_at", at)
        ),
    )


def _active_import(meter: Meter) -> MaximumDemand:
    return meter.kept.demands.active_import


def _configurable(meter: Meter) -> MaximumDemand:
    return meter.kept.demands.configurable_import


def _active_export(meter: Meter) -> MaximumDemand:
    return meter.kept.demands.active_export
