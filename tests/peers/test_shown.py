"""What an IHD and a PPMID show and do in a home with an electricity meter, over the air."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bench.home import Home, living_home
from bench.remote_party import RemoteParty
from bench.rig import Rig
from device.cosem.table import Access, Place
from device.event import Event
from device.events import AlertRaised
from device.joins import Partner
from device.timeline import Timeline
from esme.station import ElectricityMeterStation
from gbcs.asn1.devices import RunningFirmwareAlert
from gbcs.asn1.names import Kind as PartnerKind
from gbcs.asn1.payload import decode as decode_asn1
from gbcs.build.command import Address, build
from gbcs.catalogue import by_name
from gbcs.dlms import values as v
from gbcs.dlms.apdu import AccessRequest, Kind, RequestItem
from gbcs.dlms.data import Data
from gbcs.envelope import Cra, Message
from gbcs.gbz import Component, Gbz
from gbcs.plain import Plain
from gbcs.protection import protect
from gbcs.stamp import NOW
from gbcs.utrn import ValueClass, make
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import DefaultResponse
from gbcs.zcl.status import Status
from han.clusters import PREPAYMENT
from han.commands.prepayment import TopUpResult
from hw.capture import wireshark_key_option
from peers.display import Display
from peers.event import ButtonPressed
from peers.ppmid import Ppmid, Refusal
from peers.reading import Fuel
from tests.virtual_time import START

ESME, IHD, PPMID = 0x02434855420000A0, 0x02434855420000D1, 0x02434855420000D2
ELECTRICITY, GAS = Fuel.ELECTRICITY, Fuel.GAS
POUND = 100_000


def rig(**settings: object) -> Rig:
    return Rig.model_validate(
        {
            "hub": {"radio": "ether:"},
            "start": START,
            "electricity_meter": {"eui64": ESME, "load_w": 1000},
            "displays": [{"eui64": IHD}, {"eui64": PPMID, "kind": "PPMID"}],
            "settings": {"display": {"gas_poll_s": 600, **settings}},
        }
    )


@dataclass
class House:
    home: Home
    timeline: Timeline
    told: list[Event] = field(default_factory=list)
    counter: int = 1000

    def __post_init__(self) -> None:
        self.home.events.subscribe(self.told.append, AlertRaised, ButtonPressed)

    @property
    def station(self) -> ElectricityMeterStation:
        assert self.home.electricity_meter is not None
        return self.home.electricity_meter

    @property
    def ihd(self) -> Display:
        return self.home.displays[0]

    @property
    def ppmid(self) -> Ppmid:
        found = self.home.displays[1]
        assert isinstance(found, Ppmid)
        return found

    async def command(self, use_case: str, values: dict[str, Plain]) -> Message:
        """What a supplier sends to the meter, and its answer."""
        self.counter += 1
        supplier = RemoteParty(self.home.rig.parties.supplier, self.home.keys)
        command = supplier.command(by_name(use_case), ESME, self.counter, values)
        return Message.parse(await self.home.ask(command, timedelta(minutes=5)))

    def execute(self, *items: tuple[Kind, str, Data]) -> None:
        """Let the meter execute items, whoever sent them."""
        wanted = tuple(RequestItem(kind, *Place.parse(place), data) for kind, place, data in items)
        device = self.station.device
        device.advance()
        access = Access(device.meter.now)
        results = device.server.execute(AccessRequest(1, wanted), access).results
        assert {result.result for result in results} == {0}
        device.advance()

    def prepay(self, balance: int) -> None:
        """Prepayment at 20 p per kWh, with emergency credit of 5.00 from 1.00 down."""
        now = v.date_time(NOW)
        prices = v.structure(
            v.structure(v.i8(3), v.i8(-5)),
            v.structure(v.u16(0), v.octets(bytes(6)), v.i8(0)),
            v.array(v.structure(v.octets(b"\1"), v.i16(20_000))),
        )
        self.execute(
            (Kind.SET, "111/0-1:19.0.0.255/2", v.structure(v.enum(2), v.enum(2))),
            (Kind.SET, "111/0-1:19.0.0.255/13", now),
            (Kind.SET, "113/0-0:19.20.0.255/6", prices),
            (Kind.SET, "113/0-0:19.20.0.255/7", now),
            (Kind.SET, "9000/0-0:94.44.128.2/4", v.i32(5 * POUND)),
            (Kind.SET, "9000/0-0:94.44.128.2/6", now),
            (Kind.SET, "9000/0-0:94.44.128.3/4", v.i32(POUND)),
            (Kind.SET, "9000/0-0:94.44.128.3/6", now),
            (Kind.ACTION, "112/0-0:19.10.0.255/2", v.i32(balance)),
        )

    def token(self, pence: int, counter: int) -> str:
        supplier = self.home.rig.parties.supplier
        return make(supplier, ESME, counter, pence, ValueClass.PENCE, self.home.keys)

    def alerts(self) -> list[str]:
        return [f"{each.alert_code:04X}" for each in self.told if isinstance(each, AlertRaised)]

    async def wait(self, **duration: float) -> None:
        await self.timeline.sleep(timedelta(**duration))


@asynccontextmanager
async def house(
    timeline: Timeline, *, capture: Path | None = None, **settings: object
) -> AsyncIterator[House]:
    async with living_home(rig(**settings), timeline, capture=capture) as home:
        await timeline.sleep(timedelta(minutes=3))
        yield House(home, timeline)


async def test_an_ihd_shows_what_the_supplier_reads(timeline: Timeline) -> None:
    async with house(timeline, electricity_poll_s=60) as h:
        h.prepay(10 * POUND)
        await h.wait(minutes=35)
        told, meter = h.ihd.told(ELECTRICITY), h.station.device.meter
        reading = h.ihd.shown[ELECTRICITY]
        assert reading.register == meter.readings.active_import_wh
        assert told.power_kw == Decimal(1)
        assert (told.ambient, told.supply) == ("low", "on")
        assert told.tariff is not None
        assert (told.tariff.price, told.tariff.tier) == (Decimal("0.2"), 1)
        assert told.cost_of_an_hour == Decimal("0.2")
        assert told.credit is not None
        balance = meter.kept.balances.meter_balance
        assert told.credit.balance == Decimal(balance).scaleb(-5)
        assert told.credit.payment.value == "prepayment"
        assert told.consumption.today is not None
        shown_wh = Decimal(told.consumption.today.split()[0]) * 1000
        assert 0 <= meter.readings.active_import_wh - shown_wh < 100


async def test_power_moves_within_ten_seconds_read_or_reported(timeline: Timeline) -> None:
    async with house(timeline) as h:
        before = h.ihd.shown[ELECTRICITY].register
        await h.wait(seconds=20)
        assert h.ihd.shown[ELECTRICITY].register > before


@pytest.mark.parametrize("way", ["poll", "report"])
async def test_a_register_is_fresh_whichever_way_it_comes(timeline: Timeline, way: str) -> None:
    async with house(timeline, electricity_by=way) as h:
        assert h.ihd.watches[ELECTRICITY].reports is (way == "report")
        await h.wait(minutes=10)
        meter = h.station.device.meter
        h.station.device.advance()
        behind = meter.readings.active_import_wh - h.ihd.shown[ELECTRICITY].register
        assert 0 <= behind <= 4  # 1 kW for twelve seconds


async def test_a_message_is_shown_at_once_and_its_confirmation_reaches_the_supplier(
    timeline: Timeline,
) -> None:
    async with house(timeline) as h:
        await h.command("ECS10", {"SupplierMessage.value": "Your price changes on Monday"})
        await h.wait(seconds=3)
        for display in (h.ihd, h.ppmid):
            message = display.message(ELECTRICITY)
            assert message is not None
            assert message.text == "Your price changes on Monday"
        assert h.ihd.confirm_message()
        await h.wait(seconds=3)
        assert h.alerts() == ["81A6"]
        assert h.ppmid.confirm_message()
        await h.wait(seconds=3)
        assert h.alerts() == ["81A6"]


async def test_a_ppmid_tops_up_takes_emergency_credit_and_switches_on(timeline: Timeline) -> None:
    async with house(timeline) as h:
        h.prepay(POUND // 2)
        assert await h.ppmid.activate_emergency_credit(ELECTRICITY)
        assert not await h.ppmid.activate_emergency_credit(ELECTRICITY)
        await h.wait(seconds=5)
        credit = h.ppmid.told(ELECTRICITY).credit
        assert credit is not None
        assert (credit.emergency_credit, credit.emergency_in_use) == (Decimal(5), True)
        digits = h.token(1000, 7)
        answer = await h.ppmid.top_up(ELECTRICITY, digits)
        assert (answer.result, answer.value) == (TopUpResult.ACCEPTED, 10 * POUND)
        again = await h.ppmid.top_up(ELECTRICITY, digits)
        assert again.result == TopUpResult.REJECTED_DUPLICATE
        assert await h.ppmid.enable_supply()
        await h.wait(seconds=5)
        credit = h.ihd.told(ELECTRICITY).credit
        assert credit is not None
        balance = h.station.device.meter.kept.balances.meter_balance
        assert credit.balance == Decimal(balance).scaleb(-5)
        events = [each for each in h.told if isinstance(each, ButtonPressed)]
        assert [(each.button, each.done) for each in events] == [
            ("emergency credit", True),
            ("emergency credit", False),
            ("top up", True),
            ("top up", False),
            ("enable supply", True),
        ]
        codes = [each.event_id for each in h.ihd.told(ELECTRICITY).events]
        assert 0x81AB in codes  # the supplier lets displays know
        assert 0x810E in codes


async def test_a_ppmid_without_a_gas_meter_in_its_log_says_so(timeline: Timeline) -> None:
    async with house(timeline) as h:
        assert h.home.meter is not None
        h.ppmid.common.joins.unjoin(h.home.meter.chassis.eui64)
        with pytest.raises(Refusal, match="CS03C"):
            await h.ppmid.top_up(GAS, h.token(1000, 7))


async def test_a_ppmid_takes_the_answer_of_the_meter_it_asked_and_of_no_other(
    timeline: Timeline,
) -> None:
    async with house(timeline, electricity_poll_s=600, details_poll_s=3600) as h:
        meter = h.home.meter
        assert meter is not None
        h.ppmid.common.joins.add(meter.chassis.eui64, Partner(PartnerKind.GSME))
        meter.common.joins.add(PPMID, Partner(PartnerKind.PPMID))
        pressed = asyncio.create_task(h.ppmid.activate_emergency_credit(GAS))
        await h.wait(seconds=5)
        [counter] = h.ppmid._asked
        done = DefaultResponse(0x03, Status.SUCCESS).to_bytes()
        forged = Message(
            cra=Cra.RESPONSE,
            originator_counter=counter,
            originator=ESME,
            recipient=PPMID,
            message_code=by_name("PCS02").message_code,
            payload=Gbz((Component(PREPAYMENT.cluster_id, Frame(0x18, 0, 0x0B, done)),)).to_bytes(),
        )
        h.ppmid._take(protect(forged, h.home.keys).to_bytes())
        await h.wait(seconds=5)
        assert not pressed.done()
        assert not await pressed  # the gas meter itself says that there is credit enough


async def test_a_ppmid_tops_up_a_gas_meter_that_sleeps(timeline: Timeline) -> None:
    async with house(timeline, electricity_poll_s=600, details_poll_s=3600) as h:
        meter = h.home.meter
        assert meter is not None
        gsme, supplier = meter.chassis.eui64, h.home.rig.parties.supplier
        h.ppmid.common.joins.add(gsme, Partner(PartnerKind.GSME))
        meter.common.joins.add(PPMID, Partner(PartnerKind.PPMID))
        digits = make(supplier, gsme, 7, 1000, ValueClass.PENCE, h.home.keys)
        answer = await h.ppmid.top_up(GAS, digits)
        assert (answer.result, answer.value) == (TopUpResult.ACCEPTED, 10 * POUND)
        again = await h.ppmid.top_up(GAS, digits)
        assert again.result == TopUpResult.REJECTED_DUPLICATE
        assert not await h.ppmid.activate_emergency_credit(GAS)  # there is credit enough
        pressed = [each for each in h.told if isinstance(each, ButtonPressed)]
        assert [(each.fuel, each.result) for each in pressed] == [
            (GAS, "ACCEPTED"),
            (GAS, "REJECTED_DUPLICATE"),
            (GAS, "FAILURE"),
        ]
        assert timeline.now() - START < timedelta(hours=2)


async def test_a_ppmid_tells_which_firmware_runs_after_an_activation(timeline: Timeline) -> None:
    async with house(timeline) as h:
        image_hash = bytes(range(32))
        h.ppmid.firmware.hold(bytes.fromhex("0123ABCD"), image_hash)
        told: list[Message] = []
        h.home.upward.append(lambda octets: told.append(Message.parse(octets)))
        h.counter += 1
        broker = h.home.rig.parties.access_control_broker
        address = Address(originator=broker, recipient=PPMID, originator_counter=h.counter)
        values: dict[str, Plain] = {"image_hash": "0x" + image_hash.hex()}
        command = build(by_name("CS06"), values, address, h.home.keys)
        await h.home.ask(command, timedelta(minutes=5))
        await h.wait(seconds=10)
        (alert,) = [each for each in told if each.cra is Cra.ALERT and each.originator == PPMID]
        assert alert.message_code == by_name("CS09").message_code
        assert alert.recipient == broker  # as in the reference message
        read = decode_asn1(alert.message_code, Cra.ALERT, alert.payload)
        assert isinstance(read, RunningFirmwareAlert)
        assert (read.alert_code, read.running.hex(), read.result) == (0x8F8B, "0123abcd", 0)


async def test_scenario_48_a_new_tenant_sees_nothing_old_and_the_ihd_wipes_once(
    timeline: Timeline,
) -> None:
    async with house(timeline, cot_poll_s=600, electricity_poll_s=600, details_poll_s=3600) as h:
        await h.command("ECS10", {"SupplierMessage.value": "For the former tenant"})
        await h.wait(hours=2)
        assert len(h.ihd.memory[ELECTRICITY].history()) > 2
        assert h.ihd.message(ELECTRICITY) is not None
        wiped: list[Event] = []
        from peers.event import HistoryWiped

        h.home.events.subscribe(wiped.append, HistoryWiped)
        octets = "0x" + _octets(timeline.now()).hex()
        await h.command("ECS12", {"restrictDataDateTime.value": octets})
        await h.wait(minutes=100)
        assert len([each for each in wiped if each.device == IHD]) == 1
        history = h.ihd.memory[ELECTRICITY].history()
        assert all(entry.at >= START + timedelta(hours=2) for entry in history)
        meter = h.station.device.meter
        half_hours = meter.kept.measurements.half_hours.active_import
        assert len(half_hours) > 6  # the supplier's are all there


def _octets(moment: datetime) -> bytes:
    from gbcs.stamp import Stamp

    return Stamp.of(moment.replace(microsecond=0)).to_bytes()


def _shark(path: Path, keys: Iterable[bytes], *arguments: str) -> str:
    options = [part for key in keys for part in ("-o", wireshark_key_option(key, "link"))]
    command = ["tshark", "-r", str(path), *options, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


async def test_tshark_names_everything_and_finds_nothing_wrong(
    timeline: Timeline, tmp_path: Path
) -> None:
    path = tmp_path / "house.pcap"
    async with house(timeline, capture=path, electricity_by="report") as h:
        h.prepay(POUND // 2)
        await h.command("ECS10", {"SupplierMessage.value": "Hello"})
        await h.ppmid.activate_emergency_credit(ELECTRICITY)
        await h.ppmid.top_up(ELECTRICITY, h.token(1000, 7))
        await h.ppmid.enable_supply()
        await h.wait(minutes=6)
        assert h.ihd.confirm_message()
        await h.wait(seconds=20)
        keys = h.home.capture_keys
    wrong = "_ws.malformed || zbee_sec.encrypted_payload || _ws.expert.severity >= 6291456"
    assert _shark(path, keys, "-Y", wrong) == ""
    listed = _shark(path, keys, "-Y", "zbee_zcl", "-T", "fields", "-e", "_ws.col.Info")
    for name in (
        "Publish Price",
        "Get Current Price",
        "Display Message",
        "Message Confirmation",
        "Select Available Emergency Credit",
        "Consumer Top Up",
        "Consumer Top Up Response",
        "Local Change Supply",
        "Publish Event",
        "Report Attributes",
        "Configure Reporting",
    ):
        assert name in listed, name
