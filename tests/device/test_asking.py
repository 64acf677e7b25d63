"""Asking a peer: endpoints by cluster, attributes, and what is no answer."""

from __future__ import annotations

from datetime import datetime

import pytest

from device.asking import (
    HUB_NWK,
    NotProvided,
    find_endpoints,
    hub_of,
    read_attributes,
    read_hub_time,
)
from device.host import HostError
from han.radio import ApsReceived
from han.requests import Far
from han.zcl.tables import Side
from tests.device.pair import DISPLAY, METER, METERING, Pair


async def test_an_endpoint_is_found_by_the_side_of_its_cluster(pair: Pair) -> None:
    assert await find_endpoints(pair.display, METER, HUB_NWK, METERING) == (1,)
    with pytest.raises(NotProvided, match="00DB1234567890A1: no endpoint has the client of 0702"):
        await find_endpoints(pair.display, METER, HUB_NWK, METERING, Side.CLIENT)
    with pytest.raises(NotProvided, match="no endpoint has the server of 0704"):
        await find_endpoints(pair.display, METER, HUB_NWK, 0x0704)


async def test_a_peer_that_is_not_meant_provides_nothing(pair: Pair) -> None:
    with pytest.raises(NotProvided):
        await find_endpoints(pair.display, METER, METER & 0xFFFF, METERING)


async def test_attributes_that_are_not_told_are_missing(pair: Pair) -> None:
    told = await read_attributes(pair.display, Far(METER, 1, METERING), (0, 0x0300, 1))
    assert told == {0: 500, 1: bytes(200)}


async def test_a_read_that_is_refused_is_named(pair: Pair) -> None:
    with pytest.raises(NotProvided, match="cluster 0704 is not read"):
        await read_attributes(pair.display, Far(METER, 1, 0x0704), (0,))


async def test_an_answer_that_is_none_is_named(pair: Pair) -> None:
    def answer_with_half_a_record(frame: ApsReceived, now: datetime) -> None:
        octets = bytes((0x18, frame.payload[1], 0x01, 0x00))
        answer = ApsReceived(METER, 0x0109, METERING, 1, 1, octets, True, 1, 0)
        pair.display_radio.put(answer)

    pair.meter.node.receive = answer_with_half_a_record  # type: ignore[method-assign]
    with pytest.raises(NotProvided, match="Read Attributes Response"):
        await read_attributes(pair.display, Far(METER, 1, METERING), (0,))


async def test_a_radio_without_a_network_knows_no_hub(pair: Pair) -> None:
    assert pair.display.node.eui64 == DISPLAY
    with pytest.raises(HostError, match="hub's address"):
        hub_of(pair.display)
    with pytest.raises(HostError, match="hub's address"):
        await read_hub_time(pair.display, 1)
