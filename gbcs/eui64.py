"""EUI-64 and entity identifiers: plain integers inside, 16 upper-case digits outside."""

from __future__ import annotations

from typing import Final

from gbcs.errors import LocalError

LIMIT: Final = 1 << 64


def parse_eui64(text: str) -> int:
    """Read sixteen hexadecimal digits, most significant octet first.

    Dashes, colons, spaces, a 0x prefix and lower case are accepted; LocalError for anything else.
    """
    digits = text.strip().removeprefix("0x").removeprefix("0X")
    for separator in "-: ":
        digits = digits.replace(separator, "")
    if len(digits) != 16 or not all(c in "0123456789abcdefABCDEF" for c in digits):
        raise LocalError(f"not an EUI-64 (16 hexadecimal digits): {text!r}")
    return int(digits, 16)


def format_eui64(eui64: int) -> str:
    """Write sixteen upper-case hexadecimal digits; LocalError when it is not a 64-bit value."""
    if not 0 <= eui64 < LIMIT:
        raise LocalError(f"not a 64-bit identifier: {eui64}")
    return f"{eui64:016X}"
