"""A store in a file whose process dies between two operations, or in the middle of a commit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from device.store import SqliteStore, Store
from device.store.unit import Backend, Value


class Killed(BaseException):
    """The process is gone, in the middle of what it did."""


class Counting:
    """A backend that counts what is done to it, and dies when it is told to.

    Place 2n is before operation n, place 2n + 1 after it. ``die`` gets the share of a commit's
    writing that had reached the file, None when all of it had.
    """

    def __init__(self, inner: Backend, die: Callable[[float | None], None] | None = None) -> None:
        self._inner = inner
        self._die = die
        self._place: int | None = None
        self._torn: float | None = None
        self.done = 0
        self.dead = False
        self.before_commit: Callable[[], object] = lambda: None

    def arm(self, place: int | None, torn: float | None = None) -> None:
        """Count from here, and die at a place; a commit that died after it may be ``torn``."""
        self.done, self._place, self._torn = 0, place, torn

    def begin(self, depth: int) -> None:
        self._do(lambda: self._inner.begin(depth))

    def commit(self, depth: int) -> None:
        if depth == 0:
            self.before_commit()
        self._do(lambda: self._inner.commit(depth), durable=depth == 0)

    def rollback(self, depth: int) -> None:
        if not self.dead:
            self._inner.rollback(depth)

    def write(self, key: str, value: Value | None) -> None:
        self._do(lambda: self._inner.write(key, value))

    def append(self, log: str, value: Value, keep: int) -> None:
        self._do(lambda: self._inner.append(log, value, keep))

    def clear(self, log: str) -> None:
        self._do(lambda: self._inner.clear(log))

    def read(self, key: str) -> Value | None:
        return self._inner.read(key)

    def keys(self, prefix: str) -> list[str]:
        return self._inner.keys(prefix)

    def entries(self, log: str, newest: int | None) -> list[Value]:
        return self._inner.entries(log, newest)

    def _do(self, action: Callable[[], None], *, durable: bool = False) -> None:
        if self.dead:  # nothing that is undone on the way out reaches the file
            raise Killed
        number, self.done = self.done, self.done + 1
        self._reach(2 * number, None)
        action()
        self._reach(2 * number + 1, self._torn if durable else None)

    def _reach(self, place: int, torn: float | None) -> None:
        if place == self._place and self._die is not None:
            self.dead = True
            self._die(torn)
            raise Killed


class Careless(Counting):
    """A backend without units: every operation is kept at once, none is undone."""

    def begin(self, depth: int) -> None:
        self._do(lambda: None)

    def commit(self, depth: int) -> None:
        self._do(lambda: None)

    def rollback(self, depth: int) -> None:
        """What was done stays done."""


class DyingStore(Store):
    """A store in one SQLite file of a folder, ``number`` lives after the first."""

    def __init__(self, folder: Path, number: int = 0, counting: type[Counting] = Counting) -> None:
        self._folder, self._number, self._counting = folder, number, counting
        self._sqlite = SqliteStore(self._file(number))
        self._written = 0
        self._tears = False
        self.backend = counting(self._sqlite._backend, self._keep_what_is_left)
        self.backend.before_commit = self._measure
        super().__init__(self.backend)

    def arm(self, place: int | None, torn: float | None = None) -> None:
        """Die at this place of what comes next."""
        self._tears = torn is not None
        self.backend.arm(place, torn)

    def again(self) -> DyingStore:
        """The store as a new process finds it."""
        self._sqlite.close()
        for file in self._folder.glob(f"{self._number}.sqlite*"):
            file.unlink()
        return DyingStore(self._folder, self._number + 1, self._counting)

    def close(self) -> None:
        self._sqlite.close()

    def _file(self, number: int) -> Path:
        return self._folder / f"{number}.sqlite"

    @property
    def _before_commit(self) -> Path:
        return self._folder / "before-commit"

    def _journal(self, number: int) -> Path:
        return self._folder / f"{number}.sqlite-wal"

    def _measure(self) -> None:
        """How long the journal is before a commit: less than that is never lost.

        What a commit moves from the journal to the file it moves when the journal is whole.
        """
        journal = self._journal(self._number)
        self._written = journal.stat().st_size if journal.exists() else 0
        if self._tears:
            shutil.copyfile(self._file(self._number), self._before_commit)

    def _keep_what_is_left(self, torn: float | None) -> None:
        """Copy the files as they are: a dead process closes nothing."""
        following = self._number + 1
        present = self._file(self._number) if torn is None else self._before_commit
        shutil.copyfile(present, self._file(following))
        journal = self._journal(self._number)
        if not journal.exists():
            return
        octets = journal.read_bytes()
        if torn is not None and len(octets) > self._written:
            octets = octets[: self._written + int(torn * (len(octets) - self._written))]
        self._journal(following).write_bytes(octets)
