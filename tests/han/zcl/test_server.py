"""The ZCL engine: what each general and cluster command is answered with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
import zigpy.types as zt
from hypothesis import given, settings
from hypothesis import strategies as st
from zigpy.zcl import foundation

from gbcs.errors import MalformedMessage
from gbcs.zcl.frame import Frame, frame_control
from gbcs.zcl.general import AttributeValue, DefaultResponse, GeneralCommand
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType, Value
from han.zcl.payload import U8, U16, Octets, decode, encode
from han.zcl.server import ZclServer
from han.zcl.tables import (
    Access,
    Answer,
    Attribute,
    AttributeDefinition,
    Cluster,
    ClusterDefinition,
    Command,
    CommandDefinition,
    Failure,
    Party,
    Reply,
    Side,
)

ACCESS = Access(peer=1, now=datetime(2026, 1, 1, tzinfo=UTC))
CLUSTER_ID = 0x0702


@dataclass
class Meter:
    volume_dm3: int = 12345
    name: str = "M"
    refuse_limit: bool = False
    limit: int = 5


@dataclass(frozen=True, slots=True)
class Ask:
    index: U8
    note: Octets = b""


VOLUME = AttributeDefinition(0x0000, "CurrentSummationDelivered", DataType.UINT48)
NAME = AttributeDefinition(0x0010, "Name", DataType.CHAR_STRING)
LIMIT = AttributeDefinition(0x0020, "Limit", DataType.UINT16)
MISSING = AttributeDefinition(0x0030, "Missing", DataType.UINT8)
ASK = CommandDefinition(0x06, "Ask", answered_by=(0x07,))
PUT = CommandDefinition(0x08, "Put")
DEFINITION = ClusterDefinition(
    CLUSTER_ID, "Metering", (VOLUME, NAME, LIMIT, MISSING), (), (ASK, PUT), ()
)


def set_name(meter: Meter, value: Value) -> Status:
    if not isinstance(value, str):
        return Status.INVALID_VALUE
    meter.name = value
    return Status.SUCCESS


def set_limit(meter: Meter, value: Value) -> Status:
    if meter.refuse_limit or not isinstance(value, int):
        return Status.INVALID_VALUE
    meter.limit = value
    return Status.SUCCESS


def ask(meter: Meter, payload: bytes, access: Access) -> Answer:
    request = decode(Ask, payload)
    if request.index > 3:
        return Status.NOT_FOUND
    return tuple(Reply(0x07, bytes([i])) for i in range(request.index))


TABLE: Cluster[Meter] = Cluster(
    DEFINITION,
    attributes=(
        Attribute(VOLUME, lambda m: m.volume_dm3, reportable=True),
        Attribute(NAME, lambda m: m.name, set_name),
        Attribute(LIMIT, lambda m: m.limit, set_limit),
        Attribute(MISSING, lambda _: Failure(Status.NOT_FOUND)),
    ),
    commands=(Command(ASK, ask), Command(PUT, lambda m, p, a: Status.SUCCESS)),
)


def server(meter: Meter | None = None) -> ZclServer:
    return ZclServer([TABLE.on(meter or Meter())])


def general(command: int, payload: str, **control: bool) -> Frame:
    fc = frame_control(cluster_command=False, **control)
    return Frame(fc, 0x42, command, bytes.fromhex(payload))


def specific(command: int, payload: str = "", **control: bool) -> Frame:
    fc = frame_control(cluster_command=True, **control)
    return Frame(fc, 0x42, command, bytes.fromhex(payload))


def run(frame: Frame, target: ZclServer | None = None, access: Access = ACCESS) -> list[str]:
    frames = (target or server()).execute(CLUSTER_ID, frame, access)
    return [f.to_bytes().hex() for f in frames]


def default(command: int, status: Status) -> list[str]:
    return [f"18420b{command:02x}{status:02x}"]


def test_read_answers_each_attribute_for_itself() -> None:
    answers = run(general(0x00, "0000efbe30001000"))
    assert answers == ["18420100000025393000000000efbe8630008b10000042014d"]


def test_an_injected_fault_fails_one_attribute_and_leaves_the_others_alone() -> None:
    target = server()
    target.faults[CLUSTER_ID, 0x0000] = Status.HARDWARE_FAILURE
    assert run(general(0x00, "00001000"), target) == ["1842010000c010000042014d"]
    target.faults.clear()
    assert run(general(0x00, "0000"), target) == ["18420100000025393000000000"]


def test_a_remote_party_gets_the_same_values_without_the_quiet_bit() -> None:
    remote = replace(ACCESS, party=Party.REMOTE)
    assert run(general(0x00, "2000"), access=remote) == ["084201200000210500"]
    assert run(general(0x0F, ""), access=remote) == ["08420b0f82"]


def test_zigpy_decodes_our_read_response() -> None:
    (octets,) = run(general(0x00, "0000efbe1000"))
    header, rest = foundation.ZCLHeader.deserialize(bytes.fromhex(octets))
    assert (header.tsn, header.command_id) == (0x42, 1)
    assert header.direction == foundation.Direction.Server_to_Client
    schema = foundation.GENERAL_COMMANDS[foundation.GeneralCommand.Read_Attributes_rsp].schema
    message, left = schema.deserialize(rest)
    assert left == b""
    records = message.status_records
    assert [(r.attrid, r.status) for r in records] == [(0, 0), (0xBEEF, 0x86), (0x10, 0)]
    assert records[0].value.value == 12345
    assert records[2].value.value == "M"


def test_write_changes_the_model_and_names_what_it_cannot_write() -> None:
    meter = Meter()
    answers = run(general(0x02, "1000420158" + "000025000000000000"), server(meter))
    assert answers == ["184204880000"]
    assert meter.name == "X"
    assert run(general(0x02, "1000420159"), server(meter)) == ["18420400"]


@pytest.mark.parametrize(
    ("record", "status"),
    [("efbe2000", "86"), ("20002000", "8d"), ("000025000000000000", "88")],
)
def test_a_refused_write_says_why(record: str, status: str) -> None:
    answers = run(general(0x02, record))
    assert answers == ["184204" + status + record[:4]]


def test_undivided_writes_all_or_none() -> None:
    meter = Meter()
    both = "10004201582000210900"
    assert run(general(0x03, both + "000025000000000000"), server(meter)) == ["184204880000"]
    assert meter == Meter()
    meter.refuse_limit = True
    assert run(general(0x03, both), server(meter)) == ["184204872000"]
    assert (meter.name, meter.limit) == ("M", 5)
    meter.refuse_limit = False
    assert run(general(0x03, both), server(meter)) == ["18420400"]
    assert (meter.name, meter.limit) == ("X", 9)


def test_write_no_response_is_silent() -> None:
    meter = Meter()
    assert run(general(0x05, "1000420158efbe2000"), server(meter)) == []
    assert meter.name == "X"


def test_discover_attributes_lists_the_table_in_pieces() -> None:
    assert run(general(0x0C, "000002")) == ["18420d00000025100042"]
    assert run(general(0x0C, "110009")) == ["18420d01200021300020"]
    assert run(general(0x15, "000002")) == ["184216000000250510004203"]


def test_discover_commands_lists_what_the_table_executes_and_sends() -> None:
    assert run(general(0x11, "0009")) == ["184212010608"]
    assert run(general(0x11, "0701")) == ["1842120108"]
    assert run(general(0x13, "0009")) == ["1842140107"]


def test_reporting_is_kept_and_read_back() -> None:
    target = server()
    record = "000000250a002c01010000000000"
    assert run(general(0x06, record), target) == ["18420700"]
    assert run(general(0x08, "000000"), target) == ["18420900" + record]
    assert run(general(0x06, "0010004200000000"), target) == ["1842078c001000"]
    assert run(general(0x08, "00100000efbe"), target) == ["1842098c0010008600efbe"]
    assert run(general(0x06, "000000250000ffff000000000000"), target) == ["18420700"]
    assert run(general(0x08, "000000"), target) == ["1842098b000000"]


def test_a_command_is_answered_by_its_replies_in_order() -> None:
    assert run(specific(0x06, "02")) == ["19420700", "19420701"]
    assert run(specific(0x06, "09")) == default(0x06, Status.NOT_FOUND)
    assert run(specific(0x06, "")) == default(0x06, Status.MALFORMED_COMMAND)
    assert run(specific(0x08)) == default(0x08, Status.SUCCESS)


def test_nothing_unknown_succeeds() -> None:
    assert run(specific(0x77)) == default(0x77, Status.UNSUP_CLUSTER_COMMAND)
    assert run(general(0x77, "")) == default(0x77, Status.UNSUP_GENERAL_COMMAND)
    frame = specific(0x06, "02")
    (answer,) = server().execute(0x0700, frame, ACCESS)
    assert DefaultResponse.parse(answer.payload).status == Status.UNSUPPORTED_CLUSTER
    to_client = specific(0x06, "02", from_server=True)
    assert run(to_client) == ["10420b06c3"]


def test_manufacturer_specific_frames_meet_only_their_own() -> None:
    fc = frame_control(cluster_command=True, manufacturer_specific=True)
    assert run(Frame(fc, 1, 0x06, b"\x02", 0x1234)) == ["1c3412010b0683"]
    fc = frame_control(cluster_command=False, manufacturer_specific=True)
    assert run(Frame(fc, 1, 0x77, b"", 0x1234)) == ["1c3412010b7784"]
    assert run(Frame(fc, 1, 0x00, bytes(2), 0x1234)) == ["1c34120101000086"]


def test_default_response_rules() -> None:
    assert run(specific(0x08, disable_default_response=True)) == []
    assert run(specific(0x77, disable_default_response=True)) == default(0x77, Status(0x81))
    everyone = replace(ACCESS, broadcast=True)
    assert run(specific(0x77), access=everyone) == []
    assert run(specific(0x08), access=everyone) == []
    assert run(general(0x0B, "0600")) == []
    assert run(general(0x01, "000086")) == []


def test_a_failing_command_is_not_executed() -> None:
    target = server()
    target.command_faults[CLUSTER_ID, 0x06] = Status.FAILURE
    assert run(specific(0x06, "02"), target) == default(0x06, Status.FAILURE)


def test_reports_reach_the_client_that_listens() -> None:
    heard: list[tuple[int, Value]] = []

    def listen(_: None, records: tuple[AttributeValue, ...], access: Access) -> Answer:
        heard.extend((r.attribute_id, r.value) for r in records)
        return Status.SUCCESS

    client: Cluster[None] = Cluster(DEFINITION, Side.CLIENT, reported=listen)
    report = general(0x0A, "000025010000000000", from_server=True)
    assert run(report, ZclServer([client.on(None)])) == ["10420b0a00"]
    assert heard == [(0, 1)]
    deaf: Cluster[None] = Cluster(DEFINITION, Side.CLIENT)
    assert run(report, ZclServer([deaf.on(None)])) == ["10420b0a82"]


def test_a_view_depends_on_who_asks() -> None:
    def view(access: Access) -> Meter:
        return Meter(volume_dm3=1 if access.party is Party.HAN else 2)

    target = ZclServer([TABLE.viewed(view)])
    assert run(general(0x00, "0000"), target) == ["18420100000025010000000000"]
    remote = replace(ACCESS, party=Party.REMOTE)
    assert run(general(0x00, "0000"), target, remote) == ["08420100000025020000000000"]


def test_a_cluster_is_served_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        ZclServer([TABLE.on(Meter()), TABLE.on(Meter())])


@given(st.integers(0, 0xFF), st.integers(0, 0xFF), st.binary(max_size=40))
@settings(max_examples=400)
def test_arbitrary_frames_are_answered_or_met_with_silence(
    control: int, command: int, payload: bytes
) -> None:
    try:
        frame = Frame.parse(
            bytes([control]) + b"\x01\x02"[: 2 * bool(control & 4)] + bytes([9, command]) + payload
        )
    except MalformedMessage:
        return
    for answer in server().execute(CLUSTER_ID, frame, ACCESS):
        again = Frame.parse(answer.to_bytes())
        assert again.sequence == 9
        assert again.from_server != frame.from_server
        if again.command_id == GeneralCommand.DEFAULT_RESPONSE and not again.is_cluster_command:
            status = DefaultResponse.parse(again.payload).status
            known = frame.is_cluster_command and command in (0x06, 0x08)
            assert status != Status.SUCCESS or known


@dataclass(frozen=True, slots=True)
class Wide:
    a: U16
    b: Octets
    c: U8 | None = None


def test_payload_fields_at_the_end_may_be_absent_and_more_octets_are_ignored() -> None:
    assert decode(Wide, bytes.fromhex("341202aabb")) == Wide(0x1234, b"\xaa\xbb")
    assert decode(Wide, bytes.fromhex("3412000799")) == Wide(0x1234, b"", 7)
    assert encode(Wide(1, b"")) == bytes.fromhex("010000")
    assert encode(Wide(1, b"", 5)) == bytes.fromhex("01000005")
    assert decode(Wide, bytes.fromhex("3412ff")) == Wide(0x1234, b"")
    with pytest.raises(MalformedMessage):
        decode(Wide, bytes.fromhex("341202aa"))


def test_zigpy_reads_our_payloads() -> None:
    octets = encode(Wide(0x1234, b"\xaa", 7))
    number, rest = zt.uint16_t.deserialize(octets)
    text, rest = zt.LVBytes.deserialize(rest)
    assert (number, text, rest) == (0x1234, b"\xaa", b"\x07")
