"""The COSEM objects of an SAPC: a meter's auxiliary controllers, their logs, its version."""

from __future__ import annotations

from collections.abc import Iterator

from device.cosem.fields import code_log, octets, reset
from device.cosem.server import CosemServer
from device.cosem.shape import Plain, shape
from device.cosem.table import Attribute, CosemObject, cosem
from esme.objects.controllers import controller_log, controller_objects, offset_objects
from esme.sapc.model import Sapc


def server(sapc: Sapc) -> CosemServer[Sapc]:
    """A COSEM server over an SAPC."""
    return CosemServer(_objects(), sapc, sapc.settings)


def _objects() -> Iterator[CosemObject[Sapc]]:
    yield cosem("1/0-0:0.2.1.255", "FirmwareVersion", _firmware())
    yield from offset_objects()
    yield from controller_objects()
    yield controller_log()
    yield cosem(
        "7/0-0:99.98.0.255",
        "EventLog",
        code_log(
            ",os(..8)",
            lambda m: m.reporter.event_log,
            lambda other: (other,),
            lambda row: octets(row[0]),
        ),
        reset(lambda m, _: m.reporter.clear_event_log(m.own_now)),
    )
    yield cosem(
        "7/0-0:99.98.1.255",
        "SecurityLog",
        code_log("", lambda m: m.reporter.security_log, lambda _: (), lambda _: b""),
    )


def _firmware() -> Attribute[Sapc]:
    def load(sapc: Sapc, value: Plain) -> None:
        sapc.firmware.run(octets(value))

    return Attribute(2, "value", shape("os(4)"), read=lambda m: m.firmware.running, load=load)
