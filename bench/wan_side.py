"""The WAN side of a home: the gateways its rig asks for, led to the hub."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from bench.home import Home
from bench.rig import Rig
from bench.wan import GfiGateway, parse_address
from chub.hub import Undeliverable
from gbcs.errors import MalformedMessage


@asynccontextmanager
async def wan_side(home: Home) -> AsyncIterator[int]:
    """Open the WAN port of the home's rig while the block runs; yields its number."""

    def refuse(error: MalformedMessage) -> None:
        home.hub.refuse(Undeliverable.MALFORMED, str(error))

    gateway = GfiGateway(home.hub.deliver, refuse)
    home.upward.append(gateway.upward)
    try:
        async with gateway.serving(*parse_address(home.rig.wan.listen)) as port:
            yield port
    finally:
        home.upward.remove(gateway.upward)


def names_of(rig: Rig) -> Mapping[int, str]:
    """What to call the parties and devices of a rig."""
    names = {party: role.name.lower().replace("_", " ")
             for role, party in rig.parties.by_role().items()}  # fmt: skip
    names |= {rig.hub.gpf: "GPF", rig.hub.chf: "CHF"}
    if rig.gas_meter is not None:
        names[rig.gas_meter.eui64] = "GSME"
    return names
