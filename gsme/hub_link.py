"""A gas meter's link to its hub: the mirror it pushes to, the tunnel it collects from."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final, TypeVar

from device.asking import (
    HUB_NWK,
    find_endpoints,
    hub_of,
    read_attributes,
    read_hub_time,
    status_of,
)
from device.chassis import Chassis
from device.host import Host
from device.long_messages import LongMessages, parts_of
from device.responding import Execute, respond
from device.timeline import Timeline
from gbcs.errors import MalformedMessage
from gbcs.zcl.status import Status, status_name
from gbcs.zcl.types import zcl_seconds
from han.clusters import BASIC, METERING, TUNNELING
from han.clusters.basic import MIRROR_CAPACITY, PHYSICAL_ENVIRONMENT
from han.exchange import Outcome, Request
from han.mirror.client import (
    FlagsReceived,
    MirrorClient,
    MirrorClientSettings,
    MirrorReady,
    MirrorRefused,
    Push,
    ReportDelivered,
    ReportFailed,
)
from han.mirror.flags import Flag, FunctionalFlag, NotificationFlags
from han.requests import Far, command_of
from han.tunnel import (
    TransferDone,
    TransferFailed,
    TunnelClients,
    TunnelOpened,
    TunnelRefused,
)
from han.tunnel.collector import Collected, CollectionEnded, Collector
from han.zcl.payload import encode
from han.zcl.tables import ClusterDefinition, Side

T = TypeVar("T")


_NO_USE: Final = frozenset(
    {
        Status.MALFORMED_COMMAND,
        Status.UNSUP_CLUSTER_COMMAND,
        Status.UNSUP_GENERAL_COMMAND,
        Status.INVALID_FIELD,
        Status.INVALID_VALUE,
        Status.UNSUPPORTED_CLUSTER,
    }
)
"""A command that a hub refuses with one of these it will refuse again."""


class LinkTrouble(Exception):
    """The hub did not do its part; the message says which."""


class Unwanted(LinkTrouble):
    """The hub took a message and refused it; what else is to be done at this wake can be."""


class HubLink:
    """The link of one meter's node; ``connect`` first, then push and collect at every wake.

    A service of the node, for the deadlines of the mailbox.
    """

    def __init__(
        self,
        host: Host,
        timeline: Timeline,
        chassis: Chassis,
        tunnels: TunnelClients,
        endpoint: int,
        report_octets: int,
    ) -> None:
        self.connected = False
        self.mirror: MirrorClient | None = None
        self._host, self._timeline, self._chassis = host, timeline, chassis
        self._tunnels, self._endpoint, self._report_octets = tunnels, endpoint, report_octets
        self._collector: Collector | None = None
        self._long_messages = LongMessages()
        self._mirror_states: asyncio.Queue[MirrorReady | MirrorRefused] = asyncio.Queue()
        self._tunnel_states: asyncio.Queue[TunnelOpened | TunnelRefused] = asyncio.Queue()
        self._reports: asyncio.Queue[ReportDelivered | ReportFailed] = asyncio.Queue()
        self._collected: asyncio.Queue[Collected | CollectionEnded] = asyncio.Queue()
        self._transfers: dict[int, asyncio.Future[TransferDone | TransferFailed]] = {}
        host.node.attach(tunnels)
        host.node.attach(self)
        host.on_progress(self._progress)

    async def connect(self) -> None:
        """Find the hub's endpoints, ask for a mirror and a tunnel; LinkTrouble or HostError."""
        hub = hub_of(self._host)
        esi = await self._find_esi(hub)
        tunnel_endpoint = (await find_endpoints(self._host, hub, HUB_NWK, TUNNELING.cluster_id))[0]
        await self._get_mirror(hub, esi)
        self._tunnels.forget(hub)  # in doubt: the hub gives the same tunnel again
        self._progress()
        _empty(self._tunnel_states)
        self._tunnels.open(hub, tunnel_endpoint, self._timeline.now())
        self._go_on()
        tunnel = await self._tunnel_states.get()
        if isinstance(tunnel, TunnelRefused):
            raise LinkTrouble(f"no tunnel: {tunnel.reason}")
        self._collector = Collector(self._tunnels, hub)
        self.connected = True

    async def read_time(self) -> datetime | None:
        """The hub's time; None while the hub has none. HostError when it is not told."""
        return await read_hub_time(self._host, self._endpoint)

    async def push(self, push: Push) -> NotificationFlags:
        """Push to the mirror; what the hub wants done. LinkTrouble when it was not taken."""
        if self.mirror is None:
            raise LinkTrouble("there is no mirror")
        _empty(self._reports)
        self.mirror.report(push)
        self._go_on()
        ended = await self._reports.get()
        if isinstance(ended, ReportFailed):
            self.connected = False
            raise LinkTrouble(f"push: {ended.reason}")
        return ended.flags or NotificationFlags()

    async def publish(self, definition: ClusterDefinition, message: object) -> None:
        """Send the mirror a command named as its payload's class.

        Unwanted when the hub has no use for it, LinkTrouble when it does not take it now.
        """
        if self.mirror is None or self.mirror.mirror is None:
            raise LinkTrouble("there is no mirror")
        place = (self.mirror.peer, self.mirror.mirror, definition.cluster_id, self._endpoint)
        far = Far(*place, Side.CLIENT)
        name = type(message).__name__
        command = command_of(definition, name, Side.CLIENT)
        frame = await self._host.request(far.command(command, encode(message)))
        if (status := status_of(frame)) is not Status.SUCCESS:
            trouble = Unwanted if status in _NO_USE else LinkTrouble
            raise trouble(f"{name} was not taken: {status_name(status)}")

    def ask_what_is_wanted(self, flag: Flag) -> None:
        """Ask the mirror for the commands behind a flag; they come as commands of their own."""
        if self.mirror is not None:
            self.mirror.get_notified_message(flag)
            self._go_on()

    async def collect(self, execute: Execute) -> None:
        """Empty the mailbox: execute each command and put its Response before the next GET.

        What waits in the outbox is put first, then comes what a wake that was cut short left
        behind: the hub may not offer it again.
        """
        collector = self._collector
        if collector is None:
            raise LinkTrouble("there is no tunnel")
        await self.send_waiting()
        while not self._collected.empty():
            if isinstance(late := self._collected.get_nowait(), Collected):
                await self._execute(execute, late)
        collector.collect(self._timeline.now())
        self._go_on()
        while isinstance(found := await self._collected.get(), Collected):
            await self._execute(execute, found)
            collector.next(self._timeline.now())
            self._go_on()
        if found.reason is not None:
            self.connected = False
            raise LinkTrouble(f"mailbox: {found.reason}")

    async def _execute(self, execute: Execute, found: Collected) -> None:
        whole = self._whole(found.message)
        if whole is not None:
            respond(self._chassis, execute, whole)
            await self.send_waiting()

    def _whole(self, octets: bytes) -> bytes | None:
        """The message these octets complete; what is no part of one is left to the pipeline."""
        try:
            return self._long_messages.take(octets)
        except MalformedMessage:
            return octets

    async def send_waiting(self) -> None:
        """Put what waits in the outbox; a message that fails waits, whole, for the next wake."""
        outbox, collector = self._chassis.outbox, self._collector
        while (first := outbox.first) is not None and collector is not None:
            try:
                for part in parts_of(first.octets):
                    await self._put(collector, part)
            except Unwanted as refusal:
                outbox.refused(first.number, str(refusal))
                return
            outbox.delivered(first.number)

    async def _put(self, collector: Collector, octets: bytes) -> None:
        ref = collector.put(octets, self._timeline.now())
        done = self._transfers[ref] = asyncio.get_running_loop().create_future()
        self._go_on()
        try:
            ended = await done
        finally:
            del self._transfers[ref]
        if isinstance(ended, TransferFailed):
            if ended.refused:
                raise Unwanted(f"put: {ended.reason}")
            self.connected = False
            raise LinkTrouble(f"put: {ended.reason}")

    def wants(self, flags: NotificationFlags) -> bool:
        """Whether the hub says that messages wait in the mailbox, or some came too late."""
        waits = FunctionalFlag.TUNNEL_MESSAGE_PENDING in flags.permitted_for_gsme()
        return waits or not self._collected.empty()

    @staticmethod
    def network_key_waits(flags: NotificationFlags) -> bool:
        """Whether the hub has a new network key to be polled for."""
        return FunctionalFlag.NETWORK_KEY_ACTIVE in flags.permitted_for_gsme()

    @staticmethod
    def wants_fresh_key(flags: NotificationFlags) -> bool:
        """Whether the hub says that a fresh link key is to be established."""
        return FunctionalFlag.CBKE_UPDATE_REQUEST in flags.permitted_for_gsme()

    @staticmethod
    def firmware_waits(flags: NotificationFlags) -> bool:
        """Whether the hub has a firmware image for the meter."""
        return FunctionalFlag.NEW_OTA_FIRMWARE in flags.permitted_for_gsme()

    # -- finding the hub's endpoints -------------------------------------------------------------

    async def _find_esi(self, hub: int) -> int:
        """The endpoint that lends mirrors: a Metering client whose Basic cluster says so."""
        users = await find_endpoints(self._host, hub, HUB_NWK, METERING.cluster_id, Side.CLIENT)
        for endpoint in users:
            basic = Far(hub, endpoint, BASIC.cluster_id, self._endpoint)
            told = await read_attributes(self._host, basic, (PHYSICAL_ENVIRONMENT,))
            place = told.get(PHYSICAL_ENVIRONMENT)
            if isinstance(place, int) and place & MIRROR_CAPACITY:
                return endpoint
        raise LinkTrouble("no endpoint of the hub lends mirrors")

    async def _get_mirror(self, hub: int, esi: int) -> None:
        if self.mirror is None or (self.mirror.peer, self.mirror.esi_endpoint) != (hub, esi):
            if self.mirror is not None:
                self._host.node.detach(self.mirror)
            settings = MirrorClientSettings(report_octets=self._report_octets)
            self.mirror = MirrorClient(hub, esi, self._endpoint, settings)
            self._host.node.attach(self.mirror)
        _empty(self._mirror_states)
        self.mirror.start(self._timeline.now(), zcl_seconds(self._chassis.clock.now()))
        self._go_on()
        state = await self._mirror_states.get()
        if isinstance(state, MirrorRefused):
            raise LinkTrouble(f"no mirror: {state.reason}")

    # -- services --------------------------------------------------------------------------------

    @property
    def deadline(self) -> datetime | None:
        """When a GET that the hub did not answer is repeated or given up."""
        return None if self._collector is None else self._collector.deadline

    def poll(self, now: datetime) -> None:
        """Repeat it, or give up."""
        if self._collector is not None:
            self._collector.poll(now)

    def requests(self) -> list[Request]:
        """None: the tunnel client does the sending."""
        return []

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Nothing to learn from requests that are not made."""

    def _go_on(self) -> None:
        """Let the node send what the services were told, and hear what they have to say."""
        self._host.kick()
        self._progress()

    def _progress(self) -> None:
        now = self._timeline.now()
        for event in self._tunnels.events():
            match event:
                case TunnelOpened() | TunnelRefused():
                    self._tunnel_states.put_nowait(event)
                case TransferDone() | TransferFailed():
                    self._ended(event)
            if self._collector is not None:
                self._collector.receive(event, now)
        if self._collector is not None:
            for collected in self._collector.events():
                self._collected.put_nowait(collected)
        for state in self.mirror.events() if self.mirror is not None else ():
            match state:
                case MirrorReady() | MirrorRefused():
                    self._mirror_states.put_nowait(state)
                case ReportDelivered() | ReportFailed():
                    self._reports.put_nowait(state)
                case FlagsReceived():
                    pass  # flags are acted on when a push returns them

    def _ended(self, ended: TransferDone | TransferFailed) -> None:
        waiting = self._transfers.get(ended.ref)
        if waiting is not None and not waiting.done():
            waiting.set_result(ended)


def _empty(queue: asyncio.Queue[T]) -> None:
    """Forget what an earlier wake, cut short, left behind."""
    while not queue.empty():
        queue.get_nowait()
