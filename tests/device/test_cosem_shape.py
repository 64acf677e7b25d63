from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.cosem.shape import Plain, plain, shape
from gbcs.dlms import values as v
from gbcs.dlms.data import Bits, Data, decode, encode
from gbcs.errors import LocalError


@pytest.mark.parametrize(
    ("notation", "value", "octets"),
    [
        ("u32", 10, "060000000A"),
        ("{i8,enum}", (0, 30), "02020F00161E"),
        ("os(..8)", b"all", "0903616C6C"),
        ("bool", True, "03FF"),
        ("bs(7)", Bits(7, b"\xfe"), "0407FE"),
        ("array<u32>", (1, 2), "010206000000010600000002"),
        ("compact<{u32,u16}>", ((1, 2), (3, 4)), "13020206120C000000010002000000030004"),
        ("{u32,array[2]<u8>}", (7, (1, 2)), "02020600000007010211011102"),
        ("u16|os(12)", 30, "12001E"),
    ],
)
def test_plain_values_become_typed_data(notation: str, value: Plain, octets: str) -> None:
    data = shape(notation).build(value)
    assert encode(data).hex().upper() == octets
    assert shape(notation).fits(decode(bytes.fromhex(octets)))
    assert plain(data) == value


def test_a_fixed_array_in_a_compact_array_says_how_long_it_is() -> None:
    data = shape("compact<{u32,array[3]<u8>}>").build(((1, (7, 8, 9)),))
    assert encode(data).hex().upper() == "13020206010003110700000001070809"


@pytest.mark.parametrize(
    ("notation", "value"),
    [
        ("u32", b"1"),
        ("os(6)", b"12345"),
        ("os(..8)", b"123456789"),
        ("bs(256)", Bits(8, b"\0")),
        ("{u32,u32}", (1,)),
        ("{u32,u32}", 5),
        ("array[4]<u8>", (1, 2, 3)),
        ("u16|os(12)", b"12"),
    ],
)
def test_what_does_not_fit_is_refused(notation: str, value: Plain) -> None:
    with pytest.raises(LocalError):
        encode(shape(notation).build(value))


@pytest.mark.parametrize(
    ("notation", "data"),
    [
        ("u32", v.u16(5)),
        ("os(6)", v.octets(b"12345")),
        ("array<u32>", v.array(v.u32(1), v.u16(1))),
        ("{u32}", v.array(v.u32(1))),
        ("bs(512)", v.bits("1" * 256)),
        ("u16|os(12)", v.u8(1)),
    ],
)
def test_another_type_does_not_fit(notation: str, data: Data) -> None:
    assert not shape(notation).fits(data)


@pytest.mark.parametrize("notation", ["", "u33", "{u8", "array<u8", "os(", "u8 ", "u8|", "u8}"])
def test_a_bad_notation_is_refused(notation: str) -> None:
    with pytest.raises(LocalError):
        shape(notation)


@settings(max_examples=50)
@given(st.text("u8 163203{}<>[]osarray,.|()", max_size=12))
def test_any_text_is_a_notation_or_refused(text: str) -> None:
    with suppress(LocalError):
        shape(text)
