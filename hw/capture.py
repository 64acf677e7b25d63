"""Captures.

A pcap writer for 802.15.4 frames with FCS (link type 195), which Wireshark opens as they are.

The keys are not in the file: Wireshark takes them from its own table, see
:func:`wireshark_key_option`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import BinaryIO, Final

from hw.zigbee.mac import frame_check_sequence

LINK_TYPE_802_15_4_WITH_FCS: Final = 195
_MAGIC_MICROSECONDS: Final = 0xA1B2C3D4
_FILE_HEADER: Final = Struct("<IHHiIII")
_RECORD_HEADER: Final = Struct("<IIII")
_SNAP_LENGTH: Final = 256
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class PcapWriter:
    """Writes every frame of the air to a binary file, stamped by ``now`` (aware UTC).

    A file opened for appending that holds a capture already is continued.
    """

    def __init__(self, file: BinaryIO, now: Callable[[], datetime]) -> None:
        self._file = file
        self._now = now
        if file.tell() == 0:
            file.write(
                _FILE_HEADER.pack(
                    _MAGIC_MICROSECONDS, 2, 4, 0, 0, _SNAP_LENGTH, LINK_TYPE_802_15_4_WITH_FCS
                )
            )

    def frame(self, psdu: bytes, channel: int = 0) -> None:
        """Append one frame, given without FCS; this link type has no place for the channel."""
        seconds, microseconds = divmod((self._now() - _EPOCH) // _MICROSECOND, 1_000_000)
        octets = psdu + frame_check_sequence(psdu)
        record = _RECORD_HEADER.pack(seconds, microseconds, len(octets), len(octets))
        self._file.write(record + octets)

    def flush(self) -> None:
        """Hand everything written so far to the operating system."""
        self._file.flush()


def wireshark_key_option(key: bytes, label: str) -> str:
    """The ``-o`` argument that gives tshark or Wireshark one network or link key (a secret)."""
    return f'uat:zigbee_pc_keys:"{key.hex(":").upper()}","Normal","{label}"'
