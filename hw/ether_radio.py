"""``EtherRadio``.

A virtual node that fills the radio port directly, without a dongle or a serial protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from han.radio import (
    AWAKE_POLL_S,
    POWER_CUT,
    ApsFrame,
    ApsReceived,
    Beacon,
    BlockAck,
    Broadcast,
    DeliveryReport,
    DeliveryStatus,
    JoinKind,
    NetworkParameters,
    RadioError,
    RadioEvent,
    RadioLost,
    Role,
    SimpleDescriptor,
)
from hw.ether import Ether
from hw.events import EventStream
from hw.limits import max_payload
from hw.settings import ParentSettings
from hw.stack import MemoryStore, Stack, Store
from hw.stack.addresses import REQUESTS as ADDRESS_REQUESTS


class EtherRadio:
    """A node on an :class:`~hw.ether.Ether`, in any role.

    ``store`` keeps network, keys and counters; hand the same store to a new radio to continue a
    life. ``parent`` is what a coordinator does with its children.
    """

    def __init__(
        self,
        ether: Ether,
        eui64: int,
        role: Role,
        store: Store | None = None,
        parent: ParentSettings | None = None,
    ) -> None:
        self._allowed: dict[int, bytes] = {}
        self._authorised: set[int] = set()
        self._events = EventStream()
        self._started = False
        self._closed = False
        self._stack = Stack(
            ether,
            eui64,
            role,
            store if store is not None else MemoryStore(),
            self._heard,
            self._preconfigured,
            self._issues_key,
            parent,
        )

    def _heard(self, event: RadioEvent) -> None:
        """Pass events on, but for address requests.

        The stack has answered them, as a dongle does.
        """
        if (
            isinstance(event, ApsReceived)
            and event.profile_id == 0
            and event.cluster_id in ADDRESS_REQUESTS
        ):
            return
        self._events.put(event)

    def _preconfigured(self, eui64: int, kind: JoinKind) -> bytes | None:
        return self._allowed.get(eui64)

    def _issues_key(self, requester: int, partner: int) -> bool:
        return {requester, partner} <= self._authorised

    # -- identity -------------------------------------------------------------------------------

    @property
    def eui64(self) -> int:
        """See :class:`han.radio.HanRadio`."""
        return self._stack.eui64

    @property
    def nwk(self) -> int:
        """See :class:`han.radio.HanRadio`."""
        membership = self._stack.state.membership
        return 0xFFFE if membership is None else membership.nwk

    @property
    def role(self) -> Role:
        """See :class:`han.radio.HanRadio`."""
        return self._stack.role

    @property
    def on_network(self) -> bool:
        """See :class:`han.radio.HanRadio`."""
        return self._stack.on_network

    @property
    def trust_centre(self) -> int | None:
        """See :class:`han.radio.HanRadio`."""
        membership = self._stack.state.membership
        return membership.trust_centre if membership is not None and self.on_network else None

    @property
    def channel(self) -> int | None:
        """See :class:`han.radio.HanRadio`."""
        membership = self._stack.state.membership
        return membership.channel if membership is not None and self.on_network else None

    def max_payload(self, *, encrypted: bool) -> int:
        """See :class:`han.radio.HanRadio`."""
        return max_payload(encrypted=encrypted)

    def nwk_of(self, eui64: int) -> int | None:
        """See :class:`han.radio.HanRadio`."""
        if eui64 in self._stack.state.expelled:
            return None
        return self._stack.state.addresses.get(eui64)

    def set_endpoints(self, endpoints: Sequence[SimpleDescriptor]) -> None:
        """Frames for other endpoints are dropped, as a dongle does; none set takes every frame."""
        self._events.accept_only({e.endpoint: e.profile_id for e in endpoints})

    # -- life -----------------------------------------------------------------------------------

    async def start(self) -> None:
        """See :class:`han.radio.HanRadio`."""
        if self._closed:
            raise RadioError("this radio was closed")
        self._stack.power_on()
        self._started = True

    async def close(self) -> None:
        """Switch off without a word on the air."""
        self._closed = True
        self._started = False
        self._stack.power_off()
        self._events.end()

    async def cut_power(self) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._require()
        self._stack.power_off()
        self._events.put(RadioLost(POWER_CUT))

    async def form(self, network: NetworkParameters) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._require(coordinator=True)
        self._stack.form(network)

    async def resume(self) -> bool:
        """See :class:`han.radio.HanRadio`."""
        self._require()
        self._stack.power_on()
        return await self._stack.resume()

    async def scan(self, channels: Sequence[int] = ()) -> list[Beacon]:
        """See :class:`han.radio.HanRadio`."""
        self._require()
        return await self._stack.scan(channels)

    async def join(self, beacon: Beacon, link_key: bytes) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._require(coordinator=False)
        await self._stack.join(beacon, link_key)

    async def leave(self) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._require()
        await self._stack.leave()

    def fail(self, reason: str) -> None:
        """Break the radio, as pulling the plug does.

        :meth:`start` and :meth:`resume` bring it back.
        """
        self._stack.power_off()
        self._started = False
        self._events.put(RadioLost(reason))

    def _require(self, *, coordinator: bool | None = None) -> None:
        if not self._started:
            raise RadioError("the radio is not started")
        if coordinator is not None and coordinator is not (self.role is Role.COORDINATOR):
            raise RadioError(f"a {self.role.value} cannot do this")

    # -- trust centre ---------------------------------------------------------------------------

    async def allow_join(self, eui64: int, link_key: bytes) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._require(coordinator=True)
        self._allowed[eui64] = link_key

    async def deny_join(self, eui64: int) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._require(coordinator=True)
        self._allowed.pop(eui64, None)

    async def permit_joining(self, duration_s: int) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._require(coordinator=True)
        self._stack.trust_centre.permit_joining(duration_s)

    async def set_link_key(self, eui64: int, link_key: bytes) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._require()
        self._stack.state.set_link_key(eui64, link_key)

    async def set_authorised(self, eui64: int, *, authorised: bool) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._require(coordinator=True)
        if authorised:
            self._authorised.add(eui64)
        else:
            self._authorised.discard(eui64)

    async def request_partner_key(self, partner: int) -> bool:
        """See :class:`han.radio.HanRadio`."""
        self._require(coordinator=False)
        if not self.on_network:
            raise RadioError("not on a network")
        return await self._stack.keys.ask(partner)

    async def send_network_key(self, key: bytes) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._require(coordinator=True)
        self._stack.network_keys.send(key)

    async def switch_network_key(self) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._require(coordinator=True)
        self._stack.network_keys.switch()

    async def remove(self, eui64: int) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._require(coordinator=True)
        self._allowed.pop(eui64, None)
        self._authorised.discard(eui64)
        self._stack.trust_centre.remove(eui64)

    # -- traffic --------------------------------------------------------------------------------

    async def send(self, frame: ApsFrame) -> DeliveryReport:
        """See :class:`han.radio.HanRadio`."""
        self._require()
        limit = self.max_payload(encrypted=frame.encrypted)
        if len(frame.payload) > limit:
            raise RadioError(f"{len(frame.payload)} octets do not fit one frame of {limit}")
        peer = frame.peer
        if not isinstance(peer, Broadcast) and self.nwk_of(peer) is None and self.on_network:
            await self._stack.addresses.find(peer)
        ended: asyncio.Future[DeliveryStatus] = asyncio.get_running_loop().create_future()

        def finish(status: DeliveryStatus) -> None:
            if not ended.done():
                ended.set_result(status)

        counter = self._stack.send(frame, finish)
        return DeliveryReport(await ended, counter)

    async def acknowledge_block(self, ack: BlockAck) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._require()
        self._stack.acknowledge_block(ack)

    async def set_awake(self, *, awake: bool, every_s: float = AWAKE_POLL_S) -> None:
        """See :class:`han.radio.HanRadio`."""
        self._require()
        self._stack.poll_every(every_s if awake else None)

    def events(self) -> AsyncIterator[RadioEvent]:
        """See :class:`han.radio.HanRadio`."""
        return self._events.read()
