"""What other packages may lean on: names that disappear break them."""

from __future__ import annotations

import pytest

import han.clusters
import han.mirror
import han.radio
import han.tunnel

SURFACE = {
    "han.radio": {
        "ApsFrame",
        "ApsReceived",
        "Beacon",
        "Block",
        "BlockAck",
        "Broadcast",
        "ChildPolled",
        "DeliveryReport",
        "DeliveryStatus",
        "DeviceJoined",
        "DeviceLeft",
        "HanRadio",
        "JoinKind",
        "NetworkDown",
        "NetworkParameters",
        "NetworkUp",
        "RadioError",
        "RadioEvent",
        "RadioLost",
        "Role",
        "SimpleDescriptor",
    },
    "han.tunnel": {
        "Collector",
        "Mailboxes",
        "TransferDone",
        "TransferFailed",
        "TunnelClients",
        "TunnelClosed",
        "TunnelMessage",
        "TunnelOpened",
        "TunnelRefused",
        "TunnelServer",
    },
    "han.mirror": {"FunctionalFlag", "MirrorClient", "MirrorHost", "NotificationFlags"},
    "han.clusters": {"METERING", "PREPAYMENT", "PRICE", "TUNNELING", "by_id", "every_cluster"},
}


@pytest.mark.parametrize("package", [han.radio, han.tunnel, han.mirror, han.clusters])
def test_names_stay(package: object) -> None:
    name, exported = getattr(package, "__name__"), getattr(package, "__all__")  # noqa: B009
    assert SURFACE[name] <= set(exported)
    assert all(hasattr(package, each) for each in exported)
