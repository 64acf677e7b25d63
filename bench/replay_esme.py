"""Replaying recorded commands at the ESME, through the hub's tunnel."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bench.home import Home, living_home
from bench.replay_pair import ESME, QUICK_JOINING, Pair, Unsupported, difference_in
from bench.replay_rig import rig_for
from bench.replay_shared import SharedState, is_shared, moment_of_shared
from bench.rig import Rig
from device.cosem.recorded import arrange
from device.timeline import Timeline, run
from esme.conformance import moment_of
from gbcs.errors import LocalError
from gbcs.keys import KeyStore

_JOINING: Final = timedelta(seconds=10)
_HUB_TIME_LAG: Final = timedelta(milliseconds=500)
"""How far a meter's idea of the hub's time, read in whole seconds, may be behind."""
_ANSWERING: Final = timedelta(seconds=30)


def replay_at_esme(pair: Pair, keys: KeyStore) -> str | None:
    """Replay a pair; None when a meter of one kind (single or twin element) answers the same."""
    reasons = []
    shared = is_shared(pair)
    moment = moment_of_shared(pair) if shared else moment_of(pair.command, pair.response, keys)
    for twin in (False,) if shared else (False, True):
        timeline = Timeline(moment - _JOINING)
        difference = run(_replay(pair, keys, timeline, twin=twin), timeline)
        if difference is None:
            return None
        reasons.append(difference)
    return reasons[0] if len(set(reasons)) == 1 else "; as a twin: ".join(reasons)


async def _replay(pair: Pair, keys: KeyStore, timeline: Timeline, *, twin: bool) -> str | None:
    async with living_home(_rig(pair, keys, twin=twin), timeline, keys=keys) as home:
        moment = timeline.now() + _JOINING
        await timeline.sleep_until(moment + _HUB_TIME_LAG)
        try:
            _arrange(home, pair, keys, moment)
        except LocalError as error:
            return f"the meter cannot hold what was reported: {str(error)[:120]}"
        arrived: list[bytes] = []
        home.upward.append(arrived.append)
        home.hub.deliver(pair.sent)
        await timeline.sleep(_ANSWERING)
    return difference_in(pair, arrived, keys)


def _arrange(home: Home, pair: Pair, keys: KeyStore, moment: datetime) -> None:
    """Put the meter into the recorded state at the recorded moment."""
    station = home.electricity_meter
    if station is None:
        raise Unsupported("the home has no electricity meter")
    meter = station.device
    meter.chassis.clock.hold(moment)
    if is_shared(pair):
        SharedState(meter.chassis, meter.common, pair, keys).arrange()
        return
    own_counter = pair.response.supplementary_originator_counter
    if own_counter is not None:
        meter.chassis.own_counter.start_at(own_counter)
    arrange(meter.server, pair.command, pair.response, keys)
    meter.meter.controllers.suppose_done(moment)


def _rig(pair: Pair, keys: KeyStore, *, twin: bool) -> Rig:
    """A home with the recorded identities: the other devices differ in the last octet."""
    meter = {
        "eui64": pair.family | ESME,
        "phases": 1 if twin else 3,
        "twin_element": twin,
        "load_w": 0,
        "controllers": ["APC"] * 5,
    }
    return rig_for(pair, keys, electricity_meter=meter, settings=QUICK_JOINING)
