"""Faults of the air, by hand or by script.

A fault is a value that says what goes wrong. :class:`AirFaults` lets it happen: now and until told
otherwise (:meth:`AirFaults.start`), while a block runs (:meth:`AirFaults.during`), or at a time of
the running event loop and for a while (:meth:`AirFaults.plan`). Stations are named by EUI-64.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from hw.air_link import Link, Passing
from hw.ether import Ether
from hw.frame_view import FrameView, look
from hw.zigbee.aps import FrameType

LinkChange = dict[str, float]
"""Fields of :class:`~hw.air_link.Link` by name, with what they are while the fault lasts."""

End = Callable[[], object]

FRAMES_REMEMBERED: Final = 128
"""Of a frame fault, to know repeats; each is repeated within milliseconds.

Fewer than the 256 frames after which a poll, whose one variable part is its 8-bit MAC sequence
number, looks like an earlier one.
"""


class FaultError(ValueError):
    """A fault that cannot happen on this air; the message says why."""


@dataclass(frozen=True, slots=True)
class LinkFault:
    """Links between two stations, or of one with all others, or all links, are changed.

    ``one_way`` changes the direction from the first to the second alone.
    """

    change: LinkChange
    stations: tuple[int, ...] = ()
    one_way: bool = False

    def __post_init__(self) -> None:
        replace(Link(), **self.change)  # type: ignore[arg-type] # says what is wrong with it

    def applied(self, link: Link, passing: Passing) -> Link:
        """See :class:`hw.air_link.Condition`."""
        way = (passing.sender, passing.receiver)
        if len(self.stations) == 2:
            mine = way == self.stations or (not self.one_way and way == self.stations[::-1])
        else:
            mine = not self.stations or self.stations[0] in way
        return replace(link, **self.change) if mine else link  # type: ignore[arg-type] # fields of Link


class DongleTrouble(Enum):
    """What a virtual dongle (``vncp:``) can do wrong."""

    MUTE = "mute"  # it does not answer its host for as long as the fault lasts
    CRASH = "crash"  # its firmware restarts and says so
    UNPLUG = "unplug"  # its port closes and its power is gone; it comes back when it is opened


@dataclass(frozen=True, slots=True)
class DongleFault:
    """Something with a dongle, not with the air."""

    dongle: int
    trouble: DongleTrouble


class FrameTrouble(Enum):
    """What may happen to single frames."""

    DROP = "drop"
    REPEAT = "repeat"
    DELAY = "delay"
    CORRUPT = "corrupt"
    GARBLE = "garble"


@dataclass(frozen=True, slots=True)
class Match:
    """Which frames; None is any. A retransmission by the MAC is the same frame again.

    ``kind`` is the APS frame type; DATA where a cluster or a block is named and no kind.
    """

    sender: int | None = None
    receiver: int | None = None
    kind: FrameType | None = None
    cluster: int | None = None
    aps_command: int | None = None
    block: int | None = None
    least_octets: int = 0

    def fits(self, passing: Passing, view: Callable[[], FrameView]) -> bool:
        """Whether this frame is meant; it is opened only when need be."""
        if self.sender not in (None, passing.sender):
            return False
        if self.receiver not in (None, passing.receiver):
            return False
        if len(passing.psdu) < self.least_octets or passing.frame is None:
            return False
        if (self.kind, self.cluster, self.aps_command, self.block) == (None,) * 4:
            return True
        seen, kind = view(), self.kind
        if kind is None and self.aps_command is None:
            kind = FrameType.DATA
        return (
            kind in (None, seen.kind)
            and self.cluster in (None, seen.cluster_id)
            and self.aps_command in (None, seen.aps_command)
            and self.block in (None, seen.block)
        )


@dataclass(frozen=True, slots=True)
class FrameFault:
    """Something happens to the ``nth`` frame that matches, and to ``count`` of them (0: all)."""

    match: Match
    trouble: FrameTrouble = FrameTrouble.DROP
    nth: int = 1
    count: int = 1
    delay_s: float = 0.1

    def __post_init__(self) -> None:
        if self.nth < 1 or self.count < 0:
            raise FaultError("frames are counted from 1")

    @property
    def change(self) -> LinkChange:
        """What the trouble does to the link for one frame."""
        return {
            FrameTrouble.DROP: {"loss": 1.0},
            FrameTrouble.REPEAT: {"repeat": 1.0},
            FrameTrouble.DELAY: {"latency_s": self.delay_s},
            FrameTrouble.CORRUPT: {"corrupt": 1.0},
            FrameTrouble.GARBLE: {"garble": 1.0},
        }[self.trouble]


Fault = LinkFault | DongleFault | FrameFault


@dataclass(slots=True)
class _FramesOnTheWay:
    """A frame fault at work: it counts."""

    fault: FrameFault
    ether: Ether
    _count: int = 0
    _met: dict[tuple[int, bytes], int] = field(default_factory=dict)

    def applied(self, link: Link, passing: Passing) -> Link:
        """See :class:`hw.air_link.Condition`."""
        if not self.fault.match.fits(passing, lambda: look(passing.frame, self.ether.keys)):
            return link
        number = self._number(passing)
        last = self.fault.nth + self.fault.count - 1 if self.fault.count else number
        if not self.fault.nth <= number <= last:
            return link
        return replace(link, **self.fault.change)  # type: ignore[arg-type] # fields of Link

    def _number(self, passing: Passing) -> int:
        """Which of the frames that match it is; a repeat has the number of the frame itself."""
        frame = (passing.sender, passing.psdu)
        number = self._met.get(frame)
        if number is None:
            number = self._count = self._met[frame] = self._count + 1
            if len(self._met) > FRAMES_REMEMBERED:
                del self._met[next(iter(self._met))]
        return number


class AirFaults:
    """Lets faults happen on one air."""

    def __init__(self, ether: Ether) -> None:
        self._ether = ether
        self._timers: set[asyncio.TimerHandle] = set()

    def check(self, fault: Fault) -> None:
        """FaultError when a fault cannot happen here."""
        if isinstance(fault, DongleFault) and fault.dongle not in self._ether.dongles:
            raise FaultError(f"{fault.dongle:016X} is no virtual dongle (vncp:) on this air")

    def start(self, fault: Fault) -> End:
        """Let it happen now; the result ends it (but not what happened once and for all)."""
        self.check(fault)
        if isinstance(fault, LinkFault):
            return self._ether.impose(fault)
        if isinstance(fault, FrameFault):
            return self._ether.impose(_FramesOnTheWay(fault, self._ether))
        dongle = self._ether.dongles[fault.dongle]
        if fault.trouble is DongleTrouble.CRASH:
            dongle.crash()
        elif fault.trouble is DongleTrouble.UNPLUG:
            dongle.drop_line()
        else:
            dongle.mute = True
            return lambda: setattr(dongle, "mute", False)
        return _nothing

    @contextmanager
    def during(self, *faults: Fault) -> Iterator[None]:
        """Let them last while the block runs."""
        ends = [self.start(fault) for fault in faults]
        try:
            yield
        finally:
            for end in ends:
                end()

    def plan(
        self,
        fault: Fault,
        in_s: float = 0.0,
        for_s: float | None = None,
        tell: Callable[[bool], object] = lambda begins: None,
    ) -> None:
        """Let it begin in ``in_s`` seconds and last for ``for_s`` (None: for good).

        ``tell`` hears True when it begins, False when it ends.
        """

        def begin() -> None:
            stop = self.start(fault)
            tell(True)
            if for_s is not None:
                self._later(for_s, lambda: (stop(), tell(False)))

        self._later(in_s, begin)

    def cancel(self) -> None:
        """Drop what is planned; what has begun goes on."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _later(self, delay_s: float, action: End) -> None:
        def act() -> None:
            self._timers.discard(timer)
            action()

        timer = asyncio.get_running_loop().call_later(delay_s, act)
        self._timers.add(timer)


def _nothing() -> None:
    """It happened; nothing goes on."""


LINK_DOWN: Final[LinkChange] = {"loss": 1.0}
