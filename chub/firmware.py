"""Firmware images at the hub: offered to the devices they are meant for until each has ended.

Devices that listen are told with ImageNotify, a sleeping gas meter by a flag in its mirror. How a
display's or a controller's download ended goes to the WAN as CCS08, since these send no receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from chub.alerts import HubAlerts
from chub.device_log import DeviceLog
from device.asking import find_endpoints
from device.chassis import Chassis
from device.events import FirmwareOffered, FirmwareTransferEnded, FirmwareUnfit
from device.host import Host, HostError
from device.store import StoreError
from gbcs.asn1.devices import TransferAlert
from gbcs.asn1.names import TransferCode
from gbcs.asn1.payload import encode
from gbcs.envelope import Cra
from gbcs.eui64 import format_eui64, parse_eui64
from gbcs.party import DeviceType
from gbcs.zcl.status import Status
from han.clusters import OTA_UPGRADE
from han.exchange import Outcome, Request
from han.ota.image import GbImage, ImageKey
from han.ota.server import AlreadyThere, AskedInVain, DownloadEnded, DownloadStarted, OtaServer
from han.radio import RadioError
from han.zcl.tables import Served, Side

_IMAGE: Final = "firmware:"
_DONE: Final = "firmware-done:"
_TARGET: Final = "firmware-target:"
_TOLD_BY_HUB: Final = frozenset({DeviceType.PPMID, DeviceType.HCALCS})
"""Devices of whose downloads the hub tells (CCS08)."""
_CCS08: Final = 0x0128
_NOTIFY_AGAIN: Final = timedelta(minutes=10)


class TransferEvent(IntEnum):
    """Alert codes of CCS08."""

    FAILED = 0x8F89
    DONE = 0x8F8A


class FirmwareDistribution:
    """The images of one hub. A service of its node, to notify again.

    ``flag_meter`` sets or clears the flag that tells a gas meter of firmware.
    """

    def __init__(self, chassis: Chassis, device_log: DeviceLog, alerts: HubAlerts) -> None:
        self.server = OtaServer()
        self.flag_meter: Callable[[int, bool], object] = lambda peer, waiting: None
        self.deadline: datetime | None = None
        self._chassis, self._device_log, self._alerts = chassis, device_log, alerts
        self._store = chassis.store
        self._images: dict[ImageKey, GbImage] = {}
        self._waiting: dict[int, ImageKey] = {}
        self._told_in_vain: set[AskedInVain] = set()
        self._host: Host | None = None
        self._endpoint = 0
        self._restore()

    def served(self) -> Served:
        """The OTA Upgrade server, for the endpoint's table."""
        return self.server.served()

    def attach(self, host: Host, endpoint: int) -> None:
        """Work on this node, before the host runs."""
        self._host, self._endpoint = host, endpoint
        host.node.attach(self)
        host.on_progress(self._progress)
        for peer in self._waiting:
            self.welcome(peer)

    def distribute(self, octets: bytes, targets: Collection[int]) -> GbImage:
        """Offer an image to devices, in place of what they were to have before.

        Those that had this image already are left alone. MalformedMessage when it is no GB image.
        """
        image = GbImage.parse(octets)
        key = image.header.key
        with self._store.transaction() as unit:
            done = {peer for peer in targets if unit.get(_DONE + format_eui64(peer)) == image.hash}
            wanted = tuple(peer for peer in dict.fromkeys(targets) if peer not in done)
            unit.put(_IMAGE + _name(key), octets)
            for peer in wanted:
                unit.put(_TARGET + format_eui64(peer), _name(key))
        self._images[key] = image
        changed = {key, *(self._waiting[peer] for peer in wanted if peer in self._waiting)}
        self._waiting.update(dict.fromkeys(wanted, key))
        self._told_in_vain = {each for each in self._told_in_vain if each.peer not in wanted}
        for each in changed:
            self._offer(each)
        self._chassis.events.publish(
            FirmwareOffered(
                **self._chassis.here(),
                version=image.header.file_version.to_bytes(4, "big"),
                image_hash=image.hash,
                targets=wanted,
            )
        )
        for peer in wanted:
            self.welcome(peer)
        return image

    def waiting(self) -> tuple[int, ...]:
        """Devices that have not ended their download yet."""
        return tuple(self._waiting)

    def welcome(self, peer: int) -> None:
        """Tell a device on the network that an image waits for it, if one does."""
        entry = self._device_log.get(peer)
        if peer not in self._waiting or entry is None or self._host is None:
            return
        if entry.device_type is DeviceType.GSME:
            self.flag_meter(peer, True)
        else:
            self._host.start_task(self._notify(peer), f"tells {format_eui64(peer)} of firmware")

    # -- service ---------------------------------------------------------------------------------

    def poll(self, now: datetime) -> None:
        """Notify those again who have not asked."""
        if self.deadline is not None and self.deadline <= now:
            self.deadline = None
            for peer in self.waiting():
                self.welcome(peer)

    def requests(self) -> list[Request]:
        """None: notifications are sent by tasks of the host."""
        return []

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Nothing to learn from requests that are not made."""

    # -- parts -----------------------------------------------------------------------------------

    async def _notify(self, peer: int) -> None:
        host = self._host
        if host is None:
            return
        nwk = host.radio.nwk_of(peer)
        if nwk is None:
            return  # it asks by itself when it comes
        try:
            found = await find_endpoints(host, peer, nwk, OTA_UPGRADE.cluster_id, Side.CLIENT)
            await host.send(self.server.notify(peer, found[0], self._endpoint))
        except (HostError, RadioError):
            self.deadline = self._chassis.true_time() + _NOTIFY_AGAIN
            host.kick()  # to be called again in time

    def _progress(self) -> None:
        for event in self.server.events():
            match event:
                case DownloadStarted():
                    continue
                case AlreadyThere(peer):
                    self._done(peer)
                case AskedInVain():
                    self._asked_in_vain(event)
                case DownloadEnded(peer, version, status):
                    self._ended(peer, version, status)

    def _asked_in_vain(self, asked: AskedInVain) -> None:
        if asked in self._told_in_vain or asked.peer not in self._waiting:
            return
        self._told_in_vain.add(asked)
        self._chassis.events.publish(
            FirmwareUnfit(
                **self._chassis.here(),
                peer=asked.peer,
                manufacturer=asked.key.manufacturer,
                image_type=asked.key.image_type,
                hardware=asked.hardware,
            )
        )

    def _ended(self, peer: int, version: int, status: int) -> None:
        entry = self._device_log.get(peer)
        if peer not in self._waiting:
            return
        with self._store.transaction():
            self._done(peer)
            if entry is not None and entry.device_type in _TOLD_BY_HUB:
                self._tell(peer, version.to_bytes(4, "big"), status)
        ended = FirmwareTransferEnded(
            **self._chassis.here(), peer=peer, version=version.to_bytes(4, "big"), status=status
        )
        self._chassis.events.publish(ended)

    def _done(self, peer: int) -> None:
        """A device has its image, or has discarded it: it is not told of that one again."""
        key = self._waiting.pop(peer, None)
        if key is None:
            return
        with self._store.transaction() as unit:
            unit.delete(_TARGET + format_eui64(peer))
            unit.put(_DONE + format_eui64(peer), self._images[key].hash)
        entry = self._device_log.get(peer)
        if entry is not None and entry.device_type is DeviceType.GSME:
            self.flag_meter(peer, False)

    def _tell(self, peer: int, version: bytes, status: int) -> None:
        """CCS08: how a display's or a controller's download ended."""
        good = status == Status.SUCCESS
        code = TransferEvent.DONE if good else TransferEvent.FAILED
        when = self._chassis.clock.now().replace(microsecond=0)
        told = TransferAlert(int(code), when, peer, version, _RESULTS.get(status, _ABORTED))
        self._alerts.firmware_transferred(int(code), encode(_CCS08, Cra.ALERT, told))

    def _offer(self, key: ImageKey) -> None:
        """Offer an image to those that wait for it; without any it is offered to nobody."""
        targets = frozenset(peer for peer, theirs in self._waiting.items() if theirs == key)
        if targets:
            self.server.offer(self._images[key].to_bytes(), targets)
        else:
            self.server.withdraw(key)

    def _restore(self) -> None:
        with self._store.transaction() as unit:
            for place in unit.keys(_IMAGE):
                octets = unit.get(place)
                if not isinstance(octets, bytes):
                    raise StoreError(f"{place} holds no image")
                image = GbImage.parse(octets)
                self._images[image.header.key] = image
            names = {_name(key): key for key in self._images}
            for place in unit.keys(_TARGET):
                peer = parse_eui64(place.removeprefix(_TARGET))
                self._waiting[peer] = names[str(unit.get(place))]
        for key in self._images:
            self._offer(key)


_ABORTED: Final = TransferCode.FILE_TRANSFER_FAILURE
_RESULTS: Final = {
    int(Status.SUCCESS): TransferCode.SUCCESS,
    int(Status.INVALID_IMAGE): TransferCode.IMAGE_DISCARDED,
}


def _name(key: ImageKey) -> str:
    return f"{key.manufacturer:04X}-{key.image_type:04X}"
