"""Logs of fixed capacity: the oldest entry makes room for the newest."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from device.plain import KeptApart

E = TypeVar("E")


@dataclass(slots=True)
class Log(KeptApart, Generic[E]):
    """Entries in the order of their arrival, each under the meter's own time (None: it had none).

    With ``unique`` a time holds one entry: after a clock was put back, what the first pass recorded
    stands and the second pass adds nothing under the same times.
    """

    capacity: int
    unique: bool = False
    entries: deque[tuple[datetime | None, E]] = field(default_factory=deque)
    unsaved: deque[tuple[datetime | None, E]] = field(init=False, compare=False)
    """Entries that no store holds yet."""
    cleared: bool = field(default=False, compare=False)
    """Whether what a store holds from before is void."""
    appended: int = field(default=0, compare=False)
    """How many entries were ever added, for :meth:`take_back`."""
    _taken: set[datetime | None] = field(default_factory=set)
    _left: deque[tuple[datetime | None, E]] = field(init=False, compare=False)
    """What made room for entries that no store holds yet."""

    def __post_init__(self) -> None:
        """Remember no more of what is not saved than there are places."""
        self.unsaved, self._left = deque(maxlen=self.capacity), deque(maxlen=self.capacity)

    def append(self, at: datetime | None, entry: E) -> bool:
        """Add an entry; False when its time is taken already."""
        if self.unique:
            if at in self._taken:
                return False
            self._taken.add(at)
        self.entries.append((at, entry))
        self.unsaved.append((at, entry))
        self.appended += 1
        if len(self.entries) > self.capacity:
            oldest = self.entries.popleft()
            self._taken.discard(oldest[0])
            self._left.append(oldest)
        return True

    def take_back(self, appended: int) -> None:
        """Drop the newest entries, down to this many ever added; what made room is back."""
        for _ in range(min(self.appended - appended, len(self.unsaved), len(self.entries))):
            at, _ = self.entries.pop()
            self.unsaved.pop()
            self._taken.discard(at)
            if self._left:
                oldest = self._left.pop()
                self.entries.appendleft(oldest)
                self._taken.update({oldest[0]} if self.unique else ())
        self.appended = appended

    def holds(self, at: datetime) -> bool:
        """Whether a unique log has an entry of this time."""
        return at in self._taken

    def between(
        self, start: datetime | None, end: datetime | None
    ) -> Iterator[tuple[datetime | None, E]]:
        """Entries from ``start`` to ``end``, both included; None leaves an end open.

        An entry without a time is later than any that has one.
        """
        for at, entry in self.entries:
            if at is None:
                inside = end is None
            else:
                inside = (start is None or at >= start) and (end is None or at <= end)
            if inside:
                yield at, entry

    def clear(self) -> None:
        """Forget every entry."""
        self.entries.clear()
        self._taken.clear()
        self.saved()
        self.cleared = True

    def saved(self) -> None:
        """A store holds everything now."""
        self.unsaved.clear()
        self._left.clear()
        self.cleared = False

    def __len__(self) -> int:
        return len(self.entries)
