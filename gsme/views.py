"""The gas meter as cluster tables: what it shows on the HAN and what its supplier does with it."""

from __future__ import annotations

from typing import Final

from device.gas_logs import logs_served
from device.own_events import OwnEventLogs
from device.sample_views import SampleSource, sampled
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value
from gsme import management, prepayment
from gsme.model import FIELDS, GasMeterModel, value_of
from gsme.prepayment import GasTill
from gsme.works import Works
from han.clusters import BASIC, METERING, PREPAYMENT, TIME
from han.clusters.mirrored import mirrored
from han.household import till
from han.logs import event_logs
from han.tariff.views import calendar_server, price_server, tariff_clients
from han.zcl.server import ZclServer
from han.zcl.tables import Cluster, ClusterDefinition, Failure, Served, Side

_ABSENT: Final = Failure(Status.UNSUPPORTED_ATTRIBUTE)
_FIXED: Final[dict[tuple[int, int], Value]] = {
    (BASIC.cluster_id, 0x0000): 3,  # ZCL version
    (BASIC.cluster_id, 0x0007): 0x03,  # battery
}


def cluster(definition: ClusterDefinition, model: GasMeterModel) -> Served:
    """One cluster of the meter, over its model."""
    cluster_id = definition.cluster_id

    def read(attribute_id: int) -> Value | Failure:
        fixed = _FIXED.get((cluster_id, attribute_id))
        value = value_of(model, cluster_id, attribute_id) if fixed is None else fixed
        return _ABSENT if value is None else value

    held = {each for of, each in (*FIELDS, *_FIXED) if of == cluster_id}
    return mirrored(definition, Side.SERVER, read, only=held)


def logs(model: GasMeterModel, samples: SampleSource) -> tuple[Served, ...]:
    """Samples, snapshots, top-ups and debt payments, for whoever asks."""
    return (sampled(samples), *logs_served(model.logs))


def served_on_han(model: GasMeterModel, samples: SampleSource) -> tuple[Served, ...]:
    """The servers a gas meter has on the HAN, and the time it reads.

    Tariff, texts and supplier it takes from remote parties alone: displays ask the proxy.
    """
    clusters = (cluster(each, model) for each in (BASIC, METERING, PREPAYMENT))
    return (*clusters, *logs(model, samples), time_client())


def remote_server(works: Works, payments: GasTill, events: OwnEventLogs) -> ZclServer:
    """What GBZ components addressed to the GSME are executed on."""
    model = works.model
    return ZclServer(
        (
            *(cluster(each, model) for each in (BASIC, METERING, PREPAYMENT)),
            *logs(model, works.samples),
            price_server(model.tariff, lambda access: works.price_now(access.now)),
            calendar_server(model.tariff),
            *tariff_clients(model.tariff),
            till(payments),
            prepayment.commands(works),
            management.metering_commands(works),
            *management.clients(works),
            event_logs(events),
        )
    )


def time_client() -> Served:
    """Time 0x000A: the meter reads the hub's."""
    table: Cluster[None] = Cluster(TIME, Side.CLIENT)
    return table.on(None)
