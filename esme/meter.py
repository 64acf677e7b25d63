"""The electricity meter as one model: what COSEM objects and clusters are views of.

:meth:`ElectricityMeter.advance` takes it through time; commands change it at the moment it has
reached. What it has to tell others collects in ``alerts``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from device.clock import ClockChange, DeviceClock
from device.log import Entry
from device.store import Store
from esme.alerts import (
    ALL_ON,
    FUTURE_DATED,
    GENERIC,
    GENERIC_CRITICAL,
    SUPPLY_RESTORED,
    Alert,
    is_configurable,
    is_on,
    owner,
)
from esme.controllers import OFF, Setting
from esme.cosem.settings import Settings
from esme.cosem.shape import plain, shape
from esme.cosem.table import Place
from esme.demand import is_open, middle_of
from esme.event import MeterEvent
from esme.future import ACTIVATED, ACTIVATIONS, NOT_ACTIVATED, Pending
from esme.kept import Kept, Row, SupplyState
from esme.logbook import LogBook
from esme.memory import Remembered
from esme.metering.energy import Readings
from esme.metering.periods import Closed
from esme.metrology import Measurements, Metrology, MetrologySettings
from esme.own_time import OwnTime
from esme.physics.signal import earliest
from esme.physics.site import Site
from esme.tariff.calendar import Calendar, read_calendar
from esme.tariff.registers import UNUSED_THRESHOLD, is_primary_script, is_secondary_script
from gbcs.dlms import values as v
from gbcs.dlms.data import Bits, Data
from gbcs.party import Role
from gbcs.stamp import NEVER, Stamp

WAN_ALERTS: Final = {
    Role.SUPPLIER: Place.parse("1/0-30:97.98.15.255/2"),
    Role.NETWORK_OPERATOR: Place.parse("1/0-33:97.98.15.255/2"),
}
LOGGING: Final = {
    Role.SUPPLIER: Place.parse("1/0-30:97.98.18.255/2"),
    Role.NETWORK_OPERATOR: Place.parse("1/0-33:97.98.18.255/2"),
}
_BEHAVIOUR: Final = shape("bs(256)").build(ALL_ON)
_SWITCHING: Final = tuple(
    Place.parse(name.format(element))
    for element in (0, 1)
    for name in (
        "20/0-0:13.0.{}.255/3",
        "20/0-0:13.0.{}.255/4",
        "20/0-0:13.0.{}.255/5",
        "11/0-0:11.0.{}.255/2",
    )
)
"""Seasons, weeks, days and special days of each element's switching table."""
_THRESHOLDS: Final = tuple(Place.parse(f"21/0-0:16.0.{n}.255/2") for n in range(11, 19))
_NO_THRESHOLDS: Final = v.array(*[v.u32(UNUSED_THRESHOLD)] * 3)
DEMAND_WINDOW: Final = Place.parse("10/0-0:12.0.0.255/2")
EVENT_LOG_CLEARED: Final = 0x8F52
_CONTROLLER_DONE: Final = bytes((1,)) + bytes(4)
"""Outcome "success", and no HAN command: the controller is the meter's own."""
_CRITICAL: Final = frozenset({0x8F01, 0x8F33, 0x8F34})
_LOGGED_ONLY: Final = frozenset({0x8F57})
"""Told by the outage alert once the supply is back."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the meter is; octets as COSEM returns them."""

    eui64: int
    firmware: bytes = bytes(4)
    model: bytes = b"EMULATED"
    manufacturer: bytes = b"CHUB"


class ElectricityMeter:
    """One meter. ``hub_time`` reads the time of the communications hub, None when it is silent."""

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
    ) -> None:
        self.identity = identity
        self.clock = clock
        self.hub_time = hub_time
        self.twin = site.secondary_mw is not None
        if remembered is None:
            self.kept, self.settings = Kept(Measurements.of_phases(len(site.phases))), Settings()
        else:
            self.kept, self.settings = remembered.kept, remembered.settings
        self.event_log = LogBook(store, "event")
        self.security_log = LogBook(store, "security")
        self.power_log = LogBook(store, "power")
        self.controller_log = LogBook(store, "controller")
        self.alerts: list[Alert] = []
        self._true_time = true_time
        time = remembered.time if remembered else self._own_time()
        self.metrology = Metrology(site, time, self.kept.measurements, settings)
        self.metrology.closed = self.kept.supply is SupplyState.ENABLED
        self.metrology.on_half_hour = self._half_hour_is_over
        self.metrology.on_day = self._day_is_over
        self._calendars: tuple[tuple[Data, ...], tuple[Calendar, Calendar]] | None = None
        clock.watch(self._clock_changed)
        if remembered is not None:
            self._catch_up()

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

    def advance(self, to: datetime) -> None:
        """Measure, switch and activate up to a moment of the timeline."""
        while True:
            stop = earliest((to, self._next_appointment())) or to
            self._note(self.metrology.advance(stop))
            self._keep_appointments()
            if stop >= to:
                return

    @property
    def deadline(self) -> datetime | None:
        """The next moment of the timeline at which the meter has something to do."""
        return earliest((self.metrology.deadline, self._next_appointment()))

    def take_alerts(self) -> tuple[Alert, ...]:
        """Alerts since the last time, in order."""
        taken = tuple(self.alerts)
        self.alerts.clear()
        return taken

    def event(self, code: int, other: bytes = b"") -> None:
        """Something happened that the event log keeps and that may be an alert."""
        at = self.metrology.own_now
        if self._behaves(LOGGING, code):
            self.event_log.record(Entry(at, code, other))
        self._alert(MeterEvent(code, at))

    def settle(self) -> None:
        """Give the tariff registers what was used up to now."""
        self.kept.tariff.settle(self.readings, self.thresholds())

    def switch_supply(self, state: SupplyState) -> None:
        """Enable, disable or arm the load switch."""
        self.kept.supply = state
        self.metrology.closed = state is SupplyState.ENABLED

    def set_controller(self, number: int, setting: Setting) -> None:
        """Take an order for an auxiliary controller."""
        self.kept.controllers.by_number[number].setting = setting
        self._move_controllers()

    def release_controller(self, number: int, script: int) -> None:
        """End whatever a controller was ordered."""
        self.kept.controllers.by_number[number].release()
        self._controller_changed(number, script)

    def clear_event_log(self) -> None:
        """Empty the event log; the security log keeps that it was done."""
        self.event_log.clear()
        self.security_log.record(Entry(self.metrology.own_now, EVENT_LOG_CLEARED))

    def thresholds(self) -> list[tuple[int, ...]]:
        """Block thresholds, Wh, for each time of use."""
        rows = (plain(self.settings.get(place, _NO_THRESHOLDS)) for place in _THRESHOLDS)
        return [
            tuple(n for n in row if isinstance(n, int)) for row in rows if isinstance(row, tuple)
        ]

    def schedule(self, when: Place, time: Stamp, message_code: int, counter: int) -> None:
        """Activate passive values at a time: now, never, or later."""
        self.kept.pending.pop(when, None)
        if time.octets[:11] == NEVER.octets[:11]:
            return
        pending = Pending(time.at or self.now, message_code, counter)
        if pending.at <= self.now:
            self.activate(when)
        else:
            self.kept.pending[when] = pending

    def activate(self, when: Place) -> bool:
        """Make passive values active; those that were never set leave the active ones alone."""
        self.settle()
        for copy in ACTIVATIONS[when]:
            value = self.settings.find(copy.passive)
            if value is not None:
                self.settings.put(copy.active, copy.active_value(value))
        self._switch_tariff()
        return True

    def _own_time(self) -> OwnTime:
        clock = self.clock
        return OwnTime(self._true_time(), clock.now(), clock.status, clock.drift_ppm)

    def _clock_changed(self, change: ClockChange) -> None:
        del change  # what the clock shows now says it all
        self._catch_up()

    def _catch_up(self) -> None:
        """Measure up to now by the clock that ran until now, then go on by the clock as it is."""
        self.advance(self._true_time())
        self._note(self.metrology.change_clock(self._own_time()))
        self._keep_appointments()

    def _next_appointment(self) -> datetime | None:
        own = self.metrology.own_now
        if own is None:
            return None
        dates = [pending.at for pending in self.kept.pending.values()]
        dates += [switch for each in self.calendars() if (switch := each.next_switch(own))]
        nearest = earliest((*dates, self.kept.controllers.next_change(own)))
        if nearest is None:
            return None
        return max(self.metrology.time.true_of(nearest), self.metrology.at + datetime.resolution)

    def _keep_appointments(self) -> None:
        own = self.metrology.own_now
        if own is None:
            return
        due = [when for when, pending in self.kept.pending.items() if own >= pending.at]
        for when in due:
            pending = self.kept.pending.pop(when)
            code = ACTIVATED if self.activate(when) else NOT_ACTIVATED
            content = v.octets(pending.content(when))
            self.alerts.append(Alert(FUTURE_DATED, code, own, Role.SUPPLIER, (content,)))
            self.event_log.record(Entry(own, code))
        self._switch_tariff()
        self._move_controllers()

    def calendars(self) -> tuple[Calendar, Calendar]:
        """Switching tables of the primary and of the secondary element."""
        source = tuple(self.settings.get(place, v.array()) for place in _SWITCHING)
        if self._calendars is None or self._calendars[0] != source:
            values = [plain(data) for data in source]
            both = (read_calendar(*values[:4]), read_calendar(*values[4:]))
            self._calendars = (source, both)
        return self._calendars[1]

    def _switch_tariff(self) -> None:
        own, tariff = self.metrology.own_now, self.kept.tariff
        if own is None:
            return
        primary, secondary = (calendar.script_at(own) for calendar in self.calendars())
        if primary is not None and is_primary_script(primary) and primary != tariff.script:
            self.settle()
            tariff.script = primary
        if secondary is not None and is_secondary_script(secondary):
            self.settle()
            tariff.secondary_script = secondary

    def _move_controllers(self) -> None:
        own = self.metrology.own_now
        if own is None:
            return
        for number, controller in self.kept.controllers.by_number.items():
            script = controller.level_changes(own)
            if script is not None:
                self._controller_changed(number, script)

    def _controller_changed(self, number: int, script: int) -> None:
        controller = self.kept.controllers.by_number[number]
        state = Place.parse(f"1/0-0:94.44.0.{30 + number}/2")
        self.settings.put(state, v.utf8(controller.state()))
        output = Place.parse(f"70/0-{number}:96.3.10.255/2")
        self.settings.put(output, v.boolean(controller.output_level > OFF))
        self.controller_log.record(Entry(self.metrology.own_now, script, _CONTROLLER_DONE))

    def _half_hour_is_over(self, closed: Closed) -> None:
        self.kept.demands.see(closed, in_window=self.in_demand_window(middle_of(closed)))

    def in_demand_window(self, own: datetime) -> bool:
        """Whether the configurable maximum demand counts at a time of day."""
        entries = self.settings.find(DEMAND_WINDOW)
        return entries is not None and is_open(plain(entries), own)

    def _day_is_over(self, closed: Closed) -> None:
        self.settle()
        snapshots = self.kept.snapshots
        snapshots.daily_import.append(closed.end, self.import_snapshot())
        snapshots.daily_export.append(closed.end, (closed.readings.active_export_wh,))
        snapshots.daily_prepayment.append(closed.end, self.kept.balances.snapshot())

    def import_snapshot(self) -> Row:
        """Registers of a daily read or billing entry, in the order of the wire."""
        readings, tariff = self.readings, self.kept.tariff
        registers: Row = (readings.active_import_wh,)
        if self.twin:
            registers += (readings.secondary_import_wh,)
        registers += (tuple(tariff.tou),)
        if self.twin:
            registers += (tuple(tariff.secondary),)
        return registers + tuple(tuple(row) for row in tariff.blocks)

    def _note(self, events: Iterable[MeterEvent]) -> None:
        for event in events:
            if self._behaves(LOGGING, event.code):
                other = (event.outage_s or 0).to_bytes(4, "big")
                self.power_log.record(Entry(event.at, event.code, other))
            self._alert(event)

    def _alert(self, event: MeterEvent) -> None:
        if event.code in _LOGGED_ONLY or not self._behaves(WAN_ALERTS, event.code):
            return
        if event.restores_supply:
            times = (_date_time(event.interrupted_at), _date_time(event.at))
            self.alerts.append(
                Alert(SUPPLY_RESTORED, event.code, event.at, Role.NETWORK_OPERATOR, times)
            )
            return
        message_code = GENERIC_CRITICAL if event.code in _CRITICAL else GENERIC
        self.alerts.append(Alert(message_code, event.code, event.at, owner(event.code)))

    def _behaves(self, behaviours: dict[Role, Place], code: int) -> bool:
        if not is_configurable(code):
            return True
        bits = self.settings.get(behaviours[owner(code)], _BEHAVIOUR).value
        return isinstance(bits, Bits) and is_on(bits, code)


def _date_time(at: datetime | None) -> Data:
    return v.date_time(NEVER if at is None else Stamp.of(at))
