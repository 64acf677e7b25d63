"""DLMS payloads against reference messages."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gbcs.dlms import values as v
from gbcs.dlms.apdu import (
    AccessRequest,
    AccessResponse,
    DataNotification,
    Kind,
    RequestItem,
    ResultItem,
    invoke_id,
    result_name,
)
from gbcs.dlms.data import (
    NESTING_LIMIT,
    Bits,
    CompactArray,
    Data,
    Tag,
    TypeDescription,
    decode,
    encode,
)
from gbcs.dlms.obis import Obis
from gbcs.dlms.protected import ProtectedRequest, ProtectedResponse, is_protected_read
from gbcs.dlms.selection import LogRange
from gbcs.dlms.shape import from_plain, parse_shape, to_plain, typed, untyped
from gbcs.envelope import Cra, Message
from gbcs.errors import GbcsError, LocalError, MalformedMessage
from gbcs.keys import KeyStore
from gbcs.protection import attribute_cipher
from gbcs.rtds import RtdsFile
from gbcs.stamp import NEVER

# RTDS 4.5.0, CCS01_8.11_SUCCESS_COMMAND
CCS01 = bytes.fromhex(
    "D9200005160003"
    "03006800001E0300FF0102006800001E0300FF0302006800001E0300FF02"
    "030204090800DB1234567890A01601091030313233343536373839414243444546160012005A03FF"
)


PAYLOADS: dict[int, type[AccessRequest | AccessResponse | DataNotification]] = {
    0xD9: AccessRequest,
    0xDA: AccessResponse,
    0x0F: DataNotification,
}


def parse(payload: bytes) -> AccessRequest | AccessResponse | DataNotification:
    return PAYLOADS[payload[0]].parse(payload)


def test_a_command_item_by_item() -> None:
    log = Obis.parse("0-0:30.3.0.255")
    device = v.structure(
        v.octets(bytes.fromhex("00DB1234567890A0")),
        v.enum(1),
        v.octets(b"0123456789ABCDEF"),
        v.enum(0),
    )
    request = AccessRequest(
        invoke_id(1302),
        (
            RequestItem(Kind.ACTION, 104, log, 1, device),
            RequestItem(Kind.SET, 104, log, 3, v.u16(90)),
            RequestItem(Kind.SET, 104, log, 2, v.boolean(True)),
        ),
    )
    assert AccessRequest.parse(CCS01) == request
    assert request.to_bytes() == CCS01


def test_an_error_answer() -> None:
    failed = (ResultItem(2, 1), ResultItem(2, 250))
    octets = bytes.fromhex("DA200003E800000200000202010 2FA".replace(" ", ""))
    assert AccessResponse.parse(octets) == AccessResponse(invoke_id(1000), failed)
    assert AccessResponse(invoke_id(1000), failed).to_bytes() == octets
    assert [result_name(item.result) for item in failed] == ["hardware fault", "other reason"]
    assert result_name(77) == "77"


def test_an_alert() -> None:
    octets = bytes.fromhex("0F200007D000020212810E090C07DF0101FF000000008000FF")
    assert DataNotification.parse(octets).to_bytes() == octets


def test_every_reference_selection_and_protected_read(
    rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    selections = requests = answers = 0
    for file in rtds_files:
        message = Message.parse(file.octets)
        if message.payload[:1] not in (b"\xd9", b"\xda"):
            continue
        apdu = parse(message.payload)
        if isinstance(apdu, AccessRequest):
            for item in apdu.items:
                if item.selection is not None:
                    assert LogRange.from_data(item.selection).to_data() == item.selection
                    selections += 1
                if is_protected_read(item.class_id, item.index):
                    assert ProtectedRequest.from_data(item.data).to_data() == item.data
                    requests += 1
        if isinstance(apdu, AccessResponse) and apdu.results[0].kind == Kind.ACTION:
            with contextlib.suppress(MalformedMessage):
                answer = ProtectedResponse.from_data(apdu.results[0].data)
                assert answer.to_data() == apdu.results[0].data
                cipher = attribute_cipher(message, rtds_keys)
                plaintext = cipher.open(answer.sealed)
                assert encode(decode(plaintext)) == plaintext
                assert cipher.seal(plaintext) == answer.sealed
                answers += 1
    assert min(selections, requests, answers) > 5


def test_the_requester_is_written_in_a_protected_read(rtds_files: list[RtdsFile]) -> None:
    for file in rtds_files:
        message = Message.parse(file.octets)
        if message.cra is not Cra.COMMAND or message.payload[:1] != b"\xd9":
            continue
        for item in AccessRequest.parse(message.payload).items:
            if is_protected_read(item.class_id, item.index):
                parameters = ProtectedRequest.from_data(item.data).parameters
                asking = message.supplementary_id or message.originator
                assert parameters.originator == asking, file.name
                assert parameters.counter == message.originator_counter, file.name


def test_a_compact_array_of_log_entries() -> None:
    entry = TypeDescription(
        Tag.STRUCTURE,
        (
            TypeDescription(Tag.DOUBLE_LONG_UNSIGNED),
            TypeDescription(Tag.ARRAY, (TypeDescription(Tag.UNSIGNED),), 2),
        ),
    )
    entries = tuple(v.structure(v.u32(n), v.array(v.u8(1), v.u8(2))) for n in range(3))
    data = Data(Tag.COMPACT_ARRAY, CompactArray(entry, entries))
    octets = bytes.fromhex("13 0202 06 01000211 12 000000000102 000000010102 000000020102")
    assert encode(data) == octets
    assert decode(octets) == data


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "09",
        "0905AA",
        "06000000",
        "0203110111",
        "FF",
        "0100 00",
        "02FF",
        "13000100",  # entries without octets would never end
        "13 01FFFF 01FFFF 00 0100",
        "13 0200 0100",
        "13 0202060611 00",
        "13 06 03 000000",
        "04",
        "03",
        "0101" * (NESTING_LIMIT + 2) + "00",
    ],
)
def test_impossible_data_is_malformed(octets: str) -> None:
    with pytest.raises(MalformedMessage):
        decode(bytes.fromhex(octets))


@pytest.mark.parametrize(
    "data",
    [
        Data(Tag.UNSIGNED, 256),
        Data(Tag.UNSIGNED, "1"),
        Data(Tag.NULL, 1),
        Data(Tag.BIT_STRING, Bits(9, b"\x00")),
        Data(Tag.VISIBLE_STRING, "£"),
        Data(Tag.STRUCTURE, 5),
        Data(Tag.COMPACT_ARRAY, 5),
        Data(0x77, 5),
        Data(Tag.COMPACT_ARRAY, CompactArray(TypeDescription(Tag.UNSIGNED), (v.u16(1),))),
        Data(
            Tag.COMPACT_ARRAY,
            CompactArray(
                TypeDescription(Tag.STRUCTURE, (TypeDescription(Tag.UNSIGNED),)),
                (v.structure(v.u8(1), v.u8(1)),),
            ),
        ),
    ],
)
def test_data_that_cannot_be_written_is_our_error(data: Data) -> None:
    with pytest.raises(LocalError):
        encode(data)


@pytest.mark.parametrize(
    "payload",
    [
        "D9",
        "DA2000000000",
        "D920000000000109000100000000000001 00",  # kind 9
        "D92000000000 01 01 0001 000000000000 02 02 0000",  # two data for one item
        "D92000000000 01 01 0001 000000000000 02 01 00 00",
        "D92000000005",
        "DA2000000000 02",
        "DA2000000000 00 01 00 02 0000",
        "0F20000000000000",
    ],
)
def test_impossible_payloads_are_malformed(payload: str) -> None:
    with pytest.raises(MalformedMessage):
        parse(bytes.fromhex(payload))


def test_an_answer_may_repeat_the_request_list() -> None:
    item = RequestItem(Kind.GET, 1, Obis.parse("0-0:94.44.3.2"), 2)
    answer = AccessResponse(invoke_id(5), (ResultItem(1, 0, v.u8(7)),), b"", (item,))
    assert AccessResponse.parse(answer.to_bytes()) == answer


def test_a_selector_without_selection_is_our_error() -> None:
    item = RequestItem(Kind.GET, 1, Obis.parse("0-0:94.44.3.2"), 2, selector=1)
    with pytest.raises(LocalError):
        AccessRequest(0, (item,)).to_bytes()


def test_logical_names() -> None:
    assert str(Obis.parse("1-0:32.24.0.255")) == "1-0:32.24.0.255"
    assert repr(Obis(bytes(6))) == "Obis(0-0:0.0.0.0)"
    for text in ("1-0:32.24.0.256", "1-0:32.24.0", ""):
        with pytest.raises(LocalError):
            Obis.parse(text)
    with pytest.raises(MalformedMessage):
        Obis.from_bytes(bytes(5))


_SIMPLE = (
    st.integers(0, 255).map(v.u8)
    | st.integers(-(2**31), 2**31 - 1).map(v.i32)
    | st.binary(max_size=8).map(v.octets)
    | st.text("01", max_size=12).map(v.bits)
    | st.booleans().map(v.boolean)
    | st.text(max_size=5).map(v.utf8)
    | st.just(v.NULL)
)
_DATA = st.recursive(
    _SIMPLE,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda e: v.structure(*e))
        | st.lists(inner, max_size=4).map(lambda e: v.array(*e))
    ),
    max_leaves=12,
)


@given(_DATA)
@settings(max_examples=80)
def test_data_survives(data: Data) -> None:
    assert decode(encode(data)) == data
    assert untyped(typed(data)) == data


@given(st.binary(max_size=60))
@settings(max_examples=300)
def test_arbitrary_octets_are_data_or_malformed(octets: bytes) -> None:
    with contextlib.suppress(MalformedMessage):
        decode(octets)
    for start in (b"\xd9\x20\x00\x00\x00\x00", b"\xda\x20\x00\x00\x00\x00\x00", b"\x13"):
        with contextlib.suppress(MalformedMessage):
            (decode if start == b"\x13" else parse)(start + octets)


@pytest.mark.parametrize(
    ("shape", "plain", "data"),
    [
        ("u16", 90, v.u16(90)),
        ("i8", "-5", v.i8(-5)),
        ("bool", True, v.boolean(True)),
        ("os(12)", "never", v.date_time(NEVER)),
        ("os(5)", "Hello", v.octets(b"Hello")),
        ("os(5)", "0x07DF0101FF", v.octets(bytes.fromhex("07DF0101FF"))),
        ("{i8,enum}", [0, 30], v.scaler_unit(0, 30)),
        ("array<{u16,os(5)}>", [[1, "0x00"]], v.array(v.structure(v.u16(1), v.octets(b"\0")))),
        ("bs(3)", "110", v.bits("110")),
        ("vs", "label", v.visible("label")),
        ("null", None, v.NULL),
        ("array<>", [], v.array()),
    ],
)
def test_plain_values_and_their_shapes(shape: str, plain: object, data: Data) -> None:
    assert from_plain(plain, (shape,)) == data  # type: ignore[arg-type]  # plain by construction
    assert from_plain(to_plain(data, (shape,)), (shape,)) == data


def test_what_does_not_fit_its_shape_keeps_its_type() -> None:
    assert to_plain(v.u32(5), ("u16",)) == {"u32": 5}
    assert from_plain({"u32": 5}, ("u16",)) == v.u32(5)
    for plain, shape in (
        (70000, "u16"),
        ([1], "{u8,u8}"),
        ("x", "u8"),
        (5, "vs"),
        ([1], "array<>"),
    ):
        with pytest.raises(LocalError):
            from_plain(plain, (shape,))  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("text", ["", "u99", "{u8", "array<u8", "u8 u8", "{{{{{{{{{{u8}}}}}}}}}}"])
def test_what_is_no_shape_is_our_error(text: str) -> None:
    with pytest.raises(GbcsError):
        parse_shape(text)
