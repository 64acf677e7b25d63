"""A new network key for everybody: sent ahead to each device, then switched to at one word.

The trust centre sends Transport-Key to every device under the key-transport key of its link key;
a sleepy child gets it when it polls. Switch-Key, broadcast, makes the key the one in use. A node
keeps the other key of the two, so that frames of those who are early or late are understood. A
device that missed both hears frames under a key it does not have, and rejoins under its trust
centre link key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from han.radio import Broadcast, NetworkKeySwitched, RadioError, RadioEvent
from hw.stack.application import ApsLayer
from hw.stack.state import Membership, NodeState
from hw.zigbee import aps_commands
from hw.zigbee.security import KeyId

SENT_AGAIN_AFTER_S: Final = 1.0


@dataclass(slots=True)
class NetworkKeyDesk:
    """Both ends of a key update; sending is for the coordinator alone."""

    eui64: int
    aps: ApsLayer
    state: NodeState
    emit: Callable[[RadioEvent], None]
    _reached: set[int] = field(default_factory=set)
    _sent_at_s: dict[int, float] = field(default_factory=dict)

    # -- the trust centre -----------------------------------------------------------------------

    def stage(self, key: bytes) -> None:
        """Make this the next network key; whoever asks from now on gets it."""
        membership = self._membership()
        if key == membership.network_key:
            raise RadioError("this network key is in use already")
        if key != membership.other_key:
            sequence = membership.key_sequence + 1 & 0xFF
            self.state.membership = replace(membership, other_key=key, other_sequence=sequence)
            self.state.save()
            self._reached.clear()
            self._sent_at_s.clear()

    def send(self, key: bytes) -> None:
        """Stage a key and send it to every device that shares a link key with us and is awake."""
        self.stage(key)
        for eui64 in tuple(self.state.link_keys):
            child = self.state.children.get(eui64)
            if child is None or child.rx_on_when_idle:
                self.send_to(eui64)

    def send_to(self, eui64: int) -> bool:
        """Send the staged key to one device; False when it is not known well enough."""
        membership, link_key = self._membership(), self.state.link_keys.get(eui64)
        short = self.state.addresses.get(eui64)
        if link_key is None or short is None or membership.next_key is None:
            return False
        self._sent_at_s[eui64] = asyncio.get_running_loop().time()

        def left(delivered: bool | None) -> None:
            if delivered:
                self._reached.add(eui64)

        transport = aps_commands.TransportNetworkKey(
            membership.next_key, membership.other_sequence, eui64, self.eui64
        )
        self.aps.send_command(
            short,
            transport.to_bytes(),
            link_key.key,
            KeyId.KEY_TRANSPORT,
            network_secured=True,
            delivered=left,
        )
        return True

    def seen(self, eui64: int) -> None:
        """A device is awake: send it the staged key if it has not got it."""
        membership = self.state.membership
        if membership is None or membership.next_key is None or eui64 in self._reached:
            return
        now = asyncio.get_running_loop().time()
        if now - self._sent_at_s.get(eui64, float("-inf")) >= SENT_AGAIN_AFTER_S:
            self.send_to(eui64)

    def broadcast(self, key: bytes) -> None:
        """Stage a key and broadcast it under the present network key alone (EZSP offers this)."""
        self.stage(key)
        membership = self._membership()
        transport = aps_commands.TransportNetworkKey(key, membership.other_sequence, 0, self.eui64)
        self.aps.broadcast_command(Broadcast.ALL, transport.to_bytes(), _ignore)

    def switch(self) -> None:
        """Tell everybody to use the staged key, and use it."""
        membership = self._membership()
        if membership.next_key is None:
            raise RadioError("no new network key was sent")
        sequence = membership.other_sequence
        self.aps.broadcast_command(
            Broadcast.ALL, aps_commands.switch_key(sequence), lambda _: self.use(sequence)
        )

    def _membership(self) -> Membership:
        if self.state.membership is None:
            raise RadioError("not on a network")
        return self.state.membership

    # -- every node -----------------------------------------------------------------------------

    def received(self, octets: bytes) -> None:
        """The trust centre sent the next network key."""
        transport = aps_commands.TransportNetworkKey.from_bytes(octets)
        membership = self._membership()
        news = transport.key_sequence != membership.key_sequence
        if news and transport.destination in (self.eui64, 0):
            self.state.membership = replace(
                membership, other_key=transport.key, other_sequence=transport.key_sequence
            )
            self.state.save()

    def use(self, sequence: int) -> None:
        """Switch to the key of this sequence number, if it is the next one."""
        membership = self._membership()
        if membership.next_key is not None and membership.other_sequence == sequence:
            self.state.membership = membership.switched()
            self.state.save()
            self.emit(NetworkKeySwitched(sequence))


def _ignore(_: bool | None) -> None:
    """A broadcast has no outcome."""
