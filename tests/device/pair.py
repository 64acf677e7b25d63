"""A meter and a display on one wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import pytest

from device.events import (
    Event,
    EventStream,
)
from device.host import Host, payload_limits
from device.timeline import Timeline
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import ReadAttributes, ReadAttributesResponse
from gbcs.zcl.types import DataType
from han.endpoint import Endpoint
from han.exchange import Request
from han.node import Node
from han.settings import NodeSettings
from han.zcl.tables import (
    Access,
    Attribute,
    AttributeDefinition,
    Cluster,
    ClusterDefinition,
    Command,
    CommandDefinition,
    Served,
)
from tests.device.wire import Wire, WireRadio

METER, DISPLAY = 0x00DB1234567890A1, 0x00DB1234567890A4
METERING = 0x0702
SILENT = 0x42


def metering() -> Served:
    """Half a kilolitre, a log too long for one frame, and a command nobody answers."""

    def nothing(model: int, payload: bytes, access: Access) -> tuple[()]:
        return ()

    cluster: Cluster[int] = Cluster(
        ClusterDefinition(METERING, "Metering"),
        attributes=(
            Attribute(AttributeDefinition(0, "Volume", DataType.UINT48), lambda m: m),
            Attribute(AttributeDefinition(1, "Log", DataType.OCTET_STRING), lambda m: bytes(200)),
        ),
        commands=(Command(CommandDefinition(SILENT, "Silent"), nothing),),
    )
    return cluster.on(500)


@dataclass
class Pair:
    """A meter and a display on one wire."""

    timeline: Timeline
    wire: Wire = field(default_factory=Wire)
    seen: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.events = EventStream()
        self.events.subscribe(self.seen.append)
        self.meter_radio, self.display_radio = self.wire.radio(METER), self.wire.radio(DISPLAY)
        self.meter = self._host(METER, self.meter_radio, metering())
        self.display = self._host(DISPLAY, self.display_radio)

    def _host(self, eui64: int, radio: WireRadio, *served: Served) -> Host:
        settings = NodeSettings(limits=payload_limits(radio))
        node = Node(eui64, [Endpoint(1, 0x0501, served)], settings)
        return Host(node, radio, self.timeline, self.events, max_pending=20)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.seen if isinstance(event, kind)]


@pytest.fixture
async def pair(timeline: Timeline) -> AsyncIterator[Pair]:
    pair = Pair(timeline)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(pair.meter.running())
        await stack.enter_async_context(pair.display.running())
        yield pair


def read(*attribute_ids: int, peer: int = METER) -> Request:
    payload = ReadAttributes(attribute_ids).to_bytes()
    return Request(peer, 1, METERING, 0, payload, general=True)


def silent(**fields: object) -> Request:
    request = Request(METER, 1, METERING, SILENT)
    return replace(request, **fields)  # type: ignore[arg-type]  # fields are passed through


def value_of(frame: Frame) -> object:
    return ReadAttributesResponse.parse(frame.payload).records[0].value
