"""Quantities outside the meter, as functions of true time.

A signal holds still between its changes, so whoever samples it at every change sees all of it:
integrals over it are exact, and a quiet night costs one sample.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final, Protocol

from han.deadlines import earliest

DAY_S: Final = 86_400
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Signal(Protocol):
    """An integer quantity that holds still between changes."""

    def at(self, moment: datetime) -> int:
        """Value at a moment."""
        ...

    def change_after(self, moment: datetime) -> datetime | None:
        """First moment after this one at which the value may change; None: it never does again."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value for ever."""

    value: int = 0

    def at(self, moment: datetime) -> int:
        """The value, at any moment."""
        return self.value

    def change_after(self, moment: datetime) -> datetime | None:
        """None: it never changes."""
        return None


class Steps:
    """A script: the value before the first step, then one value from each moment on."""

    def __init__(self, first: int, steps: Iterable[tuple[datetime, int]] = ()) -> None:
        ordered = sorted(steps, key=lambda step: step[0])
        self._moments = [moment for moment, _ in ordered]
        self._values = [first, *(value for _, value in ordered)]

    def at(self, moment: datetime) -> int:
        """Value of the last step at or before the moment."""
        return self._values[bisect_right(self._moments, moment)]

    def change_after(self, moment: datetime) -> datetime | None:
        """The next step."""
        place = bisect_right(self._moments, moment)
        return self._moments[place] if place < len(self._moments) else None


@dataclass(frozen=True, slots=True)
class DailyProfile:
    """The same day every day: equal slots from midnight UTC, each with its own noise.

    ``noise`` is the largest departure from a slot's value, up or down. It is drawn from ``seed``
    and the slot's place in time alone: asking twice, or in another order, gives the same answer.
    """

    slots: Sequence[int]
    noise: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.slots or DAY_S % len(self.slots):
            raise ValueError(f"{len(self.slots)} slots do not divide a day into whole seconds")

    def at(self, moment: datetime) -> int:
        """The slot's value with its noise."""
        number = self._slot_number(moment)
        value = self.slots[number % len(self.slots)]
        return value + self._noise_of(number) if self.noise else value

    def change_after(self, moment: datetime) -> datetime | None:
        """Start of the next slot."""
        return _EPOCH + (self._slot_number(moment) + 1) * self._slot_length

    @property
    def _slot_length(self) -> timedelta:
        return timedelta(seconds=DAY_S // len(self.slots))

    def _slot_number(self, moment: datetime) -> int:
        return (moment - _EPOCH) // self._slot_length

    def _noise_of(self, number: int) -> int:
        drawn = blake2b(f"{self.seed}/{number}".encode(), digest_size=8).digest()
        return int.from_bytes(drawn, "big") % (2 * self.noise + 1) - self.noise


@dataclass(frozen=True, slots=True)
class Sum:
    """Several signals together: a base load and the appliances on top of it."""

    parts: Sequence[Signal]

    def at(self, moment: datetime) -> int:
        """Sum of the parts."""
        return sum(part.at(moment) for part in self.parts)

    def change_after(self, moment: datetime) -> datetime | None:
        """The next change of any part."""
        return earliest(part.change_after(moment) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Another signal, but zero from the first to the second moment of each cut."""

    whole: Signal
    cuts: Sequence[tuple[datetime, datetime]]

    def at(self, moment: datetime) -> int:
        """The other signal's value, or zero."""
        if any(start <= moment < end for start, end in self.cuts):
            return 0
        return self.whole.at(moment)

    def change_after(self, moment: datetime) -> datetime | None:
        """The next change of the signal, or of its being there."""
        edges = (edge for cut in self.cuts for edge in cut if edge > moment)
        return earliest((self.whole.change_after(moment), *edges))


class Overridden:
    """Another signal, but what a script says while it says something.

    A step's value holds from its moment to the next step; None hands back to the other signal.
    """

    def __init__(self, whole: Signal, steps: Iterable[tuple[datetime, int | None]]) -> None:
        ordered = sorted(steps, key=lambda step: step[0])
        self._whole = whole
        self._moments = [moment for moment, _ in ordered]
        self._values = [None, *(value for _, value in ordered)]

    def at(self, moment: datetime) -> int:
        """The script's value, or the other signal's."""
        scripted = self._values[bisect_right(self._moments, moment)]
        return self._whole.at(moment) if scripted is None else scripted

    def change_after(self, moment: datetime) -> datetime | None:
        """The next step of the script, or change of what it lets through."""
        place = bisect_right(self._moments, moment)
        following = self._moments[place] if place < len(self._moments) else None
        if self._values[place] is not None:
            return following
        return earliest((following, self._whole.change_after(moment)))
