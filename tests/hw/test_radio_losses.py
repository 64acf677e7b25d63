"""The radio port, every filling: leaving, resets, power cuts and lost radios."""

from __future__ import annotations

import asyncio

import pytest

from han.radio import (
    POWER_CUT,
    ApsFrame,
    DeliveryStatus,
    DeviceLeft,
    NetworkDown,
    NetworkUp,
    RadioError,
    RadioLost,
    Role,
)
from tests.hw.air import (
    CHANNEL,
    HUB,
    JOINERS,
    METER,
    METER_KEY,
    METERING,
    NETWORK,
    NEW_KEY,
    SMART_ENERGY,
    Air,
    message,
)


@pytest.mark.parametrize("role", [Role.ROUTER, Role.END_DEVICE])
async def test_a_removed_device_goes_and_cannot_come_back(air: Air, role: Role) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, role)
    await hub.radio.remove(METER)
    assert await hub.hears(DeviceLeft) == DeviceLeft(METER)
    await peer.hears(NetworkDown)
    assert not peer.radio.on_network
    report = await hub.radio.send(message(METER, encrypted=True))
    assert report.status in (DeliveryStatus.UNKNOWN_PEER, DeliveryStatus.NO_LINK_KEY)
    (beacon,) = await peer.radio.scan([CHANNEL])
    with pytest.raises(RadioError):
        await peer.radio.join(beacon, METER_KEY)


@pytest.mark.parametrize("asleep_s", [1800, 20_000])
async def test_a_removed_sleeper_is_told_when_it_wakes(air: Air, asleep_s: int) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.SLEEPY_END_DEVICE)
    await hub.radio.remove(METER)
    await asyncio.sleep(asleep_s)
    assert peer.radio.on_network
    await peer.radio.set_awake(awake=True)
    await peer.hears(NetworkDown)


@pytest.mark.parametrize("kind", JOINERS)
async def test_a_leaving_device_is_noticed(air: Air, kind: str) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.ROUTER, kind)
    await peer.radio.leave()
    await peer.hears(NetworkDown)
    assert await hub.hears(DeviceLeft) == DeviceLeft(METER)
    assert not await peer.radio.resume()


async def test_a_device_that_left_may_join_again(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    await peer.radio.leave()
    await hub.hears(DeviceLeft)
    (beacon,) = await peer.radio.scan([CHANNEL])
    await peer.radio.join(beacon, METER_KEY)
    assert (await peer.radio.send(message(HUB, encrypted=True))).delivered


async def test_a_restarted_hub_goes_on_with_network_keys_and_counters(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    await hub.radio.set_link_key(METER, NEW_KEY)
    await peer.radio.set_link_key(HUB, NEW_KEY)
    assert (await hub.radio.send(message(METER, b"before", encrypted=True))).delivered
    await hub.radio.close()
    restarted = air.make(air.hub_kind, HUB, Role.COORDINATOR)
    await restarted.radio.start()
    assert await restarted.radio.resume()
    await restarted.hears(NetworkUp)
    await restarted.radio.set_authorised(METER, authorised=True)
    await asyncio.sleep(1)
    assert restarted.radio.nwk_of(METER) == peer.radio.nwk
    assert (await restarted.radio.send(message(METER, b"after", encrypted=True))).delivered
    assert (await peer.radio.send(message(HUB, b"answer", encrypted=True))).delivered
    assert peer.payloads() == [b"before", b"after"]


async def test_what_a_hub_sends_soon_after_a_restart_is_not_taken_for_a_repeat(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    said = [f"life {life}, {number}".encode() for life in range(3) for number in range(4)]
    for number, payload in enumerate(said):
        if number and number % 4 == 0:
            await hub.radio.close()
            hub = air.make(air.hub_kind, HUB, Role.COORDINATOR)
            await hub.radio.start()
            assert await hub.radio.resume()
        assert (await hub.radio.send(message(METER, payload))).delivered
    assert peer.payloads() == said


async def test_a_lost_radio_is_announced_and_comes_back(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    await hub.hears(NetworkUp)
    await peer.radio.close()
    sending = asyncio.create_task(hub.radio.send(message(METER)))
    await asyncio.sleep(0.5)
    hub.kill()
    await hub.hears(RadioLost)
    assert (await sending).status is DeliveryStatus.RADIO_LOST
    with pytest.raises(RadioError):
        await hub.radio.send(message(METER))
    if air.hub_kind == "ether":
        await hub.radio.start()
        await hub.radio.resume()
    await hub.hears(NetworkUp)
    again = air.make("ether", METER, Role.ROUTER)
    await again.radio.start()
    assert await again.radio.resume()
    assert (await hub.radio.send(message(METER, b"again", encrypted=True))).delivered


@pytest.mark.parametrize("kind", JOINERS)
async def test_a_node_without_a_supply_is_silent_and_comes_back_when_it_returns(
    air: Air, kind: str
) -> None:
    hub = await air.hub()
    peer = await air.peer(hub, Role.ROUTER, kind)
    assert (await hub.radio.send(message(METER, b"before", encrypted=True))).delivered
    await peer.radio.cut_power()
    assert (await peer.hears(RadioLost)).reason == POWER_CUT
    assert not peer.radio.on_network
    assert not (await hub.radio.send(message(METER, b"lost", encrypted=True))).delivered
    with pytest.raises(RadioError):
        await peer.radio.send(message(HUB))
    await asyncio.sleep(600)
    assert await peer.radio.resume()
    assert (await hub.radio.send(message(METER, b"after", encrypted=True))).delivered
    assert (await peer.radio.send(message(HUB, b"back", encrypted=True))).delivered
    assert peer.payloads() == [b"before", b"after"]


async def test_nothing_is_stored_before_a_network_is_formed(air: Air) -> None:
    hub = air.make(air.hub_kind, HUB, Role.COORDINATOR)
    await hub.radio.start()
    assert not await hub.radio.resume()
    with pytest.raises(RadioError):
        await hub.radio.send(message(METER))


async def test_a_closed_radio_ends_its_events_and_refuses_work(air: Air) -> None:
    hub = await air.hub()
    await hub.radio.close()
    await hub.radio.close()
    with pytest.raises(RadioError):
        await hub.radio.send(message(METER))
    with pytest.raises(RadioError):
        await hub.radio.form(NETWORK)


async def test_joiners_calls_are_not_for_a_hub(air: Air) -> None:
    hub = await air.hub()
    peer = await air.peer(hub)
    (beacon,) = await peer.radio.scan([CHANNEL])
    with pytest.raises(RadioError, match="cannot"):
        await hub.radio.join(beacon, METER_KEY)
    with pytest.raises(RadioError, match="cannot"):
        await peer.radio.permit_joining(10)


def test_frames_of_the_port_are_plain_values() -> None:
    assert message(METER) == ApsFrame(METER, SMART_ENERGY, METERING, 1, 1, b"01 message")
