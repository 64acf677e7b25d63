"""Firmware of a dongle: probe it, check an image, back the network up, flash, verify, restore.

Works through universal-silabs-flasher (extra ``flash``) and stock zigpy. Nothing is downloaded,
and nothing is flashed on a guess: the caller names port and image. Every failure is a
:class:`FlashError` whose ``kind`` gives the exit code of the command line.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Protocol

from han.radio import RadioError
from hw.gbl import FirmwareImage, NotAnImage, read_image

if TYPE_CHECKING:
    from bellows.ezsp import EZSP as EzspObject
    from bellows.zigbee.application import ControllerApplication

Progress = Callable[[int, int], None]
"""Hears octets done and octets in all."""

PROBE_TIMEOUT_S: Final = 60.0
ZIGBEE_NCP: Final = "zigbee_ncp"
EZSP: Final = "ezsp"
BOOTLOADER: Final = "bootloader"
CONFIG_KEY_TABLE_SIZE: Final = 0x1E


class Failure(IntEnum):
    """How it failed; the value is the exit code of ``chub flash``."""

    USAGE = 2
    NO_DEVICE = 3
    WRONG_IMAGE = 4
    TRANSFER = 5
    VERIFY = 6


class FlashError(RadioError):
    """What went wrong, and what to do now."""

    def __init__(self, kind: Failure, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What runs on a dongle; the Zigbee fields are None when that is not EmberZNet."""

    port: str
    firmware: str
    version: str
    baudrate: int
    ezsp_version: int | None = None
    eui64: int | None = None
    manufacturer: str | None = None
    board: str | None = None
    key_table_size: int | None = None
    max_payload_octets: int | None = None
    eui64_rewritable: bool | None = None
    bootloader_installed: bool | None = None


@dataclass(frozen=True, slots=True)
class FlashReport:
    """What was flashed and what runs now."""

    before: ProbeReport
    after: ProbeReport
    octets: int


def check_image(octets: bytes) -> FirmwareImage:
    """Read an image; FlashError (WRONG_IMAGE) says why it cannot be flashed."""
    try:
        return read_image(octets)
    except NotAnImage as exc:
        raise FlashError(Failure.WRONG_IMAGE, str(exc)) from exc


def concerns(image: FirmwareImage, probed: ProbeReport) -> list[str]:
    """What speaks against this image on this dongle; empty when nothing does."""
    found: list[str] = []
    kind = image.metadata.get("fw_type")
    if kind is not None and kind not in (ZIGBEE_NCP, "ncp-uart-hw", "ncp-uart-sw"):
        found.append(f"the image is {kind} firmware, not a Zigbee NCP")
    if image.bootloader:
        found.append("the image replaces the bootloader too: a failed transfer is final")
    baudrate = image.metadata.get("baudrate")
    if isinstance(baudrate, int) and baudrate != probed.baudrate:
        found.append(f"the image talks at {baudrate} baud, the dongle now at {probed.baudrate}")
    if image.version is None:
        found.append("the image does not tell its version: it cannot be verified afterwards")
    return found


async def probe(port: str) -> ProbeReport:
    """Find out what runs at ``port``; NO_DEVICE when nothing answers."""
    flasher = await _probed(port)
    kind, baudrate = str(flasher.app_type.value), int(flasher.app_baudrate)
    version = str(flasher.app_version.orig_version) if flasher.app_version is not None else ""
    report = ProbeReport(port, kind, version, baudrate)
    return await _zigbee_details(report) if kind == EZSP else report


class _Flasher(Protocol):
    """The few names used of the stock flasher, so that types can be checked here."""

    app_type: _Named
    app_version: _Named | None
    app_baudrate: int

    async def probe_app_type(self) -> None: ...
    async def enter_bootloader(self) -> None: ...
    async def flash_firmware(self, firmware: object, *, progress_callback: Progress) -> None: ...


class _Named(Protocol):
    value: str
    orig_version: str


def _stock(module: str, name: str) -> Callable[..., _Flasher]:
    try:
        found: Callable[..., _Flasher] = getattr(importlib.import_module(module), name)
    except ImportError as exc:
        raise FlashError(
            Failure.USAGE, "universal-silabs-flasher is missing: pip install 'chub-bench[flash]'"
        ) from exc
    return found


async def _probed(port: str) -> _Flasher:
    flasher = _stock("universal_silabs_flasher.flasher", "Flasher")(device=port)
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            await flasher.probe_app_type()
    except (OSError, RuntimeError, TimeoutError) as exc:
        raise FlashError(
            Failure.NO_DEVICE, f"nothing at {port} answers as a dongle: {exc or 'no answer'}"
        ) from exc
    return flasher


async def _zigbee_details(report: ProbeReport) -> ProbeReport:
    from bellows.types import EzspConfigId

    from hw.bellows_ezsp import number, radio_errors

    with radio_errors(f"asking the dongle at {report.port}"):
        async with _ezsp(report) as ezsp:
            (eui64,) = await ezsp.getEui64()
            manufacturer, board, _ = await ezsp.get_board_info()
            _, keys = await ezsp.getConfigurationValue(EzspConfigId(CONFIG_KEY_TABLE_SIZE))
            (payload,) = await ezsp.maximumPayloadLength()
            rewritable = await ezsp.can_rewrite_custom_eui64()
            loader = await ezsp.getStandaloneBootloaderVersionPlatMicroPhy()
            return ProbeReport(
                report.port,
                report.firmware,
                report.version,
                report.baudrate,
                int(ezsp.ezsp_version),
                number(eui64),
                manufacturer,
                board,
                int(keys),
                int(payload),
                bool(rewritable),
                int(loader[0]) != 0xFFFF,
            )


@asynccontextmanager
async def _ezsp(report: ProbeReport) -> AsyncIterator[EzspObject]:
    from hw.bellows_ezsp import SmartEnergyEzsp, disconnect

    settings = {"path": report.port, "baudrate": report.baudrate, "flow_control": None}
    ezsp = SmartEnergyEzsp(settings)
    await ezsp.connect(use_thread=False)
    try:
        yield ezsp
    finally:
        await disconnect(ezsp)


async def flash(
    port: str, octets: bytes, progress: Progress, *, despite: tuple[str, ...] = ()
) -> FlashReport:
    """Flash an image and verify it.

    Refuses (WRONG_IMAGE) while a concern is left that ``despite`` does not repeat. After a
    TRANSFER failure the dongle waits in its bootloader: flashing again is the way on.
    """
    image = check_image(octets)
    before = await probe(port)
    left = [concern for concern in concerns(image, before) if concern not in despite]
    if left and before.firmware != BOOTLOADER:
        raise FlashError(Failure.WRONG_IMAGE, "; ".join(left))
    await _transfer(port, image, progress)
    after = await _verified(port, image)
    return FlashReport(before, after, len(image.octets))


async def _transfer(port: str, image: FirmwareImage, progress: Progress) -> None:
    parse = _stock("pygbl", "parse_firmware_image")
    cancelled = _stock("universal_silabs_flasher.gecko_bootloader", "ReceiverCancelled")
    failed = _stock("universal_silabs_flasher.gecko_bootloader", "UploadError")
    flasher = await _probed(port)
    try:
        await flasher.enter_bootloader()
        await flasher.flash_firmware(parse(image.octets), progress_callback=progress)
    except Exception as exc:  # the flasher lets through whatever its serial stack raises
        if isinstance(cancelled, type) and isinstance(exc, cancelled):
            raise FlashError(
                Failure.WRONG_IMAGE,
                "the bootloader refused the image: it is for another board, damaged, or must be "
                "signed. The dongle waits in its bootloader; flash an image that fits.",
            ) from exc
        told = str(exc) or type(exc).__name__
        kind = "rejected" if isinstance(failed, type) and isinstance(exc, failed) else "broken off"
        raise FlashError(
            Failure.TRANSFER,
            f"the transfer was {kind}: {told}. The dongle waits in its bootloader: plug it in "
            "again if it is gone, then flash the same image once more.",
        ) from exc


async def _verified(port: str, image: FirmwareImage) -> ProbeReport:
    try:
        after = await probe(port)
    except FlashError as exc:
        raise FlashError(Failure.VERIFY, f"flashed, but then: {exc}") from exc
    if after.firmware == BOOTLOADER:
        raise FlashError(Failure.VERIFY, "flashed, but the bootloader does not start the image")
    if image.version is not None and not after.version.startswith(image.version):
        raise FlashError(Failure.VERIFY, f"flashed {image.version}, but {after.version} answers")
    return after


# -- the network on the dongle ------------------------------------------------------------------


async def backup(port: str, baudrate: int = 115200) -> dict[str, object]:
    """The network in zigpy's open coordinator format; it holds the keys in clear."""
    from hw.bellows_ezsp import radio_errors

    with radio_errors(f"backing up the dongle at {port}"):
        app = _application(port, baudrate)
        await app.connect()
        try:
            made = await app.backups.create_backup(load_devices=True)
            told: dict[str, object] = json.loads(json.dumps(made.as_open_coordinator_json()))
            return told
        finally:
            await app.shutdown()


async def restore(port: str, saved: Mapping[str, object], baudrate: int = 115200) -> None:
    """Put a backup onto a dongle; counters go on behind the saved ones."""
    from zigpy.backups import NetworkBackup

    from hw.bellows_ezsp import radio_errors

    with radio_errors(f"restoring the dongle at {port}"):
        try:
            wanted = NetworkBackup.from_open_coordinator_json(dict(saved))
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise FlashError(Failure.USAGE, f"this is no coordinator backup: {exc!r}") from exc
        app = _application(port, baudrate)
        await app.connect()
        try:
            await app.backups.restore_backup(wanted)
        finally:
            await app.shutdown()


def _application(port: str, baudrate: int) -> ControllerApplication:
    from bellows.zigbee.application import ControllerApplication

    return ControllerApplication(
        {
            "device": {"path": port, "baudrate": baudrate},
            "use_thread": False,
            "backup_enabled": False,
            "topology_scan_enabled": False,
            "watchdog_enabled": False,
        }
    )


async def write_eui64(port: str, eui64: int, *, burn: bool = False, baudrate: int = 115200) -> None:
    """Give the dongle another address; without a rewritable store it can be burned once."""
    from hw.bellows_ezsp import eui64 as to_eui64
    from hw.bellows_ezsp import radio_errors

    with radio_errors(f"writing the address of the dongle at {port}"):
        async with _ezsp(ProbeReport(port, EZSP, "", baudrate)) as ezsp:
            await ezsp.write_custom_eui64(to_eui64(eui64), burn_into_userdata=burn)
