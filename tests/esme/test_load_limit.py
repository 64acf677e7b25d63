"""Load limiting; numbers from the bench's acceptance scenarios."""

from datetime import timedelta

import pytest

from esme.kept import SupplyState
from gbcs.dlms import values as v
from gbcs.dlms.data import Data
from gbcs.stamp import NOW
from tests.esme.bench import at, mains, volts, watts
from tests.esme.rig import MeterRig

COUNTER = "3/0-0:94.44.42.255"


def limited(*steps: tuple[int, int], opens_switch: bool) -> MeterRig:
    """Limit 3000 W for 60 s, restoration after 300 s; load in W by seconds after ten."""
    script = [(at("10:00") + timedelta(seconds=second), load) for second, load in steps]
    rig = MeterRig(mains(volts(230), watts(500, *script)))
    settings: list[tuple[str, Data]] = [
        ("94.44.0.3", v.boolean(opens_switch)),
        ("94.44.128.7", v.u32(3000)),
        ("94.44.128.6", v.u32(60)),
        ("94.44.128.8", v.u32(300)),
    ]
    for name, data in settings:
        assert rig.set(f"9000/0-0:{name}/4", data) == 0
        assert rig.set(f"9000/0-0:{name}/6", v.date_time(NOW)) == 0
    rig.put(f"{COUNTER}/2", "u32", 7)
    return rig


def after(rig: MeterRig, seconds: int) -> list[str]:
    rig.until(at("10:00") + timedelta(seconds=seconds))
    return rig.alerts()


def test_too_much_for_too_long_opens_the_switch_for_the_restoration_period() -> None:
    rig = limited((10, 3500), (200, 1000), opens_switch=True)
    assert after(rig, 69) == []
    assert after(rig, 70) == ["8F01", "8F33"]
    assert rig.read("70/0-0:96.3.10.255/3") == SupplyState.DISABLED
    assert rig.read(f"{COUNTER}/2") == 8
    assert after(rig, 369) == []
    assert after(rig, 370) == ["8F34"]
    assert rig.read("70/0-0:96.3.10.255/3") == SupplyState.ENABLED
    assert [entry.code for entry in rig.meter.reporter.event_log.entries()] == [
        0x8F01,
        0x8F33,
        0x8F34,
    ]


def test_a_limit_that_is_exceeded_again_counts_again() -> None:
    rig = limited((10, 3500), opens_switch=True)
    assert after(rig, 70 + 300 + 60) == ["8F01", "8F33", "8F34", "8F01", "8F33"]


def test_without_the_flag_the_meter_only_counts_and_only_once() -> None:
    rig = limited((10, 3500), (1000, 500), (1100, 3500), opens_switch=False)
    assert after(rig, 900) == ["8F01"]
    assert after(rig, 1200) == ["8F01"]
    assert rig.meter.kept.supply is SupplyState.ENABLED
    assert rig.read(f"{COUNTER}/2") == 9


@pytest.mark.parametrize("load", [3000, 2999])
def test_power_at_the_limit_is_not_above_it(load: int) -> None:
    assert after(limited((10, load), opens_switch=True), 600) == []


def test_a_short_peak_does_not_count() -> None:
    assert after(limited((10, 9000), (69, 100), opens_switch=True), 600) == []


def test_a_shorter_period_counts_what_has_lasted_for_it_already() -> None:
    rig = limited((10, 3500), opens_switch=False)
    rig.set("9000/0-0:94.44.128.6/4", v.u32(7200))
    rig.set("9000/0-0:94.44.128.6/6", v.date_time(NOW))
    assert after(rig, 3600) == []
    rig.set("9000/0-0:94.44.128.6/4", v.u32(60))
    rig.set("9000/0-0:94.44.128.6/6", v.date_time(NOW))
    assert after(rig, 3601) == ["8F01"]
    assert rig.meter.readings.active_import_wh == (10 * 500 + 3591 * 3500) // 3600


def test_a_command_ends_the_restoration_period() -> None:
    rig = limited((10, 3500), (65, 3500), opens_switch=True)
    after(rig, 70)
    assert rig.call("9/0-0:10.0.106.255/1", v.u16(52)) == 0
    assert after(rig, 900) == []
    assert rig.meter.kept.supply is SupplyState.DISABLED
