"""EZSP commands on traffic: unicast, broadcast, fragments, and what comes in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from han.radio import ApsFrame, ApsReceived, Block, BlockAck, Broadcast, DeliveryStatus
from hw.events import BROADCAST_ENDPOINT, ZDO_ENDPOINT
from hw.ezsp_layout import Fields, Value
from hw.ezsp_status import Status
from hw.limits import APS_SECURITY_OCTETS, EXTENDED_HEADER_OCTETS, NCP_PAYLOAD_OCTETS
from hw.vncp import zdo_server
from hw.vncp.ezsp import Command

if TYPE_CHECKING:
    from hw.vncp.ncp import VirtualNcp

ENCRYPTION: Final = 0x0020
RETRY: Final = 0x0040
FRAGMENT: Final = 0x8000
OUTGOING_DIRECT: Final = 0
OUTGOING_BROADCAST: Final = 6
INCOMING_UNICAST: Final = 0
INCOMING_BROADCAST: Final = 4
NO_TABLE_ENTRY: Final = 0xFF

OUTCOMES: Final[Mapping[DeliveryStatus, Status]] = {
    DeliveryStatus.DELIVERED: Status.OK,
    DeliveryStatus.EXPIRED: Status.MAC_INDIRECT_TIMEOUT,
}


@dataclass(frozen=True, slots=True)
class ApsOptions:
    """EmberApsFrame by our names."""

    profile_id: int
    cluster_id: int
    source_endpoint: int
    destination_endpoint: int
    options: int
    group_id: int
    sequence: int

    @classmethod
    def of(cls, command: Command) -> ApsOptions:
        """Read it out of a command."""
        fields = {k: v for k, v in command.structure("aps_frame").items() if isinstance(v, int)}
        return cls(
            fields["profileId"],
            fields["clusterId"],
            fields["sourceEndpoint"],
            fields["destinationEndpoint"],
            fields["options"],
            fields["groupId"],
            fields["sequence"],
        )

    def fields(self, sequence: int) -> dict[str, Value]:
        """As a callback shows it."""
        return {
            "profileId": self.profile_id, "clusterId": self.cluster_id,
            "sourceEndpoint": self.source_endpoint,
            "destinationEndpoint": self.destination_endpoint, "options": self.options,
            "groupId": self.group_id, "sequence": sequence,
        }  # fmt: skip

    @property
    def block(self) -> Block | None:
        """The fragment this is."""
        if not self.options & FRAGMENT:
            return None
        index = self.group_id & 0xFF
        return Block(index, self.group_id >> 8 if index == 0 else None)

    @property
    def room(self) -> int:
        """Octets of payload that fit."""
        return (
            NCP_PAYLOAD_OCTETS
            - (APS_SECURITY_OCTETS if self.options & ENCRYPTION else 0)
            - (EXTENDED_HEADER_OCTETS if self.options & FRAGMENT else 0)
        )


def send_unicast(ncp: VirtualNcp, command: Command) -> Fields:
    """Send to a short address; messageSentHandler follows."""
    options, payload = ApsOptions.of(command), command.octets("message")
    node = command.number("node")
    if command.number("message_type") != OUTGOING_DIRECT:
        return {"status": Status.INVALID_PARAMETER, "sequence": 0}
    if not ncp.stack.on_network:
        return {"status": Status.NETWORK_DOWN, "sequence": 0}
    if len(payload) > options.room:
        return {"status": Status.MESSAGE_TOO_LONG, "sequence": 0}
    report = _reporter(ncp, OUTGOING_DIRECT, node, options, command.number("message_tag"))
    if node == ncp.stack.mac.nwk:
        return _loop_back(ncp, options, payload, report)
    peer = ncp.stack.state.eui64_of(node)
    if peer is None:
        asyncio.get_running_loop().call_soon(report, 0, DeliveryStatus.UNKNOWN_PEER)
        return {"status": Status.OK, "sequence": 0}
    if options.options & ENCRYPTION and peer not in ncp.stack.state.link_keys:
        return {"status": Status.APS_ENCRYPTION_ERROR, "sequence": 0}
    block = options.block
    frame = ApsFrame(
        peer,
        options.profile_id,
        options.cluster_id,
        options.source_endpoint,
        options.destination_endpoint,
        payload,
        bool(options.options & RETRY),
        bool(options.options & ENCRYPTION),
        block,
        options.sequence if block is not None and block.index else None,
    )
    return {"status": Status.OK, "sequence": _send(ncp, frame, report)}


Report = Callable[[int, DeliveryStatus], None]


def _send(ncp: VirtualNcp, frame: ApsFrame, report: Report) -> int:
    counter = 0

    def ended(status: DeliveryStatus) -> None:
        report(counter, status)

    counter = ncp.stack.send(frame, ended)
    return counter


def _reporter(
    ncp: VirtualNcp, kind: int, node: int, options: ApsOptions, message_tag: int
) -> Report:
    stack = ncp.stack

    def report(counter: int, status: DeliveryStatus) -> None:
        if ncp.stack is not stack or status is DeliveryStatus.RADIO_LOST:
            return  # of a life before the reset
        ncp.callback(
            "messageSentHandler",
            {
                "message_type": kind,
                "node": node,
                "aps_frame": options.fields(counter),
                "message_tag": message_tag,
                "status": OUTCOMES.get(status, Status.DELIVERY_FAILED),
                "message": b"",
            },
        )

    return report


def _loop_back(ncp: VirtualNcp, options: ApsOptions, payload: bytes, report: Report) -> Fields:
    """A message to ourselves: the stack's ZDO answers, other endpoints hear it."""
    received = ApsReceived(
        ncp.eui64,
        options.profile_id,
        options.cluster_id,
        options.source_endpoint,
        options.destination_endpoint,
        payload,
        encrypted=False,
        aps_counter=options.sequence,
        peer_nwk=ncp.stack.mac.nwk,
    )

    def deliver() -> None:
        report(options.sequence, DeliveryStatus.DELIVERED)
        incoming(ncp, received)

    asyncio.get_running_loop().call_soon(deliver)
    return {"status": Status.OK, "sequence": options.sequence}


def send_broadcast(ncp: VirtualNcp, command: Command) -> Fields:
    """Send to a broadcast address."""
    options, payload = ApsOptions.of(command), command.octets("message")
    destination = command.number("destination")
    if not ncp.stack.on_network:
        return {"status": Status.NETWORK_DOWN, "sequence": 0}
    if len(payload) > NCP_PAYLOAD_OCTETS:
        return {"status": Status.MESSAGE_TOO_LONG, "sequence": 0}
    try:
        to = Broadcast(destination)
    except ValueError:
        return {"status": Status.INVALID_PARAMETER, "sequence": 0}
    frame = ApsFrame(
        to,
        options.profile_id,
        options.cluster_id,
        options.source_endpoint,
        options.destination_endpoint,
        payload,
        acknowledged=False,
    )
    tag = command.number("message_tag")
    report = _reporter(ncp, OUTGOING_BROADCAST, destination, options, tag)
    return {"status": Status.OK, "sequence": _send(ncp, frame, report)}


def send_reply(ncp: VirtualNcp, command: Command) -> Fields:
    """Acknowledge a fragment.

    Bit field in the high octet of the group, window base in the low one.
    """
    options = ApsOptions.of(command)
    peer = ncp.stack.state.eui64_of(command.number("node"))
    if not options.options & FRAGMENT or command.octets("message"):
        return {"status": Status.INVALID_CALL}
    if peer is None or not ncp.stack.on_network:
        return {"status": Status.NETWORK_DOWN}
    ncp.stack.acknowledge_block(
        BlockAck(
            peer,
            options.profile_id,
            options.cluster_id,
            options.source_endpoint,
            options.destination_endpoint,
            options.sequence,
            window_start=options.group_id & 0xFF,
            received=options.group_id >> 8,
        )
    )
    return {"status": Status.OK}


def incoming(ncp: VirtualNcp, received: ApsReceived) -> None:
    """A message for us: the stack's own ZDO first, then the host, if the endpoint exists."""
    endpoint = received.destination_endpoint
    if endpoint == ZDO_ENDPOINT and received.profile_id == 0:
        if not zdo_server.received(ncp, received):
            return
    elif endpoint != BROADCAST_ENDPOINT:
        descriptor = ncp.ram.endpoints.get(endpoint)
        if descriptor is None or descriptor.profile_id != received.profile_id:
            return
    hand_up(ncp, received)


def hand_up(ncp: VirtualNcp, received: ApsReceived) -> None:
    """Show a message to the host."""
    options = ENCRYPTION if received.encrypted else 0
    options |= 0 if received.broadcast else RETRY
    group = 0
    if received.block is not None:
        options |= FRAGMENT
        group = received.block.index | (received.block.count or 0) << 8
    aps = ApsOptions(
        received.profile_id,
        received.cluster_id,
        received.source_endpoint,
        received.destination_endpoint,
        options,
        group,
        received.aps_counter,
    )
    ncp.callback(
        "incomingMessageHandler",
        {
            "message_type": INCOMING_BROADCAST if received.broadcast else INCOMING_UNICAST,
            "aps_frame": aps.fields(received.aps_counter),
            "lqi": received.lqi,
            "rssi": received.rssi_dbm,
            "node": received.peer_nwk,
            "eui64": received.peer,
            "binding_index": NO_TABLE_ENTRY,
            "address_index": NO_TABLE_ENTRY,
            "timestamp": int(asyncio.get_running_loop().time() * 1e6) & 0xFFFFFFFF,
            "message": received.payload,
        },
    )


def get_extended_timeout(ncp: VirtualNcp, command: Command) -> Fields:
    """Whether a longer acknowledgement timeout was asked for this peer."""
    wanted = command.number("eui64") in ncp.ram.extended_timeouts
    return {"extendedTimeout": int(wanted), "status": Status.OK if wanted else Status.FAIL}


def set_extended_timeout(ncp: VirtualNcp, command: Command) -> Fields:
    """Noted; a frame to a sleepy child waits for its poll anyway."""
    if command.number("extendedTimeout"):
        ncp.ram.extended_timeouts.add(command.number("eui64"))
    else:
        ncp.ram.extended_timeouts.discard(command.number("eui64"))
    return {"status": Status.OK}


HANDLERS: Final[Mapping[str, Callable[[VirtualNcp, Command], Fields]]] = {
    "sendUnicast": send_unicast,
    "sendBroadcast": send_broadcast,
    "sendReply": send_reply,
    "getExtendedTimeout": get_extended_timeout,
    "setExtendedTimeout": set_extended_timeout,
}
