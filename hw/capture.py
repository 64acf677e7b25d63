"""Captures: pcap files of 802.15.4 frames, which Wireshark opens as they are.

Link type 195 is the bare frame with its FCS, which every tool reads. Link type 283 (IEEE 802.15.4
TAP) puts RSSI, LQI and channel in front of it.

The keys are not in the file: Wireshark takes them from its own table, see
:func:`wireshark_key_option`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from struct import Struct
from typing import BinaryIO, Final

from hw.air_link import CLEAR, Link
from hw.zigbee.mac import frame_check_sequence


class LinkType(IntEnum):
    """What a record of a capture holds."""

    WITH_FCS = 195
    TAP = 283


_MAGIC_MICROSECONDS: Final = 0xA1B2C3D4
_FILE_HEADER: Final = Struct("<IHHiIII")
_RECORD_HEADER: Final = Struct("<IIII")
_SNAP_LENGTH: Final = 256
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

# 802.15.4 TAP: version, length of the header, then fields of type, length, value, padding to 4
_TAP: Final = Struct("<BxH HHBxxx HHf HHHBx HHBxxx")
_FCS_TYPE, _RSS, _CHANNEL, _LQI = 0, 1, 3, 10
_FCS_16_BIT: Final = 1
_PAGE_2400_MHZ: Final = 0


class PcapWriter:
    """Writes every frame of the air to a binary file, stamped by ``now`` (aware UTC).

    A file opened for appending that holds a capture already is continued; it must be of the same
    link type, which only who opened it can tell.
    """

    def __init__(
        self,
        file: BinaryIO,
        now: Callable[[], datetime],
        link_type: LinkType = LinkType.WITH_FCS,
    ) -> None:
        self._file = file
        self._now = now
        self._link_type = link_type
        if file.tell() == 0:
            file.write(_FILE_HEADER.pack(_MAGIC_MICROSECONDS, 2, 4, 0, 0, _SNAP_LENGTH, link_type))

    def frame(self, psdu: bytes, channel: int = 0, link: Link = CLEAR) -> None:
        """Append one frame, given without FCS."""
        seconds, microseconds = divmod((self._now() - _EPOCH) // _MICROSECOND, 1_000_000)
        octets = psdu + frame_check_sequence(psdu)
        if self._link_type is LinkType.TAP:
            octets = _tap_header(channel, link) + octets
        record = _RECORD_HEADER.pack(seconds, microseconds, len(octets), len(octets))
        self._file.write(record + octets)

    def flush(self) -> None:
        """Hand everything written so far to the operating system."""
        self._file.flush()


def _tap_header(channel: int, link: Link) -> bytes:
    return _TAP.pack(
        0, _TAP.size,
        _FCS_TYPE, 1, _FCS_16_BIT,
        _RSS, 4, float(link.rssi_dbm),
        _CHANNEL, 3, channel, _PAGE_2400_MHZ,
        _LQI, 1, link.lqi,
    )  # fmt: skip


def link_type_of(head: bytes) -> LinkType | None:
    """The link type of a capture by its first 24 octets; None when it is not one of ours."""
    if len(head) < _FILE_HEADER.size:
        return None
    magic, *_, link_type = _FILE_HEADER.unpack_from(head)
    known = magic == _MAGIC_MICROSECONDS and link_type in LinkType._value2member_map_
    return LinkType(link_type) if known else None


def wireshark_key_option(key: bytes, label: str) -> str:
    """The ``-o`` argument that gives tshark or Wireshark one network or link key (a secret)."""
    return f'uat:zigbee_pc_keys:"{key.hex(":").upper()}","Normal","{label}"'
