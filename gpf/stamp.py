"""The date-time of a GPF's Response: when the values were taken, by whose clock (SECMP0015).

GCS13a, GCS13b, GCS13c, GCS14 and GCS60a carry it; GCS60 does not (the catalogue knows). Reference
messages show 0x00 (own clock, reliable) and 0x04 (GSME's clock, reliable); the other combinations
follow from the meaning of the bits and are settings of :class:`gpf.settings.GpfSettings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gbcs.stamp import Reliability, Source, Stamp, status_octet, without_moment
from gpf.settings import GpfSettings

_WORST_LAST: Final = (Reliability.RELIABLE, Reliability.UNRELIABLE, Reliability.INVALID)
_BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a mirrored value comes from: the moment on the clock that took it, and that clock.

    ``taken_at`` is None when the clock had no time at all.
    """

    taken_at: datetime | None
    source: Source
    reliability: Reliability


NOTHING_PUSHED: Final = Provenance(None, Source.OWN, Reliability.INVALID)
"""Of a Response that returns no mirrored value because the GSME has not pushed any."""


def stamp_of(
    returned: Sequence[Provenance], responded_at: datetime, settings: GpfSettings
) -> Stamp:
    """Stamp a Response with the oldest returned value and the worst reliability among them."""
    values = returned or (NOTHING_PUSHED,)
    oldest = min(values, key=lambda value: value.taken_at or _BEGINNING)
    worst = max((value.reliability for value in values), key=_WORST_LAST.index)
    taken_at = oldest.taken_at
    if oldest.source is Source.OWN and settings.own_stamp == "response_time":
        taken_at = responded_at
    status = status_octet(_reported_source(oldest.source, worst, settings), worst)
    if worst is Reliability.INVALID and settings.invalid_time_encoding == "wildcard":
        taken_at = None
    return without_moment(status) if taken_at is None else Stamp.with_status(taken_at, status)


def _reported_source(source: Source, worst: Reliability, settings: GpfSettings) -> Source:
    if worst is Reliability.RELIABLE or settings.report_gsme_unreliable:
        return source
    return Source.OWN
