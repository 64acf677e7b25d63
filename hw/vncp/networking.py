"""EZSP commands on the network: initialise, form, join, leave, scan, permit, remove, poll."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from han.radio import (
    Beacon,
    NetworkParameters,
    RadioError,
    Role,
)
from hw.ezsp_layout import Fields, Value
from hw.ezsp_status import Status
from hw.stack.joining import NoNetworkKey
from hw.vncp.ezsp import Command

if TYPE_CHECKING:
    from hw.vncp.ncp import VirtualNcp

OK: Final[Fields] = {"status": Status.OK}
NODE_TYPES: Final[Mapping[int, Role]] = {
    1: Role.COORDINATOR,
    2: Role.ROUTER,
    3: Role.END_DEVICE,
    4: Role.SLEEPY_END_DEVICE,
}
NODE_TYPE_OF: Final[Mapping[Role, int]] = {role: number for number, role in NODE_TYPES.items()}
CHANNELS: Final = range(11, 27)
LAST_PAN_ID: Final = 0xFFFE
NO_NETWORK: Final = 0
PERMIT_FOREVER: Final = 0xFF
JOINED_NETWORK: Final = 2
ENERGY_SCAN: Final = 0
ACTIVE_SCAN: Final = 1
QUIET_CHANNEL_DBM: Final = -92
UNKNOWN_NODE: Final = 0xFFFF
ALL_CHANNELS: Final = 0x07FFF800
HAVE_NETWORK_KEY: Final = 0x0200
GLOBAL_LINK_KEY: Final = 0x0004
HASHED_LINK_KEY: Final = 0x0080
HAVE_TRUST_CENTRE_LINK_KEY: Final = 0x0010
UNITS_S: Final[Mapping[int, float]] = {1: 0.001, 2: 0.25, 3: 60.0}


def network_init(ncp: VirtualNcp, command: Command) -> Fields:
    """Resume the stored network; NETWORK_UP follows."""
    if ncp.stack.on_network:
        return {"status": Status.INVALID_CALL}
    if ncp.stack.state.membership is None:
        return {"status": Status.NOT_JOINED}

    async def resume() -> None:
        try:
            await ncp.stack.resume()
        except RadioError:
            ncp.callback("stackStatusHandler", {"status": Status.JOIN_FAILED})

    ncp.run(resume(), "resume")
    return OK


def network_state(ncp: VirtualNcp, command: Command) -> Fields:
    """Whether we are on a network."""
    return {"status": JOINED_NETWORK if ncp.stack.on_network else NO_NETWORK}


def form_network(ncp: VirtualNcp, command: Command) -> Fields:
    """Form a network with the keys of setInitialSecurityState."""
    security, stack = ncp.ram.security, ncp.stack
    if stack.on_network:
        return {"status": Status.INVALID_CALL}
    if security is None:
        return {"status": Status.SECURITY_STATE_NOT_SET}
    wanted = _parameters(command)
    if wanted["radioChannel"] not in CHANNELS or wanted["panId"] > LAST_PAN_ID:
        return {"status": Status.INVALID_PARAMETER}
    given = security.bitmask & HAVE_NETWORK_KEY
    stack.form(
        NetworkParameters(
            wanted["radioChannel"],
            wanted["panId"],
            wanted["extendedPanId"] or ncp.eui64,
            security.network_key if given else secrets.token_bytes(16),
        )
    )
    for entry in ncp.tokens.key_table.values():
        stack.state.set_link_key(entry.eui64, entry.key)
    stack.set_update_id(wanted["nwkUpdateId"])
    hashed = security.bitmask & HASHED_LINK_KEY
    ncp.tokens.hashed_link_key = security.preconfigured_key if hashed else None
    ncp.tokens.save()
    return OK


def _parameters(command: Command) -> dict[str, int]:
    return {k: v for k, v in command.structure("parameters").items() if isinstance(v, int)}


def join_network(ncp: VirtualNcp, command: Command) -> Fields:
    """Join with the preconfigured key of setInitialSecurityState.

    The outcome follows as a stack status.
    """
    security, stack = ncp.ram.security, ncp.stack
    role = NODE_TYPES.get(command.number("nodeType"))
    if stack.on_network or role is None or role is Role.COORDINATOR:
        return {"status": Status.INVALID_CALL}
    if security is None:
        return {"status": Status.SECURITY_STATE_NOT_SET}
    wanted, link_key = _parameters(command), security.preconfigured_key
    if wanted["radioChannel"] not in CHANNELS:
        return {"status": Status.INVALID_PARAMETER}
    stack.role = role

    async def join() -> None:
        try:
            heard = await _find(ncp, wanted)
            if heard is None:
                ncp.callback("stackStatusHandler", {"status": Status.NO_BEACONS})
                return
            await stack.join(heard, link_key)
        except NoNetworkKey:
            ncp.callback("stackStatusHandler", {"status": Status.NO_NETWORK_KEY_RECEIVED})
        except RadioError:
            ncp.callback("stackStatusHandler", {"status": Status.JOIN_FAILED})
        else:
            for entry in ncp.tokens.key_table.values():
                stack.state.set_link_key(entry.eui64, entry.key)

    ncp.run(join(), "join")
    return OK


async def _find(ncp: VirtualNcp, wanted: dict[str, int]) -> Beacon | None:
    """The wanted network by extended or short PAN identifier; zero and all-ones match any."""
    for heard in await ncp.stack.scan([wanted["radioChannel"]]):
        if wanted["extendedPanId"] not in (0, (1 << 64) - 1, heard.extended_pan_id):
            continue
        if wanted["panId"] in (0xFFFF, heard.pan_id):
            return heard
    return None


def find_and_rejoin(ncp: VirtualNcp, command: Command) -> Fields:
    """Rejoin the stored network."""
    stack = ncp.stack
    if stack.state.membership is None:
        return {"status": Status.NOT_JOINED}
    stack.suspend()

    async def rejoin() -> None:
        try:
            await stack.resume()
        except RadioError:
            ncp.callback("stackStatusHandler", {"status": Status.JOIN_FAILED})

    ncp.run(rejoin(), "rejoin")
    return OK


def leave_network(ncp: VirtualNcp, command: Command) -> Fields:
    """Leave and forget; NETWORK_DOWN follows."""
    if not ncp.stack.on_network:
        return {"status": Status.INVALID_CALL}
    ncp.run(ncp.stack.leave(), "leave")
    return OK


def permit_joining(ncp: VirtualNcp, command: Command) -> Fields:
    """Open or close the window."""
    if not ncp.stack.on_network or ncp.stack.role is not Role.COORDINATOR:
        return {"status": Status.INVALID_CALL}
    duration_s = command.number("duration")
    forever = duration_s == PERMIT_FOREVER
    ncp.stack.trust_centre.permit_joining(float("inf") if forever else duration_s)
    return OK


def start_scan(ncp: VirtualNcp, command: Command) -> Fields:
    """Active scan: what was heard. Energy scan: this air is quiet but where a network is."""
    mask = command.number("channelMask") or ALL_CHANNELS
    channels = [channel for channel in CHANNELS if mask >> channel & 1]
    if not channels:
        return {"status": Status.INVALID_PARAMETER}
    kind = command.number("scanType")
    if kind not in (ENERGY_SCAN, ACTIVE_SCAN):
        return {"status": Status.INVALID_PARAMETER}

    async def scan() -> None:
        found = await ncp.stack.scan(channels)
        if kind == ACTIVE_SCAN:
            for heard in found:
                ncp.callback("networkFoundHandler", _network_found(heard))
        else:
            for channel in channels:
                loudest = max(
                    (b.rssi_dbm for b in found if b.channel == channel), default=QUIET_CHANNEL_DBM
                )
                ncp.callback(
                    "energyScanResultHandler", {"channel": channel, "maxRssiValue": loudest}
                )
        ncp.callback("scanCompleteHandler", {"channel": 0, "status": Status.OK})

    ncp.run(scan(), "scan")
    return OK


def _network_found(heard: Beacon) -> Fields:
    return {
        "networkFound": {
            "channel": heard.channel,
            "panId": heard.pan_id,
            "extendedPanId": heard.extended_pan_id,
            "allowingJoin": int(heard.permits_joining),
            "stackProfile": 2,
            "nwkUpdateId": 0,
        },
        "lqi": heard.lqi,
        "rssi": heard.rssi_dbm,
    }


def network_parameters(ncp: VirtualNcp, command: Command) -> Fields:
    """The network we are on."""
    membership = ncp.stack.state.membership
    on_network = membership is not None and ncp.stack.on_network
    parameters: dict[str, Value] = {
        "extendedPanId": membership.extended_pan_id if membership and on_network else 0,
        "panId": membership.pan_id if membership and on_network else 0xFFFF,
        "radioTxPower": ncp.ram.power_dbm & 0xFF,
        "radioChannel": membership.channel if membership and on_network else 0,
        "joinMethod": 0,
        "nwkManagerId": 0,
        "nwkUpdateId": membership.update_id if membership and on_network else 0,
        "channels": ALL_CHANNELS,
    }
    status = Status.OK if on_network else Status.NOT_JOINED
    return {"status": status, "nodeType": ncp.node_type, "parameters": parameters}


def get_node_id(ncp: VirtualNcp, command: Command) -> Fields:
    """Our short address in the network that is stored, 0xFFFE without one."""
    membership = ncp.stack.state.membership
    return {"node": membership.nwk if membership is not None else 0xFFFE}


def remove_device(ncp: VirtualNcp, command: Command) -> Fields:
    """Make a device leave (trust centre)."""
    target = command.number("targetLong")
    if not ncp.stack.on_network or target not in ncp.stack.state.addresses:
        return {"status": Status.INVALID_CALL}
    ncp.stack.trust_centre.remove(target)
    return OK


def poll_for_data(ncp: VirtualNcp, command: Command) -> Fields:
    """A sleepy end device polls at this interval from now on; 0 stops it."""
    stack = ncp.stack
    if not stack.on_network or stack.role is not Role.SLEEPY_END_DEVICE:
        return {"status": Status.INVALID_CALL}
    interval_s = command.number("interval") * UNITS_S.get(command.number("units"), 0.0)

    def polled(heard: bool) -> None:
        status = Status.OK if heard else Status.MAC_NO_DATA
        ncp.callback("pollCompleteHandler", {"status": status})

    stack.poller.polled = polled if interval_s else None
    stack.poll_every(interval_s or None)
    return OK


HANDLERS: Final[Mapping[str, Callable[[VirtualNcp, Command], Fields]]] = {
    "networkInit": network_init,
    "networkState": network_state,
    "formNetwork": form_network,
    "joinNetwork": join_network,
    "findAndRejoinNetwork": find_and_rejoin,
    "leaveNetwork": leave_network,
    "permitJoining": permit_joining,
    "startScan": start_scan,
    "getNetworkParameters": network_parameters,
    "getEui64": lambda ncp, _: {"eui64": ncp.eui64},
    "getNodeId": get_node_id,
    "removeDevice": remove_device,
    "pollForData": poll_for_data,
}
