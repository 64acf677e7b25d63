"""The calendar of the auxiliary controllers (ECS46c, ECS46d): which entry last ran on each side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from device.cosem.settings import Settings
from device.cosem.shape import plain
from device.cosem.table import Place
from esme.control.action import Action
from esme.schedule import Schedule
from gbcs.dlms.data import Data

ENTRIES: Final = Place.parse("10/0-0:12.0.2.255/2")
SPECIAL_DAYS: Final = Place.parse("11/0-0:11.0.3.255/2")
ACTIVATIONS: Final = frozenset(Place.parse(f"9000/0-0:94.44.128.{n}/6") for n in (26, 35))
"""Activation times of the calendar and of its special days."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found out at a time, good until another."""

    source: tuple[Data | None, Data | None]
    since: datetime
    until: datetime | None
    entries: Mapping[int, int]

    def answers(self, source: tuple[Data | None, Data | None], own: datetime) -> bool:
        fresh = self.until is None or own < self.until
        return self.source == source and self.since <= own and fresh


class AuxiliaryCalendar:
    """The calendar in force; what it says is looked up once and then remembered."""

    def __init__(self, stored: Settings) -> None:
        self._stored = stored
        self._known: _Known | None = None

    def entries_at(self, own: datetime) -> Mapping[int, int]:
        """Selector of the entry that ran last, by side; a side without one is missing."""
        return self._look(own).entries

    def next_after(self, own: datetime) -> datetime | None:
        """When an entry runs next; when to look again, if none does within a week."""
        return self._look(own).until

    def _look(self, own: datetime) -> _Known:
        source = (self._stored.find(ENTRIES), self._stored.find(SPECIAL_DAYS))
        if self._known is None or not self._known.answers(source, own):
            rows, days = (None if data is None else plain(data) for data in source)
            schedule = Schedule.read(rows, days)
            self._known = _Known(source, own, schedule.next_after(own), _last(schedule, own))
        return self._known


def _last(schedule: Schedule, own: datetime) -> dict[int, int]:
    side_of_selector = {
        action.selector: asked.side
        for action in schedule.actions
        if (asked := Action.of_calendar(action.selector)) is not None
    }
    found = {}
    for side in set(side_of_selector.values()):
        ours = {selector for selector, other in side_of_selector.items() if other == side}
        last = schedule.last(own, ours.__contains__)
        if last is not None:
            found[side] = last
    return found
