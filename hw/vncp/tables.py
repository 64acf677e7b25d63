"""EZSP commands on who is known: addresses, children, the parent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from han.radio import Role
from hw.ezsp_layout import Fields, Value
from hw.ezsp_status import Status
from hw.vncp.ezsp import Command
from hw.vncp.networking import NODE_TYPE_OF, OK, UNKNOWN_NODE

if TYPE_CHECKING:
    from hw.vncp.ncp import VirtualNcp


def lookup_node(ncp: VirtualNcp, command: Command) -> Fields:
    """Short address of a known node."""
    node = ncp.stack.state.addresses.get(command.number("eui64"))
    if node is None:
        return {"status": Status.NOT_FOUND, "node": UNKNOWN_NODE}
    return {"status": Status.OK, "node": node}


def lookup_eui64(ncp: VirtualNcp, command: Command) -> Fields:
    """EUI-64 of a known node."""
    eui64 = ncp.stack.state.eui64_of(command.number("node"))
    if eui64 is None:
        return {"status": Status.NOT_FOUND, "eui64": (1 << 64) - 1}
    return {"status": Status.OK, "eui64": eui64}


def address_table_node(ncp: VirtualNcp, command: Command) -> Fields:
    """Up to EZSP 13: the address table by index; ours holds what is known of everyone."""
    _, node = _known(ncp, command.number("addressTableIndex"))
    return {"node": node}


def address_table_eui64(ncp: VirtualNcp, command: Command) -> Fields:
    """Up to EZSP 13: the other half of the same entry."""
    eui64, _ = _known(ncp, command.number("addressTableIndex"))
    return {"eui64": eui64}


def address_table_info(ncp: VirtualNcp, command: Command) -> Fields:
    """From EZSP 14: one entry of the address table."""
    eui64, node = _known(ncp, command.number("index"))
    status = Status.OK if node != UNKNOWN_NODE else Status.NOT_FOUND
    return {"status": status, "node": node, "eui64": eui64}


def _known(ncp: VirtualNcp, index: int) -> tuple[int, int]:
    others = [item for item in ncp.stack.state.addresses.items() if item[0] != ncp.eui64]
    return others[index] if index < len(others) else ((1 << 64) - 1, UNKNOWN_NODE)


def child_data(ncp: VirtualNcp, command: Command) -> Fields:
    """One child by index."""
    children = ncp.stack.children.end_devices()
    index = command.number("index")
    if index >= len(children):
        return {"status": Status.NOT_JOINED, "child_data": _child(0, UNKNOWN_NODE, Role.ROUTER)}
    eui64, child = children[index]
    return {"status": Status.OK, "child_data": _child(eui64, child.nwk, child.role)}


def _child(eui64: int, node: int, role: Role) -> dict[str, Value]:
    return {
        "eui64": eui64, "type": NODE_TYPE_OF[role], "id": node, "phy": 0, "power": 0,
        "timeout": 0, "timeout_remaining": 0,
    }  # fmt: skip


def set_child_data(ncp: VirtualNcp, command: Command) -> Fields:
    """Restore a child from a backup."""
    if ncp.stack.state.membership is None:
        return {"status": Status.INVALID_CALL}
    entry = {k: v for k, v in command.structure("child_data").items() if isinstance(v, int)}
    sleepy = entry["type"] == NODE_TYPE_OF[Role.SLEEPY_END_DEVICE]
    ncp.stack.restore_child(entry["eui64"], entry["id"], rx_on_when_idle=not sleepy)
    return OK


def parent_child_parameters(ncp: VirtualNcp, command: Command) -> Fields:
    """How many children, and who the parent is."""
    membership = ncp.stack.state.membership
    joined = membership is not None and membership.role is not Role.COORDINATOR
    return {
        "childCount": len(ncp.stack.children.end_devices()),
        "parentEui64": membership.trust_centre if membership and joined else 0,
        "parentNodeId": 0 if joined else UNKNOWN_NODE,
    }


HANDLERS: Final[Mapping[str, Callable[[VirtualNcp, Command], Fields]]] = {
    "lookupNodeIdByEui64": lookup_node,
    "lookupEui64ByNodeId": lookup_eui64,
    "getAddressTableRemoteNodeId": address_table_node,
    "getAddressTableRemoteEui64": address_table_eui64,
    "getAddressTableInfo": address_table_info,
    "getChildData": child_data,
    "setChildData": set_child_data,
    "getParentChildParameters": parent_child_parameters,
}
