"""Change of tenancy on the GPF: who sets it, who is told, which samples a household sees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.keys import derived_key_store
from bench.remote_party import Opened, RemoteParty
from bench.replay import replay_directory
from bench.rig import Rig
from device.chassis import Chassis
from device.clock import DeviceClock
from device.credentials import Credentials
from device.events import Event, EventStream
from device.store import MemoryStore, Store
from gbcs.catalogue import by_name
from gbcs.party import DeviceType
from gbcs.plain import Plain
from gbcs.stamp import Reliability
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import ReadAttributesResponse
from gbcs.zcl.types import DataType, zcl_moment, zcl_seconds
from gpf.device import GasProxy
from gpf.event import TenancyChanged
from gpf.settings import GpfSettings
from han.clusters.device_management import PublishChangeOfTenancy
from han.commands.metering import GetSampledData, GetSampledDataResponse
from han.zcl.payload import decode, encode
from han.zcl.tables import Access

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HALF = timedelta(minutes=30)
RIG = Rig()
KEYS = derived_key_store("test", RIG.parties.by_role(), [RIG.hub.gpf])
SUPPLIER = RemoteParty(RIG.parties.supplier, KEYS)


class Gpf:
    """A GPF without a radio, on a clock moved by hand."""

    def __init__(self, settings: GpfSettings | None = None, store: Store | None = None) -> None:
        self.now, self.store, self.events = NOON, store or MemoryStore(), EventStream()
        self.told: list[Event] = []
        self.events.subscribe(self.told.append, TenancyChanged)
        self._counter = 0
        chassis = Chassis(
            Credentials(RIG.hub.gpf, DeviceType.GPF, KEYS),
            true_time=lambda: self.now,
            clock=DeviceClock(lambda: self.now, status=Reliability.RELIABLE),
            store=self.store,
            events=self.events,
        )
        self.device = GasProxy(chassis, settings=settings)

    def push(self, at: datetime, total: int) -> None:
        self.now = at
        han, record = self.device.han, self.device.mirror
        record.receive((0x0702, 0x0000), DataType.UINT48, total, at)
        record.receive((0x0702, 0x0007), DataType.UTC_TIME, zcl_seconds(at), at)
        self.now = at + timedelta(seconds=31)  # the push is complete without its last frame
        han.poll(self.now)

    def push_halves(self, first: datetime, *totals: int) -> None:
        for number, total in enumerate(totals):
            self.push(first + number * HALF, total)

    def command(self, use_case: str, **arguments: Plain) -> Opened:
        self._counter += 1
        command = SUPPLIER.command(
            by_name(use_case),
            self.device.entity,
            self._counter,
            arguments,
        )
        octets = self.device.answer(command.to_bytes())
        assert octets is not None
        return SUPPLIER.open(octets)

    def change(self, at: datetime | int, event_id: int = 100) -> str:
        values = {
            "PublishChangeofTenancy.IssuerEventID": event_id,
            "PublishChangeofTenancy.ImplementationDateTime": (
                at if isinstance(at, int) else zcl_seconds(at)
            ),
        }
        return self.command("GCS09", **values).payload.components[0].frame.payload.hex()

    def read_at_home(self) -> tuple[object, object]:
        frame = Frame(0x00, 1, 0x00, bytes.fromhex("00020102"))
        answer = self.device.han.esi_endpoint.server.execute(0x0708, frame, self.access())[0]
        first, second = ReadAttributesResponse.parse(answer.payload).records
        return first.value, second.value

    def samples_at_home(self, sample_id: int = 0) -> GetSampledDataResponse | None:
        asked = encode(GetSampledData(sample_id, 0, 0, 100))
        server = self.device.han.mirror_endpoint.server
        answer = server.execute(0x0702, Frame(0x01, 1, 0x08, asked), self.access())[0]
        return decode(GetSampledDataResponse, answer.payload) if answer.is_cluster_command else None

    def samples_of_supplier(self) -> GetSampledDataResponse | None:
        values = {"GetSampledData.EarliestSampleTime": 0, "GetSampledData.NumberOfSamples": 100}
        frame = self.command("GCS17", **values).payload.components[0].frame
        return decode(GetSampledDataResponse, frame.payload) if frame.is_cluster_command else None

    def access(self) -> Access:
        return Access(peer=0xD1, now=self.now)


def ends(samples: GetSampledDataResponse | None) -> list[str]:
    if samples is None:
        return []
    first = zcl_moment(samples.start_time)
    moments = (first + number * HALF for number in range(samples.count))
    return [moment.strftime("%H:%M") for moment in moments]


@pytest.mark.parametrize("use_case", ["GCS09", "GCS61"])
def test_the_recorded_command_is_answered_as_recorded(use_case: str, rtds_dir: Path) -> None:
    outcome = replay_directory(rtds_dir, only=use_case)
    assert (outcome.matched, outcome.mismatched) == (1, [])


def test_displays_are_told_at_once_and_after_a_restart() -> None:
    gpf = Gpf()
    assert gpf.read_at_home() == (0xFFFFFFFF, 0)
    ahead = NOON + timedelta(days=3)
    assert gpf.change(ahead) == "0000"
    assert gpf.read_at_home() == (zcl_seconds(ahead), 0x200)
    assert Gpf(store=gpf.store).read_at_home() == (zcl_seconds(ahead), 0x200)
    assert len(gpf.told) == 1


def test_get_change_of_tenancy_is_answered_by_the_command_or_not_found() -> None:
    gpf = Gpf()
    ask = Frame(0x01, 9, 0x00, b"")
    server = gpf.device.han.esi_endpoint.server
    assert server.execute(0x0708, ask, gpf.access())[0].payload == bytes.fromhex("008b")
    gpf.change(NOON, 7)
    answer = server.execute(0x0708, ask, gpf.access())[0]
    published = decode(PublishChangeOfTenancy, answer.payload)
    assert published == PublishChangeOfTenancy(0, 7, 0, zcl_seconds(NOON), 0x200)


def test_a_device_of_the_home_cannot_change_the_tenancy() -> None:
    gpf = Gpf()
    publish = encode(PublishChangeOfTenancy(0, 7, 0, zcl_seconds(NOON), 0x200))
    for endpoint in gpf.device.han.endpoints:
        answer = endpoint.server.execute(0x0708, Frame(0x09, 1, 0x00, publish), gpf.access())[0]
        assert answer.payload[1] != 0x00
    assert gpf.device.tenancy.newest is None


def test_an_older_event_is_refused_unless_the_check_is_off() -> None:
    strict, lenient = Gpf(), Gpf(GpfSettings(cot_check_event_id=False))
    for gpf in (strict, lenient):
        gpf.change(NOON, 100)
    assert strict.change(NOON + HALF, 99) == "0001"
    assert strict.read_at_home()[0] == zcl_seconds(NOON)
    assert lenient.change(NOON + HALF, 99) == "0000"


def test_another_provider_is_refused_unless_the_check_is_off() -> None:
    assert Gpf(GpfSettings(provider_id=5)).change(NOON) == "0001"
    assert Gpf(GpfSettings(provider_id=5, cot_check_provider=False)).change(NOON) == "0000"


def test_a_change_ahead_can_be_cancelled_and_the_one_in_force_counts_again() -> None:
    gpf = Gpf(GpfSettings(cot_future_policy="hide_at_date"))
    gpf.change(NOON - HALF, 1)
    gpf.change(NOON + HALF, 2)
    assert gpf.device.tenancy.hidden_before(gpf.now) == NOON - HALF
    assert gpf.device.tenancy.hidden_before(NOON + HALF) == NOON + HALF
    assert gpf.change(0xFFFFFFFF, 2) == "0000"
    assert gpf.read_at_home()[0] == zcl_seconds(NOON - HALF)
    assert gpf.change(0xFFFFFFFF, 2) == "0001"


def test_a_half_hour_is_the_difference_of_two_totals_and_a_lost_push_leaves_a_gap() -> None:
    gpf = Gpf()
    gpf.push_halves(NOON, 1000, 1120, 1150)
    gpf.push_halves(NOON + 4 * HALF, 1200, 1210)
    samples = gpf.samples_of_supplier()
    assert samples is not None
    assert samples.samples == (120, 30, 0xFFFFFF, 0xFFFFFF, 10)
    assert ends(samples) == ["12:30", "13:00", "13:30", "14:00", "14:30"]
    assert Gpf(store=gpf.store).samples_of_supplier() == samples


def test_another_gas_meter_starts_from_its_own_register() -> None:
    gpf = Gpf()
    gpf.push_halves(NOON, 1000, 1120)
    gpf.device.samples.forget_totals()
    gpf.push_halves(NOON + 2 * HALF, 5, 8)
    samples = gpf.samples_of_supplier()
    assert samples is not None
    assert samples.samples == (120, 0xFFFFFF, 3)


def test_a_push_off_the_half_hour_is_no_total_of_the_log() -> None:
    gpf = Gpf()
    gpf.push(NOON, 1000)
    gpf.push(NOON + timedelta(minutes=20), 1500)
    gpf.push(NOON + HALF, 1600)
    samples = gpf.samples_of_supplier()
    assert samples is not None
    assert samples.samples == (600,)


@pytest.mark.parametrize(
    ("at", "seen"),
    [
        pytest.param("13:00", ["13:30", "14:00"], id="at a half hour"),
        pytest.param("13:10", ["14:00"], id="between half hours"),
        pytest.param("12:00", ["12:30", "13:00", "13:30", "14:00"], id="before everything"),
        pytest.param("15:00", [], id="ahead, hiding at once"),
    ],
)
def test_the_household_sees_no_period_that_began_before_the_date(at: str, seen: list[str]) -> None:
    gpf = Gpf()
    gpf.push_halves(NOON, 0, 1, 3, 6, 10)
    hour, minute = map(int, at.split(":"))
    gpf.change(NOON.replace(hour=hour, minute=minute))
    assert ends(gpf.samples_at_home()) == seen
    assert ends(gpf.samples_of_supplier()) == ["12:30", "13:00", "13:30", "14:00"]


def test_a_change_ahead_hides_on_its_date_when_so_set() -> None:
    gpf = Gpf(GpfSettings(cot_future_policy="hide_at_date"))
    gpf.push_halves(NOON, 0, 1, 3)
    gpf.change(NOON + 5 * HALF)
    assert ends(gpf.samples_at_home()) == ["12:30", "13:00"]
    gpf.now = NOON + 5 * HALF
    assert gpf.samples_at_home() is None


def test_the_daily_log_holds_days_of_which_both_midnights_are_known() -> None:
    gpf = Gpf()
    midnight = NOON.replace(hour=0)
    for day, total in enumerate((100, 350, 900)):
        gpf.push(midnight + timedelta(days=day), total)
    samples = gpf.samples_at_home(1)
    assert samples is not None
    assert (samples.samples, samples.interval_s) == ((250, 550), 0xFFFF)
    assert zcl_moment(samples.start_time) == midnight + timedelta(days=1)


def test_a_log_keeps_thirteen_months_and_drops_the_oldest() -> None:
    gpf = Gpf()
    log = gpf.device.samples.get(0)
    assert log is not None
    for number in range(19_058):
        log.take(NOON + number * HALF, number)
    samples = log.read(NOON - timedelta(days=1), 20_000)
    assert samples is not None
    assert (samples.first_end, len(samples.values)) == (NOON + 2 * HALF, 19_056)
