"""Payloads of the Device Management commands that GB devices use; times are UTCTime seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from han.clusters.device_management import PublishChangeOfTenancy as PublishChangeOfTenancy
from han.zcl.payload import U8, U16, U32, Enum8, Map8, Map32, Octets, Repeated, Rest, Utc


@dataclass(frozen=True, slots=True)
class PublishChangeOfSupplier:
    """Who supplies from a time on."""

    current_provider_id: U32
    issuer_event_id: U32
    tariff_type: Map8
    proposed_provider_id: U32
    implementation_time: Utc
    control: Map32
    provider_name: Octets
    contact_details: Octets


@dataclass(frozen=True, slots=True)
class RequestNewPasswordResponse:
    """A password for the meter's menus."""

    issuer_event_id: U32
    implementation_time: Utc
    duration_min: U16
    password_type: Enum8
    password: Octets


@dataclass(frozen=True, slots=True)
class UpdateSiteID:
    """The supply point's number (MPRN, MPAN)."""

    issuer_event_id: U32
    time: Utc
    provider_id: U32
    site_id: Octets


@dataclass(frozen=True, slots=True)
class UpdateCIN:
    """The customer identification number."""

    issuer_event_id: U32
    time: Utc
    provider_id: U32
    customer_id_number: Octets


@dataclass(frozen=True, slots=True)
class SetEventConfiguration:
    """What to do on events; the layout of ``body`` depends on ``configuration_control``."""

    issuer_event_id: U32
    start_time: Utc
    configuration: Map8
    configuration_control: Enum8
    body: Rest


@dataclass(frozen=True, slots=True)
class GetEventConfiguration:
    """Ask what is done on an event, or on a group (0xNNFF)."""

    event_id: U16


@dataclass(frozen=True, slots=True)
class EventSetting:
    """What is done on one event."""

    event_id: U16
    configuration: Map8


@dataclass(frozen=True, slots=True)
class ReportEventConfiguration:
    """What is done on events."""

    command_index: U8
    total_commands: U8
    settings: Annotated[tuple[EventSetting, ...], Repeated(EventSetting)]
