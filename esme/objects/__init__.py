"""The COSEM objects of an electricity meter, as tables over its model."""

from collections.abc import Iterator

from device.cosem.server import CosemServer
from device.cosem.table import CosemObject
from esme.meter import ElectricityMeter
from esme.objects.commercial import commercial_objects
from esme.objects.configuration import configuration_objects
from esme.objects.control import control_objects
from esme.objects.logs import log_objects
from esme.objects.registers import register_objects
from esme.objects.voltage import voltage_objects


def objects(*, phases: int, twin: bool) -> Iterator[CosemObject[ElectricityMeter]]:
    """Objects of a meter of one or three phases, with one element or two."""
    yield from configuration_objects()
    yield from register_objects(twin)
    yield from log_objects(twin)
    yield from voltage_objects(phases)
    yield from commercial_objects(twin)
    yield from control_objects()


def server(meter: ElectricityMeter) -> CosemServer[ElectricityMeter]:
    """A COSEM server over a meter, with the objects of its variant."""
    return CosemServer(objects(phases=meter.phases, twin=meter.twin), meter, meter.settings)
