"""A display before an electricity meter, and a tariff for it to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from device.cosem.table import Access as CosemAccess
from esme.face import HanFace
from gbcs.dlms import values as v
from gbcs.dlms.apdu import AccessRequest
from gbcs.dlms.data import Data
from gbcs.envelope import Message
from gbcs.rtds import RtdsFile
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import (
    AttributeStatus,
    DefaultResponse,
    GeneralCommand,
    ReadAttributes,
    ReadAttributesResponse,
)
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value
from han.clusters import PREPAYMENT
from han.commands import payload_class
from han.commands.prepayment import ConsumerTopUp, ConsumerTopUpResponse
from han.requests import command_of
from han.zcl.payload import decode, encode
from han.zcl.server import ZclServer
from han.zcl.tables import Access, ClusterDefinition, Side
from tests.esme.prepaid import (
    IMMEDIATE,
    charge,
)
from tests.esme.rig import MeterRig

P = TypeVar("P")
ANY_EVENT = 0xFFFFFFFF
FOR_EVER = 0xFFFFFFFF
PPMID = 0x02
PRICES = "113/0-0:19.20.0.255/5"


@dataclass
class House:
    """A display before a meter; what the meter tells unasked is in ``told``."""

    rig: MeterRig
    told: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.face = HanFace(self.rig.meter)
        self.server = ZclServer(self.face.served())

    def ask(self, definition: ClusterDefinition, question: object) -> list[object] | Status:
        """The answers, or the status of the Default Response."""
        command = command_of(definition, type(question).__name__)
        return self.command(definition, command.id, encode(question))

    def command(
        self, definition: ClusterDefinition, command: int, payload: bytes
    ) -> list[object] | Status:
        access = Access(peer=PPMID, now=self.rig.meter.now)
        frame = Frame(0x01, 0, command, payload)
        answers = self.server.execute(definition.cluster_id, frame, access)
        if not answers[0].is_cluster_command:
            return Status(DefaultResponse.parse(answers[0].payload).status)
        kinds = [
            payload_class(definition.cluster_id, Side.CLIENT, answer.command_id)
            for answer in answers
        ]
        return [
            decode(kind, answer.payload)
            for kind, answer in zip(kinds, answers, strict=True)
            if kind is not None
        ]

    def one(self, definition: ClusterDefinition, question: object, kind: type[P]) -> P:
        (answer,) = self.every(definition, question, kind)
        return answer

    def every(self, definition: ClusterDefinition, question: object, kind: type[P]) -> Sequence[P]:
        answers = self.ask(definition, question)
        assert not isinstance(answers, Status), answers.name
        return [each for each in answers if isinstance(each, kind)]

    def records(self, definition: ClusterDefinition, *ids: int) -> Sequence[AttributeStatus]:
        frame = Frame(0x00, 1, GeneralCommand.READ_ATTRIBUTES, ReadAttributes(ids).to_bytes())
        access = Access(peer=PPMID, now=self.rig.meter.now)
        (answer,) = self.server.execute(definition.cluster_id, frame, access)
        return ReadAttributesResponse.parse(answer.payload).records

    def read(self, definition: ClusterDefinition, *ids: int) -> list[Value]:
        return [record.value for record in self.records(definition, *ids)]

    def listen(self) -> list[object]:
        """What the meter tells since the last time."""
        return [message for _, message in self.face.news()]


def executed(rig: MeterRig, files: list[RtdsFile], name: str) -> None:
    """Let the meter execute a recorded command."""
    (file,) = [each for each in files if each.name.startswith(name)]
    request = AccessRequest.parse(Message.parse(file.octets).payload)
    results = rig.server.execute(request, CosemAccess(rig.meter.now)).results
    assert {result.result for result in results} == {0}


def two_rates(rig: MeterRig) -> None:
    """Rate 1 from midnight for 10 p, rate 2 from 07:00 for 30 p; Sundays rate 1 all day."""

    def day(number: int, *switches: tuple[int, int]) -> Data:
        actions = [
            v.structure(
                v.octets(bytes((hour, 0, 0, 0))), v.logical_name("0-0:10.0.100.255"), v.u16(script)
            )
            for hour, script in switches
        ]
        return v.structure(v.u8(number), v.array(*actions))

    table = "20/0-0:13.0.0.255"
    start = bytes.fromhex("FFFF0101FF") + bytes(7)
    rig.set(f"{table}/7", v.array(v.structure(v.octets(b"A"), v.octets(start), v.octets(b"W"))))
    rig.set(f"{table}/8", v.array(v.structure(v.octets(b"W"), *[v.u8(1)] * 6, v.u8(2))))
    rig.set(f"{table}/9", v.array(day(1, (0, 1), (7, 2)), day(2, (0, 1))))
    rig.set(f"{table}/10", IMMEDIATE)
    prices = v.structure(
        v.structure(v.i8(3), v.i8(-5)),
        v.structure(v.u16(3), v.octets(bytes.fromhex("0100010800FF")), v.i8(2)),
        v.array(
            v.structure(v.octets(b"\1"), v.i16(10_000)), v.structure(v.octets(b"\2"), v.i16(30_000))
        ),
    )
    rig.set("113/0-0:19.20.0.255/6", prices)
    rig.set("113/0-0:19.20.0.255/7", IMMEDIATE)
    rig.set("113/0-0:19.20.4.255/6", charge(25_000))
    rig.set("113/0-0:19.20.4.255/7", IMMEDIATE)


def top_up(house: House, digits: bytes) -> ConsumerTopUpResponse:
    return house.one(PREPAYMENT, ConsumerTopUp(PPMID, digits), ConsumerTopUpResponse)
