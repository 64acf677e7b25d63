"""Buttons of a display as a meter is told of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gbcs.zcl.frame import Frame
from gbcs.zcl.general import DefaultResponse
from gbcs.zcl.status import Status
from han.clusters import METERING, PREPAYMENT
from han.commands.prepayment import ConsumerTopUpResponse, OriginatingDevice, TopUpResult
from han.household import LocalSupply, supply_switch, till
from han.zcl.payload import decode
from han.zcl.server import ZclServer
from han.zcl.tables import Access
from tests.han.home import DISPLAY, START

DIGITS = b"73941656880950804485"


@dataclass
class Meter:
    asked: list[object] = field(default_factory=list)

    def top_up(
        self, digits: bytes, origin: OriginatingDevice, access: Access
    ) -> ConsumerTopUpResponse:
        self.asked.append((digits, origin, access.peer))
        return ConsumerTopUpResponse(TopUpResult.ACCEPTED, 500_000, origin, 600_000)

    def select_emergency_credit(self, origin: OriginatingDevice, access: Access) -> Status:
        self.asked.append((origin, access.peer))
        return Status.SUCCESS

    def change_supply(self, wanted: LocalSupply, access: Access) -> Status:
        self.asked.append((wanted, access.peer))
        return Status.ACTION_DENIED


def execute(meter: Meter, cluster_id: int, command: int, payload: bytes) -> Frame:
    server = ZclServer([till(meter), supply_switch(meter)])
    (answer,) = server.execute(cluster_id, Frame(0x01, 1, command, payload), Access(DISPLAY, START))
    return answer


def status(answer: Frame) -> int:
    return DefaultResponse.parse(answer.payload).status


def test_a_top_up_is_answered_with_what_became_of_it() -> None:
    meter = Meter()
    answer = execute(meter, PREPAYMENT.cluster_id, 0x04, b"\x02\x14" + DIGITS)
    assert meter.asked == [(DIGITS, OriginatingDevice.IN_HOME_DISPLAY, DISPLAY)]
    assert answer.command_id == 0x03
    assert decode(ConsumerTopUpResponse, answer.payload).credit_remaining == 600_000


def test_emergency_credit_and_supply_are_asked_for() -> None:
    meter = Meter()
    assert status(execute(meter, PREPAYMENT.cluster_id, 0x00, b"\0\0\0\0\x02")) == Status.SUCCESS
    answer = execute(meter, METERING.cluster_id, 0x0C, b"\x02")
    assert status(answer) == Status.ACTION_DENIED
    assert meter.asked == [
        (OriginatingDevice.IN_HOME_DISPLAY, DISPLAY),
        (LocalSupply.ON, DISPLAY),
    ]


@pytest.mark.parametrize(
    ("cluster_id", "command", "payload"),
    [
        (PREPAYMENT.cluster_id, 0x00, b"\0\0\0\0\x07"),
        (PREPAYMENT.cluster_id, 0x04, b"\x07\x14" + DIGITS),
        (METERING.cluster_id, 0x0C, b"\x00"),
        (METERING.cluster_id, 0x0C, b"\x03"),
    ],
)
def test_what_no_button_says_is_refused(cluster_id: int, command: int, payload: bytes) -> None:
    meter = Meter()
    assert status(execute(meter, cluster_id, command, payload)) == Status.INVALID_FIELD
    assert meter.asked == []
