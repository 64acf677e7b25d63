"""Firmware images of Silicon Labs dongles: GBL version 3, and a Zigbee OTA file around one.

Enough to say what an image is for, and whether it is whole, before a dongle is asked to take it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from struct import Struct, error
from typing import Final
from zlib import crc32

TAG_HEADER: Final = 0x03A617EB
TAG_APPLICATION: Final = 0xF40A0AF4
TAG_BOOTLOADER: Final = 0xF50909F5
TAG_METADATA: Final = 0xF60808F6
TAG_END: Final = 0xFC0404FC
OTA_MAGIC: Final = 0x0BEEF11E
OTA_UPGRADE_IMAGE: Final = 0x0000
_TAG: Final = Struct("<II")
_HEADER: Final = Struct("<II")
_APPLICATION: Final = Struct("<III16s")
_OTA_FIXED: Final = Struct("<IHHHHHIH32sI")
_OTA_ELEMENT: Final = Struct("<HI")
_ENCRYPTED: Final = 0x00000001
_SIGNED: Final = 0x00000100


class NotAnImage(ValueError):
    """The octets are no firmware image that a dongle could take, and why."""


@dataclass(frozen=True, slots=True)
class FirmwareImage:
    """What an image says of itself; ``product_id`` guards against the firmware of another board."""

    octets: bytes = field(repr=False)
    application_type: int | None = None
    application_version: int | None = None
    product_id: bytes | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    encrypted: bool = False
    signed: bool = False
    bootloader: bool = False
    unwrapped: bool = False  # it came inside a Zigbee OTA file

    @property
    def version(self) -> str | None:
        """The firmware version its metadata names, EmberZNet's before the SDK's."""
        for name in ("ezsp_version", "sdk_version"):
            told = self.metadata.get(name)
            if isinstance(told, str):
                return told
        return None


def read_image(octets: bytes) -> FirmwareImage:
    """Check and describe an image; NotAnImage says what is wrong with it."""
    inner = _unwrap_ota(octets)
    tags, end = _tags(inner)
    image = FirmwareImage(inner[:end], unwrapped=inner is not octets)
    for tag, data in tags:
        image = _told_by(tag, data, image)
    return image


def _told_by(tag: int, data: bytes, image: FirmwareImage) -> FirmwareImage:
    if tag == TAG_HEADER and len(data) >= _HEADER.size:
        _, flags = _HEADER.unpack_from(data)
        return replace(image, encrypted=bool(flags & _ENCRYPTED), signed=bool(flags & _SIGNED))
    if tag == TAG_APPLICATION:
        if len(data) < _APPLICATION.size:
            raise NotAnImage("the application tag is cut short")
        kind, version, _, product = _APPLICATION.unpack_from(data)
        return replace(
            image, application_type=kind, application_version=version, product_id=product
        )
    if tag == TAG_METADATA:
        return replace(image, metadata=_metadata(data))
    return replace(image, bootloader=True) if tag == TAG_BOOTLOADER else image


def _metadata(data: bytes) -> dict[str, object]:
    try:
        told = json.loads(data.rstrip(b"\0"))
    except ValueError:
        return {}
    return dict(told) if isinstance(told, dict) else {}


def _tags(octets: bytes) -> tuple[list[tuple[int, bytes]], int]:
    """Every tag, and where the image ends (what follows is padding)."""
    if octets[:1] == b":" or octets[:2] == b"S0":
        raise NotAnImage("this is an Intel HEX or S-record file; a .gbl is needed")
    if octets[:4] == b"\x7fELF":
        raise NotAnImage("this is an ELF file; a .gbl is needed")
    if len(octets) < 16 or int.from_bytes(octets[:4], "little") != TAG_HEADER:
        raise NotAnImage("this is not a GBL image of version 3")
    tags: list[tuple[int, bytes]] = []
    offset = 0
    while offset + _TAG.size <= len(octets):
        tag, length = _TAG.unpack_from(octets, offset)
        start = offset + _TAG.size
        if start + length > len(octets):
            raise NotAnImage(f"the image is cut short in the tag at octet {offset}")
        data = octets[start : start + length]
        tags.append((tag, data))
        if tag == TAG_END:
            if crc32(octets[:start]) != int.from_bytes(data[:4], "little"):
                raise NotAnImage("the checksum of the image is wrong")
            return tags, start + length
        offset = start + length
    raise NotAnImage("the image is cut short: it has no end tag")


def _unwrap_ota(octets: bytes) -> bytes:
    """The GBL inside a Zigbee OTA file; other files as they are."""
    if len(octets) < 4 or int.from_bytes(octets[:4], "little") != OTA_MAGIC:
        return octets
    try:
        fields = _OTA_FIXED.unpack_from(octets)
        offset = fields[2]
        while offset < len(octets):
            kind, length = _OTA_ELEMENT.unpack_from(octets, offset)
            start = offset + _OTA_ELEMENT.size
            if kind == OTA_UPGRADE_IMAGE:
                if start + length > len(octets):
                    raise NotAnImage("the OTA file is cut short")
                return octets[start : start + length]
            offset = start + length
    except error:
        raise NotAnImage("the OTA file is cut short") from None
    raise NotAnImage("the OTA file holds no upgrade image")
