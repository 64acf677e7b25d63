"""What happens to the meter of ``chub demo voltage``: its mains, and how it is configured."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bench.rig import VIRTUAL_START
from esme.physics.signal import Constant, DailyProfile, Interrupted, Steps, Sum
from esme.physics.site import Phase, Site
from gbcs.plain import Plain

OVER_V, UNDER_V = 253, 216
FIRST_PERIOD_S, SECOND_PERIOD_S = 1_800, 600
_SLOTS_PER_HOUR: Final = 12
_HOURLY_V: Final = (
    *(242, 243, 243, 243, 242, 241, 240, 239, 239, 240, 241, 242),
    *(242, 242, 241, 240, 238, 236, 235, 236, 237, 239, 240, 241),
)
"""Mains of one day: high in the night and at noon, low in the evening."""
_NOISE_MV: Final = 1_500
_LOAD_MW: Final = 600_000


def moment(day: int, clock: str) -> datetime:
    """A moment of the story: day 1 to 3, and the time of day."""
    hour, minute = map(int, clock.split(":"))
    midnight = VIRTUAL_START.replace(hour=0, minute=0)
    return midnight + timedelta(days=day - 1, hours=hour, minutes=minute)


CUT: Final = (moment(1, "18:05"), moment(1, "18:44"))
_DEPARTURES: Final = (
    (moment(1, "13:05"), moment(1, "14:40"), 18_000),
    (moment(2, "07:00"), moment(2, "08:15"), -28_000),
    (moment(2, "14:05"), moment(2, "14:40"), 18_000),
    (moment(2, "20:00"), moment(2, "20:02"), 38_000),
)
"""From, to, and how far from the profile, in mV: too high, too low, too high, and a swell."""


def site(seed: int) -> Site:
    """The mains with its noise, what goes wrong with it, and a steady load."""
    slots = [1_000 * volts for volts in _HOURLY_V for _ in range(_SLOTS_PER_HOUR)]
    profile = DailyProfile(slots, _NOISE_MV, seed)
    steps = [
        step
        for start, end, departure_mv in _DEPARTURES
        for step in ((start, departure_mv), (end, 0))
    ]
    mains = Interrupted(Sum((profile, Steps(0, steps))), [CUT])
    return Site((Phase(mains, Constant(_LOAD_MW)),))


def configuration(period_s: int) -> dict[str, Plain]:
    """Every parameter of ECS29a and ECS29c: limits in V, durations in s."""
    limits: dict[str, tuple[int, int]] = {
        "RMSExtremeOverVoltage": (287, 30),
        "RMSExtremeUnderVoltage": (180, 30),
        "RMSVoltageSag": (200, 30),
        "RMSVoltageSwell": (265, 30),
    }
    values: dict[str, Plain] = {
        "Phase[1].AverageRMSUnderVoltageThreshold.value": UNDER_V,
        "Phase[1].AverageRMSOverVoltageThreshold.value": OVER_V,
        "Phase[1].AverageRMSVoltageMeasurementPeriod.value": period_s,
    }
    for name, (threshold_v, duration_s) in limits.items():
        values[f"{name}Threshold.value"] = threshold_v
        values[f"{name}MeasurementPeriod.value"] = duration_s
    return values
