"""Explained messages: offsets that are true, names, verdicts."""

import pytest

from gbcs.build import Address, build
from gbcs.catalogue import by_name
from gbcs.envelope import Message
from gbcs.errors import MalformedMessage
from gbcs.explain import Node, explain
from gbcs.keys import KeyStore
from gbcs.plain import Plain
from gbcs.rtds import RtdsFile
from tests.gbcs.test_envelope import COMMAND, GPF, RESPONSE, SUPPLIER


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
    plain = tree.to_plain()
    assert isinstance(plain, dict)
    assert plain["note"] == "Read GSME Consumption Register"


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
