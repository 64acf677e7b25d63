"""Replaying recorded commands at a PPMID, an HCALCS or an SAPC, through the hub's tunnel."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bench.home import Home, living_home
from bench.replay_pair import QUICK_JOINING, Pair, difference_in, type_of
from bench.replay_rig import rig_for
from bench.replay_shared import SharedState, is_shared, moment_of_shared
from bench.rig import Rig
from device.cosem.recorded import arrange
from device.timeline import Timeline, run
from esme.sapc.device import SapcStation
from gbcs.errors import LocalError
from gbcs.eui64 import format_eui64
from gbcs.keys import KeyStore
from gbcs.party import DeviceType
from peers.hcalcs import LoadControlSwitch
from peers.ppmid import Ppmid

_JOINING: Final = timedelta(seconds=10)
_ANSWERING: Final = timedelta(seconds=30)


def replay_at_controller(pair: Pair, keys: KeyStore) -> str | None:
    """Replay a pair; None when it matches, else what differs."""
    timeline = Timeline(moment_of_shared(pair) - _JOINING)
    return run(_replay(pair, keys, timeline), timeline)


async def _replay(pair: Pair, keys: KeyStore, timeline: Timeline) -> str | None:
    async with living_home(_rig(pair, keys), timeline, keys=keys) as home:
        await timeline.sleep(_JOINING)
        try:
            _arrange(home, pair, keys)
        except LocalError as error:
            return f"the controller cannot hold what was reported: {str(error)[:120]}"
        arrived: list[bytes] = []
        home.upward.append(arrived.append)
        home.hub.deliver(pair.sent)
        await timeline.sleep(_ANSWERING)
    return difference_in(pair, arrived, keys)


def _arrange(home: Home, pair: Pair, keys: KeyStore) -> None:
    """Put the device into the recorded state at the recorded moment."""
    displays = tuple(one for one in home.displays if isinstance(one, Ppmid))
    devices: tuple[Ppmid | LoadControlSwitch | SapcStation, ...] = (*displays, *home.controllers)
    (station,) = devices
    station.chassis.clock.hold(moment_of_shared(pair))
    if is_shared(pair):
        SharedState(station.chassis, station.common, pair, keys).arrange()
    elif isinstance(station, SapcStation):
        arrange(station.server, pair.command, pair.response, keys)


def _rig(pair: Pair, keys: KeyStore) -> Rig:
    """A home with the recorded identities, and no meters."""
    kind, eui64 = type_of(pair.device), format_eui64(pair.device)
    is_display = kind is DeviceType.PPMID
    section = {"eui64": eui64, "kind": kind.value if kind else ""}
    displays, controllers = ([section], []) if is_display else ([], [section])
    return rig_for(pair, keys, displays=displays, controllers=controllers, settings=QUICK_JOINING)
