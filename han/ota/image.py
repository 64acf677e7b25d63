"""Firmware images: the Zigbee OTA header, and the GB image behind it (GBCS, firmware).

A GB image has no sub-elements: header, Manufacturer Image, one octet (force replace, for hubs), the
length 0x40 and the supplier's ECDSA signature over the Manufacturer Image.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Final, Self

from gbcs.errors import MalformedMessage

MAGIC: Final = 0x0BEEF11E
HEADER_VERSION: Final = 0x0100
STACK_VERSION_PRO: Final = 0x0002
SIGNATURE_OCTETS: Final = 64
_FIXED: Final = Struct("<IHHHHHIH32sI")
_HARDWARE: Final = Struct("<HH")
_SECURITY_CREDENTIAL, _DESTINATION, _HARDWARE_VERSIONS = 0x0001, 0x0002, 0x0004


@dataclass(frozen=True, slots=True)
class ImageKey:
    """What an image is for: manufacturer code and image type."""

    manufacturer: int
    image_type: int


@dataclass(frozen=True, slots=True)
class OtaHeader:
    """The header of an OTA file; ``image_octets`` counts the whole file."""

    key: ImageKey
    file_version: int
    image_octets: int
    text: bytes = b""
    stack_version: int = STACK_VERSION_PRO
    hardware: tuple[int, int] | None = None
    header_octets: int = _FIXED.size + _HARDWARE.size

    @classmethod
    def parse(cls, octets: bytes) -> Self:
        """Read the head of a file; MalformedMessage when it is not an OTA file."""
        if len(octets) < _FIXED.size:
            raise MalformedMessage("an OTA header is cut short", offset=len(octets))
        magic, version, size, control, maker, kind, file_version, stack, text, total = (
            _FIXED.unpack_from(octets)
        )
        if magic != MAGIC or version != HEADER_VERSION:
            raise MalformedMessage("not an OTA file", offset=0)
        at = _FIXED.size
        at += 1 if control & _SECURITY_CREDENTIAL else 0
        at += 8 if control & _DESTINATION else 0
        hardware = None
        if control & _HARDWARE_VERSIONS:
            if len(octets) < at + _HARDWARE.size:
                raise MalformedMessage("an OTA header is cut short", offset=at)
            hardware = _HARDWARE.unpack_from(octets, at)
            at += _HARDWARE.size
        if size < at or total < size:
            raise MalformedMessage("an OTA header contradicts itself", offset=6)
        key = ImageKey(maker, kind)
        return cls(key, file_version, total, text.rstrip(b"\0"), stack, hardware, size)

    def to_bytes(self) -> bytes:
        """Encode; hardware versions are the only optional field written."""
        control = 0 if self.hardware is None else _HARDWARE_VERSIONS
        fixed = _FIXED.pack(
            MAGIC,
            HEADER_VERSION,
            self.header_octets,
            control,
            self.key.manufacturer,
            self.key.image_type,
            self.file_version,
            self.stack_version,
            self.text.ljust(32, b"\0"),
            self.image_octets,
        )
        return fixed if self.hardware is None else fixed + _HARDWARE.pack(*self.hardware)


@dataclass(frozen=True, slots=True)
class GbImage:
    """A GB firmware image."""

    header: OtaHeader
    manufacturer_image: bytes
    signature: bytes
    force_replace: int = 0

    @classmethod
    def build(
        cls,
        key: ImageKey,
        file_version: int,
        manufacturer_image: bytes,
        signature: bytes,
        hardware: tuple[int, int] = (0, 0xFFFF),
    ) -> Self:
        """An image of these parts, with the header they need."""
        if len(signature) != SIGNATURE_OCTETS:
            raise ValueError(f"a signature has {SIGNATURE_OCTETS} octets, not {len(signature)}")
        size = _FIXED.size + _HARDWARE.size
        total = size + len(manufacturer_image) + 2 + SIGNATURE_OCTETS
        header = OtaHeader(key, file_version, total, hardware=hardware)
        return cls(header, manufacturer_image, signature)

    @classmethod
    def parse(cls, octets: bytes) -> Self:
        """Read a whole image; MalformedMessage when its lengths do not fit together."""
        header = OtaHeader.parse(octets)
        tail = 2 + SIGNATURE_OCTETS
        if len(octets) != header.image_octets or len(octets) < header.header_octets + tail:
            raise MalformedMessage("the image is not as long as its header says")
        end = len(octets) - tail
        if octets[end + 1] != SIGNATURE_OCTETS:
            raise MalformedMessage("the signature's length is not 0x40", offset=end + 1)
        body = octets[header.header_octets : end]
        return cls(header, body, octets[end + 2 :], octets[end])

    def to_bytes(self) -> bytes:
        """Encode."""
        tail = bytes((self.force_replace, SIGNATURE_OCTETS)) + self.signature
        return self.header.to_bytes() + self.manufacturer_image + tail

    @property
    def hash(self) -> bytes:
        """SHA-256 of the Manufacturer Image, which activation (CS06) quotes."""
        return sha256(self.manufacturer_image).digest()
