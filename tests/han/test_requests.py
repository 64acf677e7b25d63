"""Finding endpoints, general requests and reports between nodes with unusual endpoint numbers."""

from __future__ import annotations

import pytest

from gbcs.errors import MalformedMessage
from gbcs.zcl.general import (
    AttributeValue,
    ConfigureReportingResponse,
    ReadAttributesResponse,
    ReportingRecord,
    WriteAttributesResponse,
)
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType
from han.clusters import METERING, TUNNELING
from han.clusters.mirrored import mirrored
from han.endpoint import Endpoint
from han.exchange import Replied, ZdoReplied
from han.node import Node
from han.requests import Far, command_of
from han.tunnel import TunnelClients, TunnelServer
from han.zcl.tables import Failure, Side
from han.zdo.client import endpoints_of, match_descriptors
from han.zdo.server import FixedAddresses
from tests.han.home import HUB, METER, START, Home

METER_NWK = 0x3F21


def rig() -> Home:
    server = TunnelServer(0xEE)
    clients = TunnelClients(0xE1)
    metering = mirrored(METERING, Side.SERVER, lambda i: 5 if i < 3 else Failure(Status.NOT_FOUND))
    hub = Node(HUB, [Endpoint(0xE1, 0x0508, [clients.served()])])
    endpoints = [Endpoint(0xEE, 0x0501, [server.served()]), Endpoint(0xEF, 0x0501, [metering])]
    return Home.of(hub, Node(METER, endpoints, addresses=FixedAddresses(METER_NWK)))


def test_endpoints_are_found_by_their_cluster() -> None:
    air = rig()
    tunneling, metering = (TUNNELING.cluster_id,), (METERING.cluster_id,)
    for inputs, outputs in ((tunneling, ()), (metering, ()), ((), metering)):
        asked = match_descriptors(METER, METER_NWK, inputs=inputs, outputs=outputs)
        air.nodes[HUB].send(asked, START)
    air.settle()
    replies = [e for e in air.events[HUB] if isinstance(e, ZdoReplied)]
    assert [endpoints_of(e.payload) for e in replies] == [(0xEE,), (0xEF,), ()]


def test_a_peer_that_says_no_has_no_endpoints() -> None:
    assert endpoints_of(bytes.fromhex("00 21 3F 01 EE")) == (0xEE,)
    assert endpoints_of(bytes.fromhex("81 21 3F 01 EE")) == ()
    assert endpoints_of(bytes.fromhex("81 21 3F")) == ()
    with pytest.raises(MalformedMessage):
        endpoints_of(bytes.fromhex("00 21 3F 02 EE"))


def test_general_requests_of_a_client() -> None:
    air = rig()
    hub = air.nodes[HUB]
    meter = Far(METER, 0xEF, METERING.cluster_id, 0xE1)
    hub.send(meter.read([0x0000, 0x0400]), START)
    hub.send(meter.write([AttributeValue(0, DataType.UINT48, 1)]), START)
    hub.send(meter.write([AttributeValue(0, DataType.UINT48, 1)], undivided=True), START)
    hub.send(
        meter.configure_reporting([ReportingRecord(0, DataType.UINT48, 5, 60, change=1)]), START
    )
    hub.send(meter.command(command_of(METERING, "GetSnapshot")), START)
    air.settle()
    replies = [e for e in air.events[HUB] if isinstance(e, Replied)]
    records = ReadAttributesResponse.parse(replies[0].frame.payload).records
    assert [(r.status, r.value) for r in records] == [(0, 5), (Status.NOT_FOUND, None)]
    refused = ((Status.READ_ONLY, 0),)
    assert WriteAttributesResponse.parse(replies[1].frame.payload).failures == refused
    assert WriteAttributesResponse.parse(replies[2].frame.payload).failures == refused
    assert ConfigureReportingResponse.parse(replies[3].frame.payload).failures == ()
    assert replies[4].status is Status.UNSUP_CLUSTER_COMMAND


def test_a_command_is_found_by_name() -> None:
    assert command_of(METERING, "GetSnapshot").answered_by == (0x06,)
    with pytest.raises(KeyError):
        command_of(METERING, "NoSuchCommand")
