"""The electricity meter as one model: what COSEM objects and clusters are views of.

:meth:`ElectricityMeter.advance` takes it through time; commands change it at the moment it has
reached. What it has to tell others collects in its reporter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from device.clock import ClockChange, DeviceClock
from device.cosem.settings import Settings
from device.cosem.table import Place
from device.firmware import Firmware
from device.logbook import seconds
from device.plain import dump, load, put_back
from device.store import Store
from device.tokens import IsAuthentic, PrepaySettings
from esme.account.top_up import no_token
from esme.billing import Billing
from esme.control.bank import ControllerBank
from esme.control.calendar import ACTIVATIONS as CONTROLLER_CALENDAR
from esme.control.happening import Boosted, Happening
from esme.control.offset import NUMBER as OFFSET_NUMBER
from esme.control.settings import ControlSettings
from esme.demand import middle_of
from esme.future import ACTIVATED, FutureDating, Pending
from esme.kept import Kept, SupplyState
from esme.load_limit import LoadLimiter
from esme.memory import Remembered, logs_of
from esme.metering.energy import Readings
from esme.metering.periods import Closed
from esme.metrology import Measurements, Metrology, MetrologySettings
from esme.own_time import OwnTime
from esme.physics.site import Site
from esme.prepayment import Prepayment
from esme.reporter import Reporter
from esme.rules import Rules
from esme.tariff.sheet import CHANGES as TARIFF_CHANGES
from esme.tariff.sheet import TariffSheet
from esme.tariff.switching import TariffSwitch
from gbcs.dlms import values as v
from gbcs.errors import LocalError
from gbcs.stamp import Stamp
from han.deadlines import earliest

CLOCK_NOT_ADJUSTED: Final = 0x8F0C
SUPPLIER_MESSAGE: Final = Place.parse("1/0-2:96.13.1.255/2")
SUPPLIER_TELEPHONE: Final = Place.parse("9000/0-0:96.13.0.255/2")
SUPPLIER_NAME: Final = Place.parse("9000/0-0:96.13.1.255/2")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the meter is; octets as COSEM returns them. No variant: the one its elements make it.

    ``controllers`` is typeAndIdentifier of the auxiliary controllers 1 to 5 as the meter is made;
    ``controlled_w`` is the load behind each, in use as far as it is on, as part of the site's;
    ``boost_key`` says whether it has a key for boosts; ``offset_number`` is that of its randomised
    offset. ``import_wh`` and ``export_wh`` are what its registers show when it is put up.
    """

    eui64: int
    firmware: bytes = bytes(4)
    model: bytes = b"EMULATED"
    manufacturer: bytes = b"CHUB"
    variant: bytes = b""
    controllers: tuple[bytes, ...] = (b"",) * 5
    controlled_w: tuple[int, ...] = ()
    boost_key: bool = False
    offset_number: int = 1
    import_wh: int = 0
    export_wh: int = 0


class Appointments(Protocol):
    """What falls due at a time of the meter's clock, apart from what the meter does itself."""

    @property
    def next_due(self) -> datetime | None:
        """When the next one is due; None when there is none."""
        ...

    def advance(self, own: datetime) -> None:
        """Do what is due."""
        ...


class ElectricityMeter:
    """One meter. ``hub_time`` reads the time of the communications hub, None when it is silent.

    ``is_authentic`` checks top-up tokens; without it the meter takes none. With ``hide_at_date`` a
    change of tenancy hides data from its date on, not from when it is announced.
    With ``remembered`` it goes on where that meter was saved, and measures what happened since.
    """

    def __init__(
        self,
        identity: Identity,
        site: Site,
        clock: DeviceClock,
        store: Store,
        *,
        true_time: Callable[[], datetime],
        hub_time: Callable[[], datetime | None],
        settings: MetrologySettings | None = None,
        remembered: Remembered | None = None,
        is_authentic: IsAuthentic = no_token,
        control: ControlSettings | None = None,
        token_settings: PrepaySettings | None = None,
        hide_at_date: bool = False,
        firmware: Firmware | None = None,
    ) -> None:
        self.identity = identity
        self.clock = clock
        self.hub_time = hub_time
        self._hide_at_date = hide_at_date
        self.twin = site.secondary_mw is not None
        self._true_time = true_time
        if remembered is None:
            self.kept, self.settings = Kept(Measurements.of_phases(len(site.phases))), Settings()
        else:
            self.kept, self.settings = remembered.kept, remembered.settings
        if self.phases != len(site.phases):
            raise LocalError(f"the store holds a meter of {self.phases} phases, not of this site's")
        time = remembered.time if remembered else self._own_time()
        self.metrology = Metrology(site, time, self.kept.measurements, settings)
        self.metrology.closed = self.kept.supply is SupplyState.ENABLED
        self.metrology.on_half_hour = self._half_hour_is_over
        self.metrology.on_day = self._day_is_over
        self.rules = Rules(self.settings)
        limit = self.rules.load_limit
        self._limiter = LoadLimiter(self.kept.load_limit, limit, self._limit_supply)
        self.metrology.limiter = self._limiter
        self.reporter = Reporter(self.settings, store)
        self.tariff = TariffSwitch(self.settings, self.kept.tariff, lambda: self.readings)
        self.prepayment = Prepayment(
            self.kept,
            self.settings,
            self.tariff,
            tell=self.event,
            switch=self.switch_supply,
            is_protected=lambda: self.rules.is_supply_protected(self.metrology.own_now),
            is_authentic=is_authentic,
            token_settings=token_settings,
        )
        self.billing = Billing(
            self.kept,
            self.settings,
            self.tariff,
            self.reporter,
            twin=self.twin,
            charge=self.prepayment.charge,
        )
        self.sheet = TariffSheet(
            self.settings, self.prepayment.terms, self.tariff, self.kept.tariff
        )
        self.firmware = firmware or Firmware(store, lambda: self.identity.firmware)
        self.common: Appointments | None = None
        self._look_at: datetime | None = None
        self.future = FutureDating(
            lambda: self.kept.pending, self.settings, self._before_activation
        )
        self.controllers = ControllerBank(
            lambda: self.kept.controllers, self.settings, self._controller_happening, control
        )
        if remembered is None:
            self._make(identity)
        if any(identity.controlled_w):
            loads_w = identity.controlled_w
            self.metrology.controlled_mw = lambda: self.controllers.through_mw(loads_w)
        self.kept.billed_until = self.kept.billed_until or self.metrology.own_now
        clock.watch(self._clock_changed)
        if remembered is not None:
            self._catch_up()

    def _make(self, identity: Identity) -> None:
        """What a meter has from its maker, and has counted elsewhere and for others."""
        self.controllers.make(identity.controllers, boost_key=identity.boost_key)
        self.settings.put(OFFSET_NUMBER, v.u16(identity.offset_number))
        energy = self.kept.measurements.energy
        energy.active_import.units = identity.import_wh
        energy.active_export.units = identity.export_wh
        self.prepayment.start()

    @property
    def now(self) -> datetime:
        """The meter's own time."""
        return self.clock.now()

    @property
    def phases(self) -> int:
        """One or three."""
        return len(self.kept.measurements.phases)

    @property
    def readings(self) -> Readings:
        """What the cumulative registers show."""
        return self.kept.measurements.energy.readings()

    @property
    def shown_since(self) -> datetime | None:
        """What began before this is hidden in the house; None: everything is shown."""
        changed = self.kept.tenancy_changed_at
        if changed is not None and self._hide_at_date and self.now < changed:
            return None
        return changed

    def advance(self, to: datetime) -> None:
        """Measure, switch and activate up to a moment of the timeline."""
        while True:
            stop = earliest((to, self._next_appointment())) or to
            self.reporter.note(self.metrology.advance(stop))
            self._keep_appointments()
            if stop >= to:
                return

    @property
    def deadline(self) -> datetime | None:
        """The next moment of the timeline at which the meter has something to do."""
        return earliest((self.metrology.deadline, self._next_appointment()))

    def event(self, code: int, other: bytes = b"") -> None:
        """Something happened that the event log keeps and that may be an alert."""
        self.reporter.event(code, self.metrology.own_now, other)

    def clear_event_log(self) -> None:
        """Empty the event log."""
        self.reporter.clear_event_log(self.metrology.own_now)

    def text(self, place: Place) -> bytes:
        """Octets that a command has stored; none when it has not."""
        held = self.settings.find(place)
        return held.value if held is not None and isinstance(held.value, bytes) else b""

    def command_supply(self, state: SupplyState) -> None:
        """Enable, disable or arm the load switch by command: a load limit in force is over."""
        self._limiter.forget()
        self.kept.disabled_for_credit = False
        self.switch_supply(state)

    def switch_supply(self, state: SupplyState) -> None:
        """Put the load switch into a state."""
        self.kept.supply = state
        self.metrology.closed = state is SupplyState.ENABLED

    def schedule(self, when: Place, time: Stamp, message_code: int, counter: int) -> None:
        """Activate passive values at a time: now, never, or later."""
        pending = Pending(time.at or self.now, message_code, counter)
        if self.future.schedule(when, time, pending, self.now):
            self._use_tariff()
            self.controllers.move(self.metrology.own_now)

    def undo_point(self) -> Callable[[], None]:
        """What takes the meter back to this moment, if a command has to be undone."""
        earlier, undo_controllers = dump(self.kept), self.controllers.undo_point()
        logs = [(log, log.appended) for _, log in logs_of(self.kept.snapshots)]

        def undo() -> None:
            for log, count in logs:
                log.take_back(count)
            put_back(self.kept, load(Kept, earlier))
            self.settings.undo()
            self.reporter.take_alerts()
            undo_controllers()
            self.switch_supply(self.kept.supply)

        return undo

    def _own_time(self) -> OwnTime:
        clock = self.clock
        return OwnTime(self._true_time(), clock.now(), clock.status, clock.drift_ppm)

    def _clock_changed(self, change: ClockChange) -> None:
        self._catch_up()
        if change.alert:
            self.reporter.alert(CLOCK_NOT_ADJUSTED, self.metrology.own_now)

    def _catch_up(self) -> None:
        """Measure up to now by the clock that ran until now, then go on by the clock as it is."""
        self.advance(self._true_time())
        self.reporter.note(self.metrology.change_clock(self._own_time()))
        self._keep_appointments()

    def _next_appointment(self) -> datetime | None:
        own = self.metrology.own_now
        if own is None:
            return None
        if not self.metrology.powered:  # what falls due meanwhile is done on return
            return self.metrology.next_change
        self._look_at = self._credit_look(own)
        nearest = earliest(
            (
                self.future.next_after(),
                self.controllers.next_change(own),
                self.tariff.next_switch(own),
                self.billing.next_after(own),
                self._look_at,
                self.common.next_due if self.common else None,
            )
        )
        if nearest is None:
            return None
        return max(self.metrology.time.true_of(nearest), self.metrology.at + datetime.resolution)

    def _credit_look(self, own: datetime) -> datetime | None:
        """When to look at the account: credit reaches a threshold, or its protection may end.

        How soon that is is to be found anew when the load changes.
        """
        account, metrology = self.prepayment.account, self.metrology
        if account.is_kept_on:
            return self.rules.protection_changes_after(own)
        if not account.can_run_out:
            return None
        energy = self.kept.measurements.energy
        wait = self.prepayment.look_in(metrology.conditions(), energy, self.sheet)
        change = metrology.next_change
        return earliest(
            (
                None if wait is None else own + wait,
                None if change is None else metrology.time.at(change),
            )
        )

    def _keep_appointments(self) -> None:
        own = self.metrology.own_now
        if own is None or not self.metrology.powered:
            return
        self.billing.end_periods(self.kept.billed_until or own, own)
        self.kept.billed_until = own
        for when, pending in self.future.activate_due(own):
            self.reporter.activated(ACTIVATED, own, pending.content(when))
        if self.common is not None:
            self.common.advance(own)
        self._use_tariff()
        self.controllers.move(own)
        if self._look_at is not None and own >= self._look_at:
            self.prepayment.review()

    def _before_activation(self, when: Place) -> None:
        if when in CONTROLLER_CALENDAR:
            self.controllers.calendar_changes()
        self.tariff.settle()
        if when in TARIFF_CHANGES:
            self.kept.tariff_since = self.now
        self.billing.before_change(when, self.metrology.own_now)

    def _use_tariff(self) -> None:
        if own := self.metrology.own_now:
            self.tariff.switch(own)

    def _controller_happening(self, happening: Happening) -> None:
        if isinstance(happening, Boosted):
            self.kept.snapshots.boosts.append(happening.start, (seconds(happening.end),))
        self.reporter.controller(happening, self.metrology.own_now)

    def _limit_supply(self, enabled: bool) -> bool:
        disabled = self.kept.supply is SupplyState.DISABLED
        if enabled and (not disabled or self.kept.disabled_for_credit):
            return False  # moved meanwhile, or kept open for want of credit
        self.switch_supply(SupplyState.ENABLED if enabled else SupplyState.DISABLED)
        return True

    def _half_hour_is_over(self, closed: Closed) -> None:
        in_window = self.rules.in_demand_window(middle_of(closed))
        self.kept.demands.see(closed, in_window=in_window)
        self.prepayment.review()
        if not closed.end.minute:
            self.prepayment.charge_hour()

    def _day_is_over(self, closed: Closed) -> None:
        self.billing.end_day(closed)
        self.prepayment.charge_day()
