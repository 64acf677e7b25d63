"""The device's side of membership.

Active scan, association, waiting for the network key, rejoin.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from han.radio import (
    ApsFrame,
    Broadcast,
    DeliveryStatus,
    RadioError,
    Role,
    aes_mmo,
    key_transport_key,
)
from hw.ether import Acknowledged
from hw.stack.application import ApsLayer
from hw.stack.mac_layer import MacLayer, Outgoing
from hw.stack.network import NetworkLayer
from hw.stack.state import Membership, NodeState
from hw.zigbee import beacon, nwk
from hw.zigbee.aps import ApsEnvelope
from hw.zigbee.aps_commands import TransportNetworkKey
from hw.zigbee.beacon import AssociationStatus, Capability, ZigbeeBeacon
from hw.zigbee.errors import NotAuthentic
from hw.zigbee.mac import Address
from hw.zigbee.security import KeyId

CHANNELS: Final = tuple(range(11, 27))
SCAN_PER_CHANNEL_S: Final = 0.0768  # scan duration 2: 15.36 ms * (2**2 + 1)
POLL_DURING_JOIN_S: Final = 0.05
ASSOCIATION_TIMEOUT_S: Final = 1.5
KEY_TIMEOUT_S: Final = 4.0
REJOIN_TIMEOUT_S: Final = 1.0
ASSOCIATION_TRIES: Final = 3
REJOIN_TRIES: Final = 3
DEVICE_ANNCE: Final = 0x0013
NO_KEY_YET: Final = bytes(16)

_T = TypeVar("_T")


class NoNetworkKey(RadioError):
    """The device has a short address, but no network key came that its link key opens."""


@dataclass(slots=True)
class Joiner:
    """Brings a node onto a network and back onto it."""

    mac: MacLayer
    network: NetworkLayer
    aps: ApsLayer
    state: NodeState
    role: Role
    beacons: list[tuple[int, ZigbeeBeacon, int, int]] = field(default_factory=list)
    _answer: asyncio.Future[tuple[int, int]] | None = None
    _key: asyncio.Future[TransportNetworkKey] | None = None
    _expected_link_keys: tuple[bytes, ...] = field(default=(), repr=False)
    _link_key: bytes = field(default=b"", repr=False)

    @property
    def capability(self) -> Capability:
        """The capability octet of this node."""
        capability = Capability.ALLOCATE_ADDRESS
        if self.role in (Role.ROUTER, Role.COORDINATOR):
            capability |= Capability.ROUTER
        if self.role is not Role.SLEEPY_END_DEVICE:
            capability |= Capability.RX_ON_WHEN_IDLE | Capability.MAINS_POWERED
        return capability

    # -- scan -----------------------------------------------------------------------------------

    async def scan(
        self, channels: Sequence[int], per_channel_s: float = SCAN_PER_CHANNEL_S
    ) -> list[tuple[int, ZigbeeBeacon, int, int]]:
        """Beacons heard as (channel, beacon, LQI, RSSI in dBm), one per sender."""
        home = self.mac.tuned
        self.beacons = []
        self.mac.scanning = True
        try:
            for channel in channels or CHANNELS:
                self.mac.tuned = channel
                self.mac.send(Outgoing(beacon.beacon_request, _ignore))
                await asyncio.sleep(per_channel_s)
        finally:
            self.mac.scanning = False
            self.mac.tuned = home
        return list(self.beacons)

    def heard_beacon(self, heard: ZigbeeBeacon, lqi: int, rssi_dbm: int) -> None:
        """Note a beacon while scanning."""
        if self.mac.tuned is not None and all(
            (known.pan, known.source) != (heard.pan, heard.source) or channel != self.mac.tuned
            for channel, known, _, _ in self.beacons
        ):
            self.beacons.append((self.mac.tuned, heard, lqi, rssi_dbm))

    # -- join -----------------------------------------------------------------------------------

    async def join(
        self, channel: int, pan_id: int, extended_pan_id: int, link_key: bytes
    ) -> Membership:
        """Associate with the coordinator and wait for the network key.

        RadioError says which step failed.
        """
        self.mac.tuned, self.mac.pan_id = channel, pan_id
        for attempt in range(ASSOCIATION_TRIES):
            last = attempt == ASSOCIATION_TRIES - 1
            try:
                return await self._try_join(channel, pan_id, extended_pan_id, link_key)
            except TimeoutError:
                if last:
                    raise RadioError(f"PAN {pan_id:04X} did not answer the association") from None
            finally:
                self._answer = None
        raise AssertionError  # pragma: no cover - the last try returns or raises

    async def _try_join(
        self, channel: int, pan_id: int, extended_pan_id: int, link_key: bytes
    ) -> Membership:
        short = await self._associate(pan_id)
        self.mac.nwk = short
        self.state.membership = Membership(
            self.role, channel, pan_id, extended_pan_id, NO_KEY_YET, nwk=short
        )
        transport = await self._network_key(Address(short), link_key)
        self.state.set_link_key(transport.source, link_key)
        self.state.learn(transport.source, nwk.COORDINATOR)
        return replace(
            self.state.membership,
            network_key=transport.key,
            key_sequence=transport.key_sequence,
            trust_centre=transport.source,
        )

    async def _associate(self, pan_id: int) -> int:
        answer: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()
        self._answer = answer

        def make(sequence: int) -> bytes:
            return beacon.association_request(
                sequence, pan_id, nwk.COORDINATOR, self.mac.eui64, self.capability
            )

        self.mac.send(Outgoing(make, _ignore))
        ourselves = Address(self.mac.eui64, long=True)
        short, status = await self._polling(answer, ourselves, ASSOCIATION_TIMEOUT_S)
        if status == AssociationStatus.PAN_AT_CAPACITY:
            raise RadioError(f"PAN {pan_id:04X} refused the association: it has no place left")
        if status != AssociationStatus.SUCCESSFUL:
            raise RadioError(f"PAN {pan_id:04X} refused the association: joining is closed")
        return short

    async def _network_key(self, address: Address, *link_keys: bytes) -> TransportNetworkKey:
        """The network key; ``_link_key`` is then the one of these link keys that opened it."""
        self._expected_link_keys = link_keys
        key = self._key = asyncio.get_running_loop().create_future()
        try:
            return await self._polling(key, address, KEY_TIMEOUT_S)
        except TimeoutError:
            raise NoNetworkKey(
                "no network key arrived: the trust centre does not know this device or its link key"
            ) from None
        finally:
            self._key, self._expected_link_keys = None, ()

    async def _polling(self, answer: asyncio.Future[_T], address: Address, timeout_s: float) -> _T:
        """Poll the coordinator until ``answer`` is there; TimeoutError when it does not come."""
        loop = asyncio.get_running_loop()

        def poll(_: bool = False) -> None:
            if not answer.done():
                self.mac.poll(nwk.COORDINATOR, address, again)

        def again(heard: bool) -> None:
            loop.call_later(0 if heard else POLL_DURING_JOIN_S, poll)

        poll()
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        finally:
            answer.cancel()

    def associated(self, short: int, status: int) -> None:
        """The association response came."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((short, status))

    def key_received(self, envelope: ApsEnvelope) -> None:
        """A command under a key-transport key.

        Only an expected key opens it (NotAuthentic otherwise).
        """
        if self._key is None or self._key.done() or envelope.auxiliary is None:
            return
        if envelope.auxiliary.key_id is not KeyId.KEY_TRANSPORT:
            return
        source = envelope.auxiliary.source or 0
        transport = TransportNetworkKey.from_bytes(self._open(envelope, source))
        if transport.destination == self.mac.eui64:
            self._key.set_result(transport)

    def _open(self, envelope: ApsEnvelope, source: int) -> bytes:
        *others, last = self._expected_link_keys
        for link_key in others:
            with suppress(NotAuthentic):
                clear = envelope.open(key_transport_key(link_key), source)
                self._link_key = link_key
                return clear
        clear = envelope.open(key_transport_key(last), source)
        self._link_key = last
        return clear

    # -- rejoin and announcement ----------------------------------------------------------------

    async def rejoin(self) -> Membership:
        """Ask the old parent back in.

        Under the network key, else under the trust centre's link key, wherever the network is now.
        """
        membership = self._membership()
        for _ in range(REJOIN_TRIES):
            try:
                short = await self._rejoin_request(secured=True)
            except TimeoutError:
                continue
            return replace(membership, nwk=short)
        await self._look_for(membership.extended_pan_id)
        return await self.rejoin_with_link_key()

    async def _look_for(self, extended_pan_id: int) -> None:
        """Tune to a network with this extended PAN identifier, if one is heard."""
        for channel, heard, _, _ in await self.scan(()):
            if heard.extended_pan_id == extended_pan_id:
                self.mac.tuned, self.mac.pan_id = channel, heard.pan
                self.state.membership = replace(
                    self._membership(), channel=channel, pan_id=heard.pan
                )
                return

    async def rejoin_with_link_key(self) -> Membership:
        """Ask back in without the network key; it is sent under the trust centre link key.

        A hub in the place of an earlier one has the hash of that key, and sends the network key
        under it (swap-out, ZSE): the hash is the link key with the new hub from then on.
        """
        membership = self._membership()
        link_key = self.state.link_keys.get(membership.trust_centre)
        if link_key is None:
            raise RadioError("the parent does not answer, and no link key is left to rejoin with")
        try:
            short = await self._rejoin_request(secured=False)
        except TimeoutError:
            raise RadioError(f"PAN {membership.pan_id:04X} does not answer") from None
        transport = await self._network_key(Address(short), link_key.key, aes_mmo(link_key.key))
        if transport.source != membership.trust_centre:
            self.state.set_link_key(transport.source, self._link_key)
            self.state.learn(transport.source, nwk.COORDINATOR)
        return replace(
            membership,
            nwk=short,
            trust_centre=transport.source,
            network_key=transport.key,
            key_sequence=transport.key_sequence,
            other_key=membership.network_key,
            other_sequence=membership.key_sequence,
        )

    def _membership(self) -> Membership:
        if self.state.membership is None:
            raise RadioError("no network to rejoin")
        return self.state.membership

    async def _rejoin_request(self, *, secured: bool) -> int:
        answer: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()
        self._answer = answer
        try:
            self.network.send(
                nwk.COORDINATOR,
                bytes((nwk.Command.REJOIN_REQUEST, self.capability)),
                _ignore_delivery,
                kind=nwk.FrameType.COMMAND,
                secured=secured,
                radius=1,
            )
            address = Address(self._membership().nwk)
            short, status = await self._polling(answer, address, REJOIN_TIMEOUT_S)
        finally:
            self._answer = None
        if status != AssociationStatus.SUCCESSFUL:
            raise RadioError(f"the parent refused the rejoin (status {status:#x})")
        return short

    def announce(self) -> None:
        """Device_annce: tell everyone our address (the stack's duty, also on a dongle)."""
        payload = b"\0" + self._membership().nwk.to_bytes(2, "little")
        payload += self.mac.eui64.to_bytes(8, "little") + bytes((self.capability,))
        self.aps.send(
            ApsFrame(Broadcast.RX_ON_WHEN_IDLE, 0, DEVICE_ANNCE, 0, 0, payload, acknowledged=False),
            _ignore_status,
        )


def _ignore(_: Acknowledged) -> None:
    """The answer is what counts."""


def _ignore_delivery(_: bool | None) -> None:
    """The answer is what counts."""


def _ignore_status(_: DeliveryStatus) -> None:
    """A broadcast has no outcome."""
