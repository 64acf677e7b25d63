"""Metering 0x0702: attributes and commands. Delivered is import, received is export.

Names and types follow the attribute tables of Smart Energy 1.4; the sets a GB meter uses.
"""

from __future__ import annotations

from typing import Final

from gbcs.zcl.types import DataType as T
from han.clusters.rows import Row, attributes, commands, series
from han.zcl.tables import ClusterDefinition

CLUSTER_ID: Final = 0x0702
ATTRIBUTE_REPORTING_STATUS: Final = 0xFFFE
"""Last attribute of a report: 0 more follows, 1 complete."""

_READING: Final[tuple[Row, ...]] = (
    (0x0000, "CurrentSummationDelivered", T.UINT48),
    (0x0001, "CurrentSummationReceived", T.UINT48),
    (0x0002, "CurrentMaxDemandDelivered", T.UINT48),
    (0x0003, "CurrentMaxDemandReceived", T.UINT48),
    (0x0004, "DFTSummation", T.UINT48),
    (0x0005, "DailyFreezeTime", T.UINT16),
    (0x0006, "PowerFactor", T.INT8),
    (0x0007, "ReadingSnapShotTime", T.UTC_TIME),
    (0x0008, "CurrentMaxDemandDeliveredTime", T.UTC_TIME),
    (0x0009, "CurrentMaxDemandReceivedTime", T.UTC_TIME),
    (0x000A, "DefaultUpdatePeriod", T.UINT8),
    (0x000B, "FastPollUpdatePeriod", T.UINT8),
    (0x000C, "CurrentBlockPeriodConsumptionDelivered", T.UINT48),
    (0x000D, "DailyConsumptionTarget", T.UINT24),
    (0x000E, "CurrentBlock", T.ENUM8),
    (0x000F, "ProfileIntervalPeriod", T.ENUM8),
    (0x0011, "PresetReadingTime", T.UINT16),
    (0x0014, "SupplyStatus", T.ENUM8),
    (0x001C, "PreviousBlockPeriodConsumptionDelivered", T.UINT48),
    (0x0020, "ActiveRegisterTierDelivered", T.ENUM8),
    (0x0021, "ActiveRegisterTierReceived", T.ENUM8),
    (0x0022, "LastBlockSwitchTime", T.UTC_TIME),
)
_STATUS: Final[tuple[Row, ...]] = (
    (0x0200, "Status", T.BITMAP8),
    (0x0201, "RemainingBatteryLife", T.UINT8),
    (0x0202, "HoursInOperation", T.UINT24),
    (0x0203, "HoursInFault", T.UINT24),
    (0x0204, "ExtendedStatus", T.BITMAP64),
    (0x0205, "RemainingBatteryLifeInDays", T.UINT16),
    (0x0206, "CurrentMeterID", T.OCTET_STRING),
    (0x0207, "AmbientConsumptionIndicator", T.ENUM8),
)
_FORMATTING: Final[tuple[Row, ...]] = (
    (0x0300, "UnitOfMeasure", T.ENUM8),
    (0x0301, "Multiplier", T.UINT24),
    (0x0302, "Divisor", T.UINT24),
    (0x0303, "SummationFormatting", T.BITMAP8),
    (0x0304, "DemandFormatting", T.BITMAP8),
    (0x0305, "HistoricalConsumptionFormatting", T.BITMAP8),
    (0x0306, "MeteringDeviceType", T.BITMAP8),
    (0x0307, "SiteID", T.OCTET_STRING),
    (0x0308, "MeterSerialNumber", T.OCTET_STRING),
    (0x030E, "ModuleSerialNumber", T.OCTET_STRING),
    (0x030F, "OperatingTariffLabelDelivered", T.OCTET_STRING),
    (0x0310, "OperatingTariffLabelReceived", T.OCTET_STRING),
    (0x0311, "CustomerIDNumber", T.OCTET_STRING),
    (0x0312, "AlternativeUnitOfMeasure", T.ENUM8),
    (0x0313, "AlternativeDemandFormatting", T.BITMAP8),
    (0x0314, "AlternativeConsumptionFormatting", T.BITMAP8),
)
_LIMITS: Final[tuple[Row, ...]] = (
    (0x0600, "CurrentDemandDelivered", T.UINT24),
    (0x0601, "DemandLimit", T.UINT24),
    (0x0602, "DemandIntegrationPeriod", T.UINT8),
    (0x0603, "NumberOfDemandSubintervals", T.UINT8),
    (0x0604, "DemandLimitArmDuration", T.UINT16),
    (0x0605, "LoadLimitSupplyState", T.ENUM8),
    (0x0606, "LoadLimitCounter", T.UINT8),
    (0x0607, "SupplyTamperState", T.ENUM8),
    (0x0608, "SupplyDepletionState", T.ENUM8),
    (0x0609, "SupplyUncontrolledFlowState", T.ENUM8),
)
_BILLING: Final[tuple[Row, ...]] = (
    (0x0A00, "BillToDateDelivered", T.UINT32),
    (0x0A01, "BillToDateTimeStampDelivered", T.UTC_TIME),
    (0x0A02, "ProjectedBillDelivered", T.UINT32),
    (0x0A03, "ProjectedBillTimeStampDelivered", T.UTC_TIME),
    (0x0A04, "BillDeliveredTrailingDigit", T.BITMAP8),
)
_SUPPLY_CONTROL: Final[tuple[Row, ...]] = (
    (0x0B10, "UncontrolledFlowThreshold", T.UINT16),
    (0x0B11, "UncontrolledFlowThresholdUnitOfMeasure", T.ENUM8),
    (0x0B12, "UncontrolledFlowMultiplier", T.UINT16),
    (0x0B13, "UncontrolledFlowDivisor", T.UINT16),
    (0x0B14, "FlowStabilisationPeriod", T.UINT8),
    (0x0B15, "FlowMeasurementPeriod", T.UINT16),
)


def _tiers() -> tuple[Row, ...]:
    """Summations of 48 tiers, delivered and received in turn."""
    names = (
        f"CurrentTier{n}Summation{way}" for n in range(1, 49) for way in ("Delivered", "Received")
    )
    return series(0x0100, 1, names, T.UINT48)


def _blocks() -> tuple[Row, ...]:
    """Summations of 16 blocks without tier, then of 16 blocks in each of 15 tiers."""
    tiers = ("NoTier", *(f"Tier{n}" for n in range(1, 16)))
    names = (f"Current{t}Block{b}SummationDelivered" for t in tiers for b in range(1, 17))
    return series(0x0700, 1, names, T.UINT48)


def _history(base: int, alternative: str) -> tuple[Row, ...]:
    """Consumption by day, week and month, delivered at even and received at odd steps."""
    demand = f"{alternative}InstantaneousDemand"
    rows: tuple[Row, ...] = ((base, demand, T.INT24),)
    ways = ("Delivered", "Received")

    def both(periods: list[str]) -> list[str]:
        return [f"{p}{alternative}Consumption{way}" for p in periods for way in ways]

    days = ["PreviousDay" + str(n) for n in range(2, 9)]
    weeks = ["CurrentWeek", *(f"PreviousWeek{n}" for n in range(1, 6))]
    months = ["CurrentMonth", *(f"PreviousMonth{n}" for n in range(1, 14))]
    rows += series(base + 0x01, 1, both(["CurrentDay", "PreviousDay"]), T.UINT24)
    rows += series(base + 0x20, 1, both(days), T.UINT24)
    rows += series(base + 0x30, 1, both(weeks), T.UINT24)
    return rows + series(base + 0x40, 1, both(months), T.UINT32)


NOTIFICATION_FLAGS: Final[tuple[Row, ...]] = (
    (0x0000, "FunctionalNotificationFlags", T.BITMAP32),
    (0x0001, "NotificationFlags2", T.BITMAP32),
    (0x0002, "NotificationFlags3", T.BITMAP32),
    (0x0003, "NotificationFlags4", T.BITMAP32),
    (0x0004, "NotificationFlags5", T.BITMAP32),
)

METERING: Final = ClusterDefinition(
    CLUSTER_ID,
    "Metering",
    server_attributes=attributes(
        *_READING,
        *_tiers(),
        *_STATUS,
        *_FORMATTING,
        *_history(0x0400, ""),
        *_LIMITS,
        *_blocks(),
        *_BILLING,
        *_SUPPLY_CONTROL,
        *_history(0x0C00, "Alternative"),
        (ATTRIBUTE_REPORTING_STATUS, "AttributeReportingStatus", T.ENUM8),
    ),
    client_attributes=attributes(*NOTIFICATION_FLAGS),
    to_server=commands(
        (0x00, "GetProfile", (0x00,)),
        (0x01, "RequestMirrorResponse"),
        (0x02, "MirrorRemoved"),
        (0x03, "RequestFastPollMode", (0x03,)),
        (0x04, "ScheduleSnapshot", (0x04,)),
        (0x05, "TakeSnapshot", (0x05,)),
        (0x06, "GetSnapshot", (0x06,)),
        (0x07, "StartSampling", (0x0D,)),
        (0x08, "GetSampledData", (0x07,)),
        (0x09, "MirrorReportAttributeResponse"),
        (0x0A, "ResetLoadLimitCounter"),
        (0x0B, "ChangeSupply", (0x0C,)),
        (0x0C, "LocalChangeSupply"),
        (0x0D, "SetSupplyStatus"),
        (0x0E, "SetUncontrolledFlowThreshold"),
    ),
    to_client=commands(
        (0x00, "GetProfileResponse"),
        (0x01, "RequestMirror", (0x01,)),
        (0x02, "RemoveMirror", (0x02,)),
        (0x03, "RequestFastPollModeResponse"),
        (0x04, "ScheduleSnapshotResponse"),
        (0x05, "TakeSnapshotResponse"),
        (0x06, "PublishSnapshot"),
        (0x07, "GetSampledDataResponse"),
        (0x08, "ConfigureMirror"),
        (0x09, "ConfigureNotificationScheme"),
        (0x0A, "ConfigureNotificationFlags"),
        (0x0B, "GetNotifiedMessage"),
        (0x0C, "SupplyStatusResponse"),
        (0x0D, "StartSamplingResponse"),
    ),
)
