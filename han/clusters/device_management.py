"""Device Management 0x0708: supplier, tenancy, site, event configuration."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from gbcs.zcl.types import DataType as T
from han.clusters.rows import Row, attributes, commands
from han.zcl.payload import U32, Map8, Map32, Utc
from han.zcl.tables import ClusterDefinition

CLUSTER_ID: Final = 0x0708
CHANGE_OF_TENANCY_UPDATE_DATE_TIME: Final = 0x0200
PROPOSED_TENANCY_CHANGE_CONTROL: Final = 0x0201
NO_CHANGE_KNOWN: Final = 0xFFFFFFFF


class ChangeControl(IntFlag):
    """What a change of tenancy or supplier asks devices to do."""

    PRE_SNAPSHOT = 1 << 0
    POST_SNAPSHOT = 1 << 1
    RESET_CREDIT_REGISTER = 1 << 2
    RESET_DEBIT_REGISTER = 1 << 3
    RESET_BILLING_PERIOD = 1 << 4
    CLEAR_TARIFF_PLAN = 1 << 5
    CLEAR_STANDING_CHARGE = 1 << 6
    BLOCK_HISTORICAL_LOAD_PROFILE = 1 << 7
    CLEAR_HISTORICAL_LOAD_PROFILE = 1 << 8
    CLEAR_IHD_DATA_CONSUMER = 1 << 9
    CLEAR_IHD_DATA_SUPPLIER = 1 << 10
    CONTACTOR_ARMED = 1 << 11
    CONTACTOR_ON = 1 << 12
    CLEAR_TRANSACTION_LOG = 1 << 13
    CLEAR_PREPAYMENT_DATA = 1 << 14


@dataclass(frozen=True, slots=True)
class PublishChangeOfTenancy:
    """A change of tenancy: when (0 now, 0xFFFFFFFF cancels) and what to clear."""

    provider_id: U32
    issuer_event_id: U32
    tariff_type: Map8
    implementation_time: Utc
    control: Map32


_SUPPLIER: Final[tuple[Row, ...]] = (
    (0x0100, "ProviderID", T.UINT32),
    (0x0101, "ProviderName", T.OCTET_STRING),
    (0x0102, "ProviderContactDetails", T.OCTET_STRING),
    (0x0110, "ProposedProviderID", T.UINT32),
    (0x0111, "ProposedProviderName", T.OCTET_STRING),
    (0x0112, "ProposedProviderChangeDateTime", T.UTC_TIME),
    (0x0113, "ProposedProviderChangeControl", T.BITMAP32),
    (0x0114, "ProposedProviderContactDetails", T.OCTET_STRING),
    (0x0120, "ReceivedProviderID", T.UINT32),
    (0x0121, "ReceivedProviderName", T.OCTET_STRING),
    (0x0122, "ReceivedProviderContactDetails", T.OCTET_STRING),
)
_TENANCY: Final[tuple[Row, ...]] = (
    (CHANGE_OF_TENANCY_UPDATE_DATE_TIME, "ChangeOfTenancyUpdateDateTime", T.UTC_TIME),
    (PROPOSED_TENANCY_CHANGE_CONTROL, "ProposedTenancyChangeControl", T.BITMAP32),
)

DEVICE_MANAGEMENT: Final = ClusterDefinition(
    CLUSTER_ID,
    "DeviceManagement",
    server_attributes=attributes(
        *_SUPPLIER,
        *_TENANCY,
        (0x0300, "WANStatus", T.ENUM8),
        (0x0400, "LowMediumThreshold", T.UINT32),
        (0x0401, "MediumHighThreshold", T.UINT32),
    ),
    client_attributes=attributes(
        (0x0000, "ProviderID", T.UINT32),
        (0x0010, "ReceivedProviderID", T.UINT32),
    ),
    to_server=commands(
        (0x00, "GetChangeOfTenancy", (0x00,)),
        (0x01, "GetChangeOfSupplier", (0x01,)),
        (0x02, "RequestNewPassword", (0x02,)),
        (0x03, "GetSiteID", (0x03,)),
        (0x04, "ReportEventConfiguration"),
        (0x05, "GetCIN", (0x06,)),
    ),
    to_client=commands(
        (0x00, "PublishChangeOfTenancy"),
        (0x01, "PublishChangeOfSupplier"),
        (0x02, "RequestNewPasswordResponse"),
        (0x03, "UpdateSiteID"),
        (0x04, "SetEventConfiguration"),
        (0x05, "GetEventConfiguration", (0x04,)),
        (0x06, "UpdateCIN"),
    ),
)
