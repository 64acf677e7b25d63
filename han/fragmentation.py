"""APS fragmentation, both ends, without I/O.

A message longer than one frame travels as parts (blocks) that share one APS counter. The receiver
acknowledges a window of parts with a bitmap; the sender sends the next part when the radio reports
the last one acknowledged, and repeats a part that was not.

The sender's window is one part: the port names the APS counter in the report of part 0, and a
receiver with a longer window would acknowledge part 0 only together with the rest of its window.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from han.deadlines import first_due
from han.radio import ApsFrame, ApsReceived, Block, BlockAck, DeliveryReport, DeliveryStatus

MAX_MESSAGE_OCTETS: Final = 1500  # the transfer size GBCS negotiates for its tunnels
MAX_RECEPTIONS: Final = 16
"""Unfinished messages kept of one peer; one more drops the oldest."""
MAX_WINDOW: Final = 8  # the acknowledgement's bitmap is one octet
_WORTH_A_RETRY: Final = frozenset({DeliveryStatus.NO_ACKNOWLEDGEMENT, DeliveryStatus.EXPIRED})


class MessageTooLong(ValueError):
    """A message above the 1500 octets that a GB device accepts."""


@dataclass(frozen=True, slots=True)
class FragmentationSettings:
    """How patient both ends are."""

    window: int = 1
    """Parts acknowledged together by the receiver, 1 to 8; must match the peer's sender."""
    idle_timeout: timedelta = timedelta(seconds=10)
    """A reception with no new part for this long is given up."""
    retries: int = 3
    """How often the sender repeats one part after its first try."""

    def __post_init__(self) -> None:
        if not 1 <= self.window <= MAX_WINDOW:
            raise ValueError(f"a window has 1 to {MAX_WINDOW} parts, not {self.window}")


@dataclass(slots=True)
class FragmentSender:
    """One message on its way in parts; ask :attr:`part`, send it, tell :meth:`reported`."""

    message: ApsFrame
    part_octets: int
    retries: int = 3
    _index: int = 0
    _tries: int = 0
    _counter: int | None = None

    def __post_init__(self) -> None:
        if len(self.message.payload) > MAX_MESSAGE_OCTETS:
            raise MessageTooLong(f"{len(self.message.payload)} octets do not fit one message")
        if self.part_octets < 1:
            raise ValueError("a part holds at least one octet")

    @property
    def count(self) -> int:
        """How many parts the message has."""
        return max(1, -(-len(self.message.payload) // self.part_octets))

    @property
    def done(self) -> bool:
        """Whether every part was acknowledged."""
        return self._index >= self.count

    @property
    def failed(self) -> bool:
        """Whether a part was tried as often as allowed in vain, or cannot be sent at all."""
        return self._tries > self.retries

    @property
    def part(self) -> ApsFrame:
        """The part to send now."""
        if self.count == 1:
            return self.message
        start = self._index * self.part_octets
        return replace(
            self.message,
            payload=self.message.payload[start : start + self.part_octets],
            block=Block(self._index, self.count if self._index == 0 else None),
            aps_counter=self._counter,
        )

    def reported(self, report: DeliveryReport) -> None:
        """Take the end of one try; then the message is done, failed, or :attr:`part` is next."""
        if not report.delivered:
            hopeless = report.status not in _WORTH_A_RETRY
            self._tries = self.retries + 1 if hopeless else self._tries + 1
            return
        self._tries = 0
        if self._index == 0:
            self._counter = report.aps_counter
        self._index += 1


Key = Hashable


@dataclass(slots=True)
class _Reception:
    first: ApsReceived
    deadline: datetime
    count: int | None = None
    parts: dict[int, bytes] = field(default_factory=dict)
    finished: bool = False

    @property
    def complete(self) -> bool:
        return self.count is not None and all(i in self.parts for i in range(self.count))

    @property
    def octets(self) -> int:
        return sum(map(len, self.parts.values()))

    def contradicts(self, frame: ApsReceived) -> bool:
        """Whether this part is of another message than the one being (or just) received."""
        if frame.block is None:
            return False
        held = self.parts.get(frame.block.index)
        return self.finished if held is None else held != frame.payload


@dataclass(slots=True)
class Reassembler:
    """Puts arriving parts together; parts may come late, twice, or in any order.

    A finished message is remembered until it has been idle, so that a repeated part (its
    acknowledgement was lost) is acknowledged again and not delivered again.
    """

    settings: FragmentationSettings = field(default_factory=FragmentationSettings)
    _receptions: dict[Key, _Reception] = field(default_factory=dict)

    @property
    def receiving(self) -> bool:
        """Whether parts of a message are still to come."""
        return any(not reception.finished for reception in self._receptions.values())

    @property
    def deadline(self) -> datetime | None:
        """When the first reception becomes stale."""
        return first_due(self._receptions.values(), lambda reception: reception.deadline)

    def poll(self, now: datetime) -> list[ApsReceived]:
        """Give up what has been idle too long; returns the first part of each lost message."""
        stale = [key for key, r in self._receptions.items() if r.deadline <= now]
        dropped = [self._receptions.pop(key) for key in stale]
        return [r.first for r in dropped if not r.finished]

    def forget(self, peer: int) -> None:
        """Drop everything of a peer that left."""
        for key in [k for k, r in self._receptions.items() if r.first.peer == peer]:
            del self._receptions[key]

    def receive(
        self, frame: ApsReceived, now: datetime
    ) -> tuple[ApsReceived | None, BlockAck | None]:
        """Take one frame; returns the whole message once, and the acknowledgement to send, if any.

        A frame that is no part is whole already. A part that contradicts what is known (its index
        beyond the count, or the message beyond 1500 octets) is dropped without acknowledgement, so
        that the sender gives up.
        """
        if frame.block is None:
            return frame, None
        reception = self._reception(frame, now)
        index = frame.block.index
        if not _acceptable(reception, frame, frame.block):
            return None, None
        repeated = index in reception.parts
        reception.deadline = now + self.settings.idle_timeout
        if frame.block.count is not None:
            reception.count = frame.block.count
        reception.parts[index] = frame.payload
        whole = None
        if reception.complete and not reception.finished:
            reception.finished = True
            whole = _join(reception)
        return whole, self._acknowledgement(reception, frame, index, repeated=repeated)

    def _reception(self, frame: ApsReceived, now: datetime) -> _Reception:
        """The reception this part belongs to; a reused APS counter starts a new one."""
        key = (
            frame.peer,
            frame.aps_counter,
            frame.profile_id,
            frame.cluster_id,
            frame.source_endpoint,
            frame.destination_endpoint,
            frame.encrypted,
        )
        known = self._receptions.get(key)
        if known is None or known.contradicts(frame):
            known = _Reception(first=frame, deadline=now + self.settings.idle_timeout)
            self._receptions.pop(key, None)
            self._make_room(frame.peer)
            self._receptions[key] = known
        return known

    def _make_room(self, peer: int) -> None:
        """Drop a peer's oldest reception when it has as many as allowed."""
        theirs = [key for key, r in self._receptions.items() if r.first.peer == peer]
        if len(theirs) >= MAX_RECEPTIONS:
            del self._receptions[theirs[0]]

    def _acknowledgement(
        self, reception: _Reception, frame: ApsReceived, index: int, *, repeated: bool
    ) -> BlockAck | None:
        window = self.settings.window
        start = index - index % window
        end = start + window if reception.count is None else min(start + window, reception.count)
        held = [i for i in range(start, end) if i in reception.parts]
        if len(held) < end - start and not repeated:
            return None
        return BlockAck(
            peer=frame.peer,
            profile_id=frame.profile_id,
            cluster_id=frame.cluster_id,
            source_endpoint=frame.destination_endpoint,
            destination_endpoint=frame.source_endpoint,
            aps_counter=frame.aps_counter,
            window_start=start,
            received=sum(1 << (i - start) for i in held),
        )


def _acceptable(reception: _Reception, frame: ApsReceived, block: Block) -> bool:
    count = block.count if block.count is not None else reception.count
    highest = max((block.index, *reception.parts))
    if block.index < 0 or (count is not None and highest >= count):
        return False
    growth = 0 if block.index in reception.parts else len(frame.payload)
    return reception.octets + growth <= MAX_MESSAGE_OCTETS


def _join(reception: _Reception) -> ApsReceived:
    assert reception.count is not None
    payload = b"".join(reception.parts[i] for i in range(reception.count))
    return replace(reception.first, payload=payload, block=None)
