"""The coordinator's side of membership.

Association, admission by preconfigured link key, rejoins, removal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from han.radio import DeviceJoined, DeviceLeft, JoinKind, RadioEvent
from hw.stack.application import ApsLayer
from hw.stack.children import ChildDesk
from hw.stack.mac_layer import INDIRECT_TIMEOUT_S, MacLayer, Outgoing
from hw.stack.network import NetworkLayer
from hw.stack.state import Child, Membership, NodeState
from hw.zigbee import aps_commands, beacon, mac, nwk
from hw.zigbee.beacon import AssociationStatus, Capability
from hw.zigbee.security import KeyId

FIRST_DEVICE_NWK: Final = 0x0001
LAST_DEVICE_NWK: Final = 0xFFF7

Preconfigured = Callable[[int, JoinKind], bytes | None]
"""The preconfigured link key of a device that may join in this way; None turns it away."""


@dataclass(slots=True)
class TrustCentre:
    """Admits and removes devices; exists on every node, is used by the coordinator alone."""

    mac: MacLayer
    network: NetworkLayer
    aps: ApsLayer
    state: NodeState
    children: ChildDesk
    emit: Callable[[RadioEvent], None]
    preconfigured: Preconfigured
    permit_until: float = 0.0

    @property
    def permits_joining(self) -> bool:
        """Whether the window is open now."""
        return asyncio.get_running_loop().time() < self.permit_until

    def permit_joining(self, duration_s: float) -> None:
        """Open the window for ``duration_s`` seconds from now; 0 closes it."""
        self.permit_until = asyncio.get_running_loop().time() + duration_s

    # -- beacons and association ----------------------------------------------------------------

    def answer_scan(self) -> None:
        """Send our beacon."""
        membership = self._membership()
        heard = beacon.ZigbeeBeacon(
            membership.pan_id,
            membership.nwk,
            membership.extended_pan_id,
            self.permits_joining,
            coordinator=True,
            update_id=membership.update_id,
            end_device_capacity=self.children.has_room(),
        )
        self.mac.send(Outgoing(heard.to_bytes, _sent))

    def _membership(self) -> Membership:
        if self.state.membership is None:
            raise RuntimeError("only a formed network has a trust centre")
        return self.state.membership

    def associate(self, eui64: int, capability: Capability) -> None:
        """Answer an association request; the answer waits until the device fetches it."""
        if not self.permits_joining:
            self._respond(eui64, beacon.NO_SHORT_ADDRESS, AssociationStatus.ACCESS_DENIED)
            return
        router = Capability.ROUTER in capability
        if not (router or self.children.has_room(eui64)):
            self._respond(eui64, beacon.NO_SHORT_ADDRESS, AssociationStatus.PAN_AT_CAPACITY)
            return
        short = self._address_for(eui64)
        awake = Capability.RX_ON_WHEN_IDLE in capability
        self.children.take(eui64, Child(short, awake, router=router, associating=True))
        self.state.nwk_incoming.pop(eui64, None)
        self.state.learn(eui64, short)
        self.state.save()
        self._respond(eui64, short, AssociationStatus.SUCCESSFUL)

    def _address_for(self, eui64: int) -> int:
        known = self.state.addresses.get(eui64)
        if known is not None:
            return known
        chance = self.mac.ether.random
        while True:
            short = chance.randint(FIRST_DEVICE_NWK, LAST_DEVICE_NWK)
            if self.state.eui64_of(short) is None:
                return short

    def _respond(self, eui64: int, short: int, status: AssociationStatus) -> None:
        membership = self._membership()

        def make(sequence: int) -> bytes:
            return beacon.association_response(
                sequence, membership.pan_id, self.mac.eui64, eui64, short, status
            )

        def sent(_: object) -> None:
            self._fetched(eui64)

        self.mac.send_indirect(
            mac.Address(eui64, long=True), Outgoing(make, sent), _expired, INDIRECT_TIMEOUT_S
        )

    def _fetched(self, eui64: int) -> None:
        child = self.state.children.get(eui64)
        if child is not None and child.associating:
            child.associating = False
            self._authenticate(eui64)

    def polled(self, short: int) -> int | None:
        """A poll from a short address: whose it is, if a child's that may stay.

        A joiner has its answer then, even if we never heard so. Who is no child any more is told.
        """
        eui64 = self.state.eui64_of(short)
        if eui64 is None:
            return None
        child = self.state.children.get(eui64)
        if child is not None and child.associating:
            self._fetched(eui64)
            self.mac.drop_indirect(mac.Address(eui64, long=True))
        if eui64 in self.state.expelled:
            self.expel(eui64, polled_for=True)
            return None
        if eui64 not in self.state.children:
            if eui64 in self.state.link_keys:
                self._call_back(short)
            return None
        self.children.heard(eui64)
        return eui64

    def _authenticate(self, eui64: int) -> None:
        """The device has its short address: send it the network key, or say nothing."""
        key = self.preconfigured(eui64, JoinKind.ASSOCIATED)
        if key is None:
            self.emit(DeviceJoined(eui64, JoinKind.ASSOCIATED, admitted=False))
            self._drop_child(eui64)
            return
        self.state.expelled.discard(eui64)
        self.state.link_keys.pop(eui64, None)
        self.state.set_link_key(eui64, key)
        self._send_network_key(eui64, key)
        self.emit(DeviceJoined(eui64, JoinKind.ASSOCIATED, admitted=True))

    def _send_network_key(self, eui64: int, link_key: bytes) -> None:
        membership = self._membership()
        transport = aps_commands.TransportNetworkKey(
            membership.network_key, membership.key_sequence, eui64, self.mac.eui64
        )
        self.aps.send_command(
            self.state.addresses[eui64],
            transport.to_bytes(),
            link_key,
            KeyId.KEY_TRANSPORT,
            network_secured=False,
        )

    def heard_secured(self, eui64: int) -> None:
        """A frame under the network key: the device has the key."""
        child = self.state.children.get(eui64)
        if child is not None and not child.authenticated:
            child.authenticated = True
            self.state.save()

    def _drop_child(self, eui64: int) -> None:
        child = self.state.children.get(eui64)
        if child is not None:
            self.mac.drop_indirect(mac.Address(child.nwk))
        self.state.forget_peer(eui64)

    # -- rejoin, leave, removal -----------------------------------------------------------------

    def rejoin(self, eui64: int, short: int, capability: Capability, kind: JoinKind) -> None:
        """Answer a NWK rejoin request from a short address.

        An unsecured one needs a key the device must share with us: one that was never here may
        have shared it with the hub whose place we took.
        """
        if kind is JoinKind.UNSECURED_REJOIN:
            self._adopt(eui64, short)
        link_key = self._rejoin_key(eui64, kind)
        known = eui64 in self.state.addresses and eui64 not in self.state.expelled
        if not known or (kind is JoinKind.UNSECURED_REJOIN and link_key is None):
            if eui64 in self.state.expelled:
                self.expel(eui64)
            self.emit(DeviceJoined(eui64, kind, admitted=False))
            return
        short = self.state.addresses[eui64]
        router, secured = Capability.ROUTER in capability, kind is JoinKind.SECURED_REJOIN
        if not (router or self.children.has_room(eui64)):
            self._answer_rejoin(short, AssociationStatus.PAN_AT_CAPACITY, secured=secured)
            self.emit(DeviceJoined(eui64, kind, admitted=False))
            return
        awake, former = Capability.RX_ON_WHEN_IDLE in capability, self.state.children.get(eui64)
        proven = secured or (former is not None and former.authenticated)
        self.children.take(eui64, Child(short, awake, authenticated=proven, router=router))
        self.state.save()
        self._answer_rejoin(short, AssociationStatus.SUCCESSFUL, secured=secured)
        if link_key is not None and not secured:
            self._send_network_key(eui64, link_key)
        self.emit(DeviceJoined(eui64, kind, admitted=True))

    def _answer_rejoin(self, short: int, status: AssociationStatus, *, secured: bool) -> None:
        """The device polls for the answer, or listens."""
        child = self.state.children.get(self.state.eui64_of(short) or 0)
        self.network.send(
            short,
            bytes((nwk.Command.REJOIN_RESPONSE, *short.to_bytes(2, "little"), status)),
            _delivered,
            kind=nwk.FrameType.COMMAND,
            secured=secured,
            polled_for=child is None,
        )

    def _call_back(self, short: int) -> None:
        """Tell a device that polls, but is no child any more, to leave and rejoin."""
        if not self.mac.has_indirect(mac.Address(short)):
            self.network.send(
                short,
                bytes((nwk.Command.LEAVE, nwk.LEAVE_REQUEST | nwk.LEAVE_REJOIN)),
                _delivered,
                kind=nwk.FrameType.COMMAND,
                radius=1,
                polled_for=True,
            )

    def _adopt(self, eui64: int, short: int) -> None:
        """Take in an allowed device of an earlier hub's network, with the address it has there."""
        allowed = self.preconfigured(eui64, JoinKind.UNSECURED_REJOIN)
        known = eui64 in self.state.addresses or eui64 in self.state.link_keys
        if allowed is None or known or self.state.eui64_of(short) is not None:
            return
        self.state.learn(eui64, short)
        self.state.set_link_key(eui64, allowed)

    def _rejoin_key(self, eui64: int, kind: JoinKind) -> bytes | None:
        if kind is not JoinKind.UNSECURED_REJOIN:
            return None
        established = self.state.link_keys.get(eui64)
        allowed = self.preconfigured(eui64, kind)
        return established.key if established is not None else allowed

    def left(self, eui64: int) -> None:
        """A device said that it leaves."""
        if eui64 in self.state.expelled:
            self._forget_expelled(eui64)
        elif eui64 in self.state.addresses:
            self.emit(DeviceLeft(eui64))
            key = self.state.link_keys.get(eui64)
            self._drop_child(eui64)
            if key is not None:
                self.state.set_link_key(eui64, key.key)

    def remove(self, eui64: int) -> None:
        """Make a device leave and forget its key; one that sleeps is told when it polls."""
        if eui64 not in self.state.addresses:
            self.state.link_keys.pop(eui64, None)
            self.state.save()
            return
        child = self.state.children.get(eui64)
        if child is not None:
            self.mac.drop_indirect(mac.Address(child.nwk))
        self.state.expelled.add(eui64)
        self.expel(eui64)
        self.state.link_keys.pop(eui64, None)
        self.state.save()
        self.emit(DeviceLeft(eui64))

    def expel(self, eui64: int, *, polled_for: bool = False) -> None:
        """Tell a removed device to go, which may be waiting for frames that it polled for.

        Remove-Device under its link key, and a NWK leave from its parent.
        """
        short = self.state.addresses.get(eui64)
        if short is None or self.mac.has_indirect(mac.Address(short)):
            return
        link_key = self.state.link_keys.get(eui64)
        if link_key is not None:
            self.aps.send_command(
                short,
                aps_commands.remove_device(eui64),
                link_key.key,
                KeyId.LINK,
                network_secured=True,
            )
        self.network.send(
            short,
            bytes((nwk.Command.LEAVE, nwk.LEAVE_REQUEST)),
            _delivered,
            kind=nwk.FrameType.COMMAND,
            radius=1,
            polled_for=polled_for,
        )

    def _forget_expelled(self, eui64: int) -> None:
        self.state.expelled.discard(eui64)
        self._drop_child(eui64)


def _sent(_: object) -> None:
    """A beacon is not acknowledged."""


def _expired() -> None:
    """The device that asked has not come back for the answer."""


def _delivered(_: bool | None) -> None:
    """The device answers, or asks again."""
