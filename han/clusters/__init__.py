"""The clusters of a GB HAN: identifiers, names, types and commands, apart from any model."""

from __future__ import annotations

from typing import Final

from han.clusters.basic import BASIC, KEEP_ALIVE, POLL_CONTROL, TIME
from han.clusters.device_management import DEVICE_MANAGEMENT
from han.clusters.events import DEMAND_RESPONSE, EVENTS, MESSAGING, SUB_GHZ
from han.clusters.key_establishment import KEY_ESTABLISHMENT, OTA_UPGRADE
from han.clusters.metering import METERING
from han.clusters.prepayment import PREPAYMENT
from han.clusters.price import CALENDAR, PRICE
from han.clusters.tunneling import TUNNELING
from han.zcl.tables import ClusterDefinition

__all__ = [
    "BASIC",
    "CALENDAR",
    "DEMAND_RESPONSE",
    "DEVICE_MANAGEMENT",
    "EVENTS",
    "KEEP_ALIVE",
    "KEY_ESTABLISHMENT",
    "MESSAGING",
    "METERING",
    "OTA_UPGRADE",
    "POLL_CONTROL",
    "PREPAYMENT",
    "PRICE",
    "SUB_GHZ",
    "TIME",
    "TUNNELING",
    "by_id",
    "every_cluster",
]

_CLUSTERS: Final = {
    c.cluster_id: c
    for c in (
        BASIC,
        TIME,
        OTA_UPGRADE,
        POLL_CONTROL,
        KEEP_ALIVE,
        PRICE,
        DEMAND_RESPONSE,
        METERING,
        MESSAGING,
        TUNNELING,
        PREPAYMENT,
        CALENDAR,
        DEVICE_MANAGEMENT,
        EVENTS,
        SUB_GHZ,
        KEY_ESTABLISHMENT,
    )
}


def by_id(cluster_id: int) -> ClusterDefinition:
    """The definition of a cluster; one without attributes and commands when it is unknown."""
    known = _CLUSTERS.get(cluster_id)
    return known if known is not None else ClusterDefinition(cluster_id, f"0x{cluster_id:04X}")


def every_cluster() -> tuple[ClusterDefinition, ...]:
    """Every cluster known here, by identifier."""
    return tuple(_CLUSTERS.values())
