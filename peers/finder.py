"""Finding the meters of a home: by the clusters they serve, never by endpoint numbers.

Whoever serves Metering 0x0702 is asked what it meters; the same peer is asked where it serves
Device Management 0x0708. A gas meter sleeps, so its mirror at the hub is what answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from device.asking import NotProvided, find_endpoints, read_attributes
from device.host import Host, HostError
from device.partner_keys import PartnerKeys
from device.timeline import Timeline
from gbcs.errors import MalformedMessage
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import ConfigureReportingResponse, GeneralCommand, ReportingRecord
from gbcs.zcl.types import Value
from han.clusters import (
    DEVICE_MANAGEMENT,
    EVENTS,
    MESSAGING,
    METERING,
    PREPAYMENT,
    PRICE,
    by_id,
)
from han.clusters.device_management import CHANGE_OF_TENANCY_UPDATE_DATE_TIME
from han.commands.price import PublishPrice
from han.requests import Far, command_of
from han.zcl.payload import decode
from han.zdo.client import bind
from han.zdo.messages import ZdoStatus
from peers.memory import Change
from peers.reading import KIND, Fuel, fuel_of, numbers_of
from peers.search import Search
from peers.tenancy import QUESTION, change_of, change_published

_FURTHER: Final = (PRICE, PREPAYMENT, MESSAGING, EVENTS)
_TELLING: Final = (PRICE, MESSAGING, EVENTS, DEVICE_MANAGEMENT)
"""Clusters of which a display wants to hear."""
_CONFIGURED: Final = GeneralCommand.CONFIGURE_REPORTING_RESPONSE


@dataclass(frozen=True, slots=True)
class Meter:
    """Where to read one fuel; ``tenancy_endpoint`` is None when the peer tells of no tenancy."""

    fuel: Fuel
    peer: int
    endpoint: int
    tenancy_endpoint: int | None
    others: Mapping[int, int] = field(default_factory=dict)
    """Where it serves further clusters."""

    def endpoint_of(self, cluster_id: int) -> int | None:
        """Where it serves a cluster; None when it does not."""
        if cluster_id == METERING.cluster_id:
            return self.endpoint
        if cluster_id == DEVICE_MANAGEMENT.cluster_id:
            return self.tenancy_endpoint
        return self.others.get(cluster_id)


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
        return numbers_of(await self.values(peer, endpoint, cluster_id, attributes))

    async def values(
        self, peer: int, endpoint: int, cluster_id: int, attributes: tuple[int, ...]
    ) -> dict[int, Value]:
        """What the peer tells of these attributes; HostError when it does not answer."""
        far = Far(peer, endpoint, cluster_id, self._endpoint)
        await self._keys.ensure(peer)
        try:
            return await read_attributes(self._host, far, attributes)
        except NotProvided:
            return {}
        except HostError:
            self._keys.doubt(peer)
            raise

    async def command(
        self, peer: int, endpoint: int, cluster_id: int, name: str, payload: bytes = b""
    ) -> Frame:
        """The answer to a cluster command; HostError when there is none."""
        far = Far(peer, endpoint, cluster_id, self._endpoint)
        await self._keys.ensure(peer)
        try:
            return await self._host.request(
                far.command(command_of(by_id(cluster_id), name), payload)
            )
        except HostError:
            self._keys.doubt(peer)
            raise

    async def price(self, peer: int, endpoint: int) -> PublishPrice | None:
        """The price in force; None when the peer tells none. HostError when it does not answer."""
        cluster_id = PRICE.cluster_id
        frame = await self.command(peer, endpoint, cluster_id, "GetCurrentPrice", b"\0")
        try:
            return decode(PublishPrice, frame.payload) if frame.is_cluster_command else None
        except MalformedMessage:
            return None

    async def listen(self, meter: Meter) -> bool:
        """Be told of changes; False when the meter tells some of them only to who asks."""
        told = [
            await self._bind(meter.peer, endpoint, each.cluster_id)
            for each in _TELLING
            if (endpoint := meter.endpoint_of(each.cluster_id)) is not None
        ]
        return all(told)

    async def _bind(self, peer: int, endpoint: int, cluster_id: int) -> bool:
        here = (self._host.node.eui64, self._endpoint)
        answer = await self._host.zdo(bind(peer, endpoint, cluster_id, here))
        return answer[:1] == bytes((ZdoStatus.SUCCESS,))

    async def subscribe(self, meter: Meter, records: tuple[ReportingRecord, ...]) -> bool:
        """Have a meter report its register and power; False when it does not want to."""
        if not await self._bind(meter.peer, meter.endpoint, METERING.cluster_id):
            return False
        far = Far(meter.peer, meter.endpoint, METERING.cluster_id, self._endpoint)
        frame = await self._host.request(far.configure_reporting(records))
        if frame.is_cluster_command or frame.command_id != _CONFIGURED:
            return False
        try:
            return not ConfigureReportingResponse.parse(frame.payload).failures
        except MalformedMessage:
            return False

    async def change_of_tenancy(self, peer: int, endpoint: int) -> Change | None:
        """What a peer tells by attribute, or by command if it has no such attribute.

        HostError when it does not answer.
        """
        values = await self.read(peer, endpoint, DEVICE_MANAGEMENT.cluster_id, QUESTION)
        if CHANGE_OF_TENANCY_UPDATE_DATE_TIME in values:
            return change_of(values)
        cluster_id = DEVICE_MANAGEMENT.cluster_id
        frame = await self.command(peer, endpoint, cluster_id, "GetChangeOfTenancy")
        try:
            return change_published(frame)
        except MalformedMessage:
            return None

    async def endpoint_of(
        self, peer: int, nwk: int, cluster_id: int, prefer: int = 0
    ) -> int | None:
        """Where a peer serves a cluster, if possible at one endpoint; None when it does not."""
        try:
            found = await find_endpoints(self._host, peer, nwk, cluster_id)
        except NotProvided:
            return None
        return prefer if prefer in found else found[0]

    async def _meter(self, peer: int, nwk: int, endpoint: int) -> Meter | None:
        try:
            fuel = fuel_of(await self.read(peer, endpoint, METERING.cluster_id, KIND))
            if fuel is None:
                return None
            tenancy = await self.endpoint_of(peer, nwk, DEVICE_MANAGEMENT.cluster_id)
            others = {
                each.cluster_id: found
                for each in _FURTHER
                if (found := await self.endpoint_of(peer, nwk, each.cluster_id, endpoint))
            }
        except HostError:
            return None  # it is looked for again
        return Meter(fuel, peer, endpoint, tenancy, others)
