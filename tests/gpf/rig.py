"""A GPF without a radio, told of buffered commands as the hub tells it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from device.chassis import Chassis
from device.clock import DeviceClock
from device.credentials import Credentials
from device.events import EventStream
from device.store import MemoryStore, Store
from gbcs.envelope import Cra, Message
from gbcs.gbz import Component, Gbz
from gbcs.keys import KeyStore
from gbcs.party import DeviceType
from gbcs.stamp import Reliability
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import DefaultResponse, GeneralCommand
from gbcs.zcl.status import Status
from gpf.device import GasProxy
from han.requests import command_of
from han.zcl.payload import encode
from han.zcl.tables import Access, ClusterDefinition
from tests.device.rig import GPF, GSME, MIDNIGHT, SUPPLIER, TrueTime, test_keys


@dataclass
class ProxyRig:
    """``again`` is the GPF after its process ended; ``alerts`` are those it sent."""

    start: datetime = MIDNIGHT
    store: Store = field(default_factory=MemoryStore)
    keys: KeyStore = field(default_factory=lambda: test_keys(GPF, GSME))
    alerts: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.true = TrueTime(self.start)
        self.again()

    def again(self) -> None:
        chassis = Chassis(
            Credentials(GPF, DeviceType.GPF, self.keys),
            true_time=self.true,
            clock=DeviceClock(self.true, status=Reliability.RELIABLE),
            store=self.store,
            events=EventStream(),
        )
        chassis.outbox.hand_to(lambda told: self.alerts.append(Message.parse(told)))
        self.gpf = GasProxy(chassis)

    def ask(self, definition: ClusterDefinition, question: object) -> tuple[Frame, ...]:
        """What the ESI answers a display."""
        command = command_of(definition, type(question).__name__)
        frame = Frame(0x01, 7, command.id, encode(question))
        access = Access(peer=0x1D, now=self.true.moment)
        return self.gpf.han.esi_endpoint.server.execute(definition.cluster_id, frame, access)


def command(message_code: int, counter: int, *components: Component) -> Message:
    """A command of the supplier to the gas meter."""
    numbered = [
        replace(each, frame=replace(each.frame, sequence=number))
        for number, each in enumerate(components)
    ]
    return Message(
        cra=Cra.COMMAND,
        originator_counter=counter,
        originator=SUPPLIER,
        recipient=GSME,
        message_code=message_code,
        payload=Gbz(tuple(numbered)).to_bytes(),
    )


def response(asked: Message, statuses: dict[int, Status] | None = None) -> Message:
    """The meter's Response to it: SUCCESS, but for some components."""
    given = statuses or {}
    answers = [
        Component(
            each.cluster_id,
            Frame(
                each.frame.frame_control ^ 0x09,
                each.frame.sequence,
                GeneralCommand.DEFAULT_RESPONSE,
                DefaultResponse(
                    each.frame.command_id, given.get(number, Status.SUCCESS)
                ).to_bytes(),
            ),
        )
        for number, each in enumerate(Gbz.parse(asked.payload).components)
    ]
    return replace(
        asked,
        cra=Cra.RESPONSE,
        originator=asked.recipient,
        recipient=asked.originator,
        payload=Gbz(tuple(answers)).to_bytes(),
    )
