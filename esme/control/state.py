"""What the auxiliary controllers remember: plain values, so that a store can hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from esme.control.action import Direction

LONGEST: Final = timedelta(hours=24)
_APC: Final = b"\xff"
_OWN_SWITCH: Final = bytes(8)


class Kind(IntEnum):
    """What is connected as a controller."""

    NONE = 0
    APC = 1
    ALCS = 2
    HCALCS = 3

    @classmethod
    def of_type(cls, type_and_identifier: bytes) -> Kind:
        """Read typeAndIdentifier: empty, FF, eight zero octets, or the EUI-64 of an HCALCS."""
        if not type_and_identifier:
            return cls.NONE
        if type_and_identifier == _APC:
            return cls.APC
        return cls.ALCS if type_and_identifier == _OWN_SWITCH else cls.HCALCS

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Sides that can be set."""
        if self is Kind.APC:
            return (Direction.OUTPUT, Direction.INPUT)
        return () if self is Kind.NONE else (Direction.OUTPUT,)

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off and nothing between."""
        return self in (Kind.ALCS, Kind.HCALCS)


TYPES: Final = {Kind.NONE: b"", Kind.APC: _APC, Kind.ALCS: _OWN_SWITCH}
"""typeAndIdentifier of controllers that have no EUI-64."""


@dataclass(frozen=True, slots=True)
class Period:
    """A level that was asked for between two moments of the meter's clock, by this number."""

    number: int
    level: int
    start: datetime
    end: datetime

    def holds(self, own: datetime) -> bool:
        """Whether it holds at a time."""
        return self.start <= own < self.end


@dataclass(slots=True)
class Side:
    """One direction of one controller.

    ``number`` is the action in force, 0 before the first; ``entry`` is the last calendar entry
    that ran. ``begun`` tells of the period and of the limit whether they have had an effect.
    """

    level: int = 0
    number: int = 0
    entry: int = 0
    period: Period | None = None
    period_begun: bool = False
    limit: Period | None = None
    limit_begun: bool = False


@dataclass(frozen=True, slots=True)
class Boost:
    """The consumer's key was pressed; the switches associated with it are on until the end."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class HanOrder:
    """What an HCALCS has been asked for over the HAN.

    ``number`` is the action as logged; ``until`` when it is to be asked again, if nothing else is.
    ``answer_by`` is None once the HCALCS has reported, or has failed to.
    """

    id: int
    controller: int
    device: int
    number: int
    level: int
    issued: datetime
    duration_min: int
    until: datetime
    answer_by: datetime | None
    renews: bool = False
    """The same as the order before it, which would end."""
    taken_back: bool = False
    """What is sent is that the event of this number ends."""


@dataclass(slots=True)
class ControllerState:
    """All controllers: sides by their octet, HAN orders in force by controller."""

    sides: dict[int, Side] = field(default_factory=dict)
    boost: Boost | None = None
    orders: dict[int, HanOrder] = field(default_factory=dict)
    last_id: int = 0

    def side(self, octet: int) -> Side:
        """One direction of one controller, as it is kept from now on."""
        return self.sides.setdefault(octet, Side())

    def level(self, octet: int) -> int:
        """What one direction of one controller has, in percent."""
        side = self.sides.get(octet)
        return 0 if side is None else side.level
