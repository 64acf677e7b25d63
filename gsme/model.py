"""What a gas meter knows: registers, balances and configuration, in the wire's units.

One object, two faces: displays read it over ZCL and suppliers over GBCS, through :data:`FIELDS`.
Money is in millipence unless the price trailing digit says otherwise; volumes in dm3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

METERING: Final = 0x0702
PREPAYMENT: Final = 0x0705
PRICE: Final = 0x0700

SECONDS_PER_HOUR: Final = 3600
TIERS: Final = 4
BLOCKS: Final = 4
DEBTS: Final = 3


def _zeros(count: int) -> list[int]:
    return [0] * count


@dataclass(slots=True)
class GasMeterModel:
    """The meter's state. ``flow_dm3_per_h`` is the burner's; the register integrates it exactly."""

    volume_dm3: int = 0
    flow_dm3_per_h: int = 0
    tier_volumes_dm3: list[int] = field(default_factory=lambda: _zeros(TIERS))
    block_volumes_dm3: list[int] = field(default_factory=lambda: _zeros(BLOCKS))
    unit_of_measure: int = 1  # cubic metres, binary
    multiplier: int = 1
    divisor: int = 1000  # dm3 to m3
    supply_status: int = 2  # on
    remaining_battery_days: int = 3650
    bill_to_date: int = 0
    credit_remaining: int = 0
    emergency_credit_remaining: int = 0
    accumulated_debt: int = 0
    debt_amounts: list[int] = field(default_factory=lambda: _zeros(DEBTS))
    currency: int = 826  # ISO 4217: pound sterling
    price_trailing_digit: int = 0x50  # five decimals of a pound: millipence
    _flow_remainder: int = 0

    def burn(self, elapsed_s: int) -> None:
        """Let gas flow for this long; what is not yet a whole dm3 is kept for the next time."""
        flowed = self.flow_dm3_per_h * elapsed_s + self._flow_remainder
        whole_dm3, self._flow_remainder = divmod(flowed, SECONDS_PER_HOUR)
        self.volume_dm3 += whole_dm3
        self.tier_volumes_dm3[0] += whole_dm3
        self.block_volumes_dm3[0] += whole_dm3


FIELDS: Final[dict[tuple[int, int], tuple[str, int | None]]] = {
    (METERING, 0x0000): ("volume_dm3", None),
    (METERING, 0x0014): ("supply_status", None),
    (METERING, 0x0100): ("tier_volumes_dm3", 0),
    (METERING, 0x0102): ("tier_volumes_dm3", 1),
    (METERING, 0x0104): ("tier_volumes_dm3", 2),
    (METERING, 0x0106): ("tier_volumes_dm3", 3),
    (METERING, 0x0205): ("remaining_battery_days", None),
    (METERING, 0x0300): ("unit_of_measure", None),
    (METERING, 0x0301): ("multiplier", None),
    (METERING, 0x0302): ("divisor", None),
    (METERING, 0x0700): ("block_volumes_dm3", 0),
    (METERING, 0x0701): ("block_volumes_dm3", 1),
    (METERING, 0x0702): ("block_volumes_dm3", 2),
    (METERING, 0x0703): ("block_volumes_dm3", 3),
    (METERING, 0x0A00): ("bill_to_date", None),
    (PREPAYMENT, 0x0001): ("credit_remaining", None),
    (PREPAYMENT, 0x0002): ("emergency_credit_remaining", None),
    (PREPAYMENT, 0x0005): ("accumulated_debt", None),
    (PREPAYMENT, 0x0211): ("debt_amounts", 0),
    (PREPAYMENT, 0x0221): ("debt_amounts", 1),
    (PREPAYMENT, 0x0231): ("debt_amounts", 2),
    (PRICE, 0x0616): ("currency", None),
    (PRICE, 0x0617): ("price_trailing_digit", None),
}
"""Cluster and attribute to the model's field, and the place in it when the field is a list."""


def value_of(model: GasMeterModel, cluster_id: int, attribute_id: int) -> int | None:
    """The value of an attribute; None when the meter does not have it."""
    place = FIELDS.get((cluster_id, attribute_id))
    if place is None:
        return None
    name, index = place
    held: int | list[int] = getattr(model, name)
    return held if isinstance(held, int) else held[index or 0]


def set_value(model: GasMeterModel, cluster_id: int, attribute_id: int, value: int) -> None:
    """Put a value where the attribute reads it; KeyError when the meter does not have it."""
    name, index = FIELDS[cluster_id, attribute_id]
    if index is None:
        setattr(model, name, value)
    else:
        getattr(model, name)[index] = value
