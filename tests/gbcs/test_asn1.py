"""ASN.1 payloads against reference messages."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gbcs.asn1 import credentials as c
from gbcs.asn1 import devices as d
from gbcs.asn1.names import JoinRole, Kind, TampStatus
from gbcs.asn1.payload import codec_of, decode, encode, has_asn1, lengths_of
from gbcs.asn1.plain import from_plain, to_plain
from gbcs.asn1.tlv import Lengths
from gbcs.certificate import read_certificate
from gbcs.envelope import Cra, Message
from gbcs.errors import LocalError, MalformedMessage
from gbcs.party import Role
from gbcs.rtds import RtdsFile


def test_a_method_b_join() -> None:
    octets = bytes.fromhex("3010020102040800DB12345678909C020103")  # CS03B_8.7.2_SUCCESS_COMMAND
    join = d.Join(JoinRole.METHOD_B, 0x00DB12345678909C, Kind.GPF)
    assert decode(0x000E, Cra.COMMAND, octets) == join
    assert encode(0x000E, Cra.COMMAND, join) == octets


def test_the_gas_clock() -> None:
    octets = bytes.fromhex("3014180F32303135303130313030303030305A020102")  # GCS28 ERROR
    report = d.ClockReport(datetime(2015, 1, 1, tzinfo=UTC), 2)
    assert decode(0x007F, Cra.RESPONSE, octets) == report
    assert encode(0x007F, Cra.RESPONSE, report) == octets


def test_a_bare_outcome_and_nothing() -> None:
    assert decode(0x000D, Cra.RESPONSE, bytes.fromhex("020100")) == 0
    assert decode(0x0012, Cra.RESPONSE, bytes.fromhex("0500")) is None
    assert encode(0x0013, Cra.COMMAND, None) == bytes.fromhex("0500")


def test_unknown_named_values_survive() -> None:
    octets = bytes.fromhex("020163")
    assert decode(0x000D, Cra.RESPONSE, octets) == 99
    assert encode(0x000D, Cra.RESPONSE, 99) == octets


def test_every_reference_payload_and_its_plain_form(rtds_files: list[RtdsFile]) -> None:
    styles = set()
    for file in rtds_files:
        message = Message.parse(file.octets)
        code, cra = message.message_code, message.cra
        if not has_asn1(code, cra):
            continue
        value = decode(code, cra, message.payload)
        lengths = lengths_of(message.payload)
        styles.add(lengths)
        assert encode(code, cra, value, lengths) == message.payload, file.name
        codec = codec_of(code, cra)
        assert codec is not None
        assert from_plain(codec, to_plain(codec, value)) == value, file.name
    assert styles == set(Lengths)


def test_every_certificate_of_an_update_can_be_read(rtds_files: list[RtdsFile]) -> None:
    read = 0
    for file in rtds_files:
        message = Message.parse(file.octets)
        if not has_asn1(message.message_code, message.cra):
            continue
        value = decode(message.message_code, message.cra, message.payload)
        if isinstance(value, c.CredentialsUpdate):
            for replacement in value.replacements:
                certificate = read_certificate(replacement.certificate)
                # RTDS puts a supplier's certificate into a load controller's cell (CS02g)
                if replacement.target.role != Role.LOAD_CONTROLLER:
                    assert certificate.role == replacement.target.role, file.name
                read += 1
    assert read


def test_the_lengths_of_an_answer_are_the_writers_choice() -> None:
    report = tuple(
        c.PartyReport(Role.SUPPLIER, TampStatus.SUCCESS, n, (c.CellReport(8, n, bytes(8)),))
        for n in range(4)
    )
    short = encode(0x0008, Cra.RESPONSE, report)
    long = encode(0x0008, Cra.RESPONSE, report, Lengths.TWO_OCTETS)
    assert (short[1], long[1:3]) == (0x81, b"\x82\x00")
    assert decode(0x0008, Cra.RESPONSE, short) == decode(0x0008, Cra.RESPONSE, long) == report
    assert (lengths_of(short), lengths_of(long)) == (Lengths.SHORTEST, Lengths.TWO_OCTETS)


@pytest.mark.parametrize(
    ("code", "cra", "octets"),
    [
        (0x000E, Cra.COMMAND, "300D020102040800DB12345678909C"),  # member missing
        (0x000E, Cra.COMMAND, "3010020102040800DB12345678909C02010300"),  # octet follows
        (0x000E, Cra.COMMAND, "3013020102040800DB12345678909C020103020100"),  # member too many
        (0x000D, Cra.RESPONSE, "0201FF"),  # negative
        (0x000D, Cra.RESPONSE, "0200"),
        (0x000D, Cra.RESPONSE, "0500"),
        (0x000F, Cra.COMMAND, "040700DB1234567890"),
        (0x007F, Cra.RESPONSE, "3014180F32303135313330313030303030305A020102"),  # month 13
        (0x007F, Cra.RESPONSE, "3014180F3230313530313031303030303030FF020102"),
        (0x000A, Cra.COMMAND, "300403020781"),  # unused bits set
        (0x0013, Cra.COMMAND, "050100"),
        (0x000B, Cra.COMMAND, "3003020100"),
        (0x7FFF, Cra.COMMAND, "0500"),
    ],
)
def test_what_is_wrong_is_malformed(code: int, cra: Cra, octets: str) -> None:
    with pytest.raises(MalformedMessage):
        decode(code, cra, bytes.fromhex(octets))


@pytest.mark.parametrize(
    ("code", "value"),
    [
        (0x000E, 5),
        (0x000F, -1),
        (0x000F, 1 << 64),
        (0x0012, d.FirmwareActivation(bytes(31), 1)),
        (0x0012, d.FirmwareActivation(bytes(32), -1)),
        (0x0012, d.FirmwareActivation(bytes(32), 1, datetime(2030, 1, 1))),  # noqa: DTZ001
        (0x000A, c.KeyUseQuery(256)),
        (0x000B, b"\x30\x01"),
        (0x7FFF, None),
    ],
)
def test_what_cannot_be_written_is_our_error(code: int, value: object) -> None:
    with pytest.raises((LocalError, MalformedMessage)):
        encode(code, Cra.COMMAND, value)


_CODES = st.sampled_from((0x0008, 0x0102, 0x000A, 0x000B, 0x000E, 0x0012, 0x0013, 0x008C, 0x00CB))


@given(_CODES, st.sampled_from(Cra), st.binary(max_size=60))
@settings(max_examples=300)
def test_arbitrary_octets_are_a_structure_or_malformed(code: int, cra: Cra, octets: bytes) -> None:
    for candidate in (octets, b"\x30" + bytes((len(octets),)) + octets):
        with contextlib.suppress(MalformedMessage):
            decode(code, cra, candidate)
        with contextlib.suppress(MalformedMessage):
            lengths_of(candidate)
