"""Who on the network serves a cluster: a broadcast search, answered by everybody who does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from device.host import Host, NoReply
from device.timeline import Timeline
from gbcs.errors import MalformedMessage
from han.exchange import NodeEvent, ZdoReplied
from han.radio import Broadcast
from han.zcl.payload import decode
from han.zdo.client import match_descriptors
from han.zdo.messages import Command, EndpointList

LISTENING: Final = timedelta(seconds=3)
"""How long answers to a broadcast search are waited for."""


@dataclass(frozen=True, slots=True)
class Found:
    """An endpoint that serves what was looked for."""

    peer: int
    nwk: int
    endpoint: int


class Search:
    """Broadcast searches from one node."""

    def __init__(self, host: Host, timeline: Timeline) -> None:
        self._host, self._timeline = host, timeline
        self._heard: dict[int, EndpointList] = {}
        host.on_node_event(self._hear)

    async def servers_of(self, cluster_id: int) -> tuple[Found, ...]:
        """Every endpoint that serves a cluster now; HostError when the radio is lost."""
        self._heard.clear()
        everybody = Broadcast.RX_ON_WHEN_IDLE
        with suppress(NoReply):
            await self._host.zdo(
                match_descriptors(everybody, everybody, inputs=(cluster_id,), within=LISTENING)
            )
            await self._timeline.sleep(LISTENING)  # for the others' answers
        return tuple(self._found())

    def _found(self) -> Iterator[Found]:
        for peer, answer in self._heard.items():
            for endpoint in answer.endpoints or ():
                yield Found(peer, answer.nwk, endpoint)

    def _hear(self, event: NodeEvent) -> None:
        if not isinstance(event, ZdoReplied) or not isinstance(event.request.peer, Broadcast):
            return
        if event.request.cluster_id == Command.MATCH_DESC:
            try:
                self._heard[event.peer] = decode(EndpointList, event.payload)
            except MalformedMessage:
                return
