"""Radios on a wire: whatever one sends the other receives, unless the test bends the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from han.radio import (
    AWAKE_POLL_S,
    ApsFrame,
    ApsReceived,
    Beacon,
    BlockAck,
    Broadcast,
    DeliveryReport,
    DeliveryStatus,
    NetworkParameters,
    NetworkUp,
    RadioError,
    RadioEvent,
    RadioLost,
    Role,
    SimpleDescriptor,
)


class Wire:
    """What connects the radios. ``lose`` frames are lost; the next ones wait for ``clear``."""

    def __init__(self) -> None:
        self.radios: dict[int, WireRadio] = {}
        self.lose = 0
        self.clear = asyncio.Event()
        self.clear.set()
        self.carried: list[ApsFrame] = []

    def radio(self, eui64: int) -> WireRadio:
        self.radios[eui64] = WireRadio(self, eui64)
        return self.radios[eui64]


class WireRadio:
    """Fills the radio port; a payload of more than ``limit`` octets must be fragmented."""

    def __init__(self, wire: Wire, eui64: int, limit: int = 60) -> None:
        self._wire = wire
        self._eui64 = eui64
        self._limit = limit
        self._events: asyncio.Queue[RadioEvent | None] = asyncio.Queue()
        self._counter = 0
        self.broken = ""
        self.put(NetworkUp())

    def put(self, event: RadioEvent | None) -> None:
        self._events.put_nowait(event)

    def break_down(self, reason: str = "unplugged") -> None:
        self.broken = reason
        self.put(RadioLost(reason))

    def mend(self) -> None:
        self.broken = ""
        self.put(NetworkUp())

    @property
    def eui64(self) -> int:
        return self._eui64

    @property
    def nwk(self) -> int:
        return self._eui64 & 0xFFFF

    @property
    def role(self) -> Role:
        return Role.ROUTER

    @property
    def on_network(self) -> bool:
        return not self.broken

    @property
    def trust_centre(self) -> int | None:
        return None

    @property
    def channel(self) -> int | None:
        return None

    def max_payload(self, *, encrypted: bool) -> int:
        return self._limit - 9 * encrypted

    def nwk_of(self, eui64: int) -> int | None:
        return eui64 & 0xFFFF

    def set_endpoints(self, endpoints: Sequence[SimpleDescriptor]) -> None:
        del endpoints

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        self.broken = "closed"
        self.put(None)

    async def cut_power(self) -> None:
        """See :class:`han.radio.HanRadio`."""

    async def form(self, network: NetworkParameters) -> None:
        raise RadioError("a wire has no networks")

    async def resume(self) -> bool:
        return True

    async def scan(self, channels: Sequence[int] = ()) -> list[Beacon]:
        return []

    async def join(self, beacon: Beacon, link_key: bytes) -> None:
        raise RadioError("a wire has no networks")

    async def leave(self) -> None:
        pass

    async def allow_join(self, eui64: int, link_key: bytes) -> None:
        raise RadioError("a wire has no networks")

    async def deny_join(self, eui64: int) -> None:
        raise RadioError("a wire has no networks")

    async def permit_joining(self, duration_s: int) -> None:
        raise RadioError("a wire has no networks")

    async def set_link_key(self, eui64: int, link_key: bytes) -> None:
        pass

    async def set_authorised(self, eui64: int, *, authorised: bool) -> None:
        raise RadioError("a wire has no networks")

    async def request_partner_key(self, partner: int) -> bool:
        raise RadioError("a wire has no networks")

    async def send_network_key(self, key: bytes) -> None:
        raise RadioError("a wire has no networks")

    async def switch_network_key(self) -> None:
        raise RadioError("a wire has no networks")

    async def remove(self, eui64: int) -> None:
        raise RadioError("a wire has no networks")

    async def send(self, frame: ApsFrame) -> DeliveryReport:
        await self._wire.clear.wait()
        if self.broken:
            raise RadioError(self.broken)
        assert len(frame.payload) <= self.max_payload(encrypted=frame.encrypted)
        self._counter = (self._counter + 1) & 0xFF
        counter = self._counter if frame.aps_counter is None else frame.aps_counter
        if self._wire.lose:
            self._wire.lose -= 1
            return DeliveryReport(DeliveryStatus.NO_ACKNOWLEDGEMENT, counter)
        peers = [self._wire.radios.get(int(frame.peer))]
        if isinstance(frame.peer, Broadcast):
            peers = [radio for radio in self._wire.radios.values() if radio is not self]
        if peers == [None]:
            return DeliveryReport(DeliveryStatus.UNKNOWN_PEER, counter)
        self._wire.carried.append(frame)
        for peer in peers:
            if peer is not None:
                peer.put(self._received(frame, counter))
        return DeliveryReport(DeliveryStatus.DELIVERED, counter)

    def _received(self, frame: ApsFrame, counter: int) -> ApsReceived:
        return ApsReceived(
            peer=self.eui64,
            profile_id=frame.profile_id,
            cluster_id=frame.cluster_id,
            source_endpoint=frame.source_endpoint,
            destination_endpoint=frame.destination_endpoint,
            payload=frame.payload,
            encrypted=frame.encrypted,
            aps_counter=counter,
            peer_nwk=self.nwk,
            broadcast=isinstance(frame.peer, Broadcast),
            block=frame.block,
        )

    async def acknowledge_block(self, ack: BlockAck) -> None:
        if self.broken:
            raise RadioError(self.broken)

    async def set_awake(self, *, awake: bool, every_s: float = AWAKE_POLL_S) -> None:
        pass

    async def events(self) -> AsyncIterator[RadioEvent]:
        while (event := await self._events.get()) is not None:
            yield event
