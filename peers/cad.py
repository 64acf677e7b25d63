"""A consumer access device (CAD): joins as a type 2 device, reads both meters, and passes it on.

What it reads leaves it as events: consumption, power, price and balance of each fuel, so that logs,
JSON lines and MQTT carry them. It stores nothing and shows nothing.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from device.host import Host, HostError
from device.station import Station
from han.clusters import METERING, PRICE
from han.radio import RadioError
from peers.event import ConsumptionRead, MeterFound
from peers.finder import Finder, Meter
from peers.reading import Fuel, reading_of
from peers.settings import CadSettings
from peers.told import DETAILS, OFTEN, Told
from peers.views import access_endpoint


class ConsumerAccessDevice:
    """One CAD on one radio. ``told`` is what each meter told last."""

    def __init__(self, station: Station, *, settings: CadSettings | None = None) -> None:
        self.chassis, self.joining = station.chassis, station.joining
        self.settings = settings or CadSettings()
        self.meters: dict[Fuel, Meter] = {}
        self.told = {fuel: Told() for fuel in Fuel}
        self._station, self._timeline = station, station.timeline

    async def live(self) -> None:
        """Join, then read and pass on, until cancelled."""
        number = self._station.endpoint
        host = await self._station.start(access_endpoint(number, self.joining.served()))
        finder = Finder(host, self._timeline, number)
        async with host.running():
            await self.joining.join()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.joining.stay(), name="CAD stays on its HAN")
                tasks.create_task(self._keep_time(host), name="CAD's clock")
                tasks.create_task(self._keep_searching(finder), name="CAD looks for meters")
                for fuel in Fuel:
                    tasks.create_task(self._keep_reading(finder, fuel), name=f"CAD: {fuel.value}")

    async def _keep_time(self, host: Host) -> None:
        period_s, retry_s = self.settings.time_sync_period_s, self.settings.search_retry_s
        await self._station.keep_time(host, period_s=period_s, retry_s=retry_s)

    # -- meters ----------------------------------------------------------------------------------

    async def _keep_searching(self, finder: Finder) -> None:
        while True:
            await self.joining.join()
            if len(self.meters) < len(Fuel):
                await self._search(finder)
            await self._timeline.sleep(timedelta(seconds=self.settings.search_retry_s))

    async def _search(self, finder: Finder) -> None:
        try:
            found = await finder.search()
        except (HostError, RadioError):
            return  # it is looked for again
        for fuel, meter in found.items():
            if fuel not in self.meters:
                self.meters[fuel] = meter
                here = self.chassis.here()
                self.chassis.events.publish(
                    MeterFound(**here, fuel=fuel, peer=meter.peer, endpoint=meter.endpoint)
                )

    async def _keep_reading(self, finder: Finder, fuel: Fuel) -> None:
        settings = self.settings
        periods = {Fuel.ELECTRICITY: settings.electricity_poll_s, Fuel.GAS: settings.gas_poll_s}
        details_every = max(1, settings.details_poll_s // periods[fuel])
        turn = 0
        while True:
            meter = self.meters.get(fuel)
            if meter is None:
                await self._timeline.sleep(timedelta(seconds=1))
                continue
            try:
                await self._read(finder, meter, details=turn % details_every == 0)
                turn += 1
            except (HostError, RadioError):
                self.meters.pop(fuel, None)  # it is looked for again
            await self._timeline.sleep(timedelta(seconds=periods[fuel]))

    async def _read(self, finder: Finder, meter: Meter, *, details: bool) -> None:
        told = self.told[meter.fuel]
        values = await finder.values(meter.peer, meter.endpoint, METERING.cluster_id, OFTEN)
        told.take(METERING.cluster_id, values)
        if details:
            await self._read_details(finder, meter, told)
        self._pass_on(meter, told)

    async def _read_details(self, finder: Finder, meter: Meter, told: Told) -> None:
        """What moves less often: prices, balances, amounts by day."""
        for cluster_id, attributes in DETAILS:
            endpoint = meter.endpoint_of(cluster_id)
            if endpoint is not None:
                values = await finder.values(meter.peer, endpoint, cluster_id, attributes)
                told.take(cluster_id, values)
        endpoint = meter.endpoint_of(PRICE.cluster_id)
        if endpoint is not None:
            told.price = await finder.price(meter.peer, endpoint)

    def _pass_on(self, meter: Meter, told: Told) -> None:
        reading = reading_of(told.metering(), self.chassis.clock.now())
        if reading is None:
            return
        tariff, credit, power = told.tariff, told.credit, told.power_kw
        self.chassis.events.publish(
            ConsumptionRead(
                **self.chassis.here(),
                fuel=meter.fuel,
                peer=meter.peer,
                register=reading.text,
                taken_at=reading.taken_at,
                power_kw=None if power is None else float(power),
                price=None if tariff is None else float(tariff.price),
                balance=None if credit is None else float(credit.balance),
                today=told.consumption.today,
            )
        )
