"""Our ASH codec against bellows' own as the other end, on a line that damages and drops octets."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import bellows.types as t
import pytest
from bellows.ash import AckFrame, AshProtocol, DataFrame, NakFrame, RStackFrame, RstFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.vncp.ash import AshFrame, AshNcp, Deframer, Kind, ResetCode, stuff, unstuff

examples = settings(max_examples=80)
number = st.integers(0, 7)


def _between_flags(octets: bytes) -> bytes:
    (stuffed,) = Deframer().feed(octets)
    return stuffed


@examples
@given(number, number, st.booleans(), st.binary(max_size=200))
def test_data_frames_are_bellows_data_frames(
    frame_number: int, ack: int, again: bool, payload: bytes
) -> None:
    theirs = DataFrame(frm_num=frame_number, re_tx=again, ack_num=ack, ezsp_frame=payload)
    ours = AshFrame(Kind.DATA, payload, frame_number, ack, again)
    octets = ours.to_octets()
    assert octets == bytes(AshProtocol._stuff_bytes(theirs.to_bytes())) + b"\x7e"
    assert AshFrame.from_octets(_between_flags(octets)) == ours


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (AckFrame(res=0, ncp_ready=0, ack_num=3), AshFrame(Kind.ACK, ack=3)),
        (NakFrame(res=0, ncp_ready=0, ack_num=6), AshFrame(Kind.NAK, ack=6)),
        (RstFrame(), AshFrame(Kind.RST)),
        (
            RStackFrame(version=2, reset_code=t.NcpResetCode.RESET_SOFTWARE),
            AshFrame(Kind.RSTACK, bytes((2, ResetCode.SOFTWARE))),
        ),
    ],
)
def test_control_frames_are_bellows_control_frames(theirs: RstFrame, ours: AshFrame) -> None:
    octets = bytes(AshProtocol._stuff_bytes(theirs.to_bytes()))
    assert ours.to_octets() == octets + b"\x7e"
    assert AshFrame.from_octets(octets) == ours


def test_the_reset_frame_is_the_published_one() -> None:
    assert AshFrame(Kind.RST).to_octets().hex() == "c038bc7e"
    assert AshFrame(Kind.RSTACK, b"\x02\x02").to_octets().hex() == "c102029b7b7e"


@examples
@given(st.binary(max_size=64))
def test_stuffing_hides_every_reserved_octet_but_the_escape(octets: bytes) -> None:
    stuffed = stuff(octets)
    assert not {0x7E, 0x11, 0x13, 0x18, 0x1A} & set(stuffed)
    assert unstuff(stuffed) == octets


@examples
@given(st.binary(max_size=600))
def test_noise_never_gets_past_the_checksum_by_accident(octets: bytes) -> None:
    for stuffed in Deframer().feed(octets + b"\x7e"):
        frame = AshFrame.from_octets(stuffed)
        assert frame is None or isinstance(frame.kind, Kind)


class _Line(asyncio.Transport):
    """Carries octets from bellows to our end, through ``bend``."""

    def __init__(self, towards: Callable[[bytes], None], bend: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._towards, self._bend = towards, bend

    def write(self, data: bytes | bytearray | memoryview) -> None:
        asyncio.get_running_loop().call_soon(self._towards, self._bend(bytes(data)))

    def is_closing(self) -> bool:
        return False

    def close(self) -> None: ...


class _Host:
    """What bellows' ASH calls its upper layer."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.resets: list[int] = []
        self.errors: list[int] = []

    def connection_made(self, _: object) -> None: ...
    def connection_lost(self, _: object) -> None: ...
    def data_received(self, data: bytes) -> None:
        self.frames.append(bytes(data))

    def reset_received(self, code: int) -> None:
        self.resets.append(int(code))

    def error_received(self, code: int) -> None:
        self.errors.append(int(code))


class _Pair:
    """bellows and our NCP end, joined by a line that damages one write in ``1 / damage``."""

    def __init__(self, damage: float) -> None:
        self._random = random.Random(7)
        self._damage = damage
        self.host, self.commands, self.ncp_resets = _Host(), list[bytes](), 0
        self.ash = AshProtocol(self.host)
        loop = asyncio.get_running_loop()
        self.ncp = AshNcp(
            self._towards_host,
            self._command,
            self._reset,
            loop.call_later,
        )
        self.ash.connection_made(_Line(self.ncp.receive, self._bend))

    def _towards_host(self, octets: bytes) -> None:
        asyncio.get_running_loop().call_soon(self.ash.data_received, self._bend(octets))

    def _bend(self, octets: bytes) -> bytes:
        if self._random.random() >= self._damage:
            return octets
        bent = bytearray(octets)
        bent[self._random.randrange(len(bent))] ^= 1 << self._random.randrange(8)
        return bytes(bent) if self._random.random() < 0.8 else b""

    def _command(self, frame: bytes) -> None:
        self.commands.append(frame)
        self.ncp.send(b"answer " + frame)

    def _reset(self) -> None:
        self.ncp_resets += 1

    async def connect(self) -> None:
        while not self.host.resets:
            self.ash.send_reset()
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("damage", [0.0, 0.1])
async def test_frames_arrive_once_and_in_order_both_ways(damage: float) -> None:
    pair = _Pair(damage)
    await pair.connect()
    sent = [b"%03d" % n + bytes((0x7E, 0x11, 0x7D)) for n in range(100)]
    for frame in sent:
        await pair.ash.send_data(frame)
    await asyncio.sleep(10)
    assert pair.commands == sent
    assert pair.host.frames == [b"answer " + frame for frame in sent]
    assert not pair.host.errors


async def test_a_burst_of_callbacks_passes_the_window() -> None:
    pair = _Pair(0.05)
    await pair.connect()
    sent = [b"callback %d" % n for n in range(60)]
    for frame in sent:
        pair.ncp.send(frame)
    await asyncio.sleep(30)
    assert pair.host.frames == sent


async def test_a_reset_by_the_firmware_is_told_with_its_reason() -> None:
    pair = _Pair(0.0)
    await pair.connect()
    pair.ncp.announce_reset(ResetCode.WATCHDOG)
    await asyncio.sleep(1)
    assert pair.host.resets[-1] == ResetCode.WATCHDOG
    assert pair.ncp_resets == 1


async def test_without_acknowledgements_the_ncp_gives_up_and_says_so() -> None:
    written: list[bytes] = []
    loop = asyncio.get_running_loop()
    ncp = AshNcp(written.append, lambda _: None, lambda: None, loop.call_later)
    ncp.receive(AshFrame(Kind.RST).to_octets())
    ncp.send(b"callback")
    await asyncio.sleep(30)
    error = AshFrame(Kind.ERROR, bytes((2, ResetCode.TOO_MANY_ACK_TIMEOUTS)))
    assert written[-1] == error.to_octets()
    ncp.close()
