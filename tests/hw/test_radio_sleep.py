"""The radio port, every filling: what waits for a sleeper, and how often one polls."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from han.radio import (
    Broadcast,
    ChildPolled,
    DeliveryStatus,
    Role,
)
from hw.ezsp_port import poll_interval
from tests.hw.air import (
    HUB,
    JOINERS,
    METER,
    Air,
    Node,
    message,
)


async def test_a_message_waits_for_a_sleeper_and_expires(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE)
    report = await hub.radio.send(message(METER, b"too late"))
    assert report.status is DeliveryStatus.EXPIRED
    sending = asyncio.create_task(hub.radio.send(message(METER, b"in time")))
    await asyncio.sleep(5)
    assert not sending.done()
    assert not peer.payloads()
    hub.heard.clear()
    await peer.radio.set_awake(awake=True)
    assert (await sending).delivered
    await hub.hears(ChildPolled)
    assert peer.payloads() == [b"in time"]
    await peer.radio.set_awake(awake=False)
    await asyncio.sleep(1)
    assert not (await hub.radio.send(message(METER, b"asleep"))).delivered


async def test_a_sleeper_hears_the_acknowledgement_of_what_it_sends(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE)
    assert (await peer.radio.send(message(HUB, encrypted=True))).delivered
    await hub.hears_payload()


async def polls_in(hub: Node, length_s: float) -> int:
    """How often a sleeper was heard to poll; a hub tells of one poll a second."""
    hub.heard.clear()
    await asyncio.sleep(length_s)
    return sum(isinstance(event, ChildPolled) for event in hub.heard)


@pytest.mark.parametrize("air", ["ether", "ezsp13"], indirect=True)
@pytest.mark.parametrize("kind", JOINERS)
async def test_a_sleeper_polls_as_often_as_it_is_told(air: Air, kind: str) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE, kind)
    await asyncio.sleep(5)
    assert await polls_in(hub, 100) == 0
    await peer.radio.set_awake(awake=True, every_s=4)
    assert await polls_in(hub, 100) in (24, 25, 26)
    await peer.radio.set_awake(awake=True, every_s=300)
    assert await polls_in(hub, 3000) in (9, 10, 11)
    await peer.radio.set_awake(awake=True)
    assert await polls_in(hub, 10) >= 9
    await peer.radio.set_awake(awake=False)
    await asyncio.sleep(1)
    assert await polls_in(hub, 100) == 0


@pytest.mark.parametrize("air", ["ether", "ezsp13"], indirect=True)
@pytest.mark.parametrize("kind", JOINERS)
async def test_a_sleeper_that_polls_now_and_then_hears_at_once_that_it_was_heard(
    air: Air, kind: str
) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE, kind)
    await peer.radio.set_awake(awake=True, every_s=300)
    await asyncio.sleep(10)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    assert (await peer.radio.send(message(HUB, encrypted=True))).delivered
    assert loop.time() - began_s < 1
    assert await polls_in(hub, 250) <= 1


@pytest.mark.parametrize("air", ["ether", "ezsp13"], indirect=True)
@pytest.mark.parametrize("kind", JOINERS)
async def test_a_sleeper_that_was_reset_goes_on_polling_as_before(air: Air, kind: str) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE, kind)
    await peer.radio.set_awake(awake=True, every_s=4)
    await peer.radio.cut_power()
    await asyncio.sleep(1)
    assert await polls_in(hub, 100) == 0
    assert await peer.radio.resume()
    assert await polls_in(hub, 100) in (24, 25, 26)


@pytest.mark.parametrize(
    ("interval_s", "told"),
    [
        (0, (0, 1)),
        (0.0001, (1, 1)),
        (0.1, (100, 1)),
        (65, (65_000, 1)),
        (66, (264, 2)),
        (20_000, (333, 3)),
        (1e9, (0xFFFF, 3)),
    ],
)
def test_a_dongle_is_told_an_interval_in_the_units_that_hold_it(
    interval_s: float, told: tuple[int, int]
) -> None:
    assert poll_interval(interval_s) == told


async def test_a_broadcast_to_all_waits_for_sleepers(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE)
    await hub.radio.send(replace(message(0), peer=Broadcast.ALL, acknowledged=False))
    await asyncio.sleep(1)
    assert not peer.payloads()
    await peer.radio.set_awake(awake=True)
    assert (await peer.hears_payload()).broadcast
