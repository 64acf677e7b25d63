"""Finding the meters of a home: by the clusters they serve, never by endpoint numbers.

Whoever serves Metering 0x0702 is asked what it meters; the same peer is asked where it serves
Device Management 0x0708. A gas meter sleeps, so its mirror at the hub is what answers.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from device.asking import NotProvided, find_endpoints, read_attributes
from device.host import Host, HostError, NoReply
from device.partner_keys import PartnerKeys
from device.timeline import Timeline
from gbcs.errors import MalformedMessage
from han.clusters import DEVICE_MANAGEMENT, METERING
from han.clusters.device_management import CHANGE_OF_TENANCY_UPDATE_DATE_TIME
from han.exchange import NodeEvent, ZdoReplied
from han.radio import Broadcast
from han.requests import Far, command_of
from han.zcl.payload import decode
from han.zdo.client import match_descriptors
from han.zdo.messages import Command, EndpointList
from peers.memory import Change
from peers.reading import KIND, Fuel, fuel_of, numbers_of
from peers.tenancy import QUESTION, change_of, change_published

_GET_CHANGE_OF_TENANCY: Final = command_of(DEVICE_MANAGEMENT, "GetChangeOfTenancy")
LISTENING: Final = timedelta(seconds=3)
"""How long answers to a broadcast search are waited for."""


@dataclass(frozen=True, slots=True)
class Meter:
    """Where to read one fuel; ``tenancy_endpoint`` is None when the peer tells of no tenancy."""

    fuel: Fuel
    peer: int
    endpoint: int
    tenancy_endpoint: int | None


class Finder:
    """Looks for meters from one endpoint of a display's node."""

    def __init__(self, host: Host, timeline: Timeline, endpoint: int) -> None:
        self._host, self._timeline, self._endpoint = host, timeline, endpoint
        self._heard: dict[int, EndpointList] = {}
        self._keys = PartnerKeys(host)
        host.on_node_event(self._hear)

    async def search(self) -> dict[Fuel, Meter]:
        """Every fuel that somebody meters and tells of now; HostError when the radio is lost."""
        self._heard.clear()
        everybody = Broadcast.RX_ON_WHEN_IDLE
        with suppress(NoReply):
            await self._host.zdo(
                match_descriptors(
                    everybody, everybody, inputs=(METERING.cluster_id,), within=LISTENING
                )
            )
            await self._timeline.sleep(LISTENING)  # for the others' answers
        found: dict[Fuel, Meter] = {}
        for peer, answer in tuple(self._heard.items()):
            for endpoint in answer.endpoints or ():
                meter = await self._meter(peer, answer.nwk, endpoint)
                if meter is not None:
                    found.setdefault(meter.fuel, meter)
        return found

    async def read(
        self, peer: int, endpoint: int, cluster_id: int, attributes: tuple[int, ...]
    ) -> dict[int, int]:
        """The numbers among these attributes; HostError when the peer does not answer."""
        far = Far(peer, endpoint, cluster_id, self._endpoint)
        await self._keys.ensure(peer)
        try:
            return numbers_of(await read_attributes(self._host, far, attributes))
        except NotProvided:
            return {}
        except HostError:
            self._keys.doubt(peer)
            raise

    async def change_of_tenancy(self, peer: int, endpoint: int) -> Change | None:
        """What a peer tells by attribute, or by command if it has no such attribute.

        HostError when it does not answer.
        """
        values = await self.read(peer, endpoint, DEVICE_MANAGEMENT.cluster_id, QUESTION)
        if CHANGE_OF_TENANCY_UPDATE_DATE_TIME in values:
            return change_of(values)
        far = Far(peer, endpoint, DEVICE_MANAGEMENT.cluster_id, self._endpoint)
        frame = await self._host.request(far.command(_GET_CHANGE_OF_TENANCY))
        try:
            return change_published(frame)
        except MalformedMessage:
            return None

    async def endpoint_of(self, peer: int, nwk: int, cluster_id: int) -> int | None:
        """Where a peer serves a cluster; None when it does not."""
        try:
            return (await find_endpoints(self._host, peer, nwk, cluster_id))[0]
        except NotProvided:
            return None

    def _hear(self, event: NodeEvent) -> None:
        if not isinstance(event, ZdoReplied) or not isinstance(event.request.peer, Broadcast):
            return
        if event.request.cluster_id == Command.MATCH_DESC:
            try:
                self._heard[event.peer] = decode(EndpointList, event.payload)
            except MalformedMessage:
                return

    async def _meter(self, peer: int, nwk: int, endpoint: int) -> Meter | None:
        try:
            fuel = fuel_of(await self.read(peer, endpoint, METERING.cluster_id, KIND))
            if fuel is None:
                return None
            tenancy = await self.endpoint_of(peer, nwk, DEVICE_MANAGEMENT.cluster_id)
        except HostError:
            return None  # it is looked for again
        return Meter(fuel, peer, endpoint, tenancy)
