"""Tunnels for GBCS messages (cluster 0x0704), and the GSME's mailbox inside one."""

from __future__ import annotations

from han.tunnel.client import TunnelClients
from han.tunnel.collector import Collected, CollectionEnded, Collector, CollectorSettings
from han.tunnel.events import (
    CloseRejected,
    RequestRejected,
    TransferDone,
    TransferFailed,
    TunnelClosed,
    TunnelEvent,
    TunnelMessage,
    TunnelOpened,
    TunnelRefused,
    TunnelSettings,
)
from han.tunnel.mailbox import (
    Mailboxes,
    MailboxNoise,
    MailboxSettings,
    MessagePut,
    NotRetrieved,
    PendingChanged,
    Retrieved,
)
from han.tunnel.server import TunnelServer

__all__ = [
    "CloseRejected",
    "Collected",
    "CollectionEnded",
    "Collector",
    "CollectorSettings",
    "MailboxNoise",
    "MailboxSettings",
    "Mailboxes",
    "MessagePut",
    "NotRetrieved",
    "PendingChanged",
    "RequestRejected",
    "Retrieved",
    "TransferDone",
    "TransferFailed",
    "TunnelClients",
    "TunnelClosed",
    "TunnelEvent",
    "TunnelMessage",
    "TunnelOpened",
    "TunnelRefused",
    "TunnelServer",
    "TunnelSettings",
]
