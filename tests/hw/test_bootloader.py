"""The fake dongle with a bootloader, flashed by the unmodified universal-silabs-flasher."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import pytest

from hw.ether import Ether
from hw.gbl import NotAnImage, read_image
from hw.vncp.bootloader import PRODUCT_ID, DongleWithBootloader, Mode
from hw.vncp.ncp import VirtualNcp
from hw.vncp.transport import publish, withdraw
from tests.hw.air import HUB, needed
from tests.hw.gbl import build_image

flashing = needed("universal_silabs_flasher.flasher")
gecko = needed("universal_silabs_flasher.gecko_bootloader")
pygbl = needed("pygbl")

PROGRAM = bytes(range(256)) * 16
METADATA = {"metadata_version": 2, "ezsp_version": "8.0.2.0", "fw_type": "zigbee_ncp"}
IMAGE = build_image(PROGRAM, product_id=PRODUCT_ID, metadata=METADATA)


@pytest.fixture
async def dongle() -> AsyncIterator[DongleWithBootloader]:
    device = DongleWithBootloader(VirtualNcp(Ether(), HUB, ezsp_version=13))
    publish("flash", device)
    yield device
    withdraw("flash")
    device.drop_line()


_flasher = partial(flashing.Flasher, device="vncp://flash")


def test_our_images_are_images_to_pygbl() -> None:
    parsed = pygbl.parse_firmware_image(IMAGE)
    assert parsed.serialize() == IMAGE
    told = read_image(IMAGE)
    assert (told.version, told.product_id) == ("8.0.2.0", PRODUCT_ID)


async def test_the_stock_flasher_probes_and_flashes(dongle: DongleWithBootloader) -> None:
    flasher = _flasher()
    await flasher.probe_app_type()
    assert (flasher.app_type.value, flasher.app_baudrate) == ("ezsp", 115200)
    assert str(flasher.app_version.orig_version).startswith("7.4.4.0")
    dongle.mishaps.refuse_block = 3
    await flasher.enter_bootloader()
    assert dongle.mode is Mode.MENU
    blocks: list[int] = []
    await flasher.flash_firmware(
        pygbl.parse_firmware_image(IMAGE), progress_callback=lambda done, _: blocks.append(done)
    )
    assert dongle.flashed == IMAGE
    assert blocks[-1] >= len(IMAGE)
    after = _flasher()
    await after.probe_app_type()
    assert str(after.app_version.orig_version).startswith("8.0.2.0")


async def test_another_baud_rate_is_found_by_trying(dongle: DongleWithBootloader) -> None:
    dongle.application_baud = 460800
    flasher = _flasher()
    await flasher.probe_app_type()
    assert flasher.app_baudrate == 460800


async def test_a_cancelled_transfer_leaves_the_bootloader_and_a_second_try_works(
    dongle: DongleWithBootloader,
) -> None:
    dongle.mishaps.cancel_at_block = 5
    flasher = _flasher()
    await flasher.enter_bootloader()
    image = pygbl.parse_firmware_image(IMAGE)
    with pytest.raises(gecko.ReceiverCancelled):
        await flasher.flash_firmware(image)
    assert not dongle.has_application
    again = _flasher()
    await again.probe_app_type()
    assert again.app_type.value == "bootloader"
    await again.enter_bootloader()
    await again.flash_firmware(image)
    assert dongle.flashed == IMAGE
    assert dongle.mode is Mode.APPLICATION


async def test_power_loss_in_the_middle_is_survived(dongle: DongleWithBootloader) -> None:
    dongle.mishaps.power_loss_at_block = 9
    flasher = _flasher()
    await flasher.enter_bootloader()
    image = pygbl.parse_firmware_image(IMAGE)
    with pytest.raises((OSError, RuntimeError)):
        await flasher.flash_firmware(image)
    assert not dongle.has_application
    await flasher.flash_firmware(image)
    assert dongle.flashed == IMAGE


async def test_an_image_for_another_board_is_refused(dongle: DongleWithBootloader) -> None:
    other = build_image(PROGRAM, product_id=b"another product!")
    flasher = _flasher()
    await flasher.enter_bootloader()
    with pytest.raises(gecko.ReceiverCancelled):
        await flasher.flash_firmware(pygbl.parse_firmware_image(other))
    assert not dongle.flashed


def _ota(image: bytes) -> bytes:
    head = (0x0BEEF11E).to_bytes(4, "little") + (0x0100).to_bytes(2, "little")
    head += (56).to_bytes(2, "little") + bytes(48)
    return head + bytes(2) + len(image).to_bytes(4, "little") + image


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"", "not a GBL"),
        (b":100000000C9434000C943E00", "HEX"),
        (b"\x7fELF" + bytes(64), "ELF"),
        (IMAGE[:-100], "cut short"),
        (IMAGE[:-1] + b"\0", "checksum"),
        (IMAGE[:80] + b"\1" + IMAGE[81:], "checksum"),
        (_ota(IMAGE)[:-40], "cut short"),
    ],
)
def test_what_is_no_image_is_refused_with_the_reason(octets: bytes, said: str) -> None:
    with pytest.raises(NotAnImage, match=said):
        read_image(octets)


def test_an_ota_file_is_unwrapped() -> None:
    told = read_image(_ota(IMAGE))
    assert told.unwrapped
    assert told.octets == IMAGE
