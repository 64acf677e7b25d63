"""What displays read of the same meter."""

from __future__ import annotations

from datetime import timedelta

import pytest

from device.cosem.fields import elements
from device.periods import month_start, week_start
from esme.face import HanFace
from esme.meter import Identity
from esme.physics.site import Phase, Site
from gbcs.dlms import values as v
from gbcs.dlms.apdu import Result
from gbcs.dlms.data import Data
from gbcs.stamp import NOW, Reliability, Stamp
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import GeneralCommand, ReadAttributes, ReadAttributesResponse
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value, zcl_seconds
from han.clusters import DEVICE_MANAGEMENT, METERING, PREPAYMENT, PRICE
from han.zcl.server import ZclServer
from han.zcl.tables import Access
from tests.esme.bench import DAY, at, mains, volts, watts
from tests.esme.rig import MeterRig

METERING_ID, PREPAYMENT_ID = METERING.cluster_id, PREPAYMENT.cluster_id
MANAGEMENT_ID = DEVICE_MANAGEMENT.cluster_id


class Display:
    """A display that reads a meter's clusters."""

    def __init__(self, rig: MeterRig) -> None:
        self._rig = rig
        self._server = ZclServer(HanFace(rig.meter).served())

    def ask(self, cluster_id: int, frame: Frame) -> Frame:
        access = Access(peer=1, now=self._rig.meter.now)
        (answer,) = self._server.execute(cluster_id, frame, access)
        return answer

    def read(self, cluster_id: int, *attributes: int) -> list[Value]:
        payload = ReadAttributes(attributes).to_bytes()
        frame = Frame(0x00, 1, GeneralCommand.READ_ATTRIBUTES, payload)
        records = ReadAttributesResponse.parse(self.ask(cluster_id, frame).payload).records
        assert all(record.status == Status.SUCCESS for record in records)
        return [record.value for record in records]


def test_a_display_shows_what_the_supplier_reads() -> None:
    load = watts(1500, (at("12:00"), -800))
    rig = MeterRig(mains(volts(230), load))
    rig.until(at("13:00"))
    display = Display(rig)
    assert display.read(METERING_ID, 0x0000, 0x0001, 0x0100, 0x0302) == [3000, 800, 3000, 1000]
    assert display.read(METERING_ID, 0x0400, 0x0401, 0x0014) == [-800, 3000, 2]
    assert rig.read("1/0-0:94.44.34.10/2") == (3000, (0, 30), 0, (0, 32))
    rig.call("112/0-0:19.10.0.255/2", v.i32(-120_000))
    assert display.read(PREPAYMENT_ID, 0x0001) == [-120_000]


def test_every_attribute_of_the_tables_can_be_read() -> None:
    rig = MeterRig(Site((Phase(), Phase(), Phase()), watts(100)))
    rig.until(at("13:00"))
    for served in HanFace(rig.meter).served():
        for attribute in served.attributes:
            Display(rig).read(served.cluster_id, attribute)


def test_the_ambient_colour_follows_the_suppliers_thresholds() -> None:
    rig = MeterRig(mains(volts(230), watts(100, (at("11:00"), 700), (at("12:00"), 3000))))
    rig.set("21/0-0:16.0.0.255/2", v.array(v.u32(500), v.u32(2000)))
    colours = []
    for clock in ("10:30", "11:30", "12:30"):
        rig.until(at(clock))
        colours += Display(rig).read(METERING_ID, 0x0207)
    assert colours == [0, 1, 2]


def test_days_weeks_and_months_add_up() -> None:
    rig = MeterRig(mains(volts(230), watts(1000)), start=DAY - timedelta(days=40))
    rig.until(at("12:00", day=2))  # Wednesday, 4 March 2026
    display = Display(rig)
    assert display.read(METERING_ID, 0x0401, 0x0403, 0x0420) == [12_000, 24_000, 24_000]
    assert display.read(METERING_ID, 0x0430, 0x0432) == [60_000, 168_000]
    assert display.read(METERING_ID, 0x0440, 0x0442) == [84_000, 28 * 24_000]


def test_the_day_week_and_month_of_a_change_of_tenancy_count_from_it() -> None:
    rig = MeterRig(Site((Phase(active_mw=watts(1000)),), watts(600)), start=DAY)
    rig.until(at("10:50", day=2))
    assert rig.set("1/0-0:94.44.3.2/2", v.date_time(Stamp.of(at("10:40", day=2)))) == 0
    display = Display(rig)
    current = (0x0401, 0x0430, 0x0440)
    assert display.read(METERING_ID, *current) == [0, 0, 0]  # 10:30 to 11:00 is not the tenant's
    rig.until(at("11:15", day=2))
    assert display.read(METERING_ID, *current) == [400, 400, 400]
    rig.until(at("00:30", day=3))
    assert display.read(METERING_ID, *current) == [800, 21_600, 21_600]
    assert display.read(METERING_ID, 0x0403) == [0]
    rig.until(at("06:00", day=7))  # Monday
    assert display.read(METERING_ID, *current, 0x0432) == [9_600, 9_600, 184_000, 0]


@pytest.mark.parametrize("on", [True, False])
def test_a_new_tenant_does_not_see_the_days_before(on: bool) -> None:
    rig = MeterRig(mains(volts(230), watts(1000)), start=DAY - timedelta(days=3))
    rig.until(at("00:30", day=1))
    if on:
        stamp = Stamp.of(at("00:00"))
        assert rig.set("1/0-0:94.44.3.2/2", v.date_time(stamp)) == 0
    display = Display(rig)
    assert display.read(METERING_ID, 0x0403, 0x0420) == [24_000, 0 if on else 24_000]
    assert len(rig.numbers("7/0-0:99.1.3.255/2")) == 4  # the supplier sees them all


def test_a_change_of_tenancy_is_readable_and_can_be_asked_for() -> None:
    rig = MeterRig()
    display = Display(rig)
    ask = Frame(0x01, 7, 0x00)
    assert display.read(MANAGEMENT_ID, 0x0200, 0x0201) == [0xFFFFFFFF, 0]
    assert display.ask(MANAGEMENT_ID, ask).payload == bytes((0x00, Status.NOT_FOUND))
    rig.set("1/0-0:94.44.3.2/2", v.date_time(Stamp.of(at("09:00"))))
    seconds = zcl_seconds(at("09:00"))
    assert display.read(MANAGEMENT_ID, 0x0200, 0x0201) == [seconds, 0x200]
    answer = display.ask(MANAGEMENT_ID, ask)
    at_s = seconds.to_bytes(4, "little")
    expected = bytes(4) + at_s + bytes(1) + at_s + bytes.fromhex("00020000")
    assert (answer.command_id, answer.payload) == (0x00, expected)


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    wednesday = at("00:00", day=2).date()
    assert week_start(wednesday, 0) == DAY.date()
    assert month_start(wednesday, 3).isoformat() == "2025-12-01"


def profile(display: Display, end: int = 0, periods: int = 4, channel: int = 0) -> bytes:
    payload = bytes((channel,)) + end.to_bytes(4, "little") + bytes((periods,))
    return display.ask(METERING_ID, Frame(0x01, 3, 0x00, payload)).payload


def intervals(payload: bytes) -> list[int]:
    """Intervals of a GetProfileResponse, the newest first."""
    count = payload[6]
    return [int.from_bytes(payload[7 + 3 * n : 10 + 3 * n], "little") for n in range(count)]


def test_a_display_gets_the_newest_half_hours() -> None:
    rig = MeterRig(mains(volts(230), watts(1000, (at("12:00"), 2000))))
    rig.until(at("13:00"))
    payload = profile(Display(rig))
    assert int.from_bytes(payload[:4], "little") == zcl_seconds(at("13:00"))
    assert payload[4:7] == bytes((0, 2, 4))
    assert intervals(payload) == [1000, 1000, 500, 500]
    earlier = profile(Display(rig), zcl_seconds(at("12:10")), 12)
    assert intervals(earlier) == [500] * 4
    assert profile(Display(rig), channel=7)[4] == 1


def test_half_hours_before_a_change_of_tenancy_are_not_shown() -> None:
    rig = MeterRig(mains(volts(230), watts(1000)), start=DAY)
    rig.until(at("16:00"))
    rig.set("1/0-0:94.44.3.2/2", v.date_time(Stamp.of(at("15:00"))))
    assert len(intervals(profile(Display(rig), periods=12))) == 2
    rig.set("1/0-0:94.44.3.2/2", v.date_time(Stamp.of(at("15:10"))))
    assert len(intervals(profile(Display(rig), periods=12))) == 1
    assert len(rig.numbers("7/0-0:99.1.0.255/2")) == 32  # the supplier sees them all


def test_an_answer_stops_at_a_gap() -> None:
    supply = volts(230, (at("11:30"), 0), (at("12:30"), 230))
    rig = MeterRig(mains(supply, watts(1000)))
    rig.until(at("14:00"))
    assert intervals(profile(Display(rig), periods=12)) == [500, 500, 500]


def test_without_half_hours_there_is_nothing_to_show() -> None:
    assert profile(Display(MeterRig()))[4] == 5


@pytest.mark.parametrize(("hide_at_date", "shown"), [(False, 0), (True, 12)])
def test_a_change_of_tenancy_to_come_hides_at_once_or_at_its_date(
    hide_at_date: bool, shown: int
) -> None:
    rig = MeterRig(mains(volts(230), watts(1000)), start=DAY, hide_at_date=hide_at_date)
    rig.until(at("12:00"))
    rig.set("1/0-0:94.44.3.2/2", v.date_time(Stamp.of(at("20:00"))))
    assert len(intervals(profile(Display(rig), periods=12))) == shown
    rig.until(at("21:00"))
    assert len(intervals(profile(Display(rig), periods=12))) == 2


@pytest.mark.parametrize(
    "when",
    ["07CFFFFFFF000000008000FF", "07CF0C1FFF173B3B008000FF", "FFFE0101FF000000008000FF"],
)
def test_a_change_of_tenancy_that_no_display_could_be_told_is_refused(when: str) -> None:
    rig = MeterRig()
    octets = v.octets(bytes.fromhex(when))
    assert rig.set("1/0-0:94.44.3.2/2", octets) == Result.OTHER_REASON
    assert rig.meter.kept.tenancy_changed_at is None
    assert HanFace(rig.meter).news() == []


def test_registers_begin_where_the_meter_was_and_start_again_at_zero_when_full() -> None:
    counted = Identity(0xA0, import_wh=(1 << 32) - 1000, export_wh=70)
    rig = MeterRig(mains(volts(230), watts(2000)), identity=counted)
    rig.until(at("10:15"))
    assert rig.read("1/0-0:94.44.34.10/2") == ((1 << 32) - 500, (0, 30), 0, (0, 32))
    assert rig.read("3/1-0:2.8.0.255/2") == 70
    rig.until(at("00:00", day=1))
    (tou,) = elements(rig.read("1/0-0:94.44.34.1/2"))
    assert elements(tou)[0] == 27_000
    assert Display(rig).read(METERING_ID, 0x0000, 0x0100) == [27_000, 27_000]
    assert rig.numbers("7/0-0:98.1.9.255/2")[0][1] == 27_000
    profile = rig.numbers("7/0-0:99.1.0.255/2")
    assert [row[1] for row in profile] == [1000] * 28
    assert rig.meter.kept.balances.meter_balance == 0


def test_a_meter_without_a_time_states_none() -> None:
    rig = MeterRig(mains(volts(230)), status=Reliability.INVALID)
    display = Display(rig)
    assert display.read(METERING_ID, 0x0007) == display.read(PREPAYMENT_ID, 0x0004) == [0xFFFFFFFF]
    rig.clock.set_clock(at("10:00"), None, None)
    assert display.read(METERING_ID, 0x0007) == [zcl_seconds(at("10:00"))]


def test_what_no_attribute_can_show_is_shown_as_its_end() -> None:
    rig = MeterRig(mains(volts(230)))
    rig.call("113/0-0:19.20.1.255/4", v.i32(-5))
    rig.set("9000/0-0:94.44.2.10/4", v.i32(-1))
    rig.set("9000/0-0:94.44.2.10/6", v.date_time(NOW))
    display = Display(rig)
    assert display.read(PREPAYMENT_ID, 0x0211, 0x0022) == [0, 0]
    rig.set("113/0-0:19.20.0.255/6", price(-7))
    rig.set("113/0-0:19.20.0.255/7", v.date_time(NOW))
    assert display.read(PRICE.cluster_id, 0x0410) == [0]
    assert rig.read("3/0-0:94.44.1.7/2") == 0
    rig.set("113/0-0:19.20.0.255/6", price(7, scale=100))
    rig.set("113/0-0:19.20.0.255/7", v.date_time(NOW))
    assert display.read(PRICE.cluster_id, 0x0410) == [0xFFFFFFFE]
    assert rig.read("3/0-0:94.44.1.7/2") == 0xFFFFFFFE
    assert HanFace(rig.meter).news() == []


def price(amount: int, *, scale: int = -5) -> Data:
    return v.structure(
        v.structure(v.i8(3), v.i8(scale)),
        v.structure(v.u16(3), v.logical_name("1-0:1.8.0.255"), v.i8(2)),
        v.array(v.structure(v.octets(b"\x01"), v.i16(amount))),
    )
