"""The electricity meter: a year of it, thirteen months in one Response, thirty days of a home."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bench.home import living_home
from bench.rig import VIRTUAL_START, Rig
from device.long_messages import parts_of
from device.store import MemoryStore, SqliteStore
from device.timeline import Timeline, run
from tests.esme.year import Life

Figure = tuple[str, float, str]
_NEW_YEAR: Final = datetime(2026, 1, 1, tzinfo=UTC)
_YEAR, _THIRTEEN_MONTHS = 365, 397
_HOME: Final[dict[str, object]] = {
    "hub": {"radio": "ether:"},
    "electricity_meter": {},
}
_IHD: Final = {"eui64": "00-DB-12-34-56-78-90-A7", "kind": "IHD"}
_BY_THE_HALF_HOUR: Final[dict[str, object]] = {
    f"{what}_poll_s": 1800 for what in ("electricity", "gas", "details")
}


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        yield from a_year(Path(folder), _YEAR)
        yield from thirteen_months(Path(folder))
    yield "30 days of a home: hub, ESME, GSME", a_home(30, None), "s"
    name = "10 days of a home: hub, ESME, GSME, IHD"
    yield f"{name} that looks each half hour", a_home(10, _BY_THE_HALF_HOUR), "s"
    yield "1 day of that home, IHD that looks each 10 s", a_home(1, {}), "s"


def a_year(folder: Path, days: int) -> Iterator[Figure]:
    """Load and voltage change each ten minutes, everything is kept in a file."""
    began = time.perf_counter()
    store = SqliteStore(folder / "rig.sqlite")
    life = Life(folder, store, _NEW_YEAR, days, seed=1)
    sizes = [_resident_mb() for _ in life.live()]
    yield "a year of a meter with 26 power cuts", time.perf_counter() - began, "s"
    yield "  memory after its first quarter", sizes[len(sizes) // 4], "MB"
    yield "  memory at its end", sizes[-1], "MB"
    yield (
        "  voltage entries that end where none may",
        len(life.illegal),
        f"of {len(life.voltage_ends)}",
    )
    register, profile = life.device.meter.readings.active_import_wh, life.half_hours()
    yield "  register less the sum of the half hours", register - sum(wh for _, wh in profile), "Wh"
    store.close()


def thirteen_months(folder: Path) -> Iterator[Figure]:
    """ECS22b: the command is checked, every half hour encrypted, the Response cut into blocks."""
    life = Life(folder, MemoryStore(), _NEW_YEAR, _THIRTEEN_MONTHS, seed=2)
    life.advance(life.start + timedelta(days=_THIRTEEN_MONTHS))
    command = life.half_hours_command()
    began = time.perf_counter()
    response = life.device.answer(command)
    assert response is not None
    blocks = len(parts_of(response))
    yield "ECS22b of thirteen months", time.perf_counter() - began, "s"
    yield "  blocks", blocks, f"of {len(response)} octets"


def a_home(days: float, display: dict[str, object] | None) -> float:
    """``display`` are settings of the IHD; None: there is no IHD."""
    displays = [] if display is None else [_IHD]
    settings = {"display": display} if display else {}
    rig = Rig.model_validate({**_HOME, "displays": displays, "settings": settings})
    timeline = Timeline(VIRTUAL_START)

    async def measure() -> float:
        async with living_home(rig, timeline):
            began = time.perf_counter()
            await timeline.sleep(timedelta(days=days))
            return time.perf_counter() - began

    return run(measure(), timeline)


def _resident_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform == "linux" else peak / 1024 / 1024
