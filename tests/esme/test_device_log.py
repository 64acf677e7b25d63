"""Joins, unjoins and the device log, alone and as commands."""

from __future__ import annotations

import pytest

from esme.device_log import CAPACITY, DeviceLog
from gbcs.asn1.devices import DeviceLogEntry, Join, JoinDetails
from gbcs.asn1.names import JoinCode, JoinRole, Kind, ReadCode, UnjoinCode
from gbcs.asn1.payload import decode, encode
from gbcs.catalogue import by_name
from gbcs.envelope import Cra, Message
from gbcs.rtds import RtdsFile, pairs
from tests.device.rig import SUPPLIER, command
from tests.esme.bench import mains, volts
from tests.esme.test_device import ESME, Bench

A1, A2, B = (by_name(name).message_code for name in ("CS03A1", "CS03A2", "CS03B"))
INITIATOR, RESPONDER = JoinRole.METHOD_A_INITIATOR, JoinRole.METHOD_A_RESPONDER


def join(peer: int = 7, method: int = INITIATOR, kind: int = Kind.PPMID) -> Join:
    return Join(method, peer, kind)


def test_partners_are_taken_in_and_dropped() -> None:
    log = DeviceLog()
    assert log.join(A1, join(1)) == JoinCode.SUCCESS
    assert log.join(A2, join(2, RESPONDER, Kind.HCALCS)) == JoinCode.SUCCESS
    assert log.join(B, join(3, JoinRole.METHOD_B, Kind.TYPE2)) == JoinCode.SUCCESS
    assert log.unjoin(2) == UnjoinCode.SUCCESS
    assert log.unjoin(2) == UnjoinCode.NOT_IN_DEVICE_LOG
    entries = (DeviceLogEntry(1, Kind.PPMID), DeviceLogEntry(3, Kind.TYPE2))
    assert log.details() == JoinDetails(ReadCode.SUCCESS, entries)


@pytest.mark.parametrize(
    ("code", "asked", "answer"),
    [
        (A1, join(method=RESPONDER), JoinCode.INVALID_MESSAGE_CODE_FOR_METHOD_AND_ROLE),
        (0x00AF, join(method=JoinRole.METHOD_C), JoinCode.INVALID_MESSAGE_CODE_FOR_METHOD_AND_ROLE),
        (A1, join(kind=Kind.GSME), JoinCode.INVALID_METHOD_AND_ROLE),
        (A1, join(peer=1, kind=Kind.HCALCS), JoinCode.INCOMPATIBLE_WITH_EXISTING_ENTRY),
        (A1, join(peer=1), JoinCode.SUCCESS),
    ],
)
def test_a_join_that_cannot_be_says_why(code: int, asked: Join, answer: JoinCode) -> None:
    log = DeviceLog({1: int(Kind.PPMID)})
    assert log.join(code, asked) == answer
    assert log.kinds == {1: int(Kind.PPMID)}


def test_a_full_log_takes_nobody_in() -> None:
    log = DeviceLog({peer: int(Kind.PPMID) for peer in range(CAPACITY)})
    assert log.join(A1, join(99)) == JoinCode.DEVICE_LOG_FULL
    assert len(log.kinds) == CAPACITY


def test_a_join_is_answered_kept_and_read_back() -> None:
    bench = Bench(mains(volts(230)))

    def ask(name: str, counter: int, value: object) -> object:
        code = by_name(name).message_code
        payload = encode(code, Cra.COMMAND, value)
        octets = bench.device.answer(
            command(bench.rig, name, counter=counter, originator=SUPPLIER, payload=payload)
        )
        assert octets is not None
        return decode(code, Cra.RESPONSE, Message.parse(octets).payload)

    assert ask("CS03A1", 1000, join(0x1234)) == JoinCode.SUCCESS
    again = Bench(mains(volts(230)), bench.rig.store)
    assert again.device.meter.kept.device_log.kinds == {0x1234: int(Kind.PPMID)}
    details = JoinDetails(ReadCode.SUCCESS, (DeviceLogEntry(0x1234, Kind.PPMID),))
    assert ask("CS07", 1001, None) == details
    assert ask("CS04AC", 1002, 0x1234) == UnjoinCode.SUCCESS
    assert ask("CS04AC", 1003, 0x1234) == UnjoinCode.NOT_IN_DEVICE_LOG


def test_recorded_joins_at_a_meter_are_answered_as_recorded(rtds_files: list[RtdsFile]) -> None:
    found = []
    for asked, answered in pairs(rtds_files):
        message, response = Message.parse(asked.octets), Message.parse(answered.octets)
        if message.recipient != ESME or message.message_code not in (A1, 0x000F):
            continue
        log, value = DeviceLog(), decode(message.message_code, Cra.COMMAND, message.payload)
        recorded = decode(message.message_code, Cra.RESPONSE, response.payload)
        if isinstance(value, Join):
            if recorded == JoinCode.INCOMPATIBLE_WITH_EXISTING_ENTRY:
                log.kinds[value.peer] = int(Kind.HCALCS)
            answer: object = log.join(message.message_code, value)
        else:
            assert isinstance(value, int)
            answer = log.unjoin(value)
        assert encode(message.message_code, Cra.RESPONSE, answer) == response.payload
        found.append(asked.name)
    assert found
