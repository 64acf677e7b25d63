"""The mirroring commands of Metering 0x0702: the meter is server, the mirror is client."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from han.zcl.payload import U8, U16, U24, U32, Bool8, Map32, U32s

NO_MIRROR: Final = 0xFFFF
UNDEFINED_MIRROR: Final = 127
"""MeteringDeviceType of a mirror before its meter told its own type n, which shows as n + 127."""


class ToMirror(IntEnum):
    """Commands of the meter."""

    REQUEST_MIRROR = 0x01
    REMOVE_MIRROR = 0x02
    CONFIGURE_MIRROR = 0x08
    GET_NOTIFIED_MESSAGE = 0x0B


class ToMeter(IntEnum):
    """Commands of the mirror."""

    REQUEST_MIRROR_RESPONSE = 0x01
    MIRROR_REMOVED = 0x02
    MIRROR_REPORT_ATTRIBUTE_RESPONSE = 0x09


class Scheme(IntEnum):
    """Which notification words follow a report."""

    NONE = 0
    A = 1
    B = 2

    @property
    def words(self) -> int:
        """How many words the scheme carries."""
        return {Scheme.NONE: 0, Scheme.A: 1, Scheme.B: 5}[self]


@dataclass(frozen=True, slots=True)
class MirrorEndpoint:
    """RequestMirrorResponse and MirrorRemoved; 0xFFFF says that there is none."""

    endpoint: U16


@dataclass(frozen=True, slots=True)
class ConfigureMirror:
    """How the meter will use its mirror; the defaults are those of GB."""

    issuer_event_id: U32
    reporting_interval_s: U24 = 1800
    notification_reporting: Bool8 = True
    scheme: U8 = Scheme.B


@dataclass(frozen=True, slots=True)
class MirrorReportAttributeResponse:
    """The notification words, sent when a report is complete."""

    scheme: U8
    words: U32s


@dataclass(frozen=True, slots=True)
class GetNotifiedMessage:
    """The meter asks for the commands behind these bits of one word."""

    scheme: U8
    attribute_id: U16
    flags: Map32
