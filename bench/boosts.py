"""The consumer of a rig: presses the electricity meter's boost key at the moments it names."""

from __future__ import annotations

from bench.rig_partners import Press
from device.timeline import Timeline
from esme.station import ElectricityMeterStation


async def press(
    meter: ElectricityMeterStation, presses: tuple[Press, ...], timeline: Timeline
) -> None:
    """Press the key as the rig says; what lies in the past is left out."""
    for one in sorted(presses, key=lambda each: each.at):
        if one.at >= timeline.now():
            await timeline.sleep_until(one.at)
            meter.press_boost(one.minutes)
