"""The stack of one node: its layers put together, and the calls that both faces make."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from han.radio import (
    AWAKE_POLL_S,
    ApsFrame,
    ApsReceived,
    Beacon,
    BlockAck,
    ChildPolled,
    DeliveryStatus,
    JoinKind,
    NetworkDown,
    NetworkParameters,
    NetworkUp,
    RadioError,
    RadioEvent,
    Role,
)
from hw.ether import Ether, Link
from hw.settings import ParentSettings
from hw.stack.addresses import AddressDesk, ignore
from hw.stack.application import ApsLayer, Ended
from hw.stack.children import ChildDesk
from hw.stack.joining import Joiner
from hw.stack.key_commands import KeyCommands
from hw.stack.key_management import IssuesKey, KeyDesk
from hw.stack.mac_layer import MacLayer
from hw.stack.network import NetworkLayer
from hw.stack.network_keys import NetworkKeyDesk
from hw.stack.polling import Poller
from hw.stack.state import Child, Membership, NodeState, Store
from hw.stack.trust_centre import Preconfigured, TrustCentre
from hw.zigbee import MalformedFrame, aps, beacon, mac, nwk
from hw.zigbee.beacon import Capability, ZigbeeBeacon

CHILD_POLLED_EVERY_S: Final = 1.0
LEAVE_TIMEOUT_S: Final = 2.0
REJOIN_EVERY_S: Final = 10.0


class Stack:
    """One Zigbee node on the ether; ``listener`` hears its events at the moment they happen."""

    def __init__(
        self,
        ether: Ether,
        eui64: int,
        role: Role,
        store: Store,
        listener: Callable[[RadioEvent], None],
        preconfigured: Preconfigured,
        issues_key: IssuesKey,
        parent: ParentSettings | None = None,
    ) -> None:
        self.eui64 = eui64
        self.state = NodeState(store, ether.keys)
        self.on_network = False
        self.polls_every_s: float | None = None
        self._listener = listener
        self._leaving: asyncio.Task[None] | None = None
        self._rejoining: asyncio.Task[None] | None = None
        self._rejoined_at_s = float("-inf")
        self._ether = ether
        self.mac = MacLayer(ether, eui64, self, sequence=self.state.first_sequence)
        self.network = NetworkLayer(self.mac, self.state, self)
        self.aps = ApsLayer(eui64, self.network, self.state, self._data_received, self._aps_command)
        self.children = ChildDesk(self.mac, self.state, parent or ParentSettings())
        self.trust_centre = TrustCentre(
            self.mac, self.network, self.aps, self.state, self.children, self._emit, preconfigured
        )
        self.joiner = Joiner(self.mac, self.network, self.aps, self.state, role)
        self.poller = Poller(self.mac, self.state, self._polls)
        self.keys = KeyDesk(
            eui64, self.aps, self.state, ether.random, self._emit, issues_key, self.poller.nudge
        )
        self.network_keys = NetworkKeyDesk(eui64, self.aps, self.state, self._emit)
        self.commands = KeyCommands(
            self.aps, self.state, self.joiner, self.keys, self.network_keys, self._removed
        )
        self.addresses = AddressDesk(self.state, eui64, self._send_quietly)

    # -- life -----------------------------------------------------------------------------------

    @property
    def role(self) -> Role:
        """What the node is, or will be when it joins."""
        return self.joiner.role

    @role.setter
    def role(self, role: Role) -> None:
        self.joiner.role = role

    def power_on(self) -> None:
        """Come onto the air, deaf until a network is formed, joined or resumed."""
        self._ether.attach(self.mac)

    def power_off(self) -> None:
        """Go silent without a word to anyone; what is outstanding ends as RADIO_LOST."""
        self.poller.stop()
        self.children.stop()
        for task in (self._leaving, self._rejoining):
            if task is not None:
                task.cancel()
        self._ether.detach(self.mac)
        self.mac.tuned = None
        self.mac.reset()
        self.network.reset()
        self.on_network = False
        self.aps.reset(DeliveryStatus.RADIO_LOST)

    def form(self, network: NetworkParameters) -> None:
        """Become coordinator and trust centre of a new network; joining stays closed."""
        if self.on_network:
            raise RadioError("already on a network")
        self.role = Role.COORDINATOR
        self.state.forget_network()
        self._enter(
            Membership(
                Role.COORDINATOR,
                network.channel,
                network.pan_id,
                network.extended_pan_id,
                network.network_key,
                nwk=nwk.COORDINATOR,
                trust_centre=self.eui64,
            )
        )
        self._emit(NetworkUp())

    def _enter(self, membership: Membership) -> None:
        self.state.membership = membership
        self.state.learn(self.eui64, membership.nwk)
        self.state.save()
        self._tune(membership)
        self.on_network = True
        self.children.start()

    def _tune(self, membership: Membership) -> None:
        self.mac.tuned = membership.channel
        self.mac.pan_id = membership.pan_id
        self.mac.nwk = membership.nwk
        self.mac.rx_on_when_idle = membership.role is not Role.SLEEPY_END_DEVICE

    async def resume(self) -> bool:
        """Back onto the stored network.

        Silently, or by a rejoin: end devices with their parent, and whoever is on it already and
        misses its trust centre.
        """
        membership = self.state.membership
        if membership is None:
            return False
        self.role = membership.role
        self._tune(membership)
        misses = self.on_network and membership.role is not Role.COORDINATOR
        if misses or membership.role in (Role.END_DEVICE, Role.SLEEPY_END_DEVICE):
            membership = await self.joiner.rejoin()
        self._enter(membership)
        if membership.role is not Role.COORDINATOR:
            self.joiner.announce()
        self._emit(NetworkUp())
        self.poller.nudge()
        return True

    async def scan(self, channels: Sequence[int]) -> list[Beacon]:
        """Active scan."""
        return [
            Beacon(channel, b.pan, b.extended_pan_id, b.permits_joining, lqi, rssi_dbm)
            for channel, b, lqi, rssi_dbm in await self.joiner.scan(channels)
        ]

    async def join(self, heard: Beacon, link_key: bytes) -> None:
        """Associate, be admitted, announce."""
        if self.on_network:
            raise RadioError("already on a network")
        self.state.forget_network()
        self.mac.rx_on_when_idle = self.role is not Role.SLEEPY_END_DEVICE
        try:
            membership = await self.joiner.join(
                heard.channel, heard.pan_id, heard.extended_pan_id, link_key
            )
        except BaseException:
            self._silence()
            raise
        self._enter(membership)
        self.joiner.announce()
        self._emit(NetworkUp())
        self.poller.nudge()

    def _silence(self) -> None:
        """Off the network, with nothing left to say."""
        self.poller.stop()
        self.children.stop()
        self.mac.reset()
        self.network.reset()
        self.mac.tuned = None
        self.mac.nwk = mac.BROADCAST_ADDRESS
        self.on_network = False
        self.state.forget_network()
        self.aps.reset(DeliveryStatus.RADIO_LOST)

    def suspend(self) -> None:
        """Off the air for a moment, with the network kept: before :meth:`resume`."""
        self.poller.stop()
        self.children.stop()
        self.mac.reset()
        self.network.reset()
        self.on_network = False
        self.aps.reset(DeliveryStatus.RADIO_LOST)

    def forget(self) -> None:
        """Forget the network without a word on the air."""
        self._silence()

    def forget_link_key(self, eui64: int) -> None:
        """Drop the link key shared with a peer."""
        if self.state.link_keys.pop(eui64, None) is not None:
            self.state.save()

    def set_update_id(self, update_id: int) -> None:
        """Change nwkUpdateId, which the beacon tells."""
        if self.state.membership is not None:
            self.state.membership = replace(self.state.membership, update_id=update_id)
            self.state.save()

    def restore_child(self, eui64: int, short: int, *, rx_on_when_idle: bool) -> None:
        """Take a child back from a backup."""
        self.children.take(eui64, Child(short, rx_on_when_idle, authenticated=True))
        self.state.learn(eui64, short)
        self.state.save()

    async def leave(self, reason: str = "left") -> None:
        """Announce the departure, forget the network."""
        if not self.on_network:
            return
        self.on_network = False
        gone = asyncio.Event()
        self.network.send(
            0xFFFD,
            bytes((nwk.Command.LEAVE, 0)),
            lambda _: gone.set(),
            kind=nwk.FrameType.COMMAND,
            radius=1,
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_TIMEOUT_S):
                await gone.wait()
        self._silence()
        self._emit(NetworkDown(reason))

    # -- traffic --------------------------------------------------------------------------------

    def send(self, frame: ApsFrame, ended: Ended) -> int:
        """Send one APS frame, see :meth:`ApsLayer.send`."""
        if not self.on_network:
            raise RadioError("not on a network")
        counter = self.aps.send(frame, ended)
        self.poller.nudge()
        return counter

    def _send_quietly(self, frame: ApsFrame) -> None:
        if self.on_network:
            self.send(frame, ignore)

    def acknowledge_block(self, ack: BlockAck) -> None:
        """See :meth:`ApsLayer.acknowledge_block`."""
        if self.on_network:
            self.aps.acknowledge_block(ack)

    def poll_every(self, interval_s: float | None) -> None:
        """Poll this often from now on, or be deaf (sleepy end devices)."""
        self.polls_every_s = interval_s
        self.poller.nudge()

    def _polls(self) -> float | None:
        if self.mac.rx_on_when_idle or not self.on_network:
            return None
        every_s = self.polls_every_s
        if self.aps.waiting or self.keys.waiting:
            return AWAKE_POLL_S if every_s is None else min(every_s, AWAKE_POLL_S)
        return every_s

    # -- what the layers report -----------------------------------------------------------------

    def _emit(self, event: RadioEvent) -> None:
        self._listener(event)

    def mac_received(self, frame: mac.MacFrame, link: Link) -> None:
        """Sort a MAC frame."""
        if frame.kind is mac.FrameType.DATA:
            self.network.received(frame, link)
        elif frame.kind is mac.FrameType.BEACON:
            try:
                heard = ZigbeeBeacon.from_frame(frame)
            except MalformedFrame:
                return
            self.joiner.heard_beacon(heard, link.lqi, link.rssi_dbm)
        elif frame.kind is mac.FrameType.COMMAND:
            self._mac_command(frame)

    def _mac_command(self, frame: mac.MacFrame) -> None:
        command = frame.payload[0] if frame.payload else None
        coordinator = self.on_network and self.role is Role.COORDINATOR
        if command == mac.Command.ASSOCIATION_RESPONSE:
            try:
                self.joiner.associated(*beacon.read_association_response(frame.payload))
            except MalformedFrame:
                return
        elif command == mac.Command.BEACON_REQUEST and coordinator:
            self.trust_centre.answer_scan()
        elif command == mac.Command.ASSOCIATION_REQUEST and coordinator:
            self._association_requested(frame)

    def _association_requested(self, frame: mac.MacFrame) -> None:
        if frame.source is not None and frame.source.long and len(frame.payload) == 2:
            self.trust_centre.associate(frame.source.number, Capability(frame.payload[1]))

    def mac_polled(self, child: mac.Address) -> None:
        """A child asks for its frames; tell of it, but not of every poll."""
        if child.long or not self.on_network or self.role is not Role.COORDINATOR:
            return
        eui64 = self.trust_centre.polled(child.number)
        if eui64 is None:
            return
        entry, now = self.state.children[eui64], asyncio.get_running_loop().time()
        if entry.authenticated:
            self.network_keys.seen(eui64)
        if not entry.rx_on_when_idle and now - entry.last_poll_s >= CHILD_POLLED_EVERY_S:
            entry.last_poll_s = now
            self._emit(ChildPolled(eui64))

    def aps_received(self, frame: nwk.NwkFrame, link: Link) -> None:
        """An APS frame; from a removed device only to tell it again to go."""
        eui64 = self.state.eui64_of(frame.source)
        if eui64 is not None and frame.secured and self.role is Role.COORDINATOR:
            if eui64 in self.state.expelled:
                self.trust_centre.expel(eui64)
                return
            self.children.heard(eui64)
            self.trust_centre.heard_secured(eui64)
            self.network_keys.seen(eui64)
        self.aps.receive(frame, link)
        self.poller.nudge()

    def command_received(self, frame: nwk.NwkFrame, sender: int) -> None:
        """A NWK command: leave, rejoin request or rejoin response."""
        eui64 = sender or frame.source_ieee
        command = frame.payload[0] if frame.payload else None
        if command == nwk.Command.LEAVE and len(frame.payload) == 2 and frame.secured:
            self._leave_command(frame, sender)
        elif command == nwk.Command.REJOIN_REQUEST and len(frame.payload) == 2:
            kind = JoinKind.SECURED_REJOIN if frame.secured else JoinKind.UNSECURED_REJOIN
            if self.role is Role.COORDINATOR and eui64 is not None:
                self.trust_centre.rejoin(eui64, frame.source, Capability(frame.payload[1]), kind)
        elif command == nwk.Command.REJOIN_RESPONSE and len(frame.payload) == 4:
            short = int.from_bytes(frame.payload[1:3], "little")
            self.joiner.associated(short, frame.payload[3])

    def _leave_command(self, frame: nwk.NwkFrame, sender: int) -> None:
        asked = frame.payload[1] & nwk.LEAVE_REQUEST
        if not asked:
            if self.role is Role.COORDINATOR:
                self.trust_centre.left(frame.source_ieee or sender)
        elif self.role in (Role.END_DEVICE, Role.SLEEPY_END_DEVICE) and frame.source == 0:
            if frame.payload[1] & nwk.LEAVE_REJOIN:
                self._come_back(self.joiner.rejoin())
            else:
                self._removed()

    def _aps_command(self, envelope: aps.ApsEnvelope, frame: nwk.NwkFrame) -> None:
        self.commands.received(envelope, frame, coordinator=self.role is Role.COORDINATOR)

    def key_used(self, key_sequence: int) -> None:
        """The trust centre uses a key: a device that has it follows, told or not."""
        if self.role is not Role.COORDINATOR:
            self.network_keys.use(key_sequence)

    def key_missed(self) -> None:
        """A new network key passed us by: come back under the trust centre link key."""
        if self.role is not Role.COORDINATOR:
            self._come_back(self.joiner.rejoin_with_link_key())

    def _come_back(self, rejoin: Coroutine[object, object, Membership]) -> None:
        """Rejoin, but not all the time: anybody could give occasion on the air."""
        now = asyncio.get_running_loop().time()
        if not self.on_network or now - self._rejoined_at_s < REJOIN_EVERY_S:
            rejoin.close()
            return
        self._rejoined_at_s = now
        self._rejoining = asyncio.get_running_loop().create_task(
            self._rejoin(rejoin), name=f"rejoin {self.eui64:016X}"
        )

    async def _rejoin(self, rejoin: Coroutine[object, object, Membership]) -> None:
        try:
            membership = await rejoin
        except RadioError:
            return  # the next frame that cannot be read, or the next poll, is the next occasion
        self._enter(membership)
        self.joiner.announce()
        self._emit(NetworkUp())

    def _removed(self) -> None:
        if self.on_network:
            self._leaving = asyncio.get_running_loop().create_task(
                self.leave("removed by the trust centre"), name=f"leave {self.eui64:016X}"
            )

    def _data_received(self, received: ApsReceived) -> None:
        if received.profile_id == 0:
            self.addresses.heard(received)
        self._emit(received)
