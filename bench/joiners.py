"""The meters and displays of a rig without a hub: they join somebody else's over their dongles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Protocol

from bench import devices
from bench.pace import BehindClock, watch_pace
from bench.parts import Parts
from bench.rig import Rig
from bench.rig_section import RigError
from device.chassis import Here
from device.events import EventStream
from device.timeline import Timeline


class Living(Protocol):
    """An emulated device."""

    async def live(self) -> None:
        """Join, and do its work until cancelled."""
        ...


def joining_rig(rig: Rig, *, leave: bool = False) -> Rig:
    """A rig as it is joined with; RigError names what cannot join.

    The built-in gas meter is none unless the file names it, and scans go to ``network.channel``
    alone if the file gives one. With ``leave`` radios leave networks that their devices do not
    know (``join.leave_other``).
    """
    changes: dict[str, object] = {}
    if "gas_meter" not in rig.model_fields_set:
        changes["gas_meter"] = None
    join = dict(rig.settings.get("join", {}))
    if "channel" in rig.network.model_fields_set:
        join.setdefault("channels", (rig.network.channel,))
    if leave:
        join["leave_other"] = True
    changes["settings"] = {**rig.settings, "join": join}
    wanted = rig.model_copy(update=changes)
    found = wanted.emulated()
    if rig.time != "real":
        raise RigError(f"{rig.name}: time is {rig.time!r}; a hub that is not ours knows only real")
    if not found:
        raise RigError(f"{rig.name}: no meter, display or controller in it that could join a hub")
    for name, section in found:
        if section.radio.startswith(("ether:", "vncp:")) and "//" not in section.radio:
            raise RigError(
                f"{name}: radio {section.radio!r} is on this bench's own air, where there is no "
                f"hub; give it a dongle (/dev/tty..., tcp://...)"
            )
    return wanted


@asynccontextmanager
async def living_joiners(
    rig: Rig, timeline: Timeline, events: EventStream
) -> AsyncIterator[tuple[Living, ...]]:
    """Let the devices of :func:`joining_rig` join and live while the block runs."""
    async with AsyncExitStack() as stack:
        parts = Parts.of(rig, timeline, stack, None, events, None)
        built = _build(parts)

        def tell_behind(behind: timedelta) -> None:
            _, first = rig.emulated()[0]
            here = Here(moment=timeline.now(), device=first.eui64)
            events.publish(BehindClock(**here, behind=behind, waits=False))

        async with asyncio.TaskGroup() as tasks:
            living = [tasks.create_task(one.live(), name=type(one).__name__) for one in built]
            living.append(tasks.create_task(watch_pace(timeline, tell_behind), name="pace"))
            yield built
            for task in living:
                task.cancel()


def _build(parts: Parts) -> tuple[Living, ...]:
    rig = parts.rig
    built: list[Living] = []
    if rig.gas_meter is not None:
        built.append(devices.gas_meter(parts, rig.gas_meter))
    if rig.electricity_meter is not None:
        built.append(devices.electricity_meter(parts, rig.electricity_meter))
    built += [devices.display(parts, section) for section in rig.displays]
    built += [devices.controller(parts, section) for section in rig.controllers]
    built += [devices.access_device(parts, section) for section in rig.access_devices]
    return tuple(built)
