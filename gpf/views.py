"""The GPF as cluster tables: what displays of the home read of it, and what remote parties do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from device.gas_logs import logs_served
from device.sample_log import SampleLogs
from device.sample_views import sampled
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value, zcl_seconds
from gpf.esi import supplier_server, tapped_clients
from gpf.history import Amounts, ConsumptionHistory
from gpf.history_views import PERIODS
from gpf.mirror import INVALID_UTC, READING_SNAPSHOT_TIME, Mirror
from gpf.state import ProxyState
from gpf.tenancy import Tenancy
from gpf.tenancy_views import tenancy_client, tenancy_server
from han.clusters import BASIC, METERING, PREPAYMENT
from han.clusters.mirrored import ValueOf, mirrored, mirrored_for
from han.commands.price import PublishPrice
from han.logs import EventLogs, event_logs
from han.messaging import MessageBoard
from han.tariff.energy import NANO, Conversion, block_of
from han.tariff.price import price_at
from han.tariff.views import calendar_server, price_server
from han.zcl.server import ZclServer
from han.zcl.tables import Access, ClusterDefinition, Failure, Party, Served, Side

_NOT_PUSHED: Final = Failure(Status.UNSUPPORTED_ATTRIBUTE)

UNIT_OF_MEASURE: Final = 0x0300
_BLOCKS: Final = (0x0700, 0x0701, 0x0702, 0x0703)
CURRENT_SUMMATION: Final = 0x0000


@dataclass(frozen=True, slots=True)
class GasData:
    """Everything that the GPF shows; ``now`` is its own clock."""

    mirror: Mirror
    state: ProxyState
    tenancy: Tenancy
    samples: SampleLogs
    history: ConsumptionHistory
    board: MessageBoard
    now: Callable[[], datetime]

    def hidden_before(self, access: Access) -> datetime | None:
        """Before when entries are hidden from an asker: from the household, after a new tenancy."""
        return self.tenancy.hidden_before(self.now()) if access.party is Party.HAN else None

    def seen_from(self, access: Access) -> int:
        """The same in UTCTime seconds; 0 when nothing is hidden."""
        hidden = self.hidden_before(access)
        return 0 if hidden is None else zcl_seconds(hidden)

    def price_now(self, access: Access) -> PublishPrice | None:
        """The price in force, by the calendar or by what the mirrored blocks have taken."""
        return price_of(self.mirror, self.state, access.now)


def price_of(mirror: Mirror, state: ProxyState, at: datetime) -> PublishPrice | None:
    """The price of a moment; None when no tariff is in force."""
    book, metering = state.tariff, METERING.cluster_id
    used = sum(_number(mirror, metering, each, 0) for each in _BLOCKS)
    block = block_of(book, used, Conversion(book))
    unit = _number(mirror, metering, UNIT_OF_MEASURE, 1)
    return price_at(book, at, block=block, unit=unit)


def worth_of(mirror: Mirror, state: ProxyState, volume_dm3: int, at: datetime) -> Amounts:
    """Energy and cost of a volume by the tariff of a moment; it costs nothing without one."""
    gas, price = Conversion(state.tariff), price_of(mirror, state, at)
    cost_nano = 0 if price is None else gas.cost_nano(volume_dm3, price.price)
    return Amounts(gas.energy_wh(volume_dm3), cost_nano // NANO)


def esi_clusters(data: GasData, events: EventLogs) -> tuple[Served, ...]:
    """What the Energy Service Interface serves to displays."""
    return (
        price_server(data.state.tariff, data.price_now),
        calendar_server(data.state.tariff),
        tenancy_server(data.tenancy),
        supplier_server(data.state),
        data.board.served(),
        event_logs(events),
    )


def mirror_clusters(data: GasData, events: EventLogs, *, snapshot_time: bool) -> tuple[Served, ...]:
    """What the mirror serves to displays; ``snapshot_time`` says whether it tells the moment."""
    mirror = data.mirror
    return (
        mirrored_cluster(BASIC, mirror),
        _with_history(METERING, data, _timed(mirror, snapshot_time=snapshot_time)),
        sampled(data.samples, data.hidden_before),
        _with_history(PREPAYMENT, data, _held(PREPAYMENT, mirror)),
        *logs_served(data.state.logs, data.seen_from),
        event_logs(events),
    )


def remote_server(data: GasData, events: EventLogs) -> ZclServer:
    """What GBZ components addressed to the GPF are executed on."""
    return ZclServer(
        (
            *(mirrored_cluster(each, data.mirror) for each in (BASIC, METERING, PREPAYMENT)),
            sampled(data.samples, data.hidden_before),
            *logs_served(data.state.logs),
            price_server(data.state.tariff, data.price_now),
            calendar_server(data.state.tariff),
            tenancy_client(data.tenancy, data.now),
            event_logs(events),
        )
    )


def tapped_server(data: GasData, events: EventLogs) -> ZclServer:
    """What buffered commands are applied to."""
    return ZclServer((*tapped_clients(data.state, data.board), event_logs(events)))


def _number(mirror: Mirror, cluster_id: int, attribute_id: int, otherwise: int) -> int:
    held = mirror.get(cluster_id, attribute_id)
    return held.value if held is not None and isinstance(held.value, int) else otherwise


def mirrored_cluster(definition: ClusterDefinition, mirror: Mirror) -> Served:
    """A cluster of the gas meter as the mirror holds it; what was never pushed is unsupported."""
    return mirrored(definition, Side.SERVER, _held(definition, mirror))


def _held(definition: ClusterDefinition, mirror: Mirror) -> ValueOf:
    cluster_id = definition.cluster_id

    def value_of(attribute_id: int) -> Value | Failure:
        held = mirror.get(cluster_id, attribute_id)
        return _NOT_PUSHED if held is None else held.value

    return value_of


def _with_history(definition: ClusterDefinition, data: GasData, held: ValueOf) -> Served:
    """A cluster of the mirror, with what the GPF itself computes by day, week and month."""

    def view(access: Access) -> ValueOf:
        now, hidden_before = data.now(), data.hidden_before(access)

        def value_of(attribute_id: int) -> Value | Failure:
            period = PERIODS.get((definition.cluster_id, attribute_id))
            if period is None:
                return held(attribute_id)
            if data.mirror.get(*period.source) is None:
                return _NOT_PUSHED
            return period.value(data.history, now, hidden_before)

        return value_of

    return mirrored_for(definition, Side.SERVER, view)


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
