"""Explained messages: offsets that are true, names, verdicts."""

import pytest

from gbcs.build import Address, build
from gbcs.catalogue import by_name
from gbcs.dlms.apdu import AccessResponse, ResultItem
from gbcs.dlms.data import Data, Tag
from gbcs.dlms.values import structure, u32
from gbcs.envelope import Cra, Message
from gbcs.errors import MalformedMessage
from gbcs.explain import Node, explain
from gbcs.gbz import Component, Gbz
from gbcs.keys import KeyStore
from gbcs.plain import Plain
from gbcs.rtds import RtdsFile
from gbcs.zcl.frame import Frame, frame_control
from gbcs.zcl.general import AttributeStatus, ReadAttributesResponse
from gbcs.zcl.types import DataType
from tests.gbcs.samples import COMMAND, GPF, RESPONSE, SUPPLIER


def _check_places(node: Node, first: int, end: int) -> None:
    if node.offset is not None:
        assert first <= node.offset <= node.offset + node.length <= end, node.name
        first, end = node.offset, node.offset + node.length
    for child in node.children:
        _check_places(child, first, end)


def test_every_reference_message_is_explained_to_the_last_part(
    rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    for file in rtds_files:
        tree = explain(file.octets, rtds_keys)
        _check_places(tree, 0, len(file.octets))
        assert tree.find("not understood") is None, file.name
        assert tree.find("not decrypted") is None, file.name
        code = tree.find("message code")
        assert code is not None
        assert code.offset is not None
        assert file.octets[code.offset : code.offset + 2].hex().upper() == code.value
        for _, node in tree.walk():
            assert "no key given" not in node.note, file.name
            if node.name.startswith("result ") and node.offset is not None:
                assert file.octets[node.offset + 1] == int(node.value.split()[0]), file.name


def test_an_answer_with_its_keys() -> None:
    keys = KeyStore()
    z = "AFA16A4D1A999876856E9F073127D4AD518C095CB8DF47404B9351C0BABA3E06"
    keys.add_secret(SUPPLIER, GPF, bytes.fromhex(z))
    tree = explain(RESPONSE, keys)
    volume = tree.find("CurrentSummationDelivered")
    assert volume is not None
    assert volume.value == "UINT48 12345 (0x3039)"
    assert volume.offset is None
    assert (volume.unit, volume.reference) == ("dm3", "cluster 0702, attribute 0000")
    mac = tree.find("MAC")
    assert mac is not None
    assert mac.note == "valid"


def test_an_answer_without_keys() -> None:
    tree = explain(RESPONSE)
    encrypted, stamp = tree.find("encrypted"), tree.find("date-time")
    assert encrypted is not None
    assert encrypted.note == "no key given"
    assert stamp is not None
    assert stamp.note == "2015-01-01 00:00:00 UTC, own clock, reliable (0x00)"
    assert stamp.unit == "UTC"
    plain = tree.to_plain()
    assert isinstance(plain, dict)
    assert plain["note"] == "Read GSME Consumption Register"
    assert plain["reference"] == "message code 0074"
    assert list(plain) == ["name", "value", "offset", "length", "note", "reference", "children"]


def test_a_payload_that_cannot_be_read_is_shown_with_the_reason() -> None:
    broken = Message.parse(COMMAND).payload.replace(b"\x01\x09\x01", b"\x01\x09\x02")
    octets = COMMAND.replace(Message.parse(COMMAND).payload, broken)
    node = explain(octets).find("not understood")
    assert node is not None
    assert "extended header control" in node.note


def test_an_unknown_message_code_and_a_missing_key() -> None:
    octets = COMMAND.replace(bytes.fromhex("020074"), bytes.fromhex("027FFF"))
    tree = explain(octets, KeyStore(access_control_broker=1))
    assert tree.name == "7FFF command"
    assert tree.find("missing key") is not None


def test_what_is_no_message_is_malformed() -> None:
    with pytest.raises(MalformedMessage):
        explain(b"\x00")


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("CS01b", {"TopUpCode": "73950067887105178605", "OriginatingDevice": 0}),
        ("CS01a", {"PrepaymentCredit.enter": "73947252416745201637"}),
    ],
)
def test_a_token_shows_its_value(name: str, given: dict[str, Plain]) -> None:
    address = Address(originator=SUPPLIER, recipient=GPF, originator_counter=4 << 32)
    tree = explain(build(by_name(name), given, address).to_bytes())
    notes = " ".join(node.note for _, node in tree.walk())
    assert ("12.50, counter ends in 6" in notes) or ("12.34, counter ends in 4" in notes)
    wrong = {key: "1" * 20 if isinstance(value, str) else value for key, value in given.items()}
    tree = explain(build(by_name(name), wrong, address).to_bytes())
    assert any("check digit" in node.note for _, node in tree.walk())


_ADDRESS = Address(originator=SUPPLIER, recipient=GPF, originator_counter=1)


def _found(octets: bytes, *names: str) -> list[tuple[str, str]]:
    """Unit and reference of the first node of each name."""
    tree = explain(octets)
    nodes = [tree.find(name) for name in names]
    return [(node.unit, node.reference) for node in nodes if node is not None]


def _answer(name: str, payload: bytes) -> bytes:
    return Message(
        cra=Cra.RESPONSE,
        originator_counter=1,
        originator=GPF,
        recipient=SUPPLIER,
        message_code=by_name(name).message_code,
        payload=payload,
        mac=bytes(12),
    ).to_bytes()


def _read(cluster_id: int, *records: AttributeStatus) -> Component:
    payload = ReadAttributesResponse(records).to_bytes()
    control = frame_control(cluster_command=False, from_server=True)
    return Component(cluster_id, Frame(control, 0, 1, payload))


def test_a_register_has_a_unit_only_when_its_scale_comes_with_it() -> None:
    volume = AttributeStatus(0, 0, DataType.UINT48, 5)
    scale = (
        AttributeStatus(0x0300, 0, DataType.ENUM8, 1),
        AttributeStatus(0x0301, 0, DataType.UINT24, 1),
        AttributeStatus(0x0302, 0, DataType.UINT24, 10_000),
    )
    where = "cluster 0702, attribute 0000"
    for records, unit in (((volume,), ""), ((volume, *scale), "1/10000 m3")):
        octets = _answer("GCS13b", Gbz((_read(0x0702, *records),)).to_bytes())
        assert _found(octets, "CurrentSummationDelivered") == [(unit, where)]


def test_money_is_in_the_currency_and_digits_of_another_component() -> None:
    credit = _read(0x0705, AttributeStatus(1, 0, DataType.INT32, -5))
    currency = AttributeStatus(0x0616, 0, DataType.UINT16, 826)
    digits = AttributeStatus(0x0617, 0, DataType.BITMAP8, 0x50)
    for records, unit in (
        ((currency, digits), "millipence"),
        ((digits,), "10^-5 currency units"),
        ((currency,), ""),
    ):
        octets = _answer("GCS14", Gbz((credit, _read(0x0700, *records))).to_bytes())
        assert _found(octets, "CreditRemaining") == [(unit, "cluster 0705, attribute 0001")]


def test_times_of_cluster_commands_are_seconds_since_2000() -> None:
    given: dict[str, Plain] = {"EarliestStartTime": 0, "LatestEndTime": "never"}
    octets = build(by_name("GCS16a"), given, _ADDRESS).to_bytes()
    assert _found(octets, "Latest End Time", "parameters") == [
        ("UTC seconds since 2000-01-01", ""),
        ("", "cluster 0702, command 06"),
    ]


def test_a_cosem_register_takes_the_unit_of_its_scaler_and_unit() -> None:
    pair = structure(Data(Tag.INTEGER, 3), Data(Tag.ENUM, 30))
    results = [ResultItem(1, 0, data) for data in (u32(10), pair, u32(20), pair)]
    octets = _answer("ECS17a", AccessResponse(1, tuple(results)).to_bytes())
    assert _found(octets, "data 1", "data 2", "result 3", "2") == [
        ("10^3 Wh", "COSEM 3/1-0:2.8.0.255/2"),
        ("", "COSEM 3/1-0:2.8.0.255/3"),
        ("", "COSEM 3/1-0:4.8.0.255/2"),
        ("Wh", ""),
    ]


def test_what_a_cosem_object_is_for_says_its_unit() -> None:
    command = build(by_name("ECS12"), {"restrictDataDateTime.value": "now"}, _ADDRESS)
    assert _found(command.to_bytes(), "item 1") == [("", "COSEM 1/0-0:94.44.3.2/2")]
    joining: dict[str, Plain] = {
        "DeviceLogCHF.register_device": ["0x" + "00" * 8, 1, "0x" + "00" * 16, 1],
        "DeviceLogCHF.joiningTimePeriod": 90,
    }
    octets = build(by_name("CCS01"), joining, _ADDRESS).to_bytes()
    assert _found(octets, "data 1", "data 2", "data 3") == [
        ("", "COSEM method 104/0-0:30.3.0.255/1"),
        ("s", "COSEM 104/0-0:30.3.0.255/3"),
        ("", "COSEM 104/0-0:30.3.0.255/2"),
    ]


def test_asn1_times_are_utc() -> None:
    given: dict[str, Plain] = {
        "not_before": "2030-01-15T09:00:00Z",
        "not_after": "2030-01-15T09:00:10Z",
    }
    octets = build(by_name("GCS28"), given, _ADDRESS).to_bytes()
    assert _found(octets, "not_before", "GCS28 pre-command") == [
        ("UTC", ""),
        ("", "message code 007F"),
    ]
