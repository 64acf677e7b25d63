"""Months of one meter on CSV files, with supply cuts at random instants."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from device.store import MemoryStore, SqliteStore
from gbcs.plain import Plain
from gbcs.rtds import RtdsFile
from tests.device.rig import MIDNIGHT, OPERATOR
from tests.esme import independent
from tests.esme.year import Life

SPRING, AUTUMN = datetime(2026, 3, 12, tzinfo=UTC), datetime(2026, 10, 8, tzinfo=UTC)
"""British clocks change on 29 March and on 25 October."""
_OBJECTS_OF_A_HALF_HOUR = 8
"""It is in four logs, and each entry is a tuple or two."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("start", "seed"), [(SPRING, 1), (AUTUMN, 2)])
def test_weeks_of_a_meter_add_up_and_every_voltage_period_ends_where_it_may(
    tmp_path: Path, start: datetime, seed: int
) -> None:
    store = SqliteStore(tmp_path / "rig.sqlite")
    life = Life(tmp_path, store, start, days=40, seed=seed)
    assert len(list(life.live())) == 5
    assert life.illegal == []
    assert len(life.voltage_ends) > 2_000
    half_hours = life.half_hours()
    assert sum(wh for _, wh in half_hours) == life.device.meter.readings.active_import_wh > 0
    ends = [end for end, _ in half_hours]
    assert ends == sorted(set(ends))
    assert all(end % independent.HALF_HOUR_S == 0 for end in ends)
    changed = next(day for day in (29, 25) if (start.month, day) in ((3, 29), (10, 25)))
    by_day = Counter((_EPOCH + timedelta(seconds=end - 1)).date() for end in ends)
    assert by_day[start.replace(day=changed).date()] == 48
    store.close()


def test_a_meter_keeps_nothing_but_its_logs(tmp_path: Path) -> None:
    life = Life(tmp_path, MemoryStore(), MIDNIGHT, days=30, seed=3)

    def objects_after(day: int) -> int:
        while life.now < MIDNIGHT + timedelta(days=day):
            life.advance(life.now + timedelta(hours=6))
        gc.collect()
        return len(gc.get_objects())

    objects_after(2)
    tenth, twentieth, thirtieth = (objects_after(day) for day in (10, 20, 30))
    in_ten_days = 10 * 48 * _OBJECTS_OF_A_HALF_HOUR
    assert twentieth - tenth < in_ten_days
    assert thirtieth - twentieth < in_ten_days


def test_the_independent_reader_reads_what_another_meter_sent(rtds_files: list[RtdsFile]) -> None:
    [response] = [
        file for file in rtds_files if file.name.startswith("ECS23_4.10_SUCCESS_RESPONSE")
    ]
    period_s, entries = independent.voltage_entries(response.octets)
    assert (period_s, len(entries)) == (3600, 49)
    assert entries[0] == (0x1C34A780, 0x51)
    assert {later - sooner for (sooner, _), (later, _) in pairwise(entries)} == {3600}
    assert all(independent.is_legal_end(end_s, period_s) for end_s, _ in entries)


def test_the_independent_script_names_an_entry_that_is_astray(tmp_path: Path) -> None:
    life = Life(tmp_path, MemoryStore(), MIDNIGHT, days=1, seed=4)
    life.configure(600)
    life.advance(MIDNIGHT + timedelta(hours=3))
    log = "Phase[1].AverageRMSVoltageProfileDataLog.buffer"
    limits: dict[str, Plain] = {
        f"{log}.from": "2015-01-01T00:00:00Z",
        f"{log}.to": "2015-01-01T03:00:00Z",
    }
    answer = life.ask("ECS23", OPERATOR, limits)
    assert read(answer, 600) == (0, "")
    code, told = read(answer, 1800)
    assert code == 1
    assert told.splitlines()[0].startswith("2015-01-01 00:10:00 ")


def read(answer: bytes, period_s: int) -> tuple[int, str]:
    """Run the script as somebody else would."""
    done = subprocess.run(
        [sys.executable, str(Path(independent.__file__)), str(period_s)],
        input=answer.hex() + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout
