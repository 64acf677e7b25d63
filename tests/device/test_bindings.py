"""Whom a device's clusters report to, after its process ended."""

from __future__ import annotations

import pytest

from device.bindings import KeptBindings
from device.events import EventStream
from device.host import Host
from device.store import MemoryStore, StoreError
from device.timeline import Timeline
from han.endpoint import Endpoint
from han.node import Node
from han.radio import NetworkDown
from han.zdo.server import Binding
from tests.device.wire import Wire

HUB, METER = 0x0243485542000001, 0x0243485542000002
BINDING = Binding(10, 0x0020, HUB, 3)


def host(timeline: Timeline, store: MemoryStore) -> Host:
    node = Node(METER, [Endpoint(10, 0x0501)])
    made = Host(node, Wire().radio(METER), timeline, EventStream())
    KeptBindings(store).attach(made)
    return made


async def test_a_device_knows_who_bound_it_after_a_restart(timeline: Timeline) -> None:
    store = MemoryStore()
    one = host(timeline, store)
    async with one.running():
        one.node.bindings.append(BINDING)
        one.kick()
    again = host(timeline, store)
    assert again.node.bindings == [BINDING]
    async with again.running():
        again.node.bindings.clear()
        again.kick()
    assert host(timeline, store).node.bindings == []


async def test_a_device_that_left_its_network_is_bound_by_nobody(timeline: Timeline) -> None:
    store = MemoryStore()
    one = host(timeline, store)
    one.node.bindings.append(BINDING)
    one._take(NetworkDown("left"))
    assert one.node.bindings == []
    assert host(timeline, store).node.bindings == []


@pytest.mark.parametrize("row", [[1, 2, 3], "10", [10, 32, "x", "3"]])
def test_bindings_that_cannot_be_read_are_named(row: list[int] | str) -> None:
    store = MemoryStore()
    with store.transaction() as unit:
        unit.put_json("bindings", [row])  # type: ignore[list-item]
    with pytest.raises(StoreError, match="which is no binding"):
        KeptBindings(store)
