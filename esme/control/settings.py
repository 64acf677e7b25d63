"""Named settings of auxiliary load control: readings that no published text settles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """Each field is a choice; the default is the one the bench believes in.

    boost_over_command: while a boost and a supplier's command (ECS47, ECS47a) both hold, the boost
        decides; False: the command does. Both come before the calendar.
    offset_on_calendar: the randomised offset delays every switch of the auxiliary calendar.
    apc_default_level: percent that an output of a proportional controller has while neither a
        command nor the calendar says anything.
    join_takes_controller: an HCALCS that is joined (CS03A1) takes the first controller without a
        type, and gives it back when it is unjoined.
    log_calendar: switches of the calendar get entries in the auxiliary controller event log.
    hold_without_period_min: how long an ECS47 holds that brings no time of its own.
    drlc_device_class: device class of LoadControlEvent, here simple on/off loads.
    drlc_group: enrolment group of LoadControlEvent: the number of the ``controller``, or ``all``.
    drlc_criticality: criticality level of LoadControlEvent.
    drlc_on_percent: duty cycle that means on; off is 0.
    drlc_start: whether LoadControlEvent starts ``now`` or carries the meter's ``time``.
    drlc_overlap_min: how much longer an event lasts than the state it asks for, so that the next
        event finds it still running.
    han_command_id: HANCommandID and issuer event id count seconds since 1970 (``unix``) or 2000
        (``zigbee``).
    operational_updates: whether a proportional controller whose level changes tells the load
        controller (ECS200), by way of the supplier.
    han_outcome_within_s: an HCALCS that has not reported a start by then has failed.
    """

    boost_over_command: bool = True
    offset_on_calendar: bool = True
    apc_default_level: int = 100
    join_takes_controller: bool = True
    log_calendar: bool = True
    hold_without_period_min: int = 1440
    drlc_device_class: int = 0x0080
    drlc_group: Literal["controller", "all"] = "controller"
    drlc_criticality: int = 1
    drlc_on_percent: int = 100
    drlc_start: Literal["now", "time"] = "now"
    drlc_overlap_min: int = 1
    han_command_id: Literal["unix", "zigbee"] = "unix"
    operational_updates: bool = False
    han_outcome_within_s: int = 60
