"""The randomised offset: what delays switching, so that not every home switches at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from device.cosem.settings import Settings
from device.cosem.table import Place
from gbcs.dlms import values as v

LIMIT: Final = Place.parse("1/0-0:94.44.0.1/2")
NUMBER: Final = Place.parse("1/0-0:94.44.0.2/2")
FIRST_NUMBER: Final = 1
LONGEST_S: Final = 1799
_PARTS: Final = 10_000


def randomised_offset(stored: Settings) -> timedelta:
    """Number times limit over ten thousand, in whole seconds, half up (ECS26c, ECS38)."""
    product = _number(stored, LIMIT, 0) * _number(stored, NUMBER, FIRST_NUMBER)
    return timedelta(seconds=(2 * product + _PARTS) // (2 * _PARTS))


def make_offset(stored: Settings, seconds: int) -> None:
    """Change number and limit so that they make this offset: for a bench that repeats another."""
    if randomised_offset(stored) == timedelta(seconds=seconds):
        return
    number = _number(stored, NUMBER, FIRST_NUMBER)
    if stored.find(NUMBER) is None:
        number = _PARTS
        stored.put(NUMBER, v.u16(number))
    stored.put(LIMIT, v.u16(round(seconds * _PARTS / number)))


def _number(stored: Settings, place: Place, otherwise: int) -> int:
    data = stored.find(place)
    return data.value if data is not None and isinstance(data.value, int) else otherwise
