"""Acceptance scenarios of the electricity meter with their numbers, spoken in GBCS.

``docs/scenarios.md`` says which scenario is proven by which test.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from device.command import Answered, Refused
from device.refusal import Refusal
from device.store import MemoryStore
from esme.kept import SupplyState
from esme.physics.signal import Constant
from esme.physics.site import Phase, Site
from esme.settings import EsmeSettings
from gbcs.keys import Usage
from gbcs.party import Role
from gbcs.plain import Plain
from gbcs.stamp import Reliability, Stamp
from gbcs.utrn import ValueClass, make, originator_counter
from tests.device.rig import BROKER, test_keys
from tests.esme.bench import mains, volts, watts
from tests.esme.kill.dying import DyingStore, Killed
from tests.esme.scene import ESME, KEYS, OPERATOR, SUPPLIER, Scene, at

POUND = 100_000
NOON = at("12:00")


# -- clock: 7 to 10 --------------------------------------------------------------------------------


def test_7_a_clock_set_within_its_range_starts_the_half_hours_at_midnight() -> None:
    scene = Scene(mains(volts(230), watts(3600)), at("23:59:50"), status=Reliability.INVALID)
    time, status = scene.set_clock(at("23:30"), at("00:30", day=1))
    assert (time, status) == (Stamp.of(at("23:59:50")).octets, 0)
    scene.until(at("00:40", day=1))
    assert scene.half_hours() == [("00:00", 10), ("00:30", 1800)]


def test_8_a_hub_outside_the_range_leaves_the_clock_and_is_told() -> None:
    scene = Scene(mains(volts(230)), at("00:00"))
    scene.alerts()
    time, status = scene.set_clock(at("01:00"), at("02:00"))
    assert (time, status) == (Stamp.of(at("00:00")).octets, 2)
    assert scene.security_log() == ["8F0C"]
    assert scene.alerts() == ["8F0C"]


@pytest.mark.parametrize(
    ("slow_s", "told", "status"),
    [(9, [], Reliability.RELIABLE), (11, ["8F0C"], Reliability.UNRELIABLE)],
)
def test_9_a_small_difference_is_adjusted_silently_a_larger_one_is_not(
    slow_s: int, told: list[str], status: Reliability
) -> None:
    scene = Scene(mains(volts(230)), NOON, slow_s=slow_s)
    scene.rig.clock.sync(NOON)
    scene.device.advance()
    late = timedelta(seconds=slow_s if told else 0)
    assert scene.rig.clock.now() == NOON - late
    assert scene.rig.clock.status is status
    assert scene.alerts() == told


def test_10_a_meter_that_was_never_set_keeps_no_half_hours_until_it_is() -> None:
    scene = Scene(mains(volts(230), watts(3000)), at("08:35"), status=Reliability.INVALID)
    scene.until(at("10:10"))
    assert scene.half_hours() == []
    assert scene.device.meter.readings.active_import_wh == 4750
    scene.set_clock(at("10:00"), at("10:20"))
    scene.until(at("11:10"))
    assert scene.half_hours() == [("10:30", 1000), ("11:00", 1500)]


# -- security: 22 to 24 ----------------------------------------------------------------------------


def test_22_a_counter_is_used_once() -> None:
    scene = Scene(mains(volts(230)), NOON)
    assert isinstance(scene.receive(scene.command("ECS43", counter=1000)), Answered)
    again = scene.receive(scene.command("ECS42", counter=1000))
    assert isinstance(again, Refused)
    assert again.refusal is Refusal.REPLAYED
    assert scene.ask("ECS45") == [SupplyState.DISABLED]
    assert scene.security_log() == ["8F53"]
    assert isinstance(scene.receive(scene.command("ECS42", counter=1005)), Answered)
    assert scene.ask("ECS45") == [SupplyState.ENABLED]


def test_23_a_command_under_another_key_is_refused_and_uses_no_counter() -> None:
    scene = Scene(mains(volts(230)), NOON)
    stranger = test_keys(ESME)
    wrong = ec.derive_private_key(4711, ec.SECP256R1())
    stranger.add_private(BROKER, Usage.KEY_AGREEMENT, wrong, role=Role.ACCESS_CONTROL_BROKER)
    refused = scene.receive(scene.command("ECS43", counter=1000, keys=stranger))
    assert isinstance(refused, Refused)
    assert refused.refusal is Refusal.MAC_INVALID
    assert scene.device.meter.kept.supply is SupplyState.ENABLED
    assert scene.security_log() == ["8F3D"]
    assert isinstance(scene.receive(scene.command("ECS43", counter=1002)), Answered)


def test_24_a_supplier_does_not_configure_voltage() -> None:
    scene = Scene(mains(volts(230)), NOON)
    supplier_as_operator = test_keys(ESME)
    supplier_as_operator.add_private(
        SUPPLIER,
        Usage.DIGITAL_SIGNATURE,
        supplier_as_operator.private_key(SUPPLIER, Usage.DIGITAL_SIGNATURE),
        role=Role.NETWORK_OPERATOR,
    )
    command = scene.command("ECS29e", party=SUPPLIER, keys=supplier_as_operator)
    refused = scene.receive(command)
    assert isinstance(refused, Refused)
    assert refused.refusal is Refusal.NOT_AUTHORISED
    assert scene.security_log() == ["8F30"]


# -- voltage: 34 to 39 -----------------------------------------------------------------------------


@pytest.mark.parametrize(("aligned", "first"), [(True, "10:40:00"), (False, "10:17:20")])
def test_34_the_first_period_waits_for_the_half_hour(*, aligned: bool, first: str) -> None:
    store, start = MemoryStore(), at("10:07:20")
    settings = EsmeSettings(voltage_aligned=aligned)
    scene = Scene(mains(volts(236)), start, store=store, settings=settings)
    scene.configure(period=600)
    scene.until(at("11:00"))
    assert scene.voltage()[0] == (first, 236)


@pytest.mark.parametrize(("name", "counted"), [("ECS29c", 4), ("ECS29a", 0)])
def test_35_a_new_period_starts_on_the_next_half_hour(name: str, counted: int) -> None:
    highs = [(at("09:00") + n * timedelta(minutes=10), 240 + 30 * (n % 2)) for n in range(8)]
    scene = Scene(mains(volts(240, *highs, (at("10:20"), 240))), at("09:00"))
    scene.configure(period=600, over=264)
    scene.until(at("11:05"))
    assert scene.counters() == (0, 4)
    before = scene.voltage()
    scene.configure(name, period=1800, over=264)
    assert scene.counters() == (0, counted)
    scene.until(at("12:10"))
    assert scene.voltage()[len(before) :] == [("12:00:00", 240)]


def test_36_an_average_over_the_limit_counts_once_and_is_told_twice() -> None:
    steps = [
        (at("10:00") + n * timedelta(minutes=10), v) for n, v in enumerate((264, 265, 266, 263))
    ]
    scene = Scene(mains(volts(240, *steps)), at("10:00"))
    scene.configure(period=600, over=264)
    told = []
    for minutes in (10, 20, 30, 40):
        scene.until(at("10:00") + timedelta(minutes=minutes))
        told.append(scene.alerts())
    assert told == [[], ["8002"], [], ["8085"]]
    assert scene.counters() == (0, 1)


@pytest.mark.parametrize(("lasts_s", "told"), [(29, []), (31, ["8020", "808D"])])
def test_37_an_extreme_voltage_has_to_last(lasts_s: int, told: list[str]) -> None:
    end = at("10:05") + timedelta(seconds=lasts_s)
    scene = Scene(mains(volts(230, (at("10:05"), 290), (end, 230))), at("10:00"))
    scene.configure(ExtremeOver=287)
    scene.until(end + timedelta(seconds=31))
    assert scene.alerts() == told
    assert scene.power_log() == told


def test_37_the_second_phase_has_codes_of_its_own() -> None:
    end = at("10:05:31")
    bad = volts(230, (at("10:05"), 290), (end, 230))
    scene = Scene(Site((Phase(), Phase(bad), Phase())), at("10:00"))
    scene.configure(ExtremeOver=287)
    scene.until(end + timedelta(seconds=31))
    assert scene.alerts() == ["8022", "808F"]


def test_38_the_voltage_log_holds_4320_entries() -> None:
    scene = Scene(mains(volts(238)), at("00:00"))
    scene.configure(period=60)
    scene.until(at("00:00") + timedelta(minutes=4321))
    entries = scene.voltage()
    assert (len(entries), entries[0][0], entries[-1][0]) == (4320, "00:02:00", "00:01:00")


@pytest.mark.parametrize(("back", "code"), [("23:59:00", 0x8F36), ("23:52:59", 0x8F35)])
def test_39_an_outage_is_told_with_both_its_ends(back: str, code: int) -> None:
    off, on = at("23:50"), at(back)
    scene = Scene(mains(volts(230, (off, 0), (on, 230))), at("23:00"))
    scene.until(on + timedelta(seconds=1))
    [alert] = scene.sent
    assert (alert.message_code, alert.recipient) == (0x0067, OPERATOR)
    assert len(alert.signature or b"") == 64
    told, _, interrupted, restored = scene.body(alert)
    assert (told, interrupted, restored) == (code, Stamp.of(off).octets, Stamp.of(on).octets)


# -- energy and load: 40 to 42 ---------------------------------------------------------------------


def test_40_an_outage_leaves_the_energy_that_was_used() -> None:
    scene = Scene(mains(volts(230, (at("10:25"), 0), (at("10:41"), 230)), watts(6000)), at("10:00"))
    scene.until(at("11:00"))
    assert scene.half_hours() == [("10:30", 2500), ("11:00", 1900)]


def test_41_an_alert_that_is_switched_off_is_logged_all_the_same() -> None:
    scene = Scene(mains(volts(270)), at("10:00"))
    scene.configure(period=600, over=264)
    mask = 1 << (0x8002 & 0xFF)
    bits = f"{mask:0256b}" + "0" * 256
    scene.ask("ECS25b", {"AlertsConfigurationSettingsDNO.Bitstring": bits}, party=OPERATOR)
    scene.until(at("10:15"))
    assert scene.alerts() == []
    assert scene.power_log() == ["8002"]


def test_42_too_much_load_opens_the_switch_for_a_while() -> None:
    load = watts(500, (at("10:10"), 3500), (at("10:12"), 1000))
    scene = Scene(mains(volts(230), load), at("10:00"))
    values: dict[str, Plain] = {
        "LoadLimitSupplyState.valueNext": True,
        "LoadLimitPowerThreshold.thresholdNext": 3000,
        "LoadLimitPeriodTimer.valueNext": 60,
        "LoadLimitRestorationPeriodTimer.valueNext": 300,
    }
    now = "2026-03-02T09:00:00Z"
    values |= {f"{name.partition('.')[0]}.activateNextDateTime": now for name in values}
    scene.ask("ECS28a", values)
    scene.device.meter.kept.load_limit.counter = 7
    scene.until(at("10:10:59"))
    assert scene.alerts() == []
    scene.until(at("10:11:01"))
    assert scene.alerts() == ["8F01", "8F33"]
    assert scene.ask("ECS45") == [SupplyState.DISABLED]
    assert scene.device.meter.kept.load_limit.counter == 8
    scene.until(at("10:15:59"))
    assert scene.alerts() == []
    scene.until(at("10:16:00"))
    assert scene.alerts() == ["8F34"]
    assert scene.ask("ECS45") == [SupplyState.ENABLED]


# -- power cuts inside what the meter does: 46 and 47 ----------------------------------------------


def top_up_of_five_pounds(scene: Scene) -> bytes:
    digits = make(SUPPLIER, ESME, 7, 500, ValueClass.PENCE, KEYS)
    value: dict[str, Plain] = {"PrepaymentCredit.enter": digits}
    return scene.command("CS01a", value, counter=originator_counter(7))


def test_46_a_top_up_counts_once_wherever_the_power_goes_while_it_is_done(tmp_path: Path) -> None:
    refused, place, site = 0, 0, Site((Phase(),), Constant())
    while True:
        folder = tmp_path / str(place)
        folder.mkdir()
        store = DyingStore(folder)
        scene = Scene(site, NOON, store=store)
        token = top_up_of_five_pounds(scene)
        store.arm(place)
        try:
            scene.receive(token)
        except Killed:
            store = store.again()
            scene = Scene(site, NOON, store=store)
        else:
            store.close()
            break  # it died at every place there is
        second = scene.receive(token)
        assert isinstance(second, Answered) or second.refusal is Refusal.REPLAYED
        refused += isinstance(second, Refused)
        assert scene.device.meter.kept.balances.meter_balance == 5 * POUND
        assert len(scene.device.meter.kept.snapshots.credits) == 1
        store.close()
        place += 1
    assert place > 10
    assert refused == 1, "of all places only the one after the last commit has kept it"


@pytest.mark.parametrize("torn", [None, 0.6])
def test_47_a_profile_is_the_old_or_the_new_one_wherever_the_power_goes(
    tmp_path: Path, torn: float | None
) -> None:
    site, place = mains(volts(230), watts(1000)), 0
    seen: set[int] = set()
    while True:
        folder = tmp_path / str(place)
        folder.mkdir()
        store = DyingStore(folder)
        scene = Scene(site, at("10:00"), store=store)
        store.arm(place, torn=torn)
        try:
            scene.until(at("11:00"))
        except Killed:
            store = store.again()
        else:
            store.close()
            break
        with store.scope(f"{ESME:016X}").transaction() as unit:
            kept = unit.entries("log:meter.measurements.half_hours.active_import")
        seen.add(len(kept))
        again = Scene(site, at("11:00"), store=store)
        assert again.half_hours() == [("10:30", 500), ("11:00", 500)]
        store.close()
        place += 1
    assert seen == ({0} if torn is not None else {0, 2}), "the new one is there, or the old one is"
