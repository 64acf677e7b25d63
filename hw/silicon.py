"""Questions that only sticks can answer, asked of two of them.

Everything else is proven on the virtual dongle, whose answers to these are readings of
documents. ``PORT_A`` becomes the hub, ``PORT_B`` the device; both lose their networks. The report
is plain values, to be sent back by whoever owns two sticks.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from han.radio import (
    ApsFrame,
    ApsReceived,
    Block,
    BlockAck,
    HanRadio,
    NetworkParameters,
    RadioError,
    Role,
    SimpleDescriptor,
)
from hw.bellows_radio import BellowsRadio
from hw.doctor import Check, Outcome

SMART_ENERGY: Final = 0x0109
METERING: Final = 0x0702
ENDPOINT: Final = SimpleDescriptor(1, SMART_ENERGY, 0x0500, (METERING,), (METERING,))
WINDOW_S: Final = 120
ANSWER_S: Final = 10.0
MESSAGES: Final = 100


class _Stick:
    """A radio and the application messages it heard."""

    def __init__(self, radio: BellowsRadio) -> None:
        self.radio = radio
        self.heard: asyncio.Queue[ApsReceived] = asyncio.Queue()

    async def listen(self) -> None:
        async for event in self.radio.events():
            if isinstance(event, ApsReceived) and event.profile_id == SMART_ENERGY:
                self.heard.put_nowait(event)

    async def next(self) -> ApsReceived:
        async with asyncio.timeout(ANSWER_S):
            return await self.heard.get()


@dataclass(slots=True)
class Pair:
    """Hub and device on one network, and the key they share."""

    hub: _Stick
    device: _Stick
    link_key: bytes = field(repr=False)

    def to_device(self, payload: bytes = b"down", *, encrypted: bool = True) -> ApsFrame:
        """A message for the device."""
        return _frame(self.device.radio, payload, encrypted)

    def to_hub(self, payload: bytes = b"up", *, encrypted: bool = True) -> ApsFrame:
        """A message for the hub."""
        return _frame(self.hub.radio, payload, encrypted)


def _frame(to: HanRadio, payload: bytes, encrypted: bool) -> ApsFrame:
    return ApsFrame(to.eui64, SMART_ENERGY, METERING, 1, 1, payload, encrypted=encrypted)


@asynccontextmanager
async def _sticks(
    port_a: str, port_b: str, role: Role, channel: int
) -> AsyncIterator[tuple[_Stick, _Stick]]:
    hub = _Stick(BellowsRadio(port_a, Role.COORDINATOR))
    device = _Stick(BellowsRadio(port_b, role))
    listening = [asyncio.create_task(stick.listen()) for stick in (hub, device)]
    try:
        for stick in (hub, device):
            stick.radio.set_endpoints([ENDPOINT])
            await stick.radio.start()
        extended = hub.radio.eui64
        pan_id = secrets.randbelow(0xFFF0) + 1
        network = NetworkParameters(channel, pan_id, extended, secrets.token_bytes(16))
        await hub.radio.form(network)
        yield hub, device
    finally:
        for stick in (device, hub):
            with suppress(RadioError):
                await stick.radio.leave()
            await stick.radio.close()
        await asyncio.gather(*listening)


async def ask_sticks(port_a: str, port_b: str, *, channel: int = 15) -> list[Check]:
    """Every question, asked in turn; a question that cannot be asked is reported as BAD."""
    checks: list[Check] = []
    for role in (Role.ROUTER, Role.SLEEPY_END_DEVICE):
        name = f"joins as {role.value} with an install code key"
        async with _sticks(port_a, port_b, role, channel) as (hub, device):
            key = secrets.token_bytes(16)
            joined = await _asked(name, partial(_join, hub, device, key, channel))
            checks.append(joined)
            if joined.outcome is Outcome.GOOD and role is Role.ROUTER:
                pair = Pair(hub, device, key)
                checks += [await _asked(q, partial(ask, pair)) for q, ask in QUESTIONS]
    return checks


async def _asked(name: str, ask: Callable[[], Awaitable[str]]) -> Check:
    try:
        return Check(name, Outcome.GOOD, await ask())
    except TimeoutError:
        return Check(name, Outcome.BAD, "nothing arrived")
    except RadioError as exc:
        return Check(name, Outcome.BAD, str(exc))


async def _join(hub: _Stick, device: _Stick, key: bytes, channel: int) -> str:
    await hub.radio.allow_join(device.radio.eui64, key)
    await hub.radio.permit_joining(WINDOW_S)
    for beacon in await device.radio.scan([channel]):
        if beacon.extended_pan_id == hub.radio.eui64:
            await device.radio.join(beacon, key)
            return f"joined, short address {device.radio.nwk:04X}"
    raise RadioError("the hub was not heard")


async def _deliver(sender: _Stick, receiver: _Stick, frame: ApsFrame) -> ApsReceived:
    report = await sender.radio.send(frame)
    if not report.delivered:
        raise RadioError(report.status.value)
    return await receiver.next()


async def endpoints_after_formation(pair: Pair) -> str:
    """Whether a message reaches endpoint 1 without another reset."""
    await _deliver(pair.device, pair.hub, pair.to_hub(encrypted=False))
    return "endpoint 1 answers right after formation"


async def preconfigured_key_encrypts(pair: Pair) -> str:
    """Whether the joiner's key serves for APS encryption both ways."""
    received = await _deliver(pair.device, pair.hub, pair.to_hub())
    await _deliver(pair.hub, pair.device, pair.to_device())
    return f"both ways, reported as encrypted: {received.encrypted}"


async def replaced_key_is_used(pair: Pair) -> str:
    """Whether a link key replaced on both sides serves at once."""
    pair.link_key = secrets.token_bytes(16)
    await pair.hub.radio.set_link_key(pair.device.radio.eui64, pair.link_key)
    await pair.device.radio.set_link_key(pair.hub.radio.eui64, pair.link_key)
    await _deliver(pair.device, pair.hub, pair.to_hub())
    await _deliver(pair.hub, pair.device, pair.to_device())
    return "at once, both ways"


async def largest_frame(pair: Pair) -> str:
    """The most octets that really arrive, with and without APS encryption."""
    found: list[str] = []
    for encrypted in (False, True):
        limit = pair.hub.radio.max_payload(encrypted=encrypted)
        frame = pair.to_device(bytes(limit), encrypted=encrypted)
        received = await _deliver(pair.hub, pair.device, frame)
        kind = "encrypted" if encrypted else "plain"
        found.append(f"{kind} {len(received.payload)} octets")
    return ", ".join(found)


async def fragments_reach_the_host(pair: Pair) -> str:
    """Whether parts pass the firmware, and which acknowledgement bit field it takes."""
    taken: list[str] = []
    for bits in (0x01, 0xFF):
        part = replace(pair.to_device(b"part"), block=Block(0, 2))
        sending = asyncio.create_task(pair.hub.radio.send(part))
        try:
            received = await pair.device.next()
        except TimeoutError:
            sending.cancel()
            raise
        await pair.device.radio.acknowledge_block(
            BlockAck(received.peer, SMART_ENERGY, METERING, 1, 1, received.aps_counter, 0, bits)
        )
        report = await sending
        taken.append(f"{bits:#04x} {'taken' if report.delivered else report.status.value}")
    return ", ".join(taken)


async def throughput(pair: Pair) -> str:
    """Acknowledged, encrypted messages per second."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    lost = 0
    for _ in range(MESSAGES):
        report = await pair.hub.radio.send(pair.to_device(bytes(50)))
        lost += not report.delivered
    elapsed_s = max(loop.time() - began, 1e-6)
    while not pair.device.heard.empty():
        pair.device.heard.get_nowait()
    return f"{MESSAGES / elapsed_s:.0f} per second, {lost} of {MESSAGES} lost"


async def removal_is_obeyed(pair: Pair) -> str:
    """Whether a removed device goes."""
    await pair.hub.radio.remove(pair.device.radio.eui64)
    for _ in range(50):
        if not pair.device.radio.on_network:
            return "it left"
        await asyncio.sleep(0.1)
    raise RadioError("it is still on the network")


QUESTIONS: Final[tuple[tuple[str, Callable[[Pair], Awaitable[str]]], ...]] = (
    ("endpoints after formation", endpoints_after_formation),
    ("APS encryption with the preconfigured key", preconfigured_key_encrypts),
    ("a replaced link key", replaced_key_is_used),
    ("largest frame", largest_frame),
    ("fragments", fragments_reach_the_host),
    ("throughput", throughput),
    ("removal", removal_is_obeyed),
)
