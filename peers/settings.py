"""Named settings of displays and load control switches: readings that no text settles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class HcalcsSettings:
    """Each field is a choice; the default is the one the bench believes in.

    default_after_s: without contact to its meter for so long, the switch goes to its default.
    default_on: whether the load is on while nobody controls it.
    contact_period_s: how often the meter is asked whether it is there.
    device_class: DeviceClassValue, here simple on/off loads.
    enrolment_group: UtilityEnrolmentGroup; 0 takes events of every group.
    search_retry_s: how soon the meter is looked for again while it is not found.
    time_sync_period_s: how often the hub's time is read.
    """

    default_after_s: int = 3600
    default_on: bool = False
    contact_period_s: int = 600
    device_class: int = 0x0080
    enrolment_group: int = 0
    search_retry_s: int = 60
    time_sync_period_s: int = 86_400


@dataclass(frozen=True, slots=True)
class CadSettings:
    """Each field is a choice; the default is the one the bench believes in.

    electricity_poll_s: how often the electricity meter is read.
    gas_poll_s: how often the gas meter's mirror is read.
    details_poll_s: how often prices, balances and amounts by day are read.
    search_retry_s: how soon meters are looked for again while one is missing.
    time_sync_period_s: how often the hub's time is read.
    """

    electricity_poll_s: int = 10
    gas_poll_s: int = 300
    details_poll_s: int = 300
    search_retry_s: int = 60
    time_sync_period_s: int = 86_400


@dataclass(frozen=True, slots=True)
class DisplaySettings:
    """Each field is a choice; the default is the one the bench believes in.

    cot_poll_s: how often the meters are asked for a change of tenancy, beside at joining and at
        power-up.
    cot_wipe: what a change of tenancy wipes of a fuel's history: ``everything``, or only what was
        taken before its date (``before_date``).
    electricity_poll_s: how often the electricity meter is read.
    gas_poll_s: how often the gas meter's mirror is read.
    details_poll_s: how often prices, balances, messages and consumption by day are read; what a
        meter publishes is shown at once.
    electricity_by: whether the register and the power of electricity are read (``poll``), or
        reported by the meter at that interval (``report``); a meter that refuses is read.
    search_retry_s: how soon meters are looked for again while one is missing.
    time_sync_period_s: how often the hub's time is read.
    history_entries: half hours that are remembered of each fuel.
    """

    cot_poll_s: int = 3600
    cot_wipe: Literal["everything", "before_date"] = "everything"
    electricity_poll_s: int = 10
    gas_poll_s: int = 300
    details_poll_s: int = 300
    electricity_by: Literal["poll", "report"] = "poll"
    search_retry_s: int = 60
    time_sync_period_s: int = 86_400
    history_entries: int = 1344
