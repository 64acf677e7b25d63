"""Rules that commands have stored: load limit, demand window, protection from disablement."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from device.cosem.settings import Settings
from device.cosem.shape import Plain, plain
from device.cosem.table import Place
from esme.demand import WINDOW_OPENS
from esme.load_limit import LoadLimit
from esme.schedule import Schedule, last_selector

_DEMAND_WINDOW: Final = Place.parse("10/0-0:12.0.0.255/2")
_LOAD_LIMIT: Final = tuple(
    Place.parse(text)
    for text in (
        "71/0-0:17.0.0.255/4",
        "71/0-0:17.0.0.255/6",
        "71/0-0:17.0.0.255/7",
        "9000/0-0:94.44.0.3/2",
    )
)
"""Threshold, period, restoration period, and whether the switch opens."""
_NON_DISABLEMENT: Final = (
    Place.parse("10/0-0:12.0.1.255/2"),
    Place.parse("11/0-0:11.0.2.255/2"),
)
"""Schedule and special days; selector 32 begins a non-disablement period, 33 ends it."""
_PROTECTION_BEGINS: Final = 32


class Rules:
    """The rules of one meter; times are those of its clock."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._limit, self._version = LoadLimit(), -1

    def load_limit(self) -> LoadLimit:
        """The load limit in force; read once for each time that something is set."""
        if self._version != self._settings.version:
            self._version = self._settings.version
            threshold, period, restoration, flag = (self._int(place) for place in _LOAD_LIMIT)
            self._limit = LoadLimit(threshold, period, restoration, bool(flag))
        return self._limit

    def in_demand_window(self, own: datetime) -> bool:
        """Whether the configurable maximum demand counts at a time."""
        return last_selector(self._stored(_DEMAND_WINDOW), (), own) == WINDOW_OPENS

    def is_supply_protected(self, own: datetime | None) -> bool:
        """Whether a non-disablement period keeps the supply on whatever the credit is."""
        if own is None:
            return False
        schedule, special_days = map(self._stored, _NON_DISABLEMENT)
        return last_selector(schedule, special_days, own) == _PROTECTION_BEGINS

    def protection_changes_after(self, own: datetime) -> datetime | None:
        """When a non-disablement period begins or ends next; None when none does."""
        schedule, special_days = map(self._stored, _NON_DISABLEMENT)
        return Schedule.read(schedule, special_days).next_after(own)

    def _stored(self, place: Place) -> Plain:
        data = self._settings.find(place)
        return () if data is None else plain(data)

    def _int(self, place: Place) -> int:
        data = self._settings.find(place)
        return data.value if data is not None and isinstance(data.value, int) else 0
