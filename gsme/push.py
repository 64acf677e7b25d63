"""What a gas meter pushes to its mirror at each wake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from gbcs.zcl.general import AttributeValue
from gbcs.zcl.types import DataType, zcl_seconds
from gsme.model import FIELDS, METERING, PREPAYMENT, GasMeterModel, Held, value_of
from gsme.snapshots import BLOCK_TIER_NO_BILLING, message_of
from han.clusters import EVENTS, by_id
from han.clusters import METERING as METERING_CLUSTER
from han.clusters import PREPAYMENT as PREPAYMENT_CLUSTER
from han.commands.events import EventEntry, PublishEvent
from han.commands.prepayment import PublishDebtLog, PublishTopUpLog, TopUp
from han.logs import Snapshot
from han.zcl.tables import ClusterDefinition

READING_SNAPSHOT_TIME: Final = 0x0007
UTC_INVALID: Final = 0xFFFFFFFF
_METERING_LAST: Final = -1

Key = tuple[int, int]
ALWAYS: Final = frozenset(
    {
        *((METERING, each) for each in (0x0000, 0x0014, 0x0205, 0x0300, 0x0301, 0x0302, 0x0A00)),
        *((METERING, each) for each in (0x0100, 0x0102, 0x0104, 0x0106)),
        *((METERING, each) for each in (0x0700, 0x0701, 0x0702, 0x0703, 0x0C01)),
        *((PREPAYMENT, each) for each in (0x0001, 0x0002, 0x0005, 0x0211, 0x0221, 0x0231, 0x051C)),
    }
)
"""Registers and balances, of which the hub tells when they were taken; the rest goes on change."""


def current(model: GasMeterModel) -> dict[Key, Held | None]:
    """Every attribute that a mirror holds, as it is now."""
    return {key: value_of(model, *key) for key in FIELDS}


def push_of(
    now: Mapping[Key, Held | None],
    pushed: Mapping[Key, Held | None],
    taken_at: datetime | None,
    *,
    with_time: bool,
) -> list[tuple[int, list[AttributeValue]]]:
    """What to push, by cluster: Metering last, so that the report's end belongs to it.

    ``pushed`` is what the mirror has. ``taken_at`` is the meter's own time, None while its clock is
    invalid; ``with_time`` says whether this meter pushes it at all.
    """
    wanted = {key: value for key, value in now.items() if key in ALWAYS or value != pushed.get(key)}
    clusters = sorted(
        {cluster_id for cluster_id, _ in wanted},
        key=lambda one: _METERING_LAST if one == METERING else one,
    )
    push = [(each, list(_values(wanted, each))) for each in reversed(clusters)]
    if with_time:
        seconds = UTC_INVALID if taken_at is None else zcl_seconds(taken_at)
        push[-1][1].append(AttributeValue(READING_SNAPSHOT_TIME, DataType.UTC_TIME, seconds))
    return push


def _values(wanted: Mapping[Key, Held | None], cluster_id: int) -> Iterator[AttributeValue]:
    definition = by_id(cluster_id)
    for (of_cluster, attribute_id), value in wanted.items():
        attribute = definition.attribute(attribute_id) if of_cluster == cluster_id else None
        if attribute is not None:
            yield AttributeValue(attribute_id, attribute.type, value)


@dataclass(frozen=True, slots=True)
class Unpushed:
    """A message that the proxy does not have yet; ``taken`` notes that it has."""

    definition: ClusterDefinition
    message: object
    taken: Callable[[], None]


def unpushed(model: GasMeterModel) -> Iterator[Unpushed]:
    """What the proxy does not have yet: snapshots, payments, entries of the event logs."""
    for snapshot in model.unpushed:
        registers = snapshot.payload_type == BLOCK_TIER_NO_BILLING
        cluster = METERING_CLUSTER if registers else PREPAYMENT_CLUSTER
        taken = partial(_has_snapshot, model, snapshot)
        yield Unpushed(cluster, message_of(snapshot), taken)
    if model.unpushed_payments:
        top_ups, debts = tuple(model.logs.top_ups), tuple(model.logs.debt_payments)
        if debts:
            paid = PublishDebtLog(0, 1, debts[::-1])
            yield Unpushed(PREPAYMENT_CLUSTER, paid, _nothing_more)
        bought = PublishTopUpLog(0, 1, top_ups[::-1])
        yield Unpushed(PREPAYMENT_CLUSTER, bought, partial(_has_payments, model, top_ups))
    for entry in model.untold:
        told = PublishEvent(entry.log_id, entry.event_id, entry.time, 0, entry.data)
        yield Unpushed(EVENTS, told, partial(_has_entry, model, entry))


def _has_snapshot(model: GasMeterModel, snapshot: Snapshot) -> None:
    with suppress(ValueError):  # there were too many, and it made room
        model.unpushed.remove(snapshot)


def _has_entry(model: GasMeterModel, entry: EventEntry) -> None:
    with suppress(ValueError):
        model.untold.remove(entry)


def _nothing_more() -> None:
    """The log of payments to the debt, which goes before that of top-ups."""


def _has_payments(model: GasMeterModel, top_ups: tuple[TopUp, ...]) -> None:
    """Nothing is missing unless the household has paid again meanwhile."""
    if tuple(model.logs.top_ups) == top_ups:
        model.unpushed_payments = False
