"""The suppliers' texts on a display: one from each meter that serves Messaging."""

from __future__ import annotations

from datetime import datetime

from device.host import Host
from han.clusters import MESSAGING
from han.commands.events import DisplayMessage
from han.messaging import MessageDisplay, messages_of
from han.requests import Far
from han.zcl.tables import Served
from peers.finder import Meter


class Messages:
    """Texts by the peer they came from."""

    def __init__(self, endpoint: int) -> None:
        self._endpoint = endpoint
        self._by_peer: dict[int, MessageDisplay] = {}
        self._host: Host | None = None

    def served(self) -> Served:
        """The client of Messaging, for the endpoint's table."""
        return messages_of(self._of)

    def attach(self, host: Host) -> None:
        """Work on this node."""
        self._host = host
        for display in self._by_peer.values():
            host.node.attach(display)

    def ask(self, meter: Meter) -> None:
        """Ask a meter for the text in force."""
        endpoint = meter.endpoint_of(MESSAGING.cluster_id)
        if endpoint is None:
            return
        display = self._of(meter.peer)
        display.server = self._far(meter.peer, endpoint)
        display.ask()
        self._kick()

    def shown(self, peer: int, now: datetime) -> DisplayMessage | None:
        """The text of a meter; None when there is none."""
        display = self._by_peer.get(peer)
        return None if display is None else display.shown(now)

    def confirm(self, now: datetime) -> bool:
        """The household has read what is shown; False when nothing wants to be confirmed."""
        confirmed = [display.confirm(now) for display in self._by_peer.values()]
        self._kick()
        return any(confirmed)

    def forget(self, peer: int) -> None:
        """Show what a meter had to say no longer."""
        if peer in self._by_peer:
            self._by_peer[peer].forget()

    def _of(self, peer: int) -> MessageDisplay:
        display = self._by_peer.get(peer)
        if display is None:
            display = self._by_peer[peer] = MessageDisplay(self._far(peer, 1))
            if self._host is not None:
                self._host.node.attach(display)
        return display

    def _far(self, peer: int, endpoint: int) -> Far:
        return Far(peer, endpoint, MESSAGING.cluster_id, self._endpoint)

    def _kick(self) -> None:
        if self._host is not None:
            self._host.kick()
