"""Commands in ASN.1 that are executed later: one waits for each message code.

A newer command of the same code takes the place of one that waits, or cancels it. What waits is the
command as it was received, kept in the store.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from device.store import Store, StoreError
from gbcs.envelope import Message
from han.deadlines import first_due

NEVER: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""Execution time that cancels what waits."""
_PREFIX: Final = "waits:"


class FutureCommands:
    """The commands of one device that wait for their time on its own clock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[int, tuple[datetime, Message]] = {}
        with store.transaction() as unit:
            for key in unit.keys(_PREFIX):
                self._take(key, unit.get(key))

    @property
    def next_due(self) -> datetime | None:
        """When the first one is due, by the device's own clock; None when none waits."""
        return first_due(self._waiting.values(), lambda waiting: waiting[0])

    def schedule(self, message: Message, due: datetime) -> None:
        """Let a command wait, in place of an earlier one of its code."""
        with self._store.transaction() as unit:
            unit.on_rollback(self._undo())
            unit.put(f"{_PREFIX}{message.message_code:04X}", f"{due.isoformat()} {_hex(message)}")
        self._waiting[message.message_code] = due, message

    def cancel(self, message_code: int) -> None:
        """Forget what waits of a message code."""
        with self._store.transaction() as unit:
            unit.on_rollback(self._undo())
            unit.delete(f"{_PREFIX}{message_code:04X}")
        self._waiting.pop(message_code, None)

    def take_due(self, own: datetime) -> Message | None:
        """Take the first command whose time has come; None when there is none."""
        due = [(at, code) for code, (at, _) in self._waiting.items() if at <= own]
        if not due:
            return None
        _, code = min(due)
        message = self._waiting[code][1]
        self.cancel(code)
        return message

    def _undo(self) -> _Restore:
        return _Restore(self._waiting, dict(self._waiting))

    def _take(self, key: str, held: object) -> None:
        if not isinstance(held, str):
            raise StoreError(f"{key} holds no command")
        due, octets = held.split(" ")
        message = Message.parse(bytes.fromhex(octets))
        self._waiting[message.message_code] = datetime.fromisoformat(due), message


class _Restore:
    """Puts what waits back as it was."""

    def __init__(
        self,
        waiting: dict[int, tuple[datetime, Message]],
        before: dict[int, tuple[datetime, Message]],
    ) -> None:
        self._waiting, self._before = waiting, before

    def __call__(self) -> None:
        self._waiting.clear()
        self._waiting.update(self._before)


def _hex(message: Message) -> str:
    return message.to_bytes().hex()
