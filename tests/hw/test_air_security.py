"""What an attacker on the air can and cannot do to the virtual stack."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from device.timeline import Timeline
from han.radio import ApsReceived, Block, Role
from hw.ether import Acknowledged, Ether, Link
from hw.ether_radio import EtherRadio
from hw.zigbee import aps, mac, nwk
from hw.zigbee.security import AuxiliaryHeader, KeyId
from tests.hw.air import CHANNEL, HUB, METER, NETWORK_KEY, Air, Node, message

FILLINGS = ("ether", "ezsp13")


class Attacker:
    """Hears every frame of one channel and sends what it likes."""

    eui64 = 0xBADBADBADBADBAD0
    channel = CHANNEL

    def __init__(self, ether: Ether) -> None:
        self._ether = ether
        self.heard: list[bytes] = []
        ether.tap(self)
        ether.attach(self)

    def frame(self, psdu: bytes, channel: int, link: Link) -> None:
        self.heard.append(psdu)

    def accepts(self, frame: mac.MacFrame) -> bool:
        return False

    def hear(self, frame: mac.MacFrame, link: Link) -> bytes | None:
        return None

    async def send(self, psdu: bytes) -> Acknowledged:
        ended: asyncio.Future[Acknowledged] = asyncio.get_running_loop().create_future()
        self._ether.transmit(self, CHANNEL, psdu, ended.set_result)
        return await ended

    def last_data_to_hub(self) -> bytes:
        """The newest data frame for the hub that is long enough to be a message."""
        for psdu in reversed(self.heard):
            frame = mac.MacFrame.from_bytes(psdu)
            to_hub = frame.destination == mac.Address(0)
            if frame.kind is mac.FrameType.DATA and to_hub and len(frame.payload) > 40:
                return psdu
        raise AssertionError("nothing heard")


@pytest.fixture(params=FILLINGS)
async def scene(request: pytest.FixtureRequest, timeline: Timeline):  # type: ignore[no-untyped-def] # noqa: ANN201
    air = Air(timeline, request.param)
    hub = await air.hub()
    meter = await air.peer(hub, Role.ROUTER)
    attacker = Attacker(air.ether)
    assert (await meter.radio.send(message(HUB, b"genuine", encrypted=True))).delivered
    assert (await hub.hears_payload()).payload == b"genuine"
    yield hub, meter, attacker
    await air.close()


def _with_sequence(psdu: bytes, sequence: int) -> bytes:
    return psdu[:2] + bytes((sequence,)) + psdu[3:]


async def test_a_recorded_frame_is_not_taken_twice(scene: tuple[Node, Node, Attacker]) -> None:
    hub, _, attacker = scene
    recorded = attacker.last_data_to_hub()
    for sequence in range(0x80, 0x90):
        assert await attacker.send(_with_sequence(recorded, sequence)) is Acknowledged.YES
    await asyncio.sleep(1)
    assert hub.payloads() == []


@pytest.mark.parametrize("position", [20, 30, 45, -1])
async def test_a_changed_frame_is_dropped(
    scene: tuple[Node, Node, Attacker], position: int
) -> None:
    hub, meter, attacker = scene
    changed = bytearray(_with_sequence(attacker.last_data_to_hub(), 0x80))
    changed[position] ^= 1
    await attacker.send(bytes(changed))
    await asyncio.sleep(1)
    assert hub.payloads() == []
    assert (await meter.radio.send(message(HUB, b"after", encrypted=True))).delivered


async def test_a_frame_in_clear_is_dropped(scene: tuple[Node, Node, Attacker]) -> None:
    hub, meter, attacker = scene
    header = aps.ApsHeader(aps.FrameType.DATA, 9, destination_endpoint=1, source_endpoint=1)
    frame = nwk.NwkFrame(
        nwk.FrameType.DATA, 0, meter.radio.nwk, 9, header.to_bytes() + b"forged", secured=False
    )
    await attacker.send(mac.data(0xABCD, 0, meter.radio.nwk, 0x80, frame.to_bytes()))
    await asyncio.sleep(1)
    assert [e for e in hub.heard if isinstance(e, ApsReceived)] == []


async def test_the_network_key_alone_does_not_forge_link_key_messages(
    scene: tuple[Node, Node, Attacker],
) -> None:
    """An insider with the network key sends as the meter, but has not its link key."""
    hub, meter, attacker = scene
    header = aps.ApsHeader(
        aps.FrameType.DATA, 99, destination_endpoint=1, source_endpoint=1,
        cluster_id=0x0702, profile_id=0x0109, secured=True,
    )  # fmt: skip
    forged = header.seal(bytes(16), AuxiliaryHeader(KeyId.LINK, 0x00FFFFFF), METER, b"forged")
    frame = nwk.NwkFrame(nwk.FrameType.DATA, 0, meter.radio.nwk, 9, forged)
    sealed = frame.seal(NETWORK_KEY, 0, 0x00FFFFFF, METER)
    await attacker.send(mac.data(0xABCD, 0, meter.radio.nwk, 0x80, sealed))
    await asyncio.sleep(1)
    assert hub.payloads() == []


@pytest.mark.parametrize("scene", ["ether"], indirect=True)
@pytest.mark.parametrize("block", [None, Block(0, 2)])
async def test_the_network_key_alone_does_not_acknowledge_link_key_messages(
    scene: tuple[Node, Node, Attacker], block: Block | None
) -> None:
    hub, meter, attacker = scene
    nwk_of_meter = meter.radio.nwk
    await meter.radio.close()
    frame = replace(message(METER, encrypted=True), block=block, aps_counter=77)
    sending = asyncio.create_task(hub.radio.send(frame))
    header = aps.ApsHeader(
        aps.FrameType.ACK, 77, destination_endpoint=1, source_endpoint=1, cluster_id=0x0702,
        profile_id=0x0109, block=None if block is None else aps.BlockHeader(True, 0, 0xFF),
    )  # fmt: skip
    for number in range(20):
        forged = nwk.NwkFrame(nwk.FrameType.DATA, 0, nwk_of_meter, number, header.to_bytes())
        sealed = forged.seal(NETWORK_KEY, 0, 0x00FFFFFF + number, METER)
        await attacker.send(mac.data(0xABCD, 0, nwk_of_meter, 0x80 + number, sealed))
        await asyncio.sleep(0.5)
    assert not (await sending).delivered


@pytest.mark.parametrize("scene", ["ether"], indirect=True)
async def test_who_asks_back_in_as_a_device_does_not_cost_it_its_place(
    scene: tuple[Node, Node, Attacker],
) -> None:
    hub, _, attacker = scene
    assert isinstance(hub.radio, EtherRadio)
    state = hub.radio._stack.state
    short, eui64 = 0x1EAF, METER + 9
    state.learn(eui64, short)
    state.set_link_key(eui64, bytes(range(16)))
    hub.radio._stack.restore_child(eui64, short, rx_on_when_idle=False)
    payload = bytes((nwk.Command.REJOIN_REQUEST, 0x80))
    forged = nwk.NwkFrame(
        nwk.FrameType.COMMAND, 0, short, 9, payload, 1, secured=False, source_ieee=eui64
    )
    await attacker.send(mac.data(0xABCD, 0, short, 0x80, forged.to_bytes()))
    await asyncio.sleep(60)
    assert eui64 in state.children


async def test_noise_on_the_air_upsets_nobody(scene: tuple[Node, Node, Attacker]) -> None:
    hub, meter, attacker = scene
    chance = Ether(7).random
    recorded = attacker.last_data_to_hub()
    for _ in range(300):
        noise = chance.randbytes(chance.randrange(1, 125))
        cut = recorded[: chance.randrange(9, len(recorded))]
        await attacker.send(noise)
        await attacker.send(_with_sequence(cut, chance.randrange(256)))
        await attacker.send(recorded[:9] + chance.randbytes(chance.randrange(60)))
    assert (await meter.radio.send(message(HUB, b"after", encrypted=True))).delivered
    assert hub.payloads() == [b"after"]
