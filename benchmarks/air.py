"""The virtual air when it is bad: what a message of the greatest GBCS length costs."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.rig import VIRTUAL_START
from device.timeline import Timeline, run
from han.radio import Role
from hw.ether import Link
from tests.hw.air import METER
from tests.hw.long_messages import parties

Figure = tuple[str, float, str]
OCTETS = 1200
MESSAGES = 50
SEEDS = range(4)
LOSS = Link(loss=0.1)


def figures() -> Iterator[Figure]:
    for place, radio in {"on the ether": "ether:", "through bellows": "vncp:"}.items():
        began = time.perf_counter()
        arrived, air_s = zip(*(_carry(radio, seed) for seed in SEEDS), strict=True)
        took_s = time.perf_counter() - began
        sent = MESSAGES * len(SEEDS)
        name = f"{OCTETS} octets to a sleepy device, 10 % loss, {place}"
        yield f"{name}: arrived once", 100 * sum(arrived) / sent, "%"
        yield f"{name}: on the air", sum(air_s) / sent, "s"
        yield f"{name}: simulated", sent / took_s, "messages/s"


def _carry(radio: str, seed: int) -> tuple[int, float]:
    """How many of the messages arrived exactly once, and the virtual seconds for all."""
    timeline = Timeline(VIRTUAL_START)

    async def carry() -> tuple[int, float]:
        sleepy = Role.SLEEPY_END_DEVICE
        async with parties(timeline, radio, radio, sleepy, seed=seed, link=LOSS) as (hub, meter):
            sent = [bytes((number,)) * OCTETS for number in range(MESSAGES)]
            began_s = timeline.elapsed_s
            for message in sent:
                await hub.tell(METER, message)
            once = sum(meter.heard.count(message) == 1 for message in sent)
            return once, timeline.elapsed_s - began_s

    return run(carry(), timeline)
