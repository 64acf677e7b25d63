"""One timeline for a whole bench: real, at another rate, or jumping to the next deadline.

A :class:`Timeline` makes the event loop; everything that asks the loop to wait (asyncio's own
timeouts, bellows, zigpy, the devices) then lives on it. When a jumping loop has nothing to do it
looks at its files once, and when none is ready it moves its clock to the next deadline instead of
sleeping.

A rate other than real time is a wish: while a machine is busy for longer than :data:`TURN_S` of
emulated time, the clock waits for it. Timeouts therefore do not run out because it is slow; the
bench falls behind instead (:attr:`Timeline.held_back`).

Limit of jumping: what the outside world does takes no emulated time unless the loop knows that
something is owed. It knows of executor jobs (``to_thread``, name look-ups) and of child processes
it started; for anything else (a thread that will call ``call_soon_threadsafe``, a broker or a
client in another process) hold :meth:`Timeline.outside` while waiting. While something is owed,
time flows at the real rate.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar, TypeVarTuple

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

REAL: Final = 1.0
"""Rate of real time; 60.0 makes a minute of every second."""
JUMP: Final = math.inf
"""Rate that does not wait: the clock goes to the next deadline once nothing else is left to do."""
RESOLUTION_S: Final = 4e-7
"""Deadlines closer than this fire together; below half of the microsecond that moments resolve."""
TURN_S: Final = 0.05
"""Most emulated time that one turn of a loop at a rate takes, however long it works."""

T = TypeVar("T")
P = TypeVar("P", bound=asyncio.BaseProtocol)
Ts = TypeVarTuple("Ts")
_LEAST_WAIT: Final = timedelta(milliseconds=1)
_Ready = list[tuple[selectors.SelectorKey, int]]


class Stalled(RuntimeError):
    """Every task waits for something that cannot come: no deadline, no open file, nothing owed."""


class Timeline:
    """The bench's time: aware UTC moments from ``start`` on, ``rate`` seconds for every real one.

    ``watch_stalls`` makes a jumping loop raise :class:`Stalled` where it would otherwise wait for
    ever: for tests. ``settle_s`` makes it wait so many real seconds for its open files before each
    jump: for lines on which octets are under way for a while, such as TCP to another process.
    """

    def __init__(
        self,
        start: datetime,
        rate: float = JUMP,
        *,
        watch_stalls: bool = False,
        settle_s: float = 0.0,
    ) -> None:
        if start.tzinfo is None:
            raise ValueError("a timeline starts at an aware moment")
        if not rate > 0:
            raise ValueError(f"time runs forward: rate {rate} is not above 0")
        self.start = start.astimezone(UTC)
        self.rate = rate
        self.jumping = rate == JUMP
        """Whether idle time is skipped."""
        self.watch_stalls = watch_stalls
        self.settle_s = settle_s
        self.held_back = timedelta()
        """By how much emulated time is behind its rate because the machine was too slow for it."""
        self._elapsed: Callable[[], float] = lambda: 0.0
        self._owed = 0

    @property
    def elapsed_s(self) -> float:
        """Emulated seconds since the start; the loop's own ``time()``."""
        return self._elapsed()

    def now(self) -> datetime:
        """Present moment, UTC."""
        return self.start + timedelta(seconds=self._elapsed())

    def loop_time(self, moment: datetime) -> float:
        """The loop's ``time()`` at this moment."""
        return (moment - self.start).total_seconds()

    async def sleep_until(self, moment: datetime) -> None:
        """Return at the moment, or after one turn of the loop when it has passed."""
        loop = asyncio.get_running_loop()
        passed: asyncio.Future[None] = loop.create_future()
        handle = loop.call_at(self.loop_time(moment), _finish, passed)
        try:
            await passed
        finally:
            handle.cancel()

    async def sleep(self, duration: timedelta) -> None:
        """Return when this much emulated time has passed."""
        await self.sleep_until(self.now() + duration)

    def call_at(
        self, moment: datetime, callback: Callable[..., object], *arguments: object
    ) -> asyncio.TimerHandle:
        """Call back at the moment, from the loop; a moment that has passed means the next turn."""
        return asyncio.get_running_loop().call_at(self.loop_time(moment), callback, *arguments)

    def timeout_at(self, moment: datetime | None) -> asyncio.Timeout:
        """``async with`` block that ends in TimeoutError at the moment; None means never."""
        return asyncio.timeout_at(None if moment is None else self.loop_time(moment))

    async def wait_for(self, event: asyncio.Event, until: datetime | None) -> bool:
        """Wait for an event, until a moment (None: for ever); whether the event is there.

        At least a millisecond passes before a moment is taken as reached.
        """
        if until is not None:
            until = max(until, self.now() + _LEAST_WAIT)
        try:
            async with self.timeout_at(until):
                await event.wait()
        except TimeoutError:
            return False
        return True

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Say that the outside world owes us something: meanwhile time flows at the real rate."""
        self._owed += 1
        try:
            yield
        finally:
            self._owed -= 1

    @property
    def owed(self) -> bool:
        """Whether :meth:`outside` is held anywhere."""
        return self._owed > 0

    def new_loop(self) -> TimelineLoop:
        """Make an event loop (a ``loop_factory``); it goes on where the last one stopped."""
        loop = TimelineLoop(self, base_s=self.elapsed_s)
        self._elapsed = loop.time
        return loop


def run(main: Coroutine[object, object, T], timeline: Timeline) -> T:
    """Run a coroutine to its end on a timeline, as ``asyncio.run`` does."""
    with asyncio.Runner(loop_factory=timeline.new_loop) as runner:
        return runner.run(main)


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class TimelineLoop(asyncio.SelectorEventLoop):
    """An asyncio loop whose ``time()`` is emulated seconds since the start of its timeline."""

    def __init__(self, timeline: Timeline, base_s: float) -> None:
        self.timeline = timeline
        self._base_s = base_s
        self._anchor_s = super().time()
        self._children: list[asyncio.SubprocessTransport] = []
        self._turns = _TurnSelector(self, base_s)
        super().__init__(self._turns)
        # asyncio fires what is due before time() + resolution. Its own figure, 1 ns, is below one
        # step of a double after three months of emulated time: such a loop would spin for ever.
        self._clock_resolution = RESOLUTION_S

    def time(self) -> float:
        """Emulated seconds since the start of the timeline."""
        if self.timeline.jumping:
            return self._turns.elapsed_s
        return min(self._flowing_s(), self._turns.turn_ends_s)

    def hold(self, most_s: float) -> None:
        """Let the clock be no further than this; what it lost is kept as held back."""
        over_s = self._flowing_s() - most_s
        if over_s > 0:
            self._anchor_s += over_s / self.timeline.rate
            self.timeline.held_back += timedelta(seconds=over_s)

    def _flowing_s(self) -> float:
        return self._base_s + (self.real_time() - self._anchor_s) * self.timeline.rate

    def real_time(self) -> float:
        """Monotonic seconds of the machine."""
        return super().time()

    @property
    def owed(self) -> bool:
        """Whether the outside world has promised to call back."""
        if self._children:
            self._children = [child for child in self._children if child.get_returncode() is None]
        return self.timeline.owed or bool(self._children)

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[*Ts], T],
        *args: *Ts,
    ) -> asyncio.Future[T]:
        """Run a call in another thread; its answer is owed until it comes."""
        owing = ExitStack()
        owing.enter_context(self.timeline.outside())
        try:
            future = super().run_in_executor(executor, func, *args)
        except BaseException:
            owing.close()
            raise
        future.add_done_callback(lambda _: owing.close())
        return future

    async def subprocess_exec(self, *args, **kwargs):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN003, ANN201 - asyncio's own
        """Start a process; until it ends, time flows at the real rate."""
        return self._owed_by(await super().subprocess_exec(*args, **kwargs))

    async def subprocess_shell(self, *args, **kwargs):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN003, ANN201 - asyncio's own
        """Start a shell; until it ends, time flows at the real rate."""
        return self._owed_by(await super().subprocess_shell(*args, **kwargs))

    def _owed_by(
        self, child: tuple[asyncio.SubprocessTransport, P]
    ) -> tuple[asyncio.SubprocessTransport, P]:
        self._children.append(child[0])
        return child

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Join the threads of the default executor; they owe us their end."""
        with self.timeline.outside():
            if sys.version_info >= (3, 12):
                await super().shutdown_default_executor(timeout)
            else:
                await super().shutdown_default_executor()


class _TurnSelector(selectors.BaseSelector):
    """The machine's selector, asked in the manner the timeline wants."""

    def __init__(self, loop: TimelineLoop, elapsed_s: float) -> None:
        self._loop = loop
        self._files = selectors.DefaultSelector()
        self.elapsed_s = elapsed_s
        self.turn_ends_s = math.inf
        """Where the clock of a loop at a rate waits until the present turn is over."""

    def select(self, timeout: float | None = None) -> _Ready:
        timeline = self._loop.timeline
        if timeline.rate == REAL:
            return self._files.select(timeout)
        if not timeline.jumping:
            return self._at_rate(timeout)
        ready = self._files.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._loop.owed:
            return self._flow(timeout)
        if timeout is None:
            return self._wait_for_files()
        if timeline.settle_s and self._has_files():
            ready = self._files.select(timeline.settle_s)
        if not ready:
            self.elapsed_s += timeout
        return ready

    def _at_rate(self, timeout: float | None) -> _Ready:
        """End a turn, wait, and begin the next one."""
        loop = self._loop
        loop.hold(self.turn_ends_s)
        before_s, self.turn_ends_s = loop.time(), math.inf
        ready = self._files.select(None if timeout is None else timeout / loop.timeline.rate)
        if timeout is not None:
            loop.hold(before_s + max(timeout, 0) + TURN_S)
        self.turn_ends_s = loop.time() + TURN_S
        return ready

    def _flow(self, timeout: float | None) -> _Ready:
        """Wait in real time, for at most the time to the next deadline."""
        before = self._loop.real_time()
        ready = self._files.select(timeout)
        passed = self._loop.real_time() - before
        if timeout is not None:
            passed = min(passed, timeout) if ready else timeout
        self.elapsed_s += passed
        return ready

    def _wait_for_files(self) -> _Ready:
        if self._loop.timeline.watch_stalls and not self._has_files():
            raise Stalled("no deadline, no open file, nothing owed: nobody will wake this loop")
        return self._files.select(None)

    def _has_files(self) -> bool:
        """Whether anything but the loop's own wake-up pipe is open."""
        return len(self._files.get_map()) > 1

    def register(
        self, fileobj: FileDescriptorLike, events: int, data: object = None
    ) -> selectors.SelectorKey:
        return self._files.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._files.unregister(fileobj)

    def modify(
        self, fileobj: FileDescriptorLike, events: int, data: object = None
    ) -> selectors.SelectorKey:
        return self._files.modify(fileobj, events, data)

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return self._files.get_map()

    def get_key(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._files.get_key(fileobj)

    def close(self) -> None:
        self._files.close()
