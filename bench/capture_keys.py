"""How to open a capture: the keys in the form Wireshark and tshark take them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hw.capture import wireshark_key_option


def wireshark_options(keys: Sequence[str]) -> list[str]:
    """Command-line options that give tshark or Wireshark the network key and the link keys."""
    options = []
    for number, key in enumerate(keys):
        label = "network" if number == 0 else f"link {number}"
        options += ["-o", wireshark_key_option(bytes.fromhex(key), label)]
    return options


def further_key(key: bytes) -> str:
    """A line on a key that came into use after :func:`wireshark_hint` was shown."""
    return f"  capture: a further key: -o '{wireshark_key_option(key, 'later')}'"


def wireshark_hint(capture: Path, keys: Sequence[str]) -> Iterator[str]:
    """Lines that say how to open a capture."""
    yield f"capture: {capture}; open it with"
    options = wireshark_options(keys)
    yield f"  wireshark -r {capture} \\"
    for number, option in enumerate(options[1::2]):
        last = number == len(options) // 2 - 1
        yield f"    -o '{option}'" + ("" if last else " \\")
