"""Outcomes of EZSP commands, in the three numberings that EZSP versions use."""

from __future__ import annotations

from enum import Enum


class Status(Enum):
    """(EmberStatus, EzspStatus, sl_Status).

    EmberStatus up to EZSP 13, sl_Status everywhere from 14.
    """

    OK = (0x00, 0x00, 0x0000)
    FAIL = (0x01, 0x36, 0x0001)
    INVALID_PARAMETER = (0x02, 0x36, 0x0021)
    INVALID_ID = (0x02, 0x37, 0x0021)
    NOT_FOUND = (0x03, 0x37, 0x002D)
    NO_BUFFERS = (0x18, 0x35, 0x0019)
    DELIVERY_FAILED = (0x66, 0x36, 0x0C02)
    INVALID_CALL = (0x70, 0x38, 0x0002)
    MESSAGE_TOO_LONG = (0x74, 0x36, 0x0038)
    NETWORK_UP = (0x90, 0x36, 0x0015)
    NETWORK_DOWN = (0x91, 0x36, 0x0016)
    NOT_JOINED = (0x93, 0x36, 0x0017)
    JOIN_FAILED = (0x94, 0x36, 0x0017)
    NO_BEACONS = (0xAB, 0x36, 0x0018)
    NO_NETWORK_KEY_RECEIVED = (0xAD, 0x36, 0x0C1B)
    APS_ENCRYPTION_ERROR = (0xA6, 0x36, 0x0C0A)
    SECURITY_STATE_NOT_SET = (0xA8, 0x36, 0x0C0B)
    INVALID_ENDPOINT = (0xA3, 0x36, 0x0021)
    INDEX_OUT_OF_RANGE = (0xB1, 0x36, 0x0027)
    TABLE_FULL = (0xB4, 0x36, 0x001C)
    TABLE_ENTRY_ERASED = (0xB6, 0x37, 0x002D)
    LIBRARY_NOT_PRESENT = (0xB5, 0x38, 0x000E)
    MAC_NO_DATA = (0x31, 0x36, 0x003F)
    MAC_INDIRECT_TIMEOUT = (0x42, 0x36, 0x0041)
    MAC_NO_ACK_RECEIVED = (0x40, 0x36, 0x0040)
    VERSION_NOT_SET = (0x01, 0x30, 0x0011)
    INVALID_FRAME_ID = (0x01, 0x31, 0x0048)
    TRUNCATED = (0x01, 0x33, 0x004A)

    @property
    def ember(self) -> int:
        """EmberStatus."""
        return self.value[0]

    @property
    def ezsp(self) -> int:
        """EzspStatus."""
        return self.value[1]

    @property
    def sl(self) -> int:
        """sl_Status."""
        return self.value[2]
