"""The GSME's mailbox inside its tunnel: GET, GET-RESPONSE and PUT (GBCS, GSME messages).

The hub keeps messages for the sleepy GSME in order; the GSME fetches one with each GET, is told how
many remain, and sends its own with PUT.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from gbcs.errors import MalformedMessage
from han.tunnel.events import (
    TransferDone,
    TransferFailed,
    TunnelClosed,
    TunnelEvent,
    TunnelMessage,
)
from han.tunnel.server import TunnelServer

_GET, _GET_RESPONSE, _PUT = 0x01, 0x02, 0x03
GET: Final = bytes((_GET,))
MOST_REMAINING: Final = 0xFF  # the count is one octet


@dataclass(frozen=True, slots=True)
class Put:
    """A message of the GSME for the hub."""

    message: bytes

    def to_bytes(self) -> bytes:
        """Encode."""
        return bytes((_PUT,)) + self.message


@dataclass(frozen=True, slots=True)
class GetResponse:
    """What the hub answers to GET: a message unless none waits, and how many wait behind it."""

    message: bytes = b""
    remaining: int = 0

    def to_bytes(self) -> bytes:
        """Encode."""
        return bytes((_GET_RESPONSE, min(self.remaining, MOST_REMAINING))) + self.message


class Get(Enum):
    """The GSME asks for a message."""

    GET = "GET"


def parse(octets: bytes) -> Get | GetResponse | Put:
    """Read what came through a GSME's tunnel; MalformedMessage for any other first octet."""
    match octets[:1]:
        case b"\x01" if len(octets) == 1:
            return Get.GET
        case b"\x02" if len(octets) > 1:
            return GetResponse(octets[2:], octets[1])
        case b"\x03" if len(octets) > 1:
            return Put(octets[1:])
    raise MalformedMessage("not GET, GET-RESPONSE or PUT", offset=0)


@dataclass(frozen=True, slots=True)
class MailboxSettings:
    """How long and how many messages wait for a GSME."""

    lifetime: timedelta = timedelta(hours=24)
    """A message not fetched for this long is dropped (alert 0x819D, GSME command not retrieved)."""
    capacity: int = 32
    """Messages that wait for one GSME; one more is refused (unverified)."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The GSME has a message that waited for it."""

    peer: int
    message: bytes


@dataclass(frozen=True, slots=True)
class NotRetrieved:
    """A message waited too long, or the GSME left, and it was dropped."""

    peer: int
    message: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class MessagePut:
    """The GSME sent a message."""

    peer: int
    message: bytes


@dataclass(frozen=True, slots=True)
class PendingChanged:
    """Messages began, or ceased, to wait: the TunnelMessagePending flag must follow."""

    peer: int
    pending: bool


@dataclass(frozen=True, slots=True)
class MailboxNoise:
    """Octets from the GSME that are neither GET nor PUT."""

    peer: int
    octets: bytes


MailboxEvent = Retrieved | NotRetrieved | MessagePut | PendingChanged | MailboxNoise


@dataclass(slots=True)
class _Box:
    waiting: deque[tuple[datetime, bytes]] = field(default_factory=deque)  # until, message
    handed_out: int | None = None  # reference of the transfer that carries the first one


class Mailboxes:
    """The hub's mailboxes, one for each GSME, over the hub's tunnel server.

    Hand every tunnel event to :meth:`receive` and drain :meth:`events`. A message leaves its box
    when the GSME's radio has acknowledged it; a GET before that fetches the same message again.
    """

    def __init__(self, tunnel: TunnelServer, settings: MailboxSettings | None = None) -> None:
        self.settings = settings or MailboxSettings()
        self._tunnel = tunnel
        self._boxes: dict[int, _Box] = {}
        self._events: list[MailboxEvent] = []

    def events(self) -> list[MailboxEvent]:
        """Take what happened, in order."""
        events, self._events = self._events, []
        return events

    def pending(self, peer: int) -> int:
        """How many messages wait for this GSME."""
        box = self._boxes.get(peer)
        return len(box.waiting) if box else 0

    def put(self, peer: int, message: bytes, now: datetime) -> bool:
        """Keep a message for a GSME; False when its box is full."""
        box = self._boxes.setdefault(peer, _Box())
        if len(box.waiting) >= self.settings.capacity:
            return False
        box.waiting.append((now + self.settings.lifetime, message))
        if len(box.waiting) == 1:
            self._events.append(PendingChanged(peer, pending=True))
        return True

    def receive(self, event: TunnelEvent, now: datetime) -> None:
        """Take an event of the tunnel server; those of other peers' tunnels do no harm."""
        match event:
            case TunnelMessage(peer, octets):
                self._message(peer, octets, now)
            case TransferDone(peer, ref):
                self._handed_over(peer, ref)
            case TransferFailed(peer, ref) if self._carries(peer, ref):
                self._boxes[peer].handed_out = None
            case TunnelClosed(peer) if peer in self._boxes:
                self._boxes[peer].handed_out = None

    def forget(self, peer: int) -> None:
        """Drop the box of a GSME that left."""
        box = self._boxes.pop(peer, None)
        for _, message in box.waiting if box else ():
            self._events.append(NotRetrieved(peer, message, "the GSME left"))

    @property
    def deadline(self) -> datetime | None:
        """When the oldest message expires."""
        return min((b.waiting[0][0] for b in self._boxes.values() if b.waiting), default=None)

    def poll(self, now: datetime) -> None:
        """Drop what has waited too long."""
        for peer, box in self._boxes.items():
            while box.waiting and box.waiting[0][0] <= now:
                _, message = box.waiting.popleft()
                box.handed_out = None
                self._events.append(NotRetrieved(peer, message, "not fetched in time"))
                self._emptied(peer, box)

    def _message(self, peer: int, octets: bytes, now: datetime) -> None:
        try:
            said = parse(octets)
        except MalformedMessage:
            self._events.append(MailboxNoise(peer, octets))
            return
        match said:
            case Put(message):
                self._events.append(MessagePut(peer, message))
            case Get.GET:
                self._answer(peer, now)
            case GetResponse():
                self._events.append(MailboxNoise(peer, octets))

    def _answer(self, peer: int, now: datetime) -> None:
        self.poll(now)
        box = self._boxes.setdefault(peer, _Box())
        answer = GetResponse()
        if box.waiting:
            answer = GetResponse(box.waiting[0][1], len(box.waiting) - 1)
        ref = self._tunnel.send(peer, answer.to_bytes(), now)
        box.handed_out = ref if box.waiting else None

    def _carries(self, peer: int, ref: int) -> bool:
        box = self._boxes.get(peer)
        return box is not None and box.handed_out == ref

    def _handed_over(self, peer: int, ref: int) -> None:
        if not self._carries(peer, ref):
            return
        box = self._boxes[peer]
        box.handed_out = None
        _, message = box.waiting.popleft()
        self._events.append(Retrieved(peer, message))
        self._emptied(peer, box)

    def _emptied(self, peer: int, box: _Box) -> None:
        if not box.waiting:
            self._events.append(PendingChanged(peer, pending=False))
