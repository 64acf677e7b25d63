"""The gas meter without its radio: time passes, gas flows, charges fall due, logs grow.

Everything that depends on time happens in :meth:`Works.advance`, boundary by boundary on the
meter's own clock, however late it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from device.chassis import Chassis
from device.clock import ClockChange, Occurrence
from device.instructions import Instructions
from device.sample_log import DAILY, NETWORK, PROFILE, LogKind, SampleLogs
from device.schedule import next_boundary
from device.state import KeptState
from gbcs.stamp import Reliability
from gsme import account as accounts
from gsme import codes, snapshots
from gsme.metrology import flow, measure
from gsme.model import GasMeterModel
from gsme.settings import GsmeSettings
from gsme.supply import Valve
from han.commands.metering import SnapshotCause
from han.commands.price import PublishPrice
from han.logs import Snapshot
from han.tariff import book as prices
from han.tariff.billing import next_boundary as next_billing
from han.tariff.book import DELIVERED, NON_DISABLEMENT
from han.tariff.calendar import in_force, next_switch
from han.tariff.energy import NANO, Conversion, block_of
from han.tariff.price import price_at, tier_at

HALF_HOUR: Final = timedelta(minutes=30)
_KINDS: Final = (PROFILE, DAILY, NETWORK)
MOST_UNPUSHED: Final = 16
"""Snapshots that wait to be pushed; older ones the proxy asks for."""
_STEPPED: Final = frozenset({Occurrence.SET, Occurrence.POWER_LOST})


class Works:
    """One gas meter's works.

    ``tell`` takes event codes with what goes with them; ``snapshot_taken`` learns of snapshots, to
    push them. ``instructions`` is what waits for its time.
    """

    def __init__(
        self,
        chassis: Chassis,
        model: GasMeterModel,
        settings: GsmeSettings,
        tell: Callable[[int], object],
        snapshot_taken: Callable[[Snapshot], object],
    ) -> None:
        self.chassis, self.model, self.settings = chassis, model, settings
        self.memory = KeptState(model, chassis.store, "gas meter")
        self.samples = SampleLogs(chassis.store, _KINDS, timedelta(0))
        self.valve = Valve(model, self._told)
        self.tell, self.snapshot_taken = tell, snapshot_taken
        self.instructions: Instructions | None = None
        model.flowed_to = model.flowed_to or chassis.true_time()
        model.advanced_to = model.advanced_to or chassis.clock.now()
        chassis.clock.watch(self._clock_changed)

    # -- views -----------------------------------------------------------------------------------

    @property
    def knows_time(self) -> bool:
        """Whether the meter's clock says anything."""
        return self.chassis.clock.status is not Reliability.INVALID

    @property
    def gas(self) -> Conversion:
        """From volume to energy, by what is in force."""
        multiplies = self.settings.cf_mode == "multiply"
        return Conversion(self.model.tariff, multiplies=multiplies)

    def price_now(self, now: datetime) -> PublishPrice | None:
        """The price in force; None without a tariff."""
        block = block_of(self.model.tariff, sum(self.model.block_volumes_dm3), self.gas)
        unit = self.model.unit_of_measure
        return price_at(self.model.tariff, now, block=block, unit=unit)

    @property
    def protected(self) -> bool:
        """Whether the supply is not to be disabled now."""
        calendar = self.model.tariff.calendar(NON_DISABLEMENT)
        switch = (
            in_force(calendar, self.chassis.clock.now()) if calendar and self.knows_time else None
        )
        return switch is not None and bool(switch.tier)

    @property
    def next_due(self) -> datetime | None:
        """When something is to be done, by the meter's clock: a boundary, or an instruction."""
        if not self.knows_time:
            return None
        due = self._next_boundary(self.chassis.clock.running_time())
        waiting = None if self.instructions is None else self.instructions.next_due
        return due if waiting is None else min(due, waiting)

    # -- time ------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Bring the meter up to the present, as one unit."""
        with self.chassis.store.transaction() as unit:
            unit.on_rollback(self.memory.undo_point())
            self._pass_boundaries()
            self._let_flow(self.chassis.true_time(), self.chassis.clock.now())
            self.memory.save()

    def keep(self) -> None:
        """Keep what a command changed."""
        self.memory.save()

    def _pass_boundaries(self) -> None:
        clock, model = self.chassis.clock, self.model
        own = clock.now()
        if model.advanced_to is None or not self.knows_time:
            model.advanced_to = own
            return
        while (boundary := self._next_boundary(model.advanced_to)) <= own:
            self._let_flow(min(clock.true_time_of(boundary), self.chassis.true_time()), boundary)
            model.advanced_to = boundary
            self._tick(boundary)
        model.advanced_to = max(own, model.advanced_to)

    def _next_boundary(self, after: datetime) -> datetime:
        until = self.model.sampling_until
        period = HALF_HOUR if until is None or after >= until else NETWORK.period
        boundary, switch = next_boundary(after, period), self._next_switch(after)
        return boundary if switch is None else min(boundary, switch)

    def _next_switch(self, after: datetime) -> datetime | None:
        """When the tariff switches next: what flows is counted in its tier from then on."""
        calendar = self.model.tariff.calendar(DELIVERED)
        return next_switch(calendar, after) if calendar else None

    def _let_flow(self, true: datetime, own: datetime) -> None:
        """Measure what has flowed up to a moment, by the tariff at the beginning of that time."""
        model = self.model
        since, model.flowed_to = model.flowed_to or true, true
        elapsed = max(true - since, timedelta(0))
        if not elapsed or not self.valve.is_open:
            return
        tier = tier_at(model.tariff, own - elapsed) if self.knows_time else None
        volume = flow(model, elapsed)
        if volume:
            self._pay(measure(model, volume, tier, self.gas), time_based=False)

    def _tick(self, boundary: datetime) -> None:
        """What happens at a boundary, after everything up to it was measured."""
        if boundary == next_boundary(boundary - timedelta(microseconds=1), HALF_HOUR):
            self._charge_hourly(boundary)
            midnight = not (boundary.hour or boundary.minute)
            if midnight:
                self._end_day(boundary)
            self._bill(boundary)
            if midnight:
                self._snapshot(SnapshotCause.GENERAL, boundary)
        self._take_totals(boundary)

    def _take_totals(self, at: datetime) -> None:
        for kind in _KINDS:
            if kind is NETWORK and not self._is_sampling(at):
                continue
            self._take_total(kind, at)

    def _take_total(self, kind: LogKind, at: datetime) -> None:
        log = self.samples.get(kind.sample_id)
        if log is not None and at == next_boundary(at - timedelta(microseconds=1), kind.period):
            log.take(at, self.model.volume_dm3)

    def _is_sampling(self, at: datetime) -> bool:
        until = self.model.sampling_until
        return until is not None and at <= until

    def _end_day(self, boundary: datetime) -> None:
        model = self.model
        self._pay(model.tariff.values[prices.STANDING_CHARGE] * NANO, time_based=True)
        model.day_energy_wh = model.day_cost = 0

    def _charge_hourly(self, boundary: datetime) -> None:
        """Time debts: those by the hour on the hour, those by the day at midnight."""
        account, midnight = self.model.account, boundary.hour == 0
        if boundary.minute:
            return
        for number, frequency in enumerate(account.recovery_frequencies):
            if frequency == accounts.HOURLY or midnight:
                hours = 1 if frequency == accounts.HOURLY else 24
                found = accounts.recover(account, number, hours=hours, protected=self.protected)
                self._told(found)

    def _bill(self, boundary: datetime) -> None:
        """A snapshot at the end of a billing period; block counters begin anew."""
        model, period = self.model, self.model.tariff.billing_period
        if period is None:
            return
        due = next_billing(period, boundary - HALF_HOUR)
        if due is None or due > boundary:
            return
        self._snapshot(SnapshotCause.END_OF_BILLING_PERIOD, boundary)
        if model.tariff.block_period is not None:
            model.block_volumes_dm3[:] = [0] * len(model.block_volumes_dm3)

    def snapshot_for(self, cause: SnapshotCause) -> None:
        """Take a billing snapshot because something changes, at this moment."""
        if self.knows_time:
            self._snapshot(cause, self.chassis.clock.now())

    def _snapshot(self, cause: SnapshotCause, at: datetime) -> None:
        for taken in snapshots.take(self.model, cause, at):
            self.model.unpushed.append(taken)
            self.snapshot_taken(taken)
        del self.model.unpushed[:-MOST_UNPUSHED]

    # -- money -----------------------------------------------------------------------------------

    def _pay(self, nano: int, *, time_based: bool) -> None:
        model = self.model
        if not time_based:
            model.day_cost += nano // NANO
        found = accounts.charge(
            model.account, nano, time_based=time_based, protected=self.protected
        )
        self._told(found)

    def _told(self, found: Iterable[int]) -> None:
        """Tell of codes, and do what they call for."""
        for code in found:
            if code == codes.DISABLED:
                self.valve.close()
            elif code == codes.ARMED:
                self.valve.arm()
            self.tell(code)

    def start_sampling(self, now: datetime, lasting: timedelta) -> None:
        """Record a network data log from now on."""
        self.model.sampling_until = now + lasting
        log = self.samples.get(NETWORK.sample_id)
        if log is not None:
            log.clear()
            log.take(now.replace(microsecond=0), self.model.volume_dm3)

    def settle(self, found: Iterable[int]) -> None:
        """Tell of what came of a payment or a change of terms."""
        self._told(found)

    # -- clock -----------------------------------------------------------------------------------

    def _clock_changed(self, change: ClockChange) -> None:
        """Skip the boundaries that a set clock jumped over, and pass those it comes to again."""
        if change.occurrence in _STEPPED and change.adjusted:
            self.model.advanced_to = change.after
            self.memory.save()
