"""A device's side of firmware distribution: asks, downloads block by block, resumes, reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from gbcs.errors import MalformedMessage
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value
from han.clusters import OTA_UPGRADE
from han.exchange import Outcome, Replied, Request, Undelivered
from han.ota.image import ImageKey, OtaHeader
from han.ota.messages import (
    ImageBlock,
    ImageBlockRequest,
    QueryNextImageRequest,
    QueryNextImageResponse,
    ToDevice,
    ToServer,
    UpgradeEndRequest,
    UpgradeEndResponse,
    WaitForData,
)
from han.zcl.payload import decode, encode
from han.zcl.tables import (
    Access,
    Answer,
    Attribute,
    Cluster,
    Command,
    Failure,
    Served,
    Side,
)


@dataclass(frozen=True, slots=True)
class OtaClientSettings:
    """How a device downloads."""

    block_octets: int = 48
    reply_timeout: timedelta = timedelta(seconds=5)
    retry_after: timedelta = timedelta(seconds=10)
    attempts: int = 10
    """How often one thing is asked for before the download is left for later."""


class State(Enum):
    """Where a download stands; the values are those of ImageUpgradeStatus."""

    NORMAL = 0x00
    DOWNLOADING = 0x01
    DOWNLOADED = 0x02
    WAITING_TO_UPGRADE = 0x03


@dataclass(frozen=True, slots=True)
class Progress:
    """What was downloaded so far; keep it, and a download goes on after a power cut."""

    file_version: int
    total_octets: int
    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NoImage:
    """The hub has no image, or none for this device."""

    status: int


@dataclass(frozen=True, slots=True)
class ImageDownloaded:
    """The whole file is here; verify it, then call ``end``."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DownloadStopped:
    """The download did not end; ``query`` goes on with it."""

    reason: str


@dataclass(frozen=True, slots=True)
class UpgradeAnswered:
    """The hub said when to start the image; 0xFFFFFFFF is by command only."""

    upgrade_time: int


OtaClientEvent = NoImage | ImageDownloaded | DownloadStopped | UpgradeAnswered


@dataclass(slots=True)
class _Download:
    file_version: int
    total_octets: int
    octets: bytearray


class OtaClient:
    """One device's downloads from one hub; a service of the node."""

    def __init__(
        self,
        peer: int,
        peer_endpoint: int,
        endpoint: int,
        key: ImageKey,
        settings: OtaClientSettings | None = None,
    ) -> None:
        self.peer, self.peer_endpoint, self.endpoint = peer, peer_endpoint, endpoint
        self.key = key
        self.settings = settings or OtaClientSettings()
        self.file_version = 0
        self.hardware_version: int | None = None
        self.state = State.NORMAL
        self._download: _Download | None = None
        self.deadline: datetime | None = None
        self._attempts = 0
        self._asked: Request | None = None
        self._requests: list[Request] = []
        self._events: list[OtaClientEvent] = []

    def served(self) -> Served:
        """The OTA Upgrade client cluster, for the endpoint's table."""
        return _TABLE.on(self)

    def events(self) -> list[OtaClientEvent]:
        """Take what happened, in order."""
        events, self._events = self._events, []
        return events

    @property
    def progress(self) -> Progress | None:
        """What was downloaded so far, None when nothing was begun."""
        download = self._download
        if download is None:
            return None
        return Progress(download.file_version, download.total_octets, bytes(download.octets))

    @property
    def held_octets(self) -> int:
        """How much of the file is here."""
        return 0 if self._download is None else len(self._download.octets)

    def received_from(self, offset: int) -> bytes:
        """What of the file is here from an offset on: keep it block by block."""
        return b"" if self._download is None else bytes(self._download.octets[offset:])

    def pause(self) -> None:
        """Ask for nothing more until ``query``; an answer that is under way is not taken."""
        self.state, self.deadline, self._requests = State.NORMAL, None, []

    def forget(self) -> None:
        """Drop what was downloaded."""
        self.pause()
        self._download = None

    def resume(self, progress: Progress) -> None:
        """Take back what was downloaded before; ``query`` goes on behind it."""
        octets = bytearray(progress.octets)
        self._download = _Download(progress.file_version, progress.total_octets, octets)

    def query(self) -> None:
        """Ask for an image; when there is one, its download begins or goes on."""
        hardware = self.hardware_version
        request = QueryNextImageRequest(
            int(hardware is not None), *self._key, self.file_version, hardware
        )
        self._ask(
            ToServer.QUERY_NEXT_IMAGE_REQUEST, encode(request), ToDevice.QUERY_NEXT_IMAGE_RESPONSE
        )

    def end(self, status: Status) -> None:
        """Tell the hub what the verification found."""
        if self._download is None:
            raise ValueError("nothing was downloaded")
        request = UpgradeEndRequest(status, *self._key, self._download.file_version)
        self._ask(ToServer.UPGRADE_END_REQUEST, encode(request), ToDevice.UPGRADE_END_RESPONSE)
        if status is not Status.SUCCESS:
            self.state, self._download = State.NORMAL, None

    # -- service -------------------------------------------------------------------------------

    def poll(self, now: datetime) -> None:
        """Ask again."""
        if self.deadline is not None and self.deadline <= now:
            self.deadline = None
            self._attempts += 1
            self._requests += [self._asked] if self._asked is not None else []

    def requests(self) -> list[Request]:
        """Take the commands to send."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Learn what the hub said."""
        command = outcome.request.command_id
        if self._asked is None or outcome.request.payload != self._asked.payload:
            return  # a question of before, asked twice: what came of its first answer counts
        if isinstance(outcome, Replied):
            self._attempts = 0
        if isinstance(outcome, Replied) and outcome.frame.is_cluster_command:
            try:
                self._answered(command, outcome.frame.payload, now)
            except MalformedMessage as error:
                self._stop(str(error))
        elif isinstance(outcome, Replied):
            if command != ToServer.UPGRADE_END_REQUEST:
                self._stop(f"the hub answered {outcome.status}")
        elif self._attempts + 1 < self.settings.attempts:
            self.deadline = now + self.settings.retry_after
        else:
            reason = outcome.reason.value if isinstance(outcome, Undelivered) else "no answer"
            self._stop(reason)

    # -- parts ---------------------------------------------------------------------------------

    @property
    def _key(self) -> tuple[int, int]:
        return self.key.manufacturer, self.key.image_type

    def _answered(self, command: int, payload: bytes, now: datetime) -> None:
        if command == ToServer.QUERY_NEXT_IMAGE_REQUEST:
            self._offered(decode(QueryNextImageResponse, payload))
        elif command == ToServer.IMAGE_BLOCK_REQUEST:
            if self.state is State.DOWNLOADING:
                self._block(payload, now)
        else:
            self.state = State.WAITING_TO_UPGRADE
            time = decode(UpgradeEndResponse, payload).upgrade_time
            self._events.append(UpgradeAnswered(time))

    def _offered(self, offer: QueryNextImageResponse) -> None:
        version, total = offer.file_version, offer.image_octets
        if offer.status != Status.SUCCESS or version is None or not total:
            self._events.append(NoImage(offer.status))
            return
        known = self._download
        if known is None or (known.file_version, known.total_octets) != (version, total):
            self._download = _Download(version, total, bytearray())
        self.state = State.DOWNLOADING
        self._next_block()

    def _next_block(self) -> None:
        download = self._download
        if download is None:
            return
        offset = len(download.octets)
        size = min(self.settings.block_octets, download.total_octets - offset)
        if not size:
            self._finish(bytes(download.octets))
            return
        request = ImageBlockRequest(0, *self._key, download.file_version, offset, size)
        self._ask(ToServer.IMAGE_BLOCK_REQUEST, encode(request), ToDevice.IMAGE_BLOCK_RESPONSE)

    def _block(self, payload: bytes, now: datetime) -> None:
        """Take a block: only the one asked for counts, so that a late repetition does no harm."""
        status, rest = payload[:1], payload[1:]
        download = self._download
        if status == bytes((Status.WAIT_FOR_DATA,)):
            told = decode(WaitForData, rest)
            seconds = max(1, told.request_time - told.current_time)
            self.deadline = now + timedelta(seconds=seconds)
            return
        if status != bytes((Status.SUCCESS,)) or download is None:
            self._download = None
            self._stop("the hub aborted the download")
            return
        block = decode(ImageBlock, rest)
        expected = (*self._key, download.file_version, len(download.octets))
        if (block.manufacturer, block.image_type, block.file_version, block.offset) != expected:
            raise MalformedMessage("not the block that was asked for")
        if not 0 < len(block.data) <= download.total_octets - len(download.octets):
            raise MalformedMessage("a block of a wrong length")
        download.octets += block.data
        self._next_block()

    def _finish(self, octets: bytes) -> None:
        header = OtaHeader.parse(octets)
        if header.key != self.key or header.image_octets != len(octets):
            self.end(Status.INVALID_IMAGE)
            self._stop("the file is not the image that was offered")
            return
        self.state = State.DOWNLOADED
        self._events.append(ImageDownloaded(octets))

    def _stop(self, reason: str) -> None:
        self.state, self.deadline = State.NORMAL, None
        self._events.append(DownloadStopped(reason))

    def _ask(self, command: ToServer, payload: bytes, answer: ToDevice) -> None:
        self._asked = Request(
            self.peer,
            self.peer_endpoint,
            OTA_UPGRADE.cluster_id,
            command,
            payload,
            self.endpoint,
            answered_by=frozenset({int(answer)}),
            reply_within=self.settings.reply_timeout,
        )
        self._requests.append(self._asked)

    def notified(self, payload: bytes, access: Access) -> Answer:
        """ImageNotify: ask, whoever it is meant for, since type 0 means everybody."""
        del payload
        if access.peer != self.peer:
            return Status.NOT_AUTHORIZED
        self.peer_endpoint = access.peer_endpoint or self.peer_endpoint
        if self.state is State.NORMAL:
            self.query()
        return Status.SUCCESS

    def value_of(self, attribute_id: int) -> Value | Failure:
        """The attributes of the client side."""
        download = self._download
        values: dict[int, Value] = {
            0x0000: self.peer,
            0x0001: len(download.octets) if download else 0xFFFFFFFF,
            0x0002: self.file_version,
            0x0004: download.file_version if download else 0xFFFFFFFF,
            0x0006: self.state.value,
            0x0007: self.key.manufacturer,
            0x0008: self.key.image_type,
        }
        return values.get(attribute_id, Failure(Status.UNSUPPORTED_ATTRIBUTE))


_HELD: Final = (0x0000, 0x0001, 0x0002, 0x0004, 0x0006, 0x0007, 0x0008)


def _attribute(attribute_id: int) -> Attribute[OtaClient]:
    definition = OTA_UPGRADE.attribute(attribute_id, Side.CLIENT)
    if definition is None:
        raise LookupError(f"OTA Upgrade has no attribute {attribute_id:04X}")
    return Attribute(definition, lambda client: client.value_of(attribute_id))


_TABLE: Final[Cluster[OtaClient]] = Cluster(
    OTA_UPGRADE,
    Side.CLIENT,
    attributes=tuple(_attribute(i) for i in _HELD),
    commands=(Command(OTA_UPGRADE.to_client[0], OtaClient.notified),),
    generated=tuple(ToServer),
)
