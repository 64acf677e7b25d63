"""Named settings of the GSME: readings that no published text or vector settles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class GsmeSettings:
    """Each field is a choice; the default is the one the bench believes in.

    wake_interval_s: how often the meter wakes and pushes; at multiples of it (UTC).
    push_snapshot_time: whether a push says when it was taken (Metering 0x0007).
    push_jitter_s: greatest delay after the half hour, drawn anew at each wake.
    get_every_wake: whether the meter asks its mailbox at every wake, or only when flagged.
    read_time_every_wake: whether the meter reads the hub's Time at every wake.
    network_key_wait_s: how long the meter polls for a new network key when flagged that one waits.
    awake_limit_s: longest the meter stays awake at one wake.
    report_octets: most octets of attribute reports in one frame.
    catch_up_s: how long the meter stays awake for the questions behind each flag.
    wake_when_called: whether the meter wakes at once when its hub has it poll fast (Poll Control):
        what waits for it, it collects itself.
    cf_mode: whether energy is volume times the conversion factor, or by it.
    """

    wake_interval_s: int = 1800
    push_snapshot_time: bool = True
    push_jitter_s: int = 0
    get_every_wake: bool = False
    read_time_every_wake: bool = True
    network_key_wait_s: int = 5
    awake_limit_s: int = 120
    report_octets: int = 60
    catch_up_s: int = 3
    wake_when_called: bool = True
    cf_mode: Literal["multiply", "divide"] = "multiply"
