"""How a GSME empties its mailbox: GET, process, PUT, GET again while messages remain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gbcs.errors import MalformedMessage
from han.tunnel.client import TunnelClients
from han.tunnel.events import TransferFailed, TunnelEvent, TunnelMessage, TunnelRefused
from han.tunnel.mailbox import GET, GetResponse, Put, parse


@dataclass(frozen=True, slots=True)
class CollectorSettings:
    """How patient a GSME is with its hub."""

    reply_timeout: timedelta = timedelta(seconds=10)
    attempts: int = 3


@dataclass(frozen=True, slots=True)
class Collected:
    """A message for the GSME; call ``next`` once it was executed and its response put."""

    message: bytes
    remaining: int


@dataclass(frozen=True, slots=True)
class CollectionEnded:
    """There is nothing more to fetch now; ``reason`` is None when the box is empty."""

    reason: str | None = None


CollectorEvent = Collected | CollectionEnded


class Collector:
    """One GSME's side of the mailbox, over its tunnel client.

    :meth:`collect` begins, :meth:`next` goes on; hand every tunnel event to :meth:`receive`, call
    :meth:`poll` at :attr:`deadline`, drain :meth:`events`.
    """

    def __init__(
        self, tunnel: TunnelClients, peer: int, settings: CollectorSettings | None = None
    ) -> None:
        self.peer = peer
        self.settings = settings or CollectorSettings()
        self.deadline: datetime | None = None
        self._tunnel = tunnel
        self._remaining = 0
        self._attempts = 0
        self._get: int | None = None
        self._events: list[CollectorEvent] = []

    def events(self) -> list[CollectorEvent]:
        """Take what happened, in order."""
        events, self._events = self._events, []
        return events

    def collect(self, now: datetime) -> None:
        """Ask for a message, whether or not the flag said that one waits."""
        self._attempts = 0
        self._ask(now)

    def next(self, now: datetime) -> None:
        """Ask for the next message when the last answer said that some remain."""
        if self._remaining:
            self.collect(now)
        else:
            self._end(None)

    def put(self, message: bytes, now: datetime) -> int:
        """Send a message (response, alert) to the hub; the reference is the tunnel's."""
        return self._tunnel.send(self.peer, Put(message).to_bytes(), now, confirmed=True)

    def poll(self, now: datetime) -> None:
        """Ask again, or give up, when the hub is silent."""
        if self.deadline is None or self.deadline > now:
            return
        if self._attempts < self.settings.attempts:
            self._ask(now)
        else:
            self._end("the hub does not answer GET")

    def receive(self, event: TunnelEvent, now: datetime) -> None:
        """Take an event of the tunnel."""
        del now
        match event:
            case TunnelMessage(self.peer, octets):
                self._message(octets)
            case TransferFailed(self.peer, self._get, reason) if self.deadline is not None:
                self._end(reason)
            case TunnelRefused(self.peer, reason) if self.deadline is not None:
                self._end(reason)

    def _message(self, octets: bytes) -> None:
        try:
            said = parse(octets)
        except MalformedMessage:
            return  # the tunnel told its owner of these octets already
        if not isinstance(said, GetResponse):
            return
        awaited = self.deadline is not None
        self.deadline = None
        self._remaining = said.remaining
        if said.message:  # also a late one: the hub may not offer it again
            self._events.append(Collected(said.message, said.remaining))
        elif awaited:
            self._end(None)

    def _ask(self, now: datetime) -> None:
        self._attempts += 1
        self.deadline = now + self.settings.reply_timeout
        self._get = self._tunnel.send(self.peer, GET, now)

    def _end(self, reason: str | None) -> None:
        self.deadline, self._remaining, self._get = None, 0, None
        self._events.append(CollectionEnded(reason))
