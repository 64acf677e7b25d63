"""The APS layer of one node.

Acknowledgements and retries, link-key security, duplicates, parts of fragmented messages.

Reassembly is above the port: parts go up one by one, and their acknowledgements come down through
:meth:`ApsLayer.acknowledge_block`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from han.radio import (
    ApsFrame,
    ApsReceived,
    Block,
    BlockAck,
    Broadcast,
    DeliveryStatus,
    key_load_key,
    key_transport_key,
)
from hw.ether import Link
from hw.stack.network import Delivered, NetworkLayer
from hw.stack.state import LinkKey, NodeState
from hw.zigbee import MalformedFrame, NotAuthentic, aps, aps_commands, nwk
from hw.zigbee.security import AuxiliaryHeader, KeyId

ACK_WAIT_S: Final = 1.6  # apscAckWaitDuration
TRIES: Final = 4  # apscMaxFrameRetries is 3
DUPLICATES_REMEMBERED: Final = 24
DUPLICATE_MEMORY_S: Final = 10.0

Ended = Callable[[DeliveryStatus], None]
CommandReceived = Callable[[aps.ApsEnvelope, nwk.NwkFrame], None]
DataReceived = Callable[[ApsReceived], None]


@dataclass(slots=True)
class _Pending:
    """One frame until it ends; retries are secured anew."""

    frame: ApsFrame
    peer: int
    destination: int
    counter: int
    ended: Ended
    tries: int = TRIES
    timer: asyncio.TimerHandle | None = None


PendingKey = tuple[int, int, int | None]


class ApsLayer:
    """Sends and receives APS frames through one NWK layer."""

    def __init__(
        self,
        eui64: int,
        network: NetworkLayer,
        state: NodeState,
        received: DataReceived,
        command: CommandReceived,
    ) -> None:
        self.ack_wait_s = ACK_WAIT_S
        self._eui64 = eui64
        self._network = network
        self._state = state
        self._received = received
        self._command = command
        self._counter = state.first_sequence
        self._pending: dict[PendingKey, _Pending] = {}
        self._seen: dict[int, deque[tuple[int, float]]] = {}
        self._departing: dict[object, Ended] = {}
        self._secured_parts: deque[tuple[int, int]] = deque(maxlen=32)

    @property
    def waiting(self) -> bool:
        """Whether acknowledgements are outstanding."""
        return bool(self._pending)

    def reset(self, status: DeliveryStatus) -> None:
        """End everything outstanding with this status."""
        pending, self._pending = self._pending, {}
        self._seen.clear()
        for item in pending.values():
            self._finish(item, status)
        departing, self._departing = self._departing, {}
        for ended in departing.values():
            ended(status)

    # -- sending --------------------------------------------------------------------------------

    def send(self, frame: ApsFrame, ended: Ended) -> int:
        """Send one frame; its APS counter. ``ended`` is called once, always later."""
        counter = self._counter_of(frame)
        if not frame.acknowledged or isinstance(frame.peer, Broadcast):
            ended = self._once_departed(ended)
        if isinstance(frame.peer, Broadcast):
            self._network.send(
                frame.peer,
                self._octets(frame, counter, None),
                lambda _: ended(DeliveryStatus.DELIVERED),
            )
            return counter
        refusal = self._refusal(frame)
        if refusal is not None:
            asyncio.get_running_loop().call_soon(ended, refusal)
            return counter
        item = _Pending(frame, frame.peer, self._state.addresses[frame.peer], counter, ended)
        if frame.acknowledged:
            former = self._pending.pop(_key(item), None)
            if former is not None:
                self._finish(former, DeliveryStatus.NO_ACKNOWLEDGEMENT)
            self._pending[_key(item)] = item
        self._try(item)
        return counter

    def _once_departed(self, ended: Ended) -> Ended:
        """Remember a frame that ends when it has left, so that a reset can end it."""
        ticket = object()
        self._departing[ticket] = ended

        def departed(status: DeliveryStatus) -> None:
            if self._departing.pop(ticket, None) is not None:
                ended(status)

        return departed

    def _counter_of(self, frame: ApsFrame) -> int:
        if frame.aps_counter is not None:
            return frame.aps_counter
        for _ in range(256):
            self._counter = self._counter + 1 & 0xFF
            if isinstance(frame.peer, Broadcast) or not self._outstanding(frame.peer):
                break
        return self._counter

    def _outstanding(self, peer: int) -> bool:
        return (peer, self._counter, None) in self._pending

    def _refusal(self, frame: ApsFrame) -> DeliveryStatus | None:
        if frame.peer not in self._state.addresses or frame.peer in self._state.expelled:
            return DeliveryStatus.UNKNOWN_PEER
        if frame.encrypted and frame.peer not in self._state.link_keys:
            return DeliveryStatus.NO_LINK_KEY
        return None

    def _try(self, item: _Pending) -> None:
        item.tries -= 1
        item.timer = None
        link_key = None
        if item.frame.encrypted:
            link_key = self._state.link_keys.get(item.peer)
            if link_key is None:
                self._end(item, DeliveryStatus.NO_LINK_KEY)
                return
        self._network.send(
            item.destination,
            self._octets(item.frame, item.counter, link_key),
            lambda delivered: self._left(item, delivered),
        )

    def _left(self, item: _Pending, delivered: bool | None) -> None:
        """The next hop took the frame (or not): wait for the peer's acknowledgement."""
        if delivered is None:
            self._end(item, DeliveryStatus.EXPIRED)
        elif not item.frame.acknowledged:
            status = DeliveryStatus.DELIVERED if delivered else DeliveryStatus.NO_ACKNOWLEDGEMENT
            item.ended(status)
        elif self._pending.get(_key(item)) is item:
            loop = asyncio.get_running_loop()
            item.timer = loop.call_later(self.ack_wait_s, self._unanswered, item)

    def _unanswered(self, item: _Pending) -> None:
        if item.tries > 0:
            self._try(item)
        else:
            self._end(item, DeliveryStatus.NO_ACKNOWLEDGEMENT)

    def _end(self, item: _Pending, status: DeliveryStatus) -> None:
        if not item.frame.acknowledged:
            item.ended(status)
        elif self._pending.get(_key(item)) is item:
            del self._pending[_key(item)]
            self._finish(item, status)

    @staticmethod
    def _finish(item: _Pending, status: DeliveryStatus) -> None:
        if item.timer is not None:
            item.timer.cancel()
        item.ended(status)

    def _octets(self, frame: ApsFrame, counter: int, link_key: LinkKey | None) -> bytes:
        block = None
        if frame.block is not None:
            first = frame.block.index == 0
            number = (frame.block.count or 1) if first else frame.block.index
            block = aps.BlockHeader(first, number)
        broadcast = isinstance(frame.peer, Broadcast)
        header = aps.ApsHeader(
            aps.FrameType.DATA,
            counter,
            aps.Delivery.BROADCAST if broadcast else aps.Delivery.UNICAST,
            frame.destination_endpoint,
            frame.source_endpoint,
            frame.cluster_id,
            frame.profile_id,
            frame.acknowledged and not broadcast,
            link_key is not None,
            False,
            block,
        )
        return self._secure(header, link_key, frame.payload)

    def _secure(self, header: aps.ApsHeader, link_key: LinkKey | None, payload: bytes) -> bytes:
        if link_key is None:
            return header.to_bytes() + payload
        auxiliary = AuxiliaryHeader(KeyId.LINK, self._state.aps_counter.take())
        return header.seal(link_key.key, auxiliary, self._eui64, payload)

    def acknowledge_block(self, ack: BlockAck) -> None:
        """Send the acknowledgement of a part, secured as the part was."""
        destination = self._state.addresses.get(ack.peer)
        if destination is None:
            return
        secured = (ack.peer, ack.aps_counter) in self._secured_parts
        header = aps.ApsHeader(
            aps.FrameType.ACK,
            ack.aps_counter,
            aps.Delivery.UNICAST,
            ack.destination_endpoint,
            ack.source_endpoint,
            ack.cluster_id,
            ack.profile_id,
            False,
            secured,
            False,
            aps.BlockHeader(ack.window_start == 0, ack.window_start, ack.received & 0xFF),
        )
        self._send_ack(header, ack.peer, destination, secured=secured)

    def _send_ack(
        self, header: aps.ApsHeader, peer: int, destination: int, *, secured: bool
    ) -> None:
        link_key = self._state.link_keys.get(peer) if secured else None
        if secured and link_key is None:
            return
        self._network.send(destination, self._secure(header, link_key, b""), _ignore)

    def send_command(
        self,
        destination: int,
        command: bytes,
        key: bytes,
        key_id: KeyId,
        *,
        network_secured: bool,
        delivered: Delivered | None = None,
    ) -> None:
        """Send an APS command under a link key, or under what is made from it; unacknowledged."""
        self._counter = self._counter + 1 & 0xFF
        octets = aps_commands.seal_command(
            protected_by(key, key_id),
            key_id,
            self._counter,
            self._state.aps_counter.take(),
            self._eui64,
            command,
        )
        self._network.send(destination, octets, delivered or _ignore, secured=network_secured)

    def broadcast_command(self, to: Broadcast, command: bytes, departed: Delivered) -> None:
        """Send an APS command to everybody, under the network key alone."""
        self._counter = self._counter + 1 & 0xFF
        header = aps.ApsHeader(aps.FrameType.COMMAND, self._counter, aps.Delivery.BROADCAST)
        self._network.send(to, header.to_bytes() + command, departed)

    # -- receiving ------------------------------------------------------------------------------

    def receive(self, frame: nwk.NwkFrame, link: Link) -> None:
        """Take the payload of a NWK data frame; anything wrong with it is dropped."""
        try:
            envelope = aps.parse(frame.payload)
            if envelope.header.kind is aps.FrameType.COMMAND:
                self._command(envelope, frame)
            elif frame.secured:
                self._addressed(envelope, frame, link)
        except (MalformedFrame, NotAuthentic):
            return

    def _addressed(self, envelope: aps.ApsEnvelope, frame: nwk.NwkFrame, link: Link) -> None:
        peer = self._state.eui64_of(frame.source)
        if peer is None:
            return
        payload = self.open(envelope, peer)
        if payload is None:
            return
        if envelope.header.kind is aps.FrameType.ACK:
            self._acknowledged(envelope.header, peer)
        else:
            self._data(envelope.header, payload, peer, frame, link)

    def open(
        self, envelope: aps.ApsEnvelope, peer: int, key_id: KeyId = KeyId.LINK
    ) -> bytes | None:
        """The payload in clear.

        None without the peer's key, under a key of another kind than ``key_id``, or with a counter
        already seen.
        """
        if envelope.auxiliary is None:
            return envelope.payload
        link_key = self._state.link_keys.get(peer)
        if link_key is None or envelope.auxiliary.key_id is not key_id:
            return None
        if envelope.auxiliary.counter <= link_key.incoming:
            return None
        payload = envelope.open(protected_by(link_key.key, key_id), peer)
        link_key.incoming = envelope.auxiliary.counter
        return payload

    def _acknowledged(self, header: aps.ApsHeader, peer: int) -> None:
        """End what it acknowledges; an acknowledgement is as secured as what it is for."""
        parts: list[int | None] = [None]
        if header.block is not None:
            received, first = header.block.received or 0, header.block.number
            parts = [first + bit for bit in range(8) if received >> bit & 1]
        for part in parts:
            item = self._pending.get((peer, header.counter, part))
            if item is not None and item.frame.encrypted == header.secured:
                self._end(item, DeliveryStatus.DELIVERED)

    def _data(
        self, header: aps.ApsHeader, payload: bytes, peer: int, frame: nwk.NwkFrame, link: Link
    ) -> None:
        block = None
        if header.block is not None:
            block = _block_of(header.block)
            if header.secured and (peer, header.counter) not in self._secured_parts:
                self._secured_parts.append((peer, header.counter))
        elif header.ack_request:
            self._acknowledge(header, peer, frame.source)
        if header.block is None and self._is_duplicate(peer, header.counter):
            return
        self._received(
            ApsReceived(
                peer=peer,
                profile_id=header.profile_id,
                cluster_id=header.cluster_id,
                source_endpoint=header.source_endpoint,
                destination_endpoint=header.destination_endpoint,
                payload=payload,
                encrypted=header.secured,
                aps_counter=header.counter,
                peer_nwk=frame.source,
                broadcast=header.delivery is not aps.Delivery.UNICAST,
                block=block,
                lqi=link.lqi,
                rssi_dbm=link.rssi_dbm,
            )
        )

    def _acknowledge(self, header: aps.ApsHeader, peer: int, source: int) -> None:
        ack = aps.ApsHeader(
            aps.FrameType.ACK,
            header.counter,
            aps.Delivery.UNICAST,
            header.source_endpoint,
            header.destination_endpoint,
            header.cluster_id,
            header.profile_id,
            False,
            header.secured,
        )
        self._send_ack(ack, peer, source, secured=header.secured)

    def _is_duplicate(self, peer: int, counter: int) -> bool:
        now = asyncio.get_running_loop().time()
        seen = self._seen.get(peer)
        if seen is None:
            seen = self._seen[peer] = deque(maxlen=DUPLICATES_REMEMBERED)
        for known, at in seen:
            if known == counter and at > now - DUPLICATE_MEMORY_S:
                return True
        seen.append((counter, now))
        return False


def protected_by(link_key: bytes, key_id: KeyId) -> bytes:
    """The key that protects frames of this kind between the two who share ``link_key``."""
    if key_id is KeyId.KEY_TRANSPORT:
        return key_transport_key(link_key)
    return key_load_key(link_key) if key_id is KeyId.KEY_LOAD else link_key


def _key(item: _Pending) -> PendingKey:
    block = item.frame.block
    return item.peer, item.counter, None if block is None else block.index


def _block_of(header: aps.BlockHeader) -> Block:
    return Block(0, header.number) if header.first else Block(header.number)


def _ignore(_: bool | None) -> None:
    """An acknowledgement that gets lost is asked for again by the peer's retry."""
