"""Payloads of the Metering commands that GB devices use; times are UTCTime seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from han.zcl.payload import (
    U8,
    U16,
    U32,
    Enum8,
    Map8,
    Map32,
    Rest,
    U24s,
    Utc,
)


class SnapshotCause(IntFlag):
    """Why a snapshot was taken."""

    GENERAL = 1 << 0
    END_OF_BILLING_PERIOD = 1 << 1
    END_OF_BLOCK_PERIOD = 1 << 2
    CHANGE_OF_TARIFF_INFORMATION = 1 << 3
    CHANGE_OF_PRICE_MATRIX = 1 << 4
    CHANGE_OF_BLOCK_THRESHOLDS = 1 << 5
    CHANGE_OF_CALORIFIC_VALUE = 1 << 6
    CHANGE_OF_CONVERSION_FACTOR = 1 << 7
    CHANGE_OF_CALENDAR = 1 << 8
    CRITICAL_PEAK_PRICING = 1 << 9
    MANUALLY_TRIGGERED_FROM_CLIENT = 1 << 10
    END_OF_RESOLVE_PERIOD = 1 << 11
    CHANGE_OF_TENANCY = 1 << 12
    CHANGE_OF_SUPPLIER = 1 << 13
    CHANGE_OF_METER_MODE = 1 << 14
    DEBT_PAYMENT = 1 << 15


class SupplyStatus(IntEnum):
    """State of the supply, as asked for or reported."""

    OFF = 0
    ARMED = 1
    ON = 2
    UNCHANGED = 3


@dataclass(frozen=True, slots=True)
class GetSnapshot:
    """The ``offset``-th snapshot with one of these causes, not before start and before end."""

    earliest_start_time: Utc
    latest_end_time: Utc
    offset: U8
    cause: Map32


@dataclass(frozen=True, slots=True)
class PublishSnapshot:
    """One snapshot, or one part of it; the layout of ``body`` depends on ``payload_type``."""

    snapshot_id: U32
    snapshot_time: Utc
    total_found: U8
    command_index: U8
    total_commands: U8
    cause: Map32
    payload_type: Enum8
    body: Rest


@dataclass(frozen=True, slots=True)
class StartSampling:
    """Begin to sample; the interval is in seconds."""

    issuer_event_id: U32
    start_time: Utc
    sample_type: Enum8
    interval_s: U16
    max_samples: U16


@dataclass(frozen=True, slots=True)
class StartSamplingResponse:
    """The identifier under which the samples can be read."""

    sample_id: U16


@dataclass(frozen=True, slots=True)
class GetSampledData:
    """Samples from a moment on, at most so many."""

    sample_id: U16
    earliest_time: Utc
    sample_type: Enum8
    count: U16


@dataclass(frozen=True, slots=True)
class GetSampledDataResponse:
    """Samples in order from ``start_time``; 0xFFFFFF where there is none."""

    sample_id: U16
    start_time: Utc
    sample_type: Enum8
    interval_s: U16
    count: U16
    samples: U24s


@dataclass(frozen=True, slots=True)
class ChangeSupply:
    """Switch the supply, now or at a time."""

    provider_id: U32
    issuer_event_id: U32
    request_time: Utc
    implementation_time: Utc
    proposed_status: Enum8
    control: Map8


@dataclass(frozen=True, slots=True)
class SupplyStatusResponse:
    """What the supply is after ChangeSupply."""

    provider_id: U32
    issuer_event_id: U32
    implementation_time: Utc
    status: Enum8


@dataclass(frozen=True, slots=True)
class LocalChangeSupply:
    """The button of a display: switch the supply off (and arm it), or on again once armed."""

    proposed_status: Enum8


@dataclass(frozen=True, slots=True)
class SetSupplyStatus:
    """What happens to the supply on tamper, depletion, uncontrolled flow and load limit."""

    issuer_event_id: U32
    tamper: Enum8
    depletion: Enum8
    uncontrolled_flow: Enum8
    load_limit: Enum8


@dataclass(frozen=True, slots=True)
class SetUncontrolledFlowThreshold:
    """When flow counts as uncontrolled; stabilisation in tenths of a second, measurement in s."""

    provider_id: U32
    issuer_event_id: U32
    threshold: U16
    unit: Enum8
    multiplier: U16
    divisor: U16
    stabilisation_ds: U8
    measurement_s: U16
