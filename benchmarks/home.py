"""A home: round trips of GCS13a, virtual time against real time, start-up."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from datetime import timedelta

from bench.home import Home, living_home, open_home
from bench.remote_party import RemoteParty
from bench.rig import VIRTUAL_START, Rig
from device.timeline import Timeline, run
from gbcs.catalogue import by_name

Figure = tuple[str, float, str]
RADIOS = {"on the ether": "ether:", "through bellows and the virtual NCP": "vncp:"}


def figures() -> Iterator[Figure]:
    for place, radio in RADIOS.items():
        rig = Rig.model_validate({"hub": {"radio": radio}})
        yield f"GCS13a to the GPF, hub {place}", play(to_gpf(rig)), "round trips/s"
        yield f"GCS13a to the GSME over the air, hub {place}", play(to_gsme(rig)), "round trips/s"
        yield f"one home, hub {place}: a virtual day", play(a_day(rig)), "s"
        yield f"meter joined with mirror and tunnel, hub {place}", play(joined(rig)), "s"
    for arguments in (["--help"], ["demo"]):
        yield f"chub {' '.join(arguments)}", process_s(arguments), "s"


def play(benchmark: Coroutine[object, object, float]) -> float:
    timeline = TIMELINES.pop()
    return run(benchmark, timeline)


TIMELINES: list[Timeline] = []


def on_timeline() -> Timeline:
    timeline = Timeline(VIRTUAL_START)
    TIMELINES.append(timeline)
    return timeline


def to_gpf(rig: Rig, times: int = 2_000) -> Coroutine[object, object, float]:
    timeline = on_timeline()

    async def measure() -> float:
        async with living_home(rig, timeline) as home:
            await timeline.sleep(timedelta(minutes=31))
            commands = gcs13a(home, home.gpf.entity, times)
            began = time.perf_counter()
            for octets in commands:
                home.hub.deliver(octets)
            return times / (time.perf_counter() - began)

    return measure()


def to_gsme(rig: Rig, times: int = 300) -> Coroutine[object, object, float]:
    timeline = on_timeline()

    async def measure() -> float:
        async with open_home(rig, timeline) as home:
            meter = home.meter
            assert meter is not None
            host = await meter.start()
            async with host.running():
                await meter.commission()
                arrived: list[bytes] = []
                home.upward.append(arrived.append)
                commands = gcs13a(home, meter.chassis.eui64, times)
                began = time.perf_counter()
                for first in range(0, times, 30):  # a mailbox holds 32
                    for octets in commands[first : first + 30]:
                        home.hub.deliver(octets)
                    await meter.wake()
                assert len(arrived) == times
                return times / (time.perf_counter() - began)

    return measure()


def a_day(rig: Rig) -> Coroutine[object, object, float]:
    timeline = on_timeline()

    async def measure() -> float:
        async with living_home(rig, timeline):
            began = time.perf_counter()
            await timeline.sleep(timedelta(days=1))
            return time.perf_counter() - began

    return measure()


def joined(rig: Rig) -> Coroutine[object, object, float]:
    timeline = on_timeline()

    async def measure() -> float:
        began = time.perf_counter()
        async with living_home(rig, timeline):
            await timeline.sleep(timedelta(seconds=5))
            return time.perf_counter() - began

    return measure()


def gcs13a(home: Home, to: int, times: int) -> list[bytes]:
    supplier = RemoteParty(home.rig.parties.supplier, home.keys)
    use_case = by_name("GCS13a")
    return [supplier.command(use_case, to, counter).to_bytes() for counter in range(1, times + 1)]


def process_s(arguments: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "bench", *arguments], check=True, capture_output=True)
    return time.perf_counter() - began
