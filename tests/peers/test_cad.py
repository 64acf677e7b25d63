"""A CAD in a home with both meters: what it reads and passes on, and when a meter goes silent."""

from __future__ import annotations

import json
from datetime import timedelta

from bench.home import living_home
from bench.narrator import sentence
from bench.rig import Rig
from device.events import Event, to_json_line
from device.timeline import Timeline, run
from hw.ether import Link
from peers.event import ConsumptionRead
from peers.reading import Fuel
from tests.virtual_time import START

ESME, CAD = 0x02434855420000A0, 0x02434855420000E1
RIG = Rig.model_validate(
    {
        "hub": {"radio": "ether:"},
        "start": START,
        "electricity_meter": {"eui64": ESME, "load_w": 1500},
        "access_devices": [{"eui64": CAD}],
        "settings": {"chf": {"suites": 1}, "join": {"suites": 1}},
    }
)


def story(minutes: int, *, silent_after: int | None = None) -> list[ConsumptionRead]:
    """What a CAD passes on in so many minutes; the ESME may fall silent on the way."""
    timeline, read = Timeline(START), list[ConsumptionRead]()

    def note(event: Event) -> None:
        if isinstance(event, ConsumptionRead):
            read.append(event)

    async def main() -> None:
        async with living_home(RIG, timeline) as home:
            home.events.subscribe(note, ConsumptionRead)
            if silent_after is not None:
                await timeline.sleep(timedelta(minutes=silent_after))
                home.ether.set_link(ESME, RIG.hub.gpf, Link(loss=1.0))
                home.ether.set_link(ESME, CAD, Link(loss=1.0))
                minutes_left = minutes - silent_after
            else:
                minutes_left = minutes
            await timeline.sleep(timedelta(minutes=minutes_left))

    run(main(), timeline)
    return read


def test_it_passes_on_both_fuels_with_power_price_and_balance() -> None:
    read = story(40)
    power = [one for one in read if one.fuel is Fuel.ELECTRICITY]
    assert len(power) > 200  # every ten seconds
    assert {one.power_kw for one in power} == {1.5}
    assert power[-1].register.endswith(" kWh")
    registers = [float(one.register.split()[0]) for one in power]
    assert registers == sorted(registers)
    assert registers[-1] - registers[0] > 0.9
    gas = [one for one in read if one.fuel is Fuel.GAS]
    assert gas[-1].register.endswith(" m3")
    assert gas[-1].power_kw is None


def test_a_reading_is_a_json_line_and_a_sentence() -> None:
    (one, *_) = story(3)
    line = json.loads(to_json_line(one))
    assert line["event"] == "ConsumptionRead"
    assert line["device"] == "02434855420000E1"
    assert line["fuel"] in ("ELECTRICITY", "GAS")
    said = sentence(one, {CAD: "CAD"})
    assert said is not None
    assert "CAD" in said


def test_a_meter_that_falls_silent_is_read_no_more_and_the_other_one_is() -> None:
    read = story(60, silent_after=30)
    silent = START + timedelta(minutes=31)
    fuels = {one.fuel for one in read if one.moment > silent}
    assert fuels == {Fuel.GAS}
