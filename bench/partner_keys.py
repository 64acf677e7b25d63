"""Link keys between devices of one home, which a trust centre would hand out over the air.

The emulated hub does not hand them out yet, so the bench gives each two devices that talk to each
other past the hub (a display and the electricity meter) the same key when they are on the network.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import combinations

from bench.keys import network_secret
from device.events import Event, EventStream, RadioUp
from gbcs.eui64 import format_eui64
from han.radio import HanRadio, RadioError


@dataclass(slots=True)
class PartnerKeys:
    """The radios that are partners, and the seed of their keys."""

    seed: str
    radios: dict[int, HanRadio] = field(default_factory=dict)

    def key(self, one: int, other: int) -> bytes:
        """The link key of two partners."""
        first, second = sorted((one, other))
        return network_secret(self.seed, f"link key {format_eui64(first)} {format_eui64(second)}")

    def all_keys(self) -> Iterator[bytes]:
        """Every key, for captures."""
        yield from (self.key(one, other) for one, other in combinations(self.radios, 2))

    def hand_out(self, events: EventStream, tasks: asyncio.TaskGroup) -> Callable[[], None]:
        """Give a partner its keys whenever it comes to the network; the result ends that."""

        def came(event: Event) -> None:
            radio = self.radios.get(event.device)
            if radio is not None:
                tasks.create_task(self._give(event.device, radio), name="partner keys")

        return events.subscribe(came, RadioUp)

    async def _give(self, eui64: int, radio: HanRadio) -> None:
        with suppress(RadioError):  # a radio that is lost again gets them when it is back
            for other in tuple(self.radios):
                if other != eui64:
                    await radio.set_link_key(other, self.key(eui64, other))
