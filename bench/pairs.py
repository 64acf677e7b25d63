"""Which devices of a home have each other in their own device logs when the bench is built.

On the wall the supplier sees to it with CS03 once both have joined the hub; until then a meter
obeys no PPMID. A bench does it itself, unless its rig leaves it to commands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from device.common import CommonCommands
from device.joins import CAPACITY, Partner
from gbcs.asn1.names import Kind
from gbcs.eui64 import format_eui64
from gbcs.party import DeviceType
from peers.hcalcs import LoadControlSwitch
from peers.ppmid import Ppmid

if TYPE_CHECKING:
    from bench.home import Home
    from bench.parts import Parts

_ESME, _GSME, _GPF = DeviceType.ESME, DeviceType.GSME, DeviceType.GPF
_PPMID, _HCALCS = DeviceType.PPMID, DeviceType.HCALCS
_IHD, _CAD = DeviceType.IHD, DeviceType.CAD

PAIRS: Final = frozenset[tuple[DeviceType, DeviceType]](
    {
        (_GSME, _GPF),
        (_ESME, _PPMID),
        (_GSME, _PPMID),
        (_GPF, _PPMID),
        (_ESME, _HCALCS),
        (_ESME, _IHD),
        (_GPF, _IHD),
        (_ESME, _CAD),
        (_GPF, _CAD),
    }
)
"""Who works with whom in a home. A type 2 device (IHD, CAD) keeps no log of its own."""

_KINDS: Final = {
    _ESME: Kind.ESME,
    _GSME: Kind.GSME,
    _GPF: Kind.GPF,
    _PPMID: Kind.PPMID,
    _HCALCS: Kind.HCALCS,
    _IHD: Kind.TYPE2,
    _CAD: Kind.TYPE2,
}


def pair_devices(parts: Parts, home: Home) -> None:
    """Put the pairs of a home into the logs of its emulated devices.

    Each once: a pair that was taken apart (CS04) stays apart when the bench is built again on its
    store. What does not fit a log (16 places) is left out.
    """
    kinds = {home.rig.hub.gpf: _GPF, **home.rig.device_types}
    made = parts.store.scope("bench pairs")
    for device, common in _logs(home):
        own = kinds[device]
        for peer, kind in kinds.items():
            if {(own, kind), (kind, own)} & PAIRS and len(common.joins) < CAPACITY:
                with made.transaction() as unit:
                    key = f"{format_eui64(device)}-{format_eui64(peer)}"
                    if unit.get(key) is None:
                        unit.put(key, 1)
                        _pair(home, common, peer, _KINDS[kind])


def _pair(home: Home, common: CommonCommands, peer: int, kind: Kind) -> None:
    """As CS03 does it, but nobody is told: the home has been so since before the bench."""
    if peer in common.joins:
        return
    common.joins.add(peer, Partner(kind))
    meter = home.electricity_meter
    if kind is Kind.HCALCS and meter is not None and common is meter.device.common:
        meter.device.partner_changed(peer, kind)


def _logs(home: Home) -> Iterator[tuple[int, CommonCommands]]:
    """Every emulated device that keeps a device log."""
    yield home.gpf.entity, home.gpf.common
    if home.meter is not None:
        yield home.meter.chassis.eui64, home.meter.common
    if home.electricity_meter is not None:
        yield home.electricity_meter.device.chassis.eui64, home.electricity_meter.device.common
    for one in (*home.displays, *home.controllers):
        if isinstance(one, Ppmid | LoadControlSwitch):
            yield one.chassis.eui64, one.common
