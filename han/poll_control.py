"""Poll Control 0x0020: how often a sleepy device looks for its frames, and who may change that.

The device checks in with the peers that bound it; each may have it poll fast for a while. All
intervals are in quarter seconds, as on the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from gbcs.zcl.status import Status
from gbcs.zcl.types import Value
from han.clusters import POLL_CONTROL
from han.deadlines import earliest
from han.exchange import Delivered, Outcome, Request
from han.requests import Far, command_of
from han.zcl.payload import U16, U32, Bool8, decode
from han.zcl.tables import Access, Answer, Attribute, Cluster, Command, Served, Side
from han.zdo.server import Binding

QUARTER_SECOND: Final = timedelta(milliseconds=250)
CHECK_IN_WAIT: Final = timedelta(seconds=7.68)
"""How long a device waits for the answers to its check-in."""
LONGEST: Final = 0x6E0000
"""Longest check-in and long poll interval of the ZCL: about three weeks."""
SHORTEST_LONG_POLL: Final = 4
"""Shortest long poll interval of the ZCL: a second."""


@dataclass(frozen=True, slots=True)
class PollIntervals:
    """The attributes of the cluster; the defaults are those of the ZCL.

    check_in: time between check-ins; 0: none. long_poll, short_poll: most time between two polls,
    when nothing is expected and when something is. fast_poll_timeout: how long to poll fast when
    a peer does not say. The rest are limits of what peers may ask; 0: none.
    """

    check_in: int = 14400
    long_poll: int = 20
    short_poll: int = 2
    fast_poll_timeout: int = 40
    check_in_min: int = 0
    long_poll_min: int = 0
    fast_poll_timeout_max: int = 0


@dataclass(frozen=True, slots=True)
class CheckInResponse:
    """Whether to poll fast, and for how long (0: the device's own time)."""

    start_fast_polling: Bool8
    timeout: U16


@dataclass(frozen=True, slots=True)
class SetLongPollInterval:
    """How often to poll when nothing goes on."""

    interval: U32


@dataclass(frozen=True, slots=True)
class SetShortPollInterval:
    """How often to poll when something goes on."""

    interval: U16


@dataclass(frozen=True, slots=True)
class FastPollStarted:
    """A peer wants the device to poll fast until then."""

    peer: int
    until: datetime


@dataclass(frozen=True, slots=True)
class FastPollStopped:
    """Nobody wants the device to poll fast any more."""


PollEvent = FastPollStarted | FastPollStopped


@dataclass(slots=True)
class PollControl:
    """The server of a sleepy device; a service of the node. Peers bind it to be asked.

    ``changed`` is called when a peer changed the intervals.
    """

    endpoint: int
    bindings: Callable[[], Sequence[Binding]]
    intervals: PollIntervals = field(default_factory=PollIntervals)
    changed: Callable[[], object] = lambda: None
    check_in_at: datetime | None = None
    _now: datetime | None = None  # of the frame being served
    _running: bool = False
    _waiting: dict[int, datetime] = field(default_factory=dict)
    _wanted: dict[int, datetime] = field(default_factory=dict)
    _requests: list[Request] = field(default_factory=list)
    _events: list[PollEvent] = field(default_factory=list)

    def served(self) -> Served:
        """The Poll Control server cluster, for the endpoint's table."""
        return _TABLE.viewed(self._at)

    def start(self, now: datetime) -> None:
        """Begin to check in, the first time at once: the device came to its network."""
        self._running = True
        self.check_in_at = now if self.intervals.check_in else None

    def stop(self) -> None:
        """Check in with nobody and poll fast for nobody: the device left its network."""
        self._running, self.check_in_at = False, None
        self._waiting.clear()
        if self._wanted:
            self._wanted.clear()
            self._events.append(FastPollStopped())

    @property
    def fast(self) -> bool:
        """Whether to poll fast: a peer wants it, or may say so any moment."""
        return bool(self._waiting or self._wanted)

    def events(self) -> list[PollEvent]:
        """Take what happened, in order."""
        events, self._events = self._events, []
        return events

    # -- service -------------------------------------------------------------------------------

    @property
    def deadline(self) -> datetime | None:
        """When the next check-in, or the end of waiting or of fast polling, is due."""
        return earliest((self.check_in_at, *self._waiting.values(), *self._wanted.values()))

    def poll(self, now: datetime) -> None:
        """Check in, stop waiting for answers, end fast polling."""
        _drop(self._waiting, now)
        if _drop(self._wanted, now) and not self._wanted:
            self._events.append(FastPollStopped())
        if self.check_in_at is None or self.check_in_at > now:
            return
        self._schedule(now)
        for binding in self._bound():
            place = (binding.peer_endpoint, POLL_CONTROL.cluster_id, self.endpoint)
            far = Far(binding.peer, *place, Side.CLIENT)
            # the answer is a command of its own, which may be refused
            checking_in = far.command(_CHECK_IN, within=None)
            self._requests.append(replace(checking_in, answered_by=frozenset()))
            self._waiting[binding.peer] = now + CHECK_IN_WAIT

    def requests(self) -> list[Request]:
        """Take the check-ins to send."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """A peer that was reached has its time to answer from then on; the others are not there."""
        peer = outcome.request.peer
        if not isinstance(peer, int) or peer not in self._waiting:
            return
        if isinstance(outcome, Delivered):
            self._waiting[peer] = now + CHECK_IN_WAIT
        else:
            del self._waiting[peer]

    # -- commands of the client ----------------------------------------------------------------

    def check_in_response(self, payload: bytes, access: Access) -> Answer:
        """CheckInResponse: each peer has its say, and the longest fast polling counts.

        ACTION_DENIED to a peer that did not bind this, TIMEOUT when it comes too late or was not
        asked for, INVALID_VALUE when it wants too long.
        """
        answer = decode(CheckInResponse, payload)
        if access.peer not in {binding.peer for binding in self._bound()}:
            return Status.ACTION_DENIED
        if self._waiting.pop(access.peer, None) is None:
            return Status.TIMEOUT
        if not answer.start_fast_polling:
            return Status.SUCCESS
        most = self.intervals.fast_poll_timeout_max
        if most and answer.timeout > most:
            return Status.INVALID_VALUE
        quarters = answer.timeout or self.intervals.fast_poll_timeout
        until = self._wanted[access.peer] = access.now + quarters * QUARTER_SECOND
        self._events.append(FastPollStarted(access.peer, until))
        return Status.SUCCESS

    def fast_poll_stop(self, payload: bytes, access: Access) -> Answer:
        """FastPollStop: ACTION_DENIED when the device does not poll fast for this peer.

        It goes on for as long as another peer wants it.
        """
        del payload
        if self._wanted.pop(access.peer, None) is None:
            return Status.ACTION_DENIED
        if not self._wanted:
            self._events.append(FastPollStopped())
        return Status.SUCCESS

    def set_long_poll_interval(self, payload: bytes, access: Access) -> Answer:
        """SetLongPollInterval: not below the shortest, nor above the check-in interval."""
        del access
        interval = decode(SetLongPollInterval, payload).interval
        now = self.intervals
        lowest = max(now.long_poll_min, now.short_poll, SHORTEST_LONG_POLL)
        highest = now.check_in or LONGEST
        if not lowest <= interval <= highest:
            return Status.INVALID_VALUE
        return self._change(replace(now, long_poll=interval))

    def set_short_poll_interval(self, payload: bytes, access: Access) -> Answer:
        """SetShortPollInterval: not above the long one."""
        del access
        interval = decode(SetShortPollInterval, payload).interval
        if not 0 < interval <= self.intervals.long_poll:
            return Status.INVALID_VALUE
        return self._change(replace(self.intervals, short_poll=interval))

    def write_check_in(self, value: Value) -> Status:
        """CheckInInterval: 0 ends checking in; else not below its minimum or the long interval.

        The next check-in is an interval from now.
        """
        now = self.intervals
        lowest = max(now.check_in_min, now.long_poll)
        if not isinstance(value, int) or not (value == 0 or lowest <= value <= LONGEST):
            return Status.INVALID_VALUE
        changed = self._change(replace(now, check_in=value))
        if self._running and self._now is not None:
            self._schedule(self._now)
        return changed

    def write_fast_poll_timeout(self, value: Value) -> Status:
        """FastPollTimeout: at most its maximum, when there is one."""
        most = self.intervals.fast_poll_timeout_max or 0xFFFF
        if not isinstance(value, int) or not 0 < value <= most:
            return Status.INVALID_VALUE
        return self._change(replace(self.intervals, fast_poll_timeout=value))

    # -- parts ---------------------------------------------------------------------------------

    def _at(self, access: Access) -> PollControl:
        self._now = access.now
        return self

    def _schedule(self, now: datetime) -> None:
        check_in = self.intervals.check_in
        self.check_in_at = now + check_in * QUARTER_SECOND if check_in else None

    def _bound(self) -> list[Binding]:
        here = (self.endpoint, POLL_CONTROL.cluster_id)
        return [one for one in self.bindings() if (one.endpoint, one.cluster_id) == here]

    def _change(self, intervals: PollIntervals) -> Status:
        self.intervals = intervals
        self.changed()
        return Status.SUCCESS


def _drop(until: dict[int, datetime], now: datetime) -> bool:
    """Drop the peers whose time is over; whether there were any."""
    over = [peer for peer, moment in until.items() if moment <= now]
    for peer in over:
        del until[peer]
    return bool(over)


_CHECK_IN: Final = command_of(POLL_CONTROL, "CheckIn", Side.CLIENT)
_IDS: Final = {a.name: a for a in POLL_CONTROL.server_attributes}
_TABLE: Final[Cluster[PollControl]] = Cluster(
    POLL_CONTROL,
    attributes=(
        Attribute(
            _IDS["CheckInInterval"], lambda p: p.intervals.check_in, PollControl.write_check_in
        ),
        Attribute(_IDS["LongPollInterval"], lambda p: p.intervals.long_poll),
        Attribute(_IDS["ShortPollInterval"], lambda p: p.intervals.short_poll),
        Attribute(
            _IDS["FastPollTimeout"],
            lambda p: p.intervals.fast_poll_timeout,
            PollControl.write_fast_poll_timeout,
        ),
        Attribute(_IDS["CheckInIntervalMin"], lambda p: p.intervals.check_in_min),
        Attribute(_IDS["LongPollIntervalMin"], lambda p: p.intervals.long_poll_min),
        Attribute(_IDS["FastPollTimeoutMax"], lambda p: p.intervals.fast_poll_timeout_max),
    ),
    commands=(
        Command(command_of(POLL_CONTROL, "CheckInResponse"), PollControl.check_in_response),
        Command(command_of(POLL_CONTROL, "FastPollStop"), PollControl.fast_poll_stop),
        Command(
            command_of(POLL_CONTROL, "SetLongPollInterval"), PollControl.set_long_poll_interval
        ),
        Command(
            command_of(POLL_CONTROL, "SetShortPollInterval"), PollControl.set_short_poll_interval
        ),
    ),
    generated=(0x00,),
)
