"""The gas meter as cluster tables: what it shows on the HAN and what its supplier reads."""

from __future__ import annotations

from typing import Final

from gbcs.zcl.status import Status
from gbcs.zcl.types import Value
from gsme.model import FIELDS, GasMeterModel, value_of
from han.clusters import BASIC, METERING, PREPAYMENT, PRICE, TIME
from han.clusters.mirrored import fixed, mirrored
from han.zcl.server import ZclServer
from han.zcl.tables import Cluster, ClusterDefinition, Failure, Served, Side

_ABSENT: Final = Failure(Status.UNSUPPORTED_ATTRIBUTE)


def cluster(definition: ClusterDefinition, model: GasMeterModel) -> Served:
    """One cluster of the meter, over its model."""
    cluster_id = definition.cluster_id

    def read(attribute_id: int) -> Value | Failure:
        value = value_of(model, cluster_id, attribute_id)
        return _ABSENT if value is None else value

    held = {attribute_id for of_cluster, attribute_id in FIELDS if of_cluster == cluster_id}
    return mirrored(definition, Side.SERVER, read, only=held)


def served_on_han(model: GasMeterModel) -> tuple[Served, ...]:
    """The servers a gas meter has on the HAN, and the time it reads."""
    return (identity(), cluster(METERING, model), cluster(PREPAYMENT, model), time_client())


def remote_server(model: GasMeterModel) -> ZclServer:
    """What GBZ components addressed to the GSME are executed on.

    Price is here only: on the HAN a gas meter is a client of that cluster.
    """
    return ZclServer(cluster(definition, model) for definition in (METERING, PREPAYMENT, PRICE))


_IDENTITY: Final[dict[int, Value]] = {
    0x0000: 3,  # ZCL version
    0x0003: 1,  # hardware version
    0x0004: "chub",
    0x0005: "GSME",
    0x0007: 0x03,  # battery
}


def identity() -> Served:
    """Basic 0x0000."""
    return fixed(BASIC, _IDENTITY)


def time_client() -> Served:
    """Time 0x000A: the meter reads the hub's."""
    table: Cluster[None] = Cluster(TIME, Side.CLIENT)
    return table.on(None)
