"""Asking a peer: where it serves a cluster, what its attributes say, what time its hub shows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from device.host import Host, HostError
from gbcs.errors import MalformedMessage
from gbcs.eui64 import format_eui64
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import DefaultResponse, GeneralCommand, ReadAttributesResponse
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value, zcl_moment
from han.clusters import TIME
from han.requests import Far
from han.zcl.tables import Side
from han.zdo.client import endpoints_of, match_descriptors

HUB_NWK: Final = 0x0000
"""The coordinator's short address."""

_TIME: Final = 0x0000
_NO_TIME: Final = 0xFFFFFFFF


class NotProvided(HostError):
    """The peer answered, but does not provide what was asked for, or answered no sense."""

    def __init__(self, peer: int, reason: str) -> None:
        super().__init__(f"{format_eui64(peer)}: {reason}")


def hub_of(host: Host) -> int:
    """The hub of the network; HostError while the radio knows none."""
    hub = host.radio.trust_centre
    if hub is None:
        raise HostError("the hub's address is not known")
    return hub


async def find_endpoints(
    host: Host, peer: int, nwk: int, cluster_id: int, side: Side = Side.SERVER
) -> tuple[int, ...]:
    """The peer's endpoints with this side of a cluster, in its order; at least one.

    NotProvided when it has none, another HostError when it does not answer.
    """
    asked = (cluster_id,)
    inputs, outputs = (asked, ()) if side is Side.SERVER else ((), asked)
    payload = await host.zdo(match_descriptors(peer, nwk, inputs=inputs, outputs=outputs))
    try:
        found = endpoints_of(payload)
    except MalformedMessage as error:
        raise NotProvided(peer, f"Match_Desc_rsp: {error}") from error
    if not found:
        raise NotProvided(peer, f"no endpoint has the {side.name.lower()} of {cluster_id:04X}")
    return found


async def read_attributes(host: Host, far: Far, attribute_ids: Iterable[int]) -> dict[int, Value]:
    """What the peer tells of these attributes, by identifier; those it does not tell are missing.

    NotProvided when it refuses to read at all, another HostError when it does not answer.
    """
    frame = await host.request(far.read(attribute_ids))
    if frame.is_cluster_command or frame.command_id != GeneralCommand.READ_ATTRIBUTES_RESPONSE:
        raise NotProvided(far.peer, f"cluster {far.cluster_id:04X} is not read")
    try:
        records = ReadAttributesResponse.parse(frame.payload).records
    except MalformedMessage as error:
        raise NotProvided(far.peer, f"Read Attributes Response: {error}") from error
    return {one.attribute_id: one.value for one in records if one.status == Status.SUCCESS}


def status_of(frame: Frame) -> Status:
    """What a Default Response says; FAILURE when the answer is none, or makes no sense."""
    if frame.is_cluster_command or frame.command_id != GeneralCommand.DEFAULT_RESPONSE:
        return Status.FAILURE
    try:
        return Status(DefaultResponse.parse(frame.payload).status)
    except (MalformedMessage, ValueError):
        return Status.FAILURE


async def read_hub_time(host: Host, source_endpoint: int) -> datetime | None:
    """The hub's time in whole seconds; None while the hub has no time. HostError when not read."""
    hub = hub_of(host)
    endpoint = (await find_endpoints(host, hub, HUB_NWK, TIME.cluster_id))[0]
    far = Far(hub, endpoint, TIME.cluster_id, source_endpoint)
    seconds = (await read_attributes(host, far, (_TIME,))).get(_TIME)
    if not isinstance(seconds, int) or seconds == _NO_TIME:
        return None
    return zcl_moment(seconds)
