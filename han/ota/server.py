"""The hub's side of firmware distribution: offers images to the devices they are meant for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_seconds
from han.clusters import OTA_UPGRADE
from han.exchange import Request
from han.ota.image import ImageKey, OtaHeader
from han.ota.messages import (
    ImageBlock,
    ImageBlockRequest,
    ImageNotify,
    QueryNextImageRequest,
    QueryNextImageResponse,
    ToDevice,
    ToServer,
    UpgradeEndRequest,
    UpgradeEndResponse,
    WaitForData,
)
from han.zcl.payload import decode, encode
from han.zcl.tables import Access, Answer, Cluster, Command, Reply, Served, Side


@dataclass(frozen=True, slots=True)
class OtaServerSettings:
    """How the hub serves images."""

    block_octets: int = 48
    """Most octets of one block, so that it fits one secured frame."""
    busy_for: timedelta = timedelta(seconds=60)
    """While busy, a device is told to ask again after this long."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An image and the devices it is meant for."""

    image: bytes = field(repr=False)
    header: OtaHeader
    targets: frozenset[int]


@dataclass(frozen=True, slots=True)
class DownloadStarted:
    """A device asked for the first block."""

    peer: int
    file_version: int


@dataclass(frozen=True, slots=True)
class DownloadEnded:
    """A device said how its download ended: SUCCESS, INVALID_IMAGE, ABORT."""

    peer: int
    file_version: int
    status: int


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """A device that an image is meant for has that version."""

    peer: int
    file_version: int


@dataclass(frozen=True, slots=True)
class AskedInVain:
    """A device for which there is an image asked for another type, or runs on other hardware."""

    peer: int
    key: ImageKey
    hardware: int | None


OtaServerEvent = DownloadStarted | DownloadEnded | AlreadyThere | AskedInVain


class OtaServer:
    """Serves images to devices. While ``busy`` devices are told to wait."""

    def __init__(self, settings: OtaServerSettings | None = None) -> None:
        self.settings = settings or OtaServerSettings()
        self.busy = False
        self._offers: dict[ImageKey, Offer] = {}
        self._events: list[OtaServerEvent] = []

    def served(self) -> Served:
        """The OTA Upgrade server cluster, for the endpoint's table."""
        return _TABLE.on(self)

    def events(self) -> list[OtaServerEvent]:
        """Take what happened, in order."""
        events, self._events = self._events, []
        return events

    def offer(self, image: bytes, targets: frozenset[int]) -> OtaHeader:
        """Offer an image to some devices, in place of the last one of its type.

        MalformedMessage when it is not an OTA file.
        """
        header = OtaHeader.parse(image)
        self._offers[header.key] = Offer(image, header, targets)
        return header

    def withdraw(self, key: ImageKey) -> None:
        """Offer it no longer; a download under way is aborted at its next block."""
        self._offers.pop(key, None)

    def notify(self, peer: int, peer_endpoint: int, source_endpoint: int) -> Request:
        """The request that makes a device ask for its image."""
        return Request(
            peer,
            peer_endpoint,
            OTA_UPGRADE.cluster_id,
            ToDevice.IMAGE_NOTIFY,
            encode(ImageNotify()),
            source_endpoint,
            from_server=True,
        )

    def query(self, payload: bytes, access: Access) -> Answer:
        """QueryNextImage: NOT_AUTHORIZED for a device the image is not meant for."""
        asked = decode(QueryNextImageRequest, payload)
        offer = self._offers.get(ImageKey(asked.manufacturer, asked.image_type))
        status = Status.SUCCESS
        if offer is None or not _fits(offer.header, asked.hardware_version):
            status = Status.NO_IMAGE_AVAILABLE
            if any(access.peer in each.targets for each in self._offers.values()):
                key = ImageKey(asked.manufacturer, asked.image_type)
                self._events.append(AskedInVain(access.peer, key, asked.hardware_version))
        elif access.peer not in offer.targets:
            status = Status.NOT_AUTHORIZED
        elif offer.header.file_version == asked.file_version:
            status = Status.NO_IMAGE_AVAILABLE
            self._events.append(AlreadyThere(access.peer, asked.file_version))
        response = QueryNextImageResponse(status)
        if offer is not None and status is Status.SUCCESS:
            header = offer.header
            response = QueryNextImageResponse(
                status,
                asked.manufacturer,
                asked.image_type,
                header.file_version,
                len(offer.image),
            )
        return Reply(ToDevice.QUERY_NEXT_IMAGE_RESPONSE, encode(response))

    def block(self, payload: bytes, access: Access) -> Answer:
        """ImageBlock: some octets, or a status that stands for them."""
        asked = decode(ImageBlockRequest, payload)
        offer = self._offers.get(ImageKey(asked.manufacturer, asked.image_type))
        known = offer is not None and offer.header.file_version == asked.file_version
        if offer is None or not known or access.peer not in offer.targets:
            return _block_reply(Status.ABORT)
        if asked.offset >= len(offer.image) or not asked.max_octets:
            return Status.MALFORMED_COMMAND
        if self.busy:
            now = zcl_seconds(access.now)
            later = now + self.settings.busy_for // timedelta(seconds=1)
            return _block_reply(Status.WAIT_FOR_DATA, encode(WaitForData(now, later)))
        if asked.offset == 0:
            self._events.append(DownloadStarted(access.peer, asked.file_version))
        size = min(asked.max_octets, self.settings.block_octets)
        data = offer.image[asked.offset : asked.offset + size]
        block = ImageBlock(
            asked.manufacturer, asked.image_type, asked.file_version, asked.offset, data
        )
        return _block_reply(Status.SUCCESS, encode(block))

    def end(self, payload: bytes, access: Access) -> Answer:
        """UpgradeEnd: a good image waits for its activation command, a bad one is noted."""
        asked = decode(UpgradeEndRequest, payload)
        self._events.append(DownloadEnded(access.peer, asked.file_version, asked.status))
        if asked.status != Status.SUCCESS:
            return Status.SUCCESS
        response = UpgradeEndResponse(
            asked.manufacturer, asked.image_type, asked.file_version, zcl_seconds(access.now)
        )
        return Reply(ToDevice.UPGRADE_END_RESPONSE, encode(response))


def _fits(header: OtaHeader, hardware_version: int | None) -> bool:
    if header.hardware is None or hardware_version is None:
        return True
    lowest, highest = header.hardware
    return lowest <= hardware_version <= highest


def _block_reply(status: Status, rest: bytes = b"") -> Reply:
    return Reply(ToDevice.IMAGE_BLOCK_RESPONSE, bytes((status,)) + rest)


def _command(
    number: ToServer, handle: Callable[[OtaServer, bytes, Access], Answer]
) -> Command[OtaServer]:
    definition = OTA_UPGRADE.command(number, Side.SERVER)
    if definition is None:
        raise LookupError(f"OTA Upgrade has no command {number}")
    return Command(definition, handle)


_TABLE: Final[Cluster[OtaServer]] = Cluster(
    OTA_UPGRADE,
    Side.SERVER,
    commands=(
        _command(ToServer.QUERY_NEXT_IMAGE_REQUEST, OtaServer.query),
        _command(ToServer.IMAGE_BLOCK_REQUEST, OtaServer.block),
        _command(ToServer.UPGRADE_END_REQUEST, OtaServer.end),
    ),
    generated=(ToDevice.IMAGE_NOTIFY,),
)
