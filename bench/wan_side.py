"""The WAN side of a home: the gateways its rig asks for, led to the hub."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from bench.address import parse_address
from bench.home import Home
from bench.rig import Rig
from bench.wan import GfiGateway
from chub.undelivered import Undeliverable
from device.events import to_json_line
from device.outbox import Offer
from gbcs.errors import MalformedMessage
from gbcs.eui64 import format_eui64


@asynccontextmanager
async def wan_side(home: Home) -> AsyncIterator[int]:
    """Open the WAN side of the home's rig while the block runs; yields the TCP port's number."""

    def refuse(error: MalformedMessage) -> None:
        home.hub.undelivered.refuse(Undeliverable.MALFORMED, str(error))

    gateway = GfiGateway(home.hub.deliver, refuse, home.hub.chassis.outbox.flush)
    async with AsyncExitStack() as stack:
        if home.rig.wan.mqtt is not None:
            await _open_mqtt(home, home.rig.wan.mqtt, refuse, stack)
        _lead_upward(home, gateway.upward, stack)
        yield await stack.enter_async_context(gateway.serving(*parse_address(home.rig.wan.listen)))


async def _open_mqtt(
    home: Home, address: str, refuse: Callable[[MalformedMessage], None], stack: AsyncExitStack
) -> None:
    from bench.mqtt import Broker, MqttGateway

    broker, flush = Broker.parse(address), home.hub.chassis.outbox.flush
    gateway = MqttGateway(broker, home.rig.name, home.hub.deliver, refuse, flush)
    _lead_upward(home, gateway.upward, stack)
    unsubscribe = home.events.subscribe(lambda event: gateway.event(to_json_line(event)))
    stack.callback(unsubscribe)
    await stack.enter_async_context(gateway.serving())


def _lead_upward(home: Home, take: Offer, stack: AsyncExitStack) -> None:
    home.upward.append(take)
    stack.callback(home.upward.remove, take)


def names_of(rig: Rig) -> Mapping[int, str]:
    """What to call the parties and devices of a rig; of a kind there are several, by EUI-64 too."""
    names = {party: role.name.lower().replace("_", " ")
             for role, party in rig.parties.by_role().items()}  # fmt: skip
    names |= {rig.hub.gpf: "GPF", rig.hub.chf: "CHF"}
    kinds = Counter(rig.device_types.values())
    return names | {
        eui64: kind.value if kinds[kind] == 1 else f"{kind.value} {format_eui64(eui64)}"
        for eui64, kind in rig.device_types.items()
    }
