"""The text form of the "GBCS for Industry" (GFI) tool on a byte stream, one message a line.

``GBCS:DATA#<n>:<octets, decimal>:<hex>`` CR LF. Several lines may arrive in one read, and one line
in several. ``n`` is 0 on every message seen; it is kept out of the value because no published text
says what it counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from gbcs.envelope import MESSAGE_LIMIT_OCTETS
from gbcs.errors import MalformedMessage

_LINE: Final = re.compile(rb"GBCS:DATA#(\d{1,9}):(\d{1,9}):([0-9A-Fa-f]*)")
_LINE_LIMIT: Final = 2 * MESSAGE_LIMIT_OCTETS + 64


def to_gfi(octets: bytes, number: int = 0) -> bytes:
    """One message as its line, with CR LF."""
    return b"GBCS:DATA#%d:%d:%s\r\n" % (number, len(octets), octets.hex().upper().encode())


def from_gfi(line: bytes) -> bytes:
    """The message of one line; MalformedMessage says what is wrong with it."""
    text = line.strip()
    match = _LINE.fullmatch(text)
    if match is None:
        shown = text[:24].decode("ascii", "replace")
        raise MalformedMessage(f"not a GBCS:DATA#n:length:HEX line: {shown!r}", offset=0)
    digits, stated = match[3], int(match[2])
    if len(digits) != 2 * stated:
        raise MalformedMessage(
            f"the line states {stated} octets and carries {len(digits)} hex digits",
            offset=match.start(3),
        )
    return bytes.fromhex(digits.decode())


@dataclass(slots=True)
class GfiReader:
    """Cuts a byte stream into messages; a bad line is one error and costs nothing after it."""

    _pending: bytearray = field(default_factory=bytearray)
    _skipping: bool = False

    def feed(self, received: bytes) -> list[bytes | MalformedMessage]:
        """Messages and errors completed by these octets, in order."""
        found: list[bytes | MalformedMessage] = []
        self._pending += received
        while (end := self._pending.find(b"\n")) >= 0:
            line = bytes(self._pending[:end])
            del self._pending[: end + 1]
            if self._skipping:
                self._skipping = False
            elif line.strip():
                found.append(_message_or_error(line))
        if len(self._pending) > _LINE_LIMIT:
            if not self._skipping:
                reason = f"a line longer than {_LINE_LIMIT} octets"
                found.append(MalformedMessage(reason, offset=_LINE_LIMIT))
            self._skipping = True
            self._pending.clear()
        return found


def _message_or_error(line: bytes) -> bytes | MalformedMessage:
    try:
        return from_gfi(line)
    except MalformedMessage as error:
        return error
