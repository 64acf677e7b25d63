"""Messages on their way to devices with a Tunneling server (ESME, HCALCS, PPMID).

Each device gets its messages in order, one at a time. What cannot be delivered is tried again until
its time is over; then it is given up and its originator is told. What waits is kept in the CHF's
store, so that a hub that is killed loses no message it accepted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from chub.tunnel_opener import TunnelOpener
from device.long_messages import parts_of
from device.store import Store
from gbcs.envelope import Message
from han.deadlines import earliest, first_due
from han.exchange import Outcome, Request
from han.tunnel import TransferDone, TransferFailed, TunnelOpened
from han.tunnel.events import TunnelEvent

RETRY_AFTER: Final = timedelta(seconds=30)
_PREFIX: Final = "delivery/"


@dataclass(slots=True)
class _Delivery:
    """One message; ``under_way`` are the references of its parts in the tunnel."""

    key: str
    octets: bytes
    until: datetime
    under_way: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Queue:
    waiting: deque[_Delivery] = field(default_factory=deque)
    retry_at: datetime | None = None

    @property
    def due(self) -> datetime | None:
        """When to try again, or to give the oldest up."""
        return earliest((self.retry_at, self.waiting[0].until if self.waiting else None))


class Deliveries:
    """The queues; a service of the node, for their deadlines.

    ``put_off`` learns of a message that will be tried again, and why; ``given_up`` of one that
    will not.
    """

    def __init__(
        self,
        opener: TunnelOpener,
        store: Store,
        lifetime_s: int,
        *,
        put_off: Callable[[int, str, datetime], object],
        given_up: Callable[[Message, str], object],
    ) -> None:
        self._opener, self._store = opener, store
        self._lifetime = timedelta(seconds=lifetime_s)
        self._put_off, self._given_up = put_off, given_up
        self._queues: dict[int, _Queue] = {}
        self._reasons: dict[str, str] = {}
        self._next = 0

    def restore(self, now: datetime) -> None:
        """Take back what a hub held when it stopped; lifetimes begin anew."""
        with self._store.transaction() as unit:
            held = [(key, unit.get(key)) for key in sorted(unit.keys(_PREFIX))]
        for key, octets in held:
            self._next = int(key.removeprefix(_PREFIX)) + 1
            if isinstance(octets, bytes):
                self._queue(_Delivery(key, octets, now + self._lifetime))
        for queue in self._queues.values():
            queue.retry_at = now + RETRY_AFTER

    def send(self, octets: bytes, now: datetime) -> None:
        """Deliver a message to its recipient."""
        key = f"{_PREFIX}{self._next:012d}"
        self._next += 1
        with self._store.transaction() as unit:
            unit.put(key, octets)
        self._advance(self._queue(_Delivery(key, octets, now + self._lifetime)), now)

    def waiting(self, peer: int) -> int:
        """How many messages a device has not got yet."""
        queue = self._queues.get(peer)
        return 0 if queue is None else len(queue.waiting)

    def receive(self, event: TunnelEvent, now: datetime) -> None:
        """Learn what became of a transfer, or that a tunnel is there."""
        match event:
            case TransferDone(peer, ref):
                self._delivered(peer, ref, now)
            case TransferFailed(peer, ref, reason):
                self._failed(peer, ref, reason, now)
            case TunnelOpened(peer, _) if (queue := self._queues.get(peer)) is not None:
                self._try_now(queue, now)

    def hurry(self, peer: int, now: datetime) -> None:
        """A device listens right now: send what waits for it without waiting for the next try."""
        queue = self._queues.get(peer)
        if queue is not None:
            self._try_now(queue, now)

    def take(self, peer: int) -> list[bytes]:
        """Take back what waits for a device, for another way to it."""
        queue = self._queues.pop(peer, None)
        waiting = [] if queue is None else list(queue.waiting)
        for delivery in waiting:
            self._drop(delivery)
        return [delivery.octets for delivery in waiting]

    def forget(self, peer: int, reason: str) -> None:
        """Drop what waits for a device that was removed."""
        queue = self._queues.pop(peer, None)
        for delivery in () if queue is None else queue.waiting:
            self._give_up(delivery, reason)

    # -- service -------------------------------------------------------------------------------

    @property
    def deadline(self) -> datetime | None:
        """When something is tried again or given up."""
        return first_due(self._queues.values(), lambda queue: queue.due)

    def poll(self, now: datetime) -> None:
        """Give up what has waited too long; try the rest again."""
        for queue in self._queues.values():
            while queue.waiting and queue.waiting[0].until <= now:
                delivery = queue.waiting.popleft()
                reason = self._reasons.get(delivery.key, "it was not taken in time")
                self._give_up(delivery, reason)
            if queue.retry_at is not None and queue.retry_at <= now:
                self._try_now(queue, now)
            elif queue.retry_at is None:
                self._advance(queue, now)

    def requests(self) -> list[Request]:
        """None: the tunnels do the sending."""
        return []

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Nothing to learn from requests that are not made."""

    # -- parts ---------------------------------------------------------------------------------

    def _queue(self, delivery: _Delivery) -> _Queue:
        queue = self._queues.setdefault(Message.parse(delivery.octets).recipient, _Queue())
        queue.waiting.append(delivery)
        return queue

    def _advance(self, queue: _Queue, now: datetime) -> None:
        """Send the first message unless it is under way or put off."""
        if not queue.waiting or queue.waiting[0].under_way or queue.retry_at is not None:
            return
        first = queue.waiting[0]
        peer = Message.parse(first.octets).recipient
        for part in parts_of(first.octets):
            first.under_way.add(self._opener.send(peer, part, now))

    def _try_now(self, queue: _Queue, now: datetime) -> None:
        queue.retry_at = None
        self._advance(queue, now)

    def _delivered(self, peer: int, ref: int, now: datetime) -> None:
        queue = self._queues.get(peer)
        if queue is None or not queue.waiting or ref not in queue.waiting[0].under_way:
            return
        first = queue.waiting[0]
        first.under_way.discard(ref)
        if not first.under_way:
            self._drop(queue.waiting.popleft())
            self._advance(queue, now)

    def _failed(self, peer: int, ref: int, reason: str, now: datetime) -> None:
        queue = self._queues.get(peer)
        if queue is None or not queue.waiting or ref not in queue.waiting[0].under_way:
            return
        first = queue.waiting[0]
        first.under_way.clear()
        queue.retry_at = min(now + RETRY_AFTER, first.until)
        if self._reasons.get(first.key) != reason:
            self._reasons[first.key] = reason
            self._put_off(peer, reason, first.until)

    def _give_up(self, delivery: _Delivery, reason: str) -> None:
        """Drop a message and tell of it, in one unit: a hub that is killed does both or neither."""
        with self._store.transaction():
            self._drop(delivery)
            self._given_up(Message.parse(delivery.octets), reason)

    def _drop(self, delivery: _Delivery) -> None:
        self._reasons.pop(delivery.key, None)
        with self._store.transaction() as unit:
            unit.delete(delivery.key)
