"""Messages through an EZSP dongle.

Tags and outcomes on the way out, addresses and order on the way in.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import bellows.types as t

from han.radio import (
    ApsFrame,
    ApsReceived,
    Block,
    BlockAck,
    Broadcast,
    DeliveryReport,
    DeliveryStatus,
    RadioError,
)
from hw.ezsp_callbacks import ApsHeader, Incoming
from hw.ezsp_port import (
    OPTION_ENCRYPTION,
    OPTION_FRAGMENT,
    OPTION_RETRY,
    OPTION_ROUTE_DISCOVERY,
    EzspPort,
)
from hw.zigbee import zdo

MAX_IN_FLIGHT: Final = 16
OUTCOME_TIMEOUT_S: Final = 60.0  # longer than any firmware retries
ADDRESS_TIMEOUT_S: Final = 1.5
TAGS: Final = 0x100
ANSWERED_BY_FIRMWARE: Final = frozenset((0x0000, 0x0001, 0x0002, 0x0003, 0x0036))
"""ZDO requests (addresses, node and power descriptor, joining) that need no second answer."""

_OUTCOMES: Final = {
    t.sl_Status.OK: DeliveryStatus.DELIVERED,
    t.sl_Status.MAC_INDIRECT_TIMEOUT: DeliveryStatus.EXPIRED,
    t.sl_Status.ZIGBEE_APS_ENCRYPTION_ERROR: DeliveryStatus.NO_LINK_KEY,
}
_RADIO_REFUSALS: Final = (
    t.sl_Status.NETWORK_DOWN,
    t.sl_Status.NOT_JOINED,
    t.sl_Status.MESSAGE_TOO_LONG,
    t.sl_Status.INVALID_STATE,
)


class AddressBook:
    """Who has which short address, as far as it was heard or asked; cleared with the network."""

    def __init__(self) -> None:
        self._nodes: dict[int, int] = {}
        self._eui64s: dict[int, int] = {}
        self._asked: dict[int, asyncio.Future[None]] = {}

    def learn(self, eui64: int, node: int) -> None:
        """Remember; whoever asked hears it. Who had the address before has it no more."""
        self.forget(eui64)
        former = self._eui64s.get(node)
        if former is not None:
            del self._nodes[former]
        self._nodes[eui64] = node
        self._eui64s[node] = eui64
        asked = self._asked.pop(eui64, None)
        if asked is not None and not asked.done():
            asked.set_result(None)

    def forget(self, eui64: int) -> None:
        """Drop one device."""
        node = self._nodes.pop(eui64, None)
        if node is not None:
            self._eui64s.pop(node, None)

    def clear(self) -> None:
        """Drop everyone."""
        self._nodes.clear()
        self._eui64s.clear()

    def known(self) -> tuple[int, ...]:
        """Everyone whose address is known."""
        return tuple(self._nodes)

    def node_of(self, eui64: int) -> int | None:
        """Short address, if known."""
        return self._nodes.get(eui64)

    def eui64_of(self, node: int) -> int | None:
        """EUI-64, if known."""
        return self._eui64s.get(node)

    async def told(self, eui64: int) -> None:
        """Wait until the address is known, or for ADDRESS_TIMEOUT_S."""
        if eui64 in self._nodes:
            return
        asked = self._asked.setdefault(eui64, asyncio.get_running_loop().create_future())
        await asyncio.wait([asked], timeout=ADDRESS_TIMEOUT_S)


class Messages:
    """Sends and receives through one port after another; outlives a lost radio."""

    def __init__(self, book: AddressBook, received: Callable[[ApsReceived], None]) -> None:
        self._book = book
        self._received = received
        self._pending: dict[int, asyncio.Future[DeliveryStatus]] = {}
        self._next_tag = 0
        self._in_flight = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._unknown: deque[Incoming] = deque()
        self._resolving: asyncio.Task[None] | None = None
        self._zdo_sequence = 0

    # -- out ------------------------------------------------------------------------------------

    async def send(self, port: EzspPort, frame: ApsFrame) -> DeliveryReport:
        """Send one frame and wait for its end."""
        header = _header(frame)
        if isinstance(frame.peer, Broadcast):
            status, counter = await port.broadcast(frame.peer, header, self._tag(), frame.payload)
            _refuse(status)
            return DeliveryReport(DeliveryStatus.DELIVERED, counter)
        node = await self._node_of(port, frame.peer)
        if node is None:
            return DeliveryReport(DeliveryStatus.UNKNOWN_PEER, 0)
        async with self._in_flight:
            return await self._unicast(port, node, header, frame.payload)

    async def _unicast(
        self, port: EzspPort, node: int, header: ApsHeader, payload: bytes
    ) -> DeliveryReport:
        tag = self._tag()
        ended = self._pending[tag] = asyncio.get_running_loop().create_future()
        try:
            status, counter = await port.send(node, header, tag, payload)
            if status != t.sl_Status.OK:
                _refuse(status)
                return DeliveryReport(_outcome(status), counter)
            async with asyncio.timeout(OUTCOME_TIMEOUT_S):
                return DeliveryReport(await ended, counter)
        except TimeoutError:
            return DeliveryReport(DeliveryStatus.NO_ACKNOWLEDGEMENT, counter)
        finally:
            self._pending.pop(tag, None)

    def _tag(self) -> int:
        for _ in range(TAGS):
            self._next_tag = (self._next_tag + 1) % TAGS
            if self._next_tag not in self._pending:
                break
        return self._next_tag

    async def _node_of(self, port: EzspPort, eui64: int) -> int | None:
        """Address book, then the firmware, then a NWK_addr_req on the air."""
        node = self._book.node_of(eui64)
        if node is None:
            node = await port.node_of(eui64)
            if node is not None:
                self._book.learn(eui64, node)
        if node is None:
            await self._ask(port, eui64)
            node = self._book.node_of(eui64)
        return node

    async def seek(self, port: EzspPort, eui64: int) -> None:
        """Learn the address of a device that may be on the network; not every one answers.

        After a restart firmware knows its children's, and of routers what it hears again.
        """
        with suppress(RadioError):
            await self._node_of(port, eui64)

    async def _ask(self, port: EzspPort, eui64: int) -> None:
        self._zdo_sequence = self._zdo_sequence + 1 & 0xFF
        request = zdo.nwk_addr_request(self._zdo_sequence, eui64)
        header = ApsHeader(0, zdo.NWK_ADDR_REQ, 0, 0, OPTION_ROUTE_DISCOVERY)
        await port.broadcast(Broadcast.RX_ON_WHEN_IDLE, header, self._tag(), request)
        await self._book.told(eui64)

    def sent(self, message_tag: int, outcome: t.sl_Status) -> None:
        """What became of a message."""
        ended = self._pending.get(message_tag)
        if ended is not None and not ended.done():
            ended.set_result(_outcome(outcome))

    def lost(self) -> None:
        """The radio is gone: whatever is outstanding ends so."""
        for ended in self._pending.values():
            if not ended.done():
                ended.set_result(DeliveryStatus.RADIO_LOST)
        self._unknown.clear()
        if self._resolving is not None:
            self._resolving.cancel()
            self._resolving = None

    async def acknowledge_block(self, port: EzspPort, ack: BlockAck) -> None:
        """Acknowledge parts of a fragmented message."""
        node = self._book.node_of(ack.peer)
        if node is None:
            raise RadioError(f"no address known for {ack.peer:016X}")
        header = ApsHeader(
            ack.profile_id,
            ack.cluster_id,
            ack.source_endpoint,
            ack.destination_endpoint,
            OPTION_FRAGMENT | OPTION_RETRY | OPTION_ROUTE_DISCOVERY,
            (ack.received & 0xFF) << 8 | ack.window_start & 0xFF,
            ack.aps_counter,
        )
        await port.reply(node, header)

    # -- in -------------------------------------------------------------------------------------

    def incoming(self, port: EzspPort, message: Incoming) -> None:
        """Hand a message up under its sender's EUI-64, in order even when that must be asked."""
        if message.eui64 is not None and self._book.eui64_of(message.node) != message.eui64:
            self._book.learn(message.eui64, message.node)
        if message.header.profile_id == 0:
            for eui64, node in zdo.told_addresses(message.header.cluster_id, message.payload):
                self._book.learn(eui64, node)
            if message.header.cluster_id in ANSWERED_BY_FIRMWARE:
                return
        peer = self._book.eui64_of(message.node)
        if peer is not None and not self._unknown:
            self._received(_received(message, peer))
            return
        self._unknown.append(message)
        if self._resolving is None:
            self._resolving = asyncio.get_running_loop().create_task(
                self._resolve(port), name="addresses of unknown senders"
            )

    async def _resolve(self, port: EzspPort) -> None:
        while self._unknown:
            peer = await self._sender(port, self._unknown[0])
            message = self._unknown.popleft()
            if peer is not None:
                self._received(_received(message, peer))
        self._resolving = None

    async def _sender(self, port: EzspPort, message: Incoming) -> int | None:
        """Who sent it; None when the firmware does not know or does not say."""
        peer = self._book.eui64_of(message.node)
        if peer is None:
            try:
                peer = await port.eui64_of(message.node)
            except RadioError:
                return None
            if peer is not None:
                self._book.learn(peer, message.node)
        return peer


def _header(frame: ApsFrame) -> ApsHeader:
    options = OPTION_ROUTE_DISCOVERY
    options |= OPTION_RETRY if frame.acknowledged else 0
    options |= OPTION_ENCRYPTION if frame.encrypted else 0
    group = 0
    if frame.block is not None:
        options |= OPTION_FRAGMENT
        group = frame.block.index | (frame.block.count or 0) << 8
    return ApsHeader(
        frame.profile_id,
        frame.cluster_id,
        frame.source_endpoint,
        frame.destination_endpoint,
        options,
        group,
        frame.aps_counter or 0,
    )


def _received(message: Incoming, peer: int) -> ApsReceived:
    header, block = message.header, None
    if header.options & OPTION_FRAGMENT:
        index = header.group & 0xFF
        block = Block(index, header.group >> 8 if index == 0 else None)
    return ApsReceived(
        peer,
        header.profile_id,
        header.cluster_id,
        header.source_endpoint,
        header.destination_endpoint,
        message.payload,
        bool(header.options & OPTION_ENCRYPTION),
        header.sequence,
        message.node,
        message.broadcast,
        block,
        message.lqi,
        message.rssi_dbm,
    )


def _outcome(status: t.sl_Status) -> DeliveryStatus:
    return _OUTCOMES.get(status, DeliveryStatus.NO_ACKNOWLEDGEMENT)


def _refuse(status: t.sl_Status) -> None:
    if status in _RADIO_REFUSALS:
        raise RadioError(f"the dongle does not send: {status.name}")
