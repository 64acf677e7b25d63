"""GBCS messages between a device and its hub: the device serves the tunnel, the hub opens it.

Commands come whole or in blocks and are answered in the same tunnel. What the device has to say
waits in its outbox until the hub has it: one message at a time, in order, all of its blocks again
when one of them was lost.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from device.chassis import Chassis
from device.events import FrameIgnored
from device.host import Host
from device.long_messages import LongMessages, parts_of
from device.responding import Execute, respond
from device.timeline import Timeline
from gbcs.errors import MalformedMessage
from han.clusters import TUNNELING
from han.radio import HanRadio, NetworkUp, RadioEvent
from han.tunnel import TransferDone, TransferFailed, TunnelMessage, TunnelOpened, TunnelServer
from han.zcl.tables import Served

RETRY_AFTER: Final = timedelta(seconds=30)
"""A transfer that failed is tried again after this time, then twice of it, and so on."""
LONGEST_RETRY: Final = timedelta(hours=1)


class HubTunnel:
    """The tunnel of one device. ``answer`` executes a command."""

    def __init__(
        self, chassis: Chassis, timeline: Timeline, radio: HanRadio, endpoint: int, answer: Execute
    ) -> None:
        self._chassis, self._timeline, self._radio = chassis, timeline, radio
        self._answer = answer
        self._server = TunnelServer(endpoint, admits=self._is_hub)
        self._outbox = chassis.outbox
        self._outbox.watch(self._send_first)
        self._sending = 0
        self._under_way: set[int] = set()
        self._patience = RETRY_AFTER
        self._retry: asyncio.TimerHandle | None = None
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

    def lose_memory(self) -> None:
        """The supply was cut: the device knows no tunnel any more, the hub has to open one."""
        self._under_way.clear()
        hub = self._radio.trust_centre
        if hub is not None:
            self._server.forget(hub)

    # -- parts -----------------------------------------------------------------------------------

    def _progress(self) -> None:
        for event in self._server.events():
            match event:
                case TunnelMessage(peer, octets):
                    self._receive(peer, octets)
                case TunnelOpened():
                    self._send_first()
                case TransferDone(ref=ref) if ref in self._under_way:
                    self._done(ref)
                case TransferFailed(ref=ref, reason=reason, refused=refused) if (
                    ref in self._under_way
                ):
                    if refused:
                        self._outbox.refused(self._sending, reason)
                    self._failed()

    def _radio_event(self, event: RadioEvent) -> None:
        """What could not be sent without a network can be now."""
        if isinstance(event, NetworkUp):
            self._send_first()

    def _receive(self, peer: int, octets: bytes) -> None:
        try:
            whole = self._long_messages.take(octets)
        except MalformedMessage as error:
            self._ignored(peer, octets, str(error))
            return
        if whole is not None:
            respond(self._chassis, self._answer, whole)

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

    def _send_first(self) -> None:
        """Send the message that waits longest, unless one is under way or the tunnel is closed."""
        hub, host = self._radio.trust_centre, self._host
        if self._under_way or hub is None or host is None:
            return
        self._try_no_more()
        first = self._outbox.first
        if first is None or not self._server.is_open(hub):
            return
        self._sending, now = first.number, self._timeline.now()
        for part in parts_of(first.octets):
            self._under_way.add(self._server.send(hub, part, now, confirmed=True))
        host.kick()

    def _done(self, ref: int) -> None:
        self._under_way.discard(ref)
        if not self._under_way:
            self._outbox.delivered(self._sending)
            self._patience = RETRY_AFTER
            self._send_first()

    def _failed(self) -> None:
        """Without its tunnel a message waits for the next one, else for its next try."""
        self._under_way.clear()
        self._try_no_more()
        first = self._outbox.first
        if first is not None and first.number != self._sending:  # that one was given up
            self._patience = RETRY_AFTER
        self._retry = self._timeline.call_at(
            self._timeline.now() + self._patience, self._send_first
        )
        self._patience = min(2 * self._patience, LONGEST_RETRY)

    def _try_no_more(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _is_hub(self, peer: int) -> bool:
        return peer == self._radio.trust_centre
