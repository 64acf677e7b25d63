"""The driver: runs one node on one radio.

One task reads the radio's events in order; every frame of the node is sent by a task of its own,
for the node keeps one message in flight to each peer; time-outs are the node's deadlines on the
timeline. Whoever sends waits for a reply or for the name of what went wrong.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from device.chassis import Here
from device.events import (
    Event,
    EventStream,
    Joined,
    Left,
    NetworkKeyChanged,
    PartnerKeyRequested,
    PartnerKeyShared,
)
from device.events import RadioLost as RadioLostEvent
from device.events import RadioUp as RadioUpEvent
from device.timeline import Timeline
from device.trace import cluster_named, trace
from gbcs.zcl.frame import Frame
from han.exchange import (
    REPLY_TIMEOUT,
    ZDO,
    Delivered,
    NodeEvent,
    Outcome,
    Replied,
    Request,
    Ticket,
    Unanswered,
    Undelivered,
    ZdoReplied,
)
from han.fragmentation import MessageTooLong
from han.node import Node
from han.outbox import PayloadLimits
from han.radio import (
    ApsFrame,
    ApsReceived,
    BlockAck,
    DeliveryReport,
    DeliveryStatus,
    DeviceJoined,
    DeviceLeft,
    HanRadio,
    NetworkDown,
    NetworkKeySwitched,
    NetworkUp,
    PartnerKeyAsked,
    PartnerKeySet,
    RadioError,
    RadioEvent,
    RadioLost,
)

_LOG: Final = logging.getLogger(__name__)
_LEAST_WAIT: Final = timedelta(milliseconds=1)
T = TypeVar("T")


class HostError(Exception):
    """A request did not get what it was sent for; the message names the peer and the reason."""


class NotDelivered(HostError):
    """The peer did not acknowledge it, or it could not be sent."""

    def __init__(self, request: Request, reason: str) -> None:
        super().__init__(f"{_describe(request)}: {reason}")
        self.request = request
        self.reason = reason


class NoReply(HostError):
    """It was delivered, and the answer did not come in time."""

    def __init__(self, request: Request) -> None:
        super().__init__(f"{_describe(request)}: delivered, but not answered")
        self.request = request


class RadioGone(HostError):
    """The radio was lost, or closed, while the request was under way."""


class Busy(HostError):
    """Too many requests are under way already."""


def payload_limits(radio: HanRadio) -> PayloadLimits:
    """What the node must know of its radio: octets that fit one frame. Ask once it has started."""
    return PayloadLimits(
        clear=radio.max_payload(encrypted=False), encrypted=radio.max_payload(encrypted=True)
    )


class Host:
    """Runs a node on a radio. At most ``max_pending`` requests wait at a time.

    The radio is opened, put on a network and closed by whoever composes the bench.
    """

    def __init__(
        self,
        node: Node,
        radio: HanRadio,
        timeline: Timeline,
        events: EventStream,
        *,
        max_pending: int = 256,
    ) -> None:
        self.node = node
        self.radio = radio
        self._timeline = timeline
        self._events = events
        self._max_pending = max_pending
        self._pending: dict[Ticket, asyncio.Future[Outcome]] = {}
        self._node_watchers: list[Callable[[NodeEvent], object]] = []
        self._radio_watchers: list[Callable[[RadioEvent], object]] = []
        self._frame_watchers: list[Callable[[ApsReceived], object]] = []
        self._progress_watchers: list[Callable[[], object]] = []
        self._tasks: asyncio.TaskGroup | None = None
        self._started = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._alarm: datetime | None = None
        self._polled_at: datetime | None = None
        self._advancing = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Host]:
        """Serve the radio until the block ends."""
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(self.run(), name=f"host {self.node.eui64:016X}")
            try:
                await self._started.wait()
                yield self
            finally:
                serving.cancel()

    async def run(self) -> None:
        """Serve the radio until it closes; then every waiting request fails."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                self._started.set()
                self.kick()
                async for event in self.radio.events():
                    self._take(event)
                self._stop("the radio was closed")
        finally:
            self._stop("the device was stopped")

    # -- what a device does ----------------------------------------------------------------------

    async def send(self, request: Request) -> None:
        """Send a command that needs no answer; return once the peer acknowledged it."""
        await self._conclude(replace(request, reply_within=None))

    async def request(self, request: Request) -> Frame:
        """Send a command and wait for its answer, for ten seconds unless the request says else."""
        within = request.reply_within or REPLY_TIMEOUT
        outcome = await self._conclude(replace(request, reply_within=within))
        if not isinstance(outcome, Replied):
            raise NotDelivered(request, "not a ZCL request")
        return outcome.frame

    async def zdo(self, request: Request) -> bytes:
        """Send a ZDO request and wait for its response, without the sequence number."""
        within = request.reply_within or REPLY_TIMEOUT
        outcome = await self._conclude(replace(request, reply_within=within))
        if not isinstance(outcome, ZdoReplied):
            raise NotDelivered(request, "not a ZDO request")
        return outcome.payload

    def on_node_event(self, watcher: Callable[[NodeEvent], object]) -> None:
        """Call with everything the node reports: outcomes, frames served, frames ignored."""
        self._node_watchers.append(watcher)

    def on_radio_event(self, watcher: Callable[[RadioEvent], object]) -> None:
        """Call with what happens to the radio and its network, but not with received frames."""
        self._radio_watchers.append(watcher)

    def on_received(self, watcher: Callable[[ApsReceived], object]) -> None:
        """Call with every frame that arrives, before the node takes it: who is heard how well."""
        self._frame_watchers.append(watcher)

    def on_progress(self, watcher: Callable[[], object]) -> None:
        """Call after everything that may have moved a service: drain the service's events then."""
        self._progress_watchers.append(watcher)

    def start_task(self, coroutine: Coroutine[object, object, None], name: str) -> None:
        """Do something that takes time while the host runs; a fault in it is logged."""
        task = self._start(_watched(coroutine, name), name)
        if task is None:
            coroutine.close()
        else:  # a task that is cancelled before its first step never closes what it would await
            task.add_done_callback(lambda _: coroutine.close())

    def kick(self) -> None:
        """Let the node go on after one of its services was told something."""
        self.node.poll(self._timeline.now())
        self._advance()

    # -- requests --------------------------------------------------------------------------------

    async def _conclude(self, request: Request) -> Outcome:
        if len(self._pending) >= self._max_pending:
            raise Busy(f"{_describe(request)}: {self._max_pending} requests wait already")
        if self._tasks is None:
            raise RadioGone(f"{_describe(request)}: the device is not running")
        try:
            ticket = self.node.send(request, self._timeline.now())
        except MessageTooLong as exc:
            raise NotDelivered(request, str(exc)) from exc
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._pending[ticket] = future
        try:
            self._advance()
            return _answer(await future)
        finally:
            self._pending.pop(ticket, None)

    def _fail_pending(self, reason: str) -> None:
        for future in self._pending.values():
            if not future.done():
                future.set_exception(RadioGone(reason))

    # -- the radio's side ------------------------------------------------------------------------

    def _take(self, event: RadioEvent) -> None:
        """Take one event; a fault of ours on it must not stop the device."""
        try:
            self._handle(event)
        except Exception:  # noqa: BLE001 - a fault of ours on one event must not stop the device
            _LOG.exception("%016X failed on %s", self.node.eui64, event)
        self._advance()

    def _handle(self, event: RadioEvent) -> None:
        now = self._timeline.now()
        match event:
            case ApsReceived():
                _call(self._frame_watchers, event)
                self.node.receive(event, now)
                return
            case DeviceLeft(eui64=eui64):
                self.node.forget(eui64, now)
                self._publish(Left(**self._here(), peer=eui64))
            case DeviceJoined(eui64=eui64, kind=kind, admitted=admitted):
                self._publish(
                    Joined(**self._here(), peer=eui64, kind=kind.value, admitted=admitted)
                )
            case RadioLost(reason=reason) | NetworkDown(reason=reason):
                self._publish(RadioLostEvent(**self._here(), reason=reason))
                self._fail_pending(reason)
            case NetworkUp():
                self._publish(RadioUpEvent(**self._here()))
            case NetworkKeySwitched(key_sequence=sequence):
                self._publish(NetworkKeyChanged(**self._here(), key_sequence=sequence))
            case PartnerKeySet(partner=partner):
                self._publish(PartnerKeyShared(**self._here(), peer=partner))
            case PartnerKeyAsked(eui64=eui64, partner=asked_for, granted=granted):
                self._publish(
                    PartnerKeyRequested(
                        **self._here(), peer=eui64, partner=asked_for, granted=granted
                    )
                )
        _call(self._radio_watchers, event)

    async def _transmit(self, frame_id: int, frame: ApsFrame) -> None:
        try:
            report = await self.radio.send(frame)
        except RadioError as exc:
            _LOG.debug("%016X could not send: %s", self.node.eui64, exc)
            report = DeliveryReport(DeliveryStatus.RADIO_LOST, 0)
        self.node.sent(frame_id, report, self._timeline.now())
        self._advance()

    async def _acknowledge(self, ack: BlockAck) -> None:
        try:
            await self.radio.acknowledge_block(ack)
        except RadioError as exc:
            _LOG.debug("%016X could not acknowledge a part: %s", self.node.eui64, exc)

    # -- the node's side -------------------------------------------------------------------------

    def _advance(self) -> None:
        """Drain the node until it has nothing more to say, and set the alarm for its deadline."""
        if self._advancing or self._tasks is None:
            return
        self._advancing = True
        try:
            self._drain()
            while True:
                for watcher in self._progress_watchers:
                    _guard(watcher)
                if not self._drain():
                    break
        finally:
            self._advancing = False
        self._arm()

    def _drain(self) -> bool:
        frames, acks, events = self.node.frames(), self.node.block_acks(), self.node.events()
        for ack in acks:
            self._start(self._acknowledge(ack), "acknowledge")
        for frame_id, frame in frames:
            self._start(self._transmit(frame_id, frame), "send")
        for event in events:
            self._report(event)
        return bool(frames or acks or events)

    def _start(
        self, coroutine: Coroutine[object, object, None], name: str
    ) -> asyncio.Task[None] | None:
        if self._tasks is None:
            coroutine.close()
            return None
        task = self._tasks.create_task(coroutine, name=f"{name} {self.node.eui64:016X}")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        return task

    def _report(self, event: NodeEvent) -> None:
        if isinstance(event, Replied | ZdoReplied | Delivered | Unanswered | Undelivered):
            future = self._pending.get(event.ticket)
            if future is not None and not future.done():
                future.set_result(event)
        traced = trace(event, self._here())
        if traced is not None:
            self._publish(traced)
        _call(self._node_watchers, event)

    def _arm(self) -> None:
        due = self.node.deadline
        if due is not None and self._polled_at is not None:
            due = max(due, self._polled_at + _LEAST_WAIT)  # nothing is due twice at one moment
        if due == self._alarm:
            return
        self._disarm()
        if due is not None:
            self._alarm = due
            self._timer = self._timeline.call_at(due, self._poll)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._alarm = None

    def _poll(self) -> None:
        self._disarm()
        self._polled_at = self._timeline.now()
        _guard(lambda: self.node.poll(self._timeline.now()))
        self._advance()

    def _stop(self, reason: str) -> None:
        self._tasks = None
        self._started.clear()
        self._disarm()
        for task in self._sending:
            task.cancel()
        self._fail_pending(reason)

    def _publish(self, event: Event) -> None:
        self._events.publish(event)

    def _here(self) -> Here:
        return Here(moment=self._timeline.now(), device=self.node.eui64)


def _answer(outcome: Outcome) -> Outcome:
    if isinstance(outcome, Undelivered):
        raise NotDelivered(outcome.request, outcome.reason.value)
    if isinstance(outcome, Unanswered):
        raise NoReply(outcome.request)
    return outcome


def _describe(request: Request) -> str:
    zdo = request.profile_id == ZDO
    command = "" if zdo else f" command {request.command_id:02X}"
    what = f"{cluster_named(request.cluster_id, zdo=zdo)}{command}"
    return f"{what} to {int(request.peer):016X}"


def _call(watchers: Sequence[Callable[[T], object]], event: T) -> None:
    for watcher in tuple(watchers):
        _guard(partial(watcher, event))


async def _watched(coroutine: Coroutine[object, object, None], name: str) -> None:
    try:
        await coroutine
    except Exception:  # noqa: BLE001 - a task of ours that fails must not end the others
        _LOG.exception("a device failed to %s", name)


def _guard(action: Callable[[], object]) -> None:
    """Do it; a fault in a device's own code is logged and harms nobody else."""
    try:
        action()
    except Exception:  # noqa: BLE001 - one watcher's fault must not reach the next
        _LOG.exception("a device failed on an event")
