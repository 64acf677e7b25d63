"""ZDO requests to peers, as the node sends them."""

from __future__ import annotations

from datetime import timedelta

from han.exchange import REPLY_TIMEOUT, SMART_ENERGY, ZDO, Request
from han.radio import Broadcast
from han.zcl.payload import decode, encode
from han.zdo.messages import (
    UNICAST_BINDING,
    BindRequest,
    Command,
    DeviceAnnouncement,
    EndpointList,
    MatchDescriptors,
    SimpleQuery,
    ZdoStatus,
)


def request(
    peer: int | Broadcast, command: Command, payload: bytes, within: timedelta | None
) -> Request:
    """Any ZDO request; the answer is command | 0x8000."""
    return Request(
        peer,
        endpoint=0,
        cluster_id=command,
        command_id=0,
        payload=payload,
        source_endpoint=0,
        reply_within=within,
        encrypted=False,
        profile_id=ZDO,
    )


def match_descriptors(
    peer: int | Broadcast,
    nwk: int,
    *,
    inputs: tuple[int, ...] = (),
    outputs: tuple[int, ...] = (),
    profile_id: int = SMART_ENERGY,
    within: timedelta = REPLY_TIMEOUT,
) -> Request:
    """Ask for endpoints that serve ``inputs`` or use ``outputs``; ``nwk`` is whom it is about."""
    message = MatchDescriptors(nwk, profile_id, inputs, outputs)
    return request(peer, Command.MATCH_DESC, encode(message), within)


def endpoints_of(payload: bytes) -> tuple[int, ...]:
    """Read a Match_Desc_rsp: the endpoints, in the peer's order; MalformedMessage when it is none.

    None of them when the peer has no such endpoint, or says so by its status.
    """
    answer = decode(EndpointList, payload)
    return tuple(answer.endpoints or ()) if answer.status == ZdoStatus.SUCCESS else ()


def simple_descriptor(
    peer: int, nwk: int, endpoint: int, within: timedelta = REPLY_TIMEOUT
) -> Request:
    """Ask for the simple descriptor of one endpoint."""
    return request(peer, Command.SIMPLE_DESC, encode(SimpleQuery(nwk, endpoint)), within)


def active_endpoints(peer: int, nwk: int, within: timedelta = REPLY_TIMEOUT) -> Request:
    """Ask which endpoints there are."""
    return request(peer, Command.ACTIVE_EP, nwk.to_bytes(2, "little"), within)


def bind(
    peer: int,
    source_endpoint: int,
    cluster_id: int,
    target: tuple[int, int],
    *,
    remove: bool = False,
    within: timedelta = REPLY_TIMEOUT,
) -> Request:
    """Ask a peer to report its cluster to ``target`` (EUI-64, endpoint), or to stop that."""
    eui64, endpoint = target
    octets = eui64.to_bytes(8, "little") + bytes((endpoint,))
    message = BindRequest(peer, source_endpoint, cluster_id, UNICAST_BINDING, octets)
    return request(peer, Command.UNBIND if remove else Command.BIND, encode(message), within)


def announce(eui64: int, nwk: int, capability: int) -> Request:
    """Tell the network one's short address after joining."""
    message = DeviceAnnouncement(nwk, eui64, capability)
    return request(Broadcast.RX_ON_WHEN_IDLE, Command.DEVICE_ANNCE, encode(message), None)
