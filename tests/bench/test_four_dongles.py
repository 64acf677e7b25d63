"""Hub, electricity meter, gas meter and display: each on a dongle of another generation."""

from __future__ import annotations

from datetime import timedelta

from bench.home import living_home
from bench.remote_party import RemoteParty
from bench.rig import Rig
from device.event import Event, EventStream
from device.events import PartnerKeyShared, RadioLost
from device.timeline import Timeline
from gbcs.catalogue import by_name
from gbcs.protection import Verdict
from peers.reading import Fuel

DISPLAY = 0x02434855420000D1


async def test_four_dongles_of_four_generations_make_one_home(timeline: Timeline) -> None:
    rig = Rig.model_validate(
        {
            "hub": {"radio": "vncp:?ezsp=13"},
            "electricity_meter": {"radio": "vncp:?ezsp=8"},
            "gas_meter": {"radio": "vncp:?ezsp=14"},
            "displays": [{"eui64": DISPLAY, "radio": "vncp:?ezsp=19"}],
            "settings": {"display": {"electricity_poll_s": 60}},
        }
    )
    events, seen = EventStream(), list[Event]()
    events.subscribe(seen.append, PartnerKeyShared, RadioLost)
    async with living_home(rig, timeline, events=events) as home:
        await timeline.sleep(timedelta(minutes=75))
        assert home.meter is not None
        supplier = RemoteParty(rig.parties.supplier, home.keys)
        for number, (use_case, device) in enumerate(
            (
                ("GCS13a", home.gpf.entity),
                ("GCS13a", home.meter.chassis.eui64),
                ("ECS17b", home.rig.station("electricity_meter")),
            )
        ):
            answer = await home.ask(supplier.command(by_name(use_case), device, number + 1))
            assert supplier.open(answer).verification.mac is Verdict.VALID
        (display,) = home.displays
        assert set(display.shown) == set(Fuel)
    shared = {(e.device, e.peer) for e in seen if isinstance(e, PartnerKeyShared)}
    esme = rig.station("electricity_meter")
    assert shared == {(DISPLAY, esme), (esme, DISPLAY)}
    assert not [event for event in seen if isinstance(event, RadioLost)]
