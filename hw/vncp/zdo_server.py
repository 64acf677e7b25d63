"""The ZDO inside the firmware.

What it answers itself, and what it hands to the host (CONFIG_APPLICATION_ZDO_FLAGS).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from struct import Struct
from typing import TYPE_CHECKING, Final

from han.radio import ApsFrame, ApsReceived, DeliveryStatus, Role
from hw.stack import addresses
from hw.vncp import memory
from hw.zigbee import zdo

if TYPE_CHECKING:
    from hw.vncp.ncp import VirtualNcp

HOST_HEARS_SUPPORTED: Final = 0x01
HOST_ANSWERS_UNSUPPORTED: Final = 0x02
HOST_ANSWERS_ENDPOINTS: Final = 0x04
HOST_ANSWERS_BINDINGS: Final = 0x08

SUCCESS: Final = 0x00
INVALID_REQUEST: Final = 0x80
DEVICE_NOT_FOUND: Final = 0x81
INVALID_ENDPOINT: Final = 0x82
NOT_ACTIVE: Final = 0x83
NOT_SUPPORTED: Final = 0x84

NODE_DESC_REQ: Final = 0x0002
POWER_DESC_REQ: Final = 0x0003
SIMPLE_DESC_REQ: Final = 0x0004
ACTIVE_EP_REQ: Final = 0x0005
MATCH_DESC_REQ: Final = 0x0006
BIND_REQ: Final = 0x0021
UNBIND_REQ: Final = 0x0022
MGMT_PERMIT_JOINING_REQ: Final = 0x0036
ENDPOINT_REQUESTS: Final = (SIMPLE_DESC_REQ, ACTIVE_EP_REQ, MATCH_DESC_REQ)
BINDING_REQUESTS: Final = (0x0020, BIND_REQ, UNBIND_REQ)

_NODE_DESCRIPTOR: Final = Struct("<BBBHBHHHB")
_SIMPLE_HEAD: Final = Struct("<BHHB")
_LOGICAL_TYPE: Final[Mapping[Role, int]] = {
    Role.COORDINATOR: 0,
    Role.ROUTER: 1,
    Role.END_DEVICE: 2,
    Role.SLEEPY_END_DEVICE: 2,
}
_BAND_2400_MHZ: Final = 0x40
_SERVER_MASK_R21: Final = 0x2A00
_PRIMARY_TRUST_CENTRE: Final = 0x0001
_MAINS_ALWAYS_ON: Final = 0xC110

Answer = Callable[["VirtualNcp", bytes, bool], bytes | None]


def received(ncp: VirtualNcp, message: ApsReceived) -> bool:
    """Answer what is ours to answer; True when the host shall hear the message too."""
    cluster, flags = message.cluster_id, ncp.ram.configuration[memory.CONFIG_ZDO_FLAGS]
    if cluster & zdo.RESPONSE or not message.payload:
        return True
    if cluster == zdo.DEVICE_ANNCE:  # the stack handles it, so it counts as supported
        return bool(flags & HOST_HEARS_SUPPORTED)
    if cluster in ENDPOINT_REQUESTS and flags & HOST_ANSWERS_ENDPOINTS:
        return True
    if cluster in BINDING_REQUESTS and flags & HOST_ANSWERS_BINDINGS:
        return True
    if cluster in addresses.REQUESTS:
        _address(ncp, message)
        return bool(flags & HOST_HEARS_SUPPORTED)
    answer = ANSWERS.get(cluster)
    if answer is None:
        if flags & HOST_ANSWERS_UNSUPPORTED:
            return True
        if not message.broadcast:
            _reply(ncp, message, bytes((NOT_SUPPORTED,)))
        return False
    body = answer(ncp, message.payload[1:], message.broadcast)
    if body is not None:
        _reply(ncp, message, body)
    return bool(flags & HOST_HEARS_SUPPORTED)


def _address(ncp: VirtualNcp, message: ApsReceived) -> None:
    """The stack has answered those from the air; the host's own come back by the loop."""
    if message.peer == ncp.eui64:
        state, request = ncp.stack.state, message.payload[1:]
        body = addresses.answer(state, ncp.eui64, message.cluster_id, request, broadcast=False)
        if body is not None:
            _reply(ncp, message, body)


def _reply(ncp: VirtualNcp, message: ApsReceived, body: bytes) -> None:
    payload = message.payload[:1] + body
    cluster = message.cluster_id | zdo.RESPONSE
    if message.peer == ncp.eui64:
        ncp.hand_up(
            ApsReceived(
                ncp.eui64, 0, cluster, 0, 0, payload, encrypted=False,
                aps_counter=message.aps_counter, peer_nwk=ncp.stack.mac.nwk,
            )
        )  # fmt: skip
    elif ncp.stack.on_network:
        ncp.stack.send(ApsFrame(message.peer, 0, cluster, 0, 0, payload), _ignore)


def _ignore(_: DeliveryStatus) -> None:
    """The asker asks again."""


def _own(ncp: VirtualNcp) -> bytes:
    return ncp.stack.mac.nwk.to_bytes(2, "little")


def _not_ours(ncp: VirtualNcp, request: bytes) -> bytes | None:
    """The refusal of a request about another node, or a cut short one."""
    if len(request) < 2:
        return bytes((INVALID_REQUEST,)) + _own(ncp)
    if request[:2] != _own(ncp):
        return bytes((DEVICE_NOT_FOUND,)) + request[:2]
    return None


def node_descriptor(ncp: VirtualNcp, request: bytes, broadcast: bool) -> bytes | None:
    """Node_Desc_req."""
    refusal = _not_ours(ncp, request)
    if refusal is not None:
        return refusal
    role = ncp.stack.role
    trust_centre = _PRIMARY_TRUST_CENTRE if role is Role.COORDINATOR else 0
    incoming, outgoing = ncp.transfer_sizes
    descriptor = _NODE_DESCRIPTOR.pack(
        _LOGICAL_TYPE[role], _BAND_2400_MHZ, ncp.stack.joiner.capability,
        ncp.ram.manufacturer_code, 82, incoming, _SERVER_MASK_R21 | trust_centre, outgoing, 0,
    )  # fmt: skip
    return bytes((SUCCESS,)) + request[:2] + descriptor


def power_descriptor(ncp: VirtualNcp, request: bytes, broadcast: bool) -> bytes | None:
    """Power_Desc_req."""
    refusal = _not_ours(ncp, request)
    if refusal is not None:
        return refusal
    return bytes((SUCCESS,)) + request[:2] + _MAINS_ALWAYS_ON.to_bytes(2, "little")


def simple_descriptor(ncp: VirtualNcp, request: bytes, broadcast: bool) -> bytes | None:
    """Simple_Desc_req."""
    refusal = _not_ours(ncp, request)
    if refusal is not None:
        return refusal + b"\x00"
    endpoint = request[2] if len(request) > 2 else 0
    found = ncp.ram.endpoints.get(endpoint)
    if found is None:
        status = NOT_ACTIVE if 0 < endpoint < 0xFF else INVALID_ENDPOINT
        return bytes((status,)) + request[:2] + b"\x00"
    body = _SIMPLE_HEAD.pack(endpoint, found.profile_id, found.device_id, found.device_version)
    for clusters in (found.input_clusters, found.output_clusters):
        body += bytes((len(clusters),)) + b"".join(c.to_bytes(2, "little") for c in clusters)
    return bytes((SUCCESS,)) + request[:2] + bytes((len(body),)) + body


def active_endpoints(ncp: VirtualNcp, request: bytes, broadcast: bool) -> bytes | None:
    """Active_EP_req."""
    refusal = _not_ours(ncp, request)
    if refusal is not None:
        return refusal + b"\x00"
    found = bytes(sorted(ncp.ram.endpoints))
    return bytes((SUCCESS,)) + request[:2] + bytes((len(found),)) + found


def match_descriptor(ncp: VirtualNcp, request: bytes, broadcast: bool) -> bytes | None:
    """Match_Desc_req: silent on a broadcast that matches nothing."""
    wanted = _wanted(request)
    if wanted is None:
        return None if broadcast else bytes((INVALID_REQUEST,)) + _own(ncp) + b"\x00"
    profile, inputs, outputs = wanted
    found = bytes(
        endpoint
        for endpoint, d in sorted(ncp.ram.endpoints.items())
        if d.profile_id == profile
        and (inputs.intersection(d.input_clusters) or outputs.intersection(d.output_clusters))
    )
    if broadcast and not found:
        return None
    return bytes((SUCCESS,)) + _own(ncp) + bytes((len(found),)) + found


def _wanted(request: bytes) -> tuple[int, set[int], set[int]] | None:
    """Profile, input and output clusters of a match request."""
    lists: list[set[int]] = []
    offset = 4
    for _ in range(2):
        if offset >= len(request) or offset + 1 + 2 * request[offset] > len(request):
            return None
        end = offset + 1 + 2 * request[offset]
        octets = request[offset + 1 : end]
        lists.append(
            {int.from_bytes(octets[i : i + 2], "little") for i in range(0, len(octets), 2)}
        )
        offset = end
    return int.from_bytes(request[2:4], "little"), lists[0], lists[1]


def permit_joining(ncp: VirtualNcp, request: bytes, broadcast: bool) -> bytes | None:
    """Mgmt_Permit_Joining_req."""
    if request and ncp.stack.role is Role.COORDINATOR:
        ncp.stack.trust_centre.permit_joining(request[0])
    return None if broadcast else bytes((SUCCESS,))


ANSWERS: Final[Mapping[int, Answer]] = {
    NODE_DESC_REQ: node_descriptor,
    POWER_DESC_REQ: power_descriptor,
    SIMPLE_DESC_REQ: simple_descriptor,
    ACTIVE_EP_REQ: active_endpoints,
    MATCH_DESC_REQ: match_descriptor,
    MGMT_PERMIT_JOINING_REQ: permit_joining,
}
