"""controllerNumberAndAction: one number that says which controller does what, and why.

Two forms are in use. The older one (ECS46c, ECS47) has the controller in its high octet, and below
it 01 or 02 when the calendar switches on or off, 11 or 12 when a command does, 20 for a reset. The
newer one (ECS46d, ECS47a, ECS47e) has the direction in the highest four bits and the controller in
the next; the low octet is a level in percent, with its highest bit set when the calendar asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

CONTROLLERS: Final = range(1, 6)
FULL: Final = 100
OFF: Final = 0
_BY_CALENDAR: Final = 0x80


class Direction(IntEnum):
    """Which side of a proportional controller; a switch has an output only."""

    OUTPUT = 1
    INPUT = 2


class Word(IntEnum):
    """The low octet of the older form."""

    OUTCOME = 0x00
    CALENDAR_ON = 0x01
    CALENDAR_OFF = 0x02
    ACTIVATE = 0x11
    DEACTIVATE = 0x12
    RESET = 0x20


_COMMANDS: Final[Mapping[Word, int | None]] = {
    Word.ACTIVATE: FULL,
    Word.DEACTIVATE: OFF,
    Word.RESET: None,
}
_ENTRIES: Final[Mapping[Word, int | None]] = {Word.CALENDAR_ON: FULL, Word.CALENDAR_OFF: OFF}


@dataclass(frozen=True, slots=True)
class Action:
    """What is asked of one side of a controller; ``level`` in percent, None to end what was asked.

    ``number`` is how commands, calendars and logs write it.
    """

    number: int
    controller: int
    direction: Direction
    level: int | None

    @classmethod
    def of_command(cls, number: int) -> Action | None:
        """Read a command's number; None when it asks for something that cannot be."""
        return _read(number, _COMMANDS, number & 0xFF)

    @classmethod
    def of_calendar(cls, number: int) -> Action | None:
        """Read a calendar entry's script selector; None when it is no action of a calendar."""
        return _read(number, _ENTRIES, (number & 0xFF) ^ _BY_CALENDAR)

    @property
    def side(self) -> int:
        """Direction and controller in one octet, as ECS101 and ECS102 carry them."""
        return side_of(self.controller, self.direction)

    @property
    def is_older_form(self) -> bool:
        """Whether the number names no direction."""
        return self.number >> 12 == 0


def side_of(controller: int, direction: Direction) -> int:
    """Direction and controller in one octet."""
    return direction << 4 | controller


def by_calendar(side: int, level: int) -> int:
    """The number of a level that no command asks for."""
    return side << 8 | _BY_CALENDAR | level


def by_command(side: int, level: int) -> int:
    """The number of a level that is asked for directly."""
    return side << 8 | level


def outcome_of(controller: int) -> int:
    """The number under which the outcome of an earlier entry is logged."""
    return controller << 8 | Word.OUTCOME


def _read(number: int, words: Mapping[Word, int | None], level: int) -> Action | None:
    high, low = number >> 8, number & 0xFF
    direction, controller = divmod(high, 0x10)
    if controller not in CONTROLLERS:
        return None
    if direction == 0:
        known = {int(word): asked for word, asked in words.items()}
        return Action(number, controller, Direction.OUTPUT, known[low]) if low in known else None
    if direction in (Direction.OUTPUT, Direction.INPUT) and level <= FULL:
        return Action(number, controller, Direction(direction), level)
    return None
