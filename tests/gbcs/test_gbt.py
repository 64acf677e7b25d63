"""General block transfer."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gbcs.envelope import MESSAGE_LIMIT_OCTETS, Cra
from gbcs.errors import LocalError, MalformedMessage
from gbcs.gbt import Assembler, Block, is_block, split
from tests.gbcs.samples import COMMAND, RESPONSE

BLOCK = Block(
    cra=Cra.COMMAND,
    originator_counter=1,
    originator=2,
    recipient=3,
    message_code=0x0019,
    number=2,
    acknowledged=1,
    last=True,
    streaming=True,
    window=5,
    data=b"abc",
)


def test_a_block_on_the_wire() -> None:
    assert BLOCK.to_bytes().hex().upper() == (
        "DD09010000000000000001080000000000000002080000000000000003000200190 0"
        "0F 01 00000000 E0 C5 0002 0001 03 616263".replace(" ", "")
    ).replace(" ", "")
    assert Block.parse(BLOCK.to_bytes()) == BLOCK
    assert is_block(BLOCK.to_bytes())
    assert not is_block(COMMAND)


@given(st.integers(1, 150), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_blocks_in_any_order_and_twice_make_the_message(size: int, order: st.DataObject) -> None:
    blocks = [*split(RESPONSE, size)]
    order.shuffle(blocks)  # type: ignore[attr-defined]  # random.Random
    assembler = Assembler(blocks[0].key)
    results = [assembler.add(Block.parse(b.to_bytes())) for b in (*blocks[:-1], *blocks)]
    assert results[-1] == RESPONSE
    assert results.count(RESPONSE) == 1


def test_missing_blocks_are_named() -> None:
    blocks = split(RESPONSE, 30)
    assembler = Assembler(blocks[0].key)
    assert assembler.missing() == ()
    for block in (blocks[0], blocks[3]):
        assembler.add(block)
    assert assembler.missing() == (2, 3)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"originator": 9}, "another message"),
        ({"number": 0}, "block number 0"),
        ({"number": 3, "last": False}, "block number 3"),
        ({"number": 1, "last": True}, "says it is the last"),
        ({"data": b"xyz"}, "two different"),
    ],
)
def test_blocks_that_contradict_are_refused(changes: dict[str, object], reason: str) -> None:
    assembler = Assembler(BLOCK.key)
    assembler.add(BLOCK)
    with pytest.raises(MalformedMessage, match=reason):
        assembler.add(replace(BLOCK, **changes))  # type: ignore[arg-type]  # fields by name


def test_a_message_that_grows_without_end_is_refused() -> None:
    assembler = Assembler(BLOCK.key)
    big = replace(BLOCK, last=False, data=bytes(MESSAGE_LIMIT_OCTETS))
    assembler.add(replace(big, number=1))
    with pytest.raises(MalformedMessage, match="longer than"):
        assembler.add(big)


@pytest.mark.parametrize(
    "octets",
    [
        BLOCK.to_bytes()[:20],
        BLOCK.to_bytes()[:-1],
        BLOCK.to_bytes() + b"\x00",
        BLOCK.to_bytes().replace(b"\xe0", b"\xe1"),
        BLOCK.to_bytes().replace(b"\xdd\x09\x01", b"\xdd\x09\x07"),
        BLOCK.to_bytes().replace(b"\xdd\x09", b"\xdd\x08"),
        BLOCK.to_bytes().replace(b"\x03abc", b"\x02abc"),
    ],
)
def test_what_is_no_block_is_malformed(octets: bytes) -> None:
    with pytest.raises(MalformedMessage):
        Block.parse(octets)


def test_blocks_that_cannot_be_written_are_our_error() -> None:
    wrong = (
        replace(BLOCK, window=64),
        replace(BLOCK, number=1 << 16),
        replace(BLOCK, originator=-1),
    )
    for block in wrong:
        with pytest.raises(LocalError):
            block.to_bytes()
    for size in (0, -1):
        with pytest.raises(LocalError):
            split(RESPONSE, size)


@given(st.binary(max_size=80).map(lambda tail: b"\xdd\x09" + tail))
@settings(max_examples=100)
def test_arbitrary_octets_are_a_block_or_malformed(octets: bytes) -> None:
    with contextlib.suppress(MalformedMessage):
        assert Block.parse(octets).data is not None
