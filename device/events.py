"""The event stream: everything observable about a bench, typed, in order.

Devices publish; logs, JSON lines, captures, assertions and reports subscribe. A subscriber that
fails is reported to the log and never to the device that published.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated, Final, get_args, get_type_hints

from gbcs.eui64 import format_eui64

_LOG: Final = logging.getLogger(__name__)


class Shape(Enum):
    """How an integer field is written as text."""

    EUI64 = "EUI-64"
    CODE = "16-bit code"
    STATUS = "8-bit status"


Eui64 = Annotated[int, Shape.EUI64]
Code = Annotated[int, Shape.CODE]
Status8 = Annotated[int, Shape.STATUS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened: when (timeline, UTC) and to which device (EUI-64)."""

    moment: datetime
    device: Eui64


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandReceived(Event):
    """A message reached the command pipeline and could be read."""

    use_case: str
    message_code: Code
    originator: Eui64
    originator_counter: int
    supplementary_id: Eui64 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRefused(Event):
    """A message was not executed; nobody is answered."""

    refusal: Enum
    detail: str
    security_log_code: Code | None = None
    message_code: Code | None = None
    originator: Eui64 | None = None
    originator_counter: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandAnswered(Event):
    """A command was executed and its Response, with this stamp, is on its way."""

    use_case: str
    message_code: Code
    originator: Eui64
    originator_counter: int
    stamp: str | None
    failed_components: int = 0
    octets: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueStamped(Event):
    """A mirrored value got a new provenance: whose clock, when, how reliable."""

    cluster_id: Code
    attribute_id: Code
    value: int | str | bytes | None
    taken_at: datetime | None
    source: Enum
    reliability: Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined(Event):
    """A node came to this device's network; ``admitted`` is false when it was turned away."""

    peer: Eui64
    kind: str
    admitted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Left(Event):
    """A node left this device's network."""

    peer: Eui64


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed(Event):
    """A device reported its values to another one."""

    peer: Eui64
    cluster_id: Code
    attributes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry(Event):
    """A log of the device got an entry; ``at`` is the device's own time, None while invalid."""

    log: str
    code: Code
    at: datetime | None
    other: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRaised(Event):
    """An alert left the device."""

    alert_code: Code
    message_code: Code
    recipient: Eui64
    originator_counter: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStepped(Event):
    """Something happened to the device's clock."""

    occurrence: Enum
    before: datetime
    after: datetime
    status_before: Enum
    status: Enum
    adjusted: bool
    alert: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameDelivered(Event):
    """The peer acknowledged a request of this device."""

    peer: Eui64
    cluster_id: Code
    command_id: Status8


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFailed(Event):
    """A request of this device was not delivered or not answered in time, or an answer got lost."""

    peer: Eui64
    cluster_id: Code
    reason: str
    command_id: Status8 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameServed(Event):
    """The device executed a frame of a peer."""

    peer: Eui64
    cluster_id: Code
    command_id: Status8
    answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameIgnored(Event):
    """The device dropped octets of a peer."""

    peer: Eui64
    cluster_id: Code
    reason: str
    octets: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioLost(Event):
    """The radio stopped answering, or the node is off its network."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioUp(Event):
    """The node is on the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageCommitted(Event):
    """What a command changed is on disk, before its Response leaves."""

    message_code: Code
    originator_counter: int


Subscriber = Callable[[Event], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageQueued(Event):
    """The hub keeps a message for a sleeping device; so many wait for it now."""

    peer: Eui64
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTunnelled(Event):
    """A message of a HAN device came to the hub, on its way to the WAN."""

    peer: Eui64
    octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageExpired(Event):
    """The hub gave up a message that its device did not fetch."""

    peer: Eui64
    reason: str
    octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorChanged(Event):
    """The GPF lent a meter a mirror endpoint, or took it back."""

    peer: Eui64
    endpoint: int
    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinFailed(Event):
    """A device tried to come to a network and did not; it will try again."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeEnded(Event):
    """A sleepy device goes back to sleep; ``trouble`` says what went wrong while it was awake."""

    trouble: str | None = None


class EventStream:
    """Hands every event to every subscriber, one event at a time, in the order of publication."""

    def __init__(self) -> None:
        self._subscribers: list[tuple[Subscriber, tuple[type[Event], ...]]] = []
        self._waiting: deque[Event] = deque()
        self._delivering = False

    def subscribe(self, subscriber: Subscriber, *types: type[Event]) -> Callable[[], None]:
        """Call ``subscriber`` with every later event of these types (all when none is named).

        The result ends the subscription.
        """
        entry = (subscriber, types or (Event,))
        self._subscribers.append(entry)
        return lambda: self._subscribers.remove(entry)

    def publish(self, event: Event) -> None:
        """Deliver an event; one published by a subscriber waits until this one is everywhere."""
        self._waiting.append(event)
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._waiting:
                self._deliver(self._waiting.popleft())
        finally:
            self._delivering = False

    def _deliver(self, event: Event) -> None:
        for subscriber, types in tuple(self._subscribers):
            if not isinstance(event, types):
                continue
            try:
                subscriber(event)
            except Exception:  # noqa: BLE001 - an observer's fault must not reach the observed
                name = type(event).__name__
                _LOG.warning(
                    "a subscriber failed on %s of %016X", name, event.device, exc_info=True
                )


def to_json(event: Event) -> dict[str, object]:
    """An event as JSON values: EUI-64 and codes as hex text, enums by name, moments in ISO 8601."""
    shapes = _shapes(type(event))
    fields_of = {f.name: _json(getattr(event, f.name), shapes.get(f.name)) for f in fields(event)}
    return {"event": type(event).__name__, **fields_of}


def to_json_line(event: Event) -> str:
    """An event as one line of JSON, without the line end."""
    return json.dumps(to_json(event), separators=(",", ":"))


def _json(value: object, shape: Shape | None) -> object:
    match value:
        case None | bool() | str() | float():
            return value
        case Enum():
            return value.name
        case int():
            return value if shape is None else _FORMATS[shape](value)
        case bytes():
            return value.hex().upper()
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            return value.total_seconds()
        case tuple():
            return [_json(each, shape) for each in value]
        case _:
            return str(value)


_FORMATS: Final[dict[Shape, Callable[[int], str]]] = {
    Shape.EUI64: format_eui64,
    Shape.CODE: "0x{:04X}".format,
    Shape.STATUS: "0x{:02X}".format,
}


_SHAPES: Final[dict[type[Event], dict[str, Shape]]] = {}


def _shapes(event_type: type[Event]) -> dict[str, Shape]:
    known = _SHAPES.get(event_type)
    if known is None:
        hints = get_type_hints(event_type, include_extras=True)
        found = {name: _shape(hint) for name, hint in hints.items()}
        known = {name: shape for name, shape in found.items() if shape is not None}
        _SHAPES[event_type] = known
    return known


def _shape(hint: object) -> Shape | None:
    """The shape annotated on a type, or on a part of it (``Eui64 | None``)."""
    for mark in getattr(hint, "__metadata__", ()):
        if isinstance(mark, Shape):
            return mark
    parts = (_shape(part) for part in get_args(hint) if part is not hint)
    return next((shape for shape in parts if shape is not None), None)
