"""What a meter remembers after it was killed at any moment."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.plain import dump, load
from device.store import MemoryStore, SqliteStore, StoreError
from esme.kept import Kept
from esme.physics.signal import DailyProfile
from esme.physics.site import Phase, Site
from gbcs.dlms import values as v
from gbcs.errors import LocalError
from gbcs.stamp import Stamp
from tests.esme.bench import DAY, at, volts
from tests.esme.rig import MeterRig


def site() -> Site:
    load_mw = DailyProfile([350_000, 900_000, 2_500_000, 600_000] * 6, noise=300_000, seed=3)
    voltage = volts(230, (at("13:10"), 0), (at("13:25"), 230), (at("16:00"), 270))
    return Site((Phase(voltage, load_mw),))


def commanded(rig: MeterRig) -> None:
    """Some of everything that can be changed."""
    rig.set("7/1-0:32.24.0.255/4", v.u32(600))
    rig.set("1/1-0:32.35.0.4/2", v.u32(264))
    rig.set("71/0-0:17.0.1.255/4", v.u32(260))
    rig.set("71/0-0:17.0.1.255/6", v.u32(30))
    rig.set("9000/0-0:94.44.128.7/4", v.u32(3000))
    rig.set("9000/0-0:94.44.128.7/6", v.date_time(Stamp.of(at("18:00"))), message_code=0x43)
    rig.call("112/0-0:19.10.0.255/2", v.i32(77))
    rig.call("9/0-0:10.0.106.255/1", v.u16(51))


def end_of(rig: MeterRig) -> tuple[object, ...]:
    rig.until(at("20:00"))
    return (
        dump(rig.meter.kept),
        rig.read("7/1-0:32.24.0.255/2"),
        rig.read("7/0-0:99.1.0.255/2"),
        rig.read("7/0-0:98.1.9.255/2"),
        rig.read("71/0-0:17.0.0.255/4"),
        rig.power_log(),
    )


@settings(max_examples=15)
@given(st.lists(st.integers(1, 35_000), min_size=1, max_size=3))
def test_a_meter_killed_at_any_moment_ends_like_one_that_never_was(kills: list[int]) -> None:
    undisturbed = MeterRig(site())
    commanded(undisturbed)
    store = MemoryStore()
    rig = MeterRig(site(), store=store)
    commanded(rig)
    rig.save()
    for second in sorted(kills):
        rig.until(max(at("10:00") + timedelta(seconds=second), rig.now()))
        with store.transaction():
            rig.save()
        away = rig.now() + timedelta(seconds=100)
        rig = MeterRig(site(), store=store, start=away)
    assert end_of(rig) == end_of(undisturbed)


def test_what_was_not_saved_is_measured_again() -> None:
    store = MemoryStore()
    rig = MeterRig(site(), store=store, start=DAY)
    rig.until(at("05:00"))
    rig.save()
    shown = rig.meter.readings
    rig.until(at("09:00"))
    again = MeterRig(site(), store=store, start=at("05:00"))
    assert again.meter.readings == shown
    again.until(at("09:00"))
    assert again.meter.kept.measurements == rig.meter.kept.measurements


def test_memory_lasts_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rig.sqlite"
    store = SqliteStore(path)
    rig = MeterRig(site(), store=store)
    commanded(rig)
    rig.until(at("12:00"))
    rig.save()
    entries = rig.read("7/1-0:32.24.0.255/2")
    store.close()
    with closing(SqliteStore(path)) as store:
        again = MeterRig(site(), store=store, start=at("12:00"))
        assert again.read("7/1-0:32.24.0.255/2") == entries
        assert again.meter.kept == rig.meter.kept
        assert again.read("71/0-0:17.0.1.255/4") == 260


def test_a_change_that_was_taken_back_is_not_remembered() -> None:
    rig = MeterRig(site())
    rig.set("1/0-3:96.13.1.255/2", v.octets(b"1234"))
    rig.meter.settings.undo()
    rig.save()
    assert MeterRig(site(), store=rig.store).read("1/0-3:96.13.1.255/2") == b""


def test_a_memory_of_something_else_is_refused() -> None:
    store = MemoryStore()
    with store.transaction() as unit:
        unit.put_json("meter", {"kept": 5})
    with pytest.raises(StoreError, match="memory cannot be read"):
        MeterRig(site(), store=store)


def test_a_memory_of_a_meter_with_other_phases_is_refused() -> None:
    rig = MeterRig(site())
    rig.save()
    with pytest.raises(LocalError, match="1 phases"):
        MeterRig(Site((Phase(), Phase(), Phase())), store=rig.store)


def test_state_has_a_plain_form_and_comes_back_from_it() -> None:
    plain = dump(Kept())
    assert isinstance(plain, dict)
    assert load(Kept, plain) == load(Kept, plain | {"of an earlier version": 7}) == Kept()
    with pytest.raises(LocalError, match="no plain form"):
        dump(object())
    with pytest.raises(LocalError, match="not the plain form of Kept"):
        load(Kept, [1])
