"""Snapshots of registers and balances: daily reads, and the billing data logs with their triggers.

The billing calendar ends a billing period; a new tariff or payment mode closes the old one's books.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from device.cosem.settings import Settings
from device.cosem.shape import shape
from device.cosem.table import Place
from device.logbook import seconds
from esme.execution import Execution
from esme.kept import Kept, Row
from esme.metering.energy import shown
from esme.metering.periods import Closed
from esme.reporter import Reporter
from esme.tariff.switching import TariffSwitch
from han.deadlines import earliest

BALANCES: Final = ",".join(["i32"] * 6)
_CALENDAR: Final = Place.parse("22/0-0:15.0.0.255/4")
_BLOCK_RESETS: Final = Place.parse("22/0-0:15.1.0.255/4")
_CHANGES: Final = frozenset(
    Place.parse(text)
    for text in ("111/0-1:19.0.0.255/13", "20/0-0:13.0.0.255/10", "113/0-0:19.20.0.255/7")
)
"""Activation times of payment mode, switching table and prices."""


def registers_notation(twin: bool) -> str:
    """Types of a register snapshot: import, time of use, blocks by time of use."""
    primary = "u32,u32,array[48]<u32>,array[4]<u32>" if twin else "u32,array[48]<u32>"
    return primary + ",array[8]<u32>" * 4


class Billing:
    """The snapshot logs of one meter. ``charge`` brings the account up to date first."""

    def __init__(
        self,
        kept: Kept,
        settings: Settings,
        tariff: TariffSwitch,
        reporter: Reporter,
        *,
        twin: bool,
        charge: Callable[[], object],
    ) -> None:
        self._kept = kept
        self._tariff = tariff
        self._reporter = reporter
        self._twin = twin
        self._charge = charge
        self._entry = shape(f"{{compact<{{u32,{registers_notation(twin)}}}>}}")
        self._calendar = Execution(settings, _CALENDAR)
        self._block_resets = Execution(settings, _BLOCK_RESETS)

    def next_after(self, own: datetime) -> datetime | None:
        """When a billing or block period ends next."""
        return earliest((self._calendar.next_after(own), self._block_resets.next_after(own)))

    def end_periods(self, last: datetime, own: datetime) -> None:
        """End the periods whose end lay after ``last`` and not after ``own``."""
        if _is_due(self._calendar, last, own):
            self._end_billing_period(own)
        if _is_due(self._block_resets, last, own):
            self._tariff.settle()
            self._kept.tariff.reset_counters()

    def before_change(self, when: Place, own: datetime | None) -> None:
        """Keep what was, if this activation closes the books; one entry for one moment."""
        log = self._kept.snapshots.billing_changes
        if when in _CHANGES and (not log.entries or log.entries[-1][0] != own):
            self._charge()
            log.append(own, self.registers() + self._kept.balances.snapshot())

    def end_day(self, closed: Closed) -> None:
        """Keep the daily reads of the midnight that ends a day."""
        snapshots = self._kept.snapshots
        snapshots.daily_import.append(closed.end, self.registers())
        snapshots.daily_export.append(closed.end, (shown(closed.readings.active_export_wh),))
        snapshots.daily_prepayment.append(closed.end, self._kept.balances.snapshot())

    def registers(self) -> Row:
        """Import and tariff registers, in the order of the wire."""
        self._tariff.settle()
        readings, tariff = self._kept.measurements.energy.readings(), self._kept.tariff
        found: Row = (shown(readings.active_import_wh),)
        if self._twin:
            found += (shown(readings.secondary_import_wh),)
        found += (tuple(map(shown, tariff.tou)),)
        if self._twin:
            found += (tuple(map(shown, tariff.secondary)),)
        return found + tuple(tuple(map(shown, row)) for row in tariff.blocks)

    def _end_billing_period(self, own: datetime) -> None:
        self._charge()
        snapshots, row = self._kept.snapshots, self.registers()
        snapshots.billing_calendar.append(own, row)
        snapshots.billing_balances.append(own, self._kept.balances.snapshot())
        self._reporter.billed(own, self._entry.build((((seconds(own), *row),),)))


def _is_due(execution: Execution, last: datetime, own: datetime) -> bool:
    due = execution.next_after(last)
    return due is not None and due <= own
