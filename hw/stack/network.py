"""The NWK layer of one node: hop-by-hop security and replay check, addresses, relaying, broadcasts.

The network is a star: an end device or router hands everything to the coordinator, which delivers
or relays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from han.radio import Broadcast
from hw.ether import Acknowledged, Link
from hw.stack.mac_layer import INDIRECT_TIMEOUT_S, MacLayer, Outgoing
from hw.stack.state import Membership, NodeState
from hw.zigbee import MalformedFrame, NotAuthentic, mac, nwk

BROADCAST_MEMORY_S: Final = 9.0  # nwkNetworkBroadcastDeliveryTime
EXPIRED: Final = None

Delivered = Callable[[bool | None], None]
"""Hears True when the next hop acknowledged, False when not, None when the frame expired."""


class NetworkUser(Protocol):
    """The layers above."""

    def aps_received(self, frame: nwk.NwkFrame, link: Link) -> None:
        """An APS frame for us, opened.

        ``frame.secured`` says whether the network key protected it.
        """
        ...

    def command_received(self, frame: nwk.NwkFrame, sender: int) -> None:
        """A NWK command for us from this EUI-64."""
        ...

    def key_missed(self) -> None:
        """The trust centre speaks under a network key that this node does not have."""
        ...

    def key_used(self, key_sequence: int) -> None:
        """The trust centre spoke under the network key of this sequence number."""
        ...


class NetworkLayer:
    """Sends and receives NWK frames through one MAC."""

    def __init__(self, mac_layer: MacLayer, state: NodeState, user: NetworkUser) -> None:
        self.patience_s = INDIRECT_TIMEOUT_S
        self._mac = mac_layer
        self._state = state
        self._user = user
        self._sequence = state.first_sequence
        self._broadcasts: dict[tuple[int, int], float] = {}

    @property
    def indirect_timeout_s(self) -> float:
        """How long a frame waits for a sleepy child."""
        return min(self.patience_s, self._mac.ether.indirect_limit_s)

    def reset(self) -> None:
        """Forget what is not kept over a reset."""
        self._broadcasts.clear()

    # -- sending --------------------------------------------------------------------------------

    def send(
        self,
        destination: int,
        payload: bytes,
        delivered: Delivered,
        *,
        kind: nwk.FrameType = nwk.FrameType.DATA,
        secured: bool = True,
        radius: int = nwk.DEFAULT_RADIUS,
        polled_for: bool = False,
    ) -> None:
        """Send one frame from this node; ``delivered`` hears what the next hop did.

        ``polled_for``: the receiver polls for it, though it is no sleepy child.
        """
        membership = self._membership()
        self._sequence = self._sequence + 1 & 0xFF
        # what the hub relays, or may have to look up, tells whose it is
        far = membership.nwk != nwk.COORDINATOR and destination != nwk.COORDINATOR
        frame = nwk.NwkFrame(
            kind,
            destination,
            membership.nwk,
            self._sequence,
            payload,
            radius or nwk.DEFAULT_RADIUS,
            secured,
            kind is nwk.FrameType.DATA and not is_broadcast(destination),
            None,
            self._mac.eui64 if far or kind is nwk.FrameType.COMMAND else None,
        )
        if is_broadcast(destination):
            self._remember_broadcast(frame)
            self._broadcast(frame, delivered)
        else:
            self._unicast(frame, delivered, polled_for=polled_for)

    def _membership(self) -> Membership:
        membership = self._state.membership
        if membership is None:
            raise RuntimeError("frames are only sent on a network")
        return membership

    def _next_hop(self, destination: int) -> int:
        if self._membership().nwk == nwk.COORDINATOR:
            return destination
        return nwk.COORDINATOR

    def _unicast(
        self, frame: nwk.NwkFrame, delivered: Delivered, *, polled_for: bool = False
    ) -> None:
        hop = self._next_hop(frame.destination)
        outgoing = Outgoing(
            self._maker(frame, hop), lambda outcome: delivered(outcome is not Acknowledged.NO)
        )
        if polled_for or self._sleeps(hop):
            self._mac.send_indirect(
                mac.Address(hop), outgoing, lambda: delivered(EXPIRED), self.indirect_timeout_s
            )
        else:
            self._mac.send(outgoing)

    def _broadcast(self, frame: nwk.NwkFrame, delivered: Delivered) -> None:
        if not self._mac.rx_on_when_idle:  # a sleepy device lets its parent broadcast
            self._mac.send(
                Outgoing(
                    self._maker(frame, nwk.COORDINATOR),
                    lambda outcome: delivered(outcome is not Acknowledged.NO),
                )
            )
            return
        make = self._maker(frame, mac.BROADCAST_ADDRESS)
        self._mac.send(Outgoing(make, lambda _: delivered(True)))
        if frame.destination == Broadcast.ALL:
            for child in self._state.children.values():
                if not child.rx_on_when_idle and child.nwk != frame.source:
                    self._mac.send_indirect(
                        mac.Address(child.nwk),
                        Outgoing(self._maker(frame, child.nwk), _ignore),
                        _ignore_expiry,
                        self.indirect_timeout_s,
                    )

    def _maker(self, frame: nwk.NwkFrame, hop: int) -> Callable[[int], bytes]:
        """Secured when its turn comes, so that counters leave in order."""

        def make(sequence: int) -> bytes:
            membership = self._membership()
            if frame.secured:
                octets = frame.seal(
                    membership.network_key,
                    membership.key_sequence,
                    self._state.nwk_counter.take(),
                    self._mac.eui64,
                )
            else:
                octets = frame.to_bytes()
            return mac.data(membership.pan_id, hop, membership.nwk, sequence, octets)

        return make

    def _sleeps(self, hop: int) -> bool:
        eui64 = self._state.eui64_of(hop)
        child = self._state.children.get(eui64) if eui64 is not None else None
        return child is not None and not child.rx_on_when_idle

    # -- receiving ------------------------------------------------------------------------------

    def received(self, frame: mac.MacFrame, link: Link) -> None:
        """Open a MAC data frame.

        Anything wrong with it is dropped without a word, as a radio does.
        """
        if self._state.membership is None or frame.source is None:
            return
        try:
            envelope = nwk.parse(frame.payload)
            opened = envelope.frame
            sender = 0
            if envelope.auxiliary is not None:
                sender = envelope.auxiliary.source or 0
                key = self._key_of(envelope.auxiliary.key_sequence, sender)
                if key is None:
                    return
                opened = envelope.open(key)
                if not self._fresh(sender, envelope.auxiliary.counter):
                    return
        except (MalformedFrame, NotAuthentic):
            return
        if opened.secured:
            self._learn(opened, frame.source.number, sender)
            if envelope.auxiliary is not None and sender == self._membership().trust_centre:
                self._user.key_used(envelope.auxiliary.key_sequence or 0)
        self._dispatch(opened, sender, link)

    def _key_of(self, sequence: int | None, sender: int) -> bytes | None:
        """The network key of this sequence number; the users above hear when we lack it."""
        key = self._membership().key_of(sequence or 0)
        if key is None and sender == self._membership().trust_centre:
            self._user.key_missed()
        return key

    def _fresh(self, sender: int, counter: int) -> bool:
        if counter <= self._state.nwk_incoming.get(sender, -1):
            return False
        self._state.nwk_incoming[sender] = counter
        return True

    def _learn(self, frame: nwk.NwkFrame, hop: int, sender: int) -> None:
        if frame.source == hop:
            self._state.learn(sender, hop)
        if frame.source_ieee is not None:
            self._state.learn(frame.source_ieee, frame.source)

    def _dispatch(self, frame: nwk.NwkFrame, sender: int, link: Link) -> None:
        membership = self._membership()
        if frame.source == membership.nwk:
            return  # our own broadcast, relayed
        if is_broadcast(frame.destination):
            if not self._remember_broadcast(frame):
                return
            if membership.nwk == nwk.COORDINATOR and frame.radius > 1:
                self._broadcast(_one_hop_less(frame), _ignore_delivery)
            if not self._listens_to(frame.destination):
                return
        elif frame.destination != membership.nwk:
            self._relay(frame)
            return
        if frame.kind is nwk.FrameType.COMMAND:
            self._user.command_received(frame, sender)
        else:
            self._user.aps_received(frame, link)

    def _relay(self, frame: nwk.NwkFrame) -> None:
        if self._state.eui64_of(frame.source) in self._state.expelled:
            return  # no child of ours any more, whatever keys it still has
        if self._membership().nwk == nwk.COORDINATOR and frame.secured and frame.radius > 1:
            self._unicast(_one_hop_less(frame), _ignore_delivery)

    def _listens_to(self, destination: int) -> bool:
        if destination == Broadcast.ROUTERS:
            role = self._membership().role
            return role.value in ("coordinator", "router")
        return destination == Broadcast.ALL or self._mac.rx_on_when_idle

    def _remember_broadcast(self, frame: nwk.NwkFrame) -> bool:
        """True when this broadcast is new."""
        now = asyncio.get_running_loop().time()
        for key in [k for k, until in self._broadcasts.items() if until <= now]:
            del self._broadcasts[key]
        key = (frame.source, frame.sequence)
        if key in self._broadcasts:
            return False
        self._broadcasts[key] = now + BROADCAST_MEMORY_S
        return True


def is_broadcast(destination: int) -> bool:
    """Whether a short address is one of the broadcast addresses."""
    return destination >= nwk.FIRST_BROADCAST


def _one_hop_less(frame: nwk.NwkFrame) -> nwk.NwkFrame:
    return nwk.NwkFrame(
        frame.kind,
        frame.destination,
        frame.source,
        frame.sequence,
        frame.payload,
        frame.radius - 1,
        frame.secured,
        frame.discover_route,
        frame.destination_ieee,
        frame.source_ieee,
    )


def _ignore(_: Acknowledged) -> None:
    """Nobody waits for this frame."""


def _ignore_expiry() -> None:
    """Nobody waits for this frame."""


def _ignore_delivery(_: bool | None) -> None:
    """Nobody waits for this frame."""
