"""Finding a peer's endpoints by what they serve or use; no endpoint number is ever assumed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gbcs.errors import MalformedMessage
from han.exchange import Outcome, Request, Undelivered, ZdoReplied
from han.radio import Broadcast
from han.zcl.payload import decode
from han.zcl.tables import Side
from han.zdo.client import match_descriptors
from han.zdo.messages import EndpointList, ZdoStatus
from han.zdo.server import Addresses


@dataclass(frozen=True, slots=True)
class DiscoverySettings:
    """How patient a search is."""

    reply_timeout: timedelta = timedelta(seconds=5)
    attempts: int = 3
    retry_after: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A side of a cluster looked for at one peer."""

    peer: int
    cluster_id: int
    side: Side = Side.SERVER


@dataclass(frozen=True, slots=True)
class Found:
    """The peer's endpoints that have it, in the order the peer gave them; at least one."""

    wanted: Wanted
    endpoints: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NotFound:
    """The peer does not have it, or does not answer."""

    wanted: Wanted
    reason: str


DiscoveryEvent = Found | NotFound


@dataclass(slots=True)
class _Search:
    wanted: Wanted
    tag: int
    attempts: int = 0
    retry_at: datetime | None = None


class Discovery:
    """Searches for endpoints, several at once; a service of the node."""

    def __init__(self, addresses: Addresses, settings: DiscoverySettings | None = None) -> None:
        self.addresses = addresses
        self.settings = settings or DiscoverySettings()
        self._searches: dict[int, _Search] = {}
        self._requests: list[Request] = []
        self._events: list[DiscoveryEvent] = []
        self._next_tag = 0

    def find(self, wanted: Wanted) -> None:
        """Begin a search; it ends as Found or NotFound."""
        self._next_tag += 1
        search = _Search(wanted, self._next_tag)
        self._searches[search.tag] = search
        self._ask(search)

    def events(self) -> list[DiscoveryEvent]:
        """Take what was found, in order."""
        events, self._events = self._events, []
        return events

    # -- service -------------------------------------------------------------------------------

    @property
    def deadline(self) -> datetime | None:
        """When the next repetition is due."""
        return min((s.retry_at for s in self._searches.values() if s.retry_at), default=None)

    def poll(self, now: datetime) -> None:
        """Ask again where a peer was silent."""
        for search in self._searches.values():
            if search.retry_at is not None and search.retry_at <= now:
                search.retry_at = None
                self._ask(search)

    def requests(self) -> list[Request]:
        """Take the requests to send."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Learn what a peer said."""
        search = self._searches.get(outcome.request.tag)
        if search is None:
            return
        if isinstance(outcome, ZdoReplied):
            self._matched(search, outcome.payload)
            return
        reason = outcome.reason.value if isinstance(outcome, Undelivered) else "no answer"
        if search.attempts < self.settings.attempts:
            search.retry_at = now + self.settings.retry_after
        else:
            self._end(search, (), reason)

    # -- parts ---------------------------------------------------------------------------------

    def _ask(self, search: _Search) -> None:
        search.attempts += 1
        wanted = search.wanted
        nwk = self.addresses.nwk_of(wanted.peer)
        request = match_descriptors(
            wanted.peer,
            Broadcast.RX_ON_WHEN_IDLE if nwk is None else nwk,
            inputs=(wanted.cluster_id,) if wanted.side is Side.SERVER else (),
            outputs=(wanted.cluster_id,) if wanted.side is Side.CLIENT else (),
            within=self.settings.reply_timeout,
        )
        self._requests.append(replace(request, tag=search.tag))

    def _matched(self, search: _Search, payload: bytes) -> None:
        try:
            answer = decode(EndpointList, payload)
        except MalformedMessage as error:
            self._end(search, (), str(error))
            return
        found = answer.endpoints if answer.status == ZdoStatus.SUCCESS else ()
        self._end(search, found or (), "the peer has no such endpoint")

    def _end(self, search: _Search, endpoints: tuple[int, ...], reason: str) -> None:
        del self._searches[search.tag]
        if endpoints:
            self._events.append(Found(search.wanted, endpoints))
        else:
            self._events.append(NotFound(search.wanted, reason))
