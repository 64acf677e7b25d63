"""A dongle with a bootloader: the virtual NCP is its application, a Gecko bootloader beside it.

The bootloader has the menu, the XMODEM-CRC receiver and the checks of the real one: an image for
another board or one that is no image is cancelled, a transfer that ends early leaves no
application. ``Mishaps`` makes it misbehave on purpose.
"""

from __future__ import annotations

import asyncio
from binascii import crc_hqx
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from hw.gbl import FirmwareImage, NotAnImage, read_image
from hw.vncp.ncp import VirtualNcp

SOH: Final = 0x01
EOT: Final = 0x04
ACK: Final = b"\x06"
NAK: Final = b"\x15"
CAN: Final = b"\x18"
READY: Final = b"C"
BLOCK_OCTETS: Final = 128
PACKET_OCTETS: Final = 3 + BLOCK_OCTETS + 2
READY_EVERY_S: Final = 1.0
APPLICATION_BAUD: Final = 115200
BOOTLOADER_BAUD: Final = 115200
BOOTLOADER_VERSION: Final = "2.04.01"
PRODUCT_ID: Final = b"chub virtual dgl"
MENU: Final = (
    f"\r\nGecko Bootloader v{BOOTLOADER_VERSION}\r\n1. upload gbl\r\n2. run\r\n3. ebl info\r\nBL > "
).encode()


class Mode(Enum):
    """What runs on the dongle."""

    APPLICATION = "application"
    MENU = "bootloader menu"
    UPLOAD = "upload"


@dataclass(slots=True)
class Mishaps:
    """What shall go wrong, by block number (from 1); each happens once."""

    refuse_block: int | None = None
    cancel_at_block: int | None = None
    power_loss_at_block: int | None = None


@dataclass(slots=True)
class DongleWithBootloader:
    """Both firmwares behind one line; hand it to ``publish``, ``listen`` or ``PtyLine``."""

    ncp: VirtualNcp
    application_baud: int = APPLICATION_BAUD
    bootloader_baud: int = BOOTLOADER_BAUD
    product_id: bytes = PRODUCT_ID
    mishaps: Mishaps = field(default_factory=Mishaps)
    mode: Mode = Mode.APPLICATION
    flashed: bytes = field(default=b"", repr=False)
    has_application: bool = True
    _write: Callable[[bytes], None] | None = None
    _closed: Callable[[], None] | None = None
    _baud: int | None = None
    _received: bytearray = field(default_factory=bytearray)
    _image: bytearray = field(default_factory=bytearray)
    _block: int = 0
    _ready_timer: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self.ncp.launch_bootloader = self.enter_bootloader

    # -- the line -------------------------------------------------------------------------------

    def connect(
        self,
        write: Callable[[bytes], None],
        closed: Callable[[], None],
        baudrate: int | None = None,
    ) -> None:
        """A host opened the line; at another baud rate nobody understands anybody."""
        former = self._closed
        self.disconnect()
        if former is not None:
            former()
        self._write, self._closed, self._baud = write, closed, baudrate
        if self.mode is Mode.APPLICATION:
            self.ncp.connect(self._from_application, closed)

    def disconnect(self) -> None:
        """The host closed the line."""
        self.ncp.disconnect()
        self._stop_asking()
        self._write = self._closed = None

    def disconnect_from(self, write: Callable[[bytes], None]) -> None:
        """Close the line only if it is still this host's."""
        if self._write == write:
            self.disconnect()

    def drop_line(self) -> None:
        """Pull the dongle out of its port."""
        closed = self._closed
        self.disconnect()
        self.ncp.drop_line()
        if closed is not None:
            closed()

    def receive(self, octets: bytes) -> None:
        """Octets from the host."""
        if self.mode is Mode.APPLICATION:
            if self._understands(self.application_baud):
                self.ncp.receive(octets)
        elif self._understands(self.bootloader_baud):
            self._received += octets
            self._work()

    def _understands(self, baud: int) -> bool:
        return self._baud in (None, baud)

    def _from_application(self, octets: bytes) -> None:
        if self._write is not None and self._understands(self.application_baud):
            self._write(octets)

    def _put(self, octets: bytes) -> None:
        if self._write is not None and self._understands(self.bootloader_baud):
            self._write(octets)

    # -- menu -----------------------------------------------------------------------------------

    def enter_bootloader(self) -> None:
        """The application hands over."""
        self.ncp.reset()
        self.ncp.stack.power_off()
        self.ncp.disconnect()
        self.mode = Mode.MENU
        self._received.clear()
        self._put(MENU)

    def _work(self) -> None:
        while self._received:
            before = len(self._received), self.mode
            if self.mode is Mode.UPLOAD:
                self._packet()
            elif self.mode is Mode.MENU:
                self._choice(self._received.pop(0))
            else:
                self._received.clear()
            if before == (len(self._received), self.mode):
                return

    def _choice(self, octet: int) -> None:
        if octet == ord("1"):
            self._begin_upload()
        elif octet == ord("2"):
            self._run()
        elif octet == ord("3"):
            self._put(MENU)

    def _run(self) -> None:
        if not self.has_application:
            self._put(MENU)
            return
        self.mode = Mode.APPLICATION
        if self.flashed:
            self.ncp.install(read_image(self.flashed).version)
        if self._write is not None and self._closed is not None:
            self.ncp.connect(self._from_application, self._closed)

    # -- XMODEM ---------------------------------------------------------------------------------

    def _begin_upload(self) -> None:
        self.mode = Mode.UPLOAD
        self._image.clear()
        self._received.clear()
        self._block = 0
        self._put(b"\r\nbegin upload\r\n")
        self._ask()

    def _ask(self) -> None:
        self._put(READY)
        self._ready_timer = asyncio.get_running_loop().call_later(READY_EVERY_S, self._ask)

    def _stop_asking(self) -> None:
        if self._ready_timer is not None:
            self._ready_timer.cancel()
            self._ready_timer = None

    def _packet(self) -> None:
        first = self._received[0]
        if first == EOT:
            self._received.pop(0)
            self._end_upload()
        elif first != SOH:
            self._received.pop(0)
        elif len(self._received) >= PACKET_OCTETS:
            packet = bytes(self._received[:PACKET_OCTETS])
            del self._received[:PACKET_OCTETS]
            self._stop_asking()
            self._take(packet)

    def _take(self, packet: bytes) -> None:
        number, complement, block = packet[1], packet[2], packet[3:-2]
        whole = number ^ complement == 0xFF
        if not whole or crc_hqx(block, 0) != int.from_bytes(packet[-2:], "big"):
            self._put(NAK)
            return
        if number == self._block & 0xFF and self._block:
            self._put(ACK)  # our acknowledgement was lost
            return
        if number != self._block + 1 & 0xFF:
            self._put(CAN)
            self._abort("sequence error")
            return
        if self._goes_wrong(self._block + 1):
            return
        self._block += 1
        self._image += block
        self.has_application = False  # it is being overwritten
        refused = self._refusal()
        if refused is not None:
            self._put(CAN)
            self._abort(refused)
        else:
            self._put(ACK)

    def _goes_wrong(self, block: int) -> bool:
        mishaps = self.mishaps
        if block == mishaps.refuse_block:
            mishaps.refuse_block = None
            self._put(NAK)
            return True
        if block == mishaps.cancel_at_block:
            mishaps.cancel_at_block = None
            self._put(CAN)
            self._abort("cancelled")
            return True
        if block == mishaps.power_loss_at_block:
            mishaps.power_loss_at_block = None
            self.has_application = False
            self.mode = Mode.MENU
            self.drop_line()
            return True
        return False

    def _refusal(self) -> str | None:
        """What the first block already tells: whether it is an image, and for this board."""
        if self._block != 1:
            return None
        if self._image[:4] != b"\xeb\x17\xa6\x03":
            return "not a GBL image"
        if self.product_id not in self._image:
            return "image for another product"
        return None

    def _abort(self, reason: str) -> None:
        self._stop_asking()
        self.mode = Mode.MENU
        self._put(f"\r\nSerial upload aborted\r\n{reason}\r\n".encode() + b"\0" + MENU)

    def _end_upload(self) -> None:
        self._put(ACK)
        try:
            image: FirmwareImage = read_image(bytes(self._image))
        except NotAnImage as exc:
            self._abort(str(exc))
            return
        self.flashed = image.octets
        self.has_application = True
        self.mode = Mode.MENU
        self._put(b"\r\nSerial upload complete\r\n\0" + MENU)
