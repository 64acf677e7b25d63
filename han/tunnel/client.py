"""The clients of GB tunnels: the hub towards ESME, HCALCS and PPMID, and a GSME towards the hub."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final

from gbcs.errors import MalformedMessage
from gbcs.zcl.status import Status
from han.clusters.tunneling import (
    NO_TUNNEL,
    TUNNELING,
    RequestTunnel,
    RequestTunnelResponse,
    ToClient,
    ToServer,
    TransferData,
    TransferDataError,
    TransferStatus,
    TunnelIdentifier,
    TunnelStatus,
)
from han.deadlines import first_due
from han.exchange import Outcome, Replied, Request, Undelivered
from han.tunnel.events import (
    NOT_CONFIRMED,
    Confirmations,
    RequestRejected,
    TransferDone,
    TransferFailed,
    TunnelClosed,
    TunnelEvent,
    TunnelMessage,
    TunnelOpened,
    TunnelRefused,
    TunnelSettings,
    check_length,
)
from han.zcl.payload import decode, encode
from han.zcl.tables import Access, Answer, Cluster, Command, CommandDefinition, Reply, Served, Side

_RETRYABLE: Final = frozenset({TunnelStatus.BUSY, TunnelStatus.NO_MORE_IDS})


class State(Enum):
    """Where the tunnel to one server stands."""

    CLOSED = "closed"
    REQUESTING = "requesting"
    PUT_OFF = "put off"
    OPEN = "open"


@dataclass(slots=True)
class _Link:
    """The tunnel to one server, and what waits for it."""

    peer: int
    peer_endpoint: int
    state: State = State.CLOSED
    tunnel_id: int = NO_TUNNEL
    attempts: int = 0
    retry_at: datetime | None = None
    waiting: deque[tuple[int, bytes]] = field(default_factory=deque)
    sent: dict[int, bytes] = field(default_factory=dict)
    repeated: set[int] = field(default_factory=set)
    to_confirm: set[int] = field(default_factory=set)
    confirmations: Confirmations = field(default_factory=Confirmations)


class TunnelClients:
    """The client side of Tunneling on one endpoint, towards any number of servers; a service.

    A transfer is done when the server says so, or was silent about an acknowledged delivery; one
    that is to be ``confirmed`` when the server says so, if it ever says such a thing. When the
    server has lost the tunnel, a new one is requested and the transfer repeated through it.
    """

    def __init__(self, endpoint: int, settings: TunnelSettings | None = None) -> None:
        self.endpoint = endpoint
        self.settings = settings or TunnelSettings()
        self._links: dict[int, _Link] = {}
        self._requests: list[Request] = []
        self._events: list[TunnelEvent] = []
        self._next_ref = 0

    def served(self) -> Served:
        """The Tunneling client cluster, for the endpoint's table."""
        return _TABLE.on(self)

    def events(self) -> list[TunnelEvent]:
        """Take what happened, in order."""
        events, self._events = self._events, []
        return events

    def is_open(self, peer: int) -> bool:
        """Whether the tunnel to this server can be used."""
        link = self._links.get(peer)
        return link is not None and link.state is State.OPEN

    def open(self, peer: int, peer_endpoint: int, now: datetime) -> None:
        """Request a tunnel from a server unless there is one; results come as events."""
        link = self._links.setdefault(peer, _Link(peer, peer_endpoint))
        link.peer_endpoint = peer_endpoint
        if link.state in (State.CLOSED, State.PUT_OFF):
            link.attempts = 0
            self._request(link, now)

    def resume(self, peer: int, now: datetime) -> None:
        """Request the tunnel again that a server has closed, without waiting for a transfer."""
        link = self._links.get(peer)
        if link is not None and link.state is State.CLOSED:
            self.open(peer, link.peer_endpoint, now)

    def send(self, peer: int, octets: bytes, now: datetime, *, confirmed: bool = False) -> int:
        """Send octets through the tunnel, once it is open; the reference comes back in an event.

        Without an ``open`` before, the transfer fails; MessageTooLong above 1495 octets.
        """
        check_length(octets)
        self._next_ref += 1
        ref = self._next_ref
        link = self._links.get(peer)
        if link is None:
            self._events.append(TransferFailed(peer, ref, "no tunnel"))
            return ref
        link.waiting.append((ref, octets))
        if confirmed:
            link.to_confirm.add(ref)
        if link.state is State.CLOSED:
            self.open(peer, link.peer_endpoint, now)
        self._flush(link)
        return ref

    def close(self, peer: int) -> None:
        """Close the tunnel and drop what waits for it."""
        link = self._links.get(peer)
        if link is not None and link.state is State.OPEN:
            payload = encode(TunnelIdentifier(link.tunnel_id))
            self._ask(link, ToServer.CLOSE_TUNNEL, payload)
        self.forget(peer)

    def forget(self, peer: int) -> None:
        """Drop everything of a server that left or that was joined anew; nothing is sent."""
        link = self._links.pop(peer, None)
        if link is None:
            return
        if link.state is State.OPEN:
            self._events.append(TunnelClosed(peer, "closed here"))
        self._fail(link, "the tunnel was closed")

    # -- service -------------------------------------------------------------------------------

    @property
    def deadline(self) -> datetime | None:
        """When the next request for a tunnel is due."""
        return first_due(self._links.values(), lambda link: link.retry_at)

    def poll(self, now: datetime) -> None:
        """Ask again where a server was busy or silent."""
        for link in self._links.values():
            if link.retry_at is not None and link.retry_at <= now:
                self._request(link, now)

    def requests(self) -> list[Request]:
        """Take the commands to send."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Learn how a request for a tunnel, or a transfer, ended."""
        link = self._links.get(outcome.request.peer)
        if link is None:
            return
        if outcome.request.command_id == ToServer.REQUEST_TUNNEL:
            self._answered(link, outcome, now)
        elif outcome.request.tag in link.sent:
            self._transferred(link, outcome, now)

    # -- tunnel --------------------------------------------------------------------------------

    def _request(self, link: _Link, now: datetime) -> None:
        del now
        link.state, link.retry_at = State.REQUESTING, None
        link.attempts += 1
        answer = frozenset({int(ToClient.REQUEST_TUNNEL_RESPONSE)})
        self._ask(link, ToServer.REQUEST_TUNNEL, encode(RequestTunnel()), answered_by=answer)

    def _answered(self, link: _Link, outcome: Outcome, now: datetime) -> None:
        if link.state is not State.REQUESTING:
            return
        if isinstance(outcome, Replied) and outcome.frame.is_cluster_command:
            self._verdict(link, outcome.frame.payload, now)
        elif isinstance(outcome, Replied):
            self._give_up(link, f"the server answered {outcome.status}")
        else:
            reason = outcome.reason.value if isinstance(outcome, Undelivered) else "no answer"
            self._put_off(link, reason, now)

    def _verdict(self, link: _Link, payload: bytes, now: datetime) -> None:
        try:
            response = decode(RequestTunnelResponse, payload)
        except MalformedMessage as error:
            self._give_up(link, str(error))
            return
        if response.status == TunnelStatus.SUCCESS:
            link.state, link.tunnel_id, link.attempts = State.OPEN, response.tunnel_id, 0
            self._events.append(TunnelOpened(link.peer, link.tunnel_id))
            self._flush(link)
            return
        self._events.append(RequestRejected(link.peer, response.status))
        if response.status in _RETRYABLE:
            self._put_off(link, TunnelStatus(response.status).name, now)
        else:
            self._give_up(link, f"status {response.status}")

    def _put_off(self, link: _Link, reason: str, now: datetime) -> None:
        if link.attempts >= self.settings.attempts:
            self._give_up(link, reason)
            return
        link.state, link.retry_at = State.PUT_OFF, now + self.settings.retry_after

    def _give_up(self, link: _Link, reason: str) -> None:
        link.state, link.retry_at, link.attempts = State.CLOSED, None, 0
        self._events.append(TunnelRefused(link.peer, reason))
        self._fail(link, reason)

    def _fail(self, link: _Link, reason: str) -> None:
        refs = [*link.sent, *(ref for ref, _ in link.waiting)]
        link.sent.clear()
        link.waiting.clear()
        link.repeated.clear()
        link.to_confirm.clear()
        self._events += [TransferFailed(link.peer, ref, reason) for ref in refs]

    # -- transfers -----------------------------------------------------------------------------

    def _flush(self, link: _Link) -> None:
        while link.state is State.OPEN and link.waiting:
            ref, octets = link.waiting.popleft()
            link.sent[ref] = octets
            payload = encode(TransferData(link.tunnel_id, octets))
            answer = frozenset({int(ToClient.TRANSFER_DATA_ERROR)})
            self._ask(link, ToServer.TRANSFER_DATA, payload, answered_by=answer, tag=ref)

    def _transferred(self, link: _Link, outcome: Outcome, now: datetime) -> None:
        ref = outcome.request.tag
        if isinstance(outcome, Replied) and outcome.frame.is_cluster_command:
            self._refused(link, ref, outcome.frame.payload, now)
            return
        del link.sent[ref]
        link.repeated.discard(ref)
        reason = _failure(link, outcome, to_confirm=ref in link.to_confirm)
        link.to_confirm.discard(ref)
        if reason is None:
            self._events.append(TransferDone(link.peer, ref))
        else:
            refused = isinstance(outcome, Replied)
            self._events.append(TransferFailed(link.peer, ref, reason, refused))

    def _refused(self, link: _Link, ref: int, payload: bytes, now: datetime) -> None:
        """A TransferDataError: without its tunnel, the transfer is repeated once in a new one.

        Transfers that are repeated go in the order in which they came.
        """
        octets = link.sent.pop(ref)
        overflow = payload[2:3] == bytes((TransferStatus.OVERFLOW,))
        if overflow or ref in link.repeated:
            reason = "overflow at the server" if overflow else "the server loses its tunnels"
            link.repeated.discard(ref)
            link.to_confirm.discard(ref)
            self._events.append(TransferFailed(link.peer, ref, reason, refused=overflow))
            return
        link.repeated.add(ref)
        link.waiting = deque(sorted((*link.waiting, (ref, octets))))
        if link.state is State.CLOSED:
            self.open(link.peer, link.peer_endpoint, now)
        elif int.from_bytes(payload[:2], "little") == link.tunnel_id:
            self._reopen(link, now)
        self._flush(link)

    def _reopen(self, link: _Link, now: datetime) -> None:
        if link.state is State.OPEN:
            link.tunnel_id = NO_TUNNEL
            self._events.append(TunnelClosed(link.peer, "the server has lost the tunnel"))
            self._request(link, now)

    # -- commands of the server ----------------------------------------------------------------

    def transfer_data(self, payload: bytes, access: Access) -> Answer:
        """TransferData from the server: octets for the owner, or an error."""
        sent = decode(TransferData, payload)
        link = self._links.get(access.peer)
        if link is None or link.state is not State.OPEN or link.tunnel_id != sent.tunnel_id:
            error = TransferDataError(sent.tunnel_id, TransferStatus.NO_SUCH_TUNNEL)
            return Reply(ToServer.TRANSFER_DATA_ERROR, encode(error))
        self._events.append(TunnelMessage(access.peer, sent.octets))
        return Status.SUCCESS

    def transfer_data_error(self, payload: bytes, access: Access) -> Answer:
        """TransferDataError that answers no transfer still waiting."""
        link = self._links.get(access.peer)
        if link is None or decode(TransferDataError, payload).tunnel_id != link.tunnel_id:
            return Status.NOT_FOUND
        self._reopen(link, access.now)
        return Status.SUCCESS

    def closure(self, payload: bytes, access: Access) -> Answer:
        """TunnelClosureNotification: the server closed the tunnel; the next transfer reopens it."""
        link = self._links.get(access.peer)
        if link is None or decode(TunnelIdentifier, payload).tunnel_id != link.tunnel_id:
            return Status.NOT_FOUND
        link.state, link.tunnel_id = State.CLOSED, NO_TUNNEL
        self._events.append(TunnelClosed(link.peer, "closed by the server"))
        return Status.SUCCESS

    def _ask(
        self,
        link: _Link,
        command: ToServer,
        payload: bytes,
        *,
        answered_by: frozenset[int] = frozenset(),
        tag: int = 0,
    ) -> None:
        self._requests.append(
            Request(
                link.peer,
                link.peer_endpoint,
                TUNNELING.cluster_id,
                command,
                payload,
                source_endpoint=self.endpoint,
                answered_by=answered_by,
                reply_within=self.settings.reply_timeout,
                tag=tag,
            )
        )


def _failure(link: _Link, outcome: Outcome, *, to_confirm: bool) -> str | None:
    """Why a transfer failed; None when it did not."""
    match outcome:
        case Undelivered(reason=reason):
            return reason.value
        case Replied() if outcome.status is not Status.SUCCESS:
            return f"status {outcome.status}"
        case Replied():
            link.confirmations.given()
        case _ if to_confirm and link.confirmations.missed():
            return NOT_CONFIRMED
    return None


def _definition(command: ToClient) -> CommandDefinition:
    return TUNNELING.to_client[command]


_TABLE: Final[Cluster[TunnelClients]] = Cluster(
    TUNNELING,
    Side.CLIENT,
    commands=(
        Command(_definition(ToClient.TRANSFER_DATA), TunnelClients.transfer_data),
        Command(_definition(ToClient.TRANSFER_DATA_ERROR), TunnelClients.transfer_data_error),
        Command(_definition(ToClient.TUNNEL_CLOSURE_NOTIFICATION), TunnelClients.closure),
    ),
    generated=(ToServer.REQUEST_TUNNEL, ToServer.CLOSE_TUNNEL, ToServer.TRANSFER_DATA),
)
