"""A device that sets its clock by the hub: at the start, and then once a period."""

from __future__ import annotations

from datetime import timedelta

from device.asking import read_hub_time
from device.chassis import Chassis
from device.host import Host, HostError
from device.timeline import Timeline
from han.radio import RadioError


async def keep_time(
    chassis: Chassis, timeline: Timeline, host: Host, endpoint: int, *, period_s: int, retry_s: int
) -> None:
    """Set the clock from the hub's time, until cancelled."""
    while True:
        known = await _set_time(chassis, host, endpoint)
        await timeline.sleep(timedelta(seconds=period_s if known else retry_s))


async def _set_time(chassis: Chassis, host: Host, endpoint: int) -> bool:
    try:
        hub_time = await read_hub_time(host, endpoint)
    except (HostError, RadioError):
        return False
    if hub_time is None:
        chassis.clock.hub_silent()
        return False
    chassis.clock.set_clock(hub_time, None, None)
    return True
