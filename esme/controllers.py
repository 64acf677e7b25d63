"""Auxiliary controllers 1 to 5: levels set by command for a time, and what the log keeps of it.

A command names controller, direction (output or input) and level in one number. The level holds
from the start to the end that were set before it; afterwards the controller is off again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from device.cosem.settings import Settings
from device.cosem.table import Place
from gbcs.dlms import values as v

CONTROLLERS: Final = range(1, 6)
LONGEST: Final = timedelta(hours=24)
FULL: Final = 100
OFF: Final = 0


class Direction(IntEnum):
    """Which side of a proportional controller; a switch has an output only."""

    OUTPUT = 1
    INPUT = 2


class Action(IntEnum):
    """Older commands (ECS47): on, off, or back to the calendar."""

    ACTIVATE = 0x11
    DEACTIVATE = 0x12
    RESET = 0x20


@dataclass(frozen=True, slots=True)
class Order:
    """What a command asks of a controller; ``level`` in percent, None to end what was asked."""

    controller: int
    direction: Direction
    level: int | None

    @classmethod
    def from_script(cls, script: int) -> Order | None:
        """Read the number; None when it asks for something that cannot be."""
        high, low = divmod(script, 0x100)
        side, controller = divmod(high, 0x10)
        if controller not in CONTROLLERS:
            return None
        if side == 0 and low in _LEVELS:
            return cls(controller, Direction.OUTPUT, _LEVELS[Action(low)])
        if side in (Direction.OUTPUT, Direction.INPUT) and low <= FULL:
            return cls(controller, Direction(side), low)
        return None


_LEVELS: Final = {Action.ACTIVATE: FULL, Action.DEACTIVATE: OFF, Action.RESET: None}


@dataclass(frozen=True, slots=True)
class Setting:
    """A level that holds between two moments of the meter's clock; a limit is told about."""

    script: int
    direction: Direction
    level: int
    start: datetime
    end: datetime
    limit: bool = False

    @property
    def side(self) -> int:
        """Direction and controller as alerts and commands carry them."""
        return self.script >> 8


@dataclass(frozen=True, slots=True)
class Move:
    """A controller was moved: by which script, and the setting that began or ended."""

    script: int
    begun: Setting | None = None
    ended: Setting | None = None


@dataclass(slots=True)
class Controller:
    """One controller; ``setting`` is in force or to come."""

    output_level: int = OFF
    input_level: int = OFF
    setting: Setting | None = None

    def level_changes(self, now: datetime) -> Move | None:
        """Start or end the setting when its time has come."""
        setting = self.setting
        if setting is None:
            return None
        if now >= setting.end:
            self.setting = None
            self._set(setting.direction, OFF)
            return Move(setting.script, ended=setting)
        if now >= setting.start and self._set(setting.direction, setting.level):
            return Move(setting.script, begun=setting)
        return None

    def release(self) -> None:
        """End whatever was asked."""
        self.setting, self.output_level, self.input_level = None, OFF, OFF

    def next_change(self, now: datetime) -> datetime | None:
        """When the setting starts or ends."""
        if self.setting is None:
            return None
        return self.setting.start if now < self.setting.start else self.setting.end

    def state(self) -> str:
        """The state as COSEM returns it: a JSON text."""
        return json.dumps({"outputState": self.output_level, "inputState": self.input_level})

    def _set(self, direction: Direction, level: int) -> bool:
        before = (self.output_level, self.input_level)
        if direction is Direction.OUTPUT:
            self.output_level = level
        else:
            self.input_level = level
        return before != (self.output_level, self.input_level)


@dataclass(slots=True)
class Controllers:
    """All of them, by number."""

    by_number: dict[int, Controller] = field(
        default_factory=lambda: {number: Controller() for number in CONTROLLERS}
    )

    def next_change(self, now: datetime) -> datetime | None:
        """When the next setting starts or ends."""
        dates = (controller.next_change(now) for controller in self.by_number.values())
        return min((date for date in dates if date is not None), default=None)


class ControllerBank:
    """The controllers of one meter: moves them, shows their state, and has each move logged."""

    def __init__(
        self,
        held: Callable[[], Controllers],
        settings: Settings,
        moved: Callable[[Move], object],
    ) -> None:
        self._held = held
        self._settings = settings
        self._moved = moved

    def order(self, number: int, setting: Setting, own: datetime | None) -> None:
        """Take an order."""
        self._held().by_number[number].setting = setting
        self.move(own)

    def release(self, number: int, script: int) -> None:
        """End whatever a controller was ordered."""
        self._held().by_number[number].release()
        self._show(number, Move(script))

    def next_change(self, own: datetime) -> datetime | None:
        """When the next setting starts or ends."""
        return self._held().next_change(own)

    def move(self, own: datetime | None) -> None:
        """Start and end what is due; without a time nothing is."""
        if own is None:
            return
        for number, controller in self._held().by_number.items():
            move = controller.level_changes(own)
            if move is not None:
                self._show(number, move)

    def _show(self, number: int, move: Move) -> None:
        controller = self._held().by_number[number]
        state = Place.parse(f"1/0-0:94.44.0.{30 + number}/2")
        self._settings.put(state, v.utf8(controller.state()))
        output = Place.parse(f"70/0-{number}:96.3.10.255/2")
        self._settings.put(output, v.boolean(controller.output_level > OFF))
        self._moved(move)


def is_allowed(start: datetime, end: datetime) -> bool:
    """Whether a setting may last from one moment to another."""
    return start < end <= start + LONGEST
