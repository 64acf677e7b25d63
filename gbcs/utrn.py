"""Prepayment tokens: the 20-digit UTRN of a top-up, and the MAC inside it.

A remote party makes one with :func:`make`; a meter reads it with :func:`parse`, rebuilds the
counter with :func:`restore_counter`, and checks it with :func:`is_authentic`.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final

from gbcs.crypto import (
    Mode,
    derive_key,
    gmac,
    initialization_vector,
    mac_additional_data,
    other_information,
)
from gbcs.errors import LocalError, MalformedMessage
from gbcs.keys import KeyStore, Usage

DIGITS: Final = 20
_OFFSET: Final = 7394156990786306048
_COUNTER_SPAN: Final = 1 << 10
_VALUE_LIMIT: Final = 1 << 13
_LEAD_AND_SUBCLASS_SHIFT: Final = 57
_COUNTER_SHIFT: Final = 47
_CLASS_SHIFT: Final = 45
_VALUE_SHIFT: Final = 32
_MAC_INPUT: Final = Struct(">QQBQI")


class ValueClass(IntEnum):
    """Unit of a token's value."""

    PENCE = 0
    POUNDS = 1


@dataclass(frozen=True, slots=True)
class Token:
    """What the digits carry: ten bits of the counter, value in its unit, 32 bits of MAC."""

    truncated_counter: int
    value_class: int
    value: int
    mac: bytes

    @property
    def value_pence(self) -> int:
        """Value in hundredths of the currency unit."""
        return self.value * 100 if self.value_class == ValueClass.POUNDS else self.value

    @property
    def head(self) -> int:
        """The upper 32 bits, which the MAC covers."""
        return (
            self.truncated_counter << _COUNTER_SHIFT
            | self.value_class << _CLASS_SHIFT
            | self.value << _VALUE_SHIFT
        ) >> 32

    def digits(self) -> str:
        """The 20 decimal digits of the UTRN, check digit last."""
        number = (self.head << 32 | int.from_bytes(self.mac, "big")) + _OFFSET
        body = f"{number:019d}"
        return body + str(check_digit(body))


def parse(digits: str) -> Token:
    """Read 20 digits; MalformedMessage when they are no UTRN or the check digit is wrong."""
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        raise MalformedMessage("a UTRN is 20 decimal digits")
    if check_digit(digits[:-1]) != int(digits[-1]):
        raise MalformedMessage("the check digit does not fit")
    number = int(digits[:-1]) - _OFFSET
    if not 0 <= number < 1 << _LEAD_AND_SUBCLASS_SHIFT:
        raise MalformedMessage("not a prepayment top-up token")
    return Token(
        truncated_counter=number >> _COUNTER_SHIFT & (_COUNTER_SPAN - 1),
        value_class=number >> _CLASS_SHIFT & 0b11,
        value=number >> _VALUE_SHIFT & (_VALUE_LIMIT - 1),
        mac=(number & 0xFFFFFFFF).to_bytes(4, "big"),
    )


def make(
    supplier: int,
    device: int,
    utrn_counter: int,
    value: int,
    value_class: ValueClass,
    keys: KeyStore,
) -> str:
    """Make the UTRN for one device; ``utrn_counter`` is the high half of the message's counter."""
    if not 0 <= value < _VALUE_LIMIT or not 0 < utrn_counter < 1 << 32:
        raise LocalError(f"a token carries 0 to {_VALUE_LIMIT - 1}, and a 32-bit counter above 0")
    bare = Token(utrn_counter % _COUNTER_SPAN, value_class, value, bytes(4))
    mac = _mac(bare, supplier, device, utrn_counter, keys)
    return Token(bare.truncated_counter, value_class, value, mac).digits()


def is_authentic(
    token: Token, supplier: int, device: int, utrn_counter: int, keys: KeyStore
) -> bool:
    """Check a token's MAC; MissingKey when the prepayment key is not held."""
    expected = _mac(token, supplier, device, utrn_counter, keys)
    return hmac.compare_digest(expected, token.mac)


def restore_counter(truncated_counter: int, highest: int) -> int:
    """The UTRN counter nearest to the highest one accepted that ends in these ten bits.

    Can be negative when the highest is small; such a token is to be refused.
    """
    position = highest % _COUNTER_SPAN
    half = _COUNTER_SPAN // 2
    shifted = truncated_counter
    if truncated_counter < position - half:
        shifted += _COUNTER_SPAN
    elif truncated_counter > position + half:
        shifted -= _COUNTER_SPAN
    return highest - position + shifted


def originator_counter(utrn_counter: int) -> int:
    """The originator counter of the message that delivers a token."""
    return utrn_counter << 32


def _mac(token: Token, supplier: int, device: int, utrn_counter: int, keys: KeyStore) -> bytes:
    counter = originator_counter(utrn_counter)
    secret = keys.shared_secret(supplier, device, Usage.PREPAYMENT_KEY_AGREEMENT)
    key = derive_key(secret, other_information(supplier, Mode.COMMAND, counter, device))
    covered = mac_additional_data(_MAC_INPUT.pack(supplier, device, 1, counter, token.head))
    return gmac(key, initialization_vector(supplier), covered)[-4:]


def check_digit(digits: str) -> int:
    """Check digit of decimal digits (a Verhoeff variant that starts at row 4)."""
    check = 0
    for position, digit in enumerate(digits, start=4):
        check = _MULTIPLICATION[check][_PERMUTATION[position % 8][int(digit)]]
    return _INVERSE[check]


def _multiply(a: int, b: int) -> int:
    """Multiply in the dihedral group of the pentagon."""
    if a < 5:
        return (a + b) % 5 if b < 5 else (a + b) % 5 + 5
    return (a - b) % 5 + 5 if b < 5 else (a - b) % 5


def _permutations() -> tuple[tuple[int, ...], ...]:
    first = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    rows = [tuple(range(10))]
    for _ in range(7):
        rows.append(tuple(first[digit] for digit in rows[-1]))
    return tuple(rows)


_MULTIPLICATION: Final = tuple(tuple(_multiply(a, b) for b in range(10)) for a in range(10))
_PERMUTATION: Final = _permutations()
_INVERSE: Final = (1, 2, 6, 7, 5, 8, 3, 0, 9, 4)
