"""Messages on their way out: one at a time to each peer, peers in parallel, long ones in parts."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from han.fragmentation import MAX_MESSAGE_OCTETS, FragmentSender, MessageTooLong
from han.radio import ApsFrame, Broadcast, DeliveryReport, DeliveryStatus

Peer = int | Broadcast


@dataclass(frozen=True, slots=True)
class PayloadLimits:
    """Octets of APS payload that fit one frame, part of a message or whole.

    Ask the radio (``max_payload``); the defaults are of a radio that adds nothing of its own.
    """

    clear: int = 80
    encrypted: int = 71

    def of(self, *, encrypted: bool) -> int:
        """The limit with or without APS security."""
        return self.encrypted if encrypted else self.clear


@dataclass(frozen=True, slots=True)
class Shipped:
    """A message left the outbox: delivered, or given up."""

    handle: int | None
    message: ApsFrame
    status: DeliveryStatus


@dataclass(slots=True)
class _Shipment:
    handle: int | None
    sender: FragmentSender


@dataclass(slots=True)
class Outbox:
    """Queues by peer. Drain :meth:`frames`; tell :meth:`sent` how each of them ended."""

    limits: PayloadLimits = field(default_factory=PayloadLimits)
    retries: int = 3
    capacity: int = 256
    """Messages that wait for one peer; a silent or flooding peer costs no more memory."""
    _queues: dict[Peer, deque[_Shipment]] = field(default_factory=dict)
    _in_flight: dict[int, Peer] = field(default_factory=dict)
    _outgoing: list[tuple[int, ApsFrame]] = field(default_factory=list)
    _next_frame: int = 0

    def put(self, message: ApsFrame, handle: int | None = None) -> bool:
        """Queue a message; False when too many wait for its peer.

        MessageTooLong above 1500 octets, or above one frame when broadcast.
        """
        limit = self.limits.of(encrypted=message.encrypted)
        whole = len(message.payload) <= limit
        if isinstance(message.peer, Broadcast) and not whole:
            raise MessageTooLong("a broadcast cannot be fragmented")
        if len(message.payload) > MAX_MESSAGE_OCTETS:
            raise MessageTooLong(f"{len(message.payload)} octets do not fit one message")
        sender = FragmentSender(message, limit, self.retries)
        queue = self._queues.setdefault(message.peer, deque())
        if len(queue) >= self.capacity:
            return False
        queue.append(_Shipment(handle, sender))
        if len(queue) == 1:
            self._dispatch(message.peer)
        return True

    def in_parts(self, peer: Peer) -> bool:
        """Whether a message that takes several frames is on its way to this peer."""
        return any(shipment.sender.count > 1 for shipment in self._queues.get(peer, ()))

    def frames(self) -> list[tuple[int, ApsFrame]]:
        """Take the frames to hand to the radio, each with the number its report must quote."""
        frames, self._outgoing = self._outgoing, []
        return frames

    def sent(self, frame_id: int, report: DeliveryReport) -> Shipped | None:
        """Take one frame's end; returns its message's end when that was the last of it."""
        peer = self._in_flight.pop(frame_id, None)
        if peer is None:
            return None
        queue = self._queues[peer]
        sender = queue[0].sender
        sender.reported(report)
        hopeless = sender.failed or (sender.count == 1 and not report.delivered)
        if not sender.done and not hopeless:
            self._dispatch(peer)
            return None
        shipment = queue.popleft()
        if queue:
            self._dispatch(peer)
        else:
            del self._queues[peer]
        return Shipped(shipment.handle, sender.message, report.status)

    def forget(self, peer: int) -> list[Shipped]:
        """Drop what waits for a peer that left; what is in flight is no longer followed."""
        for frame_id in [i for i, p in self._in_flight.items() if p == peer]:
            del self._in_flight[frame_id]
        self._outgoing = [(i, f) for i, f in self._outgoing if f.peer != peer]
        dropped = self._queues.pop(peer, ())
        return [Shipped(s.handle, s.sender.message, DeliveryStatus.UNKNOWN_PEER) for s in dropped]

    def _dispatch(self, peer: Peer) -> None:
        self._next_frame += 1
        self._in_flight[self._next_frame] = peer
        self._outgoing.append((self._next_frame, self._queues[peer][0].sender.part))
