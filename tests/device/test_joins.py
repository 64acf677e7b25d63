"""Joins, unjoins and the device log: of every type of device, and as recorded."""

from __future__ import annotations

import contextlib

import pytest

from device.credentials import Credentials
from device.events import PartnerJoined, PartnerLeft
from device.faults import Part
from device.joins import CAPACITY, Joins, Partner
from device.refusal import Refusal
from device.settings import CommonSettings
from device.store import MemoryStore
from gbcs.asn1.devices import DeviceLogEntry, Join, JoinDetails
from gbcs.asn1.names import JoinCode, JoinRole, Kind, ReadCode, UnjoinCode
from gbcs.keys import KeyStore, Usage
from gbcs.party import DeviceType, Role
from tests.device.shared import PEER, SharedBench, maker, pki

INITIATOR, RESPONDER = JoinRole.METHOD_A_INITIATOR, JoinRole.METHOD_A_RESPONDER
B, C = JoinRole.METHOD_B, JoinRole.METHOD_C
PARTNER = Kind.PPMID


def certificate(usage: Usage = Usage.KEY_AGREEMENT) -> bytes:
    return pki().holders[PEER, usage].certificate_der()


def stranger() -> bytes:
    foreign = maker().authority("foreign", "FOREIGN", None)
    return maker().device(PEER, Usage.KEY_AGREEMENT, foreign).certificate_der()


def test_partners_are_taken_in_read_back_and_dropped() -> None:
    bench = SharedBench()
    assert bench.ask("CS03A1", Join(INITIATOR, 1, Kind.PPMID)) == JoinCode.SUCCESS
    assert bench.ask("CS03A2", Join(RESPONDER, 2, Kind.HCALCS)) == JoinCode.SUCCESS
    assert bench.ask("CS03B", Join(B, 3, Kind.TYPE2)) == JoinCode.SUCCESS
    assert bench.ask("CS04AC", 2) == UnjoinCode.SUCCESS
    assert bench.ask("CS04AC", 2) == UnjoinCode.NOT_IN_DEVICE_LOG
    entries = (DeviceLogEntry(1, Kind.PPMID), DeviceLogEntry(3, Kind.TYPE2))
    assert bench.ask("CS07", None) == JoinDetails(ReadCode.SUCCESS, entries)
    assert bench.told == [0x8F49, 0x8F49, 0x8F49, 0x8F4B, 0x8F4A]
    seen = [each for each in bench.seen if isinstance(each, (PartnerJoined, PartnerLeft))]
    assert [(each.peer, each.outcome.name) for each in seen][-2:] == [
        (2, "SUCCESS"),
        (2, "NOT_IN_DEVICE_LOG"),
    ]


def test_a_log_comes_back_after_a_restart() -> None:
    bench = SharedBench(DeviceType.GSME)
    joined = Join(C, PEER, Kind.PPMID, certificate())
    assert bench.ask("CS03C", joined) == JoinCode.SUCCESS
    again = SharedBench(DeviceType.GSME, bench.store)
    assert again.chassis.credentials.devices == {PEER: DeviceType.PPMID}
    assert PEER in again.common.joins


@pytest.mark.parametrize(
    ("kind", "name", "asked", "answer"),
    [
        (DeviceType.ESME, "CS03A1", Join(RESPONDER, 7, PARTNER), 1),
        (DeviceType.ESME, "CS03A1", Join(INITIATOR, 7, Kind.GSME), 2),
        (DeviceType.ESME, "CS03C", Join(C, 7, PARTNER), 2),
        (DeviceType.ESME, "CS03A1", Join(INITIATOR, 1, Kind.HCALCS), 3),
        (DeviceType.ESME, "CS03A1", Join(INITIATOR, 1, PARTNER), 0),
        (DeviceType.GSME, "CS03B", Join(B, 7, Kind.GPF), 0),
        (DeviceType.GSME, "CS03B", Join(B, 7, Kind.TYPE2), 2),
        (DeviceType.GPF, "CS03B", Join(B, 7, Kind.TYPE2), 0),
        (DeviceType.GPF, "CS03B", Join(B, 7, Kind.GSME), 0),
        (DeviceType.GSME, "CS03C", Join(C, PEER, PARTNER), 11),
        (DeviceType.GSME, "CS03A1", Join(INITIATOR, PEER, PARTNER), 2),
    ],
)
def test_a_join_that_cannot_be_says_why(
    kind: DeviceType, name: str, asked: Join, answer: int
) -> None:
    bench = SharedBench(kind)
    bench.common.joins.add(1, Partner(PARTNER))
    assert bench.ask(name, asked) == answer
    assert bench.told == [0x8F48 if answer else 0x8F49]


def test_a_certificate_of_another_authority_or_for_another_use_is_refused() -> None:
    bench = SharedBench(DeviceType.GSME)

    def join(octets: bytes) -> object:
        return bench.ask("CS03C", Join(C, PEER, PARTNER, octets))

    assert join(stranger()) == JoinCode.KEY_AGREEMENT_UNKNOWN_ISSUER
    assert join(certificate(Usage.DIGITAL_SIGNATURE)) == JoinCode.INVALID_OR_MISSING_CERTIFICATE
    assert bench.ask("CS07", None) == JoinDetails(ReadCode.SUCCESS, ())
    assert join(certificate()) == JoinCode.SUCCESS


def test_a_certificate_has_to_name_the_partner_only_when_that_is_set() -> None:
    asked = Join(C, 7, PARTNER, certificate())
    assert SharedBench(DeviceType.GSME).ask("CS03C", asked) == JoinCode.SUCCESS
    strict = SharedBench(DeviceType.GSME, common=CommonSettings(certificate_names_peer=True))
    assert strict.ask("CS03C", asked) == JoinCode.INVALID_OR_MISSING_CERTIFICATE


def test_a_full_log_takes_nobody_in_but_knows_whom_it_has() -> None:
    bench = SharedBench()
    for peer in range(CAPACITY):
        bench.common.joins.add(peer, Partner(PARTNER))
    assert bench.ask("CS03A1", Join(INITIATOR, 99, PARTNER)) == JoinCode.DEVICE_LOG_FULL
    assert bench.ask("CS03A1", Join(INITIATOR, 3, PARTNER)) == JoinCode.SUCCESS
    assert len(bench.common.joins) == CAPACITY


def test_a_log_that_cannot_be_written_or_read_says_so() -> None:
    bench = SharedBench()
    bench.common.joins.add(1, Partner(PARTNER))
    bench.chassis.broken |= {Part.DEVICE_LOG_STORAGE, Part.DEVICE_LOG_MEMORY}
    assert bench.ask("CS03A1", Join(INITIATOR, 7, PARTNER)) == JoinCode.WRITE_FAILURE
    assert bench.ask("CS04AC", 1) == UnjoinCode.OTHER_FAILURE
    assert bench.ask("CS07", None) == JoinDetails(ReadCode.READ_FAILURE)


def test_a_broker_joins_and_unjoins_displays_and_a_network_operator_does_not() -> None:
    bench = SharedBench(DeviceType.PPMID)
    broker = Role.ACCESS_CONTROL_BROKER
    assert bench.ask("CS03A2", Join(RESPONDER, 7, Kind.ESME), broker) == JoinCode.SUCCESS
    assert bench.ask("CS04B", 7, broker) == UnjoinCode.SUCCESS
    meter = SharedBench()
    refused = meter.ask("CS03B", Join(B, 7, Kind.TYPE2), Role.NETWORK_OPERATOR)
    assert refused is Refusal.NOT_AUTHORISED


def test_a_join_that_is_undone_leaves_no_trace() -> None:
    store = MemoryStore()
    credentials = Credentials(1, DeviceType.ESME, KeyStore())
    joins = Joins(credentials, store, CommonSettings(), set())
    with contextlib.suppress(RuntimeError), store.transaction():
        assert joins.join(0x000D, Join(INITIATOR, 7, PARTNER)) == JoinCode.SUCCESS
        raise RuntimeError
    assert 7 not in joins
    assert credentials.devices == {}
