"""Link keys between two devices, handed out over the air by every filling of the radio port."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from device.timeline import Timeline
from han.radio import (
    PARTNER_KEY_TIMEOUT_S,
    DeliveryStatus,
    PartnerKeyAsked,
    PartnerKeySet,
    RadioError,
    Role,
)
from hw.capture import wireshark_key_option
from hw.ether import Link
from tests.hw.air import DISPLAY, DISPLAY_KEY, METER, Air, Node, message


async def _home(air: Air, kind: str = "", role: Role = Role.ROUTER) -> tuple[Node, Node, Node]:
    """A hub, a meter of the filling under test, a display."""
    hub = await air.hub()
    meter = await air.peer(hub, role, kind or air.hub_kind)
    display = await air.peer(hub, Role.ROUTER, kind or air.hub_kind, DISPLAY, DISPLAY_KEY)
    return hub, meter, display


async def _authorise(hub: Node, *devices: int) -> None:
    for device in devices:
        await hub.radio.set_authorised(device, authorised=True)


async def test_two_authorised_devices_share_a_key_and_talk_under_it(air: Air) -> None:
    hub, meter, display = await _home(air)
    await _authorise(hub, METER, DISPLAY)
    refused = await display.radio.send(message(METER, encrypted=True))
    assert refused.status is DeliveryStatus.NO_LINK_KEY
    assert await display.radio.request_partner_key(METER)
    assert await display.hears(PartnerKeySet) == PartnerKeySet(METER)
    assert await meter.hears(PartnerKeySet) == PartnerKeySet(DISPLAY)
    asked = await hub.hears(PartnerKeyAsked)
    assert (asked.eui64, asked.partner in (METER, None), asked.granted) == (DISPLAY, True, True)
    assert (await display.radio.send(message(METER, b"reading?", encrypted=True))).delivered
    assert (await meter.radio.send(message(DISPLAY, b"12345", encrypted=True))).delivered
    heard = await meter.hears_payload()
    assert (heard.peer, heard.payload, heard.encrypted) == (DISPLAY, b"reading?", True)
    assert (await display.hears_payload()).payload == b"12345"


@pytest.mark.parametrize("missing", [METER, DISPLAY])
async def test_a_partner_that_is_not_authorised_gets_no_key_and_the_asker_hears_nothing(
    air: Air, timeline: Timeline, missing: int
) -> None:
    hub, meter, display = await _home(air)
    await _authorise(hub, *{METER, DISPLAY} - {missing})
    before = timeline.elapsed_s
    assert not await display.radio.request_partner_key(METER)
    assert PARTNER_KEY_TIMEOUT_S <= timeline.elapsed_s - before < PARTNER_KEY_TIMEOUT_S + 2
    assert not (await hub.hears(PartnerKeyAsked)).granted
    assert not [e for e in (*meter.heard, *display.heard) if isinstance(e, PartnerKeySet)]
    await _authorise(hub, missing)
    assert await display.radio.request_partner_key(METER)


async def test_what_was_authorised_can_be_taken_back(air: Air) -> None:
    hub, _, display = await _home(air)
    await _authorise(hub, METER, DISPLAY)
    await hub.radio.set_authorised(METER, authorised=False)
    assert not await display.radio.request_partner_key(METER)


async def test_nobody_gets_a_key_with_a_device_that_was_never_there(air: Air) -> None:
    hub, _, display = await _home(air)
    await _authorise(hub, METER, DISPLAY, 0x0A0B0C0D0E0F1099)
    assert not await display.radio.request_partner_key(0x0A0B0C0D0E0F1099)


async def test_a_sleeping_asker_wakes_for_its_key(air: Air) -> None:
    hub, meter, display = await _home(air, role=Role.SLEEPY_END_DEVICE)
    await _authorise(hub, METER, DISPLAY)
    if air.hub_kind != "ether":  # the host of a dongle polls, the firmware does not by itself
        await meter.radio.set_awake(awake=True)
    assert await meter.radio.request_partner_key(DISPLAY)
    assert await display.hears(PartnerKeySet) == PartnerKeySet(METER)


async def test_a_new_request_gives_both_a_new_key(air: Air) -> None:
    hub, meter, display = await _home(air)
    await _authorise(hub, METER, DISPLAY)
    assert await display.radio.request_partner_key(METER)
    known = len(air.ether.keys)
    assert await meter.radio.request_partner_key(DISPLAY)
    assert len(air.ether.keys) == known + 1
    assert (await display.radio.send(message(METER, encrypted=True))).delivered


async def test_keys_are_for_joined_devices_to_ask(air: Air) -> None:
    hub = await air.hub()
    peer = air.make(air.hub_kind, METER, Role.ROUTER)
    await peer.radio.start()
    with pytest.raises(RadioError, match="cannot do this"):
        await hub.radio.request_partner_key(METER)
    with pytest.raises(RadioError, match="not on a network"):
        await peer.radio.request_partner_key(DISPLAY)
    with pytest.raises(RadioError, match="cannot do this"):
        await peer.radio.set_authorised(DISPLAY, authorised=True)


async def test_a_dongle_hands_out_keys_again_after_it_was_lost(timeline: Timeline) -> None:
    air = Air(timeline, "ezsp13")
    hub, _, display = await _home(air, "ether")
    await _authorise(hub, METER, DISPLAY)
    hub.kill()
    await asyncio.sleep(5)
    assert hub.radio.on_network
    assert await display.radio.request_partner_key(METER)
    await air.close()


@pytest.mark.parametrize("seed", range(4))
async def test_over_a_bad_link_a_key_comes_in_a_few_tries(timeline: Timeline, seed: int) -> None:
    air = Air(timeline, "ether", seed)
    hub, meter, display = await _home(air)
    await _authorise(hub, METER, DISPLAY)
    air.ether.set_default_link(Link(loss=0.3))
    for _ in range(5):
        if await display.radio.request_partner_key(METER):
            break
    assert (await display.radio.send(message(METER, encrypted=True))).delivered
    assert meter.radio.on_network
    await air.close()


async def test_a_full_key_table_takes_no_further_partner(timeline: Timeline) -> None:
    air = Air(timeline, "ether")
    hub, _, display = await _home(air)
    dongle = await air.peer(hub, Role.ROUTER, "ezsp13", 0x0A0B0C0D0E0F1020)
    await _authorise(hub, METER, DISPLAY, dongle.radio.eui64)
    for number in range(12):  # as many as its firmware was compiled for
        await dongle.radio.set_link_key(0x100 + number, bytes((number, *bytes(15))))
    with pytest.raises(RadioError, match="requestLinkKey"):
        await dongle.radio.request_partner_key(METER)
    await display.radio.request_partner_key(dongle.radio.eui64)
    assert not [e for e in dongle.heard if isinstance(e, PartnerKeySet)]
    await air.close()


@pytest.mark.parametrize("kind", ["ether", "ezsp13"])
async def test_tshark_reads_the_request_and_both_transports(
    timeline: Timeline, tshark: str, tmp_path: Path, kind: str
) -> None:
    air = Air(timeline, kind)
    hub, _, display = await _home(air)
    await _authorise(hub, METER, DISPLAY)
    assert await display.radio.request_partner_key(METER)
    assert (await display.radio.send(message(METER, encrypted=True))).delivered
    await air.close()
    capture = tmp_path / "keys.pcap"
    capture.write_bytes(air.octets.getvalue())
    keys = [o for k in air.ether.keys for o in ("-o", wireshark_key_option(k, "key"))]

    def shown(display_filter: str, *names: str) -> list[list[str]]:
        fields = [part for name in names for part in ("-e", name)]
        said = subprocess.run(
            [tshark, "-r", str(capture), *keys, "-Y", display_filter, "-T", "fields", *fields],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        return [line.split("\t") for line in said.splitlines()]

    assert shown("_ws.malformed || zbee_sec.encrypted_payload", "frame.number") == []
    (request,) = shown(
        "zbee_aps.cmd.id == 0x08",
        "zbee_aps.cmd.key_type",
        "zbee_aps.cmd.partner",
        "zbee.sec.key_id",
    )
    transports = shown(
        "zbee_aps.cmd.id == 0x05 && zbee_aps.cmd.key_type == 0x03",
        "zbee_aps.cmd.key",
        "zbee_aps.cmd.partner",
        "zbee_aps.cmd.init_flag",
        "zbee.sec.key_id",
    )
    meter, shown_display = (n.to_bytes(8).hex(":") for n in (METER, DISPLAY))
    key = transports[0][0]
    assert request == ["0x02", meter, "0x01,0x00"]  # under the network key and the link key
    assert transports == [
        [key, shown_display, "0", "0x01,0x03"],  # to the meter, under its key-load key
        [key, meter, "1", "0x01,0x03"],
    ]
