"""A store in memory, for tests and for rigs that forget."""

from __future__ import annotations

from collections.abc import Callable

from device.store.unit import Store, Value


class MemoryStore(Store):
    """A store that lasts as long as the process."""

    def __init__(self) -> None:
        super().__init__(_Memory())

    def close(self) -> None:
        """Nothing to close; there for the sake of the other store."""


class _Memory:
    def __init__(self) -> None:
        self._values: dict[str, Value] = {}
        self._logs: dict[str, list[Value]] = {}
        self._undo: list[Callable[[], object]] = []
        self._marks: list[int] = []

    def begin(self, depth: int) -> None:
        del depth
        self._marks.append(len(self._undo))

    def commit(self, depth: int) -> None:
        self._marks.pop()
        if depth == 0:
            self._undo.clear()

    def rollback(self, depth: int) -> None:
        del depth
        mark = self._marks.pop()
        for action in reversed(self._undo[mark:]):
            action()
        del self._undo[mark:]

    def read(self, key: str) -> Value | None:
        return self._values.get(key)

    def write(self, key: str, value: Value | None) -> None:
        before = self._values.get(key)
        self._undo.append(lambda: self._set(key, before))
        self._set(key, value)

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self._values if key.startswith(prefix))

    def append(self, log: str, value: Value, keep: int) -> None:
        entries = self._logs.setdefault(log, [])
        entries.append(value)
        dropped = entries[: max(len(entries) - keep, 0)]
        del entries[: len(dropped)]
        self._undo.append(lambda: self._unappend(log, dropped))

    def entries(self, log: str, newest: int | None) -> list[Value]:
        entries = self._logs.get(log, [])
        return entries[max(len(entries) - newest, 0) :] if newest is not None else list(entries)

    def clear(self, log: str) -> None:
        before = self._logs.pop(log, [])
        self._undo.append(lambda: self._logs.update({log: before}))

    def _set(self, key: str, value: Value | None) -> None:
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value

    def _unappend(self, log: str, dropped: list[Value]) -> None:
        entries = [*dropped, *self._logs[log]]
        del entries[-1]
        self._logs[log] = entries
