"""The air as a rig file says it: links, faults in their time, captures with RSSI."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bench.air import FaultBegan, FaultEnded, ether_of
from bench.errors import innermost
from bench.home import living_home, open_home
from bench.rig import Rig, RigError, load_rig
from device.event import Event, EventStream
from device.events import RadioLost, RadioUp, WakeEnded
from device.timeline import Timeline
from hw.capture import LinkType, link_type_of

ENTIRE = """
[air]
loss = 0.02
capture_rssi = true
indirect_limit_s = 5
[[air.links]]
between = ["hub", "gas_meter"]
loss = 0.1
rssi_dbm = -85
[[air.faults]]
at_s = 1700
for_s = 300
between = ["gas_meter"]
loss = 1.0
[[air.faults]]
at_s = 4000
dongle = "hub"
trouble = "crash"
[[air.faults]]
at_s = 5000
frames = "drop"
sender = "hub"
receiver = "02-43-48-55-42-00-00-A1"
cluster = "Metering"
nth = 2
"""


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rig.toml"
    path.write_text(text)
    return path


async def test_faults_of_a_rig_happen_in_their_time_and_the_home_recovers(
    timeline: Timeline, tmp_path: Path
) -> None:
    rig, capture = load_rig(_written(tmp_path, ENTIRE)), tmp_path / "air.pcap"
    events, seen = EventStream(), list[Event]()
    events.subscribe(seen.append, FaultBegan, FaultEnded, RadioLost, RadioUp, WakeEnded)
    async with living_home(rig, timeline, events=events, capture=capture) as home:
        await timeline.sleep(timedelta(seconds=9000))
        assert home.ether.link(1, 2).loss == 0.02

    def seconds_of(kind: type[Event]) -> list[int]:
        return [
            round((event.moment - timeline.start).total_seconds())
            for event in seen
            if type(event) is kind
        ]

    assert seconds_of(FaultBegan) == [1700, 4000, 5000]
    assert seconds_of(FaultEnded) == [2000]
    said = [event.what for event in seen if isinstance(event, FaultBegan)]
    assert said == [
        "gas_meter: loss 1",
        "dongle of hub: crash",
        "drop frames from hub to 02-43-48-55-42-00-00-A1, cluster 0702",
    ]
    wakes = [event for event in seen if isinstance(event, WakeEnded)]
    assert [bool(wake.trouble) for wake in wakes if 1700 < _at(timeline, wake) < 2000] == [True]
    assert not any(wake.trouble for wake in wakes if _at(timeline, wake) > 2100)
    assert len([event for event in seen if isinstance(event, RadioLost)]) == 1
    assert link_type_of(capture.read_bytes()[:24]) is LinkType.TAP


def _at(timeline: Timeline, event: Event) -> float:
    return (event.moment - timeline.start).total_seconds()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('[[air.links]]\nbetween = ["hub", "gas_metre"]\nloss = 0.1', "no station 'gas_metre'"),
        ("[air]\nloss = 2", "air.loss"),
        ("[[air.faults]]\nat_s = 5", "one of the three"),
        ('[[air.faults]]\nloss = 1\ndongle = "hub"', "one of the three"),
        ('[[air.faults]]\nframes = "drop"\ncluster = "Meterin"', "no cluster 'Meterin'"),
        ('[[air.faults]]\nframes = "drop"\nbetween = ["hub"]', "frames have sender and receiver"),
        ("[[air.faults]]\nlos = 1", "los"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(tmp_path: Path, wrong: str, said: str) -> None:
    with pytest.raises(RigError, match=said):
        load_rig(_written(tmp_path, wrong))


async def test_a_fault_of_a_dongle_that_is_none_is_refused(timeline: Timeline) -> None:
    fault = {"dongle": "gas_meter", "trouble": "mute"}
    rig = Rig.model_validate({"air": {"faults": [fault]}})
    with pytest.raises(ExceptionGroup) as raised:
        async with open_home(rig, timeline):
            pass
    error = innermost(raised.value)
    assert isinstance(error, RigError)
    assert "air.faults.0: 02434855420000A1 is no virtual dongle" in str(error)


def test_an_air_without_a_word_is_clear() -> None:
    ether = ether_of(Rig())
    assert ether.link(1, 2).loss == 0.0
    assert ether.indirect_limit_s == float("inf")
