"""What a gas meter pushes to its mirror at each wake."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from gbcs.zcl.general import AttributeValue
from gbcs.zcl.types import DataType, zcl_seconds
from gsme.model import FIELDS, METERING, PRICE, GasMeterModel, value_of
from han.clusters import by_id

READING_SNAPSHOT_TIME: Final = 0x0007
UTC_INVALID: Final = 0xFFFFFFFF
_METERING_LAST: Final = -1


def push_of(
    model: GasMeterModel, taken_at: datetime | None, *, with_time: bool
) -> list[tuple[int, list[AttributeValue]]]:
    """Every attribute by cluster, Metering last so that the report's end belongs to it.

    ``taken_at`` is the meter's own time, None while its clock is invalid; ``with_time`` says
    whether this meter pushes it at all.
    """
    clusters = sorted(
        {cluster_id for cluster_id, _ in FIELDS} - {PRICE},
        key=lambda one: _METERING_LAST if one == METERING else one,
    )
    push = [(cluster_id, list(_values(model, cluster_id))) for cluster_id in reversed(clusters)]
    if with_time:
        seconds = UTC_INVALID if taken_at is None else zcl_seconds(taken_at)
        push[-1][1].append(AttributeValue(READING_SNAPSHOT_TIME, DataType.UTC_TIME, seconds))
    return push


def _values(model: GasMeterModel, cluster_id: int) -> Iterator[AttributeValue]:
    definition = by_id(cluster_id)
    for of_cluster, attribute_id in FIELDS:
        attribute = definition.attribute(attribute_id) if of_cluster == cluster_id else None
        if attribute is not None:
            value = value_of(model, cluster_id, attribute_id)
            yield AttributeValue(attribute_id, attribute.type, value)
