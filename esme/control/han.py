"""What the meter asks of load control switches on the HAN (HCALCS), and how that ended.

The log entry of an order has the outcome "unknown"; what the HCALCS reports gets an entry of its
own under the same HANCommandID.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from device.cosem.settings import Settings
from esme.control.action import OFF, Direction, outcome_of, side_of
from esme.control.happening import Happening, Outcome, Switched
from esme.control.settings import ControlSettings
from esme.control.shown import show, type_of
from esme.control.state import LONGEST, ControllerState, HanOrder, Side
from gbcs.zcl.types import zcl_seconds
from han.deadlines import earliest

_MINUTE: Final = timedelta(minutes=1)
_LONGEST_MIN: Final = LONGEST // _MINUTE
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class HanOrders:
    """Orders to the HCALCSs of one meter; what is to be sent is taken with :meth:`take`."""

    def __init__(
        self,
        held: Callable[[], ControllerState],
        stored: Settings,
        tell: Callable[[Happening], object],
        choices: ControlSettings,
    ) -> None:
        self._held, self._stored, self._tell, self._choices = held, stored, tell, choices
        self._unsent: list[HanOrder] = []

    def take(self) -> tuple[HanOrder, ...]:
        """What is to be sent since the last time, in order."""
        unsent = tuple(self._unsent)
        self._unsent.clear()
        return unsent

    def undo_point(self) -> Callable[[], None]:
        """What takes back whatever is to be sent from now on."""
        count = len(self._unsent)

        def undo() -> None:
            del self._unsent[count:]

        return undo

    def in_force(self, device: int | None = None) -> tuple[HanOrder, ...]:
        """Orders that hold now, of all devices or of one."""
        orders = self._held().orders.values()
        return tuple(o for o in orders if device in (None, o.device) and not o.taken_back)

    def is_current(self, order: HanOrder) -> bool:
        """Whether an order is still the last to its controller, and worth sending."""
        held = self._held().orders.get(order.controller)
        return held is not None and (held.id, held.taken_back) == (order.id, order.taken_back)

    def ask(
        self, controller: int, number: int, level: int, own: datetime, until: datetime | None
    ) -> None:
        """Ask for a level; ``until`` is when something else may be asked, None if that is open."""
        order = self._new(controller, number, level, own, until)
        self._send(order)
        self._tell(Switched(number, Outcome.UNKNOWN, order.id))

    def take_back(self, controller: int, number: int, own: datetime) -> None:
        """Nothing governs the controller any longer: the switch is left to itself."""
        order = self._held().orders.get(controller)
        if order is None or order.taken_back:
            self._tell(Switched(number, Outcome.SUCCESS))
            return
        order = replace(
            order,
            number=number,
            level=OFF,
            answer_by=self._answer_by(own),
            renews=False,
            taken_back=True,
        )
        self._send(order)
        self._tell(Switched(number, Outcome.UNKNOWN, order.id))

    def watch(self, own: datetime, until: Callable[[int, datetime], datetime | None]) -> None:
        """Give up orders without an answer; renew those that would end though the state goes on."""
        for controller, order in tuple(self._held().orders.items()):
            if order.answer_by is not None and order.answer_by <= own:
                self._failed(order)
            if order.until <= own and not order.taken_back:
                changes = until(controller, own)
                again = self._new(controller, order.number, order.level, own, changes)
                self._send(replace(again, renews=True))

    def next_after(self) -> datetime | None:
        """When an order is to be given up or renewed."""
        orders = self._held().orders.values()
        moments = [order.answer_by for order in orders]
        return earliest([*moments, *(order.until for order in orders if not order.taken_back)])

    def started(self, device: int, order_id: int) -> None:
        """A device reports that it does what an order asks."""
        order = self._find(device, order_id)
        if order is None or order.taken_back:
            return
        if order.answer_by is not None or self._side(order).level != order.level:
            self._succeeded(order)

    def ended(self, device: int, order_id: int) -> None:
        """A device reports that an order was taken back, or that it never knew of it."""
        order = self._find(device, order_id)
        if order is not None and order.taken_back:
            self._succeeded(order)
            del self._held().orders[order.controller]

    def failed(self, device: int, order_id: int) -> None:
        """A device reports that it does not do, or no longer does, what an order asks."""
        order = self._find(device, order_id)
        if order is not None:
            self._failed(order)

    def _succeeded(self, order: HanOrder) -> None:
        self._side(order).level = order.level
        show(self._stored, self._held(), order.controller)
        self._answered(order)
        if not order.renews:
            self._tell(Switched(outcome_of(order.controller), Outcome.SUCCESS, order.id))

    def _failed(self, order: HanOrder) -> None:
        if order.taken_back:
            del self._held().orders[order.controller]
        else:
            self._answered(order)
        self._tell(Switched(outcome_of(order.controller), Outcome.FAILURE, order.id))

    def _answered(self, order: HanOrder) -> None:
        self._held().orders[order.controller] = replace(order, answer_by=None)

    def _find(self, device: int, order_id: int) -> HanOrder | None:
        orders = self._held().orders.values()
        return next((o for o in orders if (o.device, o.id) == (device, order_id)), None)

    def _side(self, order: HanOrder) -> Side:
        return self._held().side(side_of(order.controller, Direction.OUTPUT))

    def _send(self, order: HanOrder) -> None:
        self._held().orders[order.controller] = order
        self._unsent.append(order)

    def _new(
        self, controller: int, number: int, level: int, own: datetime, until: datetime | None
    ) -> HanOrder:
        overlap_min = self._choices.drlc_overlap_min
        latest = own + LONGEST - overlap_min * _MINUTE
        until = min(until or latest, latest)
        minutes = -((own - until) // _MINUTE) + overlap_min
        return HanOrder(
            id=self._next_id(own),
            controller=controller,
            device=int.from_bytes(type_of(self._stored, controller), "big"),
            number=number,
            level=level,
            issued=own,
            duration_min=min(minutes, _LONGEST_MIN),
            until=until,
            answer_by=self._answer_by(own),
        )

    def _answer_by(self, own: datetime) -> datetime:
        return own + timedelta(seconds=self._choices.han_outcome_within_s)

    def _next_id(self, own: datetime) -> int:
        """The time in seconds, or one more than the last when that is taken."""
        unix = self._choices.han_command_id == "unix"
        seconds = (own - _EPOCH) // timedelta(seconds=1) if unix else zcl_seconds(own)
        state = self._held()
        state.last_id = max(seconds, state.last_id + 1)
        return state.last_id
