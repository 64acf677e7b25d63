"""A reader of ECS23 Responses that shares no line with the product: octets in, entries out.

It knows no more than the layout of a MACed DLMS Response and of a compact array. As a script,
``python tests/esme/independent.py PERIOD_S < responses.hex`` says of every voltage entry whether a
measurement period may end there.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

HALF_HOUR_S = 1800
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_NUMBERS = {0x03: 1, 0x06: 4, 0x0F: 1, 0x11: 1, 0x12: 2, 0x16: 1}
"""Octets of the number types by their tag."""


class Octets:
    """Octets, read from the front."""

    def __init__(self, octets: bytes) -> None:
        self.octets, self.at = octets, 0

    def take(self, count: int) -> bytes:
        taken = self.octets[self.at : self.at + count]
        if len(taken) < count:
            raise ValueError(f"{count} octets wanted at {self.at}, {len(taken)} left")
        self.at += count
        return taken

    def number(self, count: int = 1) -> int:
        return int.from_bytes(self.take(count), "big")

    def length(self) -> int:
        first = self.number()
        return self.number(first & 0x7F) if first & 0x80 else first

    def expect(self, octets: bytes) -> None:
        if self.take(len(octets)) != octets:
            raise ValueError(f"{octets.hex()} expected before {self.at}")


def payload_of(response: bytes) -> bytes:
    """The DLMS payload: MAC header, grouping header, content; then signature and MAC."""
    octets = Octets(response)
    octets.expect(bytes.fromhex("DD000000000000"))
    octets.length()
    octets.expect(bytes.fromhex("1100000000DF"))
    for _ in range(5):  # counter, originator, recipient, date-time, message code
        octets.take(octets.length())
    return octets.take(octets.length())


def results_of(payload: bytes) -> list[object]:
    """The data of every item of an access response, all of which must have succeeded."""
    octets = Octets(payload)
    octets.expect(b"\xda")
    octets.take(4)
    octets.expect(b"\0\0")
    data = [value(octets) for _ in range(octets.length())]
    for _ in range(octets.length()):
        octets.take(1)
        octets.expect(b"\0")
    return data


def value(octets: Octets) -> object:
    """One typed value."""
    tag = octets.number()
    if tag == 0x00:
        return None
    if tag in _NUMBERS:
        return octets.number(_NUMBERS[tag])
    if tag in (0x01, 0x02):
        return [value(octets) for _ in range(octets.length())]
    if tag == 0x09:
        return octets.take(octets.length())
    if tag == 0x13:
        return compact_array(octets)
    raise ValueError(f"tag {tag:02X} at {octets.at - 1}")


def compact_array(octets: Octets) -> list[list[int]]:
    """Rows of numbers, whose types stand once before them all."""
    octets.expect(b"\x02")
    types = [octets.number() for _ in range(octets.length())]
    rows = Octets(octets.take(octets.length()))
    found = []
    while rows.at < len(rows.octets):
        found.append([rows.number(_NUMBERS[kind]) for kind in types])
    return found


def voltage_entries(response: bytes) -> tuple[int, list[tuple[int, int]]]:
    """The measurement period (s) of an ECS23 Response, and its entries: seconds since 2000, V."""
    *_, rows, period_s = results_of(payload_of(response))
    if not isinstance(rows, list) or not isinstance(period_s, int):
        raise TypeError("not the answer to ECS23")
    return period_s, [(end_s, volts) for end_s, volts in rows]


def is_legal_end(end_s: int, period_s: int) -> bool:
    """Whether an aligned period may end then.

    A period within a half hour tiles it from its start; a longer one starts on one.
    """
    if period_s <= HALF_HOUR_S:
        into = end_s % HALF_HOUR_S or HALF_HOUR_S
        return into % period_s == 0
    return (end_s - period_s) % HALF_HOUR_S == 0


def main() -> int:
    period_s = int(sys.argv[1])
    illegal = 0
    for line in sys.stdin:
        for end_s, volts in voltage_entries(bytes.fromhex(line))[1]:
            if not is_legal_end(end_s, period_s):
                illegal += 1
                print(f"{_EPOCH + timedelta(seconds=end_s):%Y-%m-%d %H:%M:%S} {volts} V")
    return 1 if illegal else 0


if __name__ == "__main__":
    sys.exit(main())
