"""A small network for tests: a hub of any filling, peers of any filling, and what they heard."""

from __future__ import annotations

import asyncio
import importlib
import io
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Final, TypeVar

import pytest

from device.timeline import Timeline
from han.radio import (
    ApsFrame,
    ApsReceived,
    HanRadio,
    NetworkParameters,
    RadioEvent,
    Role,
    SimpleDescriptor,
    link_key_of_install_code,
)
from hw.bellows_radio import BellowsRadio
from hw.capture import PcapWriter
from hw.ether import Ether, Link
from hw.ether_radio import EtherRadio
from hw.settings import ParentSettings
from hw.stack import MemoryStore
from hw.vncp.ncp import VirtualNcp
from hw.vncp.transport import publish, withdraw

HUB: Final = 0x0A0B0C0D0E0F1011
METER: Final = 0x0A0B0C0D0E0F1012
DISPLAY: Final = 0x0A0B0C0D0E0F1013
CHANNEL: Final = 15
NETWORK_KEY: Final = bytes.fromhex("5A" * 16)
METER_KEY: Final = link_key_of_install_code(bytes.fromhex("83FED3407A939723A5C639B26916D505"))
DISPLAY_KEY: Final = link_key_of_install_code(bytes.fromhex("83FED3407A939723A5C639B2"))
NETWORK: Final = NetworkParameters(CHANNEL, 0xABCD, HUB, NETWORK_KEY)
SMART_ENERGY: Final = 0x0109
METERING: Final = 0x0702
ENDPOINTS: Final = (SimpleDescriptor(1, SMART_ENERGY, 0x0500, (0x0000,), (METERING,)),)
NEW_KEY: Final = bytes(range(0x40, 0x50))
"""A link key that replaces the preconfigured one."""
FILLINGS: Final = ("ether", "ezsp8", "ezsp13", "ezsp14", "ezsp19")
JOINERS: Final = ("ether", "ezsp8", "ezsp13", "ezsp19")
E = TypeVar("E")


@dataclass
class Node:
    """A radio and everything it reported."""

    radio: HanRadio
    heard: list[RadioEvent] = field(default_factory=list)
    kill: Callable[[], object] = lambda: None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        async for event in self.radio.events():
            self.heard.append(event)
            self._news.set()

    async def hears(self, kind: type[E], timeout_s: float = 60.0) -> E:
        """The next event of this kind, taken off the list."""
        async with asyncio.timeout(timeout_s):
            while True:
                for event in self.heard:
                    if isinstance(event, kind):
                        self.heard.remove(event)
                        return event
                self._news.clear()
                await self._news.wait()

    async def hears_payload(self, timeout_s: float = 60.0) -> ApsReceived:
        """The next application message."""
        while True:
            received = await self.hears(ApsReceived, timeout_s)
            if received.profile_id == SMART_ENERGY:
                return received

    def payloads(self) -> list[bytes]:
        """Application messages heard so far."""
        return [
            e.payload
            for e in self.heard
            if isinstance(e, ApsReceived) and e.profile_id == SMART_ENERGY
        ]


def needed(module: str) -> ModuleType:
    """A module of the extra ``flash``; the tests that need it are skipped without."""
    if os.environ.get("CHUB_REQUIRE_ALL"):
        return importlib.import_module(module)
    found: ModuleType = pytest.importorskip(module)
    return found


class Air:
    """An ether, the nodes on it, and the capture of all they said."""

    def __init__(self, timeline: Timeline, hub_kind: str, seed: int = 1) -> None:
        self.ether = Ether(seed)
        self.octets = io.BytesIO()
        self.ether.tap(PcapWriter(self.octets, timeline.now))
        self.hub_kind = hub_kind
        self.stores: dict[int, MemoryStore] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._nodes: list[Node] = []
        self._names: list[str] = []

    def make(self, kind: str, eui64: int, role: Role, parent: ParentSettings | None = None) -> Node:
        """A node of this filling: ``ether``, or ``ezsp13`` and the like."""
        store = self.stores.setdefault(eui64, MemoryStore())
        if kind == "ether":
            radio = EtherRadio(self.ether, eui64, role, store, parent)
            node = Node(radio, kill=lambda: radio.fail("killed"))
        else:
            ncp = VirtualNcp(self.ether, eui64, ezsp_version=int(kind[4:]), store=store)
            name = f"{eui64:x}-{len(self._names)}"
            self._names.append(name)

            def unplug() -> None:
                withdraw(name)
                ncp.drop_line()

            node = Node(
                BellowsRadio(
                    publish(name, ncp), role, heartbeat_s=None, parent=parent, closed=unplug
                ),
                kill=ncp.drop_line,
            )
        node.radio.set_endpoints(ENDPOINTS)
        self._nodes.append(node)
        self._tasks.append(asyncio.create_task(node.listen()))
        return node

    async def hub(self, parent: ParentSettings | None = None) -> Node:
        """A coordinator that has formed the network."""
        node = self.make(self.hub_kind, HUB, Role.COORDINATOR, parent)
        await node.radio.start()
        await node.radio.form(NETWORK)
        return node

    async def peer(
        self,
        hub: Node,
        role: Role = Role.ROUTER,
        kind: str = "ether",
        eui64: int = METER,
        key: bytes = METER_KEY,
    ) -> Node:
        """A device that has joined and is known to the hub."""
        await hub.radio.allow_join(eui64, key)
        await hub.radio.permit_joining(60)
        node = self.make(kind, eui64, role)
        await node.radio.start()
        (beacon,) = await node.radio.scan([CHANNEL])
        await node.radio.join(beacon, key)
        announce = await hub.hears(ApsReceived)
        assert (announce.profile_id, announce.cluster_id) == (0, 0x0013)
        return node

    async def close(self) -> None:
        for node in self._nodes:
            await node.radio.close()
        await asyncio.gather(*self._tasks)


@asynccontextmanager
async def published(ncp: VirtualNcp) -> AsyncIterator[str]:
    """The URL of a virtual dongle while the block runs."""
    path = publish("under-test", ncp)
    try:
        yield path
    finally:
        withdraw("under-test")
        ncp.drop_line()


def message(
    peer: int,
    payload: bytes = b"01 message",
    *,
    encrypted: bool = False,
) -> ApsFrame:
    return ApsFrame(peer, SMART_ENERGY, METERING, 1, 1, payload, encrypted=encrypted)


LOSSY: Final = Link(loss=0.2, repeat=0.2)
