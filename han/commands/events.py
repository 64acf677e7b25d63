"""Payloads of Events, Messaging and Demand Response commands; times are UTCTime seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from han.zcl.payload import (
    S8,
    S16,
    U8,
    U16,
    U32,
    Map8,
    Map16,
    Octets,
    Repeated,
    Rest,
    Text,
    Utc,
)


@dataclass(frozen=True, slots=True)
class GetEventLog:
    """Events of one log (low half octet) between two moments; event 0 is every event."""

    control_and_log: Map8
    event_id: U16
    start_time: Utc
    end_time: Utc
    count: U8
    offset: U16

    @property
    def log_id(self) -> int:
        """Which log."""
        return self.control_and_log & 0x0F


@dataclass(frozen=True, slots=True)
class ClearEventLogRequest:
    """Clear one log."""

    log_id: U8


@dataclass(frozen=True, slots=True)
class ClearEventLogResponse:
    """The logs that are now empty, one bit each."""

    cleared: Map8


@dataclass(frozen=True, slots=True)
class EventEntry:
    """One event of a log."""

    log_id: U8
    event_id: U16
    time: Utc
    data: Octets = b""


@dataclass(frozen=True, slots=True)
class PublishEventLog:
    """Events of one log, or one part of them."""

    total_events: U16
    command_index: U8
    total_commands: U8
    control: Map8
    entries: Annotated[tuple[EventEntry, ...], Repeated(EventEntry)]


@dataclass(frozen=True, slots=True)
class PublishEvent:
    """One event as it happens."""

    log_id: U8
    event_id: U16
    time: Utc
    control: Map8
    data: Octets


@dataclass(frozen=True, slots=True)
class DisplayMessage:
    """A text for the household; 0xFFFF minutes is until changed."""

    message_id: U32
    control: Map8
    start_time: Utc
    duration_min: U16
    text: Text
    extended_control: Map8 | None = None


@dataclass(frozen=True, slots=True)
class CancelMessage:
    """Show a message no longer."""

    message_id: U32
    control: Map8


@dataclass(frozen=True, slots=True)
class CancelAllMessages:
    """Show no message any longer, from a time on."""

    implementation_time: Utc


@dataclass(frozen=True, slots=True)
class MessageConfirmation:
    """The household acknowledged a message."""

    message_id: U32
    time: Utc
    control: Map8 | None = None
    response: Octets | None = None


@dataclass(frozen=True, slots=True)
class LoadControlEvent:
    """Switch loads of a class and group; unused set-points are 0x8000 (-32768), duty cycle 0xFF."""

    issuer_event_id: U32
    device_class: Map16
    enrolment_group: U8
    start_time: Utc
    duration_min: U16
    criticality: U8
    cooling_offset: U8 = 0xFF
    heating_offset: U8 = 0xFF
    cooling_set_point: S16 = -0x8000
    heating_set_point: S16 = -0x8000
    average_load_percent: S8 = -0x80
    duty_cycle_percent: U8 = 0xFF
    control: Map8 = 0


@dataclass(frozen=True, slots=True)
class CancelLoadControlEvent:
    """End one event of load control."""

    issuer_event_id: U32
    device_class: Map16
    enrolment_group: U8
    control: Map8
    effective_time: Utc


@dataclass(frozen=True, slots=True)
class ReportEventStatus:
    """What a load control device did about an event; set-points and loads as it applied them."""

    issuer_event_id: U32
    status: U8
    time: Utc
    criticality: U8
    cooling_set_point: S16 = -0x8000
    heating_set_point: S16 = -0x8000
    average_load_percent: S8 = -0x80
    duty_cycle_percent: U8 = 0xFF
    control: Map8 = 0
    signature_type: U8 = 0
    signature: Rest = b""


@dataclass(frozen=True, slots=True)
class CancelAllLoadControlEvents:
    """End every event of load control; bit 0: not at once but as if each had run its course."""

    control: Map8


@dataclass(frozen=True, slots=True)
class GetScheduledEvents:
    """Ask for events that have not ended."""

    start_time: Utc
    count: U8
