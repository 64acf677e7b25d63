"""A display: joins, finds the meters, shows what they measure, and honours changes of tenancy.

It knows nothing of the home but its install code. In the meters it trusts what they tell over the
HAN; what it stores is history, which it wipes when a meter tells of a new tenant.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from device.chassis import Chassis
from device.commissioning import JoinSettings
from device.host import Host, HostError
from device.joining import JoinCredentials, Joining
from device.station import start_station
from device.timeline import Timeline
from gbcs.stamp import Reliability
from han.clusters import METERING
from han.node import NodeSettings
from han.radio import HanRadio, RadioError
from peers.event import HistoryWiped, MeterFound, TenancyAsked
from peers.finder import Finder, Meter
from peers.hub_time import keep_time
from peers.memory import FuelMemory, Remembered
from peers.reading import REGISTER, Fuel, Reading, reading_of
from peers.settings import DisplaySettings
from peers.tenancy import due, expected
from peers.views import display_endpoint


class Display:
    """One IHD or PPMID on one radio."""

    def __init__(
        self,
        chassis: Chassis,
        timeline: Timeline,
        radio: HanRadio,
        credentials: JoinCredentials,
        *,
        settings: DisplaySettings | None = None,
        join_settings: JoinSettings | None = None,
        node_settings: NodeSettings | None = None,
        endpoint: int = 1,
    ) -> None:
        self.chassis, self.radio = chassis, radio
        self.settings = settings or DisplaySettings()
        self.meters: dict[Fuel, Meter] = {}
        self.shown: dict[Fuel, Reading] = {}
        self.memory = {
            fuel: FuelMemory(chassis.store, fuel, self.settings.history_entries) for fuel in Fuel
        }
        self._timeline = timeline
        self.joining = Joining(chassis, timeline, radio, credentials, endpoint, join_settings)
        self._node_settings = node_settings
        self._endpoint = endpoint
        self._asked_at: dict[Fuel, datetime] = {}
        self._searched = False
        self._network_changed, self._told = asyncio.Event(), asyncio.Event()

    # -- life ------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Join, then show, ask and wipe, until cancelled."""
        host = await self._start()
        finder = Finder(host, self._timeline, self._endpoint)
        async with host.running():
            await self.joining.join()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.joining.stay(), name="display stays on its HAN")
                tasks.create_task(self._keep_time(host), name="display's clock")
                tasks.create_task(self._keep_asking(finder), name="display asks")
                tasks.create_task(self._keep_wiping(), name="display wipes")
                for fuel in Fuel:
                    tasks.create_task(self._keep_reading(finder, fuel), name=f"{fuel.value} shown")

    async def _start(self) -> Host:
        host = await start_station(
            self.radio,
            [
                display_endpoint(
                    self._endpoint, self.chassis.credentials.device_type, self.joining.served()
                )
            ],
            self._timeline,
            self.chassis.events,
            self._node_settings,
        )
        self.joining.attach(host)
        self.joining.on_joined(self._joined)
        self.joining.on_rediscovery(self._rediscover)
        self.chassis.clock.watch(lambda _: self._told.set())
        return host

    def _joined(self) -> None:
        """Back on the network: ask at once what happened meanwhile."""
        self._asked_at.clear()
        self._network_changed.set()

    def _rediscover(self) -> None:
        """Look for the meters anew: they may have moved to other endpoints, or others came."""
        self._searched = False
        self._network_changed.set()

    # -- the hub's time --------------------------------------------------------------------------

    async def _keep_time(self, host: Host) -> None:
        await keep_time(
            self.chassis,
            self._timeline,
            host,
            self._endpoint,
            period_s=self.settings.time_sync_period_s,
            retry_s=self.settings.search_retry_s,
        )

    # -- readings --------------------------------------------------------------------------------

    async def _keep_reading(self, finder: Finder, fuel: Fuel) -> None:
        settings = self.settings
        period_s = {
            Fuel.ELECTRICITY: settings.electricity_poll_s,
            Fuel.GAS: settings.gas_poll_s,
        }[fuel]
        while True:
            await self._try(lambda: self._read(finder, fuel))
            await self._timeline.sleep(timedelta(seconds=period_s))

    async def _read(self, finder: Finder, fuel: Fuel) -> bool:
        meter = self.meters.get(fuel)
        if meter is None:
            return False
        values = await finder.read(meter.peer, meter.endpoint, METERING.cluster_id, REGISTER)
        reading = reading_of(values, self.chassis.clock.now())
        if reading is None:
            return False
        self.shown[fuel] = reading
        return self.memory[fuel].remember(Remembered(reading.moment, reading.register))

    # -- change of tenancy -----------------------------------------------------------------------

    async def _keep_asking(self, finder: Finder) -> None:
        """Ask at the start, after every return to the network, and every poll interval."""
        while True:
            self._network_changed.clear()
            if not self._searched or len(self.meters) < len(Fuel):
                self._searched = True
                await self._try(lambda: self._search(finder))
            complete = all([await self._ask_if_due(finder, fuel) for fuel in tuple(self.meters)])
            complete = complete and len(self.meters) == len(Fuel)
            await self._pause(self._network_changed, self._next_question(complete=complete))

    def _next_question(self, *, complete: bool) -> datetime:
        poll = timedelta(seconds=self.settings.cot_poll_s)
        moments = [asked_at + poll for asked_at in self._asked_at.values()]
        if not complete:
            retry = timedelta(seconds=self.settings.search_retry_s)
            moments.append(self._timeline.now() + retry)
        return min(moments)

    async def _search(self, finder: Finder) -> bool:
        for fuel, meter in (await finder.search()).items():
            if self.meters.get(fuel) != meter:
                self.meters[fuel] = meter
                here = self.chassis.here()
                self.chassis.events.publish(
                    MeterFound(**here, fuel=fuel, peer=meter.peer, endpoint=meter.endpoint)
                )
                await self._try(lambda found=fuel: self._read(finder, found))  # type: ignore[misc]
        return len(self.meters) == len(Fuel)

    async def _ask_if_due(self, finder: Finder, fuel: Fuel) -> bool:
        """False when the meter did not answer: it is looked for again then."""
        asked_at, now = self._asked_at.get(fuel), self._timeline.now()
        poll = timedelta(seconds=self.settings.cot_poll_s)
        if asked_at is not None and asked_at + poll > now:
            return True
        if await self._try(lambda: self._ask(finder, fuel)):
            self._asked_at[fuel] = now
            return True
        self._asked_at.pop(fuel, None)
        del self.meters[fuel]
        return False

    async def _ask(self, finder: Finder, fuel: Fuel) -> bool:
        meter = self.meters[fuel]
        if meter.tenancy_endpoint is None:
            return True
        told = await finder.change_of_tenancy(meter.peer, meter.tenancy_endpoint)
        self.chassis.events.publish(
            TenancyAsked(
                **self.chassis.here(),
                fuel=fuel,
                peer=meter.peer,
                at=None if told is None else told.at,
                control=0 if told is None else told.control,
            )
        )
        self.memory[fuel].expect(expected(told, self.memory[fuel]))
        self._told.set()
        return True

    async def _keep_wiping(self) -> None:
        """Wipe on the date of every change, by the display's own clock."""
        while True:
            self._told.clear()
            for fuel in Fuel:
                self._wipe_if_due(fuel)
            pending = [change.at for memory in self.memory.values() if (change := memory.pending)]
            clock, next_at = self.chassis.clock, min(pending, default=None)
            known = clock.status is not Reliability.INVALID
            await self._pause(
                self._told, clock.true_time_of(next_at) if next_at and known else None
            )

    def _wipe_if_due(self, fuel: Fuel) -> None:
        clock, memory = self.chassis.clock, self.memory[fuel]
        change = None if clock.status is Reliability.INVALID else due(memory, clock.now())
        if change is None:
            return
        keeps = self.settings.cot_wipe == "before_date"
        before, after = memory.wipe(change, keep_from=change.at if keeps else None)
        self.chassis.events.publish(
            HistoryWiped(
                **self.chassis.here(),
                fuel=fuel,
                at=change.at,
                control=change.control,
                entries_before=before,
                entries_after=after,
            )
        )

    # -- parts -----------------------------------------------------------------------------------

    async def _try(self, work: Callable[[], Awaitable[bool]]) -> bool:
        """Do something over the radio; False when it did not work, for it is tried again."""
        try:
            return await work()
        except (HostError, RadioError):
            return False

    async def _pause(self, woken: asyncio.Event, until: datetime | None) -> None:
        """Wait for an event, or for a moment of the timeline if that is earlier."""
        if until is not None:
            until = max(until, self._timeline.now() + timedelta(milliseconds=1))
        try:
            async with self._timeline.timeout_at(until):
                await woken.wait()
        except TimeoutError:
            return
