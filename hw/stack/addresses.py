"""ZDO address requests, which every stack answers by itself, and asking them of others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from han.radio import ApsFrame, ApsReceived, Broadcast, DeliveryStatus
from hw.stack.state import NodeState
from hw.zigbee import zdo

ANSWER_TIMEOUT_S: Final = 1.5
DEVICE_NOT_FOUND: Final = 0x81
REQUESTS: Final = (zdo.NWK_ADDR_REQ, zdo.IEEE_ADDR_REQ)

Send = Callable[[ApsFrame], None]


def answer(
    state: NodeState, own: int, cluster_id: int, request: bytes, *, broadcast: bool
) -> bytes | None:
    """The response to an address request about ourselves or a child.

    None where silence is the answer.

    ``request`` and response are without the transaction sequence number.
    """
    if cluster_id == zdo.NWK_ADDR_REQ:
        asked = request[:8].ljust(8, b"\0")
        eui64: int | None = int.from_bytes(asked, "little")
        nothing = asked + b"\xff\xff"
    else:
        eui64 = state.eui64_of(int.from_bytes(request[:2], "little"))
        nothing = bytes(8) + request[:2].ljust(2, b"\0")
    short = state.addresses.get(eui64) if eui64 is not None else None
    if eui64 is None or short is None or (eui64 != own and eui64 not in state.children):
        return None if broadcast else bytes((DEVICE_NOT_FOUND,)) + nothing
    return bytes((zdo.SUCCESS,)) + eui64.to_bytes(8, "little") + short.to_bytes(2, "little")


class AddressDesk:
    """Answers address requests from the air, and asks where someone is."""

    def __init__(self, state: NodeState, own: int, send: Send) -> None:
        self._state = state
        self._own = own
        self._send = send
        self._asked: dict[int, asyncio.Future[None]] = {}
        self._sequence = 0

    def heard(self, received: ApsReceived) -> None:
        """Take note of a ZDO message: addresses told, addresses asked for."""
        for eui64, short in zdo.told_addresses(received.cluster_id, received.payload):
            self._state.learn(eui64, short)
            asked = self._asked.get(eui64)
            if asked is not None and not asked.done():
                asked.set_result(None)
        if received.cluster_id in REQUESTS and received.payload:
            self._answer(received)

    def _answer(self, received: ApsReceived) -> None:
        body = answer(
            self._state,
            self._own,
            received.cluster_id,
            received.payload[1:],
            broadcast=received.broadcast,
        )
        if body is not None:
            cluster_id = received.cluster_id | zdo.RESPONSE
            self._send(ApsFrame(received.peer, 0, cluster_id, 0, 0, received.payload[:1] + body))

    async def find(self, eui64: int) -> bool:
        """Ask everyone where a device is; whether somebody told."""
        asked = self._asked.setdefault(eui64, asyncio.get_running_loop().create_future())
        self._sequence = self._sequence + 1 & 0xFF
        request = zdo.nwk_addr_request(self._sequence, eui64)
        self._send(
            ApsFrame(
                Broadcast.RX_ON_WHEN_IDLE, 0, zdo.NWK_ADDR_REQ, 0, 0, request, acknowledged=False
            )
        )
        await asyncio.wait([asked], timeout=ANSWER_TIMEOUT_S)
        self._asked.pop(eui64, None)
        return eui64 in self._state.addresses


def ignore(_: DeliveryStatus) -> None:
    """The asker asks again."""
