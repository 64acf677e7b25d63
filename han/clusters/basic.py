"""Basic 0x0000, Time 0x000A, Poll Control 0x0020 and Keep-Alive 0x0025."""

from __future__ import annotations

from typing import Final

from gbcs.zcl.types import DataType as T
from han.clusters.rows import attributes, commands
from han.zcl.tables import ClusterDefinition

BASIC: Final = ClusterDefinition(
    0x0000,
    "Basic",
    server_attributes=attributes(
        (0x0000, "ZCLVersion", T.UINT8),
        (0x0001, "ApplicationVersion", T.UINT8),
        (0x0002, "StackVersion", T.UINT8),
        (0x0003, "HWVersion", T.UINT8),
        (0x0004, "ManufacturerName", T.CHAR_STRING),
        (0x0005, "ModelIdentifier", T.CHAR_STRING),
        (0x0006, "DateCode", T.CHAR_STRING),
        (0x0007, "PowerSource", T.ENUM8),
        (0x0010, "LocationDescription", T.CHAR_STRING),
        (0x0011, "PhysicalEnvironment", T.ENUM8),
        (0x0012, "DeviceEnabled", T.BOOL),
        (0x0013, "AlarmMask", T.BITMAP8),
        (0x0014, "DisableLocalConfig", T.BITMAP8),
    ),
    to_server=commands((0x00, "ResetToFactoryDefaults")),
)
PHYSICAL_ENVIRONMENT: Final = 0x0011
MIRROR_CAPACITY: Final = 0x01
"""PhysicalEnvironment of a gas ESI: a mirror can be had (GBCS wants it always)."""

TIME: Final = ClusterDefinition(
    0x000A,
    "Time",
    server_attributes=attributes(
        (0x0000, "Time", T.UTC_TIME),
        (0x0001, "TimeStatus", T.BITMAP8),
        (0x0002, "TimeZone", T.INT32),
        (0x0003, "DstStart", T.UINT32),
        (0x0004, "DstEnd", T.UINT32),
        (0x0005, "DstShift", T.INT32),
        (0x0006, "StandardTime", T.UINT32),
        (0x0007, "LocalTime", T.UINT32),
        (0x0008, "LastSetTime", T.UTC_TIME),
        (0x0009, "ValidUntilTime", T.UTC_TIME),
    ),
)
TIME_MASTER, TIME_SYNCHRONISED, TIME_SUPERSEDING = 0x01, 0x02, 0x08

POLL_CONTROL: Final = ClusterDefinition(
    0x0020,
    "PollControl",
    server_attributes=attributes(
        (0x0000, "CheckInInterval", T.UINT32),
        (0x0001, "LongPollInterval", T.UINT32),
        (0x0002, "ShortPollInterval", T.UINT16),
        (0x0003, "FastPollTimeout", T.UINT16),
        (0x0004, "CheckInIntervalMin", T.UINT32),
        (0x0005, "LongPollIntervalMin", T.UINT32),
        (0x0006, "FastPollTimeoutMax", T.UINT16),
    ),
    to_server=commands(
        (0x00, "CheckInResponse"),
        (0x01, "FastPollStop"),
        (0x02, "SetLongPollInterval"),
        (0x03, "SetShortPollInterval"),
    ),
    to_client=commands((0x00, "CheckIn", (0x00,))),
)

KEEP_ALIVE: Final = ClusterDefinition(
    0x0025,
    "KeepAlive",
    server_attributes=attributes(
        (0x0000, "TCKeepAliveBase", T.UINT8),
        (0x0001, "TCKeepAliveJitter", T.UINT16),
    ),
)
