"""Voltage quality (ECS23, ECS23b, ECS26b, ECS26k, ECS29a to ECS29f)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from device.cosem.fields import number, reset
from device.cosem.shape import Plain, shape
from device.cosem.table import Access, Attribute, CosemObject, cosem, scaler_unit
from esme.metrology import PhaseVoltage
from esme.objects.fields import COUNT, Meter, MeterAttribute, register, timed_log
from esme.voltage.average import AverageVoltage, Limit
from esme.voltage.codes import Quality
from esme.voltage.excursion import ExcursionLimit
from gbcs.dlms.apdu import Result

_EXCURSIONS: Final = {
    1: (Quality.EXTREME_OVER, "RMSExtremeOverVoltage"),
    2: (Quality.EXTREME_UNDER, "RMSExtremeUnderVoltage"),
    3: (Quality.SAG, "RMSVoltageSag"),
    4: (Quality.SWELL, "RMSVoltageSwell"),
}
"""Last but one group of 0-0:17.0.n; thresholds and durations hold for every phase."""


def voltage_objects(phases: int) -> Iterator[CosemObject[Meter]]:
    """Objects of a meter of one or three phases."""
    for number_, (quality, title) in _EXCURSIONS.items():
        yield cosem(
            f"71/0-0:17.0.{number_}.255",
            f"{title}Threshold / {title}MeasurementPeriod",
            _setting(4, "threshold_normal", quality, "threshold_v"),
            _setting(6, "min_over_threshold_duration", quality, "duration_s"),
        )
    for phase in range(phases):
        yield from _phase_objects(phase, 32 + 20 * phase)


def _phase_objects(phase: int, group: int) -> Iterator[CosemObject[Meter]]:
    def average(meter: Meter) -> AverageVoltage:
        held: PhaseVoltage = meter.kept.measurements.phases[phase]
        return held.average

    def over(meter: Meter) -> Limit:
        return average(meter).over

    def under(meter: Meter) -> Limit:
        return average(meter).under

    name = f"Phase{phase + 1}AverageRMS"
    yield cosem(
        f"7/1-0:{group}.24.0.255",
        f"{name}VoltageProfileDataLog",
        timed_log(
            "u32",
            lambda m: average(m).profile,
            lambda mean_v: (mean_v,),
            lambda row: number(row[0]),
        ),
        _capture_period(phase, average),
    )
    yield cosem(f"1/1-0:{group}.35.0.4", f"{name}OverVoltageThreshold", _threshold(over))
    yield _counter(f"3/1-0:{group}.36.0.4", f"{name}OverVoltageCounter", over)
    yield cosem(f"1/1-0:{group}.31.0.4", f"{name}UnderVoltageThreshold", _threshold(under))
    yield _counter(f"3/1-0:{group}.32.0.4", f"{name}UnderVoltageCounter", under)


def _capture_period(phase: int, average: Callable[[Meter], AverageVoltage]) -> MeterAttribute:
    def write(meter: Meter, value: Plain, _: Access) -> Result:
        meter.metrology.set_voltage_period(phase, number(value))
        return Result.SUCCESS

    return Attribute(
        4,
        "capture_period",
        shape("u32"),
        read=lambda meter: average(meter).period_s,
        write=write,
        load=lambda meter, value: meter.metrology.set_voltage_period(phase, number(value)),
    )


def _threshold(limit: Callable[[Meter], Limit]) -> MeterAttribute:
    def put(meter: Meter, value: Plain) -> None:
        limit(meter).threshold_v = number(value)

    return _writable(2, "value", lambda meter: limit(meter).threshold_v, put)


def _counter(name: str, title: str, limit: Callable[[Meter], Limit]) -> CosemObject[Meter]:
    return cosem(
        name,
        title,
        register(lambda m: limit(m).crossings, lambda m, count: _count(limit(m), count)),
        scaler_unit(COUNT),
        reset(lambda m, _: _count(limit(m), 0)),
    )


def _count(limit: Limit, crossings: int) -> None:
    limit.crossings = crossings


def _setting(index: int, name: str, quality: Quality, field: str) -> MeterAttribute:
    def held(meter: Meter) -> ExcursionLimit:
        return meter.kept.measurements.limits[quality]

    def put(meter: Meter, value: Plain) -> None:
        setattr(held(meter), field, number(value))

    return _writable(index, name, lambda meter: getattr(held(meter), field), put)


def _writable(
    index: int, name: str, get: Callable[[Meter], int], put: Callable[[Meter, Plain], None]
) -> MeterAttribute:
    def write(meter: Meter, value: Plain, _: Access) -> Result:
        put(meter, value)
        return Result.SUCCESS

    return Attribute(index, name, shape("u32"), read=get, write=write, load=put)
