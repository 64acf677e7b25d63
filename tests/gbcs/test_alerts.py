"""Bodies of alerts."""

import pytest

from gbcs.alerts import (
    DlmsAlert,
    ExecutedCommand,
    ExecutedInstruction,
    FirmwareReceipt,
    IntegrityIssue,
    OctetDetails,
    RefusedCommand,
    UndeliveredMessage,
    gbz_alert,
    gbz_details,
)
from gbcs.body import GbzAlertBody, decode_body
from gbcs.dlms import values as v
from gbcs.dlms.apdu import DataNotification
from gbcs.dlms.data import Data
from gbcs.dlms.obis import Obis
from gbcs.envelope import Cra, Message
from gbcs.errors import LocalError, MalformedMessage
from gbcs.gbz import GbzAlert
from gbcs.rtds import RtdsFile
from gbcs.stamp import Stamp

STAMP = Stamp.from_bytes(bytes.fromhex("07DF0101FF000000008000FF"))
_DETAILS: list[tuple[int, OctetDetails]] = [
    (0x00CC, ExecutedInstruction(0x0019, 1002, 20, Obis.parse("0-0:13.0.0.255"), 10)),
    (0x00CE, FirmwareReceipt(bytes(range(32)))),
    (0x00F0, IntegrityIssue(5)),
    (0x0114, UndeliveredMessage(1, 2, 1, 3)),
    (0x00D5, UndeliveredMessage(1, 2, 1, 3)),
    (0x0120, RefusedCommand(0x0019, 1002)),
]


def test_a_future_dated_gas_command_came_due() -> None:
    payload = bytes.fromhex("0109018F66388188900E006C00000000000003E907050106")  # GCS02
    message = Message(
        cra=Cra.ALERT, originator_counter=0xBB8, originator=1, recipient=2, message_code=0x00CD,
        payload=payload,
    )  # fmt: skip
    body = decode_body(message)
    assert isinstance(body, GbzAlertBody)
    assert body.details == ExecutedCommand(0x006C, 0x3E9, 0x0705, 0x01, 0x06)
    assert body.to_bytes() == payload
    assert gbz_alert(0x8F66, 0x38818890, body.details).to_bytes() == payload


@pytest.mark.parametrize(("code", "details"), _DETAILS)
def test_dlms_alerts_with_details_survive(code: int, details: OctetDetails) -> None:
    alert = DlmsAlert(0x200007D0, 0x8F66, STAMP, details)
    assert DlmsAlert.parse(code, alert.to_bytes()) == alert


@pytest.mark.parametrize(
    ("code", "details"), [(0x00CF, FirmwareReceipt(bytes(32))), (0x00F2, IntegrityIssue(1))]
)
def test_gbz_alerts_with_details_survive(code: int, details: OctetDetails) -> None:
    alert = GbzAlert.parse(gbz_alert(0x8F72, 5, details).to_bytes())
    assert gbz_details(code, alert) == details


def test_every_reference_alert_is_typed(rtds_files: list[RtdsFile]) -> None:
    kinds = set()
    for file in rtds_files:
        message = Message.parse(file.octets)
        if message.cra is Cra.ALERT:
            body = decode_body(message)
            assert body.to_bytes() == message.payload, file.name
            details = getattr(body, "details", None)
            kinds.add(type(details).__name__)
    assert {"ExecutedInstruction", "ExecutedCommand"} <= kinds


@pytest.mark.parametrize(
    "body",
    [
        v.u16(0x8F66),
        v.structure(v.u16(0x8F66)),
        v.structure(v.u32(0x8F66), v.date_time(STAMP)),
        v.structure(v.u16(0x8F66), v.date_time(STAMP), v.octets(bytes(18))),
        v.structure(v.u16(0x8F66), v.date_time(STAMP), v.u8(1)),
        v.structure(v.u16(0x8F66), v.octets(bytes(5)), v.octets(bytes(19))),
    ],
)
def test_what_is_no_alert_is_malformed(body: Data) -> None:
    with pytest.raises(MalformedMessage):
        DlmsAlert.parse(0x00CC, DataNotification(0, body).to_bytes())


@pytest.mark.parametrize(
    ("code", "body"),
    [
        (0x00CD, "0F" + "00" * 14),
        (0x00CD, "0E00"),
        (0x00CF, "0910"),
        (0x00F2, "00"),
        (0x00CF, "0920"),
    ],
)
def test_wrong_gbz_details_are_malformed(code: int, body: str) -> None:
    with pytest.raises(MalformedMessage):
        gbz_details(code, GbzAlert(0x8F66, 0, 1, bytes.fromhex(body)))


def test_details_that_do_not_fit_are_our_error() -> None:
    with pytest.raises(LocalError):
        IntegrityIssue(1 << 16).to_bytes()
    with pytest.raises(LocalError):
        gbz_alert(0x8F85, 0, RefusedCommand(1, 2))


def test_a_gbz_payload_for_a_dlms_alert_is_malformed() -> None:
    message = Message(
        cra=Cra.ALERT, originator_counter=1, originator=1, recipient=2, message_code=0x00CC,
        payload=bytes.fromhex("010900810E1C374A80"),
    )  # fmt: skip
    with pytest.raises(MalformedMessage):
        decode_body(message)
