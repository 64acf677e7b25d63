"""What the tests of the meter share: a meter on a site, a log read back, moments by the clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from esme.event import MeterEvent
from esme.metrology import Measurements, Metrology, MetrologySettings
from esme.own_time import OwnTime
from esme.physics.signal import Constant, Steps
from esme.physics.site import Phase, Site
from gbcs.stamp import Reliability

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def at(clock: str, day: int = 0) -> datetime:
    """A moment of the test's day, such as 10:07:20."""
    parts = [int(part) for part in clock.split(":")]
    hours, minutes, seconds = (*parts, 0, 0)[:3]
    return DAY + timedelta(days=day, hours=hours, minutes=minutes, seconds=seconds)


def clock_times(moments: Iterable[datetime | None]) -> list[str]:
    """Moments as the clock shows them, for reading in a test."""
    return [f"{moment:%H:%M:%S}" if moment else "-" for moment in moments]


def volts(first: float, *steps: tuple[datetime, float]) -> Steps:
    """A voltage by script, in V."""
    return Steps(int(first * 1000), [(moment, int(value * 1000)) for moment, value in steps])


def watts(first: int, *steps: tuple[datetime, int]) -> Steps:
    """A load by script, in W."""
    return Steps(first * 1000, [(moment, value * 1000) for moment, value in steps])


def mains(voltage: Steps | Constant, load: Steps | Constant | None = None) -> Site:
    """A single-phase site."""
    return Site((Phase(voltage, load or Constant()),))


def meter(
    site: Site,
    start: datetime,
    *,
    status: Reliability = Reliability.RELIABLE,
    settings: MetrologySettings | None = None,
    period_s: int = 1800,
    over_v: int = 0,
    under_v: int = 0,
) -> Metrology:
    """A new meter, powered up at this moment, its clock showing true time."""
    made = Metrology(
        site,
        OwnTime(start, start, status),
        Measurements.of_phases(len(site.phases)),
        settings,
    )
    for phase in made.measured.phases:
        phase.average.period_s = period_s
        phase.average.over.threshold_v = over_v
        phase.average.under.threshold_v = under_v
    return made


def step_clock(measuring: Metrology, true: datetime, own: datetime) -> tuple[MeterEvent, ...]:
    """Set the meter's clock at a true moment; it is reliable afterwards."""
    return measuring.change_clock(OwnTime(true, own))


def codes(events: Iterable[MeterEvent]) -> list[str]:
    """Event codes as hexadecimal digits."""
    return [f"{event.code:04X}" for event in events]
