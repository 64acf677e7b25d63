"""What a gas meter knows: registers, balances and configuration, in the wire's units.

One object, two faces: displays read it over ZCL and suppliers over GBCS, through :data:`FIELDS`.
Money is in millipence unless the price trailing digit says otherwise; volumes in dm3. Everything
in it is plain, so that the meter's store can hold it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag
from typing import Final

from device.gas_logs import GasLogs
from device.instructions import Instruction
from device.recovered import Recovered
from device.tokens import TokenMemory
from gsme.codes import AT_FIRST
from han.clusters import BASIC as _BASIC
from han.clusters import METERING as _METERING
from han.clusters import PREPAYMENT as _PREPAYMENT
from han.clusters import PRICE as _PRICE
from han.commands.device_management import PublishChangeOfSupplier
from han.commands.events import DisplayMessage, EventEntry
from han.commands.metering import SupplyStatus
from han.logs import Snapshot
from han.tariff.book import TariffBook

BASIC: Final = _BASIC.cluster_id
METERING: Final = _METERING.cluster_id
PREPAYMENT: Final = _PREPAYMENT.cluster_id
PRICE: Final = _PRICE.cluster_id

TIERS: Final = 4
BLOCKS: Final = 4
DEBTS: Final = 3
TIME_DEBTS: Final = 2

Held = int | str | bytes
"""What an attribute of the meter holds."""


class PaymentControl(IntFlag):
    """PaymentControlConfiguration; what GBCS sets of it, by the names of the ZCL."""

    DISCONNECTION = 1 << 0
    PREPAYMENT = 1 << 1
    CREDIT_MANAGEMENT = 1 << 2
    CREDIT_DISPLAY = 1 << 4
    ACCOUNT_BASE = 1 << 6
    CONTACTOR_FITTED = 1 << 7
    STANDING_CHARGE = 1 << 8
    EMERGENCY_STANDING_CHARGE = 1 << 9
    DEBT = 1 << 10
    EMERGENCY_DEBT = 1 << 11


CREDIT_MODE: Final = 0x0C94
"""Payment control of a meter in credit mode, as GCS02 sets it."""


def _zeros(count: int) -> list[int]:
    return [0] * count


@dataclass(slots=True)
class Account:
    """Balances and the terms of prepayment."""

    payment_control: int = CREDIT_MODE
    credit_remaining: int = 0
    emergency_credit_remaining: int = 0
    accumulated_debt: int = 0
    debt_amounts: list[int] = field(default_factory=lambda: _zeros(DEBTS))
    """Time debts 1 and 2, then the payment debt."""
    recovery_frequencies: list[int] = field(default_factory=lambda: _zeros(TIME_DEBTS))
    """0 per hour, 1 per day."""
    recovery_amounts: list[int] = field(default_factory=lambda: _zeros(TIME_DEBTS))
    top_up_percentage: int = 0
    """Part of a top-up that recovers the payment debt, in ten-thousandths."""
    overall_debt_cap: int = 0
    """Most that payments recover of the payment debt in a week; 0 for no cap."""
    recovered: Recovered = field(default_factory=Recovered)
    cut_off: int = 0
    emergency_limit: int = 0
    emergency_threshold: int = 0
    maximum_credit: int = 0
    maximum_top_up: int = 0
    low_credit: int = 0
    bill_to_date: int = 0
    emergency_in_use: bool = False
    emergency_offered: bool = False
    warned_low: bool = False
    out_of_credit: bool = False
    disablement_suspended: bool = False
    owed_nano: int = 0
    """Charges that do not yet make one unit of money."""

    @property
    def prepayment(self) -> bool:
        """Whether the consumer pays before use."""
        return bool(self.payment_control & PaymentControl.PREPAYMENT)


@dataclass(slots=True)
class Configuration:
    """Identity and settings."""

    manufacturer_name: str = "chub"
    model_identifier: str = "GSME"
    hardware_version: int = 1
    firmware_version: bytes = b"\x00\x00\x00\x01"
    site_id: bytes = b""
    customer_id: bytes = b""
    supply_status: int = SupplyStatus.ON
    tamper_state: int = SupplyStatus.UNCHANGED
    depletion_state: int = SupplyStatus.UNCHANGED
    uncontrolled_flow_state: int = SupplyStatus.OFF
    remaining_battery_days: int = 3650
    flow_threshold: int = 0
    flow_unit: int = 1
    flow_multiplier: int = 1
    flow_divisor: int = 1
    flow_stabilisation_ds: int = 60
    flow_measurement_s: int = 300
    privacy_pin: bool = False
    """Whether the consumer has set one."""
    event_settings: dict[int, int] = field(default_factory=lambda: dict(AT_FIRST))
    """By event that the supplier may configure: what is done about it."""
    friendly_credit: int = 1
    friendly_credit_calendar: int = 0


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
    alternative_unit: int = 0  # kilowatt hours
    alternative_formatting: int = 0x03  # three decimals: watt hours
    day_energy_wh: int = 0
    day_cost: int = 0
    flow_remainder: int = 0
    flowed_to: datetime | None = None
    """The true time up to which the register has measured."""
    advanced_to: datetime | None = None
    """The meter's own time up to which everything has happened."""
    account: Account = field(default_factory=Account)
    configuration: Configuration = field(default_factory=Configuration)
    tariff: TariffBook = field(default_factory=TariffBook)
    logs: GasLogs = field(default_factory=GasLogs)
    next_snapshot_id: int = 0
    untold: list[EventEntry] = field(default_factory=list)
    """Entries of the logs that the proxy does not have yet."""
    unpushed: list[Snapshot] = field(default_factory=list)
    """Snapshots that the proxy does not have yet."""
    unpushed_payments: bool = False
    tokens: TokenMemory = field(default_factory=TokenMemory)
    pending: list[Instruction] = field(default_factory=list)
    message: DisplayMessage | None = None
    supplier: PublishChangeOfSupplier | None = None
    sampling_until: datetime | None = None
    """End of a network data log that is being recorded."""


_ROOT, _ACCOUNT, _CONFIGURATION = "", "account", "configuration"
Place = tuple[str, str, int | None]


def _list(part: str, name: str, *ids: int) -> dict[int, Place]:
    return {attribute_id: (part, name, index) for index, attribute_id in enumerate(ids)}


_IN_BASIC: Final[dict[int, Place]] = {
    0x0003: (_CONFIGURATION, "hardware_version", None),
    0x0004: (_CONFIGURATION, "manufacturer_name", None),
    0x0005: (_CONFIGURATION, "model_identifier", None),
}
_IN_METERING: Final[dict[int, Place]] = {
    0x0000: (_ROOT, "volume_dm3", None),
    0x0014: (_CONFIGURATION, "supply_status", None),
    **_list(_ROOT, "tier_volumes_dm3", 0x0100, 0x0102, 0x0104, 0x0106),
    0x0205: (_CONFIGURATION, "remaining_battery_days", None),
    0x0206: (_CONFIGURATION, "firmware_version", None),
    0x0300: (_ROOT, "unit_of_measure", None),
    0x0301: (_ROOT, "multiplier", None),
    0x0302: (_ROOT, "divisor", None),
    0x0307: (_CONFIGURATION, "site_id", None),
    0x0311: (_CONFIGURATION, "customer_id", None),
    0x0607: (_CONFIGURATION, "tamper_state", None),
    0x0608: (_CONFIGURATION, "depletion_state", None),
    0x0609: (_CONFIGURATION, "uncontrolled_flow_state", None),
    0x0312: (_ROOT, "alternative_unit", None),
    0x0314: (_ROOT, "alternative_formatting", None),
    **_list(_ROOT, "block_volumes_dm3", 0x0700, 0x0701, 0x0702, 0x0703),
    0x0A00: (_ACCOUNT, "bill_to_date", None),
    0x0B10: (_CONFIGURATION, "flow_threshold", None),
    0x0B11: (_CONFIGURATION, "flow_unit", None),
    0x0B12: (_CONFIGURATION, "flow_multiplier", None),
    0x0B13: (_CONFIGURATION, "flow_divisor", None),
    0x0B14: (_CONFIGURATION, "flow_stabilisation_ds", None),
    0x0B15: (_CONFIGURATION, "flow_measurement_s", None),
    0x0C01: (_ROOT, "day_energy_wh", None),
}
_IN_PREPAYMENT: Final[dict[int, Place]] = {
    0x0000: (_ACCOUNT, "payment_control", None),
    0x0001: (_ACCOUNT, "credit_remaining", None),
    0x0002: (_ACCOUNT, "emergency_credit_remaining", None),
    0x0005: (_ACCOUNT, "accumulated_debt", None),
    0x0006: (_ACCOUNT, "overall_debt_cap", None),
    0x0010: (_ACCOUNT, "emergency_limit", None),
    0x0011: (_ACCOUNT, "emergency_threshold", None),
    0x0021: (_ACCOUNT, "maximum_credit", None),
    0x0022: (_ACCOUNT, "maximum_top_up", None),
    0x0031: (_ACCOUNT, "low_credit", None),
    0x0040: (_ACCOUNT, "cut_off", None),
    **_list(_ACCOUNT, "debt_amounts", 0x0211, 0x0221, 0x0231),
    **_list(_ACCOUNT, "recovery_frequencies", 0x0216, 0x0226),
    **_list(_ACCOUNT, "recovery_amounts", 0x0217, 0x0227),
    0x0239: (_ACCOUNT, "top_up_percentage", None),
    0x051C: (_ROOT, "day_cost", None),
}
FIELDS: Final[dict[tuple[int, int], Place]] = {
    (cluster_id, attribute_id): place
    for cluster_id, places in (
        (BASIC, _IN_BASIC),
        (METERING, _IN_METERING),
        (PREPAYMENT, _IN_PREPAYMENT),
    )
    for attribute_id, place in places.items()
}
"""Cluster and attribute to the part of the model, its field, and the place in it when it is a list.

The attributes of Price are in the model's tariff book.
"""


def value_of(model: GasMeterModel, cluster_id: int, attribute_id: int) -> Held | None:
    """The value of an attribute; None when the meter does not have it."""
    if cluster_id == PRICE:
        return model.tariff.values.get(attribute_id)
    place = FIELDS.get((cluster_id, attribute_id))
    if place is None:
        return None
    part, name, index = place
    held: Held | list[int] = getattr(_part(model, part), name)
    return held[index or 0] if isinstance(held, list) else held


def set_value(model: GasMeterModel, cluster_id: int, attribute_id: int, value: Held) -> None:
    """Put a value where the attribute reads it; KeyError when the meter does not have it."""
    if cluster_id == PRICE:
        if attribute_id not in model.tariff.values or not isinstance(value, int):
            raise KeyError(attribute_id)
        model.tariff.values[attribute_id] = value
        return
    part, name, index = FIELDS[cluster_id, attribute_id]
    if index is None:
        setattr(_part(model, part), name, value)
    else:
        getattr(_part(model, part), name)[index] = value


def _part(model: GasMeterModel, name: str) -> object:
    return getattr(model, name) if name else model
