"""GBCS messages between a device and its hub: the device serves the tunnel, the hub opens it.

Commands come whole or in blocks and are answered in the same tunnel. What the device has to say
waits until the tunnel is open, and is sent again when a tunnel broke under it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from device.chassis import Chassis
from device.events import FrameIgnored
from device.host import Host
from device.long_messages import LongMessages, parts_of
from device.timeline import Timeline
from gbcs.errors import MalformedMessage
from han.clusters import TUNNELING
from han.radio import HanRadio, NetworkUp, RadioEvent
from han.tunnel import TransferDone, TransferFailed, TunnelMessage, TunnelOpened, TunnelServer
from han.zcl.tables import Served

Answer = Callable[[bytes], bytes | None]


class HubTunnel:
    """The tunnel of one device. ``answer`` executes a command; None when it is refused."""

    def __init__(
        self, chassis: Chassis, timeline: Timeline, radio: HanRadio, endpoint: int, answer: Answer
    ) -> None:
        self._chassis, self._timeline, self._radio = chassis, timeline, radio
        self._answer = answer
        self._server = TunnelServer(endpoint, admits=self._is_hub)
        self._unsent: deque[bytes] = deque()
        self._in_flight: dict[int, bytes] = {}
        self._long_messages = LongMessages()
        self._host: Host | None = None

    def served(self) -> Served:
        """The Tunneling server, for the endpoint's table."""
        return self._server.served()

    def attach(self, host: Host) -> None:
        """Work on this node; before the host runs."""
        self._host = host
        host.node.attach(self._server)
        host.on_progress(self._progress)
        host.on_radio_event(self._radio_event)

    def send(self, octets: bytes, recipient: int = 0) -> None:
        """Send a message to the hub, now or when its tunnel is open."""
        del recipient  # the hub reads it from the message
        self._unsent.extend(parts_of(octets))
        self._send_waiting()

    def lose_memory(self) -> None:
        """The supply was cut: the device knows no tunnel any more, the hub has to open one."""
        hub = self._radio.trust_centre
        if hub is not None:
            self._server.forget(hub)

    def _progress(self) -> None:
        for event in self._server.events():
            match event:
                case TunnelMessage(peer, octets):
                    self._receive(peer, octets)
                case TunnelOpened():
                    self._send_waiting()
                case TransferDone(ref=ref):
                    self._in_flight.pop(ref, None)
                case TransferFailed(ref=ref) if ref in self._in_flight:
                    self._unsent.appendleft(self._in_flight.pop(ref))  # until the tunnel is back

    def _radio_event(self, event: RadioEvent) -> None:
        """What could not be sent without a network can be now."""
        if isinstance(event, NetworkUp):
            self._send_waiting()

    def _receive(self, peer: int, octets: bytes) -> None:
        try:
            whole = self._long_messages.take(octets)
        except MalformedMessage as error:
            self._ignored(peer, octets, str(error))
            return
        response = None if whole is None else self._answer(whole)
        if response is not None:
            self.send(response)

    def _ignored(self, peer: int, octets: bytes, reason: str) -> None:
        self._chassis.events.publish(
            FrameIgnored(
                **self._chassis.here(),
                peer=peer,
                cluster_id=TUNNELING.cluster_id,
                reason=reason,
                octets=octets,
            )
        )

    def _send_waiting(self) -> None:
        hub, host = self._radio.trust_centre, self._host
        if hub is None or host is None or not self._server.is_open(hub):
            return
        while self._unsent:
            octets = self._unsent.popleft()
            ref = self._server.send(hub, octets, self._timeline.now())
            self._in_flight[ref] = octets
        host.kick()

    def _is_hub(self, peer: int) -> bool:
        return peer == self._radio.trust_centre
