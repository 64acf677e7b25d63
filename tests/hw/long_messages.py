"""A hub and a device that send each other messages of many frames, over any radios."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from device.events import EventStream
from device.host import Host
from device.station import start_station
from device.timeline import Timeline
from han.endpoint import Endpoint
from han.exchange import Request
from han.radio import Role
from han.zcl.tables import Access, Cluster, ClusterDefinition, Command, CommandDefinition
from hw.ether import Ether, Link
from hw.radio_string import open_radio
from tests.hw.air import HUB, METER, METER_KEY, NETWORK

TUNNELING = 0x0704
TRANSFER = 0x02


@dataclass
class Party:
    """One end: its host, and every message it was given, in order."""

    host: Host
    heard: list[bytes] = field(default_factory=list)

    async def tell(self, peer: int, octets: bytes) -> None:
        """Send a command with this payload; HostError when it could not be delivered."""
        await self.host.send(
            Request(peer, 1, TUNNELING, TRANSFER, octets, default_response=False, encrypted=True)
        )


@asynccontextmanager
async def parties(
    timeline: Timeline, hub_radio: str, device_radio: str, role: Role, *, seed: int, link: Link
) -> AsyncIterator[tuple[Party, Party]]:
    """A hub and a device that has joined it; the link between them is bad from then on."""
    ether = Ether(seed)
    async with AsyncExitStack() as stack:
        ends = []
        for text, eui64, kind in ((hub_radio, HUB, Role.COORDINATOR), (device_radio, METER, role)):
            radio = open_radio(text, kind, ether=ether, eui64=eui64)
            stack.push_async_callback(radio.close)
            heard: list[bytes] = []
            endpoint = _endpoint(heard)
            host = await start_station(radio, [endpoint], timeline, EventStream())
            ends.append(Party(host, heard))
        first, second = ends
        await first.host.radio.form(NETWORK)
        await first.host.radio.allow_join(METER, METER_KEY)
        await first.host.radio.permit_joining(60)
        (beacon,) = await second.host.radio.scan([NETWORK.channel])
        await second.host.radio.join(beacon, METER_KEY)
        await second.host.radio.set_awake(awake=True)
        for party in ends:
            await stack.enter_async_context(party.host.running())
        ether.set_link(HUB, METER, link)
        yield first, second


def _endpoint(heard: list[bytes]) -> Endpoint:
    def take(model: list[bytes], payload: bytes, access: Access) -> tuple[()]:
        model.append(payload)
        return ()

    cluster: Cluster[list[bytes]] = Cluster(
        ClusterDefinition(TUNNELING, "Tunneling"),
        commands=(Command(CommandDefinition(TRANSFER, "TransferData"), take),),
    )
    return Endpoint(1, 0x0508, [cluster.on(heard)])
