"""Identity, texts, behaviours, change of tenancy: what is mostly kept as it was set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from device.cosem.fields import octets
from device.cosem.shape import Plain, shape
from device.cosem.table import Access, Attribute, CosemObject, Place, cosem, stored
from esme.alerts import ALL_ON, merged
from esme.meter import SUPPLIER_MESSAGE, SUPPLIER_NAME, SUPPLIER_TELEPHONE, Identity
from esme.objects.controllers import offset_objects
from esme.objects.fields import Meter, MeterAttribute
from gbcs.dlms.apdu import Result
from gbcs.dlms.data import Bits, Data, Tag
from gbcs.dlms.values import octets as octets_data
from gbcs.stamp import Stamp
from gbcs.zcl.types import fits_utc_time

_BEHAVIOURS: Final = (
    ("0-30", 11, "supplier: WAN alerts"),
    ("0-30", 12, "supplier: HAN device sharing"),
    ("0-30", 13, "supplier: audible alarm"),
    ("0-30", 14, "supplier: logging"),
    ("0-33", 11, "network operator: WAN alerts"),
    ("0-33", 14, "network operator: logging"),
)
"""Logical name A-B and group E of the write; the read is four further on."""


def configuration_objects() -> Iterator[CosemObject[Meter]]:
    """Objects every meter has."""
    yield from _identity()
    yield from _texts()
    for interface, group, who in _BEHAVIOURS:
        held = f"1/{interface}:97.98.{group + 4}.255"
        yield cosem(held, f"Behaviour, {who}", _behaviour())
        yield cosem(
            f"1/{interface}:97.98.{group}.255",
            f"Behaviour, {who}, with mask",
            _masked(Place.parse(f"{held}/2")),
        )


def _identity() -> Iterator[CosemObject[Meter]]:
    yield cosem("1/0-0:0.2.1.255", "FirmwareVersion", _firmware())
    yield cosem("1/0-0:96.1.1.255", "DeviceIdentifier", _device_identifier())
    yield cosem("1/0-0:96.1.2.255", "MeterVariant", _variant())
    yield cosem(
        "1/0-0:96.1.4.255",
        "ModelType",
        _about("os(8)", lambda i: i.model, lambda i, octets_: replace(i, model=octets_)),
    )
    yield cosem(
        "1/0-0:96.1.6.255",
        "ManufacturerIdentifier",
        _about(
            "os(..4)", lambda i: i.manufacturer, lambda i, octets_: replace(i, manufacturer=octets_)
        ),
    )
    yield from offset_objects()


def _about(
    notation: str,
    get: Callable[[Identity], bytes],
    changed: Callable[[Identity, bytes], Identity],
) -> MeterAttribute:
    def load(meter: Meter, value: Plain) -> None:
        meter.identity = changed(meter.identity, octets(value))

    return Attribute(2, "value", shape(notation), read=lambda meter: get(meter.identity), load=load)


def _firmware() -> MeterAttribute:
    def load(meter: Meter, value: Plain) -> None:
        meter.firmware.run(octets(value))

    return Attribute(
        2, "value", shape("os(4)"), read=lambda meter: meter.firmware.running, load=load
    )


def _variant() -> MeterAttribute:
    """A letter: A single element, B twin element, C polyphase."""

    def read(meter: Meter) -> Plain:
        if meter.identity.variant:
            return meter.identity.variant
        return b"C" if meter.phases > 1 else b"B" if meter.twin else b"A"

    def load(meter: Meter, value: Plain) -> None:
        meter.identity = replace(meter.identity, variant=octets(value))

    return Attribute(2, "value", shape("os(1)"), read=read, load=load)


def _device_identifier() -> MeterAttribute:
    return Attribute(
        2,
        "value",
        shape("os(8)"),
        read=lambda meter: meter.identity.eui64.to_bytes(8, "big"),
    )


def _texts() -> Iterator[CosemObject[Meter]]:
    yield cosem("1/0-0:94.44.3.1", "DisablePrivacyPinProtection", _privacy_pin())
    yield cosem("1/0-0:94.44.3.2", "restrictDataDateTime", _tenancy())
    yield cosem(
        "1/0-0:94.44.34.11",
        "MeterPointAdministrationNumbers(import)",
        stored(2, "value", "os(..26)", b""),
    )
    yield cosem(
        "1/1-0:0.0.2.255",
        "MeterPointAdministrationNumber(export)",
        stored(2, "value", "os(..13)", b""),
    )
    yield cosem("1/0-2:96.13.1.255", "SupplierMessage", _supplier_message())
    yield cosem(
        "1/0-3:96.13.1.255",
        "CustomerIdentificationNumber",
        stored(2, "value", "os(..4)", b""),
    )
    for place, title in (
        (SUPPLIER_TELEPHONE, "ContactDetails(number)"),
        (SUPPLIER_NAME, "ContactDetails(name)"),
    ):
        yield cosem(str(place).rpartition("/")[0], title, _contact(place))


def _supplier_message() -> MeterAttribute:
    """A text for the household; an empty one takes the last one back."""

    def write(meter: Meter, value: Plain, access: Access) -> Result:
        _put(meter, SUPPLIER_MESSAGE, value)
        meter.kept.message_at, meter.kept.message_confirmed = access.now, False
        return Result.SUCCESS

    return _text(2, "value", SUPPLIER_MESSAGE, 116, write)


def _contact(place: Place) -> MeterAttribute:
    def write(meter: Meter, value: Plain, access: Access) -> Result:
        _put(meter, place, value)
        meter.kept.contact_at = access.now
        return Result.SUCCESS

    return _text(2, "value_active", place, 18, write)


def _text(
    index: int,
    name: str,
    place: Place,
    most: int,
    write: Callable[[Meter, Plain, Access], Result],
) -> MeterAttribute:
    """Octets that are kept as they come, and of which the meter notes when they came."""
    return Attribute(
        index,
        name,
        shape(f"os(..{most})"),
        read=lambda meter: meter.text(place),
        write=write,
        load=lambda meter, value: _put(meter, place, value),
    )


def _put(meter: Meter, place: Place, value: Plain) -> None:
    meter.settings.put(place, octets_data(octets(value)))


def _privacy_pin() -> MeterAttribute:
    def write(meter: Meter, _: Plain, access: Access) -> Result:
        meter.kept.privacy_pin = False
        return Result.SUCCESS

    return Attribute(2, "value", shape("os(0)"), write=write)


def _tenancy() -> MeterAttribute:
    """Executed when it arrives, whatever date it names; the household sees nothing older.

    "Other reason" for a date that is open in part, or that displays could not be told (UTCTime).
    """

    def write(meter: Meter, value: Plain, _: Access) -> Result:
        changed = Stamp.from_bytes(octets(value))
        if changed.is_vague or not (changed.at is None or fits_utc_time(changed.at)):
            return Result.OTHER_REASON
        meter.kept.tenancy_changed_at = changed.at
        return Result.SUCCESS

    return Attribute(2, "value", shape("os(12)"), write=write)


def _behaviour() -> MeterAttribute:
    return stored(2, "value", "bs(256)", ALL_ON, writable=False)


def _masked(held: Place) -> MeterAttribute:
    def write(meter: Meter, value: Plain, _: Access) -> Result:
        old = meter.settings.get(held, Data(Tag.BIT_STRING, ALL_ON)).value
        if not isinstance(old, Bits) or not isinstance(value, Bits):
            return Result.TYPE_UNMATCHED
        meter.settings.put(held, Data(Tag.BIT_STRING, merged(old, value)))
        return Result.SUCCESS

    return Attribute(2, "value", shape("bs(512)"), write=write)
