"""The COSEM objects of a Communications Hub Function, as tables over its model."""

from collections.abc import Iterator

from chub.model import HubModel
from chub.objects.configuration import configuration_objects
from chub.objects.logs import log_objects
from chub.objects.network import network_objects
from chub.objects.sub_ghz import sub_ghz_objects
from device.cosem.server import CosemServer
from device.cosem.table import CosemObject


def objects(*, dual_band: bool) -> Iterator[CosemObject[HubModel]]:
    """Objects of a hub of one band or two."""
    yield from configuration_objects()
    yield from network_objects()
    yield from log_objects()
    if dual_band:
        yield from sub_ghz_objects()


def server(model: HubModel) -> CosemServer[HubModel]:
    """A COSEM server over a hub."""
    return CosemServer(objects(dual_band=model.settings.dual_band), model, model.stored)
