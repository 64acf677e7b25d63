"""A hub takes the place of another: its devices find it by the extended PAN identifier."""

from __future__ import annotations

import pytest

from device.timeline import Timeline
from han.radio import DeviceJoined, JoinKind, NetworkParameters, RadioError, Role, aes_mmo
from tests.hw.air import HUB, METER, NETWORK, Air, Node, message

NEW_HUB = 0x0A0B0C0D0E0F10FF
NEW_KEY = bytes.fromhex("C3" * 16)
LINK_KEY = bytes(range(16))
HUBS = ("ether", "ezsp8", "ezsp13", "ezsp14")
ROLES = (Role.ROUTER, Role.SLEEPY_END_DEVICE)


async def swapped(air: Air, kind: str, role: Role, allowed: bytes | None) -> tuple[Node, Node]:
    """A meter with an established key whose hub was replaced; the new hub and the meter."""
    old = await air.hub()
    meter = await air.peer(old, role)
    await old.radio.set_link_key(METER, LINK_KEY)
    await meter.radio.set_link_key(HUB, LINK_KEY)
    await old.radio.close()
    new = air.make(kind, NEW_HUB, Role.COORDINATOR)
    await new.radio.start()
    await new.radio.form(NetworkParameters(20, 0x1234, NETWORK.extended_pan_id, NEW_KEY))
    if allowed is not None:
        await new.radio.allow_join(METER, allowed)
        await new.radio.permit_joining(60)
    return new, meter


@pytest.mark.parametrize("kind", HUBS)
@pytest.mark.parametrize("role", ROLES)
async def test_a_device_comes_to_the_new_hub_with_the_hash_of_its_old_key(
    timeline: Timeline, kind: str, role: Role
) -> None:
    air = Air(timeline, "ether")
    new, meter = await swapped(air, kind, role, aes_mmo(LINK_KEY))
    assert await meter.radio.resume()
    assert meter.radio.trust_centre == NEW_HUB
    joined = await new.hears(DeviceJoined)
    assert joined == DeviceJoined(METER, JoinKind.UNSECURED_REJOIN, admitted=True)
    assert (await meter.radio.send(message(NEW_HUB, encrypted=True))).delivered
    received = await new.hears_payload()
    assert received.encrypted
    await air.close()


@pytest.mark.parametrize("allowed", [None, LINK_KEY[::-1]])
async def test_a_hub_that_lacks_the_hash_lets_the_device_go_nowhere(
    timeline: Timeline, allowed: bytes | None
) -> None:
    air = Air(timeline, "ether")
    _, meter = await swapped(air, "ether", Role.ROUTER, allowed)
    with pytest.raises(RadioError):
        await meter.radio.resume()
    assert meter.radio.trust_centre == HUB
    await air.close()
