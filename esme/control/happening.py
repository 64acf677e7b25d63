"""What auxiliary controllers have to tell: log entries, alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from esme.control.state import Period


class Outcome(IntEnum):
    """Outcome of a log entry; of a command sent over the HAN it is unknown at first."""

    UNKNOWN = 0
    SUCCESS = 1
    FAILURE = 2


@dataclass(frozen=True, slots=True)
class Switched:
    """A controller was asked for an action, or told how an earlier one ended.

    ``han_command_id`` is 0 for controllers of the meter itself. ``is_switch`` is False for a
    proportional controller, whose changes raise no alert.
    """

    number: int
    outcome: Outcome
    han_command_id: int = 0
    is_switch: bool = True


@dataclass(frozen=True, slots=True)
class LimitBegun:
    """A limit (ECS47e) began to hold; ``level`` is what the controller has now, in percent."""

    side: int
    limit: Period
    level: int


@dataclass(frozen=True, slots=True)
class LimitEnded:
    """A limit ended or was cancelled; ``level`` is what the controller has now, in percent."""

    side: int
    level: int


@dataclass(frozen=True, slots=True)
class Boosted:
    """A boost is over."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Updated:
    """A proportional controller has these levels now, in percent."""

    output: int
    input: int


Happening = Switched | LimitBegun | LimitEnded | Boosted | Updated
