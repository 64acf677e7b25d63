"""The devices of a rig file that are neither hub nor meter, and what a person does at the meter."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from bench.rig_section import Eui64, Firmware, InstallCode, Section
from gbcs.eui64 import parse_eui64


def _controller(text: str) -> str:
    if text not in ("none", "ALCS", "APC"):
        parse_eui64(text)
    return text


Controller = Annotated[str, AfterValidator(_controller)]
"""An auxiliary controller of a meter: none, ALCS, APC, or the EUI-64 of an HCALCS."""


class Press(Section):
    """At a moment the boost key is pressed for so many minutes."""

    at: AwareDatetime
    minutes: Literal[15, 30, 45, 60] = 15


class Display(Section):
    """An emulated in-home display (IHD) or prepayment meter interface device (PPMID).

    A ``sleepy`` one joins as a sleepy end device, which polls the hub (``settings.poll``).
    """

    eui64: Eui64
    kind: Literal["IHD", "PPMID"] = "IHD"
    radio: str = "ether:"
    sleepy: bool = False
    install_code: InstallCode | None = Field(default=None, repr=False)


class LoadSwitch(Section):
    """An emulated HCALCS, or a controller that stands alone (SAPC).

    The ESME that an HCALCS belongs to is told with CS03A1, or in its ``controllers``.
    """

    eui64: Eui64
    kind: Literal["HCALCS", "SAPC"] = "HCALCS"
    radio: str = "ether:"
    install_code: InstallCode | None = Field(default=None, repr=False)
    firmware: Firmware = bytes(4)


class AccessDevice(Section):
    """An emulated consumer access device (CAD), which reads both meters and passes it on.

    A ``sleepy`` one joins as a sleepy end device, which polls the hub (``settings.poll``).
    """

    eui64: Eui64
    kind: Literal["CAD"] = "CAD"
    radio: str = "ether:"
    sleepy: bool = False
    install_code: InstallCode | None = Field(default=None, repr=False)


class Admitted(Section):
    """A real device: the hub lets it join with its install code; nothing is emulated."""

    eui64: Eui64
    kind: Literal["GSME", "ESME", "IHD", "PPMID", "HCALCS", "CAD"]
    install_code: InstallCode = Field(repr=False)
