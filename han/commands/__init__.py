"""Payloads of cluster commands, and which command carries which."""

from __future__ import annotations

from typing import Final

from han.clusters import (
    CALENDAR,
    DEMAND_RESPONSE,
    DEVICE_MANAGEMENT,
    EVENTS,
    MESSAGING,
    METERING,
    OTA_UPGRADE,
    PREPAYMENT,
    PRICE,
    TUNNELING,
    tunneling,
)
from han.commands import calendar, device_management, events, metering, prepayment, price
from han.mirror import messages as mirror
from han.ota import messages as ota
from han.zcl.tables import ClusterDefinition, Side

Key = tuple[int, Side, int]


def _named(module: object, definition: ClusterDefinition) -> dict[Key, type]:
    """The payload classes of a module, which are named as the commands of the cluster are."""
    found: dict[Key, type] = {}
    for side in Side:
        for command in definition.received(side):
            payload = getattr(module, command.name, None)
            if isinstance(payload, type):
                found[definition.cluster_id, side, command.id] = payload
    return found


_PAYLOADS: Final[dict[Key, type]] = {
    **_named(metering, METERING),
    **_named(mirror, METERING),
    **_named(prepayment, PREPAYMENT),
    **_named(price, PRICE),
    **_named(calendar, CALENDAR),
    **_named(events, EVENTS),
    **_named(events, MESSAGING),
    **_named(events, DEMAND_RESPONSE),
    **_named(device_management, DEVICE_MANAGEMENT),
    **_named(tunneling, TUNNELING),
    **_named(ota, OTA_UPGRADE),
}


def payload_class(cluster_id: int, side: Side, command_id: int) -> type | None:
    """The class of the payload of a command that ``side`` receives; None when it has none here."""
    return _PAYLOADS.get((cluster_id, side, command_id))
