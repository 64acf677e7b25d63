"""Future-dated values: a passive value becomes the active one at its activation time.

Each activation time is an attribute of its own. Setting it to "now" activates at once, to "never"
cancels; a later command supersedes an earlier one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from device.cosem.settings import Settings
from device.cosem.table import Place
from gbcs.dlms import values as v
from gbcs.dlms.data import Data
from gbcs.stamp import NEVER, Stamp

ACTIVATED: Final = 0x8F66


@dataclass(frozen=True, slots=True)
class Copy:
    """What becomes active; ``listed`` when the active attribute is an array of that one value."""

    passive: Place
    active: Place
    listed: bool = False

    def active_value(self, passive_value: Data) -> Data:
        """The value in the form of the active attribute."""
        return v.array(passive_value) if self.listed else passive_value


@dataclass(frozen=True, slots=True)
class Pending:
    """An activation to come: when (UTC), and which command asked for it."""

    at: datetime
    message_code: int
    originator_counter: int

    def content(self, when: Place) -> bytes:
        """What the alert of its execution carries: the command and the activation time's place."""
        return b"".join(
            (
                self.message_code.to_bytes(2, "big"),
                self.originator_counter.to_bytes(8, "big"),
                when.class_id.to_bytes(2, "big"),
                when.logical_name,
                when.member.to_bytes(1, "big"),
            )
        )


def _table() -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    for element, special in (("0", "29"), ("1", "30")):
        table = f"20/0-0:13.0.{element}.255"
        yield f"{table}/10", tuple((f"{table}/{n + 4}", f"{table}/{n}") for n in (3, 4, 5))
        yield f"9000/0-0:94.44.128.{special}/6", (_twin(11, f"11.0.{element}"),)
    yield "9000/0-0:94.44.128.31/6", (_twin(11, "11.0.2"),)
    yield "9000/0-0:94.44.128.35/6", (_twin(11, "11.0.3"),)
    yield "9000/0-0:94.44.128.28/6", (_twin(10, "12.0.1"),)
    yield "9000/0-0:94.44.128.26/6", (_twin(10, "12.0.2"),)
    yield (
        "9000/0-0:63.1.1.255/6",
        tuple((f"21/0-0:16.1.{n}.255/2", f"21/0-0:16.0.{n}.255/2") for n in range(11, 19)),
    )
    for charge in ("0", "4", "5"):
        name = f"113/0-0:19.20.{charge}.255"
        yield f"{name}/7", ((f"{name}/6", f"{name}/5"),)
    passive, active = "111/0-1:19.0.0.255", "111/0-0:19.0.0.255"
    yield f"{passive}/13", tuple((f"{passive}/{n}", f"{active}/{n}") for n in (2, 11))
    for name in ("94.44.0.3", "94.44.2.0", "94.44.2.10", "94.44.2.20"):
        yield f"9000/0-0:{name}/6", ((f"9000/0-0:{name}/4", f"9000/0-0:{name}/2"),)
    for number, target in _ELSEWHERE.items():
        name = f"9000/0-0:94.44.128.{number}"
        yield f"{name}/6", ((f"{name}/4", target),)


def _twin(class_id: int, name: str) -> tuple[str, str]:
    """Calendars and special days keep the passive one under 0-1."""
    return f"{class_id}/0-1:{name}.255/2", f"{class_id}/0-0:{name}.255/2"


_ELSEWHERE: Final = {
    2: "112/0-0:19.10.1.255/9",
    3: "112/0-0:19.10.1.255/10",
    6: "71/0-0:17.0.0.255/6",
    7: "71/0-0:17.0.0.255/4",
    8: "71/0-0:17.0.0.255/7",
    9: "111/0-0:19.0.0.255/16",
    12: "111/0-0:19.0.0.255/18",
    13: "111/0-0:19.0.0.255/19",
    22: "21/0-0:16.0.1.255/2",
}
"""Extended data 94.44.128.n and the attribute of another object that its value becomes."""
_LISTED: Final = Place.parse("21/0-0:16.0.1.255/2")


def _copies(pairs: tuple[tuple[str, str], ...]) -> tuple[Copy, ...]:
    places = ((Place.parse(passive), Place.parse(active)) for passive, active in pairs)
    return tuple(Copy(passive, active, active == _LISTED) for passive, active in places)


ACTIVATIONS: Final = {Place.parse(when): _copies(pairs) for when, pairs in _table()}
"""By place of the activation time: what it activates."""


class FutureDating:
    """The activations of one meter, ``pending`` by the place of their activation time.

    ``before`` is told what is about to be activated.
    """

    def __init__(
        self,
        pending: Callable[[], dict[Place, Pending]],
        settings: Settings,
        before: Callable[[Place], object],
    ) -> None:
        self._pending = pending
        self._settings = settings
        self._before = before

    def schedule(self, when: Place, time: Stamp, pending: Pending, now: datetime) -> bool:
        """Take an activation time: True when it is now, or has passed, and was done at once."""
        self._pending().pop(when, None)
        if time.octets[:11] == NEVER.octets[:11]:
            return False
        if pending.at <= now:
            self.activate(when)
            return True
        self._pending()[when] = pending
        return False

    def activate(self, when: Place) -> None:
        """Make passive values active; those that were never set leave the active ones alone."""
        self._before(when)
        for copy in ACTIVATIONS[when]:
            value = self._settings.find(copy.passive)
            if value is not None:
                self._settings.put(copy.active, copy.active_value(value))

    def next_after(self) -> datetime | None:
        """When the next activation is due."""
        return min((pending.at for pending in self._pending().values()), default=None)

    def activate_due(self, own: datetime) -> Iterator[tuple[Place, Pending]]:
        """Activate what is due, in the order in which it was asked for."""
        pending = self._pending()
        for when in [when for when, each in pending.items() if own >= each.at]:
            due = pending.pop(when)
            self.activate(when)
            yield when, due
