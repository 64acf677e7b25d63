"""Who the emulated electricity meter of a rig is, and what it controls."""

from __future__ import annotations

from typing import Final

from bench.rig import ElectricityMeter
from esme.control.action import CONTROLLERS
from esme.control.state import TYPES, Kind
from esme.meter import Identity
from gbcs.eui64 import parse_eui64

_KINDS: Final = {"none": Kind.NONE, "ALCS": Kind.ALCS, "APC": Kind.APC}


def identity_of(section: ElectricityMeter) -> Identity:
    """The meter as it is made: its auxiliary controllers are what the rig says."""
    controllers = [_type_of(text) for text in section.controllers]
    controllers += [b""] * (len(CONTROLLERS) - len(controllers))
    return Identity(
        section.eui64,
        controllers=tuple(controllers),
        controlled_w=section.controlled_w,
        boost_key=section.boost_key,
        offset_number=section.offset_number,
        import_wh=section.import_wh,
        export_wh=section.export_wh,
    )


def _type_of(controller: str) -> bytes:
    kind = _KINDS.get(controller)
    return parse_eui64(controller).to_bytes(8, "big") if kind is None else TYPES[kind]
