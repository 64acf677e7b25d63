"""The MAC of one node.

Transmit queue with retries, acknowledgements, indirect queue, polling, address filter.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from hw.ether import Acknowledged, Ether, Link
from hw.zigbee import beacon, mac

TRIES: Final = 4  # macMaxFrameRetries is 3
POLL_WINDOW_S: Final = (
    0.5  # how long a child's receiver waits for what the acknowledgement promised
)
INDIRECT_TIMEOUT_S: Final = 7.68

Make = Callable[[int], bytes]
Sent = Callable[[Acknowledged], None]


class MacUser(Protocol):
    """The layer above: takes frames and says who may fetch what."""

    def mac_received(self, frame: mac.MacFrame, link: Link) -> None:
        """A data, beacon or command frame that passed the filter (never a poll)."""
        ...

    def mac_polled(self, child: mac.Address) -> None:
        """A child asks for its frames; called before the acknowledgement is made."""
        ...


@dataclass(slots=True)
class Outgoing:
    """A frame to send; ``make`` builds it with its MAC sequence number when its turn comes."""

    make: Make
    sent: Sent
    tries: int = TRIES
    octets: bytes = b""


@dataclass(slots=True)
class _Waiting:
    outgoing: Outgoing
    expired: Callable[[], None]
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class MacLayer:
    """One station on the ether."""

    ether: Ether
    eui64: int
    user: MacUser
    pan_id: int = mac.BROADCAST_PAN
    nwk: int = mac.BROADCAST_ADDRESS
    tuned: int | None = None  # channel; None is off
    rx_on_when_idle: bool = True
    scanning: bool = False
    sequence: int = 0  # of the frame sent last
    _queue: deque[Outgoing] = field(default_factory=deque)
    _busy: bool = False
    _indirect: dict[mac.Address, deque[_Waiting]] = field(default_factory=dict)
    _polled: Callable[[bool], None] | None = None
    _poll_answered: bool = False
    _window: asyncio.TimerHandle | None = None
    _last_heard: dict[mac.Address, int] = field(default_factory=dict)

    # -- the ether's view -----------------------------------------------------------------------

    @property
    def channel(self) -> int | None:
        """Where the receiver is on now."""
        if self.rx_on_when_idle or self.scanning or self._polled is not None:
            return self.tuned
        return None

    def accepts(self, frame: mac.MacFrame) -> bool:
        """The address filter: ours, broadcast on our PAN, or a beacon while scanning."""
        destination = frame.destination
        if destination is None:
            return frame.kind is mac.FrameType.BEACON and self.scanning
        if destination.long:
            return destination.number == self.eui64
        if frame.pan not in (self.pan_id, mac.BROADCAST_PAN):
            return False
        return destination.number in (self.nwk, mac.BROADCAST_ADDRESS)

    def hear(self, frame: mac.MacFrame, link: Link) -> bytes | None:
        """Take a frame from the ether.

        Polls are answered here, repeats are acknowledged and dropped.
        """
        if frame.kind is mac.FrameType.COMMAND and frame.payload[:1] == _DATA_REQUEST:
            return self._heard_poll(frame)
        ack = mac.acknowledgement(frame.sequence, pending=False) if frame.ack_request else None
        source = frame.source
        if source is not None and frame.ack_request:
            if self._last_heard.get(source) == frame.sequence:
                return ack
            self._last_heard[source] = frame.sequence
        self.user.mac_received(frame, link)
        if frame.ack_request and self._polled is not None:
            self._poll_answered = True
            if self._window is not None:
                self._end_poll()
        return ack

    # -- sending --------------------------------------------------------------------------------

    def send(self, outgoing: Outgoing) -> None:
        """Queue a frame; frames leave in order, one at a time."""
        self._queue.append(outgoing)
        if not self._busy:
            self._next()

    def _next(self) -> None:
        if not self._queue:
            self._busy = False
            return
        self._busy = True
        outgoing = self._queue.popleft()
        if self.tuned is None:
            asyncio.get_running_loop().call_soon(self._finish, outgoing, Acknowledged.NO)
            return
        self.sequence = self.sequence + 1 & 0xFF
        outgoing.octets = outgoing.make(self.sequence)
        self._transmit(outgoing)

    def _transmit(self, outgoing: Outgoing) -> None:
        outgoing.tries -= 1
        if self.tuned is None:
            self._finish(outgoing, Acknowledged.NO)
            return
        self.ether.transmit(
            self, self.tuned, outgoing.octets, lambda outcome: self._done(outgoing, outcome)
        )

    def _done(self, outgoing: Outgoing, outcome: Acknowledged) -> None:
        wanted = outgoing.octets[0] & 0x20
        if outcome is Acknowledged.NO and wanted and outgoing.tries > 0:
            self._transmit(outgoing)
            return
        self._finish(outgoing, outcome if wanted else Acknowledged.YES)

    def _finish(self, outgoing: Outgoing, outcome: Acknowledged) -> None:
        self._next()
        outgoing.sent(outcome)

    def reset(self) -> None:
        """Forget everything queued; nobody is told."""
        self._queue.clear()
        for waiting in [w for queue in self._indirect.values() for w in queue]:
            if waiting.timer is not None:
                waiting.timer.cancel()
        self._indirect.clear()
        self._last_heard.clear()
        self._polled = None
        if self._window is not None:
            self._window.cancel()
            self._window = None

    # -- indirect transmission (parent) ---------------------------------------------------------

    def send_indirect(
        self, child: mac.Address, outgoing: Outgoing, expired: Callable[[], None], timeout_s: float
    ) -> None:
        """Keep a frame until the child polls, or until ``timeout_s`` has passed."""
        waiting = _Waiting(outgoing, expired)
        waiting.timer = asyncio.get_running_loop().call_later(
            timeout_s, self._expire, child, waiting
        )
        self._indirect.setdefault(child, deque()).append(waiting)

    def has_indirect(self, child: mac.Address) -> bool:
        """Whether something waits for this child."""
        return bool(self._indirect.get(child))

    def drop_indirect(self, child: mac.Address) -> None:
        """The child is gone: everything that waits for it expires now."""
        for waiting in list(self._indirect.get(child, ())):
            self._expire(child, waiting)

    def _expire(self, child: mac.Address, waiting: _Waiting) -> None:
        queue = self._indirect.get(child)
        if queue is None or waiting not in queue:
            return  # on the air right now; it comes back if the child misses it
        queue.remove(waiting)
        if waiting.timer is not None:
            waiting.timer.cancel()
        waiting.expired()

    def _heard_poll(self, frame: mac.MacFrame) -> bytes | None:
        child = frame.source
        if child is None:
            return None
        self.user.mac_polled(child)
        queue = self._indirect.get(child)
        if not queue:
            return mac.acknowledgement(frame.sequence, pending=False)
        self._release(child, queue)
        return mac.acknowledgement(frame.sequence, pending=True)

    def _release(self, child: mac.Address, queue: deque[_Waiting]) -> None:
        """Send the first waiting frame directly.

        It goes back to the front when the child misses it.
        """
        waiting = queue.popleft()
        if not queue:
            del self._indirect[child]
        original = waiting.outgoing

        def sent(outcome: Acknowledged) -> None:
            if outcome is not Acknowledged.NO:
                if waiting.timer is not None:
                    waiting.timer.cancel()
                original.sent(outcome)
            elif waiting.timer is not None and not _overdue(waiting.timer):
                self._indirect.setdefault(child, deque()).appendleft(waiting)
            else:
                waiting.expired()

        self._queue.appendleft(Outgoing(original.make, sent))
        if not self._busy:
            self._next()

    # -- polling (child) ------------------------------------------------------------------------

    def poll(self, parent: int, as_address: mac.Address, done: Callable[[bool], None]) -> None:
        """Ask the parent once; ``done`` hears whether a frame came, after it was taken.

        The receiver is on from the request until the promised frame or the end of the window.
        """
        if self._polled is not None:
            done(False)
            return
        self._polled, self._poll_answered = done, False
        pan_id = self.pan_id
        self.send(
            Outgoing(lambda n: beacon.data_request(n, pan_id, parent, as_address), self._asked)
        )

    def _asked(self, outcome: Acknowledged) -> None:
        if outcome is Acknowledged.PENDING and not self._poll_answered:
            self._window = asyncio.get_running_loop().call_later(POLL_WINDOW_S, self._end_poll)
        else:
            self._end_poll()

    def _end_poll(self) -> None:
        if self._window is not None:
            self._window.cancel()
            self._window = None
        done, self._polled = self._polled, None
        if done is not None:
            done(self._poll_answered)


_DATA_REQUEST: Final = bytes([mac.Command.DATA_REQUEST])


def _overdue(timer: asyncio.TimerHandle) -> bool:
    return timer.cancelled() or timer.when() <= asyncio.get_running_loop().time()
