"""Finding the meters of a home: by the clusters they serve, never by endpoint numbers.

Whoever serves Metering 0x0702 is asked what it meters; the same peer is asked where it serves
Device Management 0x0708. A gas meter sleeps, so its mirror at the hub is what answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from device.asking import NotProvided, find_endpoints, read_attributes
from device.host import Host, HostError
from device.partner_keys import PartnerKeys
from device.timeline import Timeline
from gbcs.errors import MalformedMessage
from han.clusters import DEVICE_MANAGEMENT, METERING
from han.clusters.device_management import CHANGE_OF_TENANCY_UPDATE_DATE_TIME
from han.requests import Far, command_of
from peers.memory import Change
from peers.reading import KIND, Fuel, fuel_of, numbers_of
from peers.search import Search
from peers.tenancy import QUESTION, change_of, change_published

_GET_CHANGE_OF_TENANCY: Final = command_of(DEVICE_MANAGEMENT, "GetChangeOfTenancy")


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
        self._host, self._endpoint = host, endpoint
        self._search = Search(host, timeline)
        self._keys = PartnerKeys(host)

    async def search(self) -> dict[Fuel, Meter]:
        """Every fuel that somebody meters and tells of now; HostError when the radio is lost."""
        found: dict[Fuel, Meter] = {}
        for one in await self._search.servers_of(METERING.cluster_id):
            meter = await self._meter(one.peer, one.nwk, one.endpoint)
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

    async def _meter(self, peer: int, nwk: int, endpoint: int) -> Meter | None:
        try:
            fuel = fuel_of(await self.read(peer, endpoint, METERING.cluster_id, KIND))
            if fuel is None:
                return None
            tenancy = await self.endpoint_of(peer, nwk, DEVICE_MANAGEMENT.cluster_id)
        except HostError:
            return None  # it is looked for again
        return Meter(fuel, peer, endpoint, tenancy)
