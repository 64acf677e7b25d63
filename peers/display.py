"""A display: joins, finds the meters, shows what they measure, and honours changes of tenancy.

It knows nothing of the home but its install code. In the meters it trusts what they tell over the
HAN; what it stores is history, which it wipes when a meter tells of a new tenant.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from device.host import Host, HostError
from device.station import Station
from han.commands.events import DisplayMessage, PublishEvent
from han.commands.price import PublishPrice
from han.radio import RadioError
from han.zcl.tables import Served
from peers.event import MeterFound
from peers.finder import Finder, Meter
from peers.hearing import Hearing, clients
from peers.memory import FuelMemory
from peers.messages import Messages
from peers.reading import Fuel, Reading
from peers.settings import DisplaySettings
from peers.tenant import Tenant
from peers.told import Told
from peers.views import display_endpoint
from peers.watch import Watch


class Display:
    """One IHD, or what a PPMID shows, on one radio."""

    def __init__(self, station: Station, *, settings: DisplaySettings | None = None) -> None:
        self.chassis = chassis = station.chassis
        self.joining = station.joining
        self.settings = settings or DisplaySettings()
        self.meters: dict[Fuel, Meter] = {}
        self.watches = {
            fuel: Watch(
                FuelMemory(chassis.store, fuel, self.settings.history_entries), chassis.clock
            )
            for fuel in Fuel
        }
        self.messages = Messages(station.endpoint)
        self.tenant = Tenant(chassis, self.settings, self.watches, self._wiped)
        self._station, self._timeline = station, station.timeline
        self._asked_at: dict[Fuel, datetime] = {}
        self._searched = False
        self._network_changed = asyncio.Event()
        self._stale = {fuel: asyncio.Event() for fuel in Fuel}
        self.finder: Finder | None = None

    # -- what people see -------------------------------------------------------------------------

    @property
    def shown(self) -> dict[Fuel, Reading]:
        """The registers, as they were told last."""
        return {fuel: watch.shown for fuel, watch in self.watches.items() if watch.shown}

    @property
    def memory(self) -> dict[Fuel, FuelMemory]:
        """What is stored of each fuel."""
        return {fuel: watch.memory for fuel, watch in self.watches.items()}

    def told(self, fuel: Fuel) -> Told:
        """Everything else that the meter of a fuel told."""
        return self.watches[fuel].told

    def message(self, fuel: Fuel) -> DisplayMessage | None:
        """The text of the supplier of a fuel."""
        meter = self.meters.get(fuel)
        return None if meter is None else self.messages.shown(meter.peer, self._timeline.now())

    def confirm_message(self) -> bool:
        """The household has read what is shown; False when nothing wants to be confirmed."""
        return self.messages.confirm(self._timeline.now())

    # -- life ------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Join, then show, ask and wipe, until cancelled."""
        host = await self._start()
        finder = self.finder = Finder(host, self._timeline, self._station.endpoint)
        async with host.running():
            await self.joining.join()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.joining.stay(), name="display stays on its HAN")
                tasks.create_task(self._keep_time(host), name="display's clock")
                tasks.create_task(self._keep_asking(finder), name="display asks")
                tasks.create_task(self._keep_wiping(), name="display wipes")
                for fuel in Fuel:
                    tasks.create_task(self._keep_reading(finder, fuel), name=f"{fuel.value} shown")
                    tasks.create_task(
                        self._keep_details(finder, fuel), name=f"{fuel.value} details"
                    )

    def further_clusters(self) -> tuple[Served, ...]:
        """What a display of another kind serves besides."""
        return ()

    def attach(self, host: Host) -> None:
        """Put what a display of another kind has on its node; before the host runs."""

    async def _start(self) -> Host:
        hearing = Hearing(
            price=self._hear_price,
            event=self._hear_event,
            report=self._hear_report,
            changed=self._hear_change,
            tenancy=self._hear_tenancy,
        )
        served = (
            *clients(hearing),
            self.messages.served(),
            *self.joining.served(),
            *self.further_clusters(),
        )
        kind = self.chassis.credentials.device_type
        number = self._station.endpoint
        host = await self._station.start(display_endpoint(number, kind, served))
        self.joining.on_joined(self._joined)
        self.joining.on_rediscovery(self._rediscover)
        self.messages.attach(host)
        self.attach(host)
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
        period_s, retry_s = self.settings.time_sync_period_s, self.settings.search_retry_s
        await self._station.keep_time(host, period_s=period_s, retry_s=retry_s)

    # -- readings --------------------------------------------------------------------------------

    async def _keep_reading(self, finder: Finder, fuel: Fuel) -> None:
        settings, watch = self.settings, self.watches[fuel]
        period_s = {
            Fuel.ELECTRICITY: settings.electricity_poll_s,
            Fuel.GAS: settings.gas_poll_s,
        }[fuel]
        while True:
            meter = self.meters.get(fuel)
            if meter is not None and not watch.reports:
                await self._try(partial(watch.read, finder, meter))
            await self._timeline.sleep(timedelta(seconds=period_s))

    async def _keep_details(self, finder: Finder, fuel: Fuel) -> None:
        """Read the rest now and then, and at once when the meter says that it changed."""
        watch, stale = self.watches[fuel], self._stale[fuel]
        period = timedelta(seconds=self.settings.details_poll_s)
        while True:
            stale.clear()
            meter = self.meters.get(fuel)
            if meter is not None:
                await self._try(partial(watch.read_details, finder, meter))
                self.messages.ask(meter)
            await self._timeline.wait_for(stale, self._timeline.now() + period)

    async def _found(self, finder: Finder, meter: Meter) -> None:
        """A meter was found: show it at once."""
        fuel, watch = meter.fuel, self.watches[meter.fuel]
        self.meters[fuel] = meter
        here = self.chassis.here()
        self.chassis.events.publish(
            MeterFound(**here, fuel=fuel, peer=meter.peer, endpoint=meter.endpoint)
        )
        await self._try(lambda: watch.read(finder, meter))
        await self._try(lambda: finder.listen(meter))
        if fuel is Fuel.ELECTRICITY and self.settings.electricity_by == "report":
            interval_s = self.settings.electricity_poll_s
            await self._try(lambda: watch.subscribe(finder, meter, interval_s))
        self._stale[fuel].set()

    # -- what meters tell unasked ----------------------------------------------------------------

    def _fuel_of(self, peer: int) -> Fuel | None:
        return next((fuel for fuel, meter in self.meters.items() if meter.peer == peer), None)

    def _hear_price(self, peer: int, price: PublishPrice) -> None:
        if fuel := self._fuel_of(peer):
            self.watches[fuel].told.price = price

    def _hear_event(self, peer: int, event: PublishEvent) -> None:
        """An event may have changed what is shown: a balance, the supply."""
        if fuel := self._fuel_of(peer):
            self.watches[fuel].told.events.append(event)
            self._stale[fuel].set()

    def _hear_report(self, peer: int, cluster_id: int, values: dict[int, object]) -> None:
        del cluster_id  # there are reports of one
        if fuel := self._fuel_of(peer):
            self.watches[fuel].take_report(values)

    def _hear_change(self, peer: int) -> None:
        if fuel := self._fuel_of(peer):
            self._stale[fuel].set()

    def _hear_tenancy(self, peer: int) -> None:
        if fuel := self._fuel_of(peer):
            self._asked_at.pop(fuel, None)
            self._network_changed.set()

    def refresh(self, fuel: Fuel) -> None:
        """Read the details of a fuel soon: something was done to its meter."""
        self._stale[fuel].set()

    # -- change of tenancy -----------------------------------------------------------------------

    async def _keep_asking(self, finder: Finder) -> None:
        """Ask at the start, after every return to the network, and every poll interval."""
        while True:
            self._network_changed.clear()
            if not self._searched or len(self.meters) < len(Fuel):
                self._searched = True
                if not await self._try(lambda: self._search(finder)):
                    self._searched = False
            complete = all([await self._ask_if_due(finder, fuel) for fuel in tuple(self.meters)])
            complete = complete and self._searched and len(self.meters) == len(Fuel)
            until = self._next_question(complete=complete)
            await self._timeline.wait_for(self._network_changed, until)

    def _next_question(self, *, complete: bool) -> datetime:
        poll = timedelta(seconds=self.settings.cot_poll_s)
        moments = [asked_at + poll for asked_at in self._asked_at.values()]
        if not complete:
            retry = timedelta(seconds=self.settings.search_retry_s)
            moments.append(self._timeline.now() + retry)
        return min(moments, default=self._timeline.now())

    async def _search(self, finder: Finder) -> bool:
        for fuel, meter in (await finder.search()).items():
            if self.meters.get(fuel) != meter:
                await self._found(finder, meter)
        return len(self.meters) == len(Fuel)

    async def _ask_if_due(self, finder: Finder, fuel: Fuel) -> bool:
        """False when the meter did not answer: it is looked for again then."""
        asked_at, now = self._asked_at.get(fuel), self._timeline.now()
        poll = timedelta(seconds=self.settings.cot_poll_s)
        if asked_at is not None and asked_at + poll > now:
            return True
        self._asked_at[fuel] = now  # before the question: what is told meanwhile may be news
        if await self._try(lambda: self.tenant.ask(finder, self.meters[fuel])):
            return True
        self._asked_at.pop(fuel, None)
        self._lost(fuel)
        return False

    def _lost(self, fuel: Fuel) -> None:
        del self.meters[fuel]
        self.watches[fuel].reports = False

    async def _keep_wiping(self) -> None:
        """Wipe on the date of every change."""
        while True:
            self.tenant.told.clear()
            await self._timeline.wait_for(self.tenant.told, self.tenant.wipe_what_is_due())

    def _wiped(self, fuel: Fuel) -> None:
        """What was said to the former tenant goes; the meter is asked what it has to say now."""
        meter = self.meters.get(fuel)
        if meter is not None:
            self.messages.forget(meter.peer)
        self._stale[fuel].set()

    # -- parts -----------------------------------------------------------------------------------

    async def _try(self, work: Callable[[], Awaitable[bool]]) -> bool:
        """Do something over the radio; False when it did not work, for it is tried again."""
        try:
            return await work()
        except (HostError, RadioError):
            return False
