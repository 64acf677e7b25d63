"""A cluster whose attributes are read by identifier from one function.

The GPF's mirror answers from what the GSME reported, a meter from its register of fields: both know
values by attribute identifier, so no row per attribute is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias

from gbcs.zcl.types import Value
from han.zcl.tables import (
    Access,
    Attribute,
    AttributeDefinition,
    Cluster,
    ClusterDefinition,
    Command,
    Failure,
    Served,
    Side,
)

ValueOf: TypeAlias = "Callable[[int], Value | Failure]"


def mirrored(
    definition: ClusterDefinition,
    side: Side,
    value_of: ValueOf,
    *,
    only: Collection[int] | None = None,
    commands: tuple[Command[ValueOf], ...] = (),
) -> Served:
    """Serve a cluster from ``value_of``; ``only`` lists the attributes the device has at all."""
    return mirrored_for(definition, side, lambda _: value_of, only=only, commands=commands)


def fixed(definition: ClusterDefinition, values: Mapping[int, Value]) -> Served:
    """Serve a cluster whose attributes never change: who a device is."""
    return mirrored(definition, Side.SERVER, values.__getitem__, only=values)


def mirrored_for(
    definition: ClusterDefinition,
    side: Side,
    view: Callable[[Access], ValueOf],
    *,
    only: Collection[int] | None = None,
    commands: tuple[Command[ValueOf], ...] = (),
) -> Served:
    """Serve a cluster from the values that this asker may see."""
    held = [a for a in definition.attributes(side) if only is None or a.id in only]
    table: Cluster[ValueOf] = Cluster(
        definition,
        side,
        attributes=tuple(_attribute(a) for a in held),
        commands=commands,
    )
    return table.viewed(view)


def _attribute(definition: AttributeDefinition) -> Attribute[ValueOf]:
    return Attribute(definition, lambda value_of: value_of(definition.id), reportable=True)
