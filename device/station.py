"""A device on a radio: endpoints announced, radio started, node built to the radio's limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from device.events import EventStream
from device.host import Host, payload_limits
from device.timeline import Timeline
from han.endpoint import Endpoint
from han.node import Node, NodeSettings
from han.radio import HanRadio


async def start_station(
    radio: HanRadio,
    endpoints: Sequence[Endpoint],
    timeline: Timeline,
    events: EventStream,
    settings: NodeSettings | None = None,
) -> Host:
    """Open the radio and put a node on it; the network comes next, then ``Host.running``."""
    radio.set_endpoints([endpoint.descriptor for endpoint in endpoints if not endpoint.hidden])
    await radio.start()
    limits = payload_limits(radio)
    node = Node(radio.eui64, endpoints, replace(settings or NodeSettings(), limits=limits), radio)
    return Host(node, radio, timeline, events)
