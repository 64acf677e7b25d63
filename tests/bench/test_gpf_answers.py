"""The GPF answers its six use cases from the mirror, over the whole pipeline, without a radio."""

from datetime import UTC, datetime

from bench.keys import derived_key_store
from bench.remote_party import Opened, RemoteParty
from bench.rig import Rig
from device.chassis import Chassis
from device.clock import DeviceClock
from device.credentials import Credentials
from device.events import CommandRefused, EventStream
from device.store import MemoryStore
from gbcs.catalogue import by_name
from gbcs.party import DeviceType
from gbcs.protection import Verdict
from gbcs.stamp import Reliability, Source
from gbcs.zcl.types import DataType, zcl_seconds
from gpf.device import GasProxy

TEN = datetime(2026, 1, 5, 10, tzinfo=UTC)
RIG = Rig()
KEYS = derived_key_store("test", RIG.parties.by_role(), [RIG.hub.gpf])
METERING = {0x0000: (0x25, 12345), 0x0300: (0x30, 1), 0x0301: (0x22, 1), 0x0302: (0x22, 1000)}


def proxy() -> GasProxy:
    credentials = Credentials(RIG.hub.gpf, DeviceType.GPF, KEYS)
    clock = DeviceClock(lambda: TEN, status=Reliability.RELIABLE)
    chassis = Chassis(
        credentials,
        true_time=lambda: TEN,
        clock=clock,
        store=MemoryStore(),
        events=EventStream(),
    )
    return GasProxy(chassis)


def push(gpf: GasProxy, *, with_time: bool = True) -> None:
    for attribute, (type_id, value) in METERING.items():
        gpf.mirror.receive((0x0702, attribute), DataType(type_id), value, TEN)
    if with_time:
        taken = zcl_seconds(datetime(2026, 1, 5, 9, 30, tzinfo=UTC))
        gpf.mirror.receive((0x0702, 0x0007), DataType.UTC_TIME, taken, TEN)
    gpf.mirror.complete()


def ask(gpf: GasProxy, use_case: str, counter: int = 1) -> Opened | None:
    supplier = RemoteParty(RIG.parties.supplier, KEYS)
    command = supplier.command(by_name(use_case), gpf.entity, counter)
    octets = gpf.answer(command.to_bytes())
    return None if octets is None else supplier.open(octets)


def test_the_register_comes_encrypted_with_the_gas_meters_time() -> None:
    gpf = proxy()
    push(gpf)
    answer = ask(gpf, "GCS13a")
    assert answer is not None
    assert answer.verification.mac is Verdict.VALID
    assert [(record.attribute_id, record.value) for _, record in answer.attributes] == [
        (0x0302, 1000),
        (0x0301, 1),
        (0x0300, 1),
        (0x0000, 12345),
    ]
    stamp = answer.message.date_time
    assert stamp is not None
    assert (stamp.status, str(stamp.at)) == (0x04, "2026-01-05 09:30:00+00:00")
    assert answer.message.originator_counter == 1


def test_without_the_gas_meters_time_the_stamp_is_the_gpfs_own() -> None:
    gpf = proxy()
    push(gpf, with_time=False)
    answer = ask(gpf, "GCS13a")
    assert answer is not None
    stamp = answer.message.date_time
    assert stamp is not None
    assert (stamp.status, stamp.at) == (0x00, TEN)


def test_before_the_first_push_values_are_unsupported_and_the_stamp_invalid() -> None:
    answer = ask(proxy(), "GCS14")
    assert answer is not None
    statuses = {(cluster, record.status) for cluster, record in answer.attributes}
    assert statuses == {(0x0700, 0x00), (0x0705, 0x86)}
    stamp = answer.message.date_time
    assert stamp is not None
    assert (stamp.source, stamp.reliability) == (Source.OWN, Reliability.INVALID)


def test_gcs60_carries_no_stamp_and_gcs60a_does() -> None:
    gpf = proxy()
    push(gpf)
    plain, stamped = ask(gpf, "GCS60", 1), ask(gpf, "GCS60a", 2)
    assert plain is not None
    assert stamped is not None
    assert plain.message.date_time is None
    assert stamped.message.date_time is not None


def test_a_command_with_one_bit_flipped_is_refused_by_name() -> None:
    gpf = proxy()
    refused: list[CommandRefused] = []
    gpf.chassis.events.subscribe(refused.append, CommandRefused)
    octets = bytearray(
        RemoteParty(RIG.parties.supplier, KEYS).command(by_name("GCS13a"), gpf.entity, 1).to_bytes()
    )
    octets[-1] ^= 1
    assert gpf.answer(bytes(octets)) is None
    assert [event.refusal.name for event in refused] == ["MAC_INVALID"]
