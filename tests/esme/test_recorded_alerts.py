"""Recorded alerts of an electricity meter, provoked from ours and compared octet for octet."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from device.cosem.fields import elements, number, octets
from device.cosem.shape import plain, shape
from device.cosem.table import Access
from esme.alerts import Alert
from esme.billing import registers_notation
from esme.meter import Identity
from esme.physics.signal import Constant
from esme.physics.site import Phase, Site
from gbcs.dlms.apdu import AccessRequest, DataNotification
from gbcs.dlms.data import decode
from gbcs.dlms.protected import ProtectedResponse
from gbcs.dlms.values import date_time, structure, u16
from gbcs.envelope import Message
from gbcs.keys import KeyStore
from gbcs.protection import attribute_cipher
from gbcs.rtds import RtdsFile
from gbcs.stamp import Stamp
from tests.esme.bench import mains, volts
from tests.esme.rig import MeterRig

FUTURE_DATED, OUTAGE, BILLING, LIMIT_OVER = 0x00CC, 0x0067, 0x0061, 0x0122
RECORDED_ESME = 0x00DB1234567890A0
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
