"""The store as devices use it: parts of it, and transactions that nest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

Value = int | str | bytes
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_INT_LIMIT: Final = 1 << 63
_SEPARATOR: Final = "/"


class StoreError(Exception):
    """What was asked cannot be kept or read; nothing of the unit was kept."""


class Backend(Protocol):
    """Values by key and logs by name, with marks to go back to. Filled by memory and SQLite."""

    def begin(self, depth: int) -> None:
        """Set mark ``depth``; the first one starts a unit."""
        ...

    def commit(self, depth: int) -> None:
        """Drop the mark and keep the changes since; dropping the first one makes them durable."""
        ...

    def rollback(self, depth: int) -> None:
        """Undo every change since the mark, and drop it."""
        ...

    def read(self, key: str) -> Value | None:
        """Value of a key; None when there is none."""
        ...

    def write(self, key: str, value: Value | None) -> None:
        """Set or, with None, remove a key."""
        ...

    def keys(self, prefix: str) -> list[str]:
        """Keys that start with this text, in order."""
        ...

    def append(self, log: str, value: Value, keep: int) -> None:
        """Add to the end of a log and drop what is older than the newest ``keep`` entries."""
        ...

    def entries(self, log: str, newest: int | None) -> list[Value]:
        """Entries of a log, oldest first; only the newest ones when a number is given."""
        ...

    def clear(self, log: str) -> None:
        """Drop every entry of a log."""
        ...


class Transaction:
    """One atomic unit on a part of a store."""

    __slots__ = ("_backend", "_place", "_unit")

    def __init__(self, backend: Backend, place: str, unit: _Unit) -> None:
        self._backend = backend
        self._place = place
        self._unit = unit

    def get(self, key: str) -> Value | None:
        """Value of a key; None when there is none."""
        return self._backend.read(self._place + key)

    def get_int(self, key: str, default: int = 0) -> int:
        """Number of a key; StoreError when it holds something else."""
        value = self.get(key)
        if value is None:
            return default
        if not isinstance(value, int):
            raise StoreError(f"{self._place + key} holds no number")
        return value

    def put(self, key: str, value: Value) -> None:
        """Set a key; numbers are below 2**63 in size."""
        self._backend.write(self._place + key, _checked(value))

    def delete(self, key: str) -> None:
        """Remove a key, whether it is there or not."""
        self._backend.write(self._place + key, None)

    def keys(self, prefix: str = "") -> tuple[str, ...]:
        """Keys that start with this text, in order."""
        cut = len(self._place)
        return tuple(key[cut:] for key in self._backend.keys(self._place + prefix))

    def get_json(self, key: str) -> Json:
        """Structure of a key; None when there is none."""
        value = self.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise StoreError(f"{self._place + key} holds no structure")
        try:
            decoded: Json = json.loads(value)
        except ValueError as exc:
            raise StoreError(f"{self._place + key} holds no structure: {exc}") from exc
        return decoded

    def put_json(self, key: str, value: Json) -> None:
        """Set a key to a structure."""
        self.put(key, json.dumps(value, separators=(",", ":")))

    def append(self, log: str, value: Value, *, keep: int) -> None:
        """Add to the end of a log; what is older than the newest ``keep`` entries is dropped."""
        self._backend.append(self._place + log, _checked(value), keep)

    def entries(self, log: str, newest: int | None = None) -> tuple[Value, ...]:
        """Entries of a log, oldest first; only the newest ones when a number is given."""
        return tuple(self._backend.entries(self._place + log, newest))

    def clear(self, log: str) -> None:
        """Drop every entry of a log."""
        self._backend.clear(self._place + log)

    def on_commit(self, action: Callable[[], object]) -> None:
        """Do this once the whole unit is kept, in the order asked: publish, send, wake."""
        self._unit.after.append(action)

    def on_rollback(self, action: Callable[[], object]) -> None:
        """Do this if the block around is undone, last one first: put a model in memory back."""
        self._unit.undo.append(action)


class _Unit:
    """What hangs on the transactions that are open now."""

    __slots__ = ("after", "depth", "undo")

    def __init__(self) -> None:
        self.depth = 0
        self.after: list[Callable[[], object]] = []
        self.undo: list[Callable[[], object]] = []


class Store:
    """A store, or the part of one that belongs to a device."""

    def __init__(self, backend: Backend, place: str = "", unit: _Unit | None = None) -> None:
        self._backend = backend
        self._place = place
        self._unit = unit or _Unit()

    def scope(self, name: str) -> Store:
        """The part of the store with this name: its keys and logs are its own."""
        if not name or _SEPARATOR in name:
            raise StoreError(f"not a name for a part of a store: {name!r}")
        return Store(self._backend, self._place + name + _SEPARATOR, self._unit)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Do everything inside as one unit. StoreError when it cannot be kept."""
        unit, backend = self._unit, self._backend
        depth, undo, after = unit.depth, len(unit.undo), len(unit.after)
        backend.begin(depth)
        unit.depth += 1
        try:
            yield Transaction(backend, self._place, unit)
            backend.commit(depth)
        except BaseException:
            unit.depth = depth
            del unit.after[after:]
            self._undo(depth, undo)
            raise
        unit.depth = depth
        if depth == 0:
            self._finish()

    def _undo(self, depth: int, since: int) -> None:
        undo = self._unit.undo[since:]
        del self._unit.undo[since:]
        try:
            self._backend.rollback(depth)
        finally:
            for action in reversed(undo):
                action()

    def _finish(self) -> None:
        actions, self._unit.after, self._unit.undo = self._unit.after, [], []
        for action in actions:
            action()


def _checked(value: Value) -> Value:
    if isinstance(value, int) and not -_INT_LIMIT <= value < _INT_LIMIT:
        raise StoreError("a number of a store is below 2**63 in size")
    return value
