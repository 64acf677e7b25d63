"""Units of ZCL values: what the attribute always counts in, or what the payload says beside it.

Registers are scaled by the multiplier, divisor and unit of measure that come in the same payload,
money by its currency and trailing digits. Where those are not in the payload there is no unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

Key: TypeAlias = "tuple[int, int | str]"
"""Cluster, and attribute identifier or parameter name."""
Said: TypeAlias = "Mapping[Key, int]"
"""The numbers of a payload."""

TIME: Final = "UTC seconds since 2000-01-01"

_PRICE, _METERING, _PREPAYMENT = 0x0700, 0x0702, 0x0705
_KWH, _M3 = "kWh", "m3"
_COMMODITIES: Final = {0: _KWH, 1: _M3}
_FLOWS: Final = {0: "kW", 1: "m3/h"}
_THOUSANDTHS: Final = {_KWH: "Wh", _M3: "dm3", "kW": "W"}
_CURRENCIES: Final = {826: "GBP", 978: "EUR"}
_OWN_NAMES: Final = {(826, 0): "GBP", (826, 2): "pence", (826, 5): "millipence"}


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where a payload says the unit of measure, the multiplier and the divisor of a number."""

    unit: Key
    multiplier: Key
    divisor: Key
    names: Mapping[int, str]

    def unit_of(self, said: Said) -> str:
        """The unit of one count."""
        unit = self.names.get(said.get(self.unit, -1), "")
        multiplier, divisor = said.get(self.multiplier), said.get(self.divisor)
        if not unit or not multiplier or not divisor:
            return ""
        if multiplier == divisor:
            return unit
        if divisor == 1000 * multiplier:
            return _THOUSANDTHS.get(unit, f"1/1000 {unit}")
        return f"{multiplier}/{divisor} {unit}"


def _scale(cluster: int, *keys: int | str, names: Mapping[int, str] = _COMMODITIES) -> _Scale:
    unit, multiplier, divisor = ((cluster, key) for key in keys)
    return _Scale(unit, multiplier, divisor, names)


_REGISTER: Final = _scale(_METERING, 0x0300, 0x0301, 0x0302)
_FLOW: Final = _scale(_METERING, 0x0B11, 0x0B12, 0x0B13, names=_FLOWS)
_FLOW_GIVEN: Final = _scale(
    _METERING, "Unit of Measure", "Multiplier", "Divisor", names=_FLOWS
)  # fmt: skip
_THRESHOLD: Final = _scale(_PRICE, 0x0615, 0x0202, 0x0203)
_THRESHOLD_GIVEN: Final = _scale(
    _PRICE, "Unit of Measure", "Block Threshold Multiplier", "Block Threshold Divisor"
)
_TIERS: Final = range(0x0100, 0x0110)
_BLOCKS: Final = range(0x0700, 0x0710)
_SCALED: Final[Mapping[Key, _Scale]] = {
    **{(_METERING, at): _REGISTER for at in (0x0000, *_TIERS, *_BLOCKS)},
    **{(_PRICE, at): _THRESHOLD for at in range(0x0100, 0x0110)},
    (_METERING, 0x0B10): _FLOW,
    (_METERING, "Uncontrolled Flow Threshold"): _FLOW_GIVEN,
    (_PRICE, "Block Threshold Sub-payload"): _THRESHOLD_GIVEN,
}  # fmt: skip

_PER_DAY: Final = "day"
_PER_UNIT: Final = "unit of measure"
_MONEY: Final[Mapping[Key, str]] = {
    (_METERING, 0x0A00): "",
    **{(_PREPAYMENT, at): "" for at in (0x0001, 0x0002, 0x0005, 0x0006, 0x0010, 0x0011)},
    **{(_PREPAYMENT, at): "" for at in (0x0021, 0x0022, 0x0031, 0x0040)},
    **{(_PREPAYMENT, at): "" for at in (0x0211, 0x0217, 0x0221, 0x0227, 0x0231)},
    (_PRICE, 0x0301): _PER_DAY,
    (_PRICE, "Standing Charge"): _PER_DAY,
    **{(_PRICE, at): _PER_UNIT for at in range(0x0400, 0x0500)},
    (_PRICE, "Price"): _PER_UNIT,
    (_PRICE, "Price Matrix Sub-payload"): _PER_UNIT,
}
"""What is money, and per what."""
_CURRENCY: Final[tuple[Key, ...]] = ((_PRICE, 0x0616), (_PRICE, "Currency"))
_TRAILING: Final[tuple[Key, ...]] = (
    (_PRICE, 0x0617),
    (_PRICE, "Price Trailing Digit"),
    (_PRICE, "Price Trailing Digit & Price Tier"),
)
_UNIT_OF_PRICES: Final[tuple[Key, ...]] = ((_PRICE, 0x0615), (_PRICE, "Unit of Measure"))

_ALWAYS: Final[Mapping[Key, str]] = {
    (_METERING, 0x0205): "days",
    (_METERING, 0x0B14): "0.1 s",
    (_METERING, 0x0B15): "s",
    (_METERING, "Stabilisation Period"): "0.1 s",
    (_METERING, "Measurement Period"): "s",
    (_METERING, "SampleRequest Interval"): "s",
    (_METERING, "SampleRequestInterval"): "s",
}


def unit_of(cluster_id: int, what: int | str, type_name: str, said: Said) -> str:
    """Unit of an attribute (by identifier) or parameter (by name); empty when it is not known."""
    if type_name in ("UTC_TIME", "UTCTime"):
        return TIME
    key = (cluster_id, what)
    if key in _MONEY:
        return _money(_MONEY[key], said)
    scale = _SCALED.get(key)
    if scale is not None:
        return scale.unit_of(said)
    return _ALWAYS.get(key, "min" if what == "Duration In Minutes" else "")


def _money(per: str, said: Said) -> str:
    trailing, currency = _first(_TRAILING, said), _first(_CURRENCY, said)
    if trailing is None:
        return ""
    digits = trailing >> 4
    name = "currency units"
    if currency is not None:
        name = _CURRENCIES.get(currency, f"of currency {currency}")
    unit = _OWN_NAMES.get((currency or 0, digits), f"10^-{digits} {name}")
    if per == _PER_UNIT:
        commodity = _first(_UNIT_OF_PRICES, said)
        per = per if commodity is None else _COMMODITIES.get(commodity, per)
    return f"{unit}/{per}" if per else unit


def _first(keys: tuple[Key, ...], said: Said) -> int | None:
    return next((said[key] for key in keys if key in said), None)
