"""What a meter keeps: plain values all the way down, so that a store can hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Final

from device.cosem.table import Place
from esme.account.account import AccountState
from esme.control.state import ControllerState
from esme.demand import MaximumDemands
from esme.future import Pending
from esme.load_limit import LoadLimitState
from esme.metering.log import Log
from esme.metrology import Measurements
from esme.money import Balances
from esme.tariff.registers import TariffRegisters

DAILY_READS: Final = 31
CALENDAR_BILLINGS: Final = 12
OTHER_BILLINGS: Final = 12
DEBT_PAYMENTS: Final = 10
CREDITS: Final = 5
BOOSTS: Final = 25

Row = tuple[int | tuple[int, ...], ...]
"""Numbers of a log entry after its time, in the order of the wire."""


class SupplyState(IntEnum):
    """The load switch (disconnect control, attribute 3)."""

    DISABLED = 0
    ENABLED = 1
    ARMED = 2


def _rows(capacity: int) -> Log[Row]:
    return Log(capacity)


@dataclass(slots=True)
class Snapshots:
    """Logs of register and balance snapshots."""

    daily_import: Log[Row] = field(default_factory=lambda: _rows(DAILY_READS))
    daily_prepayment: Log[Row] = field(default_factory=lambda: _rows(DAILY_READS))
    daily_export: Log[Row] = field(default_factory=lambda: _rows(DAILY_READS))
    billing_calendar: Log[Row] = field(default_factory=lambda: _rows(CALENDAR_BILLINGS))
    billing_balances: Log[Row] = field(default_factory=lambda: _rows(CALENDAR_BILLINGS))
    billing_changes: Log[Row] = field(default_factory=lambda: _rows(OTHER_BILLINGS))
    debt_payments: Log[Row] = field(default_factory=lambda: _rows(DEBT_PAYMENTS))
    """Amount paid, debt left."""
    credits: Log[Row] = field(default_factory=lambda: _rows(CREDITS))
    """Amount, originating device, the token's digits as a number."""
    boosts: Log[Row] = field(default_factory=lambda: _rows(BOOSTS))


@dataclass(slots=True)
class Kept:
    """Everything of a meter that outlives a loss of power, apart from stored COSEM attributes."""

    measurements: Measurements = field(default_factory=Measurements)
    tariff: TariffRegisters = field(default_factory=TariffRegisters)
    demands: MaximumDemands = field(default_factory=MaximumDemands)
    account: AccountState = field(default_factory=AccountState)
    balances: Balances = field(default_factory=Balances)
    snapshots: Snapshots = field(default_factory=Snapshots)
    supply: SupplyState = SupplyState.ENABLED
    disabled_for_credit: bool = False
    load_limit: LoadLimitState = field(default_factory=LoadLimitState)
    pending: dict[Place, Pending] = field(default_factory=dict)
    clock_window: tuple[datetime | None, datetime | None] = (None, None)
    """Range of an ECS70 under way."""
    controllers: ControllerState = field(default_factory=ControllerState)
    privacy_pin: bool = False
    """Whether the consumer has set one."""
    tenancy_changed_at: datetime | None = None
    tariff_since: datetime | None = None
    """When the tariff last changed in any part."""
    message_at: datetime | None = None
    """When the supplier's message came; whether the household has acknowledged it."""
    message_confirmed: bool = False
    contact_at: datetime | None = None
    """When the supplier's name or telephone number came."""
    billed_until: datetime | None = None
    """Billing periods that ended up to this time have had their entry."""
