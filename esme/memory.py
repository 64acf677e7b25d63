"""The meter's memory: what it keeps, in its store, so that it survives being killed.

Registers and settings are one structure; logs grow entry by entry. Since the terminals are a
function of time, a meter that comes back measures what happened while it was away.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from datetime import datetime
from typing import Final

from device.cosem.settings import Settings
from device.plain import dump, load, members_with_logs
from device.store import Json, Store, StoreError, Transaction
from esme.kept import Kept
from esme.metering.log import Log
from esme.own_time import OwnTime
from gbcs.errors import GbcsError

_STATE: Final = "meter"


@dataclass(frozen=True, slots=True)
class Remembered:
    """A meter as it was last saved, at the true time and by the clock of ``time``."""

    kept: Kept
    time: OwnTime
    settings: Settings


@dataclass(frozen=True, slots=True)
class _State:
    kept: Kept
    time: OwnTime


class Memory:
    """One meter's part of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def recall(self) -> Remembered | None:
        """What was saved; None when nothing was. StoreError when it cannot be read."""
        with self._store.transaction() as unit:
            plain = unit.get_json(_STATE)
            if plain is None:
                return None
            try:
                state = load(_State, plain)
                for name, log in logs_of(state.kept):
                    _refill(log, unit.entries(name))
                return Remembered(state.kept, state.time, Settings.stored(unit))
            except (GbcsError, ValueError, TypeError) as exc:
                raise StoreError(f"the meter's memory cannot be read: {exc}") from exc

    def save(self, kept: Kept, time: OwnTime, settings: Settings) -> None:
        """Keep everything that changed, as part of the open unit when there is one."""
        with self._store.transaction() as unit:
            unit.put_json(_STATE, dump(_State(kept, time)))
            for name, log in logs_of(kept):
                _append(unit, name, log)
            settings.store(unit)
            unit.on_commit(_all_saved(kept, settings))


def logs_of(value: object, name: str = "log:meter") -> Iterator[tuple[str, Log[object]]]:
    """Every log below a value, by its path."""
    if isinstance(value, Log):
        yield name, value
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from logs_of(each, f"{name}.{number}")
    elif is_dataclass(value) and not isinstance(value, type):
        for member in members_with_logs(type(value)):
            yield from logs_of(getattr(value, member), f"{name}.{member}")


def _append(unit: Transaction, name: str, log: Log[object]) -> None:
    if log.cleared:
        unit.clear(name)
    for at, entry in log.unsaved:
        unit.append(name, json.dumps([dump(at), dump(entry)]), keep=log.capacity)


def _refill(log: Log[object], entries: tuple[object, ...]) -> None:
    for text in entries:
        at, entry = json.loads(str(text))
        log.append(None if at is None else datetime.fromisoformat(at), _entry(entry))
    log.saved()


def _entry(plain: Json) -> object:
    """Entries are numbers, or rows of numbers and of rows."""
    return tuple(_entry(each) for each in plain) if isinstance(plain, list) else plain


def _all_saved(kept: Kept, settings: Settings) -> Callable[[], None]:
    def note() -> None:
        settings.keep()
        for _, log in logs_of(kept):
            log.saved()

    return note
