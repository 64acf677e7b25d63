"""Two nodes with a tunnel between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gbcs.zcl.frame import Frame
from han.endpoint import Endpoint
from han.node import Node
from han.tunnel import (
    TunnelClients,
    TunnelServer,
    TunnelSettings,
)
from han.zcl.server import ZclServer
from han.zcl.tables import Access
from tests.han.home import HUB, METER, START, Home

SECOND = timedelta(seconds=1)
HUB_ENDPOINT, METER_ENDPOINT = 0x7B, 0x2A


@dataclass
class Rig:
    air: Home
    server: TunnelServer
    clients: TunnelClients
    server_at: int
    client_at: int

    def open(self) -> None:
        self.clients.open(self.server_at, METER_ENDPOINT, self.air.now)
        self.kick()

    def kick(self) -> None:
        """Let both nodes drive their services, and carry what comes of it."""
        for node in self.air.nodes.values():
            node.poll(self.air.now)
        self.air.settle()


def rig(settings: TunnelSettings | None = None, *, server_at: int = METER) -> Rig:
    client_at = HUB if server_at == METER else METER
    server = TunnelServer(METER_ENDPOINT, settings)
    clients = TunnelClients(HUB_ENDPOINT, settings)
    serving = Node(server_at, [Endpoint(METER_ENDPOINT, 0x0501, [server.served()])])
    using = Node(client_at, [Endpoint(HUB_ENDPOINT, 0x0508, [clients.served()])])
    serving.attach(server)
    using.attach(clients)
    return Rig(Home.of(serving, using), server, clients, server_at, client_at)


def ask(server: TunnelServer, octets: str, peer: int = HUB) -> str:
    """The answer to a ZCL frame, in hex."""
    access = Access(peer=peer, now=START, endpoint=METER_ENDPOINT, peer_endpoint=9)
    frames = ZclServer([server.served()]).execute(
        0x0704, Frame.parse(bytes.fromhex(octets)), access
    )
    return " ".join(f.to_bytes().hex() for f in frames)


REQUEST = "0111 00 06 ffff 00 dc05"
