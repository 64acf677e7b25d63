"""Messages out of whatever a person has: hexadecimal or base64 text, GFI lines, binary.

One file may hold many messages. In hexadecimal text a message starts where a line starts like
one; the lines in between continue it. Lines that start with ``#`` are comments.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final

from gbcs.errors import MalformedMessage
from gbcs.gfi import from_gfi
from gbcs.length import read_length

INPUT_LIMIT_OCTETS: Final = 64 << 20
"""Largest input read at once."""

_STARTS: Final = (b"\xdd\x00", b"\xdf\x09", b"\xdd\x09")
_HEX_STARTS: Final = ("DD00", "DF09", "DD09")
_GFI: Final = b"GBCS:DATA#"
_SEPARATORS: Final = re.compile(r"[\s:,;\-_]|0x", re.IGNORECASE)
_HEX: Final = re.compile(r"[0-9A-Fa-f]*")

_HEAD_DIGITS: Final = 22
"""Digits that hold the length of a message with a MAC header."""

Found = bytes | MalformedMessage


def messages_in(data: bytes) -> tuple[Found, ...]:
    """Octets of every message found, in order; an error stands where one cannot be read.

    The octets are not parsed here, so a damaged message is still handed on.
    """
    if len(data) > INPUT_LIMIT_OCTETS:
        return (MalformedMessage(f"input is longer than {INPUT_LIMIT_OCTETS} octets"),)
    if data[:2] in _STARTS:
        return tuple(_binary(data))
    text = _text(data)
    if _GFI in data:
        return tuple(_gfi_lines(text))
    return tuple(_hex_or_base64(text))


def _text(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def _binary(data: bytes) -> Iterator[bytes]:
    """Cut at the announced lengths; a message without MAC header takes the rest."""
    while data[:2] in (b"\xdd\x00", b"\xdd\x09"):
        try:
            length, at = read_length(data, 7 if data[1] == 0 else _ROUTING_OCTETS)
        except MalformedMessage:
            break
        yield data[: at + length]
        data = data[at + length :]
    if data:
        yield data


_ROUTING_OCTETS: Final = 34


def _gfi_lines(text: str) -> Iterator[Found]:
    for line in text.splitlines():
        if line.strip():
            try:
                yield from_gfi(line.strip().encode())
            except MalformedMessage as exc:
                yield exc


def _hex_or_base64(text: str) -> Iterator[Found]:
    wrapped = _Wrapped()
    for line in (*text.splitlines(), ""):
        bare = line.strip()
        if bare.startswith("#"):
            continue
        digits = _SEPARATORS.sub("", bare)
        starts = digits[:4].upper() in _HEX_STARTS
        if wrapped.lines and (starts or not bare) and wrapped.is_whole:
            yield _octets("".join(wrapped.lines))
            wrapped = _Wrapped()
        if bare:
            wrapped.add(bare, digits)
    if wrapped.lines:
        yield _octets("".join(wrapped.lines))


class _Wrapped:
    """Lines of one message; knows when all its octets are there.

    A later line may start like a message and still belong to this one.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._head = ""
        self._digits = 0

    def add(self, line: str, digits: str) -> None:
        self.lines.append(line)
        self._digits += len(digits)
        if len(self._head) < _HEAD_DIGITS:
            self._head += digits[:_HEAD_DIGITS]

    @property
    def is_whole(self) -> bool:
        """Whether the announced octets have come; True when nothing is announced."""
        head = self._head[:_HEAD_DIGITS]
        if not _HEX.fullmatch(head) or head[:4].upper() != _HEX_STARTS[0]:
            return True
        try:
            length, at = read_length(bytes.fromhex(head[: len(head) & ~1]), 7)
        except MalformedMessage:
            return self._digits >= _HEAD_DIGITS
        return self._digits >= 2 * (at + length)


def _octets(text: str) -> Found:
    digits = _SEPARATORS.sub("", text)
    if _HEX.fullmatch(digits):
        if len(digits) % 2:
            return MalformedMessage("an odd number of hexadecimal digits: the end is missing")
        return bytes.fromhex(digits)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return MalformedMessage(f"neither hexadecimal nor base64: {text[:24]!r}")
