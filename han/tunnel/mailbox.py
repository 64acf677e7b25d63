"""The GSME's mailbox inside its tunnel: GET, GET-RESPONSE and PUT (GBCS, GSME messages).

The hub keeps messages for the sleepy GSME in order; the GSME fetches one with each GET, is told how
many remain, and sends its own with PUT.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from gbcs.errors import MalformedMessage
from han.deadlines import first_due
from han.tunnel.events import (
    TransferDone,
    TransferFailed,
    TunnelClosed,
    TunnelEvent,
    TunnelMessage,
    TunnelOpened,
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
    offers: int = 3
    """How often a GSME may fetch a message that it never answers: some open a tunnel at each wake
    (unverified)."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The GSME is done with a message that waited for it."""

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


@dataclass(slots=True, eq=False)
class _Letter:
    """One message for a GSME: how many of its parts the GSME has, how often it had them all."""

    until: datetime
    message: bytes
    parts: tuple[bytes, ...]
    handed: int = 0
    fetched: int = 0

    @property
    def waiting(self) -> int:
        """How many parts wait to be fetched."""
        return len(self.parts) - self.handed


@dataclass(slots=True)
class _Box:
    letters: deque[_Letter] = field(default_factory=deque)
    under_way: tuple[int, _Letter] | None = None  # reference of the transfer that carries a part

    @property
    def waiting(self) -> int:
        return sum(letter.waiting for letter in self.letters)

    @property
    def expires(self) -> datetime | None:
        return self.letters[0].until if self.letters else None


class Mailboxes:
    """The hub's mailboxes, one for each GSME, over the hub's tunnel server.

    Hand every tunnel event to :meth:`receive` and drain :meth:`events`. A GSME has a part once it
    has confirmed it; a GET before that fetches it again. The message leaves its box with the
    GSME's answer (:meth:`answered`), or with the next GET, which follows when the message was
    executed, or refused. A GSME that opens its tunnel anew may have lost what it had not executed:
    it gets that again, within limits (``offers``).
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
        """How many messages, or parts of one, wait to be fetched by this GSME."""
        box = self._boxes.get(peer)
        return box.waiting if box else 0

    def put(self, peer: int, message: bytes, now: datetime, parts: Sequence[bytes] = ()) -> bool:
        """Keep a message for a GSME; False when its box has no room for it.

        ``parts`` are what goes through the tunnel for it, when that is not the message itself.
        """
        box = self._boxes.setdefault(peer, _Box())
        letter = _Letter(now + self.settings.lifetime, message, tuple(parts) or (message,))
        waited = box.waiting
        if waited + letter.waiting > self.settings.capacity:
            return False
        box.letters.append(letter)
        self._changed(peer, box, waited)
        return True

    def answered(self, peer: int, answers: Callable[[bytes], bool]) -> bool:
        """A GSME has sent something: is it the answer to a message, that one needs it no more.

        ``answers`` says of a message whether it is. False when it is none.
        """
        letter = self._find(peer, answers)
        if letter is not None:
            self._remove(peer, letter, Retrieved(peer, letter.message))
        return letter is not None

    def take_back(self, peer: int, message: bytes) -> None:
        """Forget a message that was put: it is not to be sent after all."""
        letter = self._find(peer, message.__eq__, newest=True)
        if letter is not None:
            self._remove(peer, letter)

    def receive(self, event: TunnelEvent, now: datetime) -> None:
        """Take an event of the tunnel server; those of other peers' tunnels do no harm."""
        match event:
            case TunnelMessage(peer, octets):
                self._message(peer, octets, now)
            case TransferDone(peer, ref):
                self._handed_over(peer, ref)
            case TransferFailed(peer, ref) if self._carried(peer, ref) is not None:
                self._boxes[peer].under_way = None
            case TunnelOpened(peer) if peer in self._boxes:
                self._offer_again(peer)
            case TunnelClosed(peer) if peer in self._boxes:
                self._boxes[peer].under_way = None

    def forget(self, peer: int) -> None:
        """Drop the box of a GSME that left."""
        box = self._boxes.pop(peer, None)
        for letter in box.letters if box else ():
            self._events.append(_end_of(peer, letter, "the GSME left"))

    @property
    def deadline(self) -> datetime | None:
        """When the oldest message expires."""
        return first_due(self._boxes.values(), lambda box: box.expires)

    def poll(self, now: datetime) -> None:
        """Drop what has waited too long."""
        for peer, box in self._boxes.items():
            while box.letters and (letter := box.letters[0]).until <= now:
                self._remove(peer, letter, _end_of(peer, letter, "not fetched in time"))

    # -- parts ---------------------------------------------------------------------------------

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
        """Answer a GET: its GSME is done with whatever it had fetched as a whole."""
        self.poll(now)
        box = self._boxes.setdefault(peer, _Box())
        while box.letters and not (letter := box.letters[0]).waiting:
            self._remove(peer, letter, Retrieved(peer, letter.message))
        first = next(iter(box.letters), None)
        answer = GetResponse()
        if first is not None:
            answer = GetResponse(first.parts[first.handed], box.waiting - 1)
        ref = self._tunnel.send(peer, answer.to_bytes(), now, confirmed=True)
        box.under_way = None if first is None else (ref, first)

    def _carried(self, peer: int, ref: int) -> _Letter | None:
        """The message of which a transfer carries a part; None for any other transfer."""
        box = self._boxes.get(peer)
        if box is None or box.under_way is None or box.under_way[0] != ref:
            return None
        return box.under_way[1]

    def _handed_over(self, peer: int, ref: int) -> None:
        letter = self._carried(peer, ref)
        if letter is not None:
            box, waited = self._boxes[peer], self.pending(peer)
            box.under_way = None
            letter.handed += 1
            letter.fetched += not letter.waiting
            self._changed(peer, box, waited)

    def _offer_again(self, peer: int) -> None:
        box, waited = self._boxes[peer], self.pending(peer)
        box.under_way = None
        for letter in box.letters:
            if letter.waiting or letter.fetched < self.settings.offers:
                letter.handed = 0
        self._changed(peer, box, waited)

    def _find(
        self, peer: int, wanted: Callable[[bytes], bool], *, newest: bool = False
    ) -> _Letter | None:
        box = self._boxes.get(peer)
        letters = () if box is None else reversed(box.letters) if newest else box.letters
        return next((letter for letter in letters if wanted(letter.message)), None)

    def _remove(self, peer: int, letter: _Letter, *why: MailboxEvent) -> None:
        box, waited = self._boxes[peer], self.pending(peer)
        box.letters.remove(letter)
        if box.under_way is not None and box.under_way[1] is letter:
            box.under_way = None
        self._events += why
        self._changed(peer, box, waited)

    def _changed(self, peer: int, box: _Box, waited: int) -> None:
        """Tell when messages begin, or cease, to wait."""
        if bool(waited) != bool(box.waiting):
            self._events.append(PendingChanged(peer, pending=bool(box.waiting)))


def _end_of(peer: int, letter: _Letter, reason: str) -> MailboxEvent:
    """What became of a message that is dropped: a GSME that has it whole retrieved it."""
    if not letter.waiting:
        return Retrieved(peer, letter.message)
    return NotRetrieved(peer, letter.message, reason)
