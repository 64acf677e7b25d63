"""The GPF on the HAN: an ESI that lends the gas meter a mirror, and the mirror displays read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from device.chassis import Chassis
from device.events import MirrorChanged, Pushed, ReportRefused, ValueStamped
from device.host import Host
from gbcs.errors import LocalError
from gbcs.zcl.general import AttributeValue
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType, Value
from gbcs.zcl.types import encode as encode_value
from gpf.catch_up import CatchUp
from gpf.history import Amounts
from gpf.history_views import COST_TODAY, ENERGY_TODAY
from gpf.mirror import AttributeKey, Mirror, Mirrored
from gpf.mirror_memory import Lent, MirrorMemory
from gpf.pushed import PushIntake
from gpf.questions import Questions
from gpf.settings import GpfSettings
from gpf.state import ProxyState
from gpf.views import CURRENT_SUMMATION, GasData, esi_clusters, mirror_clusters
from han.clusters import BASIC, DEVICE_MANAGEMENT, MESSAGING, METERING, PREPAYMENT, PRICE, by_id
from han.clusters.basic import MIRROR_CAPACITY, PHYSICAL_ENVIRONMENT
from han.clusters.mirrored import fixed
from han.endpoint import Endpoint
from han.exchange import Outcome, Request
from han.logs import EventLogs
from han.mirror.flags import FunctionalFlag
from han.mirror.host import (
    MirrorConfigured,
    MirrorCreated,
    MirrorEvent,
    MirrorGone,
    MirrorHost,
    Notified,
    ReportComplete,
)
from han.publisher import Publisher
from han.zcl.tables import ClusterDefinition, Served

ENERGY_SERVICE_INTERFACE: Final = 0x0500
METERING_DEVICE: Final = 0x0501

_ESI_IDENTITY: Final[dict[int, Value]] = {
    0x0000: 3,  # ZCL version
    0x0004: "chub",
    0x0005: "GPF",
    0x0007: 0x01,  # mains
    PHYSICAL_ENVIRONMENT: MIRROR_CAPACITY,
}


@dataclass(frozen=True, slots=True)
class HubEndpoints:
    """Endpoint numbers of the GPF. GB fixes none, so peers must discover them."""

    esi: int = 1
    mirror: int = 2


class HanSide:
    """Takes the gas meter's reports into the mirror; a service of the hub's node.

    ``admits`` says which meters may have the mirror (the hub's device log knows). A gas meter that
    joins in another's place takes the mirror over once the first has left.
    """

    def __init__(
        self,
        chassis: Chassis,
        data: GasData,
        events: EventLogs,
        settings: GpfSettings,
        admits: Callable[[int], bool],
        numbers: HubEndpoints,
        keep: Callable[[], object],
    ) -> None:
        self.message_confirmed: Callable[[], object] = lambda: None
        self._chassis = chassis
        self._mirror, self._data = data.mirror, data
        self._memory = MirrorMemory(chassis.store)
        self._kick: Callable[[], object] = lambda: None
        self.mirror_endpoint = Endpoint(
            numbers.mirror,
            METERING_DEVICE,
            served=mirror_clusters(data, events, snapshot_time=settings.serve_snapshot_time),
        )
        self._firmware_waits: set[int] = set()
        self.mirror_host = MirrorHost([self.mirror_endpoint], self, admits)
        self.pushed = PushIntake(
            data.state,
            data.mirror,
            is_owner=lambda peer: self.mirror_host.endpoint_of(peer) is not None,
            keep=keep,
            refreshed=self._memory.keep,
        )
        self.catch_up = CatchUp(
            data.samples,
            data.state.logs,
            lambda: _prepays(data.mirror),
            timedelta(seconds=settings.push_grace_s),
            data.history.fill,
        )
        self.questions = Questions(
            self.catch_up, self.pushed, self.mirror_host, chassis.clock.now, numbers.mirror
        )
        for served in self.pushed.served():
            self.mirror_endpoint.server.add(served)
        self._publisher = Publisher(numbers.esi, list)
        self.esi_endpoint = Endpoint(
            numbers.esi,
            ENERGY_SERVICE_INTERFACE,
            served=(self.mirror_host.served_by_esi(), *esi_clusters(data, events), _basic()),
        )
        self._restore()

    @property
    def endpoints(self) -> tuple[Endpoint, Endpoint]:
        """The GPF's endpoints on the hub's node."""
        return self.esi_endpoint, self.mirror_endpoint

    def attach(self, host: Host) -> None:
        """Work on this node; before the host runs."""
        self._publisher = Publisher(self.esi_endpoint.number, lambda: host.node.bindings)
        self._kick = host.kick
        for service in (self, self.questions, self._publisher):
            host.node.attach(service)
        host.on_node_event(self._publisher.hear)
        host.on_progress(self._progress)

    def news_point(self) -> tuple[object, ...]:
        """What displays have been told so far, for :meth:`publish_news`."""
        return tuple(told(self._data.state) for _, told in _NEWS)

    def publish_news(self, before: tuple[object, ...]) -> None:
        """Tell displays that bind or ask what has changed since then."""
        for (definition, told), was in zip(_NEWS, before, strict=True):
            message = told(self._data.state)
            if message is not None and message != was:
                self._publisher.publish(definition, message)
        self._kick()

    def publish(self, definition: ClusterDefinition, message: object) -> None:
        """Tell displays that bind this cluster, or have asked there."""
        self._publisher.publish(definition, message)
        self._kick()

    def set_tunnel_pending(self, peer: int, pending: bool) -> None:
        """Tell the meter at its next wake whether messages wait for it at the hub."""
        self.mirror_host.set_flag(peer, FunctionalFlag.TUNNEL_MESSAGE_PENDING, to=pending)

    def set_key_update_wanted(self, peer: int, wanted: bool) -> None:
        """Tell the meter at its next wake whether to establish a fresh link key."""
        self.mirror_host.set_flag(peer, FunctionalFlag.CBKE_UPDATE_REQUEST, to=wanted)

    def set_network_key_waiting(self, peer: int, waiting: bool) -> None:
        """Tell the meter at its next wake whether to poll for a new network key."""
        self.mirror_host.set_flag(peer, FunctionalFlag.NETWORK_KEY_ACTIVE, to=waiting)

    def set_firmware_waiting(self, peer: int, waiting: bool) -> None:
        """Tell the meter at its next wake whether the hub has a firmware image for it.

        One that has no mirror yet is told once it has.
        """
        if waiting:
            self._firmware_waits.add(peer)
        else:
            self._firmware_waits.discard(peer)
        self.mirror_host.set_flag(peer, FunctionalFlag.NEW_OTA_FIRMWARE, to=waiting)

    def forget(self, peer: int) -> None:
        """Drop the mirror of a meter that was removed."""
        self.mirror_host.forget(peer)
        self._progress()

    # -- the mirror's sink -----------------------------------------------------------------------

    def reported(self, peer: int, cluster_id: int, record: AttributeValue, now: datetime) -> Status:
        """Take one value into the push that is coming in, as the type that the mirror serves."""
        del now  # what counts is the GPF's own clock
        known = by_id(cluster_id).attribute(record.attribute_id)
        try:
            type_ = DataType(record.type_id) if known is None else known.type
            encode_value(type_, record.value)
        except (ValueError, LocalError) as error:
            self._chassis.events.publish(
                ReportRefused(
                    **self._chassis.here(),
                    peer=peer,
                    cluster_id=cluster_id,
                    attribute_id=record.attribute_id,
                    reason=str(error),
                )
            )
            return Status.INVALID_DATA_TYPE
        key = (cluster_id, record.attribute_id)
        self._mirror.receive(key, type_, record.value, self._chassis.clock.now())
        return Status.SUCCESS

    # -- service: a push whose last frame never comes ----------------------------------------------

    @property
    def deadline(self) -> datetime | None:
        """When an unfinished push is taken as complete."""
        due = self._mirror.deadline
        return None if due is None else self._chassis.clock.true_time_of(due)

    def poll(self, now: datetime) -> None:
        """Complete a push whose last frame is overdue."""
        del now
        due = self._mirror.deadline
        if due is not None and self._chassis.clock.now() >= due - timedelta(milliseconds=1):
            self._complete(None)

    def requests(self) -> list[Request]:
        """None: what is asked of the meter is in ``questions``."""
        return []

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Nothing was asked."""

    # -- parts -----------------------------------------------------------------------------------

    def _progress(self) -> None:
        for _ in self._data.board.events():
            self.message_confirmed()
        for event in self.mirror_host.events():
            self._take(event)

    def _take(self, event: MirrorEvent) -> None:
        match event:
            case MirrorCreated(peer, endpoint):
                self._memory.lend(Lent(peer, endpoint))
                self._data.history.belongs_to(peer)
                self.catch_up.begin()
                self._say(peer, endpoint, present=True)
                if peer in self._firmware_waits:
                    self.set_firmware_waiting(peer, True)
            case MirrorConfigured(peer, configuration):
                endpoint = self.mirror_endpoint.number
                self._memory.lend(Lent(peer, endpoint, configuration.issuer_event_id))
            case MirrorGone(peer, endpoint):
                self._mirror.forget()
                self._data.samples.forget_totals()
                self._memory.forget()
                self._say(peer, endpoint, present=False)
            case ReportComplete(peer):
                self._complete(peer)
                self.questions.flag(peer)
            case Notified():
                self.questions.answer(event)

    def _complete(self, peer: int | None) -> None:
        with self._chassis.store.transaction():
            taken = self._mirror.complete()
            self._memory.keep(taken)
            self._sample(taken)
        here = self._chassis.here()
        for (cluster_id, attribute_id), held in taken.items():
            self._chassis.events.publish(
                ValueStamped(
                    **here,
                    cluster_id=cluster_id,
                    attribute_id=attribute_id,
                    value=held.value if isinstance(held.value, int | str | bytes) else None,
                    taken_at=held.provenance.taken_at,
                    source=held.provenance.source,
                    reliability=held.provenance.reliability,
                )
            )
        if peer is not None:
            self._chassis.events.publish(
                Pushed(**here, peer=peer, cluster_id=METERING.cluster_id, attributes=len(taken))
            )

    def _sample(self, taken: Mapping[AttributeKey, Mirrored]) -> None:
        now, samples = self._chassis.clock.now(), self._data.samples
        register = taken.get((METERING.cluster_id, CURRENT_SUMMATION))
        total = _number(register)
        if register is not None and total is not None:
            samples.take(total, register.provenance.taken_at, now)
        energy_wh = _number(counted := taken.get(ENERGY_TODAY))
        if counted is not None and energy_wh is not None:
            at = samples.moment(counted.provenance.taken_at, now)
            cost = _number(self._mirror.get(*COST_TODAY)) or 0
            self._data.history.take(at, Amounts(energy_wh, cost), total, now)

    def _restore(self) -> None:
        lent = self._memory.lent()
        if lent is None:
            return
        self._mirror.values.update(self._memory.values())
        self._data.history.belongs_to(lent.peer)
        self.mirror_host.restore(lent.peer, lent.endpoint, lent.configuration)

    def _say(self, peer: int, endpoint: int, *, present: bool) -> None:
        here = self._chassis.here()
        self._chassis.events.publish(
            MirrorChanged(**here, peer=peer, endpoint=endpoint, present=present)
        )


def _basic() -> Served:
    return fixed(BASIC, _ESI_IDENTITY)


_NEWS: Final[tuple[tuple[ClusterDefinition, Callable[[ProxyState], object]], ...]] = (
    (PRICE, lambda state: state.tariff.information),
    (PRICE, lambda state: state.tariff.matrix),
    (PRICE, lambda state: state.tariff.thresholds),
    (PRICE, lambda state: state.tariff.conversion_factor),
    (PRICE, lambda state: state.tariff.calorific_value),
    (PRICE, lambda state: state.tariff.billing_period),
    (PRICE, lambda state: state.tariff.block_period),
    (DEVICE_MANAGEMENT, lambda state: state.supplier),
    (MESSAGING, lambda state: state.message),
)
"""What displays are told of when it changes, and on which cluster; calendars they ask for."""
_PREPAYMENT_MODE: Final = 1 << 1


def _number(held: Mirrored | None) -> int | None:
    return held.value if held is not None and isinstance(held.value, int) else None


def _prepays(mirror: Mirror) -> bool:
    held = mirror.get(PREPAYMENT.cluster_id, 0x0000)
    mode = 0 if held is None else held.value
    return isinstance(mode, int) and bool(mode & _PREPAYMENT_MODE)
