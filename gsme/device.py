"""The GSME: sleeps, wakes on the half hour, pushes its values, collects and answers commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from device.common import CommonCommands
from device.download import FirmwareDownload
from device.events import FrameFailed, WakeEnded
from device.gbz_engine import EngineSettings
from device.host import Host, HostError, NoReply, NotDelivered
from device.schedule import Call, next_boundary, wait_until
from device.settings import PipelineSettings
from device.station import Station
from device.tokens import PrepaySettings
from gbcs.stamp import Reliability
from gbcs.zcl.status import Status
from gsme.hub_link import HubLink, LinkTrouble, Unwanted
from gsme.meter import GasMeterDevice
from gsme.model import GasMeterModel, Held
from gsme.push import current, push_of, unpushed
from gsme.settings import GsmeSettings
from gsme.views import served_on_han
from han.clusters import METERING
from han.endpoint import Endpoint
from han.mirror.flags import FunctionalFlag, NotificationFlags, PrepaymentFlag
from han.mirror.messages import ToMeter
from han.radio import RadioError
from han.tunnel import TunnelClients
from han.zcl.tables import Access, Answer, ClusterDefinition, Served

METERING_DEVICE: Final = 0x0501
ENDPOINT: Final = 10
"""The number of the one endpoint of an emulated gas meter."""
_ASKED_FOR: Final = (
    FunctionalFlag.GET_SAMPLED_DATA,
    FunctionalFlag.GET_SNAPSHOT,
    PrepaymentFlag.GET_PREPAY_SNAPSHOT,
    PrepaymentFlag.GET_TOP_UP_LOG,
    PrepaymentFlag.GET_DEBT_REPAYMENT_LOG,
)


def _no_jitter(limit_s: int) -> float:
    del limit_s
    return 0.0


class GasMeter:
    """One gas meter on one radio.

    ``draw_jitter`` gives a delay in seconds up to its argument, for wakes off the half hour.
    """

    def __init__(
        self,
        station: Station,
        *,
        model: GasMeterModel | None = None,
        settings: GsmeSettings | None = None,
        pipeline_settings: PipelineSettings | None = None,
        engine_settings: EngineSettings | None = None,
        prepay_settings: PrepaySettings | None = None,
        draw_jitter: Callable[[int], float] = _no_jitter,
    ) -> None:
        chassis, timeline = station.chassis, station.timeline
        self.chassis, self.radio, self.joining = chassis, station.radio, station.joining
        self._station, self._timeline = station, timeline
        self.settings = settings or GsmeSettings()
        self.push_snapshot_time = self.settings.push_snapshot_time
        self._tried = 0
        self._hub_time: tuple[datetime, datetime] | None = None
        self.meter = GasMeterDevice(
            chassis,
            model or GasMeterModel(),
            hub_time=self._hub_time_now,
            settings=self.settings,
            pipeline_settings=pipeline_settings,
            engine_settings=engine_settings,
            prepay_settings=prepay_settings,
        )
        self.polling = station.polling
        self.polling.wakes_every(self.settings.wake_interval_s)
        self.polling.called = self._polled_fast
        self._call = Call()
        self._draw_jitter = draw_jitter
        self._tunnels = TunnelClients(station.endpoint)
        self.download = FirmwareDownload(
            chassis,
            timeline,
            station.endpoint,
            self.meter.firmware,
            self.meter.firmware_receipt,
            sleepy=True,
        )
        self._endpoint = self._make_endpoint(station.endpoint)
        self._link: HubLink | None = None
        self._pushed: dict[tuple[int, int], Held | None] = {}

    @property
    def common(self) -> CommonCommands:
        """The commands it shares with other devices."""
        return self.meter.common

    @property
    def model(self) -> GasMeterModel:
        """What the meter knows."""
        return self.meter.model

    @property
    def clock_status(self) -> Reliability:
        """How far the meter trusts its own clock."""
        return self.chassis.clock.status

    # -- life ------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Join, then wake every half hour, until cancelled."""
        host = await self.start()
        async with host.running():
            await self.commission()
            while True:
                await self.sleep_until_next_wake()
                await self.wake()

    async def start(self) -> Host:
        """Open the radio and put the meter's node on it."""
        host = await self._station.start(self._endpoint)
        self.download.attach(host)
        self._link = HubLink(
            host,
            self._timeline,
            self.chassis,
            self._tunnels,
            self._endpoint.number,
            self.settings.report_octets,
        )
        return host

    async def commission(self) -> None:
        """Come to the network, then get a mirror and a tunnel; what fails is tried at each wake."""
        await self.joining.join()
        self._pushed = {}
        await self._awake(self._connected)

    async def sleep_until_next_wake(self) -> None:
        """Sleep until the meter's own clock shows the next instant, or something calls it.

        An alert to be sent does, and a hub that has it poll fast. What is due in between is done
        without waking the radio.
        """
        clock = self.chassis.clock
        period = timedelta(seconds=self.settings.wake_interval_s)
        waking = next_boundary(clock.running_time(), period)
        while not self._is_called and clock.running_time() < waking:
            due = self.meter.next_due
            at = waking if due is None else min(due, waking)
            await wait_until(clock, self._timeline, at, self._call)
            self.meter.act()
        if self._is_called:
            return
        delay_s = self._draw_jitter(self.settings.push_jitter_s)
        if delay_s > 0:
            await self._timeline.sleep(timedelta(seconds=delay_s))

    async def wake(self) -> None:
        """One wake: read the time, push, do what the hub wants done, sleep again."""
        self._call.clear()
        self._tried = max(self._tried, self.chassis.outbox.newest)
        if self.joining.hub.lost:
            await self.joining.rejoin()
        await self.joining.join()
        await self._awake(self._work)

    def execute(self, octets: bytes) -> bytes | None:
        """Execute one command; its Response, or None when it is refused."""
        return self.meter.answer(octets)

    # -- one wake --------------------------------------------------------------------------------

    async def _work(self, link: HubLink) -> None:
        self.meter.act()
        taken_at = self._own_time()
        await self._connected(link)
        if self.settings.read_time_every_wake:
            self.chassis.clock.hear(await self._read_time(link))
        flags = await self._push(link, taken_at)
        if self.settings.get_every_wake or link.wants(flags):
            if not self.settings.read_time_every_wake:
                await self._read_time(link)  # a command to set the clock takes it
            await link.collect(self.execute)
        if link.wants_fresh_key(flags):
            await self.joining.refresh()
        if link.network_key_waits(flags):  # the radio takes it in while it polls
            await self._timeline.sleep(timedelta(seconds=self.settings.network_key_wait_s))
        if self.download.unfinished or link.firmware_waits(flags):
            await self.download.fetch()
        await link.send_waiting()
        await self._publish(link)
        await self._tell_what_is_wanted(link, flags)

    async def _connected(self, link: HubLink) -> None:
        if not link.connected:
            await link.connect()

    async def _awake(self, work: Callable[[HubLink], Awaitable[object]]) -> None:
        """Do something with the radio on, for at most the longest time a wake may take."""
        link, hub = self._running(), self.joining.hub
        trouble: str | None = None
        limit = self._timeline.now() + timedelta(seconds=self.settings.awake_limit_s)
        try:
            await self.polling.set_awake(awake=True)
            async with self._timeline.timeout_at(limit):
                await work(link)
            hub.heard()
        except TimeoutError:
            link.connected = False
            hub.silent()
            trouble = f"not done within {self.settings.awake_limit_s} s"
        except (HostError, LinkTrouble, RadioError) as error:
            link.connected = False
            if isinstance(error, NoReply | NotDelivered):
                hub.silent()
            trouble = str(error)
        await self._fall_asleep()
        self.chassis.events.publish(WakeEnded(**self.chassis.here(), trouble=trouble))

    async def _fall_asleep(self) -> None:
        with suppress(RadioError):  # a lost radio sleeps anyhow; its loss is an event of its own
            await self.polling.set_awake(awake=False)

    @property
    def _is_called(self) -> bool:
        """Whether to wake before the time."""
        return self._call.made or self._has_news

    def _polled_fast(self, peer: int) -> None:
        """A peer has the meter poll fast: when it is the hub, something waits to be collected."""
        if self.settings.wake_when_called and peer == self.radio.trust_centre:
            self._call.make()

    # -- parts -----------------------------------------------------------------------------------

    async def _push(self, link: HubLink, taken_at: datetime | None) -> NotificationFlags:
        """Push what the mirror does not have, and the registers and balances of now."""
        now = current(self.model)
        push = push_of(now, self._pushed, taken_at, with_time=self.push_snapshot_time)
        flags = await link.push(push)
        self._pushed = now
        return flags

    async def _publish(self, link: HubLink) -> None:
        """Send the mirror the snapshots, payments and log entries that it does not have yet.

        Each is forgotten when it was taken: what a wake that fails leaves is sent at the next one.
        """
        for each in tuple(unpushed(self.model)):
            try:
                await link.publish(each.definition, each.message)
            except Unwanted as refusal:
                self._tell_unwanted(each.definition, str(refusal))
            each.taken()
            self.meter.works.keep()

    def _tell_unwanted(self, definition: ClusterDefinition, reason: str) -> None:
        hub = self.radio.trust_centre
        if hub is not None:
            self.chassis.events.publish(
                FrameFailed(
                    **self.chassis.here(),
                    peer=hub,
                    cluster_id=definition.cluster_id,
                    reason=f"the hub has no use for it: {reason}",
                )
            )

    async def _tell_what_is_wanted(self, link: HubLink, flags: NotificationFlags) -> None:
        """Let the mirror ask for what it lacks, and stay awake to answer."""
        wanted = [flag for flag in _ASKED_FOR if flag in flags.permitted_for_gsme()]
        for flag in wanted:
            link.ask_what_is_wanted(flag)
            await self._timeline.sleep(timedelta(seconds=self.settings.catch_up_s))

    async def _read_time(self, link: HubLink) -> datetime | None:
        hub_time = await link.read_time()
        self._hub_time = None if hub_time is None else (hub_time, self._timeline.now())
        return hub_time

    def _hub_time_now(self) -> datetime | None:
        """The hub's time as it was read last, run on; None when it was never told."""
        if self._hub_time is None:
            return None
        hub_time, read_at = self._hub_time
        return hub_time + (self._timeline.now() - read_at)

    @property
    def _has_news(self) -> bool:
        """Whether there is an alert that was never tried to be sent: it brings about a wake."""
        return self.chassis.outbox.newest > self._tried

    def _own_time(self) -> datetime | None:
        clock = self.chassis.clock
        return None if clock.status is Reliability.INVALID else clock.now().replace(microsecond=0)

    def _make_endpoint(self, number: int) -> Endpoint:
        notified = {int(ToMeter.MIRROR_REPORT_ATTRIBUTE_RESPONSE): self._notified}
        served = [
            replace(one, commands={**one.commands, **notified}) if _is_metering(one) else one
            for one in served_on_han(self.model, self.meter.works.samples)
        ]
        served += [*self.joining.served(), self._tunnels.served(), self.download.served()]
        return Endpoint(number, METERING_DEVICE, served=served)

    def _notified(self, payload: bytes, access: Access) -> Answer:
        mirror = None if self._link is None else self._link.mirror
        return Status.NOT_AUTHORIZED if mirror is None else mirror.notified(payload, access)

    def _running(self) -> HubLink:
        if self._link is None:
            raise RuntimeError("the meter's radio was not started")
        return self._link


def _is_metering(served: Served) -> bool:
    return served.definition is METERING and bool(served.attributes)
