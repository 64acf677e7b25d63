"""What the hub shows of itself on the HAN: the time, and who it is."""

from __future__ import annotations

from typing import Final

from device.clock import DeviceClock
from gbcs.stamp import Reliability
from gbcs.zcl.types import Value, zcl_seconds
from han.clusters import BASIC, TIME
from han.clusters.basic import TIME_MASTER, TIME_SUPERSEDING
from han.clusters.mirrored import fixed, mirrored
from han.zcl.tables import Failure, Served, Side

_IDENTITY: Final[dict[int, Value]] = {
    0x0000: 3,  # ZCL version
    0x0004: "chub",
    0x0005: "CHF",
    0x0007: 0x01,  # mains
}


def time_server(clock: DeviceClock) -> Served:
    """Time 0x000A: master of the HAN while the hub's own clock is reliable."""

    def value_of(attribute_id: int) -> Value | Failure:
        reliable = clock.status is Reliability.RELIABLE
        if attribute_id == 0x0000:
            return zcl_seconds(clock.now()) if reliable else 0xFFFFFFFF
        return TIME_MASTER | TIME_SUPERSEDING if reliable else 0

    return mirrored(TIME, Side.SERVER, value_of, only=(0x0000, 0x0001))


def basic_server() -> Served:
    """Basic 0x0000 of the Remote Communications Device endpoint."""
    return fixed(BASIC, _IDENTITY)
