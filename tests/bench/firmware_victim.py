"""A process that is killed in the middle of a download: ``STORE DEVICE BLOCKS``."""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from bench.home import living_home
from device.events import Event, FrameDelivered
from device.timeline import Timeline, run
from tests.bench.test_firmware import Bench, rig
from tests.virtual_time import START


async def live(store: Path, device: int, blocks: int, timeline: Timeline) -> None:
    """Offer an image, and die once so many blocks were asked for."""
    left = blocks

    def count(event: Event) -> None:
        nonlocal left
        if isinstance(event, FrameDelivered) and (event.cluster_id, event.command_id) == (0x19, 3):
            left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    async with living_home(rig(store=store), timeline) as home:
        bench = Bench(home)
        home.events.subscribe(count, FrameDelivered)
        bench.offer(device, octets=12_000)
        await timeline.sleep(timedelta(hours=2))


if __name__ == "__main__":
    on = Timeline(START)
    run(live(Path(sys.argv[1]), int(sys.argv[2], 16), int(sys.argv[3]), on), on)
