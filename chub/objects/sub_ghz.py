"""What a dual-band hub shows of its sub-GHz radio (DBCH01 to DBCH05).

Configuration, channel and log are kept as a real hub keeps them; no sub-GHz frame is ever sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from chub.model import HubModel
from device.cosem.fields import code_log, octets
from device.cosem.shape import Plain, shape
from device.cosem.table import Access, Attribute, CosemObject, cosem
from gbcs.dlms.apdu import Result
from gbcs.dlms.data import Bits, Data

_CONFIGURATION: Final = "{bs(32),bs(32),bs(32),bs(32),u16,u16,u8,u16,u8,u8,u16,u8,u16,u16,u16}"
_MASKS: Final = ("E7FFFFFF", "E80001FF", "F7FFFFFF", "FFFFFFFF")
"""Channels of pages 28 to 31 that may be used: those of the Sub-GHz cluster's attributes."""
_LIMITS: Final = (125, 200, 4, 6, 6, 10, 5050, 125, 90, 5000, 3000)
"""Duty cycle thresholds, channel changes per week, curfew, channel noise, poor communications, in
the order and the units of CHTS SubGHzConfigurationSettings; values of a reference message."""
_CHANNEL: Final = "E0000001"
"""Page 28, channel 0."""


def sub_ghz_objects() -> Iterator[CosemObject[HubModel]]:
    """Configuration, channel scan, operating channel, channel log."""
    yield cosem("1/0-0:94.44.10.0", "SubGHzConfigurationSettings", _configuration())
    yield cosem(
        "1/0-0:94.44.10.1",
        "CHFSubGHzChannelScan",
        Attribute(2, "value", shape("u8"), readable=False, write=_scan),
    )
    yield cosem(
        "1/0-0:94.44.10.2",
        "OperatingSubGHzChannel",
        Attribute(2, "value", shape("bs(32)"), initial=shape("bs(32)").build(_mask(_CHANNEL))),
    )
    yield cosem(
        "7/0-0:94.44.10.3",
        "SubGHzChannelLog",
        code_log(
            ",os(..8)",
            lambda m: m.channel_log,
            lambda other: (other,),
            lambda row: octets(row[0]),
        ),
    )


def _configuration() -> Attribute[HubModel]:
    kind = shape(_CONFIGURATION)
    initial = kind.build((*map(_mask, _MASKS), *_LIMITS))

    def configured(model: HubModel, value: Plain, _: Access) -> Result:
        configuration: Data = kind.build(value)
        model.sub_ghz_configured(configuration)
        return Result.SUCCESS

    return Attribute(2, "value", kind, initial=initial, writable=True, write=configured)


def _scan(model: HubModel, value: Plain, _: Access) -> Result:
    if value != 0:
        return Result.OTHER_REASON
    model.scan_channels()
    return Result.SUCCESS


def _mask(digits: str) -> Bits:
    return Bits(32, bytes.fromhex(digits))
