"""A gas meter without its radio: keys made for the test, a store in memory, time moved by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from device.chassis import Chassis
from device.clock import DeviceClock
from device.credentials import Credentials
from device.events import EventStream
from device.store import MemoryStore, Store
from gbcs.catalogue import by_name
from gbcs.envelope import Cra, Message
from gbcs.gbz import Component, Gbz, GbzAlert
from gbcs.keys import KeyStore
from gbcs.party import DeviceType
from gbcs.protection import attribute_cipher, protect
from gbcs.stamp import Reliability
from gbcs.zcl.frame import Frame
from gsme.meter import GasMeterDevice
from gsme.model import GasMeterModel
from gsme.settings import GsmeSettings
from han.requests import command_of
from han.zcl.payload import encode
from han.zcl.tables import ClusterDefinition, Side
from tests.device.rig import GSME, SUPPLIER, TrueTime, test_keys

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
HALF_HOUR, HOUR, DAY = timedelta(minutes=30), timedelta(hours=1), timedelta(days=1)


@dataclass
class GasRig:
    """One meter; ``alerts`` are those it sent. ``again`` is the meter after its process ended."""

    model: GasMeterModel = field(default_factory=GasMeterModel)
    start: datetime = START
    settings: GsmeSettings = field(default_factory=GsmeSettings)
    store: Store = field(default_factory=MemoryStore)
    keys: KeyStore = field(default_factory=lambda: test_keys(GSME))
    supplier: int = SUPPLIER
    alerts: list[Message] = field(default_factory=list)
    counter: int = 1000
    status: Reliability = Reliability.RELIABLE

    def __post_init__(self) -> None:
        self.true = TrueTime(self.start)
        self.meter = self._device(self.model)

    def _device(self, model: GasMeterModel) -> GasMeterDevice:
        chassis = Chassis(
            Credentials(GSME, DeviceType.GSME, self.keys),
            true_time=self.true,
            clock=DeviceClock(self.true, status=self.status),
            store=self.store,
            events=EventStream(),
        )
        chassis.outbox.hand_to(lambda told: self.alerts.append(Message.parse(told)))
        return GasMeterDevice(
            chassis,
            model,
            hub_time=lambda: self.true.moment,
            settings=self.settings,
        )

    def again(self) -> None:
        """Start the meter anew from its store."""
        self.meter = self._device(GasMeterModel())
        self.model = self.meter.model

    def pass_time(self, length: timedelta) -> None:
        """Let time pass, the meter doing what is due when it is due."""
        end = self.true.moment + length
        while (due := self.meter.next_due) is not None and due < end:
            self.true.moment = max(due, self.true.moment)
            self.meter.act()
        self.true.moment = end
        self.meter.act()

    def order(self, use_case: str, *components: Component) -> Message:
        """A protected command of the supplier."""
        self.counter += 1
        message = Message(
            cra=Cra.COMMAND,
            originator_counter=self.counter,
            originator=self.supplier,
            recipient=GSME,
            message_code=by_name(use_case).message_code,
            payload=Gbz(components).to_bytes(),
        )
        return protect(message, self.keys)

    def ask(self, use_case: str, *components: Component) -> tuple[Frame, ...]:
        """The answering frames of a command; fails when it is refused."""
        answer = self.meter.answer(self.order(use_case, *components).to_bytes())
        assert answer is not None, f"{use_case} was refused"
        message = Message.parse(answer)
        gbz = Gbz.parse(message.payload)
        if gbz.has_sealed:
            gbz = gbz.opened(attribute_cipher(message, self.keys))
        return tuple(each.frame for each in gbz.components)

    def alert_codes(self) -> list[int]:
        """Codes of the alerts, in order."""
        return [GbzAlert.parse(each.payload).alert_code for each in self.alerts]


def component(
    definition: ClusterDefinition,
    message: object,
    sequence: int = 0,
    from_date_time: int | None = None,
) -> Component:
    """A command component, named as the class of its payload is."""
    name = type(message).__name__
    side = Side.SERVER
    if all(each.name != name for each in definition.to_server):
        side = Side.CLIENT
    command = command_of(definition, name, side)
    control = 0x01 if side is Side.SERVER else 0x09
    frame = Frame(control, sequence, command.id, encode(message))
    return Component(definition.cluster_id, frame, from_date_time)


def moved(component_: Component, sequence: int) -> Component:
    """The same component under another sequence number."""
    return replace(component_, frame=replace(component_.frame, sequence=sequence))
