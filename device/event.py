"""What an event is, how events reach those who listen, and how they read as JSON.

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
from typing import Annotated, Any, Final, TypeVar, get_args, get_type_hints

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


E = TypeVar("E", bound=Event)


class EventStream:
    """Hands every event to every subscriber, one event at a time, in the order of publication."""

    def __init__(self) -> None:
        # Any: each subscriber takes the types beside it, and gets no others
        self._subscribers: list[tuple[Callable[[Any], object], tuple[type[Event], ...]]] = []
        self._waiting: deque[Event] = deque()
        self._delivering = False

    def subscribe(self, subscriber: Callable[[E], object], *types: type[E]) -> Callable[[], None]:
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
