"""How far a time of its own has come in a bench, kept in its store: it never goes back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from device.store import Store, StoreError
from device.timeline import Timeline

if TYPE_CHECKING:
    from bench.rig import Rig

PERIOD: Final = timedelta(minutes=5)
"""How often the time is kept. A killed bench goes on as much later than what was kept last."""
_KEY: Final = "reached"


def resumed_start(rig: Rig, start: datetime) -> datetime:
    """Where time goes on: ``start``, unless the rig's store has been further already."""
    from bench.parts import open_store

    if rig.store is None or not rig.store.exists():
        return start
    store = open_store(rig)
    try:
        reached = _reached(_part(store))
    finally:
        store.close()
    return start if reached is None else max(start, reached)


async def keep_elapsed(store: Store, timeline: Timeline) -> None:
    """Keep the time until cancelled; from the beginning, so that no restart comes before it."""
    part = _part(store)
    while True:
        with part.transaction() as unit:
            unit.put(_KEY, (timeline.now() + PERIOD).isoformat())
        await timeline.sleep(PERIOD)


def _part(store: Store) -> Store:
    return store.scope("bench time")


def _reached(part: Store) -> datetime | None:
    with part.transaction() as unit:
        held = unit.get(_KEY)
    if held is None:
        return None
    try:
        return datetime.fromisoformat(str(held))
    except ValueError as error:
        raise StoreError(f"not the time of a bench: {held!r}") from error
