"""A hub that says it reports what it serves, reports it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bench.home import living_home
from bench.rig import Rig
from device.timeline import Timeline
from gbcs.zcl.general import GeneralCommand, ReportingRecord
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType
from han.clusters import TIME
from han.exchange import NodeEvent, Replied
from han.zcl.tables import Side
from han.zdo.server import Binding

IHD: Final = 0x02434855420000D1
REPORT: Final = GeneralCommand.REPORT_ATTRIBUTES


async def test_a_hub_reports_its_time_to_a_display_that_has_it_do_so(timeline: Timeline) -> None:
    rig = Rig.model_validate({"hub": {"radio": "ether:"}, "displays": [{"eui64": f"{IHD:016X}"}]})
    answered: list[Status | None] = []

    def note(event: NodeEvent) -> None:
        match event:
            case Replied(request=asked) if asked.general and asked.command_id == REPORT:
                answered.append(event.status)

    async with living_home(rig, timeline) as home:
        await timeline.sleep(timedelta(minutes=2))
        node = home.host.node
        time_server = (TIME.cluster_id, Side.SERVER)
        [endpoint] = [e for e in node.endpoints.values() if time_server in e.server.clusters]
        home.host.on_node_event(note)
        served = endpoint.server.clusters[time_server]
        record = ReportingRecord(0x0000, DataType.UTC_TIME, 60, 60, 1)
        assert endpoint.reporting.configure(served, record.to_bytes()).failures == ()
        node.bindings.append(Binding(endpoint.number, TIME.cluster_id, IHD, 1))
        home.host.kick()
        await timeline.sleep(timedelta(minutes=5))
    assert 5 <= len(answered) <= 6
    assert None not in answered  # by Default Responses
