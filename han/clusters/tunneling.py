"""Tunneling 0x0704 as GBCS uses it: identifiers, payloads, the values a GB tunnel must have.

Mind that TransferData has identifier 2 towards the server and 1 towards the client.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from gbcs.zcl.types import DataType
from han.clusters.rows import attributes, commands
from han.zcl.payload import U8, U16, Bool8, Rest
from han.zcl.tables import ClusterDefinition

CLUSTER_ID: Final = 0x0704
GB_HRGP: Final = 6
"""Protocol identifier of GB tunnels."""
NO_MANUFACTURER: Final = 0xFFFF
NO_TUNNEL: Final = 0xFFFF
TRANSFER_OCTETS: Final = 1500
NO_FLOW_CONTROL: Final = 0xFFFF


class ToServer(IntEnum):
    """Commands of the client."""

    REQUEST_TUNNEL = 0
    CLOSE_TUNNEL = 1
    TRANSFER_DATA = 2
    TRANSFER_DATA_ERROR = 3
    ACK_TRANSFER_DATA = 4
    READY_DATA = 5
    GET_SUPPORTED_TUNNEL_PROTOCOLS = 6


class ToClient(IntEnum):
    """Commands of the server."""

    REQUEST_TUNNEL_RESPONSE = 0
    TRANSFER_DATA = 1
    TRANSFER_DATA_ERROR = 2
    ACK_TRANSFER_DATA = 3
    READY_DATA = 4
    SUPPORTED_TUNNEL_PROTOCOLS_RESPONSE = 5
    TUNNEL_CLOSURE_NOTIFICATION = 6


class TunnelStatus(IntEnum):
    """Outcome of a RequestTunnel."""

    SUCCESS = 0
    BUSY = 1
    NO_MORE_IDS = 2
    PROTOCOL_NOT_SUPPORTED = 3
    FLOW_CONTROL_NOT_SUPPORTED = 4


class TransferStatus(IntEnum):
    """Why a TransferData was refused."""

    NO_SUCH_TUNNEL = 0
    WRONG_DEVICE = 1
    OVERFLOW = 2


@dataclass(frozen=True, slots=True)
class RequestTunnel:
    """Ask the server for a tunnel; the defaults are what GB demands."""

    protocol_id: U8 = GB_HRGP
    manufacturer: U16 = NO_MANUFACTURER
    flow_control: Bool8 = False
    max_incoming_octets: U16 = TRANSFER_OCTETS


@dataclass(frozen=True, slots=True)
class RequestTunnelResponse:
    """The server's verdict; the identifier is 0xFFFF when it is a refusal."""

    tunnel_id: U16
    status: U8
    max_incoming_octets: U16 = TRANSFER_OCTETS


@dataclass(frozen=True, slots=True)
class TunnelIdentifier:
    """CloseTunnel and TunnelClosureNotification."""

    tunnel_id: U16


@dataclass(frozen=True, slots=True)
class TransferData:
    """Octets through the tunnel, in either direction."""

    tunnel_id: U16
    octets: Rest


@dataclass(frozen=True, slots=True)
class TransferDataError:
    """TransferData that could not be taken."""

    tunnel_id: U16
    status: U8


@dataclass(frozen=True, slots=True)
class GetSupportedTunnelProtocols:
    """Ask for protocols from an index on."""

    offset: U8


TUNNELING: Final = ClusterDefinition(
    CLUSTER_ID,
    "Tunneling",
    server_attributes=attributes((0x0000, "CloseTunnelTimeout", DataType.UINT16)),
    to_server=commands(
        (ToServer.REQUEST_TUNNEL, "RequestTunnel", (ToClient.REQUEST_TUNNEL_RESPONSE,)),
        (ToServer.CLOSE_TUNNEL, "CloseTunnel"),
        (ToServer.TRANSFER_DATA, "TransferData", (ToClient.TRANSFER_DATA_ERROR,)),
        (ToServer.TRANSFER_DATA_ERROR, "TransferDataError"),
        (ToServer.ACK_TRANSFER_DATA, "AckTransferData"),
        (ToServer.READY_DATA, "ReadyData"),
        (
            ToServer.GET_SUPPORTED_TUNNEL_PROTOCOLS,
            "GetSupportedTunnelProtocols",
            (ToClient.SUPPORTED_TUNNEL_PROTOCOLS_RESPONSE,),
        ),
    ),
    to_client=commands(
        (ToClient.REQUEST_TUNNEL_RESPONSE, "RequestTunnelResponse"),
        (ToClient.TRANSFER_DATA, "TransferData", (ToServer.TRANSFER_DATA_ERROR,)),
        (ToClient.TRANSFER_DATA_ERROR, "TransferDataError"),
        (ToClient.ACK_TRANSFER_DATA, "AckTransferData"),
        (ToClient.READY_DATA, "ReadyData"),
        (ToClient.SUPPORTED_TUNNEL_PROTOCOLS_RESPONSE, "SupportedTunnelProtocolsResponse"),
        (ToClient.TUNNEL_CLOSURE_NOTIFICATION, "TunnelClosureNotification"),
    ),
)
