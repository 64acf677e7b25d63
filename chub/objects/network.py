"""ZigBee network control (class 104): device log, historic device log, joining (CCS01 to CCS07)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from chub.communications import Heard
from chub.device_log import Entry, Historic
from chub.model import HubModel
from device.cosem.fields import elements, number, octets, rows, stamp_octets
from device.cosem.shape import Plain, shape
from device.cosem.table import Access, Attribute, CosemObject, Method, Place, cosem, stored
from gbcs.dlms.apdu import Result
from gbcs.dlms.data import Bits
from gbcs.stamp import Stamp

NETWORK: Final = "104/0-0:30.3.0.255"
JOIN_TIMEOUT: Final = Place.parse(f"{NETWORK}/3")
_FIRST_TIMEOUT_S: Final = 90
_BACKUP: Final = shape("{os(12),os(8),array<{os(8),os(..16)}>}")
_DEVICES: Final = shape("array<{os(8),bs(8),i8,i8,i8,u8,u8,u8,os(12),u8,u8,u8,u8,u8}>")
_AUTHORISED, _ACTIVE, _SWAPPED_OUT, _TRANSMITTING = 0x80, 0x40, 0x10, 0x08
"""Bits of a device's status: on the PAN by right, reporting, by right after a swap-out, as a Smart
Energy device. The reference messages show 0xC8; the names are those of COSEM class 104."""
_NEVER_HEARD: Final = (0, 0, 0, 0, 0, 0)
_HOPS, _APPLICATION_VERSION, _STACK_VERSION = 1, 1, 1
_WEEKDAY: Final = 4
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


def network_objects() -> Iterator[CosemObject[HubModel]]:
    """The network with its device log, and the historic device log."""
    yield cosem(
        NETWORK,
        "DeviceLog(CHF)",
        Attribute(
            2,
            "enable_disable_joining",
            shape("bool"),
            read=lambda m: m.joining.is_open,
            write=_enable,
        ),
        stored(3, "join_timeout", "u16", _FIRST_TIMEOUT_S),
        Attribute(4, "active_devices", _DEVICES, read=_active_devices, load=_load_devices),
        Method(1, "register_device", shape("{os(8),enum,os(16),enum}"), _register),
        Method(2, "unregister_device", shape("os(8)"), _unregister),
        Method(
            4,
            "backup_PAN",
            shape("null"),
            _nothing,
            _BACKUP,
            lambda m, access: m.backup(access.now),
            _load_log,
        ),
        Method(5, "restore_PAN", shape("{os(8),array<{os(8),os(..16)}>}"), _restore),
    )
    yield cosem(
        "104/0-0:30.3.1.255",
        "HistoricDeviceLog(CHF)",
        Method(
            4,
            "backup_PAN",
            shape("null"),
            _nothing,
            _BACKUP,
            lambda m, access: m.historic_backup(access.now),
            _load_historic,
        ),
    )


def _result(done: bool) -> Result:
    return Result.SUCCESS if done else Result.OTHER_REASON


def _nothing(_model: HubModel, _: Plain, __: Access) -> Result:
    """What a backup does to the hub."""
    return Result.SUCCESS


def _register(model: HubModel, value: Plain, _: Access) -> Result:
    eui64, key_type, code, kind = elements(value)
    device = int.from_bytes(octets(eui64))
    return _result(model.register(device, number(key_type), octets(code), number(kind)))


def _unregister(model: HubModel, value: Plain, _: Access) -> Result:
    return _result(model.unregister(int.from_bytes(octets(value))))


def _restore(model: HubModel, value: Plain, _: Access) -> Result:
    pan, devices = elements(value)
    backup = ((int.from_bytes(octets(eui64)), octets(key)) for eui64, key in rows(devices))
    return _result(model.restore(int.from_bytes(octets(pan)), backup))


def _enable(model: HubModel, value: Plain, _: Access) -> Result:
    if value is True:
        timeout = model.stored.get(JOIN_TIMEOUT, shape("u16").build(_FIRST_TIMEOUT_S)).value
        model.enable_joining(int(str(timeout)))
    else:
        model.disable_joining()
    return Result.SUCCESS


# -- active_devices ------------------------------------------------------------------------------


def _active_devices(model: HubModel) -> Plain:
    return tuple(
        _device(entry, model.communications.of(entry.eui64)) for entry in model.device_log.entries()
    )


def _device(entry: Entry, heard: Heard | None) -> tuple[Plain, ...]:
    return (
        entry.eui64.to_bytes(8),
        _status(entry, heard),
        *(_NEVER_HEARD if heard is None else _quality(heard)),
        _last_communication(heard),
        _HOPS,
        0 if heard is None else heard.failure_percent,
        0 if heard is None else heard.success_percent,
        _APPLICATION_VERSION,
        _STACK_VERSION,
    )


def _last_communication(heard: Heard | None) -> bytes:
    """A date-time with its day of the week, as the reference messages have it here."""
    octets_ = bytearray(stamp_octets(None if heard is None else heard.at))
    if heard is not None:
        octets_[_WEEKDAY] = heard.at.isoweekday()
    return bytes(octets_)


def _quality(heard: Heard) -> tuple[int, ...]:
    return (
        heard.rssi_max_dbm,
        heard.rssi_mean_dbm,
        heard.rssi_min_dbm,
        heard.lqi_max,
        heard.lqi_mean,
        heard.lqi_min,
    )


def _status(entry: Entry, heard: Heard | None) -> Bits:
    bits = 0 if heard is None else _AUTHORISED | _ACTIVE | _TRANSMITTING
    if entry.restored and entry.tc_link_key is not None:
        bits |= _SWAPPED_OUT
    return Bits(8, bytes((bits,)))


def _load_devices(model: HubModel, value: Plain) -> None:
    devices = rows(value)
    model.device_log.load((_bare(row[0]) for row in devices), ())
    for eui64, _, *rest in devices:
        rssi_max, rssi_mean, rssi_min, lqi_max, lqi_mean, lqi_min = map(number, rest[:6])
        heard = Heard(
            Stamp.from_bytes(octets(rest[6])).at or _EPOCH,
            rssi_max,
            rssi_min,
            lqi_max,
            lqi_min,
            rssi_mean,
            lqi_mean,
            failures=number(rest[8]),
            successes=number(rest[9]),
        )
        model.communications.put(int.from_bytes(octets(eui64)), heard)


def _bare(eui64: Plain) -> Entry:
    return Entry(int.from_bytes(octets(eui64)), None, b"")


def _load_log(model: HubModel, value: Plain) -> None:
    entries = (
        Entry(device, None, key_hash, restored=True) for device, key_hash in _load_pan(model, value)
    )
    model.device_log.load(entries, model.device_log.historic())


def _load_historic(model: HubModel, value: Plain) -> None:
    entries = (
        Historic(device, key_hash, hashed=True) for device, key_hash in _load_pan(model, value)
    )
    model.device_log.load(model.device_log.entries(), entries)


def _load_pan(model: HubModel, value: Plain) -> Iterator[tuple[int, bytes]]:
    _, pan, devices = elements(value)
    model.load_pan(int.from_bytes(octets(pan)))
    for eui64, key_hash in rows(devices):
        yield int.from_bytes(octets(eui64)), octets(key_hash)
