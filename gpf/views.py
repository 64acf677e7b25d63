"""The GPF as cluster tables: the mirror as it stands, and what remote parties read of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gbcs.zcl.status import Status
from gbcs.zcl.types import Value
from gpf.mirror import Mirror
from gpf.tariff import Tariff
from han.clusters import METERING, PREPAYMENT, PRICE
from han.clusters.mirrored import ValueOf, mirrored
from han.zcl.server import ZclServer
from han.zcl.tables import ClusterDefinition, Failure, Served, Side

_NOT_PUSHED: Final = Failure(Status.UNSUPPORTED_ATTRIBUTE)

_PRICE_FIELDS: Final[Mapping[int, str]] = {0x0616: "currency", 0x0617: "price_trailing_digit"}


def mirrored_cluster(definition: ClusterDefinition, mirror: Mirror) -> Served:
    """A cluster of the gas meter as the mirror holds it; what was never pushed is unsupported."""
    return mirrored(definition, Side.SERVER, _held(definition, mirror))


def price(tariff: Tariff) -> Served:
    """The Price cluster of the GPF's own ESI."""

    def value_of(attribute_id: int) -> Value | Failure:
        value: int = getattr(tariff, _PRICE_FIELDS[attribute_id])
        return value

    return mirrored(PRICE, Side.SERVER, value_of, only=_PRICE_FIELDS)


def remote_server(mirror: Mirror, tariff: Tariff) -> ZclServer:
    """What GBZ components addressed to the GPF are executed on."""
    return ZclServer(
        (mirrored_cluster(METERING, mirror), mirrored_cluster(PREPAYMENT, mirror), price(tariff))
    )


def _held(definition: ClusterDefinition, mirror: Mirror) -> ValueOf:
    cluster_id = definition.cluster_id

    def value_of(attribute_id: int) -> Value | Failure:
        held = mirror.get(cluster_id, attribute_id)
        return _NOT_PUSHED if held is None else held.value

    return value_of
