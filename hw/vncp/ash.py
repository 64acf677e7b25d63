"""ASH, the framing between host and NCP on a serial line, seen from the NCP.

A codec of its own, so that a mistake shared with the host library cannot hide. :class:`AshNcp` is
sans-IO but for one thing: it asks ``call_later`` for its retransmission timer.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final, Protocol

FLAG: Final = 0x7E
ESCAPE: Final = 0x7D
XON: Final = 0x11
XOFF: Final = 0x13
SUBSTITUTE: Final = 0x18
CANCEL: Final = 0x1A
_RESERVED: Final = frozenset((FLAG, ESCAPE, XON, XOFF, SUBSTITUTE, CANCEL))
_FLIP: Final = 0x20
_FLAG_OCTET: Final = bytes((FLAG,))
_CONTROL_OCTETS: Final = frozenset((XON, XOFF, SUBSTITUTE, CANCEL))

_RST: Final = 0xC0
_RSTACK: Final = 0xC1
_ERROR: Final = 0xC2
_ACK: Final = 0x80
_NAK: Final = 0xA0
_RETRANSMITTED: Final = 0x08
_ASH_VERSION: Final = 2
_WINDOW: Final = 4
ACK_TIMEOUT_S: Final = 1.6
MAX_TIMEOUTS: Final = 5
MAX_DATA_OCTETS: Final = 256
_MAX_FRAME_OCTETS: Final = 2 * (MAX_DATA_OCTETS + 3)


class ResetCode(IntEnum):
    """Why the NCP was reset, or why it gave up."""

    UNKNOWN = 0x00
    EXTERNAL = 0x01
    POWER_ON = 0x02
    WATCHDOG = 0x03
    ASSERT = 0x06
    BOOTLOADER = 0x09
    SOFTWARE = 0x0B
    TOO_MANY_ACK_TIMEOUTS = 0x51


class Kind(Enum):
    """What a frame is."""

    DATA = "DATA"
    ACK = "ACK"
    NAK = "NAK"
    RST = "RST"
    RSTACK = "RSTACK"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class AshFrame:
    """One frame; ``payload`` of DATA in clear, of RSTACK and ERROR the version and the code."""

    kind: Kind
    payload: bytes = b""
    number: int = 0
    ack: int = 0
    retransmitted: bool = False

    def to_octets(self) -> bytes:
        """Encode, stuffed and closed with a flag."""
        octets = bytes((self._control(),))
        octets += randomise(self.payload) if self.kind is Kind.DATA else self.payload
        octets += crc_hqx(octets, 0xFFFF).to_bytes(2, "big")
        return stuff(octets) + bytes((FLAG,))

    def _control(self) -> int:
        if self.kind is Kind.DATA:
            return self.number << 4 | (_RETRANSMITTED if self.retransmitted else 0) | self.ack
        if self.kind in (Kind.ACK, Kind.NAK):
            return (_ACK if self.kind is Kind.ACK else _NAK) | self.ack
        return {Kind.RST: _RST, Kind.RSTACK: _RSTACK, Kind.ERROR: _ERROR}[self.kind]

    @classmethod
    def from_octets(cls, stuffed: bytes) -> AshFrame | None:
        """Decode what stood between two flags; None when it is damaged."""
        octets = unstuff(stuffed)
        if octets is None or not 3 <= len(octets) <= MAX_DATA_OCTETS + 3:
            return None
        if crc_hqx(octets[:-2], 0xFFFF) != int.from_bytes(octets[-2:], "big"):
            return None
        control, payload = octets[0], octets[1:-2]
        if not control & 0x80:
            number, again = control >> 4 & 7, bool(control & _RETRANSMITTED)
            return cls(Kind.DATA, randomise(payload), number, control & 7, again)
        if control & 0xE0 == _ACK:
            return cls(Kind.ACK, ack=control & 7)
        if control & 0xE0 == _NAK:
            return cls(Kind.NAK, ack=control & 7)
        kind = {_RST: Kind.RST, _RSTACK: Kind.RSTACK, _ERROR: Kind.ERROR}.get(control)
        return None if kind is None else cls(kind, payload)


def _random_sequence(length: int) -> bytes:
    octets = bytearray()
    state = 0x42
    for _ in range(length):
        octets.append(state)
        state = state >> 1 ^ 0xB8 if state & 1 else state >> 1
    return bytes(octets)


_SEQUENCE: Final = _random_sequence(MAX_DATA_OCTETS)


def randomise(payload: bytes) -> bytes:
    """XOR with the fixed pseudo-random sequence, which is its own inverse."""
    size = len(payload)
    mask = int.from_bytes(_SEQUENCE[:size], "big")
    return (int.from_bytes(payload, "big") ^ mask).to_bytes(size, "big")


def stuff(octets: bytes) -> bytes:
    """Escape the reserved octets."""
    if _RESERVED.isdisjoint(octets):
        return octets
    stuffed = bytearray()
    for octet in octets:
        if octet in _RESERVED:
            stuffed += bytes((ESCAPE, octet ^ _FLIP))
        else:
            stuffed.append(octet)
    return bytes(stuffed)


def unstuff(stuffed: bytes) -> bytes | None:
    """Undo :func:`stuff`; None when an escape has nothing to escape."""
    if ESCAPE not in stuffed:
        return stuffed
    octets = bytearray()
    escaped = False
    for octet in stuffed:
        if octet == ESCAPE and not escaped:
            escaped = True
            continue
        octets.append(octet ^ _FLIP if escaped else octet)
        escaped = False
    return None if escaped else bytes(octets)


class Deframer:
    """Cuts a byte stream into what stands between flags; knows CANCEL, SUBSTITUTE, XON and XOFF."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._spoilt = False

    def feed(self, octets: bytes) -> list[bytes]:
        """The stuffed frames completed by these octets, empty ones left out."""
        if not self._octets and not self._spoilt and _CONTROL_OCTETS.isdisjoint(octets):
            *whole, rest = octets.split(_FLAG_OCTET)
            self._octets += rest
            return [stuffed for stuffed in whole if stuffed]
        return self._feed_slowly(octets)

    def _feed_slowly(self, octets: bytes) -> list[bytes]:
        frames: list[bytes] = []
        for octet in octets:
            if octet == FLAG:
                if self._octets and not self._spoilt:
                    frames.append(bytes(self._octets))
                self._octets.clear()
                self._spoilt = False
            elif octet == CANCEL:
                self._octets.clear()
                self._spoilt = False
            elif octet == SUBSTITUTE or len(self._octets) > _MAX_FRAME_OCTETS:
                self._spoilt = True
            elif octet not in (XON, XOFF):
                self._octets.append(octet)
        return frames


class Timer(Protocol):
    """What ``call_later`` returns."""

    def cancel(self) -> None:
        """Forget it."""
        ...


CallLater = Callable[[float, Callable[[], None]], Timer]


class AshNcp:
    """The NCP's end of one line.

    ``write`` takes octets for the host, ``deliver`` an EZSP frame from the host, ``reset`` is
    called when the host asks for a reset, before the acknowledgement leaves.
    """

    def __init__(
        self,
        write: Callable[[bytes], None],
        deliver: Callable[[bytes], None],
        reset: Callable[[], None],
        call_later: CallLater,
    ) -> None:
        self._write = write
        self._deliver = deliver
        self._reset = reset
        self._call_later = call_later
        self._deframer = Deframer()
        self._connected = False
        self._failed = False
        self._start()

    def _start(self) -> None:
        self._next_out = 0
        self._expected = 0
        self._rejecting = False
        self._ack_owed = False
        self._unacked: deque[tuple[int, bytes]] = deque()
        self._waiting: deque[bytes] = deque()
        self._timeouts = 0
        self._timer: Timer | None = None

    def close(self) -> None:
        """The line is gone."""
        self._stop_timer()
        self._connected = False

    def receive(self, octets: bytes) -> None:
        """Take octets from the host."""
        for stuffed in self._deframer.feed(octets):
            frame = AshFrame.from_octets(stuffed)
            if frame is None:
                self._damaged()
            else:
                self._received(frame)

    def send(self, ezsp_frame: bytes) -> None:
        """Send an EZSP frame to the host, reliably and in order."""
        if not self._connected or self._failed:
            return
        self._waiting.append(ezsp_frame)
        self._fill_window()

    def announce_reset(self, code: ResetCode) -> None:
        """The NCP has (been) reset by itself: say so, as real firmware does."""
        self._stop_timer()
        self._start()
        self._connected, self._failed = True, False
        self._put(AshFrame(Kind.RSTACK, bytes((_ASH_VERSION, code))))

    def _received(self, frame: AshFrame) -> None:
        if frame.kind is Kind.RST:
            self._reset()
            self.announce_reset(ResetCode.SOFTWARE)
        elif self._failed:
            self._put(AshFrame(Kind.ERROR, bytes((_ASH_VERSION, ResetCode.TOO_MANY_ACK_TIMEOUTS))))
        elif self._connected and frame.kind in (Kind.DATA, Kind.ACK, Kind.NAK):
            self._acknowledged(frame.ack)
            if frame.kind is Kind.DATA:
                self._data(frame)
            elif frame.kind is Kind.NAK:
                self._retransmit()

    def _data(self, frame: AshFrame) -> None:
        if frame.number != self._expected:
            if frame.retransmitted:
                self._put(AshFrame(Kind.ACK, ack=self._expected))
            else:
                self._damaged()
            return
        self._expected = self._expected + 1 & 7
        self._rejecting = False
        self._ack_owed = True
        self._deliver(frame.payload)
        if self._ack_owed:  # no answer carried it
            self._ack_owed = False
            self._put(AshFrame(Kind.ACK, ack=self._expected))

    def _damaged(self) -> None:
        """Ask once for a repeat of what could not be read."""
        if self._connected and not self._failed and not self._rejecting:
            self._rejecting = True
            self._put(AshFrame(Kind.NAK, ack=self._expected))

    def _acknowledged(self, ack: int) -> None:
        if not any((number + 1) & 7 == ack for number, _ in self._unacked):
            return
        while self._unacked and self._unacked[0][0] != ack:
            self._unacked.popleft()
        self._timeouts = 0
        self._stop_timer()
        self._fill_window()
        if self._unacked and self._timer is None:
            self._start_timer()

    def _fill_window(self) -> None:
        while self._waiting and len(self._unacked) < _WINDOW:
            payload = self._waiting.popleft()
            number = self._next_out
            self._next_out = number + 1 & 7
            self._unacked.append((number, payload))
            self._ack_owed = False
            self._put(AshFrame(Kind.DATA, payload, number, self._expected))
        if self._unacked and self._timer is None:
            self._start_timer()

    def _retransmit(self) -> None:
        for number, payload in self._unacked:
            self._put(AshFrame(Kind.DATA, payload, number, self._expected, retransmitted=True))

    def _start_timer(self) -> None:
        self._timer = self._call_later(ACK_TIMEOUT_S, self._timed_out)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _timed_out(self) -> None:
        self._timer = None
        self._timeouts += 1
        if self._timeouts >= MAX_TIMEOUTS:
            self._failed = True
            self._put(AshFrame(Kind.ERROR, bytes((_ASH_VERSION, ResetCode.TOO_MANY_ACK_TIMEOUTS))))
            return
        self._retransmit()
        self._start_timer()

    def _put(self, frame: AshFrame) -> None:
        self._write(frame.to_octets())
