"""Lengths and counts as headers, A-XDR and DER write them."""

from __future__ import annotations

from typing import Final

from gbcs.errors import LocalError, MalformedMessage

_LONGEST_FORM: Final = 3


def encode_length(length: int) -> bytes:
    """Encode in the shortest form: one octet below 128, else 80+n and n octets (n up to 3)."""
    if length < 0x80:
        return bytes((length,))
    if length < 0x100:
        return bytes((0x81, length))
    if length < 0x10000:
        return bytes((0x82, length >> 8, length & 0xFF))
    if length < 0x1000000:
        return b"\x83" + length.to_bytes(3, "big")
    raise LocalError(f"length {length} needs more than three octets")


def read_length(octets: bytes, at: int) -> tuple[int, int]:
    """Decode a length at an offset; return it and the offset behind it.

    Longer forms than necessary are accepted, more than three octets are not.
    """
    try:
        first = octets[at]
    except IndexError:
        raise MalformedMessage("length is missing", at) from None
    if first < 0x80:
        return first, at + 1
    size = first & 0x7F
    stop = at + 1 + size
    if not 0 < size <= _LONGEST_FORM:
        raise MalformedMessage(f"length form {first:02X}", at)
    if stop > len(octets):
        raise MalformedMessage("length is cut short", at)
    return int.from_bytes(octets[at + 1 : stop], "big"), stop
