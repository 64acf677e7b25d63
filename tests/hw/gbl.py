"""Firmware images for the fake dongle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from struct import pack
from zlib import crc32

from hw.gbl import TAG_APPLICATION, TAG_END, TAG_HEADER, TAG_METADATA

TAG_PROGRAM = 0xFE0101FE


def build_image(
    program: bytes, *, product_id: bytes, metadata: Mapping[str, object] | None = None
) -> bytes:
    """A plain GBL with one program section."""
    tags = [
        (TAG_HEADER, pack("<II", 3 << 24, 0)),
        (TAG_APPLICATION, pack("<III16s", 1, 1, 0, product_id)),
    ]
    if metadata is not None:
        told = json.dumps(metadata).encode()
        tags.append((TAG_METADATA, told + b"\0" * (-len(told) % 4)))
    tags.append((TAG_PROGRAM, bytes(4) + program + b"\xff" * (-len(program) % 4)))
    octets = b"".join(pack("<II", tag, len(data)) + data for tag, data in tags)
    octets += pack("<II", TAG_END, 4)
    return octets + crc32(octets).to_bytes(4, "little")
