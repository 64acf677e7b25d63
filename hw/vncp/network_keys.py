"""EZSP commands that give a network a new key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from han.radio import NetworkKeySwitched, RadioError, Role
from hw.ezsp_layout import Fields
from hw.ezsp_status import Status
from hw.key_ring import NO_KEY
from hw.vncp.ezsp import Command

if TYPE_CHECKING:
    from hw.vncp.ncp import VirtualNcp

KEY_OCTETS: Final = 16


def unicast_update(ncp: VirtualNcp, command: Command) -> Fields:
    """Send one device the next network key, under its link key; all-zero makes one up."""
    target, key = command.number("destLong"), _key(ncp, command)
    if not _trust_centre(ncp):
        return {"status": Status.INVALID_CALL}
    try:
        ncp.stack.network_keys.stage(key)
    except RadioError:
        return {"status": Status.INVALID_CALL}
    known = ncp.stack.network_keys.send_to(target)
    return {"status": Status.OK if known else Status.APS_ENCRYPTION_ERROR}


def broadcast_next(ncp: VirtualNcp, command: Command) -> Fields:
    """Broadcast the next network key under the present one; all-zero makes one up."""
    if not _trust_centre(ncp):
        return {"status": Status.INVALID_CALL}
    try:
        ncp.stack.network_keys.broadcast(_key(ncp, command))
    except RadioError:
        return {"status": Status.INVALID_CALL}
    return {"status": Status.OK}


def broadcast_switch(ncp: VirtualNcp, command: Command) -> Fields:
    """Tell everybody to use the next network key; switchNetworkKeyHandler follows."""
    if not _trust_centre(ncp):
        return {"status": Status.INVALID_CALL}
    try:
        ncp.stack.network_keys.switch()
    except RadioError:
        return {"status": Status.INVALID_CALL}
    return {"status": Status.OK}


def _trust_centre(ncp: VirtualNcp) -> bool:
    return ncp.stack.on_network and ncp.stack.role is Role.COORDINATOR


def _key(ncp: VirtualNcp, command: Command) -> bytes:
    given = command.octets("key")
    if given != NO_KEY:
        return given
    membership = ncp.stack.state.membership
    staged = None if membership is None else membership.next_key
    return staged or ncp.ether.random.randbytes(KEY_OCTETS)


def switched(ncp: VirtualNcp, event: NetworkKeySwitched) -> None:
    """Tell the host that another key is in use."""
    ncp.callback("switchNetworkKeyHandler", {"sequenceNumber": event.key_sequence})


HANDLERS: Final[Mapping[str, Callable[[VirtualNcp, Command], Fields]]] = {
    "unicastNwkKeyUpdate": unicast_update,
    "broadcastNextNetworkKey": broadcast_next,
    "broadcastNetworkKeySwitch": broadcast_switch,
}
