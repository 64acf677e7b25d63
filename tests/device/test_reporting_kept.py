"""What a peer had a device report, after the device was killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from device.bindings import KeptBindings
from device.events import EventStream
from device.host import Host
from device.station import start_station
from device.store import MemoryStore, SqliteStore, Store, StoreError
from device.timeline import JUMP, Timeline, run
from gbcs.zcl.general import AttributeValue, ReportingRecord
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType
from han.clusters import METERING, PREPAYMENT
from han.clusters.mirrored import mirrored
from han.endpoint import Endpoint
from han.radio import NetworkDown
from han.requests import Far
from han.zcl.tables import Access, Answer, Cluster, Side
from han.zdo.client import bind
from tests.device.wire import Wire
from tests.virtual_time import START

METER, DISPLAY = 0x0243485542000002, 0x02434855420000D1
POWER: Final = ReportingRecord(0x0400, DataType.INT24, 5, 60, 1)
ROOT: Final = Path(__file__).parents[2]
CHILD: Final = """
import sys
from pathlib import Path
from tests.device.test_reporting_kept import configure_and_die
configure_and_die(Path(sys.argv[1]))
"""


@dataclass
class Display:
    heard: list[AttributeValue] = field(default_factory=list)

    def listen(self, records: tuple[AttributeValue, ...], access: Access) -> Answer:
        del access
        self.heard += records
        return Status.SUCCESS


CLIENT: Cluster[Display] = Cluster(METERING, Side.CLIENT, reported=Display.listen)


async def meter(timeline: Timeline, store: Store, wire: Wire) -> Host:
    """A meter that uses 100 W, with what it knew in its earlier life."""
    endpoint = Endpoint(1, 0x0501, [mirrored(METERING, Side.SERVER, lambda _: 100)])
    host = await start_station(wire.radio(METER), [endpoint], timeline, EventStream())
    KeptBindings(store).attach(host)
    return host


async def display(timeline: Timeline, wire: Wire, shown: Display) -> Host:
    endpoint = Endpoint(9, 0x0502, [CLIENT.on(shown)])
    return await start_station(wire.radio(DISPLAY), [endpoint], timeline, EventStream())


async def configure(host: Host, record: ReportingRecord = POWER) -> None:
    """The display binds the meter's Metering, and configures a report."""
    await host.zdo(bind(METER, 1, METERING.cluster_id, (DISPLAY, 9)))
    far = Far(METER, 1, METERING.cluster_id, 9)
    await host.request(far.configure_reporting([record]))


def configure_and_die(file: Path) -> None:
    """Be killed the moment the meter has answered."""
    timeline = Timeline(START, JUMP)

    async def main() -> None:
        wire, store = Wire(), SqliteStore(file)
        served, asking = (
            await meter(timeline, store, wire),
            await display(timeline, wire, Display()),
        )
        async with served.running(), asking.running():
            await configure(asking)
            os.kill(os.getpid(), signal.SIGKILL)

    run(main(), timeline)


@pytest.fixture
def left_behind(tmp_path: Path) -> Path:
    """The store of a meter that was killed once it was configured."""
    file = tmp_path / "meter.sqlite"
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(file)],
        capture_output=True, text=True, timeout=120, check=False, cwd=ROOT,
    )  # fmt: skip
    assert child.returncode == -signal.SIGKILL, child.stderr
    return file


async def test_a_meter_that_was_killed_goes_on_reporting_what_it_was_told_to(
    left_behind: Path, timeline: Timeline
) -> None:
    wire, store, shown = Wire(), SqliteStore(left_behind), Display()
    served, asking = await meter(timeline, store, wire), await display(timeline, wire, shown)
    async with served.running(), asking.running():
        await timeline.sleep(timedelta(seconds=130))
    assert shown.heard == [AttributeValue(0x0400, DataType.INT24, 100)] * 3
    store.close()


async def test_what_is_reported_no_more_or_served_no_more_does_not_come_back(
    timeline: Timeline,
) -> None:
    store, wire = MemoryStore(), Wire()
    served, asking = await meter(timeline, store, wire), await display(timeline, wire, Display())
    async with served.running(), asking.running():
        await configure(asking)
    other = Endpoint(1, 0x0501, [mirrored(PREPAYMENT, Side.SERVER, lambda _: 0)])
    replaced = await start_station(Wire().radio(METER), [other], timeline, EventStream())
    KeptBindings(store).attach(replaced)
    assert other.reporting.records == {}
    again = await meter(timeline, store, wire)
    assert len(again.node.endpoints[1].reporting.records) == 1
    asking = await display(timeline, wire, Display())
    async with again.running(), asking.running():
        await configure(asking, ReportingRecord(0x0400, DataType.INT24, 0, 0xFFFF, 0))
    last = await meter(timeline, store, wire)
    assert last.node.endpoints[1].reporting.records == {}


async def test_a_device_that_left_its_network_reports_to_nobody(timeline: Timeline) -> None:
    store, wire = MemoryStore(), Wire()
    served, asking = await meter(timeline, store, wire), await display(timeline, wire, Display())
    async with served.running(), asking.running():
        await configure(asking)
        served._take(NetworkDown("left"))
        await asyncio.sleep(0)
    assert served.node.endpoints[1].reporting.records == {}
    again = await meter(timeline, store, wire)
    assert again.node.endpoints[1].reporting.records == {}


@pytest.mark.parametrize(
    "row",
    [[1, 2, 3], "10", [1, 0x0702, "server", "zz"], [1, 0x0702, "both", "00"], [1, 2, "x", ""]],
)
def test_configurations_that_cannot_be_read_are_named(row: list[int | str] | str) -> None:
    store = MemoryStore()
    with store.transaction() as unit:
        unit.put_json("reporting", [row])  # type: ignore[list-item]
    with pytest.raises(StoreError, match="which is no reporting configuration"):
        KeptBindings(store)
