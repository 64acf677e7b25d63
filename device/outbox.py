"""What a device has to tell the remote parties, kept until it is known to have arrived.

A message goes into the outbox in the unit of its cause (the log entry, the effect of a command) and
leaves it when whoever carries it says so. A device that is killed in between finds it there again
and sends it once more, octet for octet: a receiver knows the second one by its originator counter.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from device.store import Store, StoreError

_LOG: Final = logging.getLogger(__name__)
_PREFIX: Final = "outbox/"

Offer = Callable[[bytes], object]
"""Takes a message there and then, so that it need not wait any more; False when it does not."""


def _nobody() -> None:
    """Nobody carries anything yet."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One message; the numbers of one outbox ascend."""

    number: int
    octets: bytes


class Outbox:
    """The outbox of one device: messages in order, the oldest first.

    One carrier either watches it and says :meth:`delivered` or :meth:`refused`, or takes what it is
    offered (:meth:`hand_to`). Of more than ``places`` messages the oldest is dropped, and so is one
    that was refused ``tries`` times, lest all others wait behind it; ``dropped`` hears why.
    """

    def __init__(
        self, store: Store, places: int, tries: int, dropped: Callable[[bytes, str], object]
    ) -> None:
        self._store, self._places, self._tries, self._dropped = store, places, tries, dropped
        self._refusals = (0, 0)  # number of the message that was refused last, and how often
        self._tell: Callable[[], object] = _nobody
        self._offer: Offer | None = None
        with store.transaction() as unit:
            self._waiting = {_number(key): _octets(unit.get(key)) for key in unit.keys(_PREFIX)}
        self._next = self.newest + 1

    # -- the device's side -----------------------------------------------------------------------

    def put(self, octets: bytes) -> None:
        """Keep a message with the open unit, and let it go once the unit is kept."""
        number, self._next = self._next, self._next + 1
        with self._store.transaction() as unit:
            unit.put(_key(number), octets)
            unit.on_commit(lambda: self._put(number, octets))

    def forward(self, octets: bytes) -> None:
        """Pass on what came from elsewhere: it is kept only if it is not taken at once."""
        if self._offer is None or self._offer(octets) is False:
            self.put(octets)

    # -- the carrier's side ----------------------------------------------------------------------

    @property
    def first(self) -> Waiting | None:
        """The message to be carried next."""
        return next((Waiting(*one) for one in self._waiting.items()), None)

    @property
    def newest(self) -> int:
        """Number of the message that came last of those that wait; 0 when none does."""
        return next(reversed(self._waiting), 0)

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._waiting)

    def watch(self, tell: Callable[[], object]) -> None:
        """Carry the messages: ``tell`` is called whenever there is a new one."""
        self._tell = tell

    def hand_to(self, offer: Offer) -> None:
        """Offer each message once when it is kept, and those that were not taken at a flush."""
        self._offer = offer
        self._tell = _nobody
        self.flush()

    def flush(self) -> None:
        """Offer everything that waits, in order."""
        for number, octets in tuple(self._waiting.items()):
            self._hand_over(number, octets)

    def delivered(self, number: int) -> None:
        """A message has arrived."""
        if self._waiting.pop(number, None) is None:
            return
        try:
            with self._store.transaction() as unit:
                unit.delete(_key(number))
        except StoreError as exc:  # it will be sent again should the device be killed, no more
            _LOG.warning("a delivered message is still kept: %s", exc)

    def refused(self, number: int, reason: str) -> None:
        """A message arrived and was not wanted; it waits for another try, or is given up."""
        last, times = self._refusals
        times = times + 1 if last == number else 1
        self._refusals = number, times
        if times >= self._tries and number in self._waiting:
            self._drop(number, f"refused {times} times: {reason}")

    # -- parts -----------------------------------------------------------------------------------

    def _put(self, number: int, octets: bytes) -> None:
        self._waiting[number] = octets
        self._hand_over(number, octets)
        self._tell()
        while len(self._waiting) > self._places:
            self._drop(next(iter(self._waiting)), "too many wait")

    def _drop(self, number: int, reason: str) -> None:
        octets = self._waiting[number]
        self.delivered(number)
        self._dropped(octets, reason)

    def _hand_over(self, number: int, octets: bytes) -> None:
        try:
            taken = self._offer is not None and self._offer(octets) is not False
        except StoreError as exc:
            _LOG.warning("a message waits, for who should keep it cannot: %s", exc)
            return
        if taken:
            self.delivered(number)


def _key(number: int) -> str:
    return f"{_PREFIX}{number:012d}"


def _number(key: str) -> int:
    return int(key.removeprefix(_PREFIX))


def _octets(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise StoreError("an outbox holds something that is no message")
    return value
