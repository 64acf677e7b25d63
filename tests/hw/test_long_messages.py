"""Messages of many frames over bad links: each arrives whole and once, on every filling."""

from __future__ import annotations

import asyncio

import pytest

from device.timeline import Timeline
from han.radio import Role
from hw.ether import Link
from tests.hw.air import HUB, METER
from tests.hw.long_messages import parties

FILLINGS = ("ether:", "vncp:?ezsp=8", "vncp:?ezsp=13", "vncp:?ezsp=14", "vncp:?ezsp=19")
BAD = Link(loss=0.1, repeat=0.1, late=0.05, corrupt=0.02, garble=0.02, latency_s=0.002)


def _message(octets: int, number: int = 0) -> bytes:
    return bytes((number + i * 7 + i // 256) & 0xFF for i in range(octets))


@pytest.mark.parametrize("octets", [1200, 1497])
@pytest.mark.parametrize("radio", FILLINGS)
async def test_the_longest_messages_arrive_whole_and_once_both_ways_over_a_bad_link(
    timeline: Timeline, radio: str, octets: int
) -> None:
    role = Role.SLEEPY_END_DEVICE
    async with parties(timeline, radio, radio, role, seed=octets, link=BAD) as (hub, meter):
        await hub.tell(METER, _message(octets))
        await meter.tell(HUB, _message(octets, 3))
        assert (meter.heard, hub.heard) == ([_message(octets)], [_message(octets, 3)])


@pytest.mark.parametrize("seed", range(12))
async def test_1200_octets_reach_a_sleepy_meter_once_at_ten_percent_loss(
    timeline: Timeline, seed: int
) -> None:
    sleepy, link = Role.SLEEPY_END_DEVICE, Link(loss=0.1)
    async with parties(timeline, "ether:", "ether:", sleepy, seed=seed, link=link) as (hub, meter):
        sent = [_message(1200, number) for number in range(10)]
        for message in sent:
            await hub.tell(METER, message)
        assert meter.heard == sent


@pytest.mark.parametrize(("hub_radio", "device_radio"), [("vncp:?ezsp=13", "ether:"),
                                                         ("ether:", "vncp:?ezsp=14")])  # fmt: skip
@pytest.mark.parametrize("role", [Role.ROUTER, Role.END_DEVICE])
async def test_messages_that_cross_each_other_do_not_mix(
    timeline: Timeline, hub_radio: str, device_radio: str, role: Role
) -> None:
    async with parties(timeline, hub_radio, device_radio, role, seed=5, link=BAD) as (hub, device):
        down = [_message(700, number) for number in range(3)]
        up = [_message(900, number + 50) for number in range(3)]
        await asyncio.gather(
            *(hub.tell(METER, message) for message in down),
            *(device.tell(HUB, message) for message in up),
        )
        assert (device.heard, hub.heard) == (down, up)
