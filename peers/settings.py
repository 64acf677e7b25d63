"""Named settings of displays: readings that no published text settles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class DisplaySettings:
    """Each field is a choice; the default is the one the bench believes in.

    cot_poll_s: how often the meters are asked for a change of tenancy, beside at joining and at
        power-up.
    cot_wipe: what a change of tenancy wipes of a fuel's history: ``everything``, or only what was
        taken before its date (``before_date``).
    electricity_poll_s: how often the electricity meter is read.
    gas_poll_s: how often the gas meter's mirror is read.
    search_retry_s: how soon meters are looked for again while one is missing.
    time_sync_period_s: how often the hub's time is read.
    history_entries: half hours that are remembered of each fuel.
    """

    cot_poll_s: int = 3600
    cot_wipe: Literal["everything", "before_date"] = "everything"
    electricity_poll_s: int = 10
    gas_poll_s: int = 300
    search_retry_s: int = 60
    time_sync_period_s: int = 86_400
    history_entries: int = 1344
