"""Poll Control 0x0020: how often a sleepy device looks for its frames, and who may change that.

All intervals are in quarter seconds, as on the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from gbcs.errors import MalformedMessage
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value
from han.clusters import POLL_CONTROL
from han.exchange import Outcome, Replied, Request
from han.requests import Far, command_of
from han.zcl.payload import U16, U32, Bool8, decode
from han.zcl.tables import Access, Answer, Attribute, Cluster, Command, Served, Side
from han.zdo.server import Binding

QUARTER_SECOND: Final = timedelta(milliseconds=250)
CHECK_IN_WAIT: Final = timedelta(seconds=8)
"""How long a device waits for the answers to its check-in (7.68 s in the ZCL, rounded up)."""


@dataclass(frozen=True, slots=True)
class PollIntervals:
    """The attributes of the cluster; the defaults are those of the ZCL."""

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
    """The device is to poll fast until then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class FastPollStopped:
    """The device may sleep again."""


PollEvent = FastPollStarted | FastPollStopped


@dataclass(slots=True)
class PollControl:
    """The server of a sleepy device; a service of the node. Peers bind it to be asked."""

    endpoint: int
    bindings: Callable[[], Sequence[Binding]]
    intervals: PollIntervals = field(default_factory=PollIntervals)
    fast_until: datetime | None = None
    check_in_at: datetime | None = None
    _requests: list[Request] = field(default_factory=list)
    _events: list[PollEvent] = field(default_factory=list)

    def served(self) -> Served:
        """The Poll Control server cluster, for the endpoint's table."""
        return _TABLE.on(self)

    def start(self, now: datetime) -> None:
        """Begin to check in, the first time at once."""
        self.check_in_at = now

    def events(self) -> list[PollEvent]:
        """Take what happened, in order."""
        events, self._events = self._events, []
        return events

    # -- service -------------------------------------------------------------------------------

    @property
    def deadline(self) -> datetime | None:
        """When the next check-in, or the end of fast polling, is due."""
        return min((m for m in (self.check_in_at, self.fast_until) if m), default=None)

    def poll(self, now: datetime) -> None:
        """Check in, and end fast polling."""
        if self.fast_until is not None and self.fast_until <= now:
            self._stop()
        if self.check_in_at is None or self.check_in_at > now:
            return
        check_in = self.intervals.check_in
        self.check_in_at = now + check_in * QUARTER_SECOND if check_in else None
        for binding in self.bindings():
            if (binding.endpoint, binding.cluster_id) == (self.endpoint, POLL_CONTROL.cluster_id):
                far = Far(
                    binding.peer,
                    binding.peer_endpoint,
                    POLL_CONTROL.cluster_id,
                    self.endpoint,
                    Side.CLIENT,
                )
                self._requests.append(far.command(_CHECK_IN, within=CHECK_IN_WAIT))

    def requests(self) -> list[Request]:
        """Take the check-ins to send."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """The longest fast polling that a peer asks for wins."""
        if not isinstance(outcome, Replied) or not outcome.frame.is_cluster_command:
            return
        self._asked(outcome.frame.payload, now)

    # -- commands of the client ----------------------------------------------------------------

    def check_in_response(self, payload: bytes, access: Access) -> Answer:
        """CheckInResponse that came after the wait: too late."""
        del payload, access
        return Status.TIMEOUT

    def fast_poll_stop(self, payload: bytes, access: Access) -> Answer:
        """FastPollStop: ACTION_DENIED when the device does not poll fast."""
        del payload, access
        if self.fast_until is None:
            return Status.ACTION_DENIED
        self._stop()
        return Status.SUCCESS

    def set_long_poll_interval(self, payload: bytes, access: Access) -> Answer:
        """SetLongPollInterval: not below the shortest, nor above the check-in interval."""
        del access
        interval = decode(SetLongPollInterval, payload).interval
        now = self.intervals
        lowest = max(now.long_poll_min, now.short_poll)
        if interval < lowest or (now.check_in and interval > now.check_in):
            return Status.INVALID_VALUE
        self.intervals = replace(now, long_poll=interval)
        return Status.SUCCESS

    def set_short_poll_interval(self, payload: bytes, access: Access) -> Answer:
        """SetShortPollInterval: not above the long one."""
        del access
        interval = decode(SetShortPollInterval, payload).interval
        if not 0 < interval <= self.intervals.long_poll:
            return Status.INVALID_VALUE
        self.intervals = replace(self.intervals, short_poll=interval)
        return Status.SUCCESS

    def write_check_in(self, value: Value) -> Status:
        """CheckInInterval: 0 ends checking in; else not below its minimum or the long interval."""
        now = self.intervals
        if not isinstance(value, int) or 0 < value < max(now.check_in_min, now.long_poll):
            return Status.INVALID_VALUE
        self.intervals = replace(now, check_in=value)
        return Status.SUCCESS

    def write_fast_poll_timeout(self, value: Value) -> Status:
        """FastPollTimeout: at most its maximum, when there is one."""
        most = self.intervals.fast_poll_timeout_max or 0xFFFF
        if not isinstance(value, int) or not 0 < value <= most:
            return Status.INVALID_VALUE
        self.intervals = replace(self.intervals, fast_poll_timeout=value)
        return Status.SUCCESS

    # -- parts ---------------------------------------------------------------------------------

    def _asked(self, payload: bytes, now: datetime) -> None:
        try:
            answer = decode(CheckInResponse, payload)
        except MalformedMessage:
            return  # as good as no answer
        if not answer.start_fast_polling:
            return
        quarters = answer.timeout or self.intervals.fast_poll_timeout
        until = now + quarters * QUARTER_SECOND
        if self.fast_until is None or until > self.fast_until:
            self.fast_until = until
            self._events.append(FastPollStarted(until))

    def _stop(self) -> None:
        self.fast_until = None
        self._events.append(FastPollStopped())


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
