"""Opening tunnels to the devices that serve them (ESME, HCALCS, PPMID): find the endpoint, ask.

No endpoint number is assumed: the hub asks each such device that announces itself where its
Tunneling server is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from device.host import Host
from gbcs.errors import MalformedMessage
from han.clusters import TUNNELING
from han.deadlines import earliest
from han.exchange import Announced, NodeEvent, Outcome, Request, ZdoReplied
from han.tunnel import TransferDone, TransferFailed, TunnelClients, TunnelEvent
from han.zdo.client import endpoints_of, match_descriptors

RETRY_AFTER: Final = timedelta(seconds=30)
ATTEMPTS: Final = 20
"""How often a device is asked where its Tunneling server is, after each time it comes."""


class TunnelOpener:
    """The hub's tunnels to devices that serve them; a service of the node.

    Messages for a device whose endpoint is not known yet wait until it is found, and fail by name
    when it is not. One is delivered when the device has confirmed it (its Default Response): a
    dongle acknowledges what the process behind it, which may be gone, never gets.
    """

    def __init__(self, endpoint: int) -> None:
        self.clients = TunnelClients(endpoint)
        self._endpoints: dict[int, int] = {}
        self._held: dict[int, list[tuple[int, bytes]]] = {}
        self._refs: dict[int, int] = {}
        self._next_ref = 0
        self._searching: set[int] = set()
        self._attempts: dict[int, int] = {}
        self._retry_at: dict[int, datetime] = {}
        self._requests: list[Request] = []
        self._failed: list[TunnelEvent] = []
        self._serves: Callable[[int], bool] = lambda eui64: False
        self._host: Host | None = None

    def attach(self, host: Host, serves: Callable[[int], bool]) -> None:
        """Work on this node; ``serves`` says to which devices a tunnel may be opened."""
        self._host, self._serves = host, serves
        host.node.attach(self)
        host.on_node_event(self._node_event)

    def send(self, peer: int, octets: bytes, now: datetime) -> int:
        """Send octets; the tunnel is opened first when it is not open.

        The reference comes back in an event.
        """
        self._next_ref += 1
        ref = self._next_ref
        if peer in self._endpoints:
            self._refs[self.clients.send(peer, octets, now, confirmed=True)] = ref
        else:
            self._held.setdefault(peer, []).append((ref, octets))
            self._search(peer)
        return ref

    def events(self) -> list[TunnelEvent]:
        """Take what happened in the tunnels, in order."""
        failed, self._failed = self._failed, []
        return failed + [self._with_own_ref(event) for event in self.clients.events()]

    def _with_own_ref(self, event: TunnelEvent) -> TunnelEvent:
        if isinstance(event, TransferDone | TransferFailed):
            return replace(event, ref=self._refs.pop(event.ref))
        return event

    def reopen(self, peers: Iterable[int]) -> None:
        """Look for these devices, after the network came back."""
        for peer in peers:
            self._attempts.pop(peer, None)
            self._search(peer)

    def welcome(self, peer: int) -> None:
        """A device came to the network, so it has no tunnels: look for it at once."""
        self.clients.forget(peer)
        self._attempts.pop(peer, None)
        self._search(peer)

    def expect(self, peer: int, now: datetime) -> None:
        """A device was let in: look for it soon, should its announcement be lost."""
        self._attempts.pop(peer, None)
        self._retry_at[peer] = now + RETRY_AFTER

    def forget(self, peer: int) -> None:
        """Drop the tunnel and what waits for it: the device left."""
        self._endpoints.pop(peer, None)
        self._retry_at.pop(peer, None)
        self._give_up(peer, "the device left")
        self.clients.forget(peer)

    # -- service -------------------------------------------------------------------------------

    @property
    def deadline(self) -> datetime | None:
        """When a device that could not be found is looked for again."""
        return earliest(self._retry_at.values())

    def poll(self, now: datetime) -> None:
        """Look for devices whose time has come."""
        for peer in [one for one, due in self._retry_at.items() if due <= now]:
            del self._retry_at[peer]
            self._search(peer)
            if peer not in self._searching:
                self._try_again(peer, now)

    def requests(self) -> list[Request]:
        """Take the questions to send."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Learn where a device's Tunneling server is."""
        peer = int(outcome.request.peer)
        self._searching.discard(peer)
        endpoint = _first_endpoint(outcome)
        if endpoint is None:
            self._give_up(peer, "its Tunneling server was not found")
            self._try_again(peer, now)
            return
        self._attempts.pop(peer, None)
        self._retry_at.pop(peer, None)
        self._endpoints[peer] = endpoint
        self.clients.open(peer, endpoint, now)
        for ref, octets in self._held.pop(peer, []):
            self._refs[self.clients.send(peer, octets, now, confirmed=True)] = ref

    # -- parts ---------------------------------------------------------------------------------

    def _node_event(self, event: NodeEvent) -> None:
        if isinstance(event, Announced) and self._serves(event.eui64):
            self.welcome(event.eui64)

    def _try_again(self, peer: int, now: datetime) -> None:
        attempts = self._attempts[peer] = self._attempts.get(peer, 0) + 1
        if attempts < ATTEMPTS:
            self._retry_at[peer] = now + RETRY_AFTER

    def _search(self, peer: int) -> None:
        nwk = None if self._host is None else self._host.radio.nwk_of(peer)
        if nwk is None:
            self._give_up(peer, "it is not on the network")
        elif not self._serves(peer):
            self._give_up(peer, "it has not established its link key")
        elif peer not in self._searching:
            self._searching.add(peer)
            inputs = (TUNNELING.cluster_id,)
            self._requests.append(match_descriptors(peer, nwk, inputs=inputs))

    def _give_up(self, peer: int, reason: str) -> None:
        for ref, _ in self._held.pop(peer, []):
            self._failed.append(TransferFailed(peer, ref, reason))


def _first_endpoint(outcome: Outcome) -> int | None:
    if not isinstance(outcome, ZdoReplied):
        return None
    try:
        return next(iter(endpoints_of(outcome.payload)), None)
    except MalformedMessage:
        return None
