"""General block transfer: messages longer than one hop carries, cut into blocks and put together.

Each block repeats in clear who sends what to whom, so that a hub can pass it on by itself. Blocks
have no protection of their own: the message inside brings its MAC or signature.

UNVERIFIED, no reference message: the security control octet of the routing header, the block size
and window a device accepts, and when lost blocks are asked for again. They are arguments here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from struct import error as StructError
from typing import Final, Self

from gbcs.envelope import MESSAGE_LIMIT_OCTETS, Cra, Message
from gbcs.errors import LocalError, MalformedMessage
from gbcs.length import encode_length, read_length

SECURITY_CONTROL: Final = 0x01
"""Suite 1, nothing protected."""
BLOCK_OCTETS: Final = 1024
"""Block data per block when nothing else is said: fits the tunnel of a hub (1,500 octets)."""
BLOCK_LIMIT: Final = 0xFFFF
_ROUTING: Final = Struct(">BBBQBQBQBBHB")
_SECURITY: Final = Struct(">BI")
_BLOCK: Final = Struct(">BBHH")
_TAG: Final = 0xE0
_LAST: Final = 0x80
_STREAMING: Final = 0x40
_WINDOW: Final = 0x3F

Key = tuple[int, Cra, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block; ``number`` counts from 1, ``acknowledged`` is the last one received in order."""

    cra: Cra
    originator_counter: int
    originator: int
    recipient: int
    message_code: int
    number: int
    acknowledged: int = 0
    last: bool = False
    streaming: bool = False
    window: int = 1
    data: bytes = b""
    security_control: int = SECURITY_CONTROL

    @classmethod
    def parse(cls, octets: bytes) -> Self:
        """Decode every octet; MalformedMessage otherwise."""
        if len(octets) < _ROUTING.size:
            raise MalformedMessage("routing header is cut short", 0)
        tag, size, cra, counter, s1, originator, s2, recipient, s3, s4, code, key_info = (
            _ROUTING.unpack_from(octets)
        )
        if (tag, size, s1, s2, s3, s4, key_info) != (0xDD, 9, 8, 8, 0, 2, 0):
            raise MalformedMessage("not a routing header", 0)
        if cra not in _CRA:
            raise MalformedMessage(f"unknown CRA flag {cra}", 2)
        length, at = read_length(octets, _ROUTING.size)
        if at + length != len(octets) or length < _SECURITY.size + _BLOCK.size + 1:
            raise MalformedMessage(f"routing header announces {length} octets", _ROUTING.size)
        control, invocation = _SECURITY.unpack_from(octets, at)
        tag, flags, number, acknowledged = _BLOCK.unpack_from(octets, at + _SECURITY.size)
        if tag != _TAG or invocation:
            raise MalformedMessage("not a general block transfer", at)
        length, at = read_length(octets, at + _SECURITY.size + _BLOCK.size)
        if at + length != len(octets):
            raise MalformedMessage(f"block announces {length} octets", at)
        return cls(
            cra=_CRA[cra],
            originator_counter=counter,
            originator=originator,
            recipient=recipient,
            message_code=code,
            number=number,
            acknowledged=acknowledged,
            last=bool(flags & _LAST),
            streaming=bool(flags & _STREAMING),
            window=flags & _WINDOW,
            data=bytes(octets[at:]),
            security_control=control,
        )

    def to_bytes(self) -> bytes:
        """Encode; LocalError when a field does not fit its place."""
        flags = _LAST * self.last | _STREAMING * self.streaming | self.window
        if not 0 <= self.window <= _WINDOW:
            raise LocalError(f"window {self.window} is not 0 to {_WINDOW}")
        try:
            security = _SECURITY.pack(self.security_control, 0)
            block = _BLOCK.pack(_TAG, flags, self.number, self.acknowledged)
            head = _ROUTING.pack(
                0xDD, 9, self.cra, self.originator_counter,
                8, self.originator, 8, self.recipient, 0, 2, self.message_code, 0,
            )  # fmt: skip
        except StructError as exc:
            raise LocalError(f"block does not fit its place: {exc}") from exc
        rest = security + block + encode_length(len(self.data)) + self.data
        return head + encode_length(len(rest)) + rest

    @property
    def key(self) -> Key:
        """What the blocks of one message have in common."""
        return self.originator, self.cra, self.originator_counter


def is_block(octets: bytes) -> bool:
    """Whether octets start like a block and not like a whole message."""
    return octets[:2] == b"\xdd\x09"


def split(octets: bytes, block_octets: int = BLOCK_OCTETS, window: int = 1) -> tuple[Block, ...]:
    """Cut a complete message into blocks of at most ``block_octets`` of data."""
    message = Message.parse(octets)
    if block_octets < 1 or -(-len(octets) // block_octets) > BLOCK_LIMIT:
        raise LocalError(f"{len(octets)} octets do not fit blocks of {block_octets}")
    parts = [octets[at : at + block_octets] for at in range(0, len(octets), block_octets)]
    return tuple(
        Block(
            cra=message.cra,
            originator_counter=message.originator_counter,
            originator=message.originator,
            recipient=message.recipient,
            message_code=message.message_code,
            number=number,
            last=number == len(parts),
            window=window,
            data=part,
        )
        for number, part in enumerate(parts, start=1)
    )


@dataclass(slots=True)
class Assembler:
    """Puts the blocks of one message together, in whatever order and however often they come."""

    key: Key
    _parts: dict[int, bytes] = field(default_factory=dict)
    _count: int | None = None
    _size: int = 0

    def add(self, block: Block) -> bytes | None:
        """Take a block; the message once it is complete, else None.

        MalformedMessage when the block belongs elsewhere, contradicts one held, or the message
        grows beyond the limit.
        """
        self._check(block)
        if block.number not in self._parts:
            self._parts[block.number] = block.data
            self._size += len(block.data)
        if block.last:
            self._count = block.number
        if self._count is None or len(self._parts) < self._count:
            return None
        return b"".join(self._parts[number] for number in range(1, self._count + 1))

    def missing(self) -> tuple[int, ...]:
        """Numbers of blocks known to be missing, as far as the highest one received."""
        highest = self._count or max(self._parts, default=0)
        return tuple(number for number in range(1, highest) if number not in self._parts)

    def _check(self, block: Block) -> None:
        if block.key != self.key:
            raise MalformedMessage("block of another message")
        if not 1 <= block.number <= (self._count or BLOCK_LIMIT):
            raise MalformedMessage(f"block number {block.number}")
        if block.last and block.number < max(self._parts, default=0):
            raise MalformedMessage(f"block {block.number} says it is the last one")
        if self._parts.get(block.number, block.data) != block.data:
            raise MalformedMessage(f"two different blocks number {block.number}")
        if self._size + len(block.data) > MESSAGE_LIMIT_OCTETS:
            raise MalformedMessage(f"message is longer than {MESSAGE_LIMIT_OCTETS} octets")


_CRA: Final = {int(cra): cra for cra in Cra}
