"""A new network key, over every filling of the radio port, and who missed it."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from device.timeline import Timeline
from han.radio import (
    ApsReceived,
    DeviceJoined,
    JoinKind,
    NetworkKeySwitched,
    RadioError,
    Role,
)
from hw.capture import wireshark_key_option
from hw.ether import Link
from tests.hw.air import DISPLAY, DISPLAY_KEY, HUB, METER, NETWORK_KEY, Air, Node, message

NEXT_KEY = bytes(range(0x70, 0x80))
LATER_KEY = bytes(range(0x80, 0x90))
OUT_OF_RANGE = Link(loss=1.0)


async def _home(air: Air) -> tuple[Node, Node, Node]:
    """A hub, a sleepy meter, a display; all of the filling under test."""
    hub = await air.hub()
    meter = await air.peer(hub, Role.SLEEPY_END_DEVICE, air.hub_kind)
    display = await air.peer(hub, Role.ROUTER, air.hub_kind, DISPLAY, DISPLAY_KEY)
    return hub, meter, display


async def _talks(hub: Node, *others: Node) -> None:
    """Encrypted messages both ways, from everybody, within a few tries."""
    for node in others:
        await node.radio.set_awake(awake=True)
        for sender, receiver in ((node, hub), (hub, node)):
            frame = message(receiver.radio.eui64, encrypted=True)
            for _ in range(3):
                if (await sender.radio.send(frame)).delivered:
                    break
            else:
                raise AssertionError(f"{sender.radio.eui64:016X} is not heard")
        await node.radio.set_awake(awake=False)


async def test_everybody_awake_or_asleep_goes_over_to_the_new_key(air: Air) -> None:
    hub, meter, display = await _home(air)
    await hub.radio.send_network_key(NEXT_KEY)
    await asyncio.sleep(20)  # the meter sleeps on
    await _talks(hub, meter, display)  # under the present key, while the next one is at hand
    await hub.radio.switch_network_key()
    await meter.radio.set_awake(awake=True)
    for node in (hub, display):
        assert await node.hears(NetworkKeySwitched) == NetworkKeySwitched(1)
    await _talks(hub, meter, display)
    assert await meter.hears(NetworkKeySwitched) == NetworkKeySwitched(1)
    rejoined = [e for e in hub.heard if isinstance(e, DeviceJoined)]
    assert all(e.kind is JoinKind.ASSOCIATED for e in rejoined)
    assert {NETWORK_KEY, NEXT_KEY} <= set(air.ether.keys)


async def test_one_key_follows_another(air: Air) -> None:
    hub, meter, display = await _home(air)
    for sequence, key in ((1, NEXT_KEY), (2, LATER_KEY), (3, NETWORK_KEY)):
        await hub.radio.send_network_key(key)
        await meter.radio.set_awake(awake=True)
        await asyncio.sleep(3)
        await hub.radio.switch_network_key()
        assert await hub.hears(NetworkKeySwitched) == NetworkKeySwitched(sequence)
        await _talks(hub, meter, display)


async def test_a_device_that_missed_key_and_switch_comes_back_by_a_rejoin(air: Air) -> None:
    hub, meter, display = await _home(air)
    for device in (METER, DISPLAY):
        air.ether.set_link(HUB, device, OUT_OF_RANGE)
    await hub.radio.send_network_key(NEXT_KEY)
    await asyncio.sleep(20)
    await hub.radio.switch_network_key()
    await hub.hears(NetworkKeySwitched)
    hub.heard.clear()
    for device in (METER, DISPLAY):
        air.ether.set_link(HUB, device, Link())
    await _talks(hub, meter, display)
    for _ in range(2):
        joined = await hub.hears(DeviceJoined)
        assert (joined.kind, joined.admitted) == (JoinKind.UNSECURED_REJOIN, True)


async def test_a_key_in_use_is_not_sent_and_one_not_sent_is_not_used(air: Air) -> None:
    hub, _, display = await _home(air)
    with pytest.raises(RadioError):
        await hub.radio.send_network_key(NETWORK_KEY)
    with pytest.raises(RadioError):
        await hub.radio.switch_network_key()
    with pytest.raises(RadioError, match="cannot do this"):
        await display.radio.send_network_key(NEXT_KEY)
    with pytest.raises(RadioError, match="cannot do this"):
        await display.radio.switch_network_key()


async def test_a_hub_alone_takes_a_new_key_and_admits_under_it(air: Air) -> None:
    hub = await air.hub()
    await hub.radio.send_network_key(NEXT_KEY)
    await hub.radio.switch_network_key()
    assert await hub.hears(NetworkKeySwitched) == NetworkKeySwitched(1)
    await _talks(hub, await air.peer(hub, Role.ROUTER, air.hub_kind))


async def test_a_device_removed_before_the_switch_hears_nothing_after_it(
    timeline: Timeline,
) -> None:
    air = Air(timeline, "ether")
    hub = await air.hub()
    display = await air.peer(hub, Role.ROUTER, "ether", DISPLAY, DISPLAY_KEY)
    meter = await air.peer(hub, Role.ROUTER)
    air.ether.set_link(HUB, DISPLAY, OUT_OF_RANGE)
    await hub.radio.remove(DISPLAY)
    await hub.radio.send_network_key(NEXT_KEY)
    await hub.radio.switch_network_key()
    await hub.hears(NetworkKeySwitched)
    air.ether.set_link(HUB, DISPLAY, Link())
    await display.radio.send(message(METER))
    await asyncio.sleep(5)
    assert not [e for e in meter.heard if isinstance(e, ApsReceived) and e.peer == DISPLAY]
    assert NEXT_KEY not in repr(air.ether.keys).encode()
    await air.close()


async def test_the_two_keys_survive_a_restart_of_the_hub(timeline: Timeline) -> None:
    air = Air(timeline, "ezsp13")
    hub, meter, display = await _home(air)
    await hub.radio.send_network_key(NEXT_KEY)
    await meter.radio.set_awake(awake=True)
    await asyncio.sleep(3)
    hub.kill()
    await asyncio.sleep(5)
    assert hub.radio.on_network
    await hub.radio.switch_network_key()
    assert await hub.hears(NetworkKeySwitched) == NetworkKeySwitched(1)
    await _talks(hub, meter, display)
    await air.close()


@pytest.mark.parametrize("kind", ["ether", "ezsp14"])
async def test_tshark_reads_the_whole_change(
    timeline: Timeline, tshark: str, tmp_path: Path, kind: str
) -> None:
    air = Air(timeline, kind)
    hub, meter, display = await _home(air)
    await hub.radio.send_network_key(NEXT_KEY)
    await meter.radio.set_awake(awake=True)
    await asyncio.sleep(3)
    await hub.radio.switch_network_key()
    await _talks(hub, meter, display)
    await air.close()
    capture = tmp_path / "keys.pcap"
    capture.write_bytes(air.octets.getvalue())
    keys = [o for k in air.ether.keys for o in ("-o", wireshark_key_option(k, "key"))]

    def shown(display_filter: str, *names: str) -> list[str]:
        fields = [part for name in names for part in ("-e", name)]
        return subprocess.run(
            [tshark, "-r", str(capture), *keys, "-Y", display_filter, "-T", "fields", *fields],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()

    assert shown("_ws.malformed || zbee_sec.encrypted_payload", "frame.number") == []
    sent = shown(
        "zbee_aps.cmd.id == 0x05 && zbee_aps.cmd.seqno == 1", "zbee_aps.cmd.dst", "zbee.sec.key_id"
    )
    for device in (METER, DISPLAY):  # under the network key, then the key-transport key
        assert f"{device.to_bytes(8).hex(':')}\t0x01,0x02" in sent
    # broadcast, and once more to the meter when it polls
    assert set(shown("zbee_aps.cmd.id == 0x09", "zbee_aps.cmd.seqno")) == {"1"}
    assert {"0", "1"} <= set(shown("zbee.sec.key_seqno", "zbee.sec.key_seqno"))
