"""Messages longer than a tunnel carries travel as blocks (general block transfer), both ways.

A Remote Party Message of up to 1,200 octets goes through the tunnel as it is; a longer one is cut,
and put together again at the other end. The hub hands whole messages to the WAN and takes them.
"""

from __future__ import annotations

from typing import Final

from gbcs.errors import MalformedMessage
from gbcs.gbt import Assembler, Block, Key, is_block, split

WHOLE_OCTETS: Final = 1_200
"""Longest message that is not cut into blocks."""
_OPEN_MESSAGES: Final = 16
"""Messages being put together at a time; the one begun first is given up for a seventeenth."""


def parts_of(octets: bytes) -> tuple[bytes, ...]:
    """What goes through the tunnel for this message: itself, or its blocks in order."""
    if len(octets) <= WHOLE_OCTETS or is_block(octets):
        return (octets,)
    return tuple(block.to_bytes() for block in split(octets))


class LongMessages:
    """Puts messages together from what a tunnel brings."""

    def __init__(self) -> None:
        self._open: dict[Key, Assembler] = {}

    def take(self, octets: bytes) -> bytes | None:
        """The whole message, or None while blocks of it are missing.

        MalformedMessage when a block does not fit the others; what was held of its message is
        dropped.
        """
        if not is_block(octets):
            return octets
        block = Block.parse(octets)
        assembler = self._open.setdefault(block.key, Assembler(block.key))
        while len(self._open) > _OPEN_MESSAGES:
            del self._open[next(iter(self._open))]
        try:
            whole = assembler.add(block)
        except MalformedMessage:
            del self._open[block.key]
            raise
        if whole is not None:
            self._open.pop(block.key, None)
        return whole
