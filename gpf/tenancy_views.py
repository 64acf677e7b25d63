"""Change of tenancy as cluster tables: set by remote parties, read by the displays of the home."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from gbcs.zcl.status import Status
from gbcs.zcl.types import Value, zcl_seconds
from gpf.tenancy import Tenancy
from han.clusters import DEVICE_MANAGEMENT
from han.clusters.device_management import (
    CHANGE_OF_TENANCY_UPDATE_DATE_TIME,
    NO_CHANGE_KNOWN,
    PROPOSED_TENANCY_CHANGE_CONTROL,
    PublishChangeOfTenancy,
)
from han.requests import command_of
from han.zcl.payload import decode, encode
from han.zcl.tables import Access, Answer, Attribute, Cluster, Command, Reply, Served, Side

_PUBLISH: Final = command_of(DEVICE_MANAGEMENT, "PublishChangeOfTenancy", Side.CLIENT)
_GET: Final = command_of(DEVICE_MANAGEMENT, "GetChangeOfTenancy")


def tenancy_server(tenancy: Tenancy) -> Served:
    """Device Management 0x0708 of the ESI: the newest change, by attribute and by command."""
    table: Cluster[Tenancy] = Cluster(
        DEVICE_MANAGEMENT,
        Side.SERVER,
        attributes=tuple(
            Attribute(definition, _READS[definition.id])
            for definition in DEVICE_MANAGEMENT.server_attributes
            if definition.id in _READS
        ),
        commands=(Command(_GET, _get),),
    )
    return table.on(tenancy)


def tenancy_client(tenancy: Tenancy, now: Callable[[], datetime]) -> Served:
    """The side that takes PublishChangeOfTenancy; for remote parties only, never on the HAN."""

    def publish(held: Tenancy, payload: bytes, _access: Access) -> Answer:
        return held.accept(decode(PublishChangeOfTenancy, payload), now())

    table: Cluster[Tenancy] = Cluster(
        DEVICE_MANAGEMENT, Side.CLIENT, commands=(Command(_PUBLISH, publish),)
    )
    return table.on(tenancy)


def _changed_at(tenancy: Tenancy) -> Value:
    newest = tenancy.newest
    return NO_CHANGE_KNOWN if newest is None else zcl_seconds(newest.at)


def _control(tenancy: Tenancy) -> Value:
    newest = tenancy.newest
    return 0 if newest is None else int(newest.control)


_READS: Final[dict[int, Callable[[Tenancy], Value]]] = {
    CHANGE_OF_TENANCY_UPDATE_DATE_TIME: _changed_at,
    PROPOSED_TENANCY_CHANGE_CONTROL: _control,
}


def _get(tenancy: Tenancy, _payload: bytes, _access: Access) -> Answer:
    newest = tenancy.newest
    return Status.NOT_FOUND if newest is None else Reply(_PUBLISH.id, encode(newest.published()))
