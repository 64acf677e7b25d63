"""Units of COSEM values: by the scaler and unit beside them, or by what the object is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gbcs.catalogue.dlms import ItemSpec, ObjectRef, Operation
from gbcs.dlms.data import Data, Tag

_UNITS: Final = {
    5: "h", 6: "min", 7: "s", 10: "currency", 13: "m3", 27: "W", 28: "VA", 29: "var", 30: "Wh",
    31: "VAh", 32: "varh", 33: "A", 35: "V", 44: "Hz", 254: "other unit",
}  # fmt: skip
NO_UNIT: Final = 255
"""A count."""

_VALUE, _SCALER_UNIT = 2, 3
_SCALED_CLASSES: Final = (3, 4)
_PHASES: Final = (32, 52, 72)


def _always() -> dict[tuple[int, str, int], str]:
    units = {(104, "0-0:30.3.0.255", 3): "s", (111, "0-0:19.0.0.255", 19): "s"}
    for phase in _PHASES:
        units[1, f"1-0:{phase}.31.0.4", 2] = "V"
        units[1, f"1-0:{phase}.35.0.4", 2] = "V"
        units[7, f"1-0:{phase}.24.0.255", 4] = "s"
    for limiter in range(1, 5):
        units[71, f"0-0:17.0.{limiter}.255", 4] = "V"
        units[71, f"0-0:17.0.{limiter}.255", 6] = "s"
    for charge in (1, 2):
        units[113, f"0-0:19.20.{charge}.255", 8] = "s"
    return units


_ALWAYS: Final[Mapping[tuple[int, str, int], str]] = _always()
"""Voltage thresholds, measurement and collection periods, the time a device has to join."""


def scaled_unit(data: Data) -> str:
    """The unit that a scaler and unit pair says; empty when it is none, or counts."""
    pair = data.value
    if not isinstance(pair, tuple) or len(pair) != 2:
        return ""
    scaler, unit = pair
    if not isinstance(scaler, Data) or not isinstance(unit, Data):
        return ""
    if (scaler.tag, unit.tag) != (Tag.INTEGER, Tag.ENUM) or unit.value == NO_UNIT:
        return ""
    if not isinstance(unit.value, int) or not isinstance(scaler.value, int):
        return ""
    name = _UNITS.get(unit.value, f"unit {unit.value}")
    return f"10^{scaler.value} {name}" if scaler.value else name


def unit_name(unit: int) -> str:
    """The unit of a COSEM unit code; empty when it is not known, or a count."""
    return _UNITS.get(unit, "")


def unit_of(at: ObjectRef) -> str:
    """The unit an attribute always has; empty when there is none."""
    return _ALWAYS.get((at.class_id, at.logical_name, at.index), "")


def units_of(specs: Sequence[ItemSpec], values: Sequence[Data]) -> list[str]:
    """Units of the values that answer these items, as far as they or their objects say."""
    scaled = {
        (spec.at.class_id, spec.at.logical_name): scaled_unit(value)
        for spec, value in zip(specs, values, strict=True)
        if spec.at.class_id in _SCALED_CLASSES and spec.at.index == _SCALER_UNIT
    }
    return [_unit(spec, scaled) for spec in specs]


def _unit(spec: ItemSpec, scaled: Mapping[tuple[int, str], str]) -> str:
    if spec.operation is Operation.ACTION:
        return ""
    if spec.at.index == _VALUE and spec.at.class_id in _SCALED_CLASSES:
        return scaled.get((spec.at.class_id, spec.at.logical_name), "")
    return unit_of(spec.at)
