"""Changes of tenancy as a display meets them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gbcs.zcl.status import Status
from gbcs.zcl.types import Value, zcl_seconds
from han.clusters import DEVICE_MANAGEMENT
from han.clusters.device_management import ChangeControl
from han.clusters.mirrored import mirrored
from han.endpoint import Endpoint
from han.node import Node
from han.tenancy import (
    TenancyDuty,
    TenancyEvent,
    TenancyRead,
    TenancyUnread,
    TenancyWatch,
)
from han.zcl.tables import Failure, Side
from tests.han.home import DISPLAY, HUB, METER, START, Home

CLEAR = ChangeControl.CLEAR_IHD_DATA_CONSUMER
HOUR = timedelta(hours=1)


@dataclass
class Server:
    at: datetime | None = None
    control: int = int(CLEAR)
    knows: bool = True

    def value_of(self, attribute_id: int) -> Value | Failure:
        if not self.knows:
            return Failure(Status.UNSUPPORTED_ATTRIBUTE)
        if attribute_id == 0x0200:
            return 0xFFFFFFFF if self.at is None else zcl_seconds(self.at)
        return self.control if attribute_id == 0x0201 else Failure(Status.NOT_FOUND)


@dataclass
class Rig:
    air: Home
    watch: TenancyWatch
    esme: Server
    gpf: Server

    def hear(self, duration: timedelta = timedelta(seconds=1)) -> list[TenancyEvent]:
        self.air.wait(duration)
        return self.watch.events()


def rig() -> Rig:
    esme, gpf = Server(), Server()
    watch = TenancyWatch(9)
    display = Node(DISPLAY, [Endpoint(9, 0x0502)])
    display.attach(watch)
    nodes = [
        Node(eui64, [Endpoint(7, 0x0500, [mirrored(DEVICE_MANAGEMENT, Side.SERVER, s.value_of)])])
        for eui64, s in ((METER, esme), (HUB, gpf))
    ]
    watch.ask(METER, 7, START)
    watch.ask(HUB, 7, START)
    return Rig(Home.of(display, *nodes), watch, esme, gpf)


def test_every_server_is_asked_at_the_start_and_at_the_interval() -> None:
    setup = rig()
    setup.gpf.at = START - HOUR
    assert setup.hear() == [
        TenancyRead(METER, None, CLEAR),
        TenancyRead(HUB, START - HOUR, CLEAR),
    ]
    assert setup.hear(timedelta(minutes=59)) == []
    assert len(setup.hear(timedelta(minutes=2))) == 2
    setup.watch.forget(METER)
    assert len(setup.hear(HOUR)) == 1


def test_a_server_without_the_attributes_knows_of_no_change() -> None:
    setup = rig()
    setup.esme.knows = False
    assert setup.hear()[0] == TenancyRead(METER, None, ChangeControl(0))


def test_a_silent_server_is_asked_again_soon() -> None:
    setup = rig()
    setup.air.lost = lambda frame: frame.peer == METER
    heard = setup.hear()
    assert TenancyUnread(METER, "no acknowledgement") in heard
    setup.air.lost = lambda _: False
    assert setup.hear(timedelta(minutes=1)) == [TenancyRead(METER, None, CLEAR)]


def test_a_change_in_the_past_is_wiped_for_once() -> None:
    duty = TenancyDuty()
    said = TenancyRead(METER, START - HOUR, CLEAR)
    duty.told(said)
    assert duty.due(START) == [METER]
    duty.wiped(METER)
    duty.told(said)
    assert duty.due(START) == []
    duty.told(TenancyRead(METER, START, CLEAR))
    assert duty.due(START) == [METER]
    assert duty.handled == {METER: START - HOUR}


def test_a_change_to_come_waits_for_its_time_and_may_be_taken_back() -> None:
    duty = TenancyDuty()
    duty.told(TenancyRead(METER, START + HOUR, CLEAR))
    assert duty.due(START) == []
    assert duty.deadline == START + HOUR
    assert duty.due(START + HOUR) == [METER]
    duty.told(TenancyRead(METER, None, CLEAR))
    assert duty.deadline is None


def test_without_its_bit_nothing_is_wiped_and_fuels_are_apart() -> None:
    duty = TenancyDuty()
    duty.told(TenancyRead(METER, START, ChangeControl.RESET_CREDIT_REGISTER))
    duty.told(TenancyRead(HUB, START, CLEAR | ChangeControl.CLEAR_TARIFF_PLAN))
    assert duty.due(START) == [HUB]


def test_a_power_cut_while_wiping_wipes_again_and_after_it_does_not() -> None:
    said = TenancyRead(METER, START, CLEAR)
    broken_off = TenancyDuty()
    broken_off.told(said)
    after = TenancyDuty(handled=dict(broken_off.handled))
    after.told(said)
    assert after.due(START) == [METER]
    after.wiped(METER)
    later = TenancyDuty(handled=dict(after.handled))
    later.told(said)
    assert later.due(START) == []
