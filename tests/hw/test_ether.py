"""The air itself: chance from a seed, links, airtime, and what a capture shows."""

from __future__ import annotations

import asyncio
import json
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from device.timeline import JUMP, Timeline, run
from han.radio import Block, BlockAck, Broadcast, DeliveryStatus, RadioError, Role
from hw.capture import wireshark_key_option
from hw.ether import Ether, Link
from hw.ether_radio import EtherRadio
from hw.stack import FileStore
from tests.hw.air import (
    CHANNEL,
    DISPLAY,
    DISPLAY_KEY,
    HUB,
    METER,
    METER_KEY,
    NETWORK,
    NETWORK_KEY,
    Air,
    message,
)
from tests.virtual_time import START

LINK_KEY = bytes.fromhex("AA4689C70BE0FAF0C9BE534ABD9F4CDC")


async def _traffic(timeline: Timeline, hub_kind: str, seed: int, loss: float) -> bytes:
    """A join, traffic of every kind, a removal; the capture of it."""
    air = Air(timeline, hub_kind, seed)
    hub = await air.hub()
    meter = await air.peer(hub, Role.SLEEPY_END_DEVICE)
    display = await air.peer(hub, Role.ROUTER, "ether", DISPLAY, DISPLAY_KEY)
    air.ether.set_default_link(Link(loss=loss))
    await hub.radio.set_link_key(METER, LINK_KEY)
    await meter.radio.set_link_key(HUB, LINK_KEY)
    await meter.radio.set_awake(awake=True)
    for encrypted in (False, True):
        assert (await meter.radio.send(message(HUB, encrypted=encrypted))).delivered
        assert (await hub.radio.send(message(METER, encrypted=encrypted))).delivered
    assert (await display.radio.send(message(METER))).delivered
    await display.radio.send(replace(message(0), peer=Broadcast.ALL, acknowledged=False))
    part = replace(message(HUB, encrypted=True), block=Block(0, 1))
    hub.heard.clear()
    sending = asyncio.create_task(meter.radio.send(part))
    got = await hub.hears_payload()
    await hub.radio.acknowledge_block(BlockAck(METER, 0x0109, 0x0702, 1, 1, got.aps_counter, 0, 1))
    await sending
    await hub.radio.remove(DISPLAY)
    await asyncio.sleep(20)
    await air.close()
    return air.octets.getvalue()


def _capture(seed: int, loss: float, hub_kind: str = "ether") -> bytes:
    timeline = Timeline(START, JUMP, watch_stalls=True)
    return run(_traffic(timeline, hub_kind, seed, loss), timeline)


@pytest.mark.parametrize("seed", range(8))
async def test_a_device_joins_over_a_bad_link_by_asking_again(
    timeline: Timeline, seed: int
) -> None:
    air = Air(timeline, "ether", seed)
    hub = await air.hub()
    await hub.radio.allow_join(METER, METER_KEY)
    await hub.radio.permit_joining(250)
    meter = air.make("ether", METER, Role.SLEEPY_END_DEVICE)
    await meter.radio.start()
    air.ether.set_default_link(Link(loss=0.3))
    while not meter.radio.on_network:
        for beacon in await meter.radio.scan([CHANNEL]):
            with suppress(RadioError):
                await meter.radio.join(beacon, METER_KEY)
    assert (await meter.radio.send(message(HUB, encrypted=True))).delivered
    assert timeline.elapsed_s < 30
    await air.close()


def test_the_same_seed_gives_the_same_air_and_another_seed_another() -> None:
    assert _capture(5, 0.1) == _capture(5, 0.1)
    assert _capture(5, 0.1) != _capture(6, 0.1)


@pytest.mark.parametrize("hub_kind", ["ether", "ezsp13"])
def test_a_capture_is_read_by_tshark_to_the_last_frame(
    tshark: str, tmp_path: Path, hub_kind: str
) -> None:
    path = tmp_path / "air.pcap"
    path.write_bytes(_capture(3, 0.05, hub_kind))
    keys: list[str] = []
    for label, key in (
        ("network", NETWORK_KEY),
        ("link", LINK_KEY),
        ("meter", METER_KEY),
        ("display", DISPLAY_KEY),
    ):
        keys += ["-o", wireshark_key_option(key, label)]
    done = subprocess.run(
        [tshark, "-r", str(path), "-T", "json", *keys], check=True, capture_output=True
    )
    frames = [packet["_source"]["layers"] for packet in json.loads(done.stdout)]
    assert len(frames) > 60
    text = json.dumps(frames)
    for wrong in ("_ws.malformed", "Encrypted Payload", "Decryption failed", "fcs_bad"):
        assert wrong not in text
    assert all(layers["wpan"]["wpan.fcs_ok"] == "1" for layers in frames)
    commands = subprocess.run(
        [tshark, "-r", str(path), "-T", "fields", "-e", "zbee_aps.cmd.id", *keys],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert {"0x05", "0x07"} <= set(commands)


async def test_out_of_range_nothing_is_heard(timeline: Timeline) -> None:
    air = Air(timeline, "ether")
    hub = await air.hub()
    await air.peer(hub)
    air.ether.set_link(HUB, METER, Link(loss=1.0))
    report = await hub.radio.send(message(METER))
    assert report.status is DeliveryStatus.NO_ACKNOWLEDGEMENT
    air.ether.set_link(HUB, METER, Link())
    assert (await hub.radio.send(message(METER))).delivered
    await air.close()


async def test_a_slow_link_delays_but_delivers(timeline: Timeline) -> None:
    air = Air(timeline, "ether")
    hub = await air.hub()
    await air.peer(hub)
    air.ether.set_link(HUB, METER, Link(latency_s=0.3))
    before = timeline.elapsed_s
    assert (await hub.radio.send(message(METER))).delivered
    assert 0.6 <= timeline.elapsed_s - before < 0.7
    await air.close()


@pytest.mark.parametrize(("airtime", "least_s", "most_s"), [(True, 0.2, 0.5), (False, 0.0, 0.0)])
async def test_frames_take_their_time_on_the_air_when_asked(
    timeline: Timeline, airtime: bool, least_s: float, most_s: float
) -> None:
    air = Air(timeline, "ether")
    air.ether = Ether(1, airtime=airtime)
    hub = await air.hub()
    await air.peer(hub)
    before = timeline.elapsed_s
    for _ in range(50):
        assert (await hub.radio.send(message(METER, encrypted=True))).delivered
    assert least_s <= timeline.elapsed_s - before <= most_s
    await air.close()


async def test_a_file_keeps_a_node_over_the_end_of_its_process(tmp_path: Path) -> None:
    path = tmp_path / "hub.json"
    ether = Ether(1)
    hub = EtherRadio(ether, HUB, Role.COORDINATOR, FileStore(path))
    await hub.start()
    await hub.form(NETWORK)
    await hub.set_link_key(METER, LINK_KEY)
    await hub.close()
    assert path.stat().st_mode & 0o077 == 0
    again = EtherRadio(ether, HUB, Role.COORDINATOR, FileStore(path))
    await again.start()
    assert await again.resume()
    assert (await again.scan([CHANNEL])) == []
    await again.close()


async def test_one_file_keeps_several_nodes_each_in_its_own_scope(tmp_path: Path) -> None:
    path = tmp_path / "nodes.json"
    alone = EtherRadio(Ether(1), HUB, Role.COORDINATOR, FileStore(path))
    await alone.start()
    await alone.form(NETWORK)
    await alone.close()
    others = replace(NETWORK, pan_id=0x1CE, extended_pan_id=METER)
    for expected in (False, True):  # the first to ask inherits what has no name
        file = FileStore(path)
        first = EtherRadio(Ether(1), HUB, Role.COORDINATOR, file.scope("first"))
        second = EtherRadio(Ether(1), METER, Role.COORDINATOR, file.scope("second"))
        for radio in (first, second):
            await radio.start()
        assert await first.resume()
        assert await second.resume() is expected
        if not expected:
            await second.form(others)
        for radio, network in ((first, NETWORK), (second, others)):
            membership = radio._stack.state.membership
            assert membership is not None
            assert (membership.pan_id, membership.extended_pan_id) == (
                network.pan_id,
                network.extended_pan_id,
            )
            await radio.close()


async def test_a_damaged_memory_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "hub.json"
    path.write_text("{nonsense")
    with pytest.raises(RadioError, match=r"hub\.json"):
        FileStore(path)
    path.write_text(json.dumps({"stack": json.dumps({"membership": 7})}))
    with pytest.raises(RadioError, match="cannot be read"):
        EtherRadio(Ether(1), HUB, Role.COORDINATOR, FileStore(path))


async def test_counters_never_repeat_over_a_power_cut(timeline: Timeline) -> None:
    air = Air(timeline, "ether")
    hub = await air.hub()
    store = air.stores[HUB]
    used = []
    for _ in range(3):
        radio = EtherRadio(air.ether, HUB, Role.COORDINATOR, store)
        state = radio._stack.state
        used += [state.nwk_counter.take() for _ in range(5)]
    assert used == sorted(set(used))
    assert hub.radio.on_network
    await air.close()


def test_keys_are_not_printed() -> None:
    assert "5a5a" not in repr(NETWORK).lower()


async def test_two_homes_on_one_channel_do_not_hear_each_other(timeline: Timeline) -> None:
    air = Air(timeline, "ether")
    hub = await air.hub()
    other = air.make("ezsp13", 0x0A0B0C0D0E0F2011, Role.COORDINATOR)
    await other.radio.start()
    await other.radio.form(
        replace(NETWORK, pan_id=0x1234, extended_pan_id=other.radio.eui64, network_key=bytes(16))
    )
    await hub.radio.allow_join(METER, METER_KEY)
    await hub.radio.permit_joining(60)
    meter = air.make("ether", METER, Role.SLEEPY_END_DEVICE)
    await meter.radio.start()
    beacons = {b.extended_pan_id: b for b in await meter.radio.scan([CHANNEL])}
    assert set(beacons) == {HUB, other.radio.eui64}
    assert not beacons[other.radio.eui64].permits_joining
    await meter.radio.join(beacons[HUB], METER_KEY)
    assert (await meter.radio.send(message(HUB, b"home", encrypted=True))).delivered
    assert (await hub.hears_payload()).payload == b"home"
    assert not other.payloads()
    await air.close()
