"""Named settings of the GPF: readings that no published text or vector settles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class GpfSettings:
    """Each field is a choice; the default is the one the bench believes in.

    own_stamp: what a stamp by the GPF's own clock holds: when the oldest returned value was
        received (``rx_time``), or when the Response was made (``response_time``).
    invalid_time_encoding: the date of a stamp whose time is invalid: every field wildcarded, or the
        last known moment kept (``stale``).
    report_gsme_unreliable: whether the GPF says that a GSME's time was unreliable or invalid
        (status 0x06, 0x05), or only that something was doubtful (0x02, 0x01).
    push_completion_s: how long the frames of one push may trickle in before the GPF takes the push
        as complete without its last attribute (0xFFFE).
    serve_snapshot_time: whether displays can read the values' moment as Metering 0x0007.
    push_grace_s: how long after the end of a half hour or day a pushed total still counts as the
        total at that end.
    cot_future_policy: whether a change of tenancy that lies ahead hides the household's entries at
        once (``hide_now``), or on its date (``hide_at_date``).
    cot_check_provider: refuse a change of tenancy for another provider or tariff than those stored.
    cot_check_event_id: refuse a change of tenancy that is older than the stored one.
    cot_publish: whether displays that bind Device Management, or have asked there, are told of a
        change of tenancy at once; else they learn of it when they ask, as they have to anyhow.
    provider_id: the provider stored; GBCS leaves the field unused (0).
    tariff_type: the tariff type stored; 0 is delivered.
    log_commands: whether every command goes into the event log (0x8154, 0x8155).
    """

    own_stamp: Literal["rx_time", "response_time"] = "rx_time"
    invalid_time_encoding: Literal["wildcard", "stale"] = "wildcard"
    report_gsme_unreliable: bool = True
    push_completion_s: int = 30
    serve_snapshot_time: bool = True
    push_grace_s: int = 600
    cot_future_policy: Literal["hide_now", "hide_at_date"] = "hide_now"
    cot_check_provider: bool = True
    cot_check_event_id: bool = True
    cot_publish: bool = True
    provider_id: int = 0
    tariff_type: int = 0
    log_commands: bool = True
