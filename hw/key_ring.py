"""Every key that was used on one air, so that a capture of it can be opened afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator

NO_KEY = bytes(16)
KeyHeard = Callable[[bytes], object]


class KeyRing:
    """Network and link keys in the order in which they came into use, each of them once."""

    def __init__(self) -> None:
        self._keys: dict[bytes, None] = {}
        self._watchers: list[KeyHeard] = []

    def __iter__(self) -> Iterator[bytes]:
        return iter(tuple(self._keys))

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"KeyRing({len(self._keys)} keys)"

    def note(self, key: bytes) -> None:
        """A node uses this key from now on."""
        if key != NO_KEY and key not in self._keys:
            self._keys[key] = None
            for watcher in tuple(self._watchers):
                watcher(key)

    def watch(self, watcher: KeyHeard) -> Callable[[], None]:
        """Call with every key that is new from now on; the result ends that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)
