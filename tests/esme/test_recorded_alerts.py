"""Recorded alerts of an electricity meter, provoked from ours and compared octet for octet."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from device.cosem.fields import elements, number, octets
from device.cosem.shape import plain, shape
from device.cosem.table import Access
from esme.alerts import Alert
from esme.billing import registers_notation
from esme.control.happening import Updated
from esme.control.settings import ControlSettings
from esme.device import ElectricityMeterDevice
from esme.meter import Identity
from esme.physics.signal import Constant
from esme.physics.site import Phase, Site
from gbcs.asn1.credentials import CredentialsUpdateAlert
from gbcs.asn1.devices import ActivationAlert
from gbcs.asn1.payload import decode as decode_asn1
from gbcs.asn1.payload import encode as encode_asn1
from gbcs.dlms.apdu import AccessRequest, DataNotification
from gbcs.dlms.data import decode
from gbcs.dlms.protected import ProtectedResponse
from gbcs.dlms.values import date_time, structure, u16
from gbcs.envelope import Cra, Message
from gbcs.keys import KeyStore
from gbcs.party import DeviceType, Role
from gbcs.protection import attribute_cipher
from gbcs.rtds import RtdsFile
from gbcs.stamp import Stamp
from gbcs.utrn import Token, ValueClass
from tests.device.rig import LOAD_CONTROLLER, SUPPLIER, Rig, test_keys
from tests.esme.bench import mains, volts
from tests.esme.rig import MeterRig

FUTURE_DATED, OUTAGE, BILLING, LIMIT_OVER = 0x00CC, 0x0067, 0x0061, 0x0122
GENERIC, FIRMWARE_RECEIPT, OPERATIONAL_UPDATE = 0x1001, 0x00CE, 0x0123
FIRMWARE_ACTIVATION, CREDENTIALS_UPDATE, LOAD_CONTROLLER_UPDATE = 0x00CA, 0x00CB, 0x0124
RECORDED_ESME = ESME = 0x00DB1234567890A0
HOUR = timedelta(hours=1)
Asked = tuple[int, int]
"""Message code and originator counter of a command."""


def recorded(files: list[RtdsFile], code: int) -> list[Message]:
    messages = (Message.parse(file.octets) for file in files if file.kind == "ALERT")
    return [m for m in messages if m.message_code == code and m.originator == RECORDED_ESME]


def future_dated_commands(files: list[RtdsFile]) -> dict[Asked, Message]:
    chosen = (f for f in files if f.kind == "COMMAND" and "FUTURE_DATED" in f.name)
    messages = (Message.parse(f.octets) for f in chosen if "SUCCESS" in f.name)
    return {(m.message_code, m.originator_counter): m for m in messages}


def asked_by(alert: Message) -> Asked:
    """Which command an alert of execution speaks of."""
    content = octets(elements(plain(DataNotification.parse(alert.payload).body))[2])
    return int.from_bytes(content[:2], "big"), int.from_bytes(content[2:10], "big")


def execute(command: Message) -> tuple[Alert, ...]:
    """Execute a command just before its time, and go there."""
    due = datetime(2030, 1, 15, 9, tzinfo=UTC)
    rig = MeterRig(Site((Phase(),), Constant()), start=due - timedelta(minutes=1))
    access = Access(
        rig.meter.now,
        message_code=command.message_code,
        originator_counter=command.originator_counter,
    )
    response = rig.server.execute(AccessRequest.parse(command.payload), access)
    assert {result.result for result in response.results} == {0}
    rig.until(due)
    return rig.meter.reporter.take_alerts()


def test_every_recorded_activation_is_told_as_recorded(rtds_files: list[RtdsFile]) -> None:
    commands = future_dated_commands(rtds_files)
    told: dict[Asked, list[Message]] = defaultdict(list)
    for message in recorded(rtds_files, FUTURE_DATED):
        told[asked_by(message)].append(message)
    provoked = {asked: execute(commands[asked]) for asked in told if asked in commands}
    assert sum(len(alerts) for alerts in provoked.values()) > 10
    for asked, ours in provoked.items():
        theirs = sorted(told[asked], key=lambda message: message.originator_counter)
        places = [
            [alert.payload(message.originator_counter) for alert in ours].index(message.payload)
            for message in theirs
        ]
        assert places == sorted(places), f"{asked}: another order than on record"


def test_the_recorded_outage_is_told_as_recorded(rtds_files: list[RtdsFile]) -> None:
    off, on = datetime(2014, 12, 31, 23, 50, tzinfo=UTC), datetime(2014, 12, 31, 23, 59, tzinfo=UTC)
    told = datetime(2015, 1, 1, tzinfo=UTC)
    rig = MeterRig(mains(volts(230, (off, 0), (on, 230))), start=off - timedelta(hours=1))
    rig.until(told)
    (alert,) = rig.meter.reporter.take_alerts()
    (message,) = recorded(rtds_files, OUTAGE)
    # The recorded meter told it a minute after the supply was back, ours at once.
    theirs = message.payload.replace(Stamp.of(told).octets, Stamp.of(on).octets, 1)
    assert alert.payload(message.originator_counter) == theirs


def test_the_recorded_end_of_a_limit_is_told_as_recorded(rtds_files: list[RtdsFile]) -> None:
    start, end = datetime(2014, 12, 31, 23, tzinfo=UTC), datetime(2015, 1, 1, tzinfo=UTC)
    for message in recorded(rtds_files, LIMIT_OVER):
        _, _, side, level = elements(plain(DataNotification.parse(message.payload).body))
        script = number(side) << 8 | number(level)
        rig = MeterRig(start=start, identity=Identity(0xA0, controllers=(b"\xff",) * 5))
        controller = script >> 8 & 0x0F
        for field, moment in ((1, start), (2, end + HOUR), (3, start), (4, end)):
            place = f"1/0-0:94.44.{116 + controller}.{field}/2"
            assert rig.set(place, date_time(Stamp.of(moment))) == 0
        assert rig.call("9/0-0:10.0.103.255/1", u16(script)) == 0
        assert rig.call("9/0-0:10.0.107.255/1", u16(number(side) << 8)) == 0
        rig.until(end)
        *_, ended = rig.meter.reporter.take_alerts()
        assert ended.payload(message.originator_counter) == message.payload


def test_the_recorded_billing_entry_has_the_form_of_ours(
    rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    (message,) = recorded(rtds_files, BILLING)
    body = DataNotification.parse(message.payload).body.value
    assert isinstance(body, tuple)
    sealed = ProtectedResponse.from_data(structure(*body[2:])).sealed
    opened = decode(attribute_cipher(message, rtds_keys).open(sealed))
    assert shape(f"{{compact<{{u32,{registers_notation(twin=False)}}}>}}").fits(opened)


def test_the_recorded_top_up_by_hand_is_told_as_recorded(rtds_files: list[RtdsFile]) -> None:
    told = datetime(2015, 1, 1, tzinfo=UTC)
    (message,) = recorded(rtds_files, GENERIC)
    rig = MeterRig(mains(volts(230)), start=told)
    digits = Token(7, ValueClass.PENCE, 500, b"good").digits().encode()
    rig.meter.prepayment.top_up(digits, told)
    (alert,) = rig.meter.reporter.take_alerts()
    assert (alert.message_code, alert.recipient) == (GENERIC, Role.SUPPLIER)
    assert alert.payload(message.originator_counter) == message.payload


def test_the_recorded_firmware_receipt_is_told_as_recorded(rtds_files: list[RtdsFile]) -> None:
    told = datetime(2015, 1, 1, tzinfo=UTC)
    (message,) = recorded(rtds_files, FIRMWARE_RECEIPT)
    image_hash = octets(elements(plain(DataNotification.parse(message.payload).body))[2])
    rig = MeterRig(mains(volts(230)), start=told)
    rig.meter.reporter.firmware_received(0x8F72, told, image_hash)
    (alert,) = rig.meter.reporter.take_alerts()
    assert alert.message_code == FIRMWARE_RECEIPT
    assert alert.payload(message.originator_counter) == message.payload


def test_the_recorded_operational_update_is_told_as_recorded(rtds_files: list[RtdsFile]) -> None:
    told = datetime(2015, 1, 1, tzinfo=UTC)
    (message,) = recorded(rtds_files, OPERATIONAL_UPDATE)
    rig = MeterRig(
        start=told - HOUR,
        identity=Identity(0xA0, controllers=(b"\xff", b"", b"", b"", b"")),
        control=ControlSettings(operational_updates=True, apc_default_level=0),
    )
    for field, moment in ((1, told), (2, told + HOUR)):
        place = f"1/0-0:94.44.117.{field}/2"
        assert rig.set(place, date_time(Stamp.of(moment))) == 0
    assert rig.call("9/0-0:10.0.103.255/1", u16(0x1164)) == 0
    rig.until(told)
    alert = rig.meter.reporter.take_alerts()[-1]
    assert (alert.message_code, alert.recipient) == (OPERATIONAL_UPDATE, Role.SUPPLIER)
    assert alert.concerns is Role.LOAD_CONTROLLER
    assert alert.payload(message.originator_counter) == message.payload


def test_an_operational_update_names_the_load_controller_as_on_record(
    rtds_files: list[RtdsFile],
) -> None:
    (message,) = recorded(rtds_files, OPERATIONAL_UPDATE)
    bench = Rig(eui64=ESME, device_type=DeviceType.ESME, keys=test_keys(ESME))
    sent: list[bytes] = []
    bench.chassis.outbox.hand_to(sent.append)
    device = ElectricityMeterDevice(bench.chassis, mains(volts(230)), hub_time=bench.true_time)
    device.meter.reporter.controller(Updated(output=100, input=0), bench.true_time())
    device.advance()
    ours = Message.parse(sent[-1])
    assert message.supplementary_id is not None
    assert (ours.recipient, ours.supplementary_id) == (SUPPLIER, LOAD_CONTROLLER)
    assert ours.supplementary_counter == message.supplementary_counter is None
    assert (len(ours.signature or b""), ours.mac) == (64, None)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (FIRMWARE_ACTIVATION, ActivationAlert),
        (CREDENTIALS_UPDATE, CredentialsUpdateAlert),
        (LOAD_CONTROLLER_UPDATE, CredentialsUpdateAlert),
    ],
)
def test_recorded_outcomes_of_shared_commands_are_what_ours_are(
    rtds_files: list[RtdsFile], code: int, kind: type
) -> None:
    """Each is provoked in the tests of the command: its fields are those of the record."""
    messages = recorded(rtds_files, code)
    assert messages
    for message in messages:
        told = decode_asn1(code, Cra.ALERT, message.payload)
        assert isinstance(told, kind)
        assert told.alert_code in (0x8F66, 0x8F67)  # type: ignore[attr-defined]  # both have one
        assert decode_asn1(code, Cra.ALERT, encode_asn1(code, Cra.ALERT, told)) == told


OF_OTHER_DEVICES = {
    0x00CD: "future-dated execution at a GSME",
    0x00CF: "firmware receipt of a GSME",
    0x008B: "billing data log of a GSME",
    0x00F2: "integrity warning of a GSME",
    0x00B2: "device log of a GPF",
    0x0128: "firmware of a PPMID or HCALCS, told by the CHF",
    0x0018: "device log of a CHF",
    0x0110: "duty cycle of a sub-GHz CHF",
    0x0112: "channel scan of a sub-GHz CHF",
    0x012B: "firmware version of a PPMID",
    0x0120: "command that a SAPC does not support",
}
COMPARED = frozenset(
    {
        FUTURE_DATED,
        OUTAGE,
        BILLING,
        LIMIT_OVER,
        GENERIC,
        FIRMWARE_RECEIPT,
        OPERATIONAL_UPDATE,
        FIRMWARE_ACTIVATION,
        CREDENTIALS_UPDATE,
        LOAD_CONTROLLER_UPDATE,
    }
)


def test_every_recorded_alert_is_compared_or_of_another_device(rtds_files: list[RtdsFile]) -> None:
    alerts = [Message.parse(file.octets) for file in rtds_files if file.kind == "ALERT"]
    ours = {one.message_code for one in alerts if one.originator == RECORDED_ESME}
    others = {one.message_code for one in alerts if one.originator != RECORDED_ESME}
    assert ours == COMPARED
    assert others - COMPARED == set(OF_OTHER_DEVICES)
