"""Tells displays what changed: sends Publish commands to those who want to know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from han.exchange import Executed, NodeEvent, Outcome, Request, Undelivered
from han.requests import Far, command_of
from han.zcl.payload import encode
from han.zcl.tables import ClusterDefinition, Side
from han.zdo.server import Binding

MOST_LISTENERS: Final = 16
"""Peers of one cluster; as many as a hub's device log admits."""

Listener = tuple[int, int]  # peer, endpoint


@dataclass(slots=True)
class Publisher:
    """What one endpoint tells of its own accord; a service of the node.

    A peer hears of a cluster when it has bound it, or since it last asked something of it. One that
    cannot be reached is forgotten until it asks again.
    """

    endpoint: int
    bindings: Callable[[], Sequence[Binding]]
    _askers: dict[int, list[Listener]] = field(default_factory=dict)
    _requests: list[Request] = field(default_factory=list)

    def hear(self, event: NodeEvent) -> None:
        """Learn who asks: hand in every event of the node."""
        if not isinstance(event, Executed) or event.endpoint != self.endpoint or event.refused:
            return
        if event.frame.from_server:
            return
        askers = self._askers.setdefault(event.cluster_id, [])
        asker = (event.peer, event.peer_endpoint)
        if asker not in askers:
            askers.append(asker)
            del askers[:-MOST_LISTENERS]

    def listeners(self, cluster_id: int) -> list[Listener]:
        """Who hears of a cluster."""
        bound = [
            (each.peer, each.peer_endpoint)
            for each in self.bindings()
            if (each.endpoint, each.cluster_id) == (self.endpoint, cluster_id)
        ]
        return list(dict.fromkeys([*bound, *self._askers.get(cluster_id, [])]))

    def publish(self, definition: ClusterDefinition, message: object) -> None:
        """Send a command, named as the class of its payload is, to whoever listens."""
        command = command_of(definition, type(message).__name__, Side.CLIENT)
        for peer, number in self.listeners(definition.cluster_id):
            far = Far(peer, number, definition.cluster_id, self.endpoint, Side.CLIENT)
            self._requests.append(far.command(command, encode(message)))

    # -- service -------------------------------------------------------------------------------

    @property
    def deadline(self) -> datetime | None:
        """Never: it speaks when told to."""
        return None

    def poll(self, now: datetime) -> None:
        """Nothing is ever due."""

    def requests(self) -> list[Request]:
        """Take what is to be sent."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Forget an asker that is gone."""
        request = outcome.request
        if isinstance(outcome, Undelivered) and isinstance(request.peer, int):
            asker = (request.peer, request.endpoint)
            askers = self._askers.get(request.cluster_id, [])
            if asker in askers:
                askers.remove(asker)
