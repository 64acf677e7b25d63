"""Nodes joined without a radio: frames are handed over at once, or lost where a test says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from han.exchange import NodeEvent
from han.node import Node
from han.radio import (
    ApsFrame,
    ApsReceived,
    BlockAck,
    Broadcast,
    DeliveryReport,
    DeliveryStatus,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
HUB, METER, DISPLAY = 0x00DB1234567890A2, 0x00DB1234567890A1, 0x00DB1234567890A9


def keep(_: ApsFrame) -> bool:
    return False


@dataclass
class Home:
    """``lost`` says which frames do not arrive; ``now`` moves only by :meth:`wait`."""

    nodes: dict[int, Node]
    lost: Callable[[ApsFrame], bool] = keep
    now: datetime = START
    carried: list[tuple[int, ApsFrame]] = field(default_factory=list)
    events: dict[int, list[NodeEvent]] = field(default_factory=dict)
    counter: int = 0

    @classmethod
    def of(cls, *nodes: Node) -> Home:
        return cls({node.eui64: node for node in nodes})

    def settle(self) -> None:
        """Carry frames until nobody has any."""
        busy = True
        while busy:
            busy = False
            for node in self.nodes.values():
                busy |= self._carry(node)

    def wait(self, duration: timedelta) -> None:
        """Let time pass, stopping at every deadline on the way."""
        end = self.now + duration
        self.settle()
        while True:
            deadlines = [d for n in self.nodes.values() if (d := n.deadline) is not None]
            due = min(deadlines, default=end)
            if due >= end:
                break
            self.now = max(due, self.now)
            self._poll()
        self.now = end
        self._poll()

    def _poll(self) -> None:
        for node in self.nodes.values():
            if node.deadline is not None and node.deadline <= self.now:
                node.poll(self.now)
        self.settle()

    def _carry(self, node: Node) -> bool:
        frames = node.frames()
        for frame_id, frame in frames:
            self.carried.append((node.eui64, frame))
            node.sent(frame_id, self._deliver(node.eui64, frame), self.now)
        self.events.setdefault(node.eui64, []).extend(node.events())
        return bool(frames)

    def _deliver(self, source: int, frame: ApsFrame) -> DeliveryReport:
        if frame.aps_counter is None:
            self.counter = (self.counter + 1) % 256
        counter = self.counter if frame.aps_counter is None else frame.aps_counter
        everyone = isinstance(frame.peer, Broadcast)
        peers = [n for e, n in self.nodes.items() if e == frame.peer or (everyone and e != source)]
        if self.lost(frame):
            return DeliveryReport(DeliveryStatus.NO_ACKNOWLEDGEMENT, counter)
        if not peers and not everyone:
            return DeliveryReport(DeliveryStatus.UNKNOWN_PEER, counter)
        acks: list[BlockAck] = []
        for peer in peers:
            peer.receive(received(source, frame, counter), self.now)
            acks += peer.block_acks()
        if frame.block is not None and not acks:
            return DeliveryReport(DeliveryStatus.NO_ACKNOWLEDGEMENT, counter)
        return DeliveryReport(DeliveryStatus.DELIVERED, counter)

    def seen(self, eui64: int, kind: type[NodeEvent]) -> list[NodeEvent]:
        """What a node told of this kind."""
        return [e for e in self.events.get(eui64, []) if isinstance(e, kind)]


def received(source: int, frame: ApsFrame, counter: int = 1) -> ApsReceived:
    """The frame as its receiver gets it."""
    return ApsReceived(
        peer=source,
        profile_id=frame.profile_id,
        cluster_id=frame.cluster_id,
        source_endpoint=frame.source_endpoint,
        destination_endpoint=frame.destination_endpoint,
        payload=frame.payload,
        encrypted=frame.encrypted,
        aps_counter=counter,
        peer_nwk=0,
        broadcast=isinstance(frame.peer, Broadcast),
        block=frame.block,
    )
