"""What the meter notices about itself and its supply, before anybody decides whom to tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class MeterEvent:
    """An event code of GBCS and when it happened on the meter's clock (None: it has no time).

    A restored supply says since when it was interrupted and for how long.
    """

    code: int
    at: datetime | None
    interrupted_at: datetime | None = None
    outage_s: int | None = None

    @property
    def restores_supply(self) -> bool:
        """Whether this is the end of an outage, which ECS80 reports."""
        return self.outage_s is not None
