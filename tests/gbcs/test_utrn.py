"""Prepayment tokens against published ones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gbcs.errors import LocalError, MalformedMessage, MissingKey
from gbcs.keys import KeyStore, Usage
from gbcs.utrn import (
    Token,
    ValueClass,
    check_digit,
    is_authentic,
    make,
    originator_counter,
    parse,
    restore_counter,
)

SUPPLIER, ESME, GSME = 0x90B3D51F30010000, 0x00DB1234567890A0, 0x00DB1234567890A1

TOKENS = [  # UTRN, device, counter, class, value, MAC
    ("73943333457189043313", ESME, 1, ValueClass.POUNDS, 100, "D51CA60B"),
    ("73946144332040217315", ESME, 3, ValueClass.POUNDS, 10, "9CD029E3"),  # CS01a SUCCESS
    ("73947252416745201637", ESME, 4, ValueClass.PENCE, 1234, "3855D663"),
    ("73948959061972833313", ESME, 5, ValueClass.POUNDS, 10, "26972203"),  # CS01a ERROR
    ("73950067887105178605", GSME, 6, ValueClass.PENCE, 1250, "FF674C64"),  # CS01b SUCCESS
]


@pytest.mark.parametrize(("digits", "device", "counter", "unit", "value", "mac"), TOKENS)
def test_published_tokens_both_ways(
    digits: str,
    device: int,
    counter: int,
    unit: ValueClass,
    value: int,
    mac: str,
    rtds_keys: KeyStore,
) -> None:
    token = parse(digits)
    assert token == Token(counter, unit, value, bytes.fromhex(mac))
    assert token.digits() == digits
    assert token.value_pence == (value * 100 if unit is ValueClass.POUNDS else value)
    assert is_authentic(token, SUPPLIER, device, counter, rtds_keys)
    assert not is_authentic(token, SUPPLIER, device, counter + 1, rtds_keys)
    assert make(SUPPLIER, device, counter, value, unit, rtds_keys) == digits


def test_a_published_check_digit() -> None:
    assert check_digit("7430182583759667200") == 5


@pytest.mark.parametrize(
    "digits",
    [
        "12345678910121314156",  # CS01b ERROR: a token in form only
        "7394333345718904331",
        "739433334571890433133",
        "7394333345718904331x",
        "٧٣٩٤٣٣٣٣٤٥٧١٨٩٠٤٣٣١٣",
        "0000000000000000000" + str(check_digit("0" * 19)),
        "9" * 19 + str(check_digit("9" * 19)),
    ],
)
def test_what_is_no_token_is_malformed(digits: str) -> None:
    with pytest.raises(MalformedMessage):
        parse(digits)


def test_one_changed_digit_is_noticed() -> None:
    digits = TOKENS[0][0]
    for at in range(20):
        changed = digits[:at] + str((int(digits[at]) + 1) % 10) + digits[at + 1 :]
        with pytest.raises(MalformedMessage):
            parse(changed)


@pytest.mark.parametrize(
    ("truncated", "highest", "restored"),
    [
        (812, 2458896167, 2458896172),  # the example of GBCS section 14
        (0, 1023, 1024),
        (1023, 1024, 1023),
        (5, 0, 5),
        (1000, 0, -24),
    ],
)
def test_the_counter_is_restored_around_the_highest(
    truncated: int, highest: int, restored: int
) -> None:
    assert restore_counter(truncated, highest) == restored


@given(st.integers(512, 2**32 - 1), st.integers(-511, 511))
@settings(max_examples=60)
def test_any_near_counter_is_restored(highest: int, step: int) -> None:
    assert restore_counter((highest + step) % 1024, highest) == highest + step


def test_values_and_counters_beyond_the_token_are_refused() -> None:
    keys = KeyStore()
    for counter, value in ((1, 8192), (1, -1), (0, 5), (1 << 32, 5)):
        with pytest.raises(LocalError):
            make(SUPPLIER, ESME, counter, value, ValueClass.PENCE, keys)


def test_the_prepayment_key_is_named_when_missing() -> None:
    keys = KeyStore()
    keys.add_private(SUPPLIER, Usage.KEY_AGREEMENT, 5)
    with pytest.raises(MissingKey, match="prepayment"):
        make(SUPPLIER, ESME, 1, 5, ValueClass.PENCE, keys)


def test_the_message_counter_holds_the_token_counter_in_its_high_half() -> None:
    assert originator_counter(3) == 0x0000000300000000
