"""The meter as its objects show it; numbers from the bench's acceptance scenarios."""

from datetime import timedelta

import pytest

from esme.kept import SupplyState
from esme.physics.site import Phase, Site
from gbcs.dlms import values as v
from gbcs.dlms.data import Bits, Data, Tag
from gbcs.party import Role
from gbcs.stamp import NEVER, NOW, Reliability, Stamp
from gbcs.zcl.types import zcl_seconds
from tests.esme.bench import at, mains, volts, watts
from tests.esme.rig import MeterRig, every_day

OVER = "1/1-0:32.35.0.4/2"
PERIOD = "7/1-0:32.24.0.255/4"
PROFILE = "7/1-0:32.24.0.255/2"
COUNTER = "3/1-0:32.36.0.4"
OPERATOR_ALERTS = "1/0-33:97.98.11.255/2"


def mask(code: int, *, on: bool) -> Data:
    """A mask of one code, and what it shall do."""
    bit = 1 << (code & 0xFF)
    octets = bit.to_bytes(32, "big") + (bit if on else 0).to_bytes(32, "big")
    return Data(Tag.BIT_STRING, Bits(512, octets))


def stamp(clock: str, day: int = 0) -> Data:
    return v.date_time(Stamp.of(at(clock, day)))


def too_high() -> MeterRig:
    rig = MeterRig(mains(volts(270)))
    assert rig.set(OVER, v.u32(264)) == 0
    return rig


def test_an_over_voltage_is_logged_counted_and_told_to_the_network_operator() -> None:
    rig = too_high()
    rig.until(at("10:30"))
    (alert,) = rig.meter.reporter.take_alerts()
    assert (alert.alert_code, alert.recipient) == (0x8002, Role.NETWORK_OPERATOR)
    assert alert.payload(4000)[:5] == bytes.fromhex("0F20000FA0")
    assert rig.power_log() == ["8002"]
    assert rig.read(f"{COUNTER}/2") == 1
    assert rig.read(PROFILE) == ((zcl_seconds(at("10:30")), 270),)


def test_an_alert_that_is_switched_off_is_logged_all_the_same() -> None:
    rig = too_high()
    assert rig.set(OPERATOR_ALERTS, mask(0x8002, on=False)) == 0
    rig.until(at("10:30"))
    assert (rig.power_log(), rig.alerts()) == (["8002"], [])


def test_logging_is_switched_off_apart_from_alerts() -> None:
    rig = too_high()
    assert rig.set("1/0-33:97.98.14.255/2", mask(0x8002, on=False)) == 0
    rig.until(at("10:30"))
    assert (rig.power_log(), rig.alerts()) == ([], ["8002"])


def test_a_mask_leaves_other_codes_alone() -> None:
    rig = MeterRig()
    rig.set(OPERATOR_ALERTS, mask(0x8002, on=False))
    rig.set(OPERATOR_ALERTS, mask(0x8004, on=False))
    rig.set(OPERATOR_ALERTS, mask(0x8002, on=True))
    bits = rig.read("1/0-33:97.98.15.255/2")
    assert isinstance(bits, Bits)
    assert int.from_bytes(bits.octets, "big") == (1 << 256) - 1 - (1 << 4)


def test_a_reset_of_the_counter_leaves_the_period_alone() -> None:
    rig = MeterRig(mains(volts(230)))
    rig.put(f"{COUNTER}/2", "u32", 4)
    rig.until(at("10:05"))
    assert rig.set(PERIOD, v.u32(600)) == 0
    assert rig.read(f"{COUNTER}/2") == 4
    rig.until(at("11:05"))
    assert rig.call(f"{COUNTER}/1") == 0
    assert rig.read(f"{COUNTER}/2") == 0
    rig.until(at("11:10"))
    ends = [end for end, _ in rig.numbers(PROFILE)]
    assert ends[0] == zcl_seconds(at("10:40"))
    assert ends[-1] == zcl_seconds(at("11:10"))


def test_an_outage_is_told_with_both_its_ends() -> None:
    rig = MeterRig(mains(volts(230, (at("23:50"), 0), (at("23:59"), 230))))
    rig.until(at("00:10", day=1))
    (alert,) = rig.meter.reporter.take_alerts()
    assert (alert.message_code, alert.alert_code) == (0x0067, 0x8F36)
    assert alert.elements == (stamp("23:50"), stamp("23:59"))
    assert rig.power_log() == ["8F57", "8F36"]


def test_the_daily_read_of_midnight_holds_the_registers_of_midnight() -> None:
    rig = MeterRig(mains(volts(230), watts(1000)), start=at("22:00"))
    rig.until(at("03:00", day=1))
    rows = rig.read("7/0-0:98.1.9.255/2")
    midnight = zcl_seconds(at("00:00", day=1))
    tou = (2000,) + (0,) * 47
    assert rows == ((midnight, 2000, tou, *[(0,) * 8] * 4),)
    assert rig.read("7/0-0:99.1.3.255/2") == ((midnight, 2000),)


def test_a_midnight_spent_in_the_dark_is_read_on_return() -> None:
    supply = volts(230, (at("23:00"), 0), (at("02:00", day=1), 230))
    rig = MeterRig(mains(supply, watts(1000)), start=at("22:00"))
    rig.until(at("03:00", day=1))
    rows = rig.numbers("7/0-0:98.1.9.255/2")
    assert rows == [[zcl_seconds(at("00:00", day=1)), 1000]]


def test_maximum_demand_is_the_highest_half_hour_since_its_reset() -> None:
    load = watts(1000, (at("10:30"), 4000), (at("11:00"), 2000))
    rig = MeterRig(mains(volts(230), load))
    rig.until(at("12:00"))
    assert rig.read("4/1-0:1.6.0.255/2") == 4000
    assert rig.read("4/1-0:1.6.0.255/5") == Stamp.of(at("11:00")).octets
    assert rig.call("4/1-0:1.6.0.255/1") == 0
    assert rig.read("1/0-0:94.44.5.1/2") == Stamp.of(at("12:00")).octets
    rig.until(at("12:30"))
    assert rig.read("4/1-0:1.6.0.255/2") == 2000


def test_the_configurable_maximum_counts_in_its_window_only() -> None:
    rig = MeterRig(mains(volts(230), watts(5000, (at("11:00"), 2000))))
    script = "0-0:10.128.100.255"
    window = v.array(every_day(1, script, 1, 11), every_day(2, script, 2, 12))
    assert rig.set("10/0-0:12.0.0.255/2", window) == 0
    rig.until(at("13:00"))
    assert rig.read("4/1-0:1.6.1.255/2") == 2000
    assert rig.read("4/1-0:1.6.0.255/2") == 5000


def test_setting_the_clock_inside_its_range_starts_the_half_hours() -> None:
    rig = MeterRig(mains(volts(230), watts(3000)), start=at("23:59:50"), status=Reliability.INVALID)
    window = v.structure(v.date_time(NEVER), stamp("23:30"), stamp("00:30", day=1))
    assert rig.set("8/0-0:1.0.0.255/9", v.enum(5)) == 0
    assert rig.call("8/0-0:1.0.0.255/5", window) == 0
    assert rig.call("8/0-0:1.0.0.255/4") == 0
    assert rig.read("8/0-0:1.0.0.255/2") == Stamp.of(at("23:59:50")).octets
    assert rig.read("8/0-0:1.0.0.255/4") == 0
    rig.until(at("00:31", day=1))
    assert rig.numbers("7/0-0:99.1.0.255/2")[0] == [zcl_seconds(at("00:00", day=1)), 8]


def test_a_clock_outside_the_range_stays_as_it_is() -> None:
    rig = MeterRig(offset=timedelta(minutes=-20))
    window = v.structure(v.date_time(NEVER), stamp("11:00"), stamp("12:00"))
    rig.call("8/0-0:1.0.0.255/5", window)
    rig.call("8/0-0:1.0.0.255/4")
    assert rig.read("8/0-0:1.0.0.255/2") == Stamp.of(at("09:40")).octets
    assert rig.read("8/0-0:1.0.0.255/4") == 2


@pytest.mark.parametrize(
    ("script", "state", "shown"),
    [(51, SupplyState.ENABLED, 1), (52, SupplyState.DISABLED, 0), (54, SupplyState.ARMED, 2)],
)
def test_the_load_switch_follows_its_scripts(script: int, state: SupplyState, shown: int) -> None:
    rig = MeterRig(mains(volts(230), watts(2000)))
    assert rig.call("9/0-0:10.0.106.255/1", v.u16(script)) == 0
    rig.until(at("11:00"))
    assert rig.meter.kept.supply is state
    assert rig.read("70/0-0:96.3.10.255/3") == shown
    assert rig.meter.readings.active_import_wh == (2000 if state is SupplyState.ENABLED else 0)


def test_an_unknown_script_switches_nothing() -> None:
    rig = MeterRig()
    assert rig.call("9/0-0:10.0.106.255/1", v.u16(53)) == 250
    assert rig.meter.kept.supply is SupplyState.ENABLED


def test_clearing_the_event_log_is_kept_in_the_security_log() -> None:
    rig = MeterRig()
    rig.meter.event(0x81AB)
    assert len(rig.meter.reporter.event_log.entries()) == 1
    assert rig.call("7/0-0:99.98.0.255/1") == 0
    assert rig.meter.reporter.event_log.entries() == ()
    assert [entry.code for entry in rig.meter.reporter.security_log.entries()] == [0x8F52]


def test_a_log_gives_the_entries_between_two_times_both_included() -> None:
    rig = MeterRig(mains(volts(230), watts(1000)))
    rig.until(at("14:00"))
    rows = rig.read("7/0-0:99.1.0.255/2", (at("11:00"), at("12:00")))
    assert rows == tuple((zcl_seconds(at(t)), 500) for t in ("11:00", "11:30", "12:00"))


def test_a_change_of_tenancy_is_taken_at_once() -> None:
    rig = MeterRig()
    assert rig.set("1/0-0:94.44.3.2/2", stamp("15:00")) == 0
    assert rig.meter.kept.tenancy_changed_at == at("15:00")


def test_balances_are_adjusted_and_set() -> None:
    rig = MeterRig()
    assert rig.call("112/0-0:19.10.0.255/1", v.i32(250_000)) == 0
    assert rig.call("112/0-0:19.10.0.255/1", v.i32(-50_000)) == 0
    assert rig.read("112/0-0:19.10.0.255/2") == 200_000
    assert rig.call("112/0-0:19.10.0.255/2", v.i32(-1)) == 0
    assert rig.call("113/0-0:19.20.3.255/4", v.i32(700)) == 0
    assert rig.read("1/0-0:94.44.34.30/2") == (-1, 0, 0, 0, 0, 700)


def test_emergency_credit_is_filled_to_its_limit() -> None:
    rig = MeterRig()
    rig.set("9000/0-0:94.44.128.2/4", v.i32(500_000))
    rig.set("9000/0-0:94.44.128.2/6", v.date_time(NOW))
    assert rig.call("112/0-0:19.10.1.255/3") == 0
    assert rig.meter.kept.balances.emergency_credit == 500_000
    assert [entry.code for entry in rig.meter.reporter.event_log.entries()] == [0x81AB]


def test_a_single_phase_meter_has_one_phase_and_one_element() -> None:
    rig = MeterRig()
    names = {str(each.logical_name) for each in rig.server.objects}
    assert "1-0:32.24.0.255" in names
    assert not names & {"1-0:52.24.0.255", "0-0:13.0.1.255", "0-0:94.44.1.8"}
    three = MeterRig(Site((Phase(), Phase(), Phase()), watts(0)))
    names = {str(each.logical_name) for each in three.server.objects}
    assert {"1-0:72.24.0.255", "0-0:13.0.1.255"} <= names


def test_the_randomised_offset_is_drawn_from_number_and_limit() -> None:
    rig = MeterRig()
    rig.put("1/0-0:94.44.0.2/2", "u16", 2000)
    assert rig.set("1/0-0:94.44.0.1/2", v.u16(1000)) == 0
    assert rig.read("1/0-0:94.44.0.0/2") == 200


def test_without_a_time_events_are_logged_as_the_last_of_all() -> None:
    rig = MeterRig(mains(volts(230, (at("10:05"), 0), (at("10:06"), 230))))
    rig.meter.event(0x81AB)
    rig.clock.power_loss(backup_held=False)
    rig.until(at("11:00"))
    rig.meter.event(0x810D)
    never = 0xFFFFFFFF
    assert rig.read("7/0-0:99.98.4.255/2") == ((never, 0x8F57, 0), (never, 0x8F35, 60))
    started = zcl_seconds(at("10:00"))
    both = ((started, 0x81AB, b""), (never, 0x810D, b""))
    assert rig.read("7/0-0:99.98.0.255/2") == both
    assert rig.read("7/0-0:99.98.0.255/2", (at("00:00"), at("12:00"))) == both[:1]
    assert rig.read("8/0-0:1.0.0.255/4") == 1


def test_the_second_element_has_a_switching_table_of_its_own() -> None:
    rig = MeterRig(Site((Phase(),), watts(1000)))
    table = "20/0-0:13.0.1.255"
    season = v.structure(v.octets(b"all"), stamp("00:00"), v.octets(b"\1"))
    week = v.structure(v.octets(b"\1"), *[v.u8(1)] * 7)
    noon = v.structure(
        v.octets(bytes((12, 0, 0, 0))), v.logical_name("0-0:10.0.100.255"), v.u16(203)
    )
    night = v.structure(v.octets(bytes(4)), v.logical_name("0-0:10.0.100.255"), v.u16(202))
    day = v.structure(v.u8(1), v.array(night, noon))
    for index, row in ((7, season), (8, week), (9, day)):
        assert rig.set(f"{table}/{index}", v.array(row)) == 0
    assert rig.set(f"{table}/10", v.date_time(NOW)) == 0
    rig.until(at("14:00"))
    assert rig.numbers("1/0-0:94.44.34.1/2")[1] == [0, 2000, 2000, 0]
