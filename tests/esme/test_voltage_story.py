"""Two days of one meter: a power cut, a stepped clock, a new period; read back with ECS23."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from device.cosem.fields import elements, number
from device.cosem.shape import plain
from device.cosem.table import Access, Place
from esme.physics.signal import DailyProfile, Interrupted
from esme.physics.site import Phase, Site
from gbcs.catalogue import dlms_items
from gbcs.catalogue.dlms import Operation
from gbcs.dlms import values as v
from gbcs.dlms.apdu import AccessRequest, Kind, RequestItem
from gbcs.dlms.selection import LogRange
from gbcs.zcl.types import zcl_moment
from tests.esme.bench import DAY, at, clock_times
from tests.esme.rig import MeterRig

PERIOD = "7/1-0:32.24.0.255/4"


def read_back(rig: MeterRig) -> list[tuple[int, int]]:
    """The profile as a network operator gets it."""
    items = []
    for spec in dlms_items("ECS23"):
        place = Place.parse(f"{spec.at.class_id}/{spec.at.logical_name}/{spec.at.index}")
        if spec.operation is Operation.GET_WITH_SELECTION:
            everything = LogRange(0, 0xFFFFFFFF).to_data()
            items.append(RequestItem(Kind.GET_WITH_SELECTION, *place, v.NULL, 1, everything))
        else:
            items.append(RequestItem(Kind.GET, *place))
    response = rig.server.execute(AccessRequest(1, tuple(items)), Access(rig.meter.now))
    assert [result.result for result in response.results] == [0] * 6
    rows = (elements(row) for row in elements(plain(response.results[4].data)))
    return [(number(end), number(mean)) for end, mean in rows]


def test_every_period_of_two_days_lies_on_the_half_hours() -> None:
    noisy = DailyProfile([231_000] * 288, noise=4_000, seed=11)
    voltage = Interrupted(noisy, [(at("18:05"), at("18:44"))])
    rig = MeterRig(Site((Phase(voltage),)), start=at("09:10"))
    rig.set(PERIOD, v.u32(600))
    rig.until(at("02:17", day=1))
    rig.clock.set_clock(at("02:47", day=1), None, None)  # half an hour fast from here on
    rig.until(at("09:33", day=1))
    rig.set(PERIOD, v.u32(1800))
    rig.until(at("09:00", day=2))
    entries = read_back(rig)
    ends = [zcl_moment(seconds) for seconds, _ in entries]
    assert ends == sorted(set(ends))
    short = [end for end in ends if end <= at("10:03", day=1)]
    assert all((end - DAY) % timedelta(minutes=10) == timedelta(0) for end in short)
    assert all((end - DAY) % timedelta(minutes=30) == timedelta(0) for end in ends[len(short) :])
    assert clock_times(ends[:2]) == ["09:40:00", "09:50:00"]
    gaps = [
        (f"{a:%d %H:%M}", f"{b:%d %H:%M}")
        for a, b in pairwise(ends)
        if b - a > timedelta(minutes=10) and b <= at("11:00", day=1)
    ]
    assert gaps == [
        ("02 18:00", "02 19:10"),  # power came back at 18:44
        ("03 02:10", "03 03:10"),  # 02:17 became 02:47
        ("03 10:00", "03 11:00"),  # reconfigured at 10:03 by the meter's clock
    ]
    assert all(226 <= mean <= 236 for _, mean in entries)
