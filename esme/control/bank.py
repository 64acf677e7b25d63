"""The auxiliary controllers of one meter: what governs each of them, and when that changes.

A boost or a supplier's command comes before the calendar; a load controller's limit caps whatever
level a proportional controller would have. What governs is computed from the state and the meter's
time alone, so a meter that was without power goes on with what holds on its return.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from device.cosem.settings import Settings
from device.cosem.table import Place
from esme.control import action as actions
from esme.control.action import CONTROLLERS, Action, Direction, side_of
from esme.control.calendar import AuxiliaryCalendar
from esme.control.han import HanOrders
from esme.control.happening import (
    Boosted,
    Happening,
    LimitBegun,
    LimitEnded,
    Outcome,
    Switched,
    Updated,
)
from esme.control.offset import randomised_offset
from esme.control.settings import ControlSettings
from esme.control.shown import TYPE, is_boosted, kind_of, show, type_of
from esme.control.state import Boost, ControllerState, Kind, Period, Side
from gbcs.dlms import values as v
from han.deadlines import earliest

BOOST_STEPS_MIN: Final = (15, 30, 45, 60)
LONGEST_BOOST: Final = timedelta(minutes=60)
BOOST_AVAILABILITY: Final = Place.parse("1/0-0:94.44.7.255/2")
Tell = Callable[[Happening], object]


@dataclass(frozen=True, slots=True)
class _Calm:
    """From a time to another nothing is due, unless what is stored changes."""

    version: int
    since: datetime
    until: datetime | None

    def covers(self, stored: Settings, own: datetime) -> bool:
        """Whether it is known that nothing is due at a time."""
        return (
            self.version == stored.version
            and self.since <= own
            and (self.until is None or own < self.until)
        )


class ControllerBank:
    """Moves the controllers, shows their state in the COSEM objects, tells what happens.

    ``stuck`` are controllers of the meter that do not move: for a bench.
    """

    def __init__(
        self,
        held: Callable[[], ControllerState],
        stored: Settings,
        tell: Tell,
        choices: ControlSettings | None = None,
    ) -> None:
        self.choices = choices or ControlSettings()
        self.stuck: set[int] = set()
        self._held, self._stored, self._listener = held, stored, tell
        self._happenings: list[Happening] = []
        self._calm: _Calm | None = None
        self._calendar = AuxiliaryCalendar(stored)
        self.han = HanOrders(held, stored, self._tell, self.choices)

    # -- what is asked ---------------------------------------------------------------------------

    def kind(self, controller: int) -> Kind:
        """What a controller is."""
        return kind_of(self._stored, controller)

    def can(self, action: Action) -> bool:
        """Whether the controller of an action is able to do it."""
        kind = self.kind(action.controller)
        if action.direction not in kind.directions:
            return False
        return not kind.is_switch or action.level in (actions.OFF, actions.FULL, None)

    def order(self, action: Action, start: datetime, end: datetime, own: datetime | None) -> None:
        """Hold a level from one time to another, instead of what was asked before."""
        side = self._held().side(action.side)
        self._calm = None
        again = side.period is not None and side.number == side.period.number == action.number
        side.period, side.period_begun = _period(action, start, end), False
        self.move(own)
        if again and own is not None and side.period is not None and side.period.holds(own):
            self._apply(action.controller, action.side, (action.number, side.period.level), own)

    def limit(self, action: Action, start: datetime, end: datetime, own: datetime | None) -> None:
        """Cap a level from one time to another, instead of the limit that was."""
        side = self._held().side(action.side)
        self._calm = None
        former, side.limit = (side.limit if side.limit_begun else None), None
        self.move(own)
        if former is not None:
            self._tell(LimitEnded(action.side, side.level))
        side.limit, side.limit_begun = _period(action, start, end), False
        self._calm = None
        self.move(own)

    def release(self, action: Action, own: datetime | None) -> None:
        """Reset: go back to the calendar; it is logged under its own number."""
        self._calm = None
        for direction in Direction:
            self._held().side(side_of(action.controller, direction)).period = None
        if own is not None:
            side = self._held().side(action.side)
            governing = self._governing(action.controller, action.side, side, own)
            self._apply(action.controller, action.side, governing, own, logged=action.number)
        self.move(own)

    def press_boost(self, minutes: int, own: datetime) -> Boost | None:
        """The consumer asks for a boost, or for a longer one; at most an hour from its start.

        None, and nothing happens, when there is no such key, or no controller associated with it.
        """
        boosted = any(is_boosted(self._stored, n) for n in CONTROLLERS)
        if minutes not in BOOST_STEPS_MIN or not self.has_boost_key or not boosted:
            return None
        state = self._held()
        boost = state.boost or Boost(own, own)
        end = min(boost.end + timedelta(minutes=minutes), boost.start + LONGEST_BOOST)
        state.boost, self._calm = Boost(boost.start, end), None
        self.move(own)
        return state.boost

    def end_boost(self, own: datetime) -> None:
        """The consumer ends the boost."""
        boost = self._held().boost
        if boost is not None:
            self._held().boost, self._calm = replace(boost, end=own), None
            self.move(own)

    def make(self, types: Sequence[bytes], *, boost_key: bool) -> None:
        """Connect what a new meter is made with."""
        for number, type_ in zip(CONTROLLERS, types, strict=True):
            self.connect(number, type_)
        self._stored.put(BOOST_AVAILABILITY, v.boolean(boost_key))

    def through_mw(self, loads_w: Sequence[int]) -> int:
        """What flows through the controllers, when this is what waits behind each."""
        return sum(w * level * 10 for w, level in zip(loads_w, self.levels(), strict=False))

    def take_happenings(self) -> tuple[Happening, ...]:
        """What happened since the last time, in order."""
        taken = tuple(self._happenings)
        self._happenings.clear()
        return taken

    def undo_point(self) -> Callable[[], None]:
        """What takes back whatever is told from now on."""
        count, undo_orders = len(self._happenings), self.han.undo_point()

        def undo() -> None:
            del self._happenings[count:]
            undo_orders()

        return undo

    def levels(self) -> tuple[int, ...]:
        """What the output of each controller is at, in percent."""
        state = self._held()
        return tuple(state.level(side_of(n, Direction.OUTPUT)) for n in CONTROLLERS)

    @property
    def has_boost_key(self) -> bool:
        """Whether the meter has a key for boosts."""
        data = self._stored.find(BOOST_AVAILABILITY)
        return data is not None and bool(data.value)

    def calendar_changes(self) -> None:
        """Another calendar is about to come into force: the entries of this one are void."""
        for side in self._held().sides.values():
            side.entry = 0

    def connect(self, controller: int, type_and_identifier: bytes) -> None:
        """Something else is connected as a controller: what was asked of the former is void."""
        if type_of(self._stored, controller) == type_and_identifier:
            return
        self._stored.put(TYPE[controller], v.octets(type_and_identifier))
        state = self._held()
        for direction in Direction:
            octet = side_of(controller, direction)
            state.sides[octet] = Side(self._level_unasked(controller, octet))
        state.orders.pop(controller, None)
        show(self._stored, state, controller)

    def join(self, device: int) -> None:
        """An HCALCS came to the home: it is the first controller that is nothing yet."""
        controllers = {type_of(self._stored, n): n for n in reversed(CONTROLLERS)}
        free = controllers.get(b"")
        identifier = device.to_bytes(8, "big")
        if self.choices.join_takes_controller and identifier not in controllers and free:
            self.connect(free, identifier)

    def unjoin(self, device: int) -> None:
        """An HCALCS left the home."""
        identifier = device.to_bytes(8, "big")
        for number in CONTROLLERS:
            if self.choices.join_takes_controller and type_of(self._stored, number) == identifier:
                self.connect(number, b"")

    # -- time ------------------------------------------------------------------------------------

    def next_change(self, own: datetime) -> datetime | None:
        """When something starts or ends."""
        if self._calm is not None and self._calm.covers(self._stored, own):
            return self._calm.until
        state = self._held()
        boost_end = None if state.boost is None else state.boost.end
        periods = [each for s in state.sides.values() for each in (s.period, s.limit) if each]
        edges = (each.start if own < each.start else each.end for each in periods)
        return earliest((boost_end, self._next_entry(own), self.han.next_after(), *edges))

    def move(self, own: datetime | None) -> None:
        """Do what is due; without a time nothing is."""
        if own is None or (self._calm is not None and self._calm.covers(self._stored, own)):
            return
        self._calm = None
        state = self._held()
        over = state.boost if state.boost is not None and state.boost.end <= own else None
        if over is not None:
            state.boost = None
            self._tell(Boosted(over.start, over.end))
        entries = self._calendar.entries_at(own - self.offset)
        for number in CONTROLLERS:
            kind = self.kind(number)
            for direction in kind.directions:
                self._move_side(number, side_of(number, direction), entries, own)
        self.han.watch(own, self._until)
        self._calm = _Calm(self._stored.version, own, self.next_change(own))

    def suppose_done(self, own: datetime) -> None:
        """For a bench: what governs now was done before, and what is shown stays as it is."""
        entries = self._calendar.entries_at(own - self.offset)
        for number in CONTROLLERS:
            for direction in self.kind(number).directions:
                octet = side_of(number, direction)
                side = self._held().side(octet)
                side.entry = entries.get(octet, side.entry)
                side.number, side.level = self._governing(number, octet, side, own)
        self._calm = None

    def _move_side(
        self, controller: int, octet: int, entries: Mapping[int, int], own: datetime
    ) -> None:
        side = self._held().side(octet)
        side.entry = entries.get(octet, side.entry)
        self._drop_period_that_is_over(controller, side, own)
        limit_is_over = self._is_limit_over(side, own)
        governing = self._governing(controller, octet, side, own)
        if governing[0] != side.number:
            self._apply(controller, octet, governing, own)
        if limit_is_over:
            self._tell(LimitEnded(octet, side.level))
        if side.limit is not None and side.limit.holds(own) and not side.limit_begun:
            side.limit_begun = True
            self._tell(LimitBegun(octet, side.limit, side.level))

    def _drop_period_that_is_over(self, controller: int, side: Side, own: datetime) -> None:
        period = side.period
        if period is None:
            return
        if period.holds(own):
            side.period_begun = True
        elif period.end <= own:
            side.period = None
            if not side.period_begun:  # without power all the while
                is_switch = self.kind(controller).is_switch
                self._tell(Switched(period.number, Outcome.FAILURE, is_switch=is_switch))

    def _is_limit_over(self, side: Side, own: datetime) -> bool:
        if side.limit is None or own < side.limit.end:
            return False
        side.limit = None
        begun, side.limit_begun = side.limit_begun, False
        return begun

    def _governing(self, controller: int, octet: int, side: Side, own: datetime) -> tuple[int, int]:
        """Number and level of what governs a side at a time."""
        number, level = self._asked(controller, octet, side, own)
        if side.limit is not None and side.limit.holds(own) and side.limit.level < level:
            return side.limit.number, side.limit.level
        return number, level

    def _asked(self, controller: int, octet: int, side: Side, own: datetime) -> tuple[int, int]:
        boost = self._held().boost is not None and octet >> 4 == Direction.OUTPUT
        boost = boost and is_boosted(self._stored, controller)
        period = side.period if side.period is not None and side.period.holds(own) else None
        if boost and (period is None or self.choices.boost_over_command):
            return actions.by_command(octet, actions.FULL), actions.FULL
        if period is not None:
            return period.number, period.level
        entry = Action.of_calendar(side.entry)
        if entry is not None and entry.level is not None:
            return entry.number, entry.level
        level = self._level_unasked(controller, octet)
        return (actions.by_calendar(octet, level) if side.number else 0), level

    def _level_unasked(self, controller: int, octet: int) -> int:
        output = octet >> 4 == Direction.OUTPUT
        proportional = self.kind(controller) is Kind.APC
        return self.choices.apc_default_level if proportional and output else actions.OFF

    def _apply(
        self,
        controller: int,
        octet: int,
        governing: tuple[int, int],
        own: datetime,
        logged: int | None = None,
    ) -> None:
        """Let a number and its level govern a side; ``logged`` is another number for the log."""
        state, kind = self._held(), self.kind(controller)
        side, (number, level) = state.side(octet), governing
        unasked = not side.entry and number in (0, actions.by_calendar(octet, level))
        side.number, logged, self._calm = number, logged or number, None
        if kind is Kind.HCALCS and unasked:
            self.han.take_back(controller, logged, own)
            return
        if kind is Kind.HCALCS:
            self.han.ask(controller, logged, level, own, self._until(controller, own))
            return
        works = controller not in self.stuck
        if works:
            side.level = level
            show(self._stored, state, controller)
            if kind is Kind.APC and self.choices.operational_updates:
                output, input_ = (state.level(side_of(controller, d)) for d in Direction)
                self._tell(Updated(output, input_))
        if self._is_told(logged):
            outcome = Outcome.SUCCESS if works else Outcome.FAILURE
            self._tell(Switched(logged, outcome, is_switch=kind.is_switch))

    def _is_told(self, number: int) -> bool:
        return self.choices.log_calendar or Action.of_calendar(number) is None

    def _tell(self, happening: Happening) -> None:
        self._happenings.append(happening)
        self._listener(happening)

    # -- when it changes next --------------------------------------------------------------------

    @property
    def offset(self) -> timedelta:
        """How much later than its calendar says a controller switches."""
        return randomised_offset(self._stored) if self.choices.offset_on_calendar else timedelta(0)

    def _next_entry(self, own: datetime) -> datetime | None:
        offset = self.offset
        found = self._calendar.next_after(own - offset)
        return None if found is None else found + offset

    def _until(self, controller: int, own: datetime) -> datetime | None:
        """When what governs the output of a controller is known to be looked at again."""
        state = self._held()
        side = state.side(side_of(controller, Direction.OUTPUT))
        edges = (edge for p in (side.period, state.boost) if p for edge in (p.start, p.end))
        return earliest((self._next_entry(own), *(edge for edge in edges if edge > own)))


def _period(action: Action, start: datetime, end: datetime) -> Period:
    if action.level is None:
        raise ValueError(f"{action.number:04X} asks for no level")
    return Period(action.number, action.level, start, end)
