"""How a display honours a change of tenancy: it wipes once for each, on its date.

Called with what a meter answers; says when the next wipe is due.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from gbcs.zcl.frame import Frame
from gbcs.zcl.types import zcl_moment
from han.clusters.device_management import (
    CHANGE_OF_TENANCY_UPDATE_DATE_TIME,
    NO_CHANGE_KNOWN,
    PROPOSED_TENANCY_CHANGE_CONTROL,
    ChangeControl,
    PublishChangeOfTenancy,
)
from han.zcl.payload import decode
from peers.memory import Change, FuelMemory

QUESTION: Final = (CHANGE_OF_TENANCY_UPDATE_DATE_TIME, PROPOSED_TENANCY_CHANGE_CONTROL)
"""Attributes of Device Management 0x0708 that a display reads."""


def change_of(values: dict[int, int]) -> Change | None:
    """The change that a meter tells of; None when it knows of none."""
    at_s = values.get(CHANGE_OF_TENANCY_UPDATE_DATE_TIME, NO_CHANGE_KNOWN)
    control = values.get(PROPOSED_TENANCY_CHANGE_CONTROL, 0)
    return None if at_s == NO_CHANGE_KNOWN else Change(zcl_moment(at_s), control)


def change_published(answer: Frame) -> Change | None:
    """The change in the answer to GetChangeOfTenancy; None when the meter knows of none.

    MalformedMessage when it cannot be read.
    """
    if not answer.is_cluster_command:
        return None
    published = decode(PublishChangeOfTenancy, answer.payload)
    if published.implementation_time == NO_CHANGE_KNOWN:
        return None
    return Change(zcl_moment(published.implementation_time), published.control)


def asks_for_wipe(change: Change) -> bool:
    """Whether a change asks displays to clear the consumer's data (bit 9)."""
    return bool(change.control & ChangeControl.CLEAR_IHD_DATA_CONSUMER)


def expected(told: Change | None, memory: FuelMemory) -> Change | None:
    """What is still to be handled once a meter has told this.

    A change that does not ask for it is not; nor is one that is not later than the last handled.
    """
    if told is None or not asks_for_wipe(told):
        return None
    handled = memory.handled
    return told if handled is None or told.at > handled.at else None


def due(memory: FuelMemory, now: datetime) -> Change | None:
    """The change whose date has come; None while there is none."""
    pending = memory.pending
    return pending if pending is not None and pending.at <= now else None
