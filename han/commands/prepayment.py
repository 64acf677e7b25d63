"""Payloads of the Prepayment commands; money in the meter's currency unit, times UTCTime."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

from han.zcl.payload import (
    S32,
    U8,
    U16,
    U32,
    Enum8,
    Map8,
    Map16,
    Map32,
    Octets,
    Repeated,
    Rest,
    Utc,
)


class OriginatingDevice(IntEnum):
    """Who began a prepayment action."""

    ENERGY_SERVICE_INTERFACE = 0
    METER = 1
    IN_HOME_DISPLAY = 2


class TopUpResult(IntEnum):
    """What became of a top-up."""

    ACCEPTED = 0x00
    REJECTED_INVALID = 0x01
    REJECTED_DUPLICATE = 0x02
    REJECTED_ERROR = 0x03
    REJECTED_MAX_CREDIT_REACHED = 0x04
    REJECTED_KEYPAD_LOCK = 0x05
    REJECTED_TOP_UP_TOO_LARGE = 0x06
    ACCEPTED_SUPPLY_ENABLED = 0x10
    ACCEPTED_SUPPLY_DISABLED = 0x11
    ACCEPTED_SUPPLY_ARMED = 0x12


@dataclass(frozen=True, slots=True)
class SelectAvailableEmergencyCredit:
    """Use the emergency credit."""

    issue_time: Utc
    originating_device: Enum8


@dataclass(frozen=True, slots=True)
class ChangeDebt:
    """Set or change one debt and its recovery."""

    issuer_event_id: U32
    label: Octets
    amount: S32
    recovery_method: Enum8
    amount_type: Enum8
    recovery_start_time: U32
    collection_time_min: U16
    recovery_frequency: Enum8
    recovery_amount: S32
    top_up_percentage: U16


@dataclass(frozen=True, slots=True)
class EmergencyCreditSetup:
    """How much emergency credit there is, and below what balance it is offered."""

    issuer_event_id: U32
    start_time: Utc
    limit: U32
    threshold: U32


@dataclass(frozen=True, slots=True)
class ConsumerTopUp:
    """A top-up token of 20 digits, as text octets."""

    originating_device: Enum8
    code: Octets


@dataclass(frozen=True, slots=True)
class CreditAdjustment:
    """Change the balance by an amount (type 0) or to an amount (type 1)."""

    issuer_event_id: U32
    start_time: Utc
    adjustment_type: Enum8
    amount: S32


@dataclass(frozen=True, slots=True)
class ChangePaymentMode:
    """Credit or prepayment mode, from a time on."""

    provider_id: U32
    issuer_event_id: U32
    implementation_time: Utc
    configuration: Map16
    cut_off_value: S32


@dataclass(frozen=True, slots=True)
class GetPrepaySnapshot:
    """As Metering's GetSnapshot, of prepayment data."""

    earliest_start_time: Utc
    latest_end_time: Utc
    offset: U8
    cause: Map32


@dataclass(frozen=True, slots=True)
class GetTopUpLog:
    """Top-ups up to a moment, newest first; 0 asks for all."""

    latest_end_time: Utc
    count: U8


@dataclass(frozen=True, slots=True)
class SetLowCreditWarningLevel:
    """Warn below this balance."""

    level: U32


@dataclass(frozen=True, slots=True)
class GetDebtRepaymentLog:
    """Debt payments up to a moment, newest first; 0 asks for all, type 0xFF for every debt."""

    latest_end_time: Utc
    count: U8
    debt_type: Enum8


@dataclass(frozen=True, slots=True)
class SetMaximumCreditLimit:
    """The most credit the meter holds, and the most one top-up may bring."""

    provider_id: U32
    issuer_event_id: U32
    implementation_time: Utc
    maximum_level: U32
    maximum_per_top_up: U32


@dataclass(frozen=True, slots=True)
class SetOverallDebtCap:
    """The most that is recovered in total."""

    provider_id: U32
    issuer_event_id: U32
    implementation_time: Utc
    cap: S32


@dataclass(frozen=True, slots=True)
class PublishPrepaySnapshot:
    """One prepayment snapshot, or one part of it."""

    snapshot_id: U32
    snapshot_time: Utc
    total_found: U8
    command_index: U8
    total_commands: U8
    cause: Map32
    payload_type: Enum8
    body: Rest


@dataclass(frozen=True, slots=True)
class DebtPayCreditStatus:
    """Body of a prepayment snapshot of type 0."""

    accumulated_debt: S32
    type_1_debt_remaining: U32
    type_2_debt_remaining: U32
    type_3_debt_remaining: U32
    emergency_credit_remaining: S32
    credit_remaining: S32


@dataclass(frozen=True, slots=True)
class ChangePaymentModeResponse:
    """The terms of the new mode."""

    friendly_credit: Map8
    friendly_credit_calendar_id: U32
    emergency_credit_limit: U32
    emergency_credit_threshold: U32


@dataclass(frozen=True, slots=True)
class ConsumerTopUpResponse:
    """What became of a top-up."""

    result: Enum8
    value: S32
    source: Enum8
    credit_remaining: S32


@dataclass(frozen=True, slots=True)
class TopUp:
    """One entry of the top-up log."""

    code: Octets
    amount: S32
    time: Utc


@dataclass(frozen=True, slots=True)
class PublishTopUpLog:
    """Top-ups, newest first."""

    command_index: U8
    total_commands: U8
    top_ups: Annotated[tuple[TopUp, ...], Repeated(TopUp)]


@dataclass(frozen=True, slots=True)
class DebtPayment:
    """One entry of the debt payment log."""

    time: Utc
    amount_paid: U32
    debt_type: Enum8
    outstanding: U32


@dataclass(frozen=True, slots=True)
class PublishDebtLog:
    """Debt payments, newest first."""

    command_index: U8
    total_commands: U8
    payments: Annotated[tuple[DebtPayment, ...], Repeated(DebtPayment)]
