"""Joining: key establishment per side, certificates, and twenty devices that join one hub."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from random import Random

from bench.cbke import certified_from_seed
from bench.home import open_home
from bench.rig import VIRTUAL_START, Rig
from device.timeline import Timeline, run
from han.cbke.agreement import Agreement, KeyPair, shared_point
from han.cbke.authority import Authority
from han.cbke.certificate import Suite
from tests.joining import device

Figure = tuple[str, float, str]
JOINED = (("ether:", 20), ("vncp:", 16))
"""Twenty are more than a device log has places for (`chf.device_log_places` says more here), and
more than the key table of a dongle holds."""


def figures() -> Iterator[Figure]:
    for suite in Suite:
        yield f"key establishment suite {int(suite)}, one side", 1000 * one_side_s(suite), "ms"
        yield f"certificate of suite {int(suite)} issued", 1000 * issued_s(suite), "ms"
    for radio, devices in JOINED:
        yield f"{devices} devices joined, hub on {radio}", joined_s(radio, devices), "s"


def one_side_s(suite: Suite, times: int = 20) -> float:
    """Ephemeral key, the partner's public key, the shared secret, both keys, both MACs."""
    ours, theirs = (certified_from_seed("benchmark", eui64, suite) for eui64 in (1, 2))
    curve, random = suite.curve, Random(1)
    partner = KeyPair.of(curve, random.getrandbits(300))
    began = time.process_time()
    for _ in range(times):
        own = KeyPair.of(curve, random.getrandbits(300))
        public = theirs.certificate.public_key(ours.authority)
        agreement = Agreement.of(shared_point(curve, ours.key, own, public, partner.public))
        points = curve.compress(own.public), curve.compress(partner.public)
        agreement.initiator_mac((1, 2), points)
        agreement.responder_mac((1, 2), points)
    return (time.process_time() - began) / times


def issued_s(suite: Suite, times: int = 10) -> float:
    random = Random(2).randbytes
    authority = Authority.create(suite, 1, random)
    began = time.process_time()
    for subject in range(times):
        authority.issue(subject, random)
    return (time.process_time() - began) / times


def joined_s(radio: str, devices: int) -> float:
    """Real time from the first scan to the last established key, suite 2, all at once."""
    rig = Rig.model_validate(
        {
            "hub": {"radio": radio},
            "gas_meter": False,
            "settings": {"chf": {"device_log_places": devices}},
        }
    )
    timeline = Timeline(VIRTUAL_START)

    async def measure() -> float:
        async with open_home(rig, timeline) as home, AsyncExitStack() as stack:
            made = [
                await stack.enter_async_context(device(home, timeline, 0x000D6F0000000100 + number))
                for number in range(devices)
            ]
            began = time.perf_counter()
            async with asyncio.timeout(600):
                await asyncio.gather(*(one.joining.join() for one in made))
            assert all(entry.authorised for entry in home.hub.device_log.entries())
            return time.perf_counter() - began

    return run(measure(), timeline)
