"""Prepayment 0x0705: attributes and commands."""

from __future__ import annotations

from typing import Final

from gbcs.zcl.types import DataType as T
from han.clusters.rows import Row, attributes, commands, series
from han.zcl.tables import ClusterDefinition

CLUSTER_ID: Final = 0x0705

_CONTROL: Final[tuple[Row, ...]] = (
    (0x0000, "PaymentControlConfiguration", T.BITMAP16),
    (0x0001, "CreditRemaining", T.INT32),
    (0x0002, "EmergencyCreditRemaining", T.INT32),
    (0x0003, "CreditStatus", T.BITMAP8),
    (0x0004, "CreditRemainingTimeStamp", T.UTC_TIME),
    (0x0005, "AccumulatedDebt", T.INT32),
    (0x0006, "OverallDebtCap", T.INT32),
    (0x0010, "EmergencyCreditLimitAllowance", T.UINT32),
    (0x0011, "EmergencyCreditThreshold", T.UINT32),
    (0x0020, "TotalCreditAdded", T.UINT48),
    (0x0021, "MaxCreditLimit", T.UINT32),
    (0x0022, "MaxCreditPerTopUp", T.UINT32),
    (0x0030, "FriendlyCreditWarning", T.UINT8),
    (0x0031, "LowCreditWarning", T.UINT32),
    (0x0032, "IHDLowCreditWarning", T.UINT32),
    (0x0033, "InterruptSuspendTime", T.UINT8),
    (0x0034, "RemainingFriendlyCreditTime", T.UINT16),
    (0x0035, "NextFriendlyCreditPeriod", T.UTC_TIME),
    (0x0040, "CutOffValue", T.INT32),
    (0x0080, "TokenCarrierID", T.OCTET_STRING),
)
_ALARMS: Final[tuple[Row, ...]] = (
    (0x0400, "PrepaymentAlarmStatus", T.BITMAP16),
    (0x0401, "PrepayGenericAlarmMask", T.BITMAP16),
    (0x0402, "PrepaySwitchAlarmMask", T.BITMAP16),
    (0x0403, "PrepayEventAlarmMask", T.BITMAP16),
)
_COST_FORMATTING: Final[tuple[Row, ...]] = (
    (0x0500, "HistoricalCostConsumptionFormatting", T.BITMAP8),
    (0x0501, "ConsumptionUnitOfMeasurement", T.ENUM8),
    (0x0502, "CurrencyScalingFactor", T.ENUM8),
    (0x0503, "Currency", T.UINT16),
)


def _top_ups() -> tuple[Row, ...]:
    rows: tuple[Row, ...] = ()
    for n in range(1, 6):
        base = 0x0100 + 0x10 * (n - 1)
        rows += (
            (base, f"TopUpDateTime{n}", T.UTC_TIME),
            (base + 1, f"TopUpAmount{n}", T.INT48),
            (base + 2, f"OriginatingDevice{n}", T.ENUM8),
            (base + 3, f"TopUpCode{n}", T.OCTET_STRING),
        )
    return rows


def _debts() -> tuple[Row, ...]:
    """Debt 1 and 2 are recovered by time, debt 3 from top-ups."""
    rows: tuple[Row, ...] = ()
    for n in range(1, 4):
        base = 0x0200 + 0x10 * n
        rows += (
            (base, f"DebtLabel{n}", T.OCTET_STRING),
            (base + 1, f"DebtAmount{n}", T.UINT32),
            (base + 2, f"DebtRecoveryMethod{n}", T.ENUM8),
            (base + 3, f"DebtRecoveryStartTime{n}", T.UTC_TIME),
            (base + 4, f"DebtRecoveryCollectionTime{n}", T.UINT16),
            (base + 6, f"DebtRecoveryFrequency{n}", T.ENUM8),
            (base + 7, f"DebtRecoveryAmount{n}", T.UINT32),
            (base + 9, f"DebtRecoveryTopUpPercentage{n}", T.UINT16),
        )
    return rows


def _costs() -> tuple[Row, ...]:
    """Cost by day, week and month, delivered at even and received at odd steps."""

    def both(periods: list[str]) -> list[str]:
        return [f"{p}CostConsumption{way}" for p in periods for way in ("Delivered", "Received")]

    days = ["CurrentDay", "PreviousDay", *(f"PreviousDay{n}" for n in range(2, 9))]
    weeks = ["CurrentWeek", *(f"PreviousWeek{n}" for n in range(1, 6))]
    months = ["CurrentMonth", *(f"PreviousMonth{n}" for n in range(1, 14))]
    rows = series(0x051C, 1, both(days), T.UINT48)
    rows += series(0x0530, 1, both(weeks), T.UINT48)
    return rows + series(0x0540, 1, both(months), T.UINT48)


PREPAYMENT: Final = ClusterDefinition(
    CLUSTER_ID,
    "Prepayment",
    server_attributes=attributes(
        *_CONTROL,
        *_top_ups(),
        *_debts(),
        *_ALARMS,
        *_COST_FORMATTING,
        *_costs(),
        (0xFFFE, "AttributeReportingStatus", T.ENUM8),
    ),
    to_server=commands(
        (0x00, "SelectAvailableEmergencyCredit"),
        (0x02, "ChangeDebt"),
        (0x03, "EmergencyCreditSetup"),
        (0x04, "ConsumerTopUp", (0x03,)),
        (0x05, "CreditAdjustment"),
        (0x06, "ChangePaymentMode", (0x02,)),
        (0x07, "GetPrepaySnapshot", (0x01,)),
        (0x08, "GetTopUpLog", (0x05,)),
        (0x09, "SetLowCreditWarningLevel"),
        (0x0A, "GetDebtRepaymentLog", (0x06,)),
        (0x0B, "SetMaximumCreditLimit"),
        (0x0C, "SetOverallDebtCap"),
    ),
    to_client=commands(
        (0x01, "PublishPrepaySnapshot"),
        (0x02, "ChangePaymentModeResponse"),
        (0x03, "ConsumerTopUpResponse"),
        (0x05, "PublishTopUpLog"),
        (0x06, "PublishDebtLog"),
    ),
)
