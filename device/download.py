"""Firmware images from the hub: downloaded block by block, verified, then held for CS06.

What has arrived is kept block by block, so a download goes on behind its last complete block after
a power cut. A device asks when it comes to its network and when the hub tells it that there is
something new.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from device.asking import HUB_NWK, find_endpoints, hub_of
from device.chassis import Chassis
from device.events import DownloadBroken, FirmwareReceived
from device.firmware import Firmware
from device.host import Host, HostError
from device.store import StoreError
from device.timeline import Timeline
from gbcs.crypto import signature_is_valid
from gbcs.errors import MalformedMessage, MissingKey
from gbcs.party import DeviceType, Role
from gbcs.zcl.status import Status
from han.clusters import OTA_UPGRADE
from han.exchange import Outcome, Request
from han.ota.client import (
    DownloadStopped,
    ImageDownloaded,
    NoImage,
    OtaClient,
    OtaClientSettings,
    Progress,
    UpgradeAnswered,
)
from han.ota.image import GbImage, ImageKey
from han.radio import RadioError
from han.zcl.tables import Served

VERIFIED: Final = 0x8F72
NOT_VERIFIED: Final = 0x8F1C
IMAGE_TYPES: Final[Mapping[DeviceType, int]] = {
    DeviceType.ESME: 1,
    DeviceType.GSME: 2,
    DeviceType.PPMID: 3,
    DeviceType.HCALCS: 4,
}
"""Image types of the emulated devices: each manufacturer numbers its own."""
_SIGNERS: Final = (Role.SUPPLIER, Role.ACCESS_CONTROL_BROKER)
_KEY: Final = "download"
_LOG: Final = "download"
_ALL: Final = 1 << 30

Receipt = Callable[[int, bytes], object]
"""Takes VERIFIED or NOT_VERIFIED and the hash of an image, and tells of it."""


def image_key(chassis: Chassis) -> ImageKey:
    """Manufacturer and image type by which a device asks for its images."""
    kind = chassis.credentials.device_type
    return ImageKey(chassis.common.firmware_manufacturer, IMAGE_TYPES.get(kind, 0))


class FirmwareDownload:
    """The downloads of one device, on one endpoint. A service of its node, to go on later.

    ``sleepy`` devices download only while :meth:`fetch` has them awake.
    """

    def __init__(
        self,
        chassis: Chassis,
        timeline: Timeline,
        endpoint: int,
        firmware: Firmware,
        receipt: Receipt = lambda code, image_hash: None,
        *,
        sleepy: bool = False,
    ) -> None:
        settings = chassis.common
        self.client = OtaClient(
            0,
            0,
            endpoint,
            image_key(chassis),
            OtaClientSettings(block_octets=settings.firmware_block_octets),
        )
        self.client.hardware_version = settings.firmware_hardware
        self.deadline: datetime | None = None
        self._chassis, self._timeline, self._sleepy = chassis, timeline, sleepy
        self._firmware, self._receipt = firmware, receipt
        self._store = chassis.store
        self._kept_octets = 0
        self._verified = False
        self._idle = asyncio.Event()
        self._host: Host | None = None
        self._restore()

    def served(self) -> Served:
        """The OTA Upgrade client, for the endpoint's table."""
        return self.client.served()

    def attach(self, host: Host) -> None:
        """Work on this node, before the host runs."""
        self._host = host
        host.node.attach(self.client)
        host.node.attach(self)
        host.on_progress(self._progress)

    @property
    def unfinished(self) -> bool:
        """Whether there is something to go on with."""
        return self._verified or self.client.progress is not None

    def look(self) -> None:
        """Ask the hub for an image, now that the device is on the network."""
        if self._host is not None:
            self._host.start_task(self._look(), "looks for firmware")

    async def fetch(self) -> None:
        """Download while awake, as long as a wake may be; the rest is for the next wake."""
        limit = timedelta(seconds=self._chassis.common.firmware_awake_s)
        self._idle.clear()
        try:
            async with self._timeline.timeout_at(self._timeline.now() + limit):
                await self._look()
                await self._idle.wait()
        except TimeoutError:
            self.client.pause()

    # -- service ---------------------------------------------------------------------------------

    def poll(self, now: datetime) -> None:
        """Go on with what stopped."""
        if self.deadline is not None and self.deadline <= now:
            self.deadline = None
            self.look()

    def requests(self) -> list[Request]:
        """None: the client of the cluster has them."""
        return []

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Nothing to learn from requests that are not made."""

    # -- parts -----------------------------------------------------------------------------------

    async def _look(self) -> None:
        host = self._host
        if host is None:
            return
        try:
            hub = hub_of(host)
            found = await find_endpoints(host, hub, HUB_NWK, OTA_UPGRADE.cluster_id)
        except (HostError, RadioError) as error:
            self._broken(str(error))
            host.kick()  # to be called again in time
            return
        self.client.peer, self.client.peer_endpoint = hub, found[0]
        self.client.file_version = int.from_bytes(self._newest, "big")
        if self._verified:
            self.client.end(Status.SUCCESS)
        else:
            self.client.query()
        host.kick()

    @property
    def _newest(self) -> bytes:
        """The version that runs, or that waits for its activation."""
        return self._firmware.state.image or self._firmware.running

    def _progress(self) -> None:
        self._keep_blocks()
        for event in self.client.events():
            match event:
                case ImageDownloaded(octets):
                    self._take(octets)
                case DownloadStopped(reason):
                    self._broken(reason)
                case NoImage():
                    self._idle.set()
                case UpgradeAnswered():
                    self.client.forget()
                    self._conclude()

    def _keep_blocks(self) -> None:
        """Keep what arrived since the last time."""
        progress = self.client.held_octets
        if progress == self._kept_octets:
            return
        with self._store.transaction() as unit:
            if progress < self._kept_octets or not self._kept_octets:  # a file from its start
                self._kept_octets = 0
                unit.clear(_LOG)
                self._keep_head()
            block = self.client.received_from(self._kept_octets)
            if block:
                unit.append(_LOG, block, keep=_ALL)
        self._kept_octets = progress

    def _keep_head(self) -> None:
        progress = self.client.progress
        with self._store.transaction() as unit:
            if progress is None:
                unit.delete(_KEY)
            else:
                head = (progress.file_version, progress.total_octets, self._verified)
                unit.put_json(_KEY, list(head))

    def _take(self, octets: bytes) -> None:
        """Verify a whole file: hold it for its activation, or discard it."""
        trouble, image = self._trouble_of(octets)
        image_hash = bytes(32) if image is None else image.hash
        version = b"" if image is None else image.header.file_version.to_bytes(4, "big")
        code = NOT_VERIFIED if trouble else VERIFIED
        with self._store.transaction():
            if trouble is None:
                self._firmware.hold(version, image_hash)
                self._verified = True
                self._keep_head()
            self._chassis.security_log.add(code)
            self._receipt(code, image_hash)
        here = self._chassis.here()
        self._chassis.events.publish(
            FirmwareReceived(
                **here, version=version, image_hash=image_hash, octets=len(octets), trouble=trouble
            )
        )
        self.client.end(Status.INVALID_IMAGE if trouble else Status.SUCCESS)
        if trouble:
            self._conclude()
        if self._host is not None:
            self._host.kick()

    def _trouble_of(self, octets: bytes) -> tuple[str | None, GbImage | None]:
        try:
            image = GbImage.parse(octets)
        except MalformedMessage as error:
            return str(error), None
        hardware, own = image.header.hardware, self._chassis.common.firmware_hardware
        if hardware is not None and not hardware[0] <= own <= hardware[1]:
            return f"it is for hardware {hardware[0]} to {hardware[1]}, not {own}", image
        running = int.from_bytes(self._firmware.running, "big")
        if image.header.file_version < running and not self._chassis.common.allow_downgrade:
            return f"version {image.header.file_version:08X} is older than {running:08X}", image
        if not self._is_signed(image):
            return "its signature does not verify", image
        return None, image

    def _is_signed(self, image: GbImage) -> bool:
        """Whether a party that may authorise firmware signed the image."""
        credentials = self._chassis.credentials
        for role in _SIGNERS:
            try:
                keys = credentials.signing_keys(credentials.party(role))
            except MissingKey:
                continue
            signed = image.manufacturer_image
            if any(signature_is_valid(key, image.signature, signed) for key in keys):
                return True
        return False

    def _conclude(self) -> None:
        """The download has ended: nothing is left to go on with."""
        self._verified, self._kept_octets = False, 0
        with self._store.transaction() as unit:
            unit.delete(_KEY)
            unit.clear(_LOG)
        self._idle.set()

    def _broken(self, reason: str) -> None:
        held = self.client.held_octets
        here = self._chassis.here()
        self._chassis.events.publish(DownloadBroken(**here, held_octets=held, reason=reason))
        if not self._sleepy:
            wait = timedelta(seconds=self._chassis.common.firmware_retry_s)
            self.deadline = self._timeline.now() + wait
        self._idle.set()

    def _restore(self) -> None:
        with self._store.transaction() as unit:
            head, blocks = unit.get_json(_KEY), unit.entries(_LOG)
        match head:
            case None:
                return
            case [int(version), int(total), bool(verified)]:
                octets = b"".join(block for block in blocks if isinstance(block, bytes))
                self._verified, self._kept_octets = verified, len(octets)
                self.client.resume(Progress(version, total, octets))
            case _:
                raise StoreError("what is kept of a download has no head")
