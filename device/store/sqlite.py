"""A store in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from device.store.unit import Store, StoreError, Value


class SqliteStore(Store):
    """A store in one SQLite file (write-ahead log): one for a whole rig, for its owner's eyes.

    ``survive_power_loss`` waits for the disk at every commit; without it a killed process loses
    nothing either, only a machine without power may lose its last commits. ``alone`` says that
    devices live from this file: StoreError while others do, for their counters would repeat.
    """

    def __init__(
        self, path: Path, *, survive_power_loss: bool = False, alone: bool = False
    ) -> None:
        self._claim = _claim(path) if alone and str(path) != _IN_MEMORY else None
        try:
            self._file = _Sqlite(path, "FULL" if survive_power_loss else "NORMAL")
        except StoreError:
            self._release()
            raise
        super().__init__(self._file)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._file.close()
        self._release()

    def _release(self) -> None:
        if self._claim is not None:
            self._claim.close()


_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS item (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log (name TEXT, entry INTEGER, value BLOB NOT NULL,
    PRIMARY KEY (name, entry)) WITHOUT ROWID;
"""
_IN_MEMORY: Final = ":memory:"
_LAST_CODE_POINT: Final = "\U0010ffff"


def _claim(path: Path) -> sqlite3.Connection:
    """A lock beside the file; the machine lets go of it when the process ends, however it ends."""
    with _reported():
        claim = sqlite3.connect(f"{path}.lock", timeout=0, isolation_level=None)
    try:
        claim.execute("PRAGMA journal_mode = OFF")  # nothing is written
        claim.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as exc:
        claim.close()
        if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise StoreError(f"the lock beside the store's file: {exc}") from exc
        raise StoreError("another bench is using it") from exc
    return claim


class _Sqlite:
    def __init__(self, path: Path, synchronous: str) -> None:
        if str(path) != _IN_MEMORY:
            with suppress(OSError):  # SQLite says what is wrong with the path
                path.touch(mode=0o600)  # it will hold keys
        with _reported():
            self._connection = sqlite3.connect(path, isolation_level=None)
        try:
            with _reported():
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute(f"PRAGMA synchronous = {synchronous}")
                self._connection.executescript(_SCHEMA)
        except StoreError:
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def begin(self, depth: int) -> None:
        self._run(f"SAVEPOINT u{depth}" if depth else "BEGIN IMMEDIATE")

    def commit(self, depth: int) -> None:
        self._run(f"RELEASE u{depth}" if depth else "COMMIT")

    def rollback(self, depth: int) -> None:
        if depth:
            self._run(f"ROLLBACK TO u{depth}")
            self._run(f"RELEASE u{depth}")
        elif self._connection.in_transaction:
            self._run("ROLLBACK")

    def read(self, key: str) -> Value | None:
        rows = self._run("SELECT value FROM item WHERE key = ?", key)
        return rows[0][0] if rows else None

    def write(self, key: str, value: Value | None) -> None:
        if value is None:
            self._run("DELETE FROM item WHERE key = ?", key)
        else:
            self._run("INSERT OR REPLACE INTO item VALUES (?, ?)", key, value)

    def keys(self, prefix: str) -> list[str]:
        query = "SELECT key FROM item WHERE key >= ? AND key < ? ORDER BY key"
        return [str(row[0]) for row in self._run(query, prefix, prefix + _LAST_CODE_POINT)]

    def append(self, log: str, value: Value, keep: int) -> None:
        rows = self._run("SELECT coalesce(max(entry), 0) + 1 FROM log WHERE name = ?", log)
        entry = int(rows[0][0])
        self._run("INSERT INTO log VALUES (?, ?, ?)", log, entry, value)
        self._run("DELETE FROM log WHERE name = ? AND entry <= ?", log, entry - keep)

    def entries(self, log: str, newest: int | None) -> list[Value]:
        query = "SELECT value FROM log WHERE name = ? ORDER BY entry DESC LIMIT ?"
        rows = self._run(query, log, -1 if newest is None else newest)
        return [row[0] for row in reversed(rows)]

    def clear(self, log: str) -> None:
        self._run("DELETE FROM log WHERE name = ?", log)

    def _run(self, statement: str, *arguments: Value) -> list[tuple[Value, ...]]:
        with _reported():
            return self._connection.execute(statement, arguments).fetchall()


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        raise StoreError(f"the store's file: {exc}") from exc
