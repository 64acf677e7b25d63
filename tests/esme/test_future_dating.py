"""Passive values, activation times, cancellation, and the alerts of execution."""

import pytest

from device.cosem.fields import elements
from esme.face import HanFace
from gbcs.dlms import values as v
from gbcs.dlms.apdu import DataNotification, Result
from gbcs.dlms.data import Data
from gbcs.stamp import NEVER, NOW, Stamp
from tests.esme.bench import at, mains, volts, watts
from tests.esme.rig import MeterRig

LIMIT = "9000/0-0:94.44.128.7"
ACTIVE_LIMIT = "71/0-0:17.0.0.255/4"
DISABLEMENT = "9000/0-0:94.44.128.22"


def when(clock: str) -> Data:
    return v.date_time(Stamp.of(at(clock)))


def rig_with(time: Data) -> MeterRig:
    rig = MeterRig()
    assert rig.set(f"{LIMIT}/4", v.u32(3000)) == 0
    command = {"message_code": 0x0043, "originator_counter": 1200}
    assert rig.set(f"{LIMIT}/6", time, **command) == 0
    return rig


def test_now_activates_at_once_and_without_an_alert() -> None:
    rig = rig_with(v.date_time(NOW))
    assert rig.read(ACTIVE_LIMIT) == 3000
    assert rig.alerts() == []


def test_a_later_time_activates_then_and_says_so() -> None:
    rig = rig_with(when("12:00"))
    rig.until(at("11:59:59"))
    assert rig.read(ACTIVE_LIMIT) == 0
    rig.until(at("12:00"))
    assert rig.read(ACTIVE_LIMIT) == 3000
    (alert,) = rig.meter.reporter.take_alerts()
    assert (alert.message_code, alert.alert_code, alert.at) == (0x00CC, 0x8F66, at("12:00"))
    body = DataNotification.parse(alert.payload(7)).body.value
    content = "004300000000000004B0232800005E2C800706"
    assert isinstance(body, tuple)
    assert body[2:] == (v.octets(bytes.fromhex(content)),)


def test_a_time_spent_in_the_dark_activates_on_return() -> None:
    rig = MeterRig(mains(volts(230, (at("11:50"), 0), (at("12:20"), 230))))
    rig.set(f"{LIMIT}/4", v.u32(3000))
    rig.set(f"{LIMIT}/6", when("12:00"))
    rig.until(at("12:19"))
    assert rig.read(ACTIVE_LIMIT) == 0
    rig.until(at("13:00"))
    assert rig.read(ACTIVE_LIMIT) == 3000
    assert [alert.at for alert in rig.meter.reporter.take_alerts()] == [at("12:20")] * 2


def test_never_cancels_what_was_to_come() -> None:
    rig = rig_with(when("12:00"))
    assert rig.set(f"{LIMIT}/6", v.date_time(NEVER)) == 0
    rig.until(at("13:00"))
    assert (rig.read(ACTIVE_LIMIT), rig.alerts()) == (0, [])


def test_a_new_command_supersedes_the_old_one() -> None:
    rig = rig_with(when("12:00"))
    assert rig.set(f"{LIMIT}/4", v.u32(5000)) == 0
    assert rig.set(f"{LIMIT}/6", when("14:00")) == 0
    rig.until(at("13:00"))
    assert rig.read(ACTIVE_LIMIT) == 0
    rig.until(at("14:00"))
    assert (rig.read(ACTIVE_LIMIT), rig.alerts()) == (5000, ["8F66"])


def test_a_time_that_has_passed_activates_at_once() -> None:
    assert rig_with(when("09:00")).read(ACTIVE_LIMIT) == 3000


def test_a_threshold_becomes_a_list_of_one() -> None:
    rig = MeterRig()
    rig.set(f"{DISABLEMENT}/4", v.i32(-500))
    rig.set(f"{DISABLEMENT}/6", v.date_time(NOW))
    assert rig.read("21/0-0:16.0.1.255/2") == (-500,)


def switching_table(*switches: tuple[int, int]) -> list[tuple[str, Data]]:
    """Every day these scripts at these hours."""
    season = v.structure(v.octets(b"all"), when("00:00"), v.octets(b"\1"))
    week = v.structure(v.octets(b"\1"), *[v.u8(1)] * 7)
    actions = (
        v.structure(
            v.octets(bytes((hour, 0, 0, 0))), v.logical_name("0-0:10.0.100.255"), v.u16(script)
        )
        for hour, script in switches
    )
    day = v.structure(v.u8(1), v.array(*actions))
    table = "20/0-0:13.0.0.255"
    return [
        (f"{table}/7", v.array(season)),
        (f"{table}/8", v.array(week)),
        (f"{table}/9", v.array(day)),
        (f"{table}/10", v.date_time(NOW)),
    ]


def test_a_tariff_switches_registers_at_its_times() -> None:
    rig = MeterRig(mains(volts(230), watts(1000)), start=at("06:00"))
    for place, data in switching_table((7, 2), (23, 1)):
        assert rig.set(place, data) == 0
    rig.until(at("08:30"))
    (tou,) = rig.numbers("1/0-0:94.44.34.1/2")
    assert tou[:3] == [1000, 1500, 0]
    rig.until(at("01:00", day=1))
    (tou,) = rig.numbers("1/0-0:94.44.34.1/2")
    assert sum(tou) == rig.meter.readings.active_import_wh == 19_000
    assert tou[:2] == [3000, 16_000]


@pytest.mark.parametrize("script", [0, 49, 100, 109, 201, 0xFFFF])
def test_a_script_that_selects_no_register_switches_nothing_and_is_told_to_nobody(
    script: int,
) -> None:
    rig = MeterRig(mains(volts(230), watts(1000)), start=at("06:00"))
    for place, data in switching_table((7, 2), (9, script)):
        assert rig.set(place, data) == 0
    rig.until(at("08:30"))
    face = HanFace(rig.meter)
    rig.until(at("10:00"))
    face.news()
    (tou,) = rig.numbers("1/0-0:94.44.34.1/2")
    assert tou[:2] == [1000, 3000]
    assert rig.meter.tariff.next_switch(rig.meter.now) == at("07:00", day=1)


def test_no_energy_gets_lost_to_thresholds_that_are_too_many() -> None:
    rig = MeterRig(mains(volts(230), watts(1000)))
    for place, data in switching_table((0, 101)):
        rig.set(place, data)
    rig.set("21/0-0:16.1.11.255/2", v.array(*[v.u32(wh) for wh in (1000, 2000, 3000, 4000, 5000)]))
    rig.set("9000/0-0:63.1.1.255/6", v.date_time(NOW))
    rig.until(at("18:00"))
    (row,) = rig.numbers("1/0-0:94.44.34.2/2")
    assert row[::16] == [1000, 1000, 1000, 5000]


def test_a_block_tariff_fills_one_block_after_the_other() -> None:
    rig = MeterRig(mains(volts(230), watts(1000)))
    for place, data in switching_table((0, 101)):
        rig.set(place, data)
    rig.set("21/0-0:16.1.11.255/2", v.array(v.u32(2500), v.u32(4000), v.u32(0xFFFFFFFF)))
    rig.set("9000/0-0:63.1.1.255/6", v.date_time(NOW))
    rig.until(at("16:00"))
    (row,) = rig.numbers("1/0-0:94.44.34.2/2")
    first_of_each_block = row[::16]
    assert first_of_each_block == [2500, 1500, 2000, 0]
    assert rig.call("9/0-0:10.0.100.255/1", v.u16(99)) == 0
    rig.until(at("17:00"))
    (row,) = rig.numbers("1/0-0:94.44.34.2/2")
    assert row[::16] == [3500, 1500, 2000, 0]
    assert row[8::16] == [1000, 0, 0, 0]


@pytest.mark.parametrize("wild", ["07EAFF01FF000000008000FF", "07EA021EFF000000008000FF"])
def test_a_time_that_does_not_say_when_is_refused(wild: str) -> None:
    rig = MeterRig()
    rig.set("9000/0-0:94.44.128.7/4", v.u32(5000))
    octets = v.octets(bytes.fromhex(wild))
    assert rig.set("9000/0-0:94.44.128.7/6", octets) == Result.OTHER_REASON
    assert rig.read("71/0-0:17.0.0.255/4") == 0
    assert not rig.meter.kept.pending


@pytest.mark.parametrize(
    ("place", "entry", "most"),
    [
        ("20/0-0:13.0.0.255/7", v.structure(*[v.octets(bytes(n)) for n in (1, 12, 1)]), 4),
        ("20/0-0:13.0.0.255/8", v.structure(v.octets(b"w"), *[v.u8(1)] * 7), 4),
        ("11/0-1:11.0.0.255/2", v.structure(v.u16(1), v.octets(bytes(5)), v.u8(1)), 50),
        ("11/0-1:11.0.2.255/2", v.structure(v.u16(1), v.octets(bytes(5)), v.u8(1)), 20),
    ],
)
def test_a_calendar_takes_as_many_entries_as_it_has_places(
    place: str, entry: Data, most: int
) -> None:
    rig = MeterRig()
    assert rig.set(place, v.array(*[entry] * most)) == Result.SUCCESS
    assert rig.set(place, v.array(*[entry] * (most + 1))) == Result.OTHER_REASON
    assert len(elements(rig.read(place))) == most
