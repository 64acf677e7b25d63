"""Mirroring of a sleepy meter: the GPF's side (host), the GSME's side (client), the flags."""

from __future__ import annotations

from han.mirror.client import (
    FlagsReceived,
    MirrorClient,
    MirrorClientSettings,
    MirrorReady,
    MirrorRefused,
    ReportDelivered,
    ReportFailed,
)
from han.mirror.flags import (
    CalendarFlag,
    DeviceManagementFlag,
    Flag,
    FunctionalFlag,
    NotificationFlags,
    PrepaymentFlag,
    PriceFlag,
)
from han.mirror.host import (
    MirrorConfigured,
    MirrorCreated,
    MirrorGone,
    MirrorHost,
    MirrorSettings,
    MirrorSink,
    Notified,
    ReportComplete,
    mirrored_device_type,
)
from han.mirror.messages import ConfigureMirror, Scheme

__all__ = [
    "CalendarFlag",
    "ConfigureMirror",
    "DeviceManagementFlag",
    "Flag",
    "FlagsReceived",
    "FunctionalFlag",
    "MirrorClient",
    "MirrorClientSettings",
    "MirrorConfigured",
    "MirrorCreated",
    "MirrorGone",
    "MirrorHost",
    "MirrorReady",
    "MirrorRefused",
    "MirrorSettings",
    "MirrorSink",
    "NotificationFlags",
    "Notified",
    "PrepaymentFlag",
    "PriceFlag",
    "ReportComplete",
    "ReportDelivered",
    "ReportFailed",
    "Scheme",
    "mirrored_device_type",
]
