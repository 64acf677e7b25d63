"""What the tables of the meter's clusters share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Final

from esme.meter import ElectricityMeter
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value, fitted, invalid_value, zcl_seconds
from han.clusters.mirrored import ValueOf, mirrored_for
from han.zcl.tables import Access, ClusterDefinition, Failure, Served, Side

Read = Callable[[ElectricityMeter], Value]
Fresh = Callable[[], object]
"""Brings the meter up to the present."""
Acting = Callable[[], AbstractContextManager[object]]
"""A unit in which the household changes the meter: kept as a whole, or not at all."""

ABSENT: Final = Failure(Status.UNSUPPORTED_ATTRIBUTE)


def table(
    definition: ClusterDefinition, meter: ElectricityMeter, reads: Mapping[int, Read], fresh: Fresh
) -> Served:
    """Attributes over the meter, as it stands when they are read; None reads as invalid."""
    types = {each.id: each.type for each in definition.server_attributes}

    def value_of(attribute_id: int) -> Value | Failure:
        read, kind = reads.get(attribute_id), types.get(attribute_id)
        if read is None or kind is None:
            return ABSENT
        value = read(meter)
        return invalid_value(kind) if value is None else fitted(kind, value)

    def view(_: Access) -> ValueOf:
        fresh()
        return value_of

    return mirrored_for(definition, Side.SERVER, view, only=reads)


def now_seconds(meter: ElectricityMeter) -> int | None:
    """The meter's time; None (invalid) while it has none."""
    own = meter.metrology.own_now
    return None if own is None else zcl_seconds(own)


def tariff_seconds(meter: ElectricityMeter) -> int:
    """When the tariff came into force; it names the tariff and its publications, too."""
    since = meter.kept.tariff_since
    return 0 if since is None else zcl_seconds(since)
