"""The server of GB tunnels: ESME, HCALCS and PPMID towards the hub, and the hub towards a GSME."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gbcs.zcl.status import Status
from han.clusters.tunneling import (
    GB_HRGP,
    NO_MANUFACTURER,
    NO_TUNNEL,
    TRANSFER_OCTETS,
    TUNNELING,
    GetSupportedTunnelProtocols,
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
from han.exchange import Outcome, Replied, Request, Unanswered, Undelivered
from han.tunnel.events import (
    NOT_CONFIRMED,
    CloseRejected,
    Confirmations,
    RequestRejected,
    TransferDone,
    TransferFailed,
    TunnelClosed,
    TunnelEvent,
    TunnelMessage,
    TunnelOpened,
    TunnelSettings,
    check_length,
)
from han.zcl.payload import decode, encode
from han.zcl.tables import (
    Access,
    Answer,
    Attribute,
    Cluster,
    Command,
    CommandDefinition,
    Reply,
    Served,
    Side,
)

_REFUSED: Final = frozenset({int(ToServer.TRANSFER_DATA_ERROR)})


def _everyone(peer: int) -> bool:
    del peer
    return True


@dataclass(slots=True)
class _Tunnel:
    tunnel_id: int
    peer: int
    peer_endpoint: int
    used_at: datetime
    confirmations: Confirmations = field(default_factory=Confirmations)


class TunnelServer:
    """Gives tunnels on one endpoint and carries octets; a service of the node.

    ``admits`` says which peers may have a tunnel (the hub: those in its device log). While
    ``busy`` every request is put off. A transfer is done when its delivery is acknowledged; one
    that is to be ``confirmed`` when the client has taken it (its Default Response), if it ever says
    such a thing.
    """

    def __init__(
        self,
        endpoint: int,
        settings: TunnelSettings | None = None,
        admits: Callable[[int], bool] = _everyone,
    ) -> None:
        self.endpoint = endpoint
        self.settings = settings or TunnelSettings()
        self.admits = admits
        self.busy = False
        self._tunnels: dict[int, _Tunnel] = {}
        self._requests: list[Request] = []
        self._events: list[TunnelEvent] = []
        self._next_id = 0
        self._next_ref = 0

    def served(self) -> Served:
        """The Tunneling server cluster, for the endpoint's table."""
        return _TABLE.on(self)

    def events(self) -> list[TunnelEvent]:
        """Take what happened, in order."""
        events, self._events = self._events, []
        return events

    def is_open(self, peer: int) -> bool:
        """Whether this peer has a tunnel."""
        return self._of(peer) is not None

    def send(self, peer: int, octets: bytes, now: datetime, *, confirmed: bool = False) -> int:
        """Send octets through the peer's tunnel; the reference comes back in the events.

        Without a tunnel the transfer fails at once; MessageTooLong above 1495 octets.
        """
        check_length(octets)
        self._next_ref += 1
        ref = self._next_ref
        tunnel = self._of(peer)
        if tunnel is None:
            self._events.append(TransferFailed(peer, ref, "no tunnel"))
            return ref
        tunnel.used_at = now
        payload = encode(TransferData(tunnel.tunnel_id, octets))
        confirmed = confirmed and not tunnel.confirmations.none_expected
        self._ask(tunnel, ToClient.TRANSFER_DATA, payload, tag=ref, confirmed=confirmed)
        return ref

    def forget(self, peer: int) -> None:
        """Drop the tunnel of a peer that left or joined anew; nothing is sent."""
        tunnel = self._of(peer)
        if tunnel is not None:
            self._drop(tunnel, "the peer left")

    # -- service -------------------------------------------------------------------------------

    @property
    def deadline(self) -> datetime | None:
        """When the first idle tunnel is due to be closed."""
        idlest = first_due(self._tunnels.values(), lambda tunnel: tunnel.used_at)
        return None if idlest is None else idlest + self._idle

    def poll(self, now: datetime) -> None:
        """Close what has been idle too long, and tell the client."""
        for tunnel in [t for t in self._tunnels.values() if t.used_at + self._idle <= now]:
            identifier = encode(TunnelIdentifier(tunnel.tunnel_id))
            self._ask(tunnel, ToClient.TUNNEL_CLOSURE_NOTIFICATION, identifier)
            self._drop(tunnel, "idle")

    def requests(self) -> list[Request]:
        """Take the commands to send."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Learn how a transfer ended."""
        del now
        peer, ref = int(outcome.request.peer), outcome.request.tag
        if not ref:
            return
        failure = self._failure(peer, outcome)
        if failure is None:
            self._events.append(TransferDone(peer, ref))
        else:
            self._events.append(TransferFailed(peer, ref, *failure))

    def _failure(self, peer: int, outcome: Outcome) -> tuple[str, bool] | None:
        """Why a transfer failed, and whether the client refused it; None when it did not fail."""
        tunnel = self._of(peer)
        confirmations = Confirmations() if tunnel is None else tunnel.confirmations
        match outcome:
            case Undelivered(reason=reason):
                return reason.value, False
            case Unanswered() if confirmations.missed():
                return NOT_CONFIRMED, False
            case Replied(frame=frame) if frame.is_cluster_command:
                return self._not_taken(tunnel, frame.payload)
            case Replied() if outcome.status is not Status.SUCCESS:
                return f"status {outcome.status}", True
            case Replied():
                confirmations.given()
        return None

    def _not_taken(self, tunnel: _Tunnel | None, payload: bytes) -> tuple[str, bool]:
        """A TransferDataError: unless it is for the length, the client has lost that tunnel."""
        if payload[2:3] == bytes((TransferStatus.OVERFLOW,)):
            return "overflow at the client", True
        if tunnel is not None and tunnel.tunnel_id == int.from_bytes(payload[:2], "little"):
            self._drop(tunnel, "the client refused a transfer")
        return "the client has lost the tunnel", False

    # -- commands of the client ----------------------------------------------------------------

    def request_tunnel(self, payload: bytes, access: Access) -> Answer:
        """RequestTunnel: the same client gets the same tunnel again."""
        asked = decode(RequestTunnel, payload)
        status = self._verdict(asked, access)
        tunnel_id = NO_TUNNEL
        if status is TunnelStatus.SUCCESS:
            tunnel_id = self._give(access).tunnel_id
            self._events.append(TunnelOpened(access.peer, tunnel_id))
        else:
            self._events.append(RequestRejected(access.peer, status))
        response = RequestTunnelResponse(tunnel_id, status, TRANSFER_OCTETS)
        return Reply(ToClient.REQUEST_TUNNEL_RESPONSE, encode(response))

    def _verdict(self, asked: RequestTunnel, access: Access) -> TunnelStatus:
        if asked.flow_control:
            return TunnelStatus.FLOW_CONTROL_NOT_SUPPORTED
        known = (asked.protocol_id, asked.manufacturer) == (GB_HRGP, NO_MANUFACTURER)
        fits = asked.max_incoming_octets == TRANSFER_OCTETS
        if not (known and fits and self.admits(access.peer)):
            return TunnelStatus.PROTOCOL_NOT_SUPPORTED
        if self.is_open(access.peer):
            return TunnelStatus.SUCCESS
        if self.busy:
            return TunnelStatus.BUSY
        full = len(self._tunnels) >= self.settings.capacity
        return TunnelStatus.NO_MORE_IDS if full else TunnelStatus.SUCCESS

    def _give(self, access: Access) -> _Tunnel:
        tunnel = self._of(access.peer)
        if tunnel is None:
            while self._next_id in self._tunnels or self._next_id == NO_TUNNEL:
                self._next_id = (self._next_id + 1) % NO_TUNNEL
            tunnel = _Tunnel(self._next_id, access.peer, access.peer_endpoint, access.now)
            self._tunnels[tunnel.tunnel_id] = tunnel
            self._next_id = (self._next_id + 1) % NO_TUNNEL
        tunnel.peer_endpoint, tunnel.used_at = access.peer_endpoint, access.now
        return tunnel

    def close_tunnel(self, payload: bytes, access: Access) -> Answer:
        """CloseTunnel: NOT_FOUND unless it is the client's own."""
        tunnel = self._tunnels.get(decode(TunnelIdentifier, payload).tunnel_id)
        if tunnel is None or tunnel.peer != access.peer:
            self._events.append(CloseRejected(access.peer))
            return Status.NOT_FOUND
        self._drop(tunnel, "closed by the client")
        return Status.SUCCESS

    def transfer_data(self, payload: bytes, access: Access) -> Answer:
        """TransferData: octets for the owner, or an error that says why not."""
        sent = decode(TransferData, payload)
        tunnel = self._tunnels.get(sent.tunnel_id)
        refusal: TransferStatus | None = None
        if tunnel is None:
            refusal = TransferStatus.NO_SUCH_TUNNEL
        elif tunnel.peer != access.peer:
            refusal = TransferStatus.WRONG_DEVICE
        elif len(sent.octets) > TRANSFER_OCTETS:
            refusal = TransferStatus.OVERFLOW
        else:
            tunnel.used_at = access.now
        if refusal is not None:
            error = TransferDataError(sent.tunnel_id, refusal)
            return Reply(ToClient.TRANSFER_DATA_ERROR, encode(error))
        self._events.append(TunnelMessage(access.peer, sent.octets))
        return Status.SUCCESS

    def transfer_data_error(self, payload: bytes, access: Access) -> Answer:
        """TransferDataError: the client has lost the tunnel, so it is gone here too."""
        error = decode(TransferDataError, payload)
        tunnel = self._tunnels.get(error.tunnel_id)
        if tunnel is None or tunnel.peer != access.peer:
            return Status.NOT_FOUND
        if error.status != TransferStatus.OVERFLOW:
            self._drop(tunnel, "the client refused a transfer")
        return Status.SUCCESS

    def supported_protocols(self, payload: bytes, access: Access) -> Answer:
        """GetSupportedTunnelProtocols: one, which is complete."""
        del access
        offset = decode(GetSupportedTunnelProtocols, payload).offset
        protocol = b"" if offset else NO_MANUFACTURER.to_bytes(2, "little") + bytes((GB_HRGP,))
        answer = bytes((1, int(offset == 0))) + protocol
        return Reply(ToClient.SUPPORTED_TUNNEL_PROTOCOLS_RESPONSE, answer)

    # -- parts ---------------------------------------------------------------------------------

    @property
    def _idle(self) -> timedelta:
        return timedelta(seconds=self.settings.close_timeout_s)

    def _of(self, peer: int) -> _Tunnel | None:
        return next((t for t in self._tunnels.values() if t.peer == peer), None)

    def _drop(self, tunnel: _Tunnel, reason: str) -> None:
        del self._tunnels[tunnel.tunnel_id]
        self._events.append(TunnelClosed(tunnel.peer, reason))

    def _ask(
        self,
        tunnel: _Tunnel,
        command: ToClient,
        payload: bytes,
        *,
        tag: int = 0,
        confirmed: bool = False,
    ) -> None:
        self._requests.append(
            Request(
                tunnel.peer,
                tunnel.peer_endpoint,
                TUNNELING.cluster_id,
                command,
                payload,
                source_endpoint=self.endpoint,
                from_server=True,
                answered_by=_REFUSED if confirmed else frozenset(),
                reply_within=self.settings.reply_timeout if confirmed else None,
                tag=tag,
            )
        )


def _definition(command: ToServer) -> CommandDefinition:
    return TUNNELING.to_server[command]


_TABLE: Final[Cluster[TunnelServer]] = Cluster(
    TUNNELING,
    Side.SERVER,
    attributes=(
        Attribute(TUNNELING.server_attributes[0], lambda server: server.settings.close_timeout_s),
    ),
    commands=(
        Command(_definition(ToServer.REQUEST_TUNNEL), TunnelServer.request_tunnel),
        Command(_definition(ToServer.CLOSE_TUNNEL), TunnelServer.close_tunnel),
        Command(_definition(ToServer.TRANSFER_DATA), TunnelServer.transfer_data),
        Command(_definition(ToServer.TRANSFER_DATA_ERROR), TunnelServer.transfer_data_error),
        Command(
            _definition(ToServer.GET_SUPPORTED_TUNNEL_PROTOCOLS), TunnelServer.supported_protocols
        ),
    ),
    generated=(ToClient.TRANSFER_DATA, ToClient.TUNNEL_CLOSURE_NOTIFICATION),
)
