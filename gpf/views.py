"""The GPF as cluster tables: what displays of the home read of it, and what remote parties do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from device.sample_log import SampleLogs
from device.sample_views import sampled
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value, zcl_seconds
from gpf.mirror import INVALID_UTC, READING_SNAPSHOT_TIME, Mirror
from gpf.tariff import Tariff
from gpf.tenancy import Tenancy
from gpf.tenancy_views import tenancy_client, tenancy_server
from han.clusters import BASIC, METERING, PREPAYMENT, PRICE
from han.clusters.mirrored import ValueOf, mirrored
from han.zcl.server import ZclServer
from han.zcl.tables import Access, ClusterDefinition, Failure, Party, Served, Side

_NOT_PUSHED: Final = Failure(Status.UNSUPPORTED_ATTRIBUTE)

_PRICE_FIELDS: Final[Mapping[int, str]] = {0x0616: "currency", 0x0617: "price_trailing_digit"}


CURRENT_SUMMATION: Final = 0x0000


@dataclass(frozen=True, slots=True)
class GasData:
    """Everything that the GPF shows; ``now`` is its own clock."""

    mirror: Mirror
    tariff: Tariff
    tenancy: Tenancy
    samples: SampleLogs
    now: Callable[[], datetime]

    def hidden_before(self, access: Access) -> datetime | None:
        """Before when entries are hidden from an asker: from the household, after a new tenancy."""
        return self.tenancy.hidden_before(self.now()) if access.party is Party.HAN else None


def esi_clusters(data: GasData) -> tuple[Served, ...]:
    """What the Energy Service Interface serves to displays."""
    return price(data.tariff), tenancy_server(data.tenancy)


def mirror_clusters(data: GasData, *, snapshot_time: bool) -> tuple[Served, ...]:
    """What the mirror serves to displays; ``snapshot_time`` says whether it tells the moment."""
    mirror = data.mirror
    return (
        mirrored_cluster(BASIC, mirror),
        mirrored(METERING, Side.SERVER, _timed(mirror, snapshot_time=snapshot_time)),
        sampled(data.samples, data.hidden_before),
        mirrored_cluster(PREPAYMENT, mirror),
    )


def remote_server(data: GasData) -> ZclServer:
    """What GBZ components addressed to the GPF are executed on."""
    return ZclServer(
        (
            mirrored_cluster(METERING, data.mirror),
            sampled(data.samples, data.hidden_before),
            mirrored_cluster(PREPAYMENT, data.mirror),
            price(data.tariff),
            tenancy_client(data.tenancy, data.now),
        )
    )


def mirrored_cluster(definition: ClusterDefinition, mirror: Mirror) -> Served:
    """A cluster of the gas meter as the mirror holds it; what was never pushed is unsupported."""
    return mirrored(definition, Side.SERVER, _held(definition, mirror))


def price(tariff: Tariff) -> Served:
    """The Price cluster of the GPF's own ESI."""

    def value_of(attribute_id: int) -> Value | Failure:
        value: int = getattr(tariff, _PRICE_FIELDS[attribute_id])
        return value

    return mirrored(PRICE, Side.SERVER, value_of, only=_PRICE_FIELDS)


def _held(definition: ClusterDefinition, mirror: Mirror) -> ValueOf:
    cluster_id = definition.cluster_id

    def value_of(attribute_id: int) -> Value | Failure:
        held = mirror.get(cluster_id, attribute_id)
        return _NOT_PUSHED if held is None else held.value

    return value_of


def _timed(mirror: Mirror, *, snapshot_time: bool) -> ValueOf:
    """Metering with the moment of the register, as the stamp of a Response would say it."""
    held = _held(METERING, mirror)

    def value_of(attribute_id: int) -> Value | Failure:
        if attribute_id != READING_SNAPSHOT_TIME:
            return held(attribute_id)
        register = mirror.get(METERING.cluster_id, CURRENT_SUMMATION) if snapshot_time else None
        if register is None:
            return _NOT_PUSHED
        taken_at = register.provenance.taken_at
        return INVALID_UTC if taken_at is None else zcl_seconds(taken_at)

    return value_of
