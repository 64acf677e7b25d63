"""The GPF: mirrors the gas meter on the HAN, and answers remote parties from the mirror."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from device.alerts import Alerts
from device.chassis import Chassis
from device.command import Answered, Command, Executed, Outcome
from device.common import AUTHORITY as COMMON_AUTHORITY
from device.common import CommonCommands
from device.gbz_engine import EngineSettings, GbzEngine
from device.host import Host
from device.log import time_s
from device.pipeline import Pipeline
from device.sample_log import DAILY, PROFILE, SampleLogs
from device.settings import PipelineSettings
from device.state import KeptState
from gbcs.catalogue import Technology, all_use_cases
from gbcs.catalogue.use_case import Kind
from gbcs.envelope import Message
from gbcs.party import DeviceType
from gbcs.stamp import Stamp
from gpf.device_log import DeviceLogKeeper
from gpf.event import TapOffFailed, TenancyChanged
from gpf.event_logs import ProxyEventLogs
from gpf.han_side import HanSide, HubEndpoints
from gpf.history import ConsumptionHistory
from gpf.mirror import Mirror
from gpf.settings import GpfSettings
from gpf.stamp import stamp_of
from gpf.state import ProxyState
from gpf.tap_off import FAILURE, TapFailure, TapOff
from gpf.tenancy import ChangeOfTenancy, Tenancy
from gpf.views import GasData, remote_server, tapped_server, worth_of
from han.clusters import DEVICE_MANAGEMENT
from han.clusters.device_management import PublishChangeOfTenancy
from han.clusters.events import EventLog
from han.commands.events import EventEntry
from han.messaging import MessageBoard

ACTIONED, NOT_ACTIONED = 0x8154, 0x8155
"""Immediate HAN interface command actioned, or not; the entry carries the message code."""
MESSAGE_CONFIRMED: Final = 0x81A6
_RESTORE: Final = "GCS59"


def use_cases() -> tuple[str, ...]:
    """Names of the use cases that the GPF answers, besides those all devices share."""
    found = (
        each.name
        for each in all_use_cases()
        if each.kind is Kind.COMMAND
        and each.technology is Technology.GBZ
        and DeviceType.GPF in each.targets
    )
    return (*found, _RESTORE)


class GasProxy:
    """The Gas Proxy Function of one hub.

    The gas meter is learnt from its frames: what it pushes is held with its provenance, and the
    stamp of a Response is derived from the values that the Response returns. Its alerts wait in
    the outbox of its chassis.
    """

    def __init__(
        self,
        chassis: Chassis,
        admits: Callable[[int], bool] = lambda _: True,
        *,
        endpoints: HubEndpoints | None = None,
        settings: GpfSettings | None = None,
        pipeline_settings: PipelineSettings | None = None,
        engine_settings: EngineSettings | None = None,
    ) -> None:
        self.chassis = chassis
        self.settings = settings or GpfSettings()
        self.state = ProxyState()
        self.memory = KeptState(self.state, chassis.store, "gas proxy")
        self.mirror = Mirror(
            own_reliability=lambda: chassis.clock.status,
            completion=timedelta(seconds=self.settings.push_completion_s),
        )
        self.tenancy = Tenancy(chassis.store, self.settings, self._tenancy_changed)
        self.samples = SampleLogs(
            chassis.store, (PROFILE, DAILY), timedelta(seconds=self.settings.push_grace_s)
        )
        self.history = ConsumptionHistory(
            chassis.store, lambda volume, at: worth_of(self.mirror, self.state, volume, at)
        )
        numbers = endpoints or HubEndpoints()
        self.board = MessageBoard(numbers.esi, self.state.message)
        self.data = GasData(
            self.mirror,
            self.state,
            self.tenancy,
            self.samples,
            self.history,
            self.board,
            chassis.clock.now,
        )
        self.logs = ProxyEventLogs(chassis, self.state, self.data.seen_from)
        self.alerts = Alerts(chassis)
        self.han = HanSide(
            chassis, self.data, self.logs, self.settings, admits, numbers, self.memory.save
        )
        self.han.message_confirmed = lambda: self.alerts.event(MESSAGE_CONFIRMED)
        self.remote = remote_server(self.data, self.logs)
        self.tap = TapOff(self.state, tapped_server(self.data, self.logs), self._tap_failed)
        self.common = CommonCommands(
            chassis, self.alerts.event, partner_changed=lambda peer, kind: self.log.changed()
        )
        self.log = DeviceLogKeeper(chassis, self.common.joins, self.alerts)
        self._engine = GbzEngine(self.remote, engine_settings)
        self.pipeline = Pipeline(
            chassis,
            use_cases=[name for name in use_cases() if name != _RESTORE],
            engines={Technology.GBZ: self._execute},
            handlers={**self.common.handlers, _RESTORE: self.log.restore},
            authority=COMMON_AUTHORITY,
            stamp=self._stamp,
            settings=pipeline_settings,
        )

    @property
    def entity(self) -> int:
        """Entity identifier, which is the hub's HAN IEEE address too."""
        return self.chassis.eui64

    def attach(self, host: Host) -> None:
        """Work on this node, before the host runs."""
        self.han.attach(host)
        host.node.attach(self.common)

    def answer(self, octets: bytes) -> bytes | None:
        """Execute one command addressed to the GPF; None when it is refused."""
        outcome = self.pipeline.receive(octets)
        return outcome.octets if isinstance(outcome, Answered) else None

    def tapped(self, command: Message, response: Message) -> None:
        """Apply a command that the gas meter executed."""
        with self._changing():
            now = self.chassis.clock.now()
            taken = self.tap.take(command, response, now)
            octets = command.message_code.to_bytes(2, "big")
            code = ACTIONED if taken else NOT_ACTIONED
            entry = EventEntry(EventLog.GSME_GENERAL, code, time_s(self.chassis.clock), octets)
            self.state.note(entry, security=False)

    def overheard(self, alert: Message) -> None:
        """Apply what waits for its time, when the gas meter says that it did so itself."""
        with self._changing():
            self.tap.overhear(alert, self.chassis.clock.now())

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Change the state as one unit, and tell displays what is new."""
        before = self.han.news_point()
        with self.chassis.store.transaction() as unit:
            unit.on_rollback(self.memory.undo_point())
            yield
            self.memory.save()
        self.han.publish_news(before)

    def _tap_failed(self, failure: TapFailure) -> None:
        self.chassis.events.publish(TapOffFailed(**self.chassis.here(), failure=failure))
        self.alerts.event(FAILURE)

    def _execute(self, command: Command) -> Outcome:
        """Execute the components, and log that a command was executed."""
        command.unit.on_rollback(self.memory.undo_point())
        outcome = self._engine(command)
        if self.settings.log_commands:
            code = NOT_ACTIONED if outcome.failed else ACTIONED
            self.chassis.event_log.add(code, command.message.message_code.to_bytes(2, "big"))
        self.memory.save()
        return outcome

    def _tenancy_changed(
        self, newest: ChangeOfTenancy | None, published: PublishChangeOfTenancy
    ) -> None:
        if self.settings.cot_publish:
            self.han.publish(DEVICE_MANAGEMENT, published)
        self.chassis.events.publish(
            TenancyChanged(
                **self.chassis.here(),
                at=None if newest is None else newest.at,
                control=0 if newest is None else int(newest.control),
            )
        )

    def _stamp(self, executed: Executed) -> Stamp:
        """Stamp from the values returned; when none could be, from those that were asked for."""
        returned = executed.outcome.returned
        good = [(one.cluster_id, one.attribute_id) for one in returned if one.ok]
        asked = [(one.cluster_id, one.attribute_id) for one in returned]
        held = self.mirror.provenances(good) or self.mirror.provenances(asked)
        return stamp_of(held, executed.command.now, self.settings)
