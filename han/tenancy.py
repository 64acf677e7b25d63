"""A display and changes of tenancy (SECMP0056): it asks every server, and wipes once for each.

Device Management 0x0708 attributes 0x0200 and 0x0201 say when the tenancy changes and what is to be
cleared. :class:`TenancyWatch` reads them; :class:`TenancyDuty` says when to wipe.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gbcs.errors import MalformedMessage
from gbcs.zcl.general import ReadAttributesResponse
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value, zcl_moment
from han.clusters.device_management import (
    CHANGE_OF_TENANCY_UPDATE_DATE_TIME,
    CLUSTER_ID,
    NO_CHANGE_KNOWN,
    PROPOSED_TENANCY_CHANGE_CONTROL,
    ChangeControl,
)
from han.exchange import Outcome, Replied, Request, Undelivered
from han.requests import Far

_ATTRIBUTES: Final = (CHANGE_OF_TENANCY_UPDATE_DATE_TIME, PROPOSED_TENANCY_CHANGE_CONTROL)


@dataclass(frozen=True, slots=True)
class TenancySettings:
    """How often a display asks; no text seen gives a number (unverified)."""

    interval: timedelta = timedelta(hours=1)
    retry_after: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class TenancyRead:
    """What one server says: the moment of the change, None when it knows of none."""

    peer: int
    at: datetime | None
    control: ChangeControl


@dataclass(frozen=True, slots=True)
class TenancyUnread:
    """A server did not answer; it is asked again soon."""

    peer: int
    reason: str


TenancyEvent = TenancyRead | TenancyUnread


class TenancyWatch:
    """Asks every server at the start, after a rejoin, and at an interval; a service of the node."""

    def __init__(self, endpoint: int, settings: TenancySettings | None = None) -> None:
        self.endpoint = endpoint
        self.settings = settings or TenancySettings()
        self._servers: dict[int, int] = {}  # EUI-64: endpoint
        self._due: dict[int, datetime] = {}
        self._requests: list[Request] = []
        self._events: list[TenancyEvent] = []

    def ask(self, peer: int, peer_endpoint: int, now: datetime) -> None:
        """Ask this server now and from now on: at power-up, after joining or rejoining."""
        self._servers[peer] = peer_endpoint
        self._due[peer] = now

    def forget(self, peer: int) -> None:
        """Ask this server no longer."""
        self._servers.pop(peer, None)
        self._due.pop(peer, None)

    def events(self) -> list[TenancyEvent]:
        """Take what the servers said, in order."""
        events, self._events = self._events, []
        return events

    @property
    def deadline(self) -> datetime | None:
        """When the next server is to be asked."""
        return min(self._due.values(), default=None)

    def poll(self, now: datetime) -> None:
        """Ask whom it is time to ask."""
        for peer, due in self._due.items():
            if due <= now:
                self._due[peer] = now + self.settings.interval
                far = Far(peer, self._servers[peer], CLUSTER_ID, self.endpoint)
                self._requests.append(far.read(_ATTRIBUTES))

    def requests(self) -> list[Request]:
        """Take the requests to send."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Take a server's answer."""
        peer = outcome.request.peer
        if peer not in self._servers:
            return
        if isinstance(outcome, Replied) and outcome.status is None:
            self._events.append(_read(outcome))
            return
        reason = "no answer"
        if isinstance(outcome, Undelivered):
            reason = outcome.reason.value
        elif isinstance(outcome, Replied) and outcome.status is not None:
            reason = outcome.status.name
        self._due[peer] = min(self._due[peer], now + self.settings.retry_after)
        self._events.append(TenancyUnread(peer, reason))


def _read(reply: Replied) -> TenancyEvent:
    try:
        records = ReadAttributesResponse.parse(reply.frame.payload).records
    except MalformedMessage as error:
        return TenancyUnread(reply.peer, str(error))
    told: dict[int, Value] = {
        r.attribute_id: r.value for r in records if r.status == Status.SUCCESS
    }
    seconds = told.get(CHANGE_OF_TENANCY_UPDATE_DATE_TIME)
    control = told.get(PROPOSED_TENANCY_CHANGE_CONTROL)
    known = isinstance(seconds, int) and seconds != NO_CHANGE_KNOWN
    at = zcl_moment(seconds) if known and isinstance(seconds, int) else None
    return TenancyRead(reply.peer, at, ChangeControl(control if isinstance(control, int) else 0))


@dataclass(slots=True)
class TenancyDuty:
    """Which servers' data are to be wiped, and when: once for each change, never for less.

    ``handled`` is what was wiped for, by server; keep it, and a power cut repeats no wipe. A wipe
    that a power cut broke off was not marked :meth:`wiped`, so it is due again.
    """

    handled: dict[int, datetime] = field(default_factory=dict)
    pending: dict[int, datetime] = field(default_factory=dict)

    def told(self, said: TenancyRead) -> None:
        """Take what a server says; a change it takes back before its time is forgotten."""
        self.pending.pop(said.peer, None)
        if said.at is None or ChangeControl.CLEAR_IHD_DATA_CONSUMER not in said.control:
            return
        last = self.handled.get(said.peer)
        if last is None or said.at > last:
            self.pending[said.peer] = said.at

    @property
    def deadline(self) -> datetime | None:
        """When the next change takes effect."""
        return min(self.pending.values(), default=None)

    def due(self, now: datetime) -> list[int]:
        """The servers whose data are to be wiped now."""
        return [peer for peer, at in self.pending.items() if at <= now]

    def wiped(self, peer: int) -> None:
        """The data of this server are gone."""
        at = self.pending.pop(peer, None)
        if at is not None:
            self.handled[peer] = at
