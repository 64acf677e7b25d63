"""Corners of the language that no reference message reaches."""

import contextlib
import re
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gbcs.asn1.der import Integer, ListOf
from gbcs.asn1.names import JoinCode
from gbcs.asn1.payload import codec_of
from gbcs.asn1.plain import from_plain, members_of, to_plain, type_name
from gbcs.asn1.tlv import Lengths, Tlv, read_tlv
from gbcs.build import Address, build, parameters
from gbcs.catalogue import all_use_cases, by_name
from gbcs.certificate import read_certificate
from gbcs.crypto import agree
from gbcs.dlms import values as v
from gbcs.dlms.data import CompactArray, Data, Tag, TypeDescription, decode, encode
from gbcs.dlms.obis import Obis
from gbcs.dlms.protected import (
    ProtectedAttribute,
    ProtectedRequest,
    ProtectedResponse,
    ProtectionParameters,
)
from gbcs.dlms.selection import LogRange
from gbcs.dlms.shape import from_plain as from_shape
from gbcs.dlms.shape import to_plain as shape_to_plain
from gbcs.dlms.shape import typed, untyped
from gbcs.envelope import Cra, Message
from gbcs.errors import GbcsError, LocalError, MalformedMessage
from gbcs.length import encode_length, read_length
from gbcs.plain import (
    Plain,
    octets_to_text,
    plain_to_seconds,
    plain_to_text,
    seconds_to_plain,
    stamp_octets_to_text,
    text_to_moment,
    text_to_octets,
    text_to_plain,
    text_to_stamp_octets,
    to_bool,
    to_int,
)
from gbcs.stamp import Stamp
from tests.gbcs import fuzz
from tests.gbcs.samples import GPF, SUPPLIER

GCS05 = by_name("GCS05")
PARAMETERS = ProtectionParameters(1000, SUPPLIER, GPF)


def test_a_few_thousand_mutations_break_no_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.run(0, seed=20260101, count=2000) == 0, capsys.readouterr().out


@pytest.mark.parametrize("length", [0, 127, 128, 255, 256, 65535, 65536, (1 << 24) - 1])
def test_lengths_at_their_limits(length: int) -> None:
    octets = encode_length(length)
    assert read_length(octets, 0) == (length, len(octets))


def test_lengths_beyond_their_limits() -> None:
    with pytest.raises(LocalError):
        encode_length(1 << 24)
    for octets in (b"", b"\x80", b"\x84\x00\x00\x00\x01", b"\x82\x01"):
        with pytest.raises(MalformedMessage):
            read_length(octets, 0)


def test_plain_octets_and_numbers() -> None:
    for octets in (b"", b"label", b"0x", b"\x00\xff", "£".encode()):
        assert text_to_octets(octets_to_text(octets)) == octets
    assert to_int("0x10") == 16
    assert to_bool("TRUE") is True
    numbers: list[Plain] = ["ten", None, 1.5, []]
    for wrong in numbers:
        with pytest.raises(LocalError):
            to_int(wrong)
    for wrong in ("maybe", None):
        with pytest.raises(LocalError):
            to_bool(wrong)
    with pytest.raises(LocalError):
        text_to_octets(5)


def test_text_with_octets_that_are_no_text_is_written_as_digits() -> None:
    for octets in (b"GFI \x00\xdb\x12", b"0x41", b"plain", "£".encode()):
        text = octets.decode("utf-8", "surrogateescape")
        plain = text_to_plain(text)
        plain.encode()
        assert plain_to_text(plain) == text
        data = v.visible(text) if text.isascii() or "\udcdb" in text else v.utf8(text)
        shape = ("vs",) if data.tag == Tag.VISIBLE_STRING else ("utf8",)
        assert from_shape(shape_to_plain(data, shape), shape) == data
    with pytest.raises(LocalError, match="0x and digits"):
        text_to_octets("\udcff")


def test_plain_times() -> None:
    assert plain_to_seconds("now") == 0
    assert plain_to_seconds("never") == 0xFFFFFFFF
    assert plain_to_seconds("2015-01-01T00:00:00Z") == 0x1C374A80
    assert seconds_to_plain(0x1C374A80) == "2015-01-01T00:00:00Z"
    assert seconds_to_plain(0) == 0
    with pytest.raises(LocalError):
        text_to_moment("2015-13-01T00:00:00Z")
    odd = Stamp.with_status(datetime(2015, 1, 1, tzinfo=UTC), 0x04).octets
    for octets in (odd, bytes(12), b"\xff" * 12):
        assert text_to_stamp_octets(stamp_octets_to_text(octets)) == octets


def test_protected_reads_survive() -> None:
    limits = (
        Stamp.of(datetime(2015, 1, 1, tzinfo=UTC)),
        Stamp.of(datetime(2015, 1, 2, tzinfo=UTC)),
    )
    attributes = (
        ProtectedAttribute(1, Obis.parse("0-0:94.44.34.10"), 2),
        ProtectedAttribute(7, Obis.parse("0-0:98.1.0.255"), 2, limits),
    )
    request = ProtectedRequest(attributes, PARAMETERS)
    assert ProtectedRequest.from_data(decode(encode(request.to_data()))) == request
    response = ProtectedResponse(PARAMETERS, b"\x31" + bytes(16))
    assert ProtectedResponse.from_data(response.to_data()) == response


@pytest.mark.parametrize(
    "data",
    [
        v.NULL,
        v.structure(v.array(), v.array()),
        v.structure(v.array(v.u8(1)), PARAMETERS.to_data()),
        v.structure(PARAMETERS.to_data(), v.u8(1)),
        v.structure(
            v.array(v.structure(v.u16(1), v.octets(bytes(5)), v.i8(2), v.u16(0), v.NULL)),
            PARAMETERS.to_data(),
        ),
        v.structure(
            v.array(v.structure(v.u16(1), v.octets(bytes(6)), v.i8(2), v.u16(0), v.NULL)),
            PARAMETERS.to_data(),
        ),
        v.structure(v.array(v.structure(v.enum(2), v.u8(1))), v.octets(b"")),
        v.structure(
            v.array(
                v.structure(
                    v.enum(2),
                    v.structure(v.octets(b"\x05" * 9), v.u8(1), v.u8(1), v.octets(b""), v.u8(1)),
                )
            ),
            v.octets(b""),
        ),
    ],
)
def test_what_is_no_protected_read_is_malformed(data: Data) -> None:
    for kind in (ProtectedRequest, ProtectedResponse, ProtectionParameters, ProtectedAttribute):
        with pytest.raises(MalformedMessage):
            kind.from_data(data)


def test_other_selections_are_malformed() -> None:
    good = LogRange(0, 5).to_data()
    assert LogRange.from_data(good) == LogRange(0, 5)
    for data in (v.NULL, v.structure(), v.array(*good.value)):  # type: ignore[misc]  # a tuple
        with pytest.raises(MalformedMessage):
            LogRange.from_data(data)


def test_typed_values_of_every_kind() -> None:
    entry = TypeDescription(Tag.UNSIGNED)
    array = Data(Tag.COMPACT_ARRAY, CompactArray(entry, (v.u8(1), v.u8(2))))
    assert typed(array) == {"compact-array": [{"u8": 1}, {"u8": 2}]}
    mistakes: list[Plain] = [5, {}, {"u8": 1, "u16": 2}, {"word": 1}, {"array": 1}]
    mistakes.append({"compact-array": []})
    for wrong in mistakes:
        with pytest.raises(LocalError):
            untyped(wrong)


def test_bits_are_zeros_and_ones() -> None:
    with pytest.raises(LocalError):
        v.bits("012")


def test_compact_arrays_of_one_column_and_of_strings() -> None:
    column = TypeDescription(Tag.LONG_UNSIGNED)
    texts = TypeDescription(Tag.STRUCTURE, (TypeDescription(Tag.OCTET_STRING), column))
    for kind, entries in (
        (column, tuple(v.u16(n) for n in range(3))),
        (texts, (v.structure(v.octets(b"ab"), v.u16(1)), v.structure(v.octets(b""), v.u16(2)))),
    ):
        data = Data(Tag.COMPACT_ARRAY, CompactArray(kind, entries))
        assert decode(encode(data)) == data
    with pytest.raises(MalformedMessage):
        decode(bytes.fromhex("13 12 03 000102"))


def test_asn1_names_types_and_mistakes() -> None:
    join = codec_of(0x000E, Cra.COMMAND)
    assert join is not None
    given = {"method_and_role": "method-b", "peer": "00DB12345678909C", "peer_kind": 3}
    value = from_plain(join, given)  # type: ignore[arg-type]  # plain by construction
    assert to_plain(join, value) == {**given, "peer_kind": "gpf"}
    assert [member.name for member in members_of(join)][:2] == ["method_and_role", "peer"]
    assert type_name(ListOf(Integer())) == "list of integer"
    assert from_plain(Integer(JoinCode), 99) == 99
    for wrong in (
        5,
        {"nonsense": 1},
        {**given, "peer": "x"},
        {**given, "peer_certificate": "0x00"},
    ):
        with pytest.raises(LocalError):
            from_plain(join, wrong)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(LocalError):
        from_plain(ListOf(Integer()), 5)
    response = codec_of(0x0012, Cra.RESPONSE)
    assert response is not None
    with pytest.raises(LocalError):
        from_plain(response, "neither")
    with pytest.raises(LocalError):
        to_plain(response, 1.5)


def test_der_corners() -> None:
    assert Integer().write(128, Lengths.SHORTEST).hex() == "02020080"
    assert read_tlv(b"\x02\x01\x05")[0] == Tlv(2, b"\x02\x01\x05", 2, 0)
    too_many = b"\x02\x01\x00" * 257
    codec = ListOf(Integer())
    with pytest.raises(MalformedMessage, match="more than 256"):
        codec.read(read_tlv(b"\x30\x82" + len(too_many).to_bytes(2, "big") + too_many)[0])
    for octets in (b"", b"\x02", b"\x02\x02\x00"):
        with pytest.raises(MalformedMessage):
            read_tlv(octets)


def test_every_command_with_everything_left_out_is_built_or_named() -> None:
    address = Address(originator=SUPPLIER, recipient=GPF, originator_counter=5)
    built = 0
    for use_case in all_use_cases():
        with contextlib.suppress(LocalError):
            message = build(use_case, {}, address)
            assert Message.parse(message.to_bytes()) == message
            built += 1
    assert built > 60


def test_gbz_commands_that_repeat_too_often() -> None:
    address = Address(originator=SUPPLIER, recipient=GPF, originator_counter=5)
    blank: dict[str, Plain] = {"rows": [], "OCTETSTRING": ""}
    needed = (info for info in parameters(GCS05) if info.required)
    given = {
        re.sub(r"\[.*\]", "", info.name): blank.get(info.type.split()[0], 0) for info in needed
    }
    assert build(GCS05, given, address)
    given |= {f"PublishWeekProfile[{n}].WeekID": n for n in (1, 2, 3)}
    with pytest.raises(LocalError, match="at most 2 of PublishWeekProfile"):
        build(GCS05, given, address)


def test_only_p256_keys_and_certificates_are_taken() -> None:
    other = ec.derive_private_key(5, ec.SECP384R1())
    with pytest.raises(LocalError, match="P-256"):
        agree(ec.derive_private_key(5, ec.SECP256R1()), other.public_key())
    for octets in (b"", b"-----BEGIN CERTIFICATE-----", bytes(40)):
        with pytest.raises(GbcsError):
            read_certificate(octets)
