"""``BellowsRadio``.

An EZSP dongle, real or virtual, as a node of the HAN, through unmodified bellows.

A radio that is lost (cable, firmware reset, silence) is reported, and rebuilt until it answers
again: configuration, endpoints, policies, the network, keys for joiners and the open window. Link
keys live in the firmware's key table.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Final

import bellows.types as t

from han.radio import (
    AWAKE_POLL_S,
    POWER_CUT,
    ApsFrame,
    Beacon,
    BlockAck,
    DeliveryReport,
    NetworkDown,
    NetworkKeySwitched,
    NetworkParameters,
    NetworkUp,
    OtherRole,
    RadioError,
    RadioEvent,
    RadioLost,
    Role,
    SimpleDescriptor,
)
from hw import ezsp_port
from hw.bellows_messages import AddressBook, Messages
from hw.bellows_polling import DonglePolling
from hw.bellows_recovery import Recovery, watch
from hw.bellows_trust_centre import DongleTrustCentre
from hw.events import EventStream
from hw.ezsp_callbacks import Incoming
from hw.ezsp_port import EzspPort
from hw.limits import max_payload
from hw.settings import ParentSettings

LOGGER = logging.getLogger(__name__)

JOIN_TIMEOUT_S: Final = 20.0
_SAID: Final = {
    t.sl_Status.ZIGBEE_NO_NETWORK_KEY_RECEIVED: "no network key arrived: "
    "the trust centre does not know this device or its link key"
}
NOT_JOINED_NODE: Final = 0xFFFE


class BellowsRadio:
    """A dongle at ``path`` (anything serialx opens: a device, ``tcp://``, ``vncp://``).

    ``heartbeat_s`` is how often an idle dongle is asked for a sign of life; None leaves that to
    the traffic. ``parent`` is what a coordinator does with its children. ``closed`` is called once
    the radio is closed, to put away what was made for it.
    """

    def __init__(
        self,
        path: str,
        role: Role,
        *,
        baudrate: int = 115200,
        flow_control: str | None = None,
        heartbeat_s: float | None = 5.0,
        parent: ParentSettings | None = None,
        closed: Callable[[], None] | None = None,
    ) -> None:
        self._path = path
        self._role = role
        self._baudrate = baudrate
        self._flow_control = flow_control
        self._heartbeat_s = heartbeat_s
        self._parent = parent or ParentSettings()
        self._when_closed = closed
        self._endpoints: tuple[SimpleDescriptor, ...] = ()
        self._events = EventStream()
        self._book = AddressBook()
        self._messages = Messages(self._book, self._events.put)
        self._desk = DongleTrustCentre(self._book, self._events.put, self._run)
        self._polling = DonglePolling(sleepy=role is Role.SLEEPY_END_DEVICE)
        self._port: EzspPort | None = None
        self._node = NOT_JOINED_NODE
        self._trust_centre: int | None = None
        self._channel: int | None = None
        self._on_network = False
        self._member = False  # of a network that a rebuilt radio must go back to
        self._started = False
        self._closed = False
        self._joining: asyncio.Future[t.sl_Status] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._recovery = Recovery(path, self._open, self._go_back, self._gone)
        self._eui64 = 0
        self._payload_octets = 0

    # -- identity -------------------------------------------------------------------------------

    @property
    def eui64(self) -> int:
        """See :class:`han.radio.HanRadio`."""
        return self._eui64

    @property
    def nwk(self) -> int:
        """See :class:`han.radio.HanRadio`."""
        return self._node

    @property
    def role(self) -> Role:
        """See :class:`han.radio.HanRadio`."""
        return self._role

    @property
    def on_network(self) -> bool:
        """See :class:`han.radio.HanRadio`."""
        return self._on_network

    @property
    def trust_centre(self) -> int | None:
        """See :class:`han.radio.HanRadio`."""
        return self._trust_centre if self._on_network else None

    @property
    def channel(self) -> int | None:
        """See :class:`han.radio.HanRadio`."""
        return self._channel if self._on_network else None

    def max_payload(self, *, encrypted: bool) -> int:
        """See :class:`han.radio.HanRadio`."""
        return max_payload(encrypted=encrypted, ncp_octets=self._payload_octets)

    def nwk_of(self, eui64: int) -> int | None:
        """See :class:`han.radio.HanRadio`."""
        return self._node if eui64 == self._eui64 else self._book.node_of(eui64)

    def set_endpoints(self, endpoints: Sequence[SimpleDescriptor]) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._endpoints = tuple(endpoints)

    # -- life -----------------------------------------------------------------------------------

    async def start(self) -> None:
        """See :class:`han.radio.HanRadio`."""
        if self._closed or self._started:
            raise RadioError(f"{self._path}: a radio starts once")
        await self._open()
        self._started = True
        if self._heartbeat_s is not None:
            self._run(watch(lambda: self._port, self._heartbeat_s, self.lost), "heartbeat")

    async def _open(self) -> EzspPort:
        port = EzspPort(
            self._path,
            self,
            baudrate=self._baudrate,
            flow_control=self._flow_control,
            parent=self._parent,
        )
        await port.open(self._endpoints)
        if self._closed:
            await port.close()
            raise RadioError(f"{self._path}: the radio is closed")
        self._port, self._eui64, self._payload_octets = port, port.eui64, port.payload_octets
        return port

    async def close(self) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._closed = True
        self._on_network = False
        self._desk.close()
        self._messages.lost()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        port, self._port = self._port, None
        if port is not None:
            await port.close()
        self._events.end()
        when_closed, self._when_closed = self._when_closed, None
        if when_closed is not None:
            when_closed()

    async def cut_power(self) -> None:
        """See :class:`han.radio.HanRadio`: a dongle keeps its own supply, so it is reset instead.

        Its firmware stays off the network until it is told to resume.
        """
        recovering = self._recovery.running  # which opens the dongle, and resets it by that
        port = self._port if recovering else self._use()
        self._member = False
        self._gone()
        if port is not None and not recovering:
            await self._reset(port)
        self._events.put(RadioLost(POWER_CUT))

    async def _reset(self, port: EzspPort) -> None:
        await port.close()
        try:
            await self._open()
        except RadioError as exc:
            LOGGER.warning("%s lost: %s", self._path, exc)
            self._recover(port)

    def _run(self, work: Coroutine[object, object, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=f"{self._path} {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _use(self, *, coordinator: bool | None = None) -> EzspPort:
        if self._port is None:
            state = "closed" if self._closed else "lost or not started"
            raise RadioError(f"{self._path}: the radio is {state}")
        if coordinator is not None and coordinator is not (self._role is Role.COORDINATOR):
            raise RadioError(f"a {self._role.value} cannot do this")
        return self._port

    # -- network --------------------------------------------------------------------------------

    async def form(self, network: NetworkParameters) -> None:
        """See :class:`han.radio.HanRadio`."""
        port = self._use(coordinator=True)
        if await port.joined():
            await port.leave()
        self._book.clear()
        await port.keys.clear_key_table()
        await port.keys.clear_transient_keys()
        bitmask = ezsp_port.HAVE_NETWORK_KEY | ezsp_port.NO_FRAME_COUNTER_RESET
        await port.keys.set_security(bitmask, network.network_key, bytes(16))
        await port.form(network.channel, network.pan_id, network.extended_pan_id)
        await self._up(port)

    async def resume(self) -> bool:
        """See :class:`han.radio.HanRadio`."""
        port = self._use()
        if self._on_network and self._role is not Role.COORDINATOR:
            await self._rejoin(port)
        elif not await port.resume():
            return False
        await self._up(port)
        return True

    async def _rejoin(self, port: EzspPort) -> None:
        """Of one that misses its hub: it stays a member of the network also when nobody answers."""
        self._on_network = False
        try:
            await port.rejoin(self._role)
        finally:
            self._on_network = self._member and self._port is port

    async def _up(self, port: EzspPort) -> None:
        node, node_type, trust_centre, self._channel = await port.network()
        if node_type != ezsp_port.NODE_TYPES[self._role]:
            raise OtherRole(
                f"{self._path} is on a network as node type {node_type}, not as "
                f"{self._role.value}: have the dongle leave that network first"
            )
        if self._role is Role.COORDINATOR:
            await self._desk.attach(port)
        else:
            self._book.learn(trust_centre, 0)
        self._node, self._trust_centre = node, trust_centre
        if port is not self._port:
            raise RadioError(f"{self._path}: lost on the way to its network")
        self._on_network = self._member = True
        await self._polling.begin(port)
        self._events.put(NetworkUp())

    async def scan(self, channels: Sequence[int] = ()) -> list[Beacon]:
        """See :class:`han.radio.HanRadio`."""
        return await self._use().scan(tuple(channels))

    async def join(self, beacon: Beacon, link_key: bytes) -> None:
        """See :class:`han.radio.HanRadio`."""
        port = self._use(coordinator=False)
        bitmask = ezsp_port.HAVE_PRECONFIGURED_KEY | ezsp_port.REQUIRE_ENCRYPTED_KEY
        await port.keys.set_security(bitmask, bytes(16), link_key)
        self._joining = asyncio.get_running_loop().create_future()
        try:
            await port.join(self._role, beacon.channel, beacon.pan_id, beacon.extended_pan_id)
            async with asyncio.timeout(JOIN_TIMEOUT_S):
                outcome = await self._joining
        except TimeoutError:
            raise RadioError(f"{self._path}: joining took too long") from None
        finally:
            self._joining = None
        if outcome != t.sl_Status.NETWORK_UP:
            raise RadioError(f"{self._path}: not joined: {_SAID.get(outcome, outcome.name)}")
        await self._up(port)

    async def leave(self) -> None:
        """See :class:`han.radio.HanRadio`."""
        port = self._use()
        if self._on_network or await port.joined():
            self._member = False
            await port.leave()

    # -- trust centre ---------------------------------------------------------------------------

    async def allow_join(self, eui64: int, link_key: bytes) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._use(coordinator=True)
        await self._desk.allow(eui64, link_key)

    async def deny_join(self, eui64: int) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._use(coordinator=True)
        await self._desk.deny(eui64)

    async def permit_joining(self, duration_s: int) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._use(coordinator=True)
        await self._desk.permit(duration_s)

    async def set_link_key(self, eui64: int, link_key: bytes) -> None:
        """See :class:`han.radio.HanRadio`."""
        port = self._use()
        if self._role is not Role.COORDINATOR and eui64 == self._trust_centre:
            await port.keys.set_trust_centre_link_key(eui64, link_key)
        else:
            await port.keys.set_link_key(eui64, link_key)

    async def set_authorised(self, eui64: int, *, authorised: bool) -> None:
        """See :class:`han.radio.HanRadio`."""
        port = self._use(coordinator=True)
        await self._desk.set_authorised(port, eui64, authorised=authorised)
        if authorised and self._on_network and self._book.node_of(eui64) is None:
            self._run(self._messages.seek(port, eui64), "seek an address")

    async def request_partner_key(self, partner: int) -> bool:
        """See :class:`han.radio.HanRadio`."""
        port = self._use(coordinator=False)
        if not self._on_network:
            raise RadioError(f"{self._path}: not on a network")
        async with self._polling.expecting(port):
            return await self._desk.partners.request(port, partner)

    async def send_network_key(self, key: bytes) -> None:
        """See :class:`han.radio.HanRadio`."""
        port = self._use(coordinator=True)
        await self._desk.send_network_key(port, key)

    async def switch_network_key(self) -> None:
        """See :class:`han.radio.HanRadio`."""
        await self._desk.switch_network_key(self._use(coordinator=True))

    async def remove(self, eui64: int) -> None:
        """See :class:`han.radio.HanRadio`."""
        port = self._use(coordinator=True)
        await self._desk.remove(port, eui64)

    # -- traffic --------------------------------------------------------------------------------

    async def send(self, frame: ApsFrame) -> DeliveryReport:
        """See :class:`han.radio.HanRadio`."""
        port = self._use()
        if not self._on_network:
            raise RadioError(f"{self._path}: not on a network")
        limit = self.max_payload(encrypted=frame.encrypted)
        if len(frame.payload) > limit:
            raise RadioError(f"{len(frame.payload)} octets do not fit one frame of {limit}")
        async with self._polling.expecting(port):
            return await self._messages.send(port, frame)

    async def acknowledge_block(self, ack: BlockAck) -> None:
        """See :class:`han.radio.HanRadio`."""
        await self._messages.acknowledge_block(self._use(), ack)

    async def set_awake(self, *, awake: bool, every_s: float = AWAKE_POLL_S) -> None:
        """See :class:`han.radio.HanRadio`."""
        port = self._use()
        await self._polling.set(port if self._on_network else None, every_s if awake else None)

    def events(self) -> AsyncIterator[RadioEvent]:
        """See :class:`han.radio.HanRadio`."""
        return self._events.read()

    # -- what the port reports ------------------------------------------------------------------

    def incoming(self, message: Incoming) -> None:
        """See :class:`hw.ezsp_callbacks.PortListener`."""
        if self._port is not None:
            self._messages.incoming(self._port, message)

    def sent(self, node: int, message_tag: int, sequence: int, outcome: t.sl_Status) -> None:
        """See :class:`hw.ezsp_callbacks.PortListener`."""
        self._messages.sent(message_tag, outcome)

    def stack_status(self, status: t.sl_Status) -> None:
        """See :class:`hw.ezsp_callbacks.PortListener`."""
        if self._joining is not None and not self._joining.done():
            self._joining.set_result(status)
        elif status == t.sl_Status.NETWORK_DOWN and self._on_network:
            self._on_network = False
            self._member = False
            self._messages.lost()
            self._events.put(NetworkDown("left"))
        elif status == t.sl_Status.NETWORK_UP and self._on_network and self._port is not None:
            self._run(self._back(self._port), "back on the network")

    async def _back(self, port: EzspPort) -> None:
        """The firmware went back to its network by itself, perhaps under another address."""
        try:
            await self._up(port)
        except RadioError as exc:
            LOGGER.warning("%s is back, but: %s", self._path, exc)

    def device_update(self, eui64: int, node: int, update: int, decision: int) -> None:
        """See :class:`hw.ezsp_callbacks.PortListener`."""
        self._desk.device_update(eui64, node, update, decision)

    def key_established(self, partner: int, status: int) -> None:
        """See :class:`hw.ezsp_callbacks.PortListener`."""
        self._desk.partners.established(partner, status)

    def child_polled(self, node: int) -> None:
        """See :class:`hw.ezsp_callbacks.PortListener`."""
        self._desk.child_polled(node)

    def network_key_switched(self, sequence: int) -> None:
        """See :class:`hw.ezsp_callbacks.PortListener`."""
        self._events.put(NetworkKeySwitched(sequence))

    # -- loss and recovery ----------------------------------------------------------------------

    def lost(self, reason: str) -> None:
        """See :class:`hw.ezsp_callbacks.PortListener`."""
        port = self._port
        if port is None or self._closed:
            return
        self._gone()
        LOGGER.warning("%s lost: %s", self._path, reason)
        self._events.put(RadioLost(reason))
        if not self._recovery.running:  # else it meets the loss and begins again
            self._recover(port)

    def _recover(self, lost: EzspPort) -> None:
        if self._closed:
            return
        self._recovery.running = True
        self._run(self._recovery.rebuild(lost), "rebuild")

    def _gone(self) -> None:
        """There is no port: what was under way has failed."""
        self._port = None
        self._on_network = False
        self._desk.detach()
        self._messages.lost()
        if self._joining is not None and not self._joining.done():
            self._joining.set_result(t.sl_Status.FAIL)

    async def _go_back(self, port: EzspPort) -> None:
        """Onto the network that a rebuilt radio was on."""
        if self._member and not await self.resume():
            LOGGER.error("%s came back without its network", self._path)
            self._member = False
            self._events.put(NetworkDown("the dongle forgot its network"))
        if port is not self._port:
            raise RadioError("lost again on the way back")
