"""Keeps what a display shows of one fuel up to date: by reading, by reports, by publications."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from device.clock import DeviceClock
from gbcs.zcl.general import ReportingRecord
from gbcs.zcl.types import DataType
from han.clusters import METERING, PRICE
from peers.finder import Finder, Meter
from peers.memory import FuelMemory, Remembered
from peers.reading import SNAPSHOT_TIME, SUMMATION, Reading, reading_of
from peers.told import DETAILS, OFTEN, POWER, Told

_LONGEST_REPORT_PAUSE: Final = 6
"""A value that does not move is reported again after so many intervals."""


class Watch:
    """One fuel. ``shown`` is the register as it was told last."""

    def __init__(self, memory: FuelMemory, clock: DeviceClock) -> None:
        self.memory, self.told = memory, Told()
        self.shown: Reading | None = None
        self.reports = False
        """Whether the meter reports by itself."""
        self._clock = clock

    async def read(self, finder: Finder, meter: Meter) -> bool:
        """Read what moves; False when the meter has no register to show."""
        values = await finder.values(meter.peer, meter.endpoint, METERING.cluster_id, OFTEN)
        self.told.take(METERING.cluster_id, values)
        return self._show()

    async def read_details(self, finder: Finder, meter: Meter) -> bool:
        """Read prices, balances and amounts by day, from whoever of the meter serves them."""
        for cluster_id, attributes in DETAILS:
            endpoint = meter.endpoint_of(cluster_id)
            if endpoint is not None:
                values = await finder.values(meter.peer, endpoint, cluster_id, attributes)
                self.told.take(cluster_id, values)
        endpoint = meter.endpoint_of(PRICE.cluster_id)
        if endpoint is not None:
            self.told.price = await finder.price(meter.peer, endpoint)
        return True

    async def subscribe(self, finder: Finder, meter: Meter, interval_s: int) -> bool:
        """Have the meter report; False when it does not, and has to be read."""
        longest = interval_s * _LONGEST_REPORT_PAUSE
        records = (
            ReportingRecord(SUMMATION, DataType.UINT48, interval_s, longest, 1),
            ReportingRecord(SNAPSHOT_TIME, DataType.UTC_TIME, interval_s, longest, interval_s),
            ReportingRecord(POWER, DataType.INT24, interval_s, longest, 1),
        )
        self.reports = await finder.subscribe(meter, records)
        return self.reports

    def take_report(self, values: dict[int, object]) -> None:
        """Take what the meter reports."""
        known = {
            number: value
            for number, value in values.items()
            if isinstance(value, int | bytes | str)
        }
        self.told.take(METERING.cluster_id, known)
        self._show()

    def forget(self) -> None:
        """A new tenant: nothing of the former one is shown."""
        self.told.forget()

    def _show(self) -> bool:
        reading = reading_of(self.told.metering(), self._now())
        if reading is None:
            return False
        self.shown = reading
        return self.memory.remember(Remembered(reading.moment, reading.register))

    def _now(self) -> datetime:
        return self._clock.now()
