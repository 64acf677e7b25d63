"""A device on a radio: joined to the HAN, within its radio's limits, set by the hub's time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from device.asking import read_hub_time
from device.bindings import KeptBindings
from device.chassis import Chassis
from device.commissioning import JoinSettings
from device.events import EventStream
from device.host import Host, HostError, payload_limits
from device.joining import JoinCredentials, Joining
from device.polling import Polling, PollSettings
from device.timeline import Timeline
from han.endpoint import Endpoint
from han.node import Node, NodeSettings
from han.radio import HanRadio, RadioError
from han.reporter import Reporter


class Station:
    """What every device that joins has in common: one chassis on one radio.

    ``endpoint`` is the number of the endpoint on which it serves key establishment and asks others.
    """

    def __init__(
        self,
        chassis: Chassis,
        timeline: Timeline,
        radio: HanRadio,
        credentials: JoinCredentials,
        *,
        join_settings: JoinSettings | None = None,
        node_settings: NodeSettings | None = None,
        poll_settings: PollSettings | None = None,
        endpoint: int = 1,
    ) -> None:
        self.chassis, self.timeline, self.radio = chassis, timeline, radio
        self.endpoint = endpoint
        self.joining = Joining(chassis, timeline, radio, credentials, endpoint, join_settings)
        self.polling = Polling(chassis, radio, self.joining, endpoint, poll_settings)
        self._node_settings = node_settings

    async def start(self, endpoint: Endpoint) -> Host:
        """Put a node with this one endpoint on the radio; RadioError if it fails."""
        for served in self.polling.served():
            endpoint.server.add(served)
        host = await start_station(
            self.radio, [endpoint], self.timeline, self.chassis.events, self._node_settings
        )
        KeptBindings(self.chassis.store).attach(host)
        self.joining.attach(host)
        self.polling.attach(host)
        return host

    async def keep_time(self, host: Host, *, period_s: int, retry_s: int) -> None:
        """Set the clock by the hub's time at the start, then once a period; until cancelled."""
        while True:
            known = await self._set_time(host)
            await self.timeline.sleep(timedelta(seconds=period_s if known else retry_s))

    async def _set_time(self, host: Host) -> bool:
        try:
            hub_time = await read_hub_time(host, self.endpoint)
        except (HostError, RadioError):
            return False
        if hub_time is None:
            self.chassis.clock.hub_silent()
            return False
        self.chassis.clock.set_clock(hub_time, None, None)
        return True


async def start_station(
    radio: HanRadio,
    endpoints: Sequence[Endpoint],
    timeline: Timeline,
    events: EventStream,
    settings: NodeSettings | None = None,
) -> Host:
    """Open the radio and put a node on it that reports what peers configure.

    The network comes next, then ``Host.running``.
    """
    radio.set_endpoints([endpoint.descriptor for endpoint in endpoints if not endpoint.hidden])
    await radio.start()
    chosen = settings or NodeSettings()
    described = replace(chosen.description, role=radio.role)
    chosen = replace(chosen, limits=payload_limits(radio), description=described)
    node = Node(radio.eui64, endpoints, chosen, radio)
    node.attach(Reporter(endpoints, lambda: node.bindings))
    return Host(node, radio, timeline, events)
