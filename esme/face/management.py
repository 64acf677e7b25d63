"""Device Management 0x0708: tenancy, supplier, supply point; attributes and publications."""

from __future__ import annotations

from typing import Final

from device.cosem.table import Place
from esme.face.base import Fresh, Read, table
from esme.face.metering import power_thresholds_w, site_id
from esme.meter import SUPPLIER_NAME, SUPPLIER_TELEPHONE, ElectricityMeter
from gbcs.zcl.types import zcl_seconds
from han.clusters import DEVICE_MANAGEMENT
from han.clusters.device_management import (
    CHANGE_OF_TENANCY_UPDATE_DATE_TIME,
    NO_CHANGE_KNOWN,
    PROPOSED_TENANCY_CHANGE_CONTROL,
    ChangeControl,
    PublishChangeOfTenancy,
)
from han.commands.device_management import PublishChangeOfSupplier, UpdateCIN, UpdateSiteID
from han.published import Publications, published
from han.zcl.tables import Served

_CUSTOMER_NUMBER: Final = Place.parse("1/0-3:96.13.1.255/2")

_ATTRIBUTES: Final[dict[int, Read]] = {
    0x0100: lambda _: 0,  # providers have names here, not numbers
    0x0101: lambda m: m.text(SUPPLIER_NAME),
    0x0102: lambda m: m.text(SUPPLIER_TELEPHONE),
    CHANGE_OF_TENANCY_UPDATE_DATE_TIME: lambda m: _tenancy_seconds(m),
    PROPOSED_TENANCY_CHANGE_CONTROL: lambda m: int(_tenancy_control(m)),
    0x0400: lambda m: power_thresholds_w(m)[0],
    0x0401: lambda m: power_thresholds_w(m)[1],
}


def device_management(meter: ElectricityMeter, fresh: Fresh) -> Served:
    """The server."""
    return table(DEVICE_MANAGEMENT, meter, _ATTRIBUTES, fresh).joined(
        published(DEVICE_MANAGEMENT, publications(meter))
    )


def publications(meter: ElectricityMeter) -> Publications:
    """What the meter tells of who lives here and who supplies; nothing of what it was not told."""
    return {
        PublishChangeOfTenancy: lambda _: _tenancies(meter),
        PublishChangeOfSupplier: lambda _: _suppliers(meter),
        UpdateSiteID: lambda _: _site_ids(meter),
        UpdateCIN: lambda _: _customer_numbers(meter),
    }


def _tenancy_seconds(meter: ElectricityMeter) -> int:
    changed = meter.kept.tenancy_changed_at
    return NO_CHANGE_KNOWN if changed is None else zcl_seconds(changed)


def _tenancy_control(meter: ElectricityMeter) -> ChangeControl:
    known = meter.kept.tenancy_changed_at is not None
    return ChangeControl.CLEAR_IHD_DATA_CONSUMER if known else ChangeControl(0)


def _tenancies(meter: ElectricityMeter) -> list[PublishChangeOfTenancy]:
    if meter.kept.tenancy_changed_at is None:
        return []
    at_s, control = _tenancy_seconds(meter), int(_tenancy_control(meter))
    return [PublishChangeOfTenancy(0, at_s, 0, at_s, control)]


def _suppliers(meter: ElectricityMeter) -> list[PublishChangeOfSupplier]:
    if meter.kept.contact_at is None:
        return []
    at_s = zcl_seconds(meter.kept.contact_at)
    name, telephone = meter.text(SUPPLIER_NAME), meter.text(SUPPLIER_TELEPHONE)
    return [PublishChangeOfSupplier(0, at_s, 0, 0, at_s, 0, name, telephone)]


def _site_ids(meter: ElectricityMeter) -> list[UpdateSiteID]:
    number = site_id(meter)
    return [UpdateSiteID(0, 0, 0, number)] if number else []


def _customer_numbers(meter: ElectricityMeter) -> list[UpdateCIN]:
    number = meter.text(_CUSTOMER_NUMBER)
    return [UpdateCIN(0, 0, 0, number)] if number else []
