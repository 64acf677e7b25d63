"""Displays and switches as cluster tables: who they are, and which clusters they use."""

from __future__ import annotations

from typing import Final

from gbcs.party import DeviceType
from gbcs.zcl.types import Value
from han.clusters import BASIC, METERING, PREPAYMENT, PRICE, TIME
from han.clusters.mirrored import fixed
from han.endpoint import Endpoint
from han.zcl.tables import Cluster, Served, Side

IN_HOME_DISPLAY: Final = 0x0502
LOAD_CONTROL_DEVICE: Final = 0x0504
ACCESS_DEVICE: Final = 0x0502
"""No device of its own: as a display, it reads what meters serve."""


def display_endpoint(number: int, kind: DeviceType, served: tuple[Served, ...]) -> Endpoint:
    """The one endpoint of a display, with what it serves beside telling who it is."""
    return Endpoint(number, IN_HOME_DISPLAY, served=(_identity(kind), *served))


def access_endpoint(number: int, served: tuple[Served, ...]) -> Endpoint:
    """The one endpoint of a consumer access device, which uses what the meters serve."""
    used = (TIME, METERING, PRICE, PREPAYMENT)
    tables: list[Cluster[None]] = [Cluster(each, Side.CLIENT) for each in used]
    clients = (table.on(None) for table in tables)
    identity = _identity(DeviceType.CAD)
    return Endpoint(number, ACCESS_DEVICE, served=(identity, *served, *clients))


def load_switch_endpoint(number: int, served: tuple[Served, ...]) -> Endpoint:
    """The one endpoint of a load control switch; ``served`` is what it does on the HAN."""
    client: Cluster[None] = Cluster(TIME, Side.CLIENT)
    tables = (_identity(DeviceType.HCALCS), *served, client.on(None))
    return Endpoint(number, LOAD_CONTROL_DEVICE, served=tables)


def _identity(kind: DeviceType) -> Served:
    """Basic 0x0000."""
    values: dict[int, Value] = {
        0x0000: 3,  # ZCL version
        0x0004: "chub",
        0x0005: kind.value,
        0x0007: 0x01,  # mains
    }
    return fixed(BASIC, values)
