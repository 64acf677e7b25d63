"""What the CHF's commands read and change: device log, joining, logs, sub-GHz state, identity."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chub.alerts import HubAlerts
from chub.communications import CommunicationsStore
from chub.device_log import DeviceLog, DeviceLogFull, Entry, Historic
from chub.joining import Joining
from chub.settings import ChfSettings
from device.chassis import Chassis
from device.cosem.settings import Settings
from device.logbook import LogBook
from gbcs.dlms import values as v
from gbcs.dlms.data import Data
from gbcs.party import DeviceType
from gbcs.stamp import Stamp
from han.radio import link_key_of_install_code

INSTALL_CODE: Final = 1
"""Key type of register_device: what follows is an install code."""
KINDS: Final = {
    0: DeviceType.ESME,
    1: DeviceType.GSME,
    13: DeviceType.HCALCS,
    128: DeviceType.IHD,
    130: DeviceType.CAD,
    132: DeviceType.PPMID,
    254: DeviceType.GPF,
}
"""Device types of register_device (GBCS use-case catalogue, CCS01)."""

_PAN: Final = "pan"
_FORMED: Final = "pan/formed"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the hub is; octets as COSEM returns them."""

    eui64: int
    firmware: bytes = bytes(4)
    model: bytes = b"EMULATED"
    manufacturer: bytes = b"CHUB"


class HubModel:
    """One CHF. ``home`` are the entities inside the hub: it registers no others as its GPF.

    ``restored`` is told the extended PAN identifier of a backup once that is kept;
    ``device_removed`` the device that was taken from the log.
    """

    def __init__(
        self,
        chassis: Chassis,
        settings: ChfSettings,
        device_log: DeviceLog,
        joining: Joining,
        alerts: HubAlerts,
        home: Callable[[], Iterable[int]],
    ) -> None:
        self.chassis, self.settings, self.alerts = chassis, settings, alerts
        self.device_log, self.joining = device_log, joining
        self.identity = Identity(chassis.eui64)
        self.communications = CommunicationsStore(chassis.store)
        self.event_log, self.security_log, self.channel_log = (
            LogBook(chassis.store, name) for name in ("event", "security", "sub-GHz channel")
        )
        with chassis.store.transaction() as unit:
            self.stored = Settings.stored(unit)
            self._pan, self._formed = unit.get(_PAN), unit.get(_FORMED)
        self.restored: Callable[[int], object] = lambda extended_pan_id: None
        self.device_removed: Callable[[int], object] = lambda eui64: None
        self.own_pan = 0
        self._home = home
        self._registered: int | None = None
        device_log.before_keeping(self._log_changed)

    @property
    def extended_pan_id(self) -> int:
        """That of the backup the hub was restored from, else its own."""
        return self.own_pan if self._pan is None else int.from_bytes(_octets(self._pan))

    @property
    def must_form(self) -> bool:
        """Whether the network of a backup has not been formed yet."""
        return self._pan is not None and self._pan != self._formed

    def has_formed(self, extended_pan_id: int) -> None:
        """The network with this extended PAN identifier is there."""
        self._formed = extended_pan_id.to_bytes(8)
        with self.chassis.store.transaction() as unit:
            unit.put(_FORMED, self._formed)

    def load_pan(self, extended_pan_id: int) -> None:
        """Have this extended PAN identifier: for a bench that puts a hub into a known state."""
        self._pan = extended_pan_id.to_bytes(8)

    def undo_point(self) -> Callable[[], None]:
        """What takes back a command; the rest goes back with the store."""
        pan = self._pan

        def undo() -> None:
            self.stored.undo()
            self._pan, self._registered = pan, None

        return undo

    def save(self) -> None:
        """Keep what a command stored, as part of the open unit."""
        with self.chassis.store.transaction() as unit:
            self.stored.store(unit)
            unit.on_commit(self.stored.keep)

    # -- device log ------------------------------------------------------------------------------

    def register(self, eui64: int, key_type: int, code: bytes, kind: int) -> bool:
        """Add a device (CCS01); True too when it is there already, with the key it has.

        False when there is no place, or nothing is known of such a device or key.
        """
        device_type = KINDS.get(kind)
        if device_type is None or key_type != INSTALL_CODE:
            return False
        if device_type is DeviceType.GPF and eui64 not in self._home():
            return False
        try:
            self.device_log.add(Entry(eui64, device_type, link_key_of_install_code(code)))
        except DeviceLogFull:
            return False
        self._registered = eui64
        return True

    def enable_joining(self, duration_s: int) -> None:
        """Let the device that was registered last join (CCS01)."""
        entry = None if self._registered is None else self.device_log.get(self._registered)
        self._registered = None
        if entry is not None and entry.device_type is not DeviceType.GPF:
            self.joining.open(entry, duration_s)

    def disable_joining(self) -> None:
        """Let nobody join any more."""
        self.joining.close()

    def unregister(self, eui64: int) -> bool:
        """Take a device from the log and from the network (CCS02); False when it is not there."""
        if self.device_log.remove(eui64) is None:
            return False
        self.joining.expel(eui64)
        self._later(lambda: self.device_removed(eui64))
        return True

    def restore(self, extended_pan_id: int, devices: Iterable[tuple[int, bytes]]) -> bool:
        """Take over the devices of a backup with their hashed keys (CCS03).

        False when they do not all find a place: then nothing changes.
        """
        entries = [Entry(eui64, None, key, restored=bool(key)) for eui64, key in devices]
        try:
            self.device_log.restore(entries)
        except DeviceLogFull:
            return False
        if self.settings.restore_pan:
            self._pan = extended_pan_id.to_bytes(8)
            with self.chassis.store.transaction() as unit:
                unit.put(_PAN, self._pan)
        self._later(lambda: self.restored(extended_pan_id))
        return True

    def backup(self, at: datetime) -> tuple[bytes, bytes, tuple[tuple[bytes, bytes], ...]]:
        """The device log at a moment of the hub's own time: PAN, and devices with key hashes."""
        return self._backup(at, self.device_log.entries())

    def historic_backup(self, at: datetime) -> tuple[bytes, bytes, tuple[tuple[bytes, bytes], ...]]:
        """The historic device log likewise."""
        return self._backup(at, self.device_log.historic())

    def _backup(
        self, at: datetime, entries: Iterable[Entry | Historic]
    ) -> tuple[bytes, bytes, tuple[tuple[bytes, bytes], ...]]:
        rows = tuple((entry.eui64.to_bytes(8), entry.key_hash) for entry in entries)
        return Stamp.of(at).octets, self.extended_pan_id.to_bytes(8), rows

    def _log_changed(self) -> None:
        at, pan, rows = self.backup(self.chassis.clock.now())
        devices = (v.structure(v.octets(eui64), v.octets(key)) for eui64, key in rows)
        self.alerts.device_log_changed(v.structure(v.octets(at), v.octets(pan), v.array(*devices)))

    # -- sub-GHz ---------------------------------------------------------------------------------

    def sub_ghz_configured(self, configuration: Data) -> None:
        """The sub-GHz configuration was set (DBCH04)."""
        self.alerts.sub_ghz_configured(configuration)

    def scan_channels(self) -> None:
        """Look for a better sub-GHz channel (DBCH05): the emulated one always stays."""
        outcome = (v.octets(bytes((octet,))) for octet in self.settings.scan_outcome)
        self.alerts.channels_scanned(v.structure(*outcome))

    def _later(self, action: Callable[[], object]) -> None:
        """Do it once the command's unit is kept."""
        with self.chassis.store.transaction() as unit:
            unit.on_commit(action)


def _octets(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"{value!r} are no octets")
    return value
