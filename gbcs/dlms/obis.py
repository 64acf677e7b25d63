"""Logical names: six octets, written A-B:C.D.E.F."""

from __future__ import annotations

import re
from typing import Final, Self

from gbcs.errors import LocalError, MalformedMessage

_TEXT: Final = re.compile(r"(\d{1,3})-(\d{1,3}):(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})")


class Obis(bytes):
    """A logical name; its octets are the wire form, its text the written one."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read A-B:C.D.E.F; LocalError when a group is not 0 to 255."""
        match = _TEXT.fullmatch(text.strip())
        groups = [int(group) for group in match.groups()] if match else [256]
        if max(groups) > 0xFF:
            raise LocalError(f"not a logical name (A-B:C.D.E.F): {text!r}")
        return cls(groups)

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Take six octets as they are."""
        if len(octets) != 6:
            raise MalformedMessage(f"logical name of {len(octets)} octets, not 6")
        return cls(octets)

    def __str__(self) -> str:
        a, b, c, d, e, f = self
        return f"{a}-{b}:{c}.{d}.{e}.{f}"

    def __repr__(self) -> str:
        return f"Obis({self})"
