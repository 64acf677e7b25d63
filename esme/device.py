"""The ESME as a device: a meter with a chassis, a command pipeline, a memory, alerts to send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Final

from device.chassis import Chassis
from device.command import Answered
from device.common import AUTHORITY, CommonCommands
from device.cosem.engine import CosemEngine
from device.firmware import Firmware
from device.pipeline import Pipeline
from device.settings import PipelineSettings
from device.tokens import PrepaySettings
from esme.alert_sender import AlertSender
from esme.control.event import event_of
from esme.control.settings import ControlSettings
from esme.control.state import Boost, HanOrder
from esme.memory import Memory
from esme.meter import ElectricityMeter, Identity
from esme.objects import server
from esme.physics.site import Site
from esme.settings import EsmeSettings
from gbcs.asn1.names import Kind as PartnerKind
from gbcs.catalogue import Technology, all_use_cases, dlms_items
from gbcs.catalogue.use_case import Kind
from gbcs.errors import MissingKey
from gbcs.party import DeviceType, Role
from gbcs.utrn import Token, is_authentic

HAN_COMMAND_DONE: Final = 0x8154
HAN_COMMAND_NOT_DONE: Final = 0x8155


def use_cases() -> tuple[str, ...]:
    """Names of the use cases that the COSEM objects answer."""
    return tuple(
        use_case.name
        for use_case in all_use_cases()
        if use_case.kind is Kind.COMMAND
        and use_case.technology is Technology.DLMS
        and DeviceType.ESME in use_case.targets
        and dlms_items(use_case.name)
    )


class ElectricityMeterDevice:
    """One ESME on a bench.

    Its alerts wait in the outbox of its chassis. :meth:`advance` is to be called at
    :attr:`deadline`, and is called before every command, so that what it answers is up to date.
    """

    def __init__(
        self,
        chassis: Chassis,
        site: Site,
        *,
        hub_time: Callable[[], datetime | None],
        identity: Identity | None = None,
        settings: EsmeSettings | None = None,
        pipeline_settings: PipelineSettings | None = None,
        control_settings: ControlSettings | None = None,
        token_settings: PrepaySettings | None = None,
    ) -> None:
        self.chassis = chassis
        self._memory = Memory(chassis.store)
        settings = settings or EsmeSettings()
        remembered = self._memory.recall()
        identity = identity or Identity(chassis.eui64)
        firmware = Firmware(chassis.store, lambda: self.meter.identity.firmware, chassis.broken)
        self.meter = ElectricityMeter(
            identity,
            site,
            chassis.clock,
            chassis.store,
            true_time=chassis.true_time,
            hub_time=hub_time,
            settings=settings.metrology,
            hide_at_date=settings.tenancy_future == "hide_at_date",
            remembered=remembered,
            is_authentic=self._is_authentic,
            control=control_settings,
            firmware=firmware,
            token_settings=token_settings,
        )
        self.server = server(self.meter)
        self._alerts = AlertSender(chassis)
        self.common = CommonCommands(chassis, self._tell, firmware, self.partner_changed)
        self.meter.common = self.common
        self.pipeline = Pipeline(
            chassis,
            use_cases=use_cases(),
            engines={
                Technology.DLMS: CosemEngine(
                    self.server,
                    chassis.credentials.keys,
                    chassis.own_counter,
                    self._keep,
                    self.meter.undo_point,
                )
            },
            handlers=self.common.handlers,
            authority=AUTHORITY,
            alert=self._unusual,
            settings=pipeline_settings,
        )

    def answer(self, octets: bytes) -> bytes | None:
        """Execute one command; None when it is refused."""
        self.advance()
        outcome = self.pipeline.receive(octets)
        return outcome.octets if isinstance(outcome, Answered) else None

    def advance(self) -> None:
        """Bring the meter up to the present and send what it has to tell."""
        with self.chassis.store.transaction():
            self.meter.advance(self.chassis.true_time())
            self._keep()

    def freshen(self) -> None:
        """Bring the meter up to the present before the household reads it.

        What falls due is kept; measuring on is not, for it is done again after a power cut.
        """
        now = self.chassis.true_time()
        if now <= self.meter.metrology.at:
            return
        due = self.meter.deadline
        if due is not None and due <= now:
            self.advance()
        else:
            self.meter.advance(now)

    @contextmanager
    def acting(self) -> Iterator[None]:
        """A unit in which the household changes the meter: kept as a whole, or undone."""
        with self.chassis.store.transaction() as unit:
            unit.on_rollback(self.meter.undo_point())
            self.meter.advance(self.chassis.true_time())
            yield
            self._keep()

    def press_boost(self, minutes: int) -> Boost | None:
        """The consumer presses the boost key; None when that does nothing."""
        with self.acting():
            return self.meter.controllers.press_boost(minutes, self.meter.now)

    def end_boost(self) -> None:
        """The consumer ends the boost."""
        with self.acting():
            self.meter.controllers.end_boost(self.meter.now)

    def take_han_orders(self) -> tuple[HanOrder, ...]:
        """What is to be sent to load control switches on the HAN since the last time."""
        return self.meter.controllers.han.take()

    def han_reported(
        self, device: int, order_id: int, *, started: bool = False, ended: bool = False
    ) -> None:
        """A load control switch reports that an order started or ended, or else that it failed."""
        han = self.meter.controllers.han
        report = han.started if started else han.ended if ended else han.failed
        with self.acting():
            report(device, order_id)

    def han_control_requested(self, device: int) -> None:
        """A load control switch asks what it is to do (HECS01)."""
        known = any(order.device == device for order in self.meter.controllers.han.in_force())
        code = HAN_COMMAND_DONE if known else HAN_COMMAND_NOT_DONE
        with self.acting():
            self.meter.event(code)

    @property
    def powered(self) -> bool:
        """Whether there is a supply; asked after :meth:`advance`."""
        return self.meter.metrology.powered

    @property
    def deadline(self) -> datetime | None:
        """When the meter has something to do, in true time."""
        return self.meter.deadline

    def _is_authentic(self, token: Token, counter: int) -> bool:
        """Check a top-up token with the supplier's prepayment key; False when it is not held."""
        credentials = self.chassis.credentials
        try:
            supplier = credentials.party(Role.SUPPLIER)
            return is_authentic(token, supplier, self.chassis.eui64, counter, credentials.keys)
        except MissingKey:
            return False

    def firmware_receipt(self, code: int, image_hash: bytes) -> None:
        """A firmware image was verified (0x8F72), or was not (0x8F1C)."""
        self.meter.reporter.firmware_received(code, self.meter.metrology.own_now, image_hash)
        self._keep()

    def _tell(self, code: int) -> None:
        """A shared command did something worth an event."""
        self.meter.event(code)
        self._keep()

    def partner_changed(self, peer: int, kind: int | None) -> None:
        """A controller was joined, or any partner unjoined."""
        with self.chassis.store.transaction() as unit:
            unit.on_rollback(self.meter.undo_point())
            if kind is None:
                self.meter.controllers.unjoin(peer)
            elif kind == PartnerKind.HCALCS:
                self.meter.controllers.join(peer)
            self._keep()

    def _unusual(self, code: int) -> None:
        """The pipeline has something to tell (0x8F60)."""
        self.meter.reporter.alert(code, self.meter.metrology.own_now)
        self._keep()

    def _keep(self) -> None:
        """Save the meter and raise its alerts, as part of the open unit."""
        self._publish_happenings()
        self._alerts.raise_all(self.meter.reporter.take_alerts())
        self._memory.save(self.meter.kept, self.meter.metrology.line(), self.meter.settings)

    def _publish_happenings(self) -> None:
        """Let the bench see what the auxiliary controllers did, once it is kept."""
        events, here = self.chassis.events, self.chassis.here()
        with self.chassis.store.transaction() as unit:
            for happening in self.meter.controllers.take_happenings():
                event = event_of(happening, here, self.meter.controllers.levels())
                unit.on_commit(partial(events.publish, event))
