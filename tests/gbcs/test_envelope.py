"""The envelope: reference messages first, then what must be refused."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gbcs.envelope import MESSAGE_LIMIT_OCTETS, Cra, Message
from gbcs.errors import LocalError, MalformedMessage
from gbcs.rtds import RtdsFile, pairs
from gbcs.stamp import Reliability, Source, Stamp
from tests.gbcs.samples import BROKER, COMMAND, GPF, RESPONSE, SUPPLIER


def _sample(**changes: object) -> Message:
    sample = Message(
        cra=Cra.COMMAND,
        originator_counter=1001,
        originator=SUPPLIER,
        recipient=GPF,
        message_code=0x0074,
        payload=b"\x01\x09\x00",
    )
    return replace(sample, **changes)  # type: ignore[arg-type]  # fields by name


def test_every_field_of_a_command() -> None:
    message = Message.parse(COMMAND)
    assert message == Message(
        cra=Cra.COMMAND,
        originator_counter=0x3E9,
        originator=SUPPLIER,
        recipient=GPF,
        message_code=0x0074,
        payload=bytes.fromhex("010901010702000B00000002030103000300 00"),
        signature=b"",
        mac=bytes.fromhex("B2F465180BED930984BE78C0"),
    )
    assert not message.is_pre_command


def test_the_stamp_of_a_response() -> None:
    message = Message.parse(RESPONSE)
    assert message.date_time is not None
    assert (message.date_time.source, message.date_time.reliability) == (
        Source.OWN,
        Reliability.RELIABLE,
    )


def test_every_reference_message_is_rebuilt_from_its_fields(rtds_files: list[RtdsFile]) -> None:
    for file in rtds_files:
        fields = replace(Message.parse(file.octets))  # a copy holds no received octets
        assert fields.to_bytes() == file.octets, file.name


def test_every_reference_response_answers_its_command(rtds_files: list[RtdsFile]) -> None:
    for command_file, response_file in pairs(rtds_files):
        command, response = Message.parse(command_file.octets), Message.parse(response_file.octets)
        skeleton = command.answer(response.payload, response.date_time)
        assert replace(
            skeleton,
            supplementary_originator_counter=response.supplementary_originator_counter,
            signature=response.signature,
            mac=response.mac,
            message_code=response.message_code,  # CS04B ERROR carries the code of CS04AC
        ) == response, command_file.name  # fmt: skip


def test_both_forms_of_a_pre_command_are_kept_apart() -> None:
    bare = _sample(signature=None)
    with_length = _sample(signature=b"")
    assert with_length.to_bytes() == bare.to_bytes() + b"\x00"
    for form in (bare, with_length):
        parsed = Message.parse(form.to_bytes())
        assert parsed == form
        assert parsed.is_pre_command
        assert parsed.signed_octets == bare.to_bytes()[1:]


def test_a_long_length_is_read_and_what_was_received_is_what_the_mac_covers() -> None:
    minimal = _sample(mac=bytes(12)).to_bytes()
    at = minimal.index(b"\x03\x01\x09\x00")
    longer = bytearray(minimal[:at] + b"\x81" + minimal[at:])
    longer[7] += 1
    parsed = Message.parse(bytes(longer))
    assert parsed.payload == b"\x01\x09\x00"
    assert parsed.mac_octets == bytes(longer)[13:-12]
    assert parsed.to_bytes() == bytes(longer)


@pytest.mark.parametrize(
    "supplementary",
    [
        {"supplementary_id": BROKER},
        {"supplementary_id": BROKER, "supplementary_counter": 7},
        {
            "supplementary_id": BROKER,
            "supplementary_counter": 7,
            "supplementary_originator_counter": 2**64 - 1,
        },
        {
            "supplementary_id": BROKER,
            "supplementary_counter": 7,
            "certificate": b"\x30\x82\x01\x00" + bytes(256),
        },
    ],
    ids=["id", "id and counter", "own counter", "certificate"],
)
def test_supplementary_fields_survive(supplementary: dict[str, object]) -> None:
    message = _sample(mac=bytes(12), **supplementary)
    assert Message.parse(message.to_bytes()) == message


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "neither"),
        (b"\xdd\x09\x01", "general block transfer"),
        (COMMAND[:-1], "MAC header announces"),
        (COMMAND + b"\x00", "MAC header announces"),
        (COMMAND[:13] + b"\xde" + COMMAND[14:], "not a grouping header"),
        (COMMAND[:15] + b"\x04" + COMMAND[16:], "CRA flag 4"),
        (COMMAND[:8] + b"\x31" + COMMAND[9:], "security header"),
        (COMMAND[13:42] + b"\x05" + COMMAND[43:], "date-time of 5"),
        (_sample().to_bytes() + b"\x00", "signature"),
        (_sample().to_bytes()[:-1] + b"\x40" + bytes(63), "signature"),
    ],
)
def test_what_is_wrong_is_named(octets: bytes, reason: str) -> None:
    with pytest.raises(MalformedMessage, match=reason):
        Message.parse(octets)


def test_a_message_beyond_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedMessage, match="longer than"):
        Message.parse(bytes(MESSAGE_LIMIT_OCTETS + 1))


@pytest.mark.parametrize(
    "changes",
    [
        {"originator": -1},
        {"originator_counter": 2**64},
        {"message_code": 0x10000},
        {"signature": bytes(63)},
        {"mac": bytes(11)},
        {"mac": bytes(12), "signature": None},
        {"supplementary_counter": 5},
        {"certificate": b"\x30\x00"},
    ],
)
def test_a_message_that_cannot_be_written_is_our_error(changes: dict[str, object]) -> None:
    with pytest.raises(LocalError):
        _sample(**changes).to_bytes()


_U64 = st.integers(0, 2**64 - 1)


_MESSAGES = st.builds(
    Message,
    cra=st.sampled_from(Cra),
    originator_counter=_U64,
    originator=_U64,
    recipient=_U64,
    message_code=st.integers(0, 0xFFFF),
    payload=st.binary(max_size=600),
    date_time=st.none() | st.just(Stamp.from_bytes(bytes.fromhex("07DF0101FF00000000800004"))),
    signature=st.sampled_from((b"", bytes(range(64)))),
    mac=st.none() | st.binary(min_size=12, max_size=12),
)


@given(_MESSAGES)
@settings(max_examples=60)
def test_what_is_written_is_read_back(message: Message) -> None:
    assert Message.parse(message.to_bytes()) == message


@given(st.binary(max_size=120) | st.binary(max_size=80).map(lambda tail: COMMAND[:13] + tail))
@settings(max_examples=150)
def test_arbitrary_octets_are_a_message_or_malformed(octets: bytes) -> None:
    with contextlib.suppress(MalformedMessage):
        Message.parse(octets)


@given(st.integers(0, len(RESPONSE) - 1), st.integers(0, 255))
@settings(max_examples=150)
def test_one_changed_octet_is_a_message_or_malformed(at: int, octet: int) -> None:
    changed = bytearray(RESPONSE)
    changed[at] = octet
    try:
        parsed = Message.parse(bytes(changed))
    except MalformedMessage:
        return
    assert parsed.to_bytes() == bytes(changed)
