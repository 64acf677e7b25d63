"""The Communications Hub Function: admits devices, and carries messages between WAN and HAN.

A message from the WAN goes by its recipient: to a function in the hub itself (GPF, CHF), through a
tunnel the hub opened (ESME, HCALCS, PPMID), or into the mailbox of a gas meter. What devices send
goes up to the WAN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from chub.address_watch import AddressWatch
from chub.alerts import HubAlerts
from chub.deliveries import Deliveries
from chub.device_log import DeviceLog, Entry
from chub.firmware import FirmwareDistribution
from chub.joining import Joining
from chub.mailroom import Mailroom
from chub.observer import Observer
from chub.own_commands import OwnCommands
from chub.poll_client import PollClient
from chub.settings import ChfSettings
from chub.succession import Succession
from chub.tap_off import TapOffs
from chub.trust_centre import TrustCentre
from chub.tunnel_opener import TunnelOpener
from chub.undelivered import Undeliverable, Undelivered
from chub.views import basic_server, time_server
from device.chassis import Chassis
from device.common import CommonCommands
from device.events import MessageQueued, MessageTunnelled
from device.host import Host
from device.long_messages import LongMessages
from device.outbox import Offer
from device.responding import Execute, respond
from device.settings import PipelineSettings
from gbcs.envelope import Message
from gbcs.errors import MalformedMessage
from gbcs.eui64 import format_eui64
from gbcs.party import DeviceType
from han.cbke.authority import Credentials, RandomOctets
from han.endpoint import Endpoint
from han.radio import (
    DeviceJoined,
    DeviceLeft,
    NetworkUp,
    RadioEvent,
)
from han.tunnel import (
    TunnelClosed,
    TunnelMessage,
    TunnelOpened,
    TunnelServer,
)

REMOTE_COMMUNICATIONS_DEVICE: Final = 0x0508
TUNNEL_SERVERS: Final = frozenset(
    {DeviceType.ESME, DeviceType.HCALCS, DeviceType.PPMID, DeviceType.SAPC}
)


def may_serve_tunnels(entry: Entry) -> bool:
    """Whether a device has a Tunneling server, as far as is known: backups name no types."""
    return entry.device_type is None or entry.device_type in TUNNEL_SERVERS


@dataclass(frozen=True, slots=True)
class HanIdentity:
    """Who the hub is on the HAN: its IEEE address, certificates for it, octets for its keys."""

    eui64: int
    certified: tuple[Credentials, ...] = field(repr=False)
    random: RandomOctets = field(repr=False)


class CommunicationsHub:
    """The CHF.

    ``upward`` takes the octets of Responses and alerts to the WAN; False when nobody is there to
    take them: then they wait in the CHF's outbox, also those of devices, for its next flush.
    """

    def __init__(
        self,
        chassis: Chassis,
        upward: Offer,
        han: HanIdentity,
        *,
        settings: ChfSettings | None = None,
        pipeline_settings: PipelineSettings | None = None,
        endpoint: int = 3,
    ) -> None:
        self.chassis = chassis
        self.settings = settings or ChfSettings()
        self.device_log = DeviceLog(chassis.store, self.settings.device_log_places)
        self.joining = Joining(chassis.store, self.device_log, self._now, self._known_again)
        self.alerts = HubAlerts(chassis, self.settings.alerted_events)
        common = CommonCommands(chassis, self.alerts.event)
        self._functions: dict[int, Execute] = {}
        self.own = OwnCommands(
            chassis,
            self.settings,
            self.device_log,
            self.joining,
            self.alerts,
            lambda: self._functions,
            common,
            pipeline_settings,
        )
        self.observer = Observer(
            self.device_log, self.own.model.communications, self.alerts, chassis
        )
        self.addresses = AddressWatch(chassis, self.device_log)
        self.own.model.own_pan = han.eui64
        self.own.model.device_removed = self._forget
        self.succession = Succession(self.device_log, self.joining, self.own.model, self.settings)
        self._functions[chassis.eui64] = self.own.answer
        self.undelivered = Undelivered(chassis, self.device_log, self.alerts)
        self.tunnels = TunnelServer(endpoint, admits=self.device_log.__contains__)
        self.opener = TunnelOpener(endpoint)
        self.deliveries = Deliveries(
            self.opener,
            chassis.store,
            self.settings.esme_delivery_timeout_s,
            put_off=self.undelivered.put_off,
            given_up=self.undelivered.given_up,
        )
        self.trust_centre = TrustCentre(
            chassis,
            self.device_log,
            han.eui64,
            endpoint,
            han.certified,
            han.random,
            self.settings,
            self._authorised,
        )
        self.trust_centre.expel = self._expel
        self.pending_changed: Callable[[int, bool], object] = lambda peer, pending: None
        self.tap_offs = TapOffs(chassis.store)
        self.device_removed: Callable[[int], object] = lambda peer: None
        self.mailroom = self._make_mailroom()
        self.firmware = FirmwareDistribution(chassis, self.device_log, self.alerts)
        self.poll_client = self._make_poll_client(endpoint)
        self.endpoint = self._make_endpoint(endpoint)
        self._from_wan, self._from_devices = LongMessages(), LongMessages()
        chassis.outbox.hand_to(upward)
        self._host: Host | None = None

    def _make_mailroom(self) -> Mailroom:
        return Mailroom(
            self.tunnels,
            self.chassis.store,
            self.settings,
            upward=self._from_han,
            pending=lambda peer, pending: self.pending_changed(peer, pending),
            expired=self.undelivered.expired,
            noise=self.undelivered.noise,
        )

    def _make_poll_client(self, endpoint: int) -> PollClient:
        return PollClient(
            self.chassis,
            self.settings,
            endpoint,
            waits=self._waits_for,
            admitted=self.trust_centre.trusts,
            listening=lambda peer: self.deliveries.hurry(peer, self._now()),
        )

    def _make_endpoint(self, number: int) -> Endpoint:
        served = (
            self.tunnels.served(),
            self.opener.clients.served(),
            *self.trust_centre.served(),
            self.firmware.served(),
            self.poll_client.served(),
            time_server(self.chassis.clock),
            basic_server(),
        )
        return Endpoint(number, REMOTE_COMMUNICATIONS_DEVICE, served=served)

    def add_function(self, entity: int, answer: Execute) -> None:
        """Put a function (the GPF) into the hub: messages for ``entity`` go to it."""
        self._functions[entity] = answer

    def attach(self, host: Host) -> None:
        """Work on this node; before the host runs."""
        self._host = host
        services = (self.tunnels, self.opener.clients, self.mailroom, self.deliveries)
        for service in (*services, self.own.common):
            host.node.attach(service)
        self.joining.attach(host)
        self.succession.attach(host)
        self.observer.attach(host)
        self.addresses.attach(host)
        host.on_progress(self._progress)
        host.on_radio_event(self._radio_event)
        self.trust_centre.attach(host)
        self.firmware.attach(host, self.endpoint.number)
        self.poll_client.attach(host)
        self.opener.attach(host, self._tunnel_server)
        self.mailroom.restore(self._now())
        self.deliveries.restore(self._now())

    # -- joining -------------------------------------------------------------------------------

    async def add_device(self, entry: Entry, open_for_s: int | None = None) -> bool:
        """Add a device to the device log and open joining for it; False when it was there.

        DeviceLogFull when there is no place.
        """
        added = self.device_log.add(entry)
        await self.reopen(entry, open_for_s)
        return added

    async def reopen(self, entry: Entry, open_for_s: int | None = None) -> None:
        """Let a device of the log join, for the join timeout unless said otherwise."""
        duration_s = self.settings.join_timeout_s if open_for_s is None else open_for_s
        self.joining.open(entry, duration_s)
        await self.joining.settle()

    async def remove_device(self, eui64: int) -> bool:
        """Remove a device from the log and from the network; False when it was not there."""
        if self.device_log.remove(eui64) is None:
            return False
        self._expel(eui64)
        await self.joining.settle()
        return True

    def _expel(self, eui64: int) -> None:
        """Put a device off the network; of one taken from the log nothing is kept."""
        self.joining.expel(eui64)
        self._forget(eui64)

    # -- WAN side ------------------------------------------------------------------------------

    def deliver(self, octets: bytes) -> None:
        """Carry one message from the WAN; what cannot be carried is refused by name."""
        try:
            whole = self._from_wan.take(octets)
            if whole is None:
                return  # a block of a message that is not complete
            octets, message = whole, Message.parse(whole)
        except MalformedMessage as error:
            self.undelivered.refuse(Undeliverable.MALFORMED, str(error))
            return
        function = self._functions.get(message.recipient)
        if function is not None:
            respond(self.chassis, function, octets)
            if self._host is not None:
                self._host.kick()  # something may be due at another time now
            return
        entry = self.device_log.get(message.recipient)
        if entry is None:
            self.undelivered.refuse(
                Undeliverable.UNKNOWN_RECIPIENT, format_eui64(message.recipient), message
            )
        elif entry.device_type is DeviceType.GSME:
            self._to_mailbox(message, octets)
        elif may_serve_tunnels(entry):
            self._to_tunnel(octets)
        else:
            detail = f"a {entry.device_type} takes no remote party messages"
            self.undelivered.refuse(Undeliverable.UNKNOWN_RECIPIENT, detail, message)

    def _to_mailbox(self, message: Message, octets: bytes) -> None:
        peer = message.recipient
        with self.chassis.store.transaction():
            taken = self.mailroom.put(peer, octets, self._now())
            if taken:
                self.tap_offs.keep(message, octets)
        waiting = self.mailroom.waiting(peer)
        if not taken:
            self.undelivered.refuse(Undeliverable.MAILBOX_FULL, f"{waiting} messages wait", message)
            return
        self.chassis.events.publish(
            MessageQueued(**self.chassis.here(), peer=peer, waiting=waiting)
        )
        self._running().kick()

    def _to_tunnel(self, octets: bytes) -> None:
        self.deliveries.send(octets, self._now())
        self._running().kick()

    # -- HAN side ------------------------------------------------------------------------------

    def _progress(self) -> None:
        now = self._now()
        for event in self.tunnels.events():
            self.observer.tunnel_event(event)
            if isinstance(event, TunnelOpened):
                self._has_opened(event.peer)
            self.mailroom.receive(event, now)
        for event in self.opener.events():
            self.observer.own_tunnel_event(event)
            self.deliveries.receive(event, now)
            if isinstance(event, TunnelClosed):  # its server might have something to say
                self.opener.clients.resume(event.peer, now)
            if isinstance(event, TunnelMessage):
                self._from_han(event.peer, event.octets)

    def _has_opened(self, peer: int) -> None:
        """A device that opens a tunnel to the hub is a gas meter, should that not be known yet."""
        with self.chassis.store.transaction():  # what waits goes over from one to the other
            if self.device_log.learn_type(peer, DeviceType.GSME):
                for octets in self.deliveries.take(peer):
                    self._to_mailbox(Message.parse(octets), octets)

    def _radio_event(self, event: RadioEvent) -> None:
        if isinstance(event, DeviceLeft):
            self._forget(event.eui64)
        elif isinstance(event, DeviceJoined):
            if event.admitted and self._tunnel_server(event.eui64):
                self.opener.expect(event.eui64, self._now())
        elif isinstance(event, NetworkUp):
            entries = self.device_log.entries()
            self.opener.reopen(e.eui64 for e in entries if may_serve_tunnels(e))

    def _known_again(self, eui64: int, key: bytes) -> None:
        """A device came back with the key it had before it was removed: it keeps that key."""
        self.trust_centre.take_up(eui64, key)

    def _authorised(self, eui64: int) -> None:
        """A device that joined has its key: now it may have a tunnel, and firmware."""
        self.firmware.welcome(eui64)
        self.poll_client.forget(eui64)
        if self._tunnel_server(eui64):
            self.opener.welcome(eui64)

    def _forget(self, eui64: int) -> None:
        """Drop tunnels with a device that left; its messages wait on if it may come back."""
        self.tunnels.forget(eui64)
        self.opener.forget(eui64)
        self.poll_client.forget(eui64)
        if eui64 not in self.device_log:
            self.mailroom.forget(eui64)
            self.tap_offs.forget(eui64)
            self.deliveries.forget(eui64, "it was removed from the device log")
            self.own.model.communications.forget(eui64)
            self.device_removed(eui64)

    def _from_han(self, peer: int, octets: bytes) -> None:
        try:
            whole = self._from_devices.take(octets)
            if whole is None:
                return  # a block of a message that is not complete
            message = Message.parse(whole)
        except MalformedMessage as error:
            self.undelivered.refuse(Undeliverable.MALFORMED, f"from {format_eui64(peer)}: {error}")
            return
        here = self.chassis.here()
        self.chassis.events.publish(MessageTunnelled(**here, peer=peer, octets=len(whole)))
        self.mailroom.answered(peer, message)
        self.tap_offs.heard(peer, message)
        if message.recipient in self.device_log:
            self.deliver(whole)  # from one device of the home to another (PCS01, PCS02)
        else:
            self.chassis.outbox.forward(whole)

    def _waits_for(self, eui64: int) -> bool:
        """Whether the hub has anything for a device that would have to be awake for it."""
        if self.mailroom.waiting(eui64) or self.deliveries.waiting(eui64):
            return True
        if eui64 in self.firmware.waiting() or self.trust_centre.waits_for(eui64):
            return True
        return self._running().node.sends_parts_to(eui64)

    def _tunnel_server(self, eui64: int) -> bool:
        """Whether the hub opens a tunnel to this device: to one that holds its key, not before."""
        entry = self.device_log.get(eui64)
        return entry is not None and may_serve_tunnels(entry) and self.trust_centre.trusts(eui64)

    def _now(self) -> datetime:
        return self.chassis.true_time()

    def _running(self) -> Host:
        if self._host is None:
            raise RuntimeError("the hub has no radio yet")
        return self._host
