"""Who the hub is: identity, model, manufacturer, firmware (ECS26i, ECS26n, ECS52)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from chub.model import HubModel, Identity
from device.cosem.fields import octets
from device.cosem.shape import Plain, shape
from device.cosem.table import Attribute, CosemObject, cosem


def configuration_objects() -> Iterator[CosemObject[HubModel]]:
    """The hub's identity."""
    yield cosem(
        "1/0-0:96.1.1.255",
        "EntityIdentifier",
        _identity(
            "os(8)",
            lambda who: who.eui64.to_bytes(8),
            lambda who, value: replace(who, eui64=int.from_bytes(value)),
        ),
    )
    yield cosem(
        "1/0-0:96.1.4.255",
        "ModelType",
        _identity("os(8)", lambda who: who.model, lambda who, value: replace(who, model=value)),
    )
    yield cosem(
        "1/0-0:96.1.6.255",
        "ManufacturerIdentifier",
        _identity(
            "os(..4)",
            lambda who: who.manufacturer,
            lambda who, value: replace(who, manufacturer=value),
        ),
    )
    yield cosem(
        "1/0-0:0.2.1.255",
        "FirmwareVersion",
        _identity(
            "os(4)", lambda who: who.firmware, lambda who, value: replace(who, firmware=value)
        ),
    )


def _identity(
    kind: str, get: Callable[[Identity], bytes], change: Callable[[Identity, bytes], Identity]
) -> Attribute[HubModel]:
    def load(model: HubModel, value: Plain) -> None:
        model.identity = change(model.identity, octets(value))

    return Attribute(2, "value", shape(kind), read=lambda m: get(m.identity), load=load)
