"""A device's state as one plain structure in its store, so that it survives being killed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Generic, TypeVar

from device.plain import dump, load, put_back
from device.store import Store, StoreError
from gbcs.errors import LocalError

M = TypeVar("M")


class KeptState(Generic[M]):
    """Keeps one dataclass of plain values, and puts it back when what changed it is undone.

    What is kept from before is recalled at once, in place. StoreError when it cannot be read.
    """

    def __init__(self, model: M, store: Store, key: str) -> None:
        self._model, self._store, self._key = model, store, key
        with store.transaction() as unit:
            kept = unit.get_json(key)
        self._kept = None if kept is None else _text(kept)
        if self._kept is not None:
            self._recall(self._kept)

    def save(self) -> None:
        """Keep what changed, as part of the open unit when there is one."""
        text = _text(dump(self._model))
        if text == self._kept:
            return
        before, self._kept = self._kept, text
        with self._store.transaction() as unit:
            unit.on_rollback(lambda: self._forget(before))
            unit.put(self._key, text)

    def undo_point(self) -> Callable[[], None]:
        """What puts the model back as it is now."""
        text = _text(dump(self._model))
        return lambda: self._recall(text)

    def _forget(self, before: str | None) -> None:
        self._kept = before

    def _recall(self, text: str) -> None:
        try:
            put_back(self._model, load(type(self._model), json.loads(text)))
        except (LocalError, ValueError) as exc:
            raise StoreError(f"what is kept as {self._key} cannot be read: {exc}") from exc


def _text(plain: object) -> str:
    return json.dumps(plain, separators=(",", ":"))
