"""When a command takes effect: the field that says it, and what it takes the place of."""

from __future__ import annotations

from typing import Final

AT_ONCE: Final = 0
CANCELS: Final = (0xFFFFFFFF, 0xFFFFFFFE)
"""Start times that call off what was to come of the same kind (reference messages: GCS01b, GCS05).
"""
_FIELDS: Final = ("start_time", "implementation_time")


def start_of(message: object, from_date_time: int | None = None) -> int | None:
    """UTCTime seconds at which a command takes effect, 0 at once; None when nothing says it.

    A command without a field for it takes the From Date Time of its GBZ component.
    """
    for name in _FIELDS:
        start = getattr(message, name, None)
        if isinstance(start, int):
            return start
    return from_date_time


def calendar_of(message: object) -> int | None:
    """Identifier of the calendar that a command publishes or is a part of."""
    found = getattr(message, "issuer_calendar_id", None)
    return found if isinstance(found, int) else None


def kind_of(message: object) -> tuple[str, int]:
    """What a later command supersedes: the same command, of calendars the same type."""
    return type(message).__name__, getattr(message, "calendar_type", 0)
