"""Payloads of the OTA Upgrade cluster 0x0019."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from han.zcl.payload import U8, U16, U32, Octets, Rest, Utc

WAIT_FOR_COMMAND: Final = 0xFFFFFFFF
"""Upgrade time in GB: activation comes by CS06 only."""
QUERY_JITTER: Final = 100


class ToServer(IntEnum):
    """Commands of the device."""

    QUERY_NEXT_IMAGE_REQUEST = 0x01
    IMAGE_BLOCK_REQUEST = 0x03
    UPGRADE_END_REQUEST = 0x06


class ToDevice(IntEnum):
    """Commands of the hub."""

    IMAGE_NOTIFY = 0x00
    QUERY_NEXT_IMAGE_RESPONSE = 0x02
    IMAGE_BLOCK_RESPONSE = 0x05
    UPGRADE_END_RESPONSE = 0x07


@dataclass(frozen=True, slots=True)
class ImageNotify:
    """There may be an image; type 0 names none."""

    payload_type: U8 = 0
    query_jitter: U8 = QUERY_JITTER


@dataclass(frozen=True, slots=True)
class QueryNextImageRequest:
    """Is there an image for this device? The hardware version follows with field control 1."""

    field_control: U8
    manufacturer: U16
    image_type: U16
    file_version: U32
    hardware_version: U16 | None = None


@dataclass(frozen=True, slots=True)
class QueryNextImageResponse:
    """The image, when the status is SUCCESS."""

    status: U8
    manufacturer: U16 | None = None
    image_type: U16 | None = None
    file_version: U32 | None = None
    image_octets: U32 | None = None


@dataclass(frozen=True, slots=True)
class ImageBlockRequest:
    """Some octets of the image; node address and delay may follow."""

    field_control: U8
    manufacturer: U16
    image_type: U16
    file_version: U32
    offset: U32
    max_octets: U8
    rest: Rest = b""


@dataclass(frozen=True, slots=True)
class ImageBlock:
    """Some octets of the image (behind the status SUCCESS)."""

    manufacturer: U16
    image_type: U16
    file_version: U32
    offset: U32
    data: Octets


@dataclass(frozen=True, slots=True)
class WaitForData:
    """Ask for the block again later (behind the status WAIT_FOR_DATA)."""

    current_time: Utc
    request_time: Utc
    min_block_period_ms: U16 | None = None


@dataclass(frozen=True, slots=True)
class UpgradeEndRequest:
    """How the download ended."""

    status: U8
    manufacturer: U16
    image_type: U16
    file_version: U32


@dataclass(frozen=True, slots=True)
class UpgradeEndResponse:
    """When to start the image."""

    manufacturer: U16
    image_type: U16
    file_version: U32
    current_time: Utc
    upgrade_time: Utc = WAIT_FOR_COMMAND
