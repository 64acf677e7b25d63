"""Load limiting; numbers from the bench's acceptance scenarios."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import pytest

from device.log import CAPACITY
from esme.kept import SupplyState
from gbcs.dlms import values as v
from gbcs.dlms.data import Data
from gbcs.stamp import NOW
from tests.esme.bench import at, mains, volts, watts
from tests.esme.prepaid import charge, events, prepaid
from tests.esme.rig import MeterRig

COUNTER = "3/0-0:94.44.42.255"


def limited(*steps: tuple[int, int], opens_switch: bool) -> MeterRig:
    """Limit 3000 W for 60 s, restoration after 300 s; load in W by seconds after ten."""
    rig = MeterRig(mains(volts(230), watts(500, *after_ten(steps))))
    limit(rig, opens_switch=opens_switch)
    rig.put(f"{COUNTER}/2", "u32", 7)
    return rig


def after_ten(steps: Iterable[tuple[int, int]]) -> list[tuple[datetime, int]]:
    return [(at("10:00") + timedelta(seconds=second), value) for second, value in steps]


def limit(
    rig: MeterRig, *, period_s: int = 60, restoration_s: int = 300, opens_switch: bool = True
) -> None:
    settings: list[tuple[str, Data]] = [
        ("94.44.0.3", v.boolean(opens_switch)),
        ("94.44.128.7", v.u32(3000)),
        ("94.44.128.6", v.u32(period_s)),
        ("94.44.128.8", v.u32(restoration_s)),
    ]
    for name, data in settings:
        assert rig.set(f"9000/0-0:{name}/4", data) == 0
        assert rig.set(f"9000/0-0:{name}/6", v.date_time(NOW)) == 0


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


def test_a_limit_without_any_time_opens_and_closes_the_switch_second_by_second() -> None:
    rig = MeterRig(mains(volts(230), watts(500, *after_ten([(10, 3500), (12, 500)]))))
    limit(rig, period_s=0, restoration_s=0)
    assert after(rig, 60) == ["8F01", "8F33", "8F34"] * 2
    assert rig.meter.kept.supply is SupplyState.ENABLED


@pytest.mark.parametrize(("back", "restored"), [(200, 370), (800, 800)])
def test_a_power_cut_does_not_leave_a_limited_supply_off_for_ever(back: int, restored: int) -> None:
    voltage = volts(230, *after_ten([(100, 0), (back, 230)]))
    rig = MeterRig(mains(voltage, watts(500, *after_ten([(10, 3500), (80, 500)]))))
    limit(rig)
    assert after(rig, 90) == ["8F01", "8F33"]
    assert "8F34" not in after(rig, restored - 1)
    assert "8F34" in after(rig, restored + 1)
    assert rig.meter.kept.supply is SupplyState.ENABLED


def test_too_much_power_counts_anew_after_a_power_cut() -> None:
    voltage = volts(230, *after_ten([(100, 0), (200, 230)]))
    rig = MeterRig(mains(voltage, watts(3500)))
    limit(rig, opens_switch=False)
    assert after(rig, 90) == ["8F01"]
    assert "8F01" not in after(rig, 259)
    assert after(rig, 261) == ["8F01"]


def test_the_restoration_does_not_give_supply_to_who_ran_out_of_credit_meanwhile() -> None:
    rig = prepaid(4000, start="23:58", balance=1_000)
    rig.set("113/0-0:19.20.0.255/6", charge(0, scale=3, index=b"\1"))
    rig.set("113/0-0:19.20.4.255/6", charge(25_000))
    for charged in ("0", "4"):
        rig.set(f"113/0-0:19.20.{charged}.255/7", v.date_time(NOW))
    limit(rig)
    rig.until(at("23:59:30"))
    assert events(rig)[-2:] == ["8F01", "8F33"]
    rig.until(at("00:30", day=1))
    assert "8F0F" in events(rig)
    assert "8F34" not in events(rig)
    assert rig.meter.kept.supply is SupplyState.DISABLED


@dataclass
class Second:
    """A limiter of 3000 W that looks once a second; ``cuts`` and loads by seconds after ten."""

    period_s: int
    restoration_s: int
    opens_switch: bool
    loads: dict[int, int]
    cuts: list[tuple[int, int]]
    since: int | None = None
    counted: bool = False
    restore: int | None = None
    seen: list[tuple[int, str]] = field(default_factory=list)

    def live(self, end: int) -> list[tuple[int, str]]:
        load = 0
        for now in range(end + 1):
            load = self.loads.get(now, load)
            begins = now in {start for start, _ in self.cuts}
            if any(start <= now < back for start, back in self.cuts):
                self.since, self.counted = None, False
                self._restore(now if begins else -1)
                continue
            self._observe(now, load)
            self._restore(now)
            self._observe(now, load)
            if self.since is not None and now - self.since >= self.period_s:
                self._exceeded(now)
        return self.seen

    def _observe(self, now: int, load: int) -> None:
        if load <= 3000 or self.restore is not None:
            self.since, self.counted = None, False
        elif self.since is None and not self.counted:
            self.since = now

    def _restore(self, now: int) -> None:
        if self.restore is not None and now >= self.restore:
            self.restore = None
            self.seen.append((now, "8F34"))

    def _exceeded(self, now: int) -> None:
        self.since, self.counted = None, True
        self.seen.append((now, "8F01"))
        if self.opens_switch:
            self.restore = now + self.restoration_s
            self.seen.append((now, "8F33"))


@pytest.mark.parametrize("seed", range(30))
def test_a_limit_does_what_one_that_looks_each_second_does(seed: int) -> None:
    draw, end = Random(seed), 1300
    loads, cuts, now = {0: 500}, [], 0
    while (now := now + draw.choice((4, 5, 29, 30, 31, 59, 60, 61, 200))) < end:
        loads[now] = draw.choice((0, 500, 3000, 3001, 9000))
    now = 0
    while (now := now + draw.randrange(1, 600)) < end:
        cuts.append((now, now + draw.choice((1, 10, 100, 400))))
        now = cuts[-1][1]
    period_s, restoration_s = draw.choice((5, 30, 60)), draw.choice((1, 10, 60, 300))
    opens_switch = draw.random() < 0.7
    by_second = Second(period_s, restoration_s, opens_switch, loads, cuts)
    mains_v = [step for start, back in cuts for step in ((start, 0), (back, 230))]
    rig = MeterRig(mains(volts(230, *after_ten(mains_v)), watts(0, *after_ten(loads.items()))))
    limit(rig, period_s=period_s, restoration_s=restoration_s, opens_switch=opens_switch)
    rig.until(at("10:00") + timedelta(seconds=end))
    entries = rig.meter.reporter.event_log.entries()
    told = [(entry.at, f"{entry.code:04X}") for entry in entries]
    seen = by_second.live(end)[-CAPACITY:]
    assert told == [(at("10:00") + timedelta(seconds=second), code) for second, code in seen]
