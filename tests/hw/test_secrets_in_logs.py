"""No key in the logs of a dongle, whatever is done with it."""

from __future__ import annotations

import logging

import pytest

from device.timeline import Timeline
from han.radio import Role
from tests.hw.air import DISPLAY, DISPLAY_KEY, METER, METER_KEY, NETWORK_KEY, Air

NEXT_KEY = bytes(range(0x70, 0x80))


@pytest.mark.parametrize("kind", ["ezsp8", "ezsp13", "ezsp14"])
async def test_keys_given_to_a_dongle_are_in_no_log(
    timeline: Timeline, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.DEBUG)
    air = Air(timeline, kind)
    hub = await air.hub()
    await air.peer(hub, Role.ROUTER, kind)
    display = await air.peer(hub, Role.ROUTER, kind, DISPLAY, DISPLAY_KEY)
    for device in (METER, DISPLAY):
        await hub.radio.set_authorised(device, authorised=True)
    assert await display.radio.request_partner_key(METER)
    await hub.radio.send_network_key(NEXT_KEY)
    await hub.radio.switch_network_key()
    await air.close()
    assert "setPolicy" in caplog.text
    said = caplog.text.lower().replace(":", "").replace(" ", "")
    for key in (*air.ether.keys, NETWORK_KEY, METER_KEY, NEXT_KEY):
        assert key.hex() not in said
        assert repr(key)[2:-1].lower() not in said
        assert ",".join(str(octet) for octet in key) not in said
