"""A meter with its chassis: GBCS octets in, GBCS octets out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from device.command import Refused
from device.cosem.fields import elements
from device.cosem.shape import plain
from device.cosem.table import Place
from device.events import AlertRaised, CommandRefused
from device.refusal import Refusal
from device.store import MemoryStore, Store
from esme.device import ElectricityMeterDevice, use_cases
from esme.physics.site import Site
from gbcs.dlms import values as v
from gbcs.dlms.apdu import (
    AccessRequest,
    AccessResponse,
    DataNotification,
    Kind,
    RequestItem,
    invoke_id,
)
from gbcs.dlms.data import Data, decode
from gbcs.dlms.protected import (
    ProtectedAttribute,
    ProtectedRequest,
    ProtectedResponse,
    ProtectionParameters,
)
from gbcs.dlms.selection import LogRange
from gbcs.envelope import Message
from gbcs.keys import KeyStore, Usage
from gbcs.party import DeviceType
from gbcs.protection import Verdict, attribute_cipher, verify
from gbcs.stamp import NOW, Stamp
from gbcs.zcl.types import zcl_seconds
from tests.device.rig import MIDNIGHT, OPERATOR, SUPPLIER, Rig, command, test_keys
from tests.esme.bench import mains, volts, watts

ESME = 0x00DB1234567890A0
OFFSET_LIMIT = "1/0-0:94.44.0.1/2"
PROFILE = "7/1-0:32.24.0.255/2"


def get(place: str, limits: tuple[int, int] | None = None) -> RequestItem:
    at = Place.parse(place)
    if limits is None:
        return RequestItem(Kind.GET, *at)
    return RequestItem(Kind.GET_WITH_SELECTION, *at, v.NULL, 1, LogRange(*limits).to_data())


def put(place: str, data: Data) -> RequestItem:
    return RequestItem(Kind.SET, *Place.parse(place), data)


def call(place: str, data: Data) -> RequestItem:
    return RequestItem(Kind.ACTION, *Place.parse(place), data)


class Bench:
    """A meter on a bench with test keys; it starts at midnight, 2015-01-01."""

    def __init__(
        self, site: Site, store: Store | None = None, *, keys: KeyStore | None = None
    ) -> None:
        self.rig = Rig(
            eui64=ESME,
            device_type=DeviceType.ESME,
            keys=keys or test_keys(ESME),
            store=store or MemoryStore(),
        )
        self.sent: list[Message] = []
        self.rig.chassis.outbox.hand_to(lambda told: self.sent.append(Message.parse(told)))
        self.device = ElectricityMeterDevice(self.rig.chassis, site, hub_time=self.rig.true_time)
        self.counter = 1000

    def pass_(self, **duration: int) -> None:
        self.rig.true_time.pass_(timedelta(**duration).total_seconds())
        self.device.advance()

    def command(self, name: str, originator: int, *items: RequestItem) -> bytes:
        self.counter += 1
        request = AccessRequest(invoke_id(self.counter), items)
        return command(
            self.rig, name, counter=self.counter, originator=originator, payload=request.to_bytes()
        )

    def ask(
        self, name: str, originator: int, *items: RequestItem
    ) -> tuple[Message, AccessResponse]:
        octets = self.device.answer(self.command(name, originator, *items))
        assert octets is not None
        message = Message.parse(octets)
        checked = verify(message, self.rig.keys)
        assert Verdict.INVALID not in (checked.mac, checked.signature)
        return message, AccessResponse.parse(message.payload)


COUNTERS = [f"3/1-0:32.{group}.0.4/{n}" for group in (32, 36) for n in (2, 3)]


def ecs23(limits: tuple[int, int] = (0, 0xFFFFFFFF)) -> list[RequestItem]:
    reads = [get(place) for place in COUNTERS]
    return [*reads, get(PROFILE, limits), get("7/1-0:32.24.0.255/4")]


def test_a_network_operator_reads_the_voltage_back() -> None:
    bench = Bench(mains(volts(231.6)))
    bench.pass_(hours=1, minutes=10)
    message, response = bench.ask("ECS23", OPERATOR, *ecs23())
    assert [result.result for result in response.results] == [0] * 6
    half_past, hour = (zcl_seconds(MIDNIGHT + timedelta(minutes=m)) for m in (30, 60))
    assert plain(response.results[4].data) == ((half_past, 232), (hour, 232))
    assert plain(response.results[5].data) == 1800
    assert message.date_time == Stamp.of(MIDNIGHT + timedelta(hours=1, minutes=10))


def test_a_supplier_may_not_configure_voltage() -> None:
    bench = Bench(mains(volts(230)))
    items = [call(f"3/1-0:32.{group}.0.4/1", v.i8(0)) for group in (32, 36)]
    assert bench.device.answer(bench.command("ECS29e", SUPPLIER, *items)) is None
    (refused,) = bench.rig.events_of(CommandRefused)
    assert isinstance(refused, CommandRefused)
    assert refused.refusal is Refusal.NOT_AUTHORISED
    assert bench.device.answer(bench.command("ECS29e", OPERATOR, *items)) is not None


@pytest.mark.parametrize(
    "items",
    [
        [get("1/0-0:94.44.0.2/2")],
        [get("3/1-0:2.8.0.255/2"), get("3/1-0:2.8.0.255/3")],
        [get(f"3/1-0:{c}.8.0.255/{n}") for c in (4, 2) for n in (2, 3)],
        [],
    ],
)
def test_items_of_another_use_case_are_refused(items: list[RequestItem]) -> None:
    bench = Bench(mains(volts(230)))
    outcome = bench.device.pipeline.receive(bench.command("ECS17a", OPERATOR, *items))
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.TEMPLATE


def test_a_switched_meter_says_so_under_a_signature() -> None:
    bench = Bench(mains(volts(230), watts(1000)))
    message, response = bench.ask("ECS43", SUPPLIER, call("9/0-0:10.0.106.255/1", v.u16(52)))
    assert (response.results[0].result, len(message.signature or b"")) == (0, 64)
    bench.pass_(hours=1)
    _, response = bench.ask("ECS45", SUPPLIER, get("70/0-0:96.3.10.255/3"))
    assert plain(response.results[0].data) == 0
    assert bench.device.meter.readings.active_import_wh == 0


def test_the_import_register_is_sealed_for_who_asked() -> None:
    bench = Bench(mains(volts(230), watts(1200)))
    bench.pass_(hours=2)
    wanted = ProtectedAttribute(*Place.parse("1/0-0:94.44.34.10/2"))
    asked = ProtectedRequest((wanted,), ProtectionParameters(1001, SUPPLIER, ESME))
    item = call("30/0-0:43.2.8.255/1", asked.to_data())
    message, response = bench.ask("ECS17b", SUPPLIER, item)
    answer = ProtectedResponse.from_data(response.results[0].data)
    assert answer.parameters == ProtectionParameters(1001, ESME, SUPPLIER)
    opened = decode(attribute_cipher(message, bench.rig.keys).open(answer.sealed))
    assert plain(opened) == ((2400, (0, 30), 0, (0, 32)),)


def test_alerts_are_numbered_protected_and_sent_when_they_happen() -> None:
    off, on = MIDNIGHT + timedelta(minutes=10), MIDNIGHT + timedelta(minutes=19)
    bench = Bench(mains(volts(270, (off, 0), (on, 230))))
    bench.ask(
        "ECS29c",
        OPERATOR,
        put("1/1-0:32.31.0.4/2", v.u32(200)),
        put("1/1-0:32.35.0.4/2", v.u32(264)),
        put("7/1-0:32.24.0.255/4", v.u32(300)),
        *(
            put(f"71/0-0:17.0.{n}.255/{member}", v.u32(0))
            for n in (1, 2, 3, 4)
            for member in (4, 6)
        ),
    )
    bench.pass_(minutes=19)
    bench.pass_(minutes=1)
    bodies = [elements(plain(DataNotification.parse(each.payload).body)) for each in bench.sent]
    assert [body[0] for body in bodies] == [0x8002, 0x8F36]
    assert [alert.recipient for alert in bench.sent] == [OPERATOR, OPERATOR]
    assert [alert.message_code for alert in bench.sent] == [0x1001, 0x0067]
    assert [verify(alert, bench.rig.keys).mac for alert in bench.sent] == [
        Verdict.VALID,
        Verdict.ABSENT,
    ]
    assert verify(bench.sent[1], bench.rig.keys).signature is Verdict.VALID
    numbers = [alert.originator_counter for alert in bench.sent]
    assert numbers == sorted(set(numbers))
    assert len(bench.rig.events_of(AlertRaised)) == 2


def test_a_meter_that_comes_back_has_everything() -> None:
    store = MemoryStore()
    bench = Bench(mains(volts(230), watts(1000)), store)
    bench.ask("ECS12", SUPPLIER, put("1/0-0:94.44.3.2/2", v.date_time(NOW)))
    bench.ask("ECS38", SUPPLIER, put(OFFSET_LIMIT, v.u16(900)))
    bench.pass_(hours=1)
    again = Bench(mains(volts(230), watts(1000)), store)
    again.counter = 2000
    again.pass_(hours=2)
    assert again.device.meter.readings.active_import_wh == 2000
    assert again.device.server.value(Place.parse(OFFSET_LIMIT)) == v.u16(900)
    assert again.device.meter.kept.tenancy_changed_at is None


def test_what_cannot_be_answered_is_not_done() -> None:
    keys = test_keys()
    private = ec.derive_private_key(99, ec.SECP256R1())
    keys.add_private(ESME, Usage.KEY_AGREEMENT, private)  # it cannot sign
    bench = Bench(mains(volts(230), watts(1000)), keys=keys)
    order = bench.command("ECS38", SUPPLIER, put(OFFSET_LIMIT, v.u16(900)))
    outcome = bench.device.pipeline.receive(order)
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.NO_KEY
    assert bench.device.server.value(Place.parse(OFFSET_LIMIT)) == v.u16(0)
    switched = bench.command("ECS43", SUPPLIER, call("9/0-0:10.0.106.255/1", v.u16(52)))
    assert bench.device.answer(switched) is None
    bench.pass_(hours=1)
    assert bench.device.meter.readings.active_import_wh == 1000


def test_the_use_cases_of_a_meter_are_those_with_objects() -> None:
    names = set(use_cases())
    assert {"ECS01a", "ECS17b", "ECS22b", "ECS23", "ECS29f", "ECS47e", "ECS70", "ECS82"} <= names
    assert "ECS35c" not in names  # the hub's
    assert len(names) > 95


def test_a_clock_far_off_is_left_alone_and_told() -> None:
    bench = Bench(mains(volts(230)))
    late = bench.rig.true_time() + timedelta(seconds=11)
    bench.rig.clock.sync(late)
    bench.device.advance()
    (alert,) = bench.sent
    assert elements(plain(DataNotification.parse(alert.payload).body))[0] == 0x8F0C
    assert alert.recipient == SUPPLIER
    log = bench.device.meter.reporter.security_log.entries()
    assert [entry.code for entry in log] == [0x8F0C]
    bench.rig.clock.sync(bench.rig.true_time() + timedelta(seconds=9))
    bench.device.advance()
    assert len(bench.sent) == 1


def test_too_many_refusals_are_told_once() -> None:
    bench = Bench(mains(volts(230)))
    for _ in range(12):
        assert bench.device.answer(b"nonsense") is None
    codes = [elements(plain(DataNotification.parse(a.payload).body))[0] for a in bench.sent]
    assert codes == [0x8F60]


def test_a_billing_entry_reaches_the_supplier_and_nobody_else_can_read_it() -> None:
    bench = Bench(mains(volts(230), watts(1000)))
    everyday = v.structure(v.octets(bytes.fromhex("0C000000")), v.octets(b"\xff" * 5))
    bench.ask("ECS30a", SUPPLIER, put("22/0-0:15.0.0.255/4", v.array(everyday)))
    bench.pass_(hours=13)
    (alert,) = bench.sent
    assert (alert.message_code, alert.recipient) == (0x0061, SUPPLIER)
    assert verify(alert, bench.rig.keys).signature is Verdict.VALID
    body = DataNotification.parse(alert.payload).body.value
    assert isinstance(body, tuple)
    answer = ProtectedResponse.from_data(v.structure(*body[2:]))
    assert answer.parameters == ProtectionParameters(alert.originator_counter, ESME, SUPPLIER)
    opened = decode(attribute_cipher(alert, bench.rig.keys).open(answer.sealed))
    noon = zcl_seconds(MIDNIGHT + timedelta(hours=12))
    ((entry,),) = (elements(each) for each in elements(plain(opened)))
    assert elements(entry)[:2] == (noon, 12_000)
