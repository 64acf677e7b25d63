"""The gas meter's memory: its state in the store, so that it survives being killed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from device.plain import dump, load, put_back
from device.store import Store, StoreError
from gbcs.errors import LocalError
from gsme.model import GasMeterModel

_STATE: Final = "gas meter"


class Memory:
    """Keeps one model, and puts it back when what changed it is undone."""

    def __init__(self, model: GasMeterModel, store: Store) -> None:
        self._model, self._store = model, store
        with store.transaction() as unit:
            kept = unit.get_json(_STATE)
        self._kept = None if kept is None else _text(kept)
        if kept is not None:
            self._recall(self._kept)

    def save(self) -> None:
        """Keep what changed, as part of the open unit when there is one."""
        text = _text(dump(self._model))
        if text == self._kept:
            return
        before, self._kept = self._kept, text
        with self._store.transaction() as unit:
            unit.on_rollback(lambda: self._forget(before))
            unit.put(_STATE, text)

    def undo_point(self) -> Callable[[], None]:
        """What puts the model back as it is now."""
        text = _text(dump(self._model))
        return lambda: self._recall(text)

    def _forget(self, before: str | None) -> None:
        self._kept = before

    def _recall(self, text: str | None) -> None:
        if text is None:
            return
        try:
            put_back(self._model, load(GasMeterModel, json.loads(text)))
        except (LocalError, ValueError) as exc:
            raise StoreError(f"the gas meter's memory cannot be read: {exc}") from exc


def _text(plain: object) -> str:
    return json.dumps(plain, separators=(",", ":"))
