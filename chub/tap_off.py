"""Buffered commands (TOM): what the gas meter executed is handed to the gas proxy, too.

The hub keeps each such command that it takes for a gas meter. When the meter puts the Response to
it, both go to the proxy as one. What is kept outlives the hub's process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from device.store import Store
from gbcs.catalogue import by_code
from gbcs.envelope import Cra, Message
from gbcs.errors import MalformedMessage
from gbcs.eui64 import format_eui64

_PREFIX: Final = "tap-off/"
MOST_KEPT: Final = 32
"""Commands kept for one meter; the oldest makes room. A mailbox holds no more."""

Tapped = Callable[[Message, Message], object]
"""Takes a command and its Response."""
Overheard = Callable[[Message], object]
"""Takes an alert that a gas meter raised."""


class TapOffs:
    """The buffered commands of one hub. ``tapped`` and ``overheard`` are the proxy's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.tapped: Tapped = lambda command, response: None
        self.overheard: Overheard = lambda alert: None

    def keep(self, command: Message, octets: bytes) -> None:
        """Keep a command for a gas meter, if the proxy is to have it."""
        use_case = by_code(command.message_code)
        if use_case is None or not use_case.tap_off or command.cra is not Cra.COMMAND:
            return
        place = _place(command.recipient)
        with self._store.transaction() as unit:
            unit.put(f"{place}{unit.get_int(_NEXT):012d}", octets)
            unit.put(_NEXT, unit.get_int(_NEXT) + 1)
            for key in unit.keys(place)[:-MOST_KEPT]:
                unit.delete(key)

    def heard(self, peer: int, message: Message) -> None:
        """Look at what a device put: hand a Response over with its command, and alerts."""
        if message.originator != peer:
            return
        if message.cra is Cra.ALERT:
            self.overheard(message)
            return
        with self._store.transaction() as unit:
            for key in unit.keys(_place(peer)):
                held = unit.get(key)
                command = _command(held)
                if command is not None and message.answers(command):
                    unit.delete(key)
                    self.tapped(command, message)
                    return

    def forget(self, peer: int) -> None:
        """Drop what is kept for a meter that left."""
        with self._store.transaction() as unit:
            for key in unit.keys(_place(peer)):
                unit.delete(key)


_NEXT: Final = "tap-off-next"


def _place(peer: int) -> str:
    return f"{_PREFIX}{format_eui64(peer)}/"


def _command(held: object) -> Message | None:
    try:
        return Message.parse(held) if isinstance(held, bytes) else None
    except MalformedMessage:
        return None
