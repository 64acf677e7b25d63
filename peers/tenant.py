"""The tenants of a display's home: asks the meters for changes, and wipes on their dates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from device.chassis import Chassis
from gbcs.stamp import Reliability
from peers.event import HistoryWiped, TenancyAsked
from peers.finder import Finder, Meter
from peers.reading import Fuel
from peers.settings import DisplaySettings
from peers.tenancy import due, expected
from peers.watch import Watch


class Tenant:
    """``told`` is set whenever a meter has told something, so that a wipe may be due.

    ``wiped`` learns of the fuel whose former tenant was forgotten.
    """

    def __init__(
        self,
        chassis: Chassis,
        settings: DisplaySettings,
        watches: Mapping[Fuel, Watch],
        wiped: Callable[[Fuel], object],
    ) -> None:
        self._chassis, self._settings, self._watches = chassis, settings, watches
        self._wiped = wiped
        self.told = asyncio.Event()
        chassis.clock.watch(lambda _: self.told.set())

    async def ask(self, finder: Finder, meter: Meter) -> bool:
        """Ask one meter; HostError when it does not answer."""
        if meter.tenancy_endpoint is None:
            return True
        change = await finder.change_of_tenancy(meter.peer, meter.tenancy_endpoint)
        self._chassis.events.publish(
            TenancyAsked(
                **self._chassis.here(),
                fuel=meter.fuel,
                peer=meter.peer,
                at=None if change is None else change.at,
                control=0 if change is None else change.control,
            )
        )
        memory = self._watches[meter.fuel].memory
        memory.expect(expected(change, memory))
        self.told.set()
        return True

    def wipe_what_is_due(self) -> datetime | None:
        """Wipe, by the display's own clock; the moment of the timeline when to look again."""
        for fuel in Fuel:
            self._wipe_if_due(fuel)
        memories = [watch.memory for watch in self._watches.values()]
        next_at = min((c.at for memory in memories if (c := memory.pending)), default=None)
        clock = self._chassis.clock
        if next_at is None or clock.status is Reliability.INVALID:
            return None
        return clock.true_time_of(next_at)

    def _wipe_if_due(self, fuel: Fuel) -> None:
        clock, watch = self._chassis.clock, self._watches[fuel]
        memory = watch.memory
        change = None if clock.status is Reliability.INVALID else due(memory, clock.now())
        if change is None:
            return
        keeps = self._settings.cot_wipe == "before_date"
        before, after = memory.wipe(change, keep_from=change.at if keeps else None)
        watch.forget()
        self._wiped(fuel)
        self._chassis.events.publish(
            HistoryWiped(
                **self._chassis.here(),
                fuel=fuel,
                at=change.at,
                control=change.control,
                entries_before=before,
                entries_after=after,
            )
        )
