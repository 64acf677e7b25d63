"""What the stack reports, as callbacks to the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from han.radio import (
    ApsReceived,
    ChildPolled,
    DeviceJoined,
    DeviceLeft,
    JoinKind,
    NetworkDown,
    NetworkKeySwitched,
    NetworkUp,
    PartnerKeyAsked,
    PartnerKeySet,
    RadioEvent,
)
from hw.ezsp_status import Status
from hw.stack.state import Child
from hw.vncp import messaging, network_keys, partner_keys
from hw.vncp.networking import NODE_TYPE_OF, UNKNOWN_NODE

if TYPE_CHECKING:
    from hw.vncp.ncp import VirtualNcp

DEVICE_UPDATE: Final[Mapping[JoinKind, int]] = {
    JoinKind.SECURED_REJOIN: 0,
    JoinKind.ASSOCIATED: 1,
    JoinKind.UNSECURED_REJOIN: 3,
}
DEVICE_LEFT: Final = 2
USE_PRECONFIGURED_KEY: Final = 0
DENY_JOIN: Final = 2
NO_ACTION: Final = 3
POLL_HANDLER_POLICY: Final = 0x03
TELL_OF_POLLS: Final = 0x31
NO_INDEX: Final = 0xFF
"""Of a child that has left its place in the table."""


def heard(ncp: VirtualNcp, event: RadioEvent) -> None:
    """Turn what the stack reports into callbacks."""
    match event:
        case ApsReceived():
            messaging.incoming(ncp, event)
        case DeviceJoined():
            _joined(ncp, event)
        case DeviceLeft():
            _trust_centre_join(ncp, event.eui64, DEVICE_LEFT, NO_ACTION)
        case ChildPolled() if ncp.ram.policies[POLL_HANDLER_POLICY] == TELL_OF_POLLS:
            node = ncp.stack.state.addresses.get(event.eui64, UNKNOWN_NODE)
            ncp.callback("pollHandler", {"childId": node, "transmitExpected": 0})
        case PartnerKeySet():
            partner_keys.received(ncp, event)
        case PartnerKeyAsked():
            partner_keys.asked(ncp, event)
        case NetworkKeySwitched():
            network_keys.switched(ncp, event)
        case NetworkUp():
            ncp.callback("stackStatusHandler", {"status": Status.NETWORK_UP})
        case NetworkDown():
            ncp.callback("stackStatusHandler", {"status": Status.NETWORK_DOWN})
        case _:
            pass


def _joined(ncp: VirtualNcp, event: DeviceJoined) -> None:
    if event.admitted:
        for index, (eui64, child) in enumerate(ncp.stack.children.end_devices()):
            if eui64 == event.eui64:
                _child(ncp, index, eui64, child, joining=True)
    decision = USE_PRECONFIGURED_KEY if event.admitted else DENY_JOIN
    if event.kind is JoinKind.SECURED_REJOIN and event.admitted:
        decision = NO_ACTION
    _trust_centre_join(ncp, event.eui64, DEVICE_UPDATE[event.kind], decision)


def aged_out(ncp: VirtualNcp, eui64: int, child: Child) -> None:
    """A child was not heard for too long."""
    if not child.router:
        _child(ncp, NO_INDEX, eui64, child, joining=False)


def _child(ncp: VirtualNcp, index: int, eui64: int, child: Child, *, joining: bool) -> None:
    ncp.callback(
        "childJoinHandler",
        {
            "index": index, "joining": joining, "childId": child.nwk, "childEui64": eui64,
            "childType": NODE_TYPE_OF[child.role],
        },
    )  # fmt: skip


def _trust_centre_join(ncp: VirtualNcp, eui64: int, status: int, decision: int) -> None:
    ncp.callback(
        "trustCenterJoinHandler",
        {
            "newNodeId": ncp.stack.state.addresses.get(eui64, UNKNOWN_NODE),
            "newNodeEui64": eui64,
            "status": status,
            "policyDecision": decision,
            "parentOfNewNodeId": 0,
        },
    )
