"""Named settings of the ESME: readings that no published text or vector settles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from esme.metrology import MetrologySettings


@dataclass(frozen=True, slots=True)
class EsmeSettings:
    """Each field is a choice; the default is the one the bench believes in.

    voltage_aligned: measurement periods of the average voltage start on the hour and half hour
        (MP085A); False follows one another from power-up, like older meters.
    voltage_resumes: a period an outage began in goes on after it, if it is not over.
    clock_adjustment_s: a clock moved by no more than this was adjusted, not stepped: periods keep
        their ends.
    time_sync_period_s: how often the hub's time is read.
    time_retry_s: how soon again when the hub did not answer.
    tenancy_future: whether a change of tenancy that is dated in the future hides the household's
        old data as soon as it is announced (``hide_now``) or from its date (``hide_at_date``).
    """

    voltage_aligned: bool = True
    voltage_resumes: bool = False
    clock_adjustment_s: int = 10
    time_sync_period_s: int = 86_400
    time_retry_s: int = 300
    tenancy_future: Literal["hide_now", "hide_at_date"] = "hide_now"

    @property
    def metrology(self) -> MetrologySettings:
        """Those of the measuring part."""
        return MetrologySettings(
            voltage_aligned=self.voltage_aligned,
            voltage_resumes=self.voltage_resumes,
            adjustment_s=self.clock_adjustment_s,
        )
