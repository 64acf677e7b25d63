"""What a Response says in the words of a bench engineer: the value of a reading with its unit."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from bench.remote_party import Opened
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value

_METERING, _PREPAYMENT, _PRICE = 0x0702, 0x0705, 0x0700
_MULTIPLIER, _DIVISOR, _UNIT = 0x0301, 0x0302, 0x0300
_UNITS: Final = {0: "kWh", 1: "m3"}
_TRAILING_DIGIT: Final = 0x0617
_DEFAULT_DECIMALS: Final = 5  # of a pound: millipence

_READINGS: Final[dict[str, tuple[tuple[int, int], ...]]] = {
    "GCS13a": ((_METERING, 0x0000),),
    "GCS13b": tuple((_METERING, 0x0700 + block) for block in range(4)),
    "GCS13c": tuple((_METERING, 0x0100 + 2 * tier) for tier in range(4)),
    "GCS14": ((_PREPAYMENT, 0x0001),),
    "GCS60": ((_PREPAYMENT, 0x0001),),
    "GCS60a": ((_PREPAYMENT, 0x0001),),
}
"""The attributes that a use case is about; the others it reads say how to understand them."""

_Values = dict[tuple[int, int], Value]


def reading_of(use_case: str, answer: Opened) -> str:
    """The reading of a Response with its unit, or the status that came in its place."""
    records = {(cluster, record.attribute_id): record for cluster, record in answer.attributes}
    values = {key: record.value for key, record in records.items()}
    shown = []
    for key in _READINGS.get(use_case, ()):
        record = records.get(key)
        if record is None:
            shown.append("not answered")
        elif record.status != Status.SUCCESS:
            shown.append(f"no value (0x{record.status:02X})")
        else:
            shown.append(_amount(key, values))
    return ", ".join(shown)


def _amount(key: tuple[int, int], values: _Values) -> str:
    value = values[key]
    if not isinstance(value, int):
        return str(value)
    if key[0] == _METERING:
        divisor = _number(values, _DIVISOR, 1)
        scaled = Decimal(value * _number(values, _MULTIPLIER, 1)) / divisor
        unit = _UNITS.get(_number(values, _UNIT, 1), "")
        return f"{scaled:.{len(str(divisor)) - 1}f} {unit}".strip()
    trailing = values.get((_PRICE, _TRAILING_DIGIT))
    decimals = trailing >> 4 if isinstance(trailing, int) else _DEFAULT_DECIMALS
    return f"GBP {Decimal(value).scaleb(-decimals):.2f}"


def _number(values: _Values, attribute_id: int, default: int) -> int:
    value = values.get((_METERING, attribute_id), default)
    return value if isinstance(value, int) and value else default
