"""The SAPC as one model: controllers, their calendar, what is stored, and what it has to tell.

Nothing is measured here. What falls due is done when it is due, or on return from a power cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from device.clock import DeviceClock
from device.cosem.settings import Settings
from device.cosem.table import Place
from device.firmware import Firmware
from device.plain import dump, load, put_back
from device.store import Store
from esme.control.action import CONTROLLERS
from esme.control.bank import ControllerBank
from esme.control.calendar import ACTIVATIONS
from esme.control.happening import Happening
from esme.control.settings import ControlSettings
from esme.control.state import TYPES, ControllerState, Kind
from esme.future import ACTIVATED, FutureDating, Pending
from esme.reporter import Reporter
from gbcs.stamp import Reliability, Stamp
from han.deadlines import earliest

_STATE: Final = "sapc"


@dataclass(slots=True)
class SapcState:
    """What outlives a loss of power, apart from stored COSEM attributes."""

    controllers: ControllerState = field(default_factory=ControllerState)
    pending: dict[Place, Pending] = field(default_factory=dict)


class Sapc:
    """One SAPC with five proportional controllers; what its store holds is gone on with."""

    def __init__(
        self,
        clock: DeviceClock,
        store: Store,
        firmware: Firmware,
        control: ControlSettings | None = None,
    ) -> None:
        self.clock, self.firmware = clock, firmware
        self._store = store
        with store.transaction() as unit:
            held = unit.get_json(_STATE)
            self.settings = Settings.stored(unit)
        self.kept = SapcState() if held is None else load(SapcState, held)
        self.reporter = Reporter(self.settings, store)
        self.future = FutureDating(lambda: self.kept.pending, self.settings, self._activating)
        self.controllers = ControllerBank(
            lambda: self.kept.controllers, self.settings, self._tell, control
        )
        if held is None:
            types = [TYPES[Kind.APC]] * len(CONTROLLERS)
            self.controllers.make(types, boost_key=False)

    @property
    def now(self) -> datetime:
        """The device's own time."""
        return self.clock.now()

    @property
    def own_now(self) -> datetime | None:
        """The device's own time; None when it has none."""
        return None if self.clock.status is Reliability.INVALID else self.clock.now()

    @property
    def next_due(self) -> datetime | None:
        """When something is due, by the device's own clock."""
        own = self.own_now
        if own is None:
            return None
        return earliest((self.future.next_after(), self.controllers.next_change(own)))

    def schedule(self, when: Place, time: Stamp, message_code: int, counter: int) -> None:
        """Activate passive values at a time: now, never, or later."""
        pending = Pending(time.at or self.now, message_code, counter)
        if self.future.schedule(when, time, pending, self.now):
            self.controllers.move(self.own_now)

    def advance(self) -> None:
        """Do what is due."""
        own = self.own_now
        if own is None:
            return
        for when, pending in self.future.activate_due(own):
            self.reporter.activated(ACTIVATED, own, pending.content(when))
        self.controllers.move(own)

    def event(self, code: int) -> None:
        """Something happened that the event log keeps and that may be an alert."""
        self.reporter.event(code, self.own_now)

    def undo_point(self) -> Callable[[], None]:
        """What takes the device back to this moment, if a command has to be undone."""
        earlier, undo_controllers = dump(self.kept), self.controllers.undo_point()

        def undo() -> None:
            put_back(self.kept, load(SapcState, earlier))
            self.settings.undo()
            self.reporter.take_alerts()
            undo_controllers()

        return undo

    def save(self) -> None:
        """Keep everything that changed, as part of the open unit when there is one."""
        with self._store.transaction() as unit:
            unit.put_json(_STATE, dump(self.kept))
            self.settings.store(unit)
            unit.on_commit(self.settings.keep)

    def _activating(self, when: Place) -> None:
        if when in ACTIVATIONS:
            self.controllers.calendar_changes()

    def _tell(self, happening: Happening) -> None:
        self.reporter.controller(happening, self.own_now)
