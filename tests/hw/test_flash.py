"""Flashing, backup and the address of a dongle, end to end on the fake one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hw.ether import Ether
from hw.flash import (
    Failure,
    FlashError,
    backup,
    check_image,
    concerns,
    flash,
    probe,
    restore,
    write_eui64,
)
from hw.vncp.bootloader import PRODUCT_ID, DongleWithBootloader
from hw.vncp.ncp import VirtualNcp
from hw.vncp.transport import publish, withdraw
from tests.hw.air import HUB, METER, needed
from tests.hw.gbl import build_image

needed("universal_silabs_flasher")

PORT = "vncp://flash"


def _image(version: str = "7.4.5.0", **metadata: object) -> bytes:
    told = {"metadata_version": 2, "ezsp_version": version, "fw_type": "zigbee_ncp", **metadata}
    return build_image(bytes(3000), product_id=PRODUCT_ID, metadata=told)


@pytest.fixture
async def dongle() -> AsyncIterator[DongleWithBootloader]:
    device = DongleWithBootloader(VirtualNcp(Ether(), HUB, ezsp_version=13))
    device.ncp.form_once(15)
    publish("flash", device)
    yield device
    withdraw("flash")
    device.drop_line()


def _ignore(done: int, total: int) -> None: ...


async def test_a_probe_tells_what_runs(dongle: DongleWithBootloader) -> None:
    told = await probe(PORT)
    assert (told.firmware, told.version, told.baudrate) == ("ezsp", "7.4.4.0 build 0", 115200)
    assert (told.ezsp_version, told.eui64, told.board) == (13, HUB, "virtual dongle")
    assert (told.key_table_size, told.max_payload_octets) == (12, 74)
    assert told.eui64_rewritable
    assert told.bootloader_installed


async def test_flashing_verifies_the_new_version(dongle: DongleWithBootloader) -> None:
    dongle.mishaps.refuse_block = 2
    heard: list[tuple[int, int]] = []
    report = await flash(PORT, _image(), lambda done, total: heard.append((done, total)))
    assert report.before.version == "7.4.4.0 build 0"
    assert report.after.version == "7.4.5.0 build 0"
    assert heard[-1][0] == heard[-1][1]
    assert dongle.ncp.stack.state.membership is not None


@pytest.mark.parametrize("mishap", ["power_loss_at_block", "cancel_at_block"])
async def test_after_a_broken_transfer_a_second_one_works(
    dongle: DongleWithBootloader, mishap: str
) -> None:
    setattr(dongle.mishaps, mishap, 4)
    with pytest.raises(FlashError, match="bootloader") as failed:
        await flash(PORT, _image(), _ignore)
    assert failed.value.kind in (Failure.TRANSFER, Failure.WRONG_IMAGE)
    assert (await probe(PORT)).firmware == "bootloader"
    assert (await flash(PORT, _image(), _ignore)).after.version == "7.4.5.0 build 0"


async def test_another_version_than_promised_is_noticed(dongle: DongleWithBootloader) -> None:
    image = _image("7.4.5.0")
    dongle.ncp.install = lambda version: None  # type: ignore[method-assign] # the old one goes on
    with pytest.raises(FlashError, match=r"7\.4\.4\.0") as failed:
        await flash(PORT, image, _ignore)
    assert failed.value.kind is Failure.VERIFY


async def test_a_concern_stops_unless_it_is_repeated(dongle: DongleWithBootloader) -> None:
    image = _image(baudrate=460800)
    told = concerns(check_image(image), await probe(PORT))
    assert told == ["the image talks at 460800 baud, the dongle now at 115200"]
    with pytest.raises(FlashError) as failed:
        await flash(PORT, image, _ignore)
    assert failed.value.kind is Failure.WRONG_IMAGE
    await flash(PORT, image, _ignore, despite=tuple(told))


async def test_an_image_for_another_board_is_refused_by_the_board(
    dongle: DongleWithBootloader,
) -> None:
    other = build_image(
        bytes(99), product_id=b"another product!", metadata={"ezsp_version": "1.2.3"}
    )
    with pytest.raises(FlashError, match="another board") as failed:
        await flash(PORT, other, _ignore)
    assert failed.value.kind is Failure.WRONG_IMAGE


async def test_no_dongle_is_a_failure_of_its_own() -> None:
    with pytest.raises(FlashError, match="/dev/no-such-port") as failed:
        await probe("/dev/no-such-port")
    assert failed.value.kind is Failure.NO_DEVICE


async def test_a_backup_comes_back(dongle: DongleWithBootloader) -> None:
    saved = await backup(PORT)
    before = dongle.ncp.stack.state.membership
    assert before is not None
    dongle.ncp.stack.forget()
    await restore(PORT, saved)
    after = dongle.ncp.stack.state.membership
    assert after is not None
    assert (after.network_key, after.pan_id) == (before.network_key, before.pan_id)
    with pytest.raises(FlashError, match="no coordinator backup"):
        await restore(PORT, {"format": "something else"})


async def test_the_address_can_be_written_again_where_firmware_can(
    dongle: DongleWithBootloader,
) -> None:
    await write_eui64(PORT, METER)
    assert (await probe(PORT)).eui64 == METER
