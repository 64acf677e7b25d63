"""Messages on their way to sleeping gas meters, kept until the meter has dealt with them.

The mailboxes of ``han.tunnel`` decide who gets what and when; this keeps their content in the
CHF's store, so that a hub that is killed loses no message it accepted. A command is kept until its
Response is there, or its meter fetches the next one: a meter that is killed before it has executed
a command gets it again, and one that did execute it knows it by its originator counter.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from chub.settings import ChfSettings
from device.long_messages import parts_of
from device.store import Store
from gbcs.envelope import Message
from gbcs.errors import MalformedMessage
from gbcs.eui64 import format_eui64, parse_eui64
from han.exchange import Outcome, Request
from han.tunnel import TunnelEvent, TunnelServer
from han.tunnel.mailbox import (
    Mailboxes,
    MailboxNoise,
    MailboxSettings,
    MessagePut,
    NotRetrieved,
    PendingChanged,
    Retrieved,
)

_PREFIX: Final = "mailbox/"


class Mailroom:
    """The mailboxes with their memory.

    A service of the node, for its deadline. ``upward`` gets what a meter put; ``pending`` learns
    when messages begin or cease to wait; ``expired`` learns of messages that were given up;
    ``noise`` of octets that are no message.
    """

    def __init__(
        self,
        tunnels: TunnelServer,
        store: Store,
        settings: ChfSettings,
        *,
        upward: Callable[[int, bytes], object],
        pending: Callable[[int, bool], object],
        expired: Callable[[int, bytes, str], object],
        noise: Callable[[int, bytes], object],
    ) -> None:
        lifetime = timedelta(seconds=settings.mailbox_lifetime_s)
        terms = MailboxSettings(lifetime, settings.mailbox_capacity, settings.mailbox_offers)
        self._boxes = Mailboxes(tunnels, terms)
        self._store = store
        self._upward, self._pending, self._expired, self._noise = upward, pending, expired, noise
        self._kept: dict[int, list[tuple[str, bytes]]] = {}
        self._next = 0

    def restore(self, now: datetime) -> None:
        """Take back what a hub held when it stopped; lifetimes begin anew.

        What finds no room, for boxes are smaller now, is given up.
        """
        too_many: list[tuple[int, bytes]] = []
        with self._store.transaction() as unit:
            for key in sorted(unit.keys(_PREFIX)):
                message = unit.get(key)
                _, peer_text, number = key.split("/")
                self._next = max(self._next, int(number) + 1)
                if isinstance(message, bytes):
                    peer = parse_eui64(peer_text)
                    self._kept.setdefault(peer, []).append((key, message))
                    if not self._boxes.put(peer, message, now, parts_of(message)):
                        too_many.append((peer, message))
        for peer, message in too_many:
            with self._store.transaction():
                self._release(peer, message)
                self._expired(peer, message, "there is no room for it any more")
        self._drain()

    def put(self, peer: int, message: bytes, now: datetime) -> bool:
        """Keep a message for a meter; False when its box has no room for it."""
        with self._store.transaction() as unit:
            if not self._boxes.put(peer, message, now, parts_of(message)):
                return False
            kept = (f"{_PREFIX}{format_eui64(peer)}/{self._next:012d}", message)
            self._next += 1
            self._kept.setdefault(peer, []).append(kept)
            unit.on_rollback(lambda: self._take_back(peer, kept))
            unit.put(*kept)
            unit.on_commit(self._drain)
        return True

    def answered(self, peer: int, response: Message) -> None:
        """A meter has sent this: the command that it answers need not be kept any more."""
        self._boxes.answered(peer, lambda command: _answers(response, command))
        self._drain()

    def waiting(self, peer: int) -> int:
        """How many messages, or blocks of one, wait to be fetched by a meter."""
        return self._boxes.pending(peer)

    def receive(self, event: TunnelEvent, now: datetime) -> None:
        """Take an event of the tunnel server."""
        self._boxes.receive(event, now)
        self._drain()

    @property
    def deadline(self) -> datetime | None:
        """When the oldest message expires."""
        return self._boxes.deadline

    def poll(self, now: datetime) -> None:
        """Give up what has waited too long."""
        self._boxes.poll(now)
        self._drain()

    def requests(self) -> list[Request]:
        """None: the tunnel server does the sending. With ``concluded``, what a service has."""
        return []

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Nothing to learn from requests that are not made."""

    def forget(self, peer: int) -> None:
        """Drop the box of a meter that left."""
        self._boxes.forget(peer)
        self._drain()

    def _drain(self) -> None:
        for event in self._boxes.events():
            match event:
                case MessagePut(peer, message):
                    self._upward(peer, message)
                case PendingChanged(peer, pending):
                    self._pending(peer, pending)
                case Retrieved(peer, message):
                    self._release(peer, message)
                case NotRetrieved(peer, message, reason):
                    with self._store.transaction():
                        self._release(peer, message)
                        self._expired(peer, message, reason)
                case MailboxNoise(peer, octets):
                    self._noise(peer, octets)

    def _take_back(self, peer: int, kept: tuple[str, bytes]) -> None:
        self._kept[peer].remove(kept)
        self._boxes.take_back(peer, kept[1])

    def _release(self, peer: int, message: bytes) -> None:
        kept = self._kept.get(peer, [])
        entry = next((one for one in kept if one[1] == message), None)
        if entry is None:
            return
        kept.remove(entry)
        with self._store.transaction() as unit:
            unit.delete(entry[0])


def _answers(response: Message, command: bytes) -> bool:
    try:
        return response.answers(Message.parse(command))
    except MalformedMessage:
        return False
