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
    """

    own_stamp: Literal["rx_time", "response_time"] = "rx_time"
    invalid_time_encoding: Literal["wildcard", "stale"] = "wildcard"
    report_gsme_unreliable: bool = True
    push_completion_s: int = 30
    serve_snapshot_time: bool = True
