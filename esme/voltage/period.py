"""Where measurement periods of the average RMS voltage lie on the meter's clock (MP085A).

Aligned: a period starts on the hour or the half hour, and shorter ones tile the half hour from
there; what is left of a half hour when the period does not divide it is not measured. Free
running: periods follow one another from power-up, as meters did before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from esme.own_time import HALF_HOUR, next_from, start_of


@dataclass(frozen=True, slots=True)
class Period:
    """One measurement period: ``start`` is in it, ``end`` is not; UTC on the meter's clock."""

    start: datetime
    end: datetime


def first_period(own: datetime, length: timedelta, *, aligned: bool) -> Period:
    """The first whole period from this time on."""
    start = next_from(own, HALF_HOUR) if aligned else own
    return Period(start, start + length)


def next_period(previous: Period, length: timedelta, *, aligned: bool) -> Period:
    """The period after this one."""
    start = previous.end
    if aligned and not _is_legal(Period(start, start + length)):
        start = next_from(start, HALF_HOUR)
    return Period(start, start + length)


def _is_legal(period: Period) -> bool:
    """Whether it starts on a half hour or lies within one."""
    half_hour = start_of(period.start, HALF_HOUR)
    return period.start == half_hour or period.end <= half_hour + HALF_HOUR
