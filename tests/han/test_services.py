"""Keep-alive and reporting, over two nodes and hours of their time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from gbcs.zcl.general import AttributeValue, ReportingRecord
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType, Value
from han.clusters import METERING
from han.clusters.mirrored import mirrored
from han.endpoint import Endpoint
from han.keep_alive import KeepAlive, KeepAliveSettings, TrustCentre, keep_alive_server
from han.node import Node
from han.reporter import Reporter
from han.requests import Far
from han.zcl.tables import Access, Answer, Cluster, Failure, Side
from han.zdo.client import bind
from tests.han.home import DISPLAY, HUB, METER, START, Home

MINUTE = timedelta(minutes=1)


def watch(settings: KeepAliveSettings) -> tuple[Home, KeepAlive]:
    keeper = KeepAlive(HUB, 3, 4, random_below=lambda n: n - 1)
    meter = Node(METER, [Endpoint(4, 0x0501)])
    meter.attach(keeper)
    keeper.start(START)
    hub = Node(HUB, [Endpoint(3, 0x0508, [keep_alive_server(settings)])])
    return Home.of(hub, meter), keeper


def test_a_device_asks_at_the_pace_its_trust_centre_sets() -> None:
    air, keeper = watch(KeepAliveSettings(base_min=5, jitter_s=30))
    air.wait(MINUTE)
    assert keeper.events() == [TrustCentre.PRESENT]
    assert keeper.deadline == START + timedelta(minutes=5, seconds=30)
    air.wait(timedelta(hours=1))
    assert keeper.events() == []
    assert len([f for s, f in air.carried if s == METER]) == 12
    assert not any(f.encrypted for _, f in air.carried)


def test_three_silences_lose_the_trust_centre_and_one_answer_finds_it_again() -> None:
    air, keeper = watch(KeepAliveSettings(base_min=5, jitter_s=0))
    air.wait(MINUTE)
    keeper.events()
    air.lost = lambda _: True
    air.wait(timedelta(minutes=12))
    assert keeper.events() == []
    air.wait(timedelta(minutes=5))
    assert keeper.events() == [TrustCentre.LOST]
    air.lost = lambda _: False
    air.wait(timedelta(minutes=6))
    assert keeper.events() == [TrustCentre.PRESENT]


@dataclass
class Meter:
    power_w: int = 100
    broken: bool = False

    def value_of(self, attribute_id: int) -> Value | Failure:
        if self.broken or attribute_id not in (0x0000, 0x0400):
            return Failure(Status.NOT_FOUND)
        return self.power_w if attribute_id == 0x0400 else 7


@dataclass
class Display:
    heard: list[tuple[int, Value]] = field(default_factory=list)

    def listen(self, records: tuple[AttributeValue, ...], access: Access) -> Answer:
        self.heard += [(r.attribute_id, r.value) for r in records]
        return Status.SUCCESS


CLIENT: Cluster[Display] = Cluster(METERING, Side.CLIENT, reported=Display.listen)


@dataclass
class Reporting:
    air: Home
    meter: Meter
    display: Display

    def configure(self, least_s: int, most_s: int, change: int) -> None:
        far = Far(METER, 1, METERING.cluster_id, 9)
        record = ReportingRecord(0x0400, DataType.INT24, least_s, most_s, change)
        self.air.nodes[DISPLAY].send(far.configure_reporting([record]), self.air.now)
        self.air.settle()

    def heard(self) -> list[Value]:
        heard, self.display.heard = self.display.heard, []
        return [value for _, value in heard]


def reporting(*, bound: bool = True) -> Reporting:
    meter, display = Meter(), Display()
    endpoint = Endpoint(1, 0x0501, [mirrored(METERING, Side.SERVER, meter.value_of)])
    esme = Node(METER, [endpoint])
    esme.attach(Reporter([endpoint], lambda: esme.bindings))
    ihd = Node(DISPLAY, [Endpoint(9, 0x0502, [CLIENT.on(display)])])
    air = Home.of(esme, ihd)
    if bound:
        ihd.send(bind(METER, 1, METERING.cluster_id, (DISPLAY, 9)), START)
        air.settle()
    return Reporting(air, meter, display)


def test_reports_come_at_the_longest_pause_and_on_enough_change() -> None:
    rig = reporting()
    rig.configure(10, 60, change=50)
    rig.air.wait(timedelta(seconds=1))
    assert rig.heard() == [100]
    rig.air.wait(timedelta(seconds=58))
    assert rig.heard() == []
    rig.air.wait(timedelta(seconds=2))
    assert rig.heard() == [100]
    rig.meter.power_w = 140
    rig.air.wait(timedelta(seconds=20))
    assert rig.heard() == []
    rig.meter.power_w = 151
    rig.air.wait(timedelta(seconds=11))
    assert rig.heard() == [151]


def test_without_a_longest_pause_only_changes_are_reported() -> None:
    rig = reporting()
    rig.configure(5, 0, change=1)
    rig.air.wait(timedelta(minutes=30))
    assert rig.heard() == [100]
    rig.meter.power_w = 101
    rig.air.wait(timedelta(seconds=6))
    assert rig.heard() == [101]


def test_an_attribute_that_is_configured_anew_is_looked_at_by_its_new_intervals() -> None:
    rig = reporting()
    rig.configure(3600, 0, change=1)
    rig.air.wait(timedelta(seconds=1))
    assert rig.heard() == [100]
    rig.configure(5, 0, change=1)
    rig.meter.power_w = 101
    rig.air.wait(timedelta(seconds=10))
    assert rig.heard() == [101]


def test_an_attribute_that_cannot_be_read_is_not_reported() -> None:
    rig = reporting()
    rig.meter.broken = True
    rig.configure(5, 10, change=1)
    rig.air.wait(MINUTE)
    assert rig.heard() == []
    rig.meter.broken = False
    rig.air.wait(timedelta(seconds=6))
    assert rig.heard() == [100]
    rig.meter.broken = True
    rig.air.wait(MINUTE)
    rig.meter.broken = False
    rig.air.wait(timedelta(seconds=6))
    assert rig.heard() == [100]


def test_reporting_ends_when_it_is_switched_off_or_was_never_bound() -> None:
    rig = reporting()
    rig.configure(5, 10, change=1)
    rig.air.wait(timedelta(seconds=1))
    rig.heard()
    rig.configure(0, 0xFFFF, change=0)
    rig.air.wait(MINUTE)
    assert rig.heard() == []
    loose = reporting(bound=False)
    loose.configure(5, 10, change=1)
    loose.air.wait(MINUTE)
    assert loose.heard() == []
