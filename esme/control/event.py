"""What auxiliary controllers do, as events of the bench."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from device.chassis import Here
from device.events import Code, Event
from esme.control.happening import (
    Boosted,
    Happening,
    LimitBegun,
    LimitEnded,
    Outcome,
    Switched,
    Updated,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerActed(Event):
    """A controller was asked for an action, or told how an earlier one ended.

    ``action`` is controllerNumberAndAction; ``level`` what the controller has now, in percent.
    """

    controller: int
    action: Code
    outcome: Outcome
    han_command_id: int
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChanged(Event):
    """A limit of a proportional controller began or ended; ``side`` is direction and controller."""

    side: int
    level: int
    begun: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostEnded(Event):
    """A boost is over."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelsUpdated(Event):
    """A proportional controller has other levels, in percent, which its load controller is told."""

    output: int
    input: int


def event_of(happening: Happening, here: Here, levels: Sequence[int]) -> Event:
    """The event of a happening; ``levels`` are those of the controllers' outputs now."""
    match happening:
        case Switched(number, outcome, han_command_id):
            controller = number >> 8 & 0x0F
            return ControllerActed(
                **here,
                controller=controller,
                action=number,
                outcome=outcome,
                han_command_id=han_command_id,
                level=levels[controller - 1],
            )
        case LimitBegun(side, _, level):
            return LimitChanged(**here, side=side, level=level, begun=True)
        case LimitEnded(side, level):
            return LimitChanged(**here, side=side, level=level, begun=False)
        case Boosted(start, end):
            return BoostEnded(**here, start=start, end=end)
        case Updated(output, input_):
            return LevelsUpdated(**here, output=output, input=input_)
