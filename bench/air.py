"""The air of a rig: built with its links, and with its faults begun when they are due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from bench.rig import Rig
from bench.rig_air import AirFault, AirLink
from bench.rig_section import RigError
from device.event import Event
from hw.air_faults import (
    AirFaults,
    DongleFault,
    DongleTrouble,
    Fault,
    FaultError,
    FrameFault,
    FrameTrouble,
    LinkFault,
    Match,
)
from hw.capture import LinkType
from hw.ether import Ether, Link

_FOREVER_S: Final = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultBegan(Event):
    """A fault of the rig's air began; ``device`` is the station it names first, or the hub."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultEnded(Event):
    """A fault of the rig's air ended."""

    what: str


def ether_of(rig: Rig) -> Ether:
    """The air with its links."""
    air = rig.air
    limit_s = _FOREVER_S if air.indirect_limit_s is None else air.indirect_limit_s
    ether = Ether(
        rig.seed,
        link=Link(**air.change),  # type: ignore[arg-type] # checked by the rig's own types
        airtime=air.airtime,
        indirect_limit_s=limit_s,
    )
    for section in air.links:
        ether.impose(_link(rig, section))
    return ether


def capture_type(rig: Rig) -> LinkType:
    """How the rig wants its capture."""
    return LinkType.TAP if rig.air.capture_rssi else LinkType.WITH_FCS


def _link(rig: Rig, section: AirLink | AirFault) -> LinkFault:
    stations = tuple(rig.station(name) for name in section.between)
    return LinkFault(section.change, stations, section.one_way)


def plan_faults(rig: Rig, ether: Ether, tell: Callable[[AirFault, bool], object]) -> AirFaults:
    """Begin and end every fault when it is due; ``tell`` hears of both.

    RigError when one cannot happen on this bench.
    """
    faults = AirFaults(ether)
    for number, section in enumerate(rig.air.faults):
        fault = fault_of(rig, section)
        try:
            faults.check(fault)
        except FaultError as error:
            raise RigError(f"air.faults.{number}: {error}") from error
        faults.plan(fault, section.at_s, section.for_s, partial(tell, section))
    return faults


def fault_of(rig: Rig, section: AirFault) -> Fault:
    """What a table of the rig means."""
    if section.dongle is not None:
        return DongleFault(rig.station(section.dongle), DongleTrouble(section.trouble))
    if section.frames is None:
        return _link(rig, section)
    match = Match(
        None if section.sender is None else rig.station(section.sender),
        None if section.receiver is None else rig.station(section.receiver),
        cluster=section.cluster,
        aps_command=section.aps_command,
    )
    trouble = FrameTrouble(section.frames)
    return FrameFault(match, trouble, section.nth, section.count, section.delay_s)


def describe(section: AirFault) -> str:
    """A fault in words."""
    if section.dongle is not None:
        return f"dongle of {section.dongle}: {section.trouble}"
    if section.frames is None:
        where = " and ".join(section.between) or "all stations"
        change = ", ".join(f"{name} {value:g}" for name, value in section.change.items())
        return f"{'from ' if section.one_way else ''}{where}: {change}"
    way = f"{section.sender or 'anyone'} to {section.receiver or 'anyone'}"
    cluster = "" if section.cluster is None else f", cluster {section.cluster:04X}"
    command = "" if section.aps_command is None else f", APS command {section.aps_command:02X}"
    return f"{section.frames} frames from {way}{cluster}{command}"
