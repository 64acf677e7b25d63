"""The meter's face to the house: clusters that displays read, and what it tells them unasked.

Everything is a view of the model that COSEM shows to remote parties; nothing is kept here.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Final

from esme.face import calendar, events, management, price
from esme.face.base import Acting, Fresh
from esme.face.metering import metering
from esme.face.prepayment import HouseholdActions, prepayment
from esme.meter import SUPPLIER_MESSAGE, ElectricityMeter
from gbcs.zcl.types import Value, zcl_seconds
from han.clusters import BASIC, CALENDAR, DEVICE_MANAGEMENT, EVENTS, MESSAGING, PRICE, TIME
from han.clusters.mirrored import fixed
from han.commands.events import CancelMessage, DisplayMessage
from han.commands.price import PublishPrice
from han.household import supply_switch
from han.logs import event_logs
from han.messaging import CONFIRMATION_REQUIRED, NOW, UNTIL_CHANGED, MessageBoard
from han.published import Publications
from han.zcl.payload import encode
from han.zcl.tables import Access, Cluster, ClusterDefinition, Served, Side

ACKNOWLEDGED: Final = 0x81A6
"""Customer acknowledged message on HAN device."""
News = tuple[ClusterDefinition, object]
"""A cluster, and the payload of a command that its clients are to be told."""
_DEVICE_KIND: Final[dict[int, Value]] = {0x0000: 3, 0x0004: "chub", 0x0005: "ESME", 0x0007: 0x01}


class HanFace:
    """One meter as displays see it.

    ``fresh`` brings the meter up to the present before it is read; ``acting`` is the unit in which
    the household changes it.
    """

    def __init__(
        self,
        meter: ElectricityMeter,
        *,
        endpoint: int = 1,
        fresh: Fresh = lambda: None,
        acting: Acting = nullcontext,
    ) -> None:
        self.meter = meter
        self.board = MessageBoard(endpoint)
        self._fresh, self._acting = fresh, acting
        self._told: dict[tuple[int, type], bytes] = {}
        self._told = {key: octets for key, octets, _ in self._publications()}
        self._show_message()

    def served(self) -> tuple[Served, ...]:
        """Every cluster that the meter serves to displays."""
        meter, fresh = self.meter, self._fresh
        return (
            fixed(BASIC, _DEVICE_KIND),
            metering(meter, fresh).joined(supply_switch(HouseholdActions(meter, self._acting))),
            prepayment(meter, fresh, self._acting),
            price.price(meter, fresh),
            calendar.calendar(meter),
            management.device_management(meter, fresh),
            event_logs(events.HouseholdLogs(meter)),
            self.board.served(),
        )

    def news(self) -> list[News]:
        """What displays are to be told since the last time: what changed, and shared events."""
        self._take_confirmations()
        found: list[News] = []
        for key, octets, told in self._publications():
            if self._told.get(key) != octets:
                self._told[key] = octets
                found += told
        found += self._show_message()
        now_s = zcl_seconds(self.meter.now)
        shared = self.meter.reporter.take_shared()
        return found + [(EVENTS, events.shared_event(entry, now_s)) for entry in shared]

    def _publications(self) -> list[tuple[tuple[int, type], bytes, list[News]]]:
        """Each kind of publication, as octets to tell a change by, and as news."""
        meter = self.meter
        access = Access(peer=0, now=meter.now)
        kinds: tuple[tuple[ClusterDefinition, Publications], ...] = (
            (PRICE, price.publications(meter, lambda: None)),
            (CALENDAR, calendar.publications(meter)),
            (DEVICE_MANAGEMENT, management.publications(meter)),
        )
        found = []
        for definition, publications in kinds:
            for kind, held in publications.items():
                messages = held(access)
                octets = b"".join(encode(_lasting(each)) for each in messages)
                news: list[News] = [(definition, each) for each in messages[: _NOW_ALONE.get(kind)]]
                found.append(((definition.cluster_id, kind), octets, news))
        return found

    # -- the supplier's message --------------------------------------------------------------

    def _show_message(self) -> list[News]:
        """Put the supplier's message on the board; what is to be told when it is another one."""
        before, self.board.message = self.board.message, self._message()
        message = self.board.message
        if message == before:
            return []
        if message is not None:
            return [(MESSAGING, message)]
        return [] if before is None else [(MESSAGING, CancelMessage(before.message_id, 0))]

    def _message(self) -> DisplayMessage | None:
        meter = self.meter
        text, at = meter.text(SUPPLIER_MESSAGE), meter.kept.message_at
        hidden = at is None or (meter.shown_since is not None and at < meter.shown_since)
        if not text or at is None or hidden:
            return None
        shown = text.decode("utf-8", "replace")
        return DisplayMessage(zcl_seconds(at), CONFIRMATION_REQUIRED, NOW, UNTIL_CHANGED, shown)

    def _take_confirmations(self) -> None:
        """The household has acknowledged the message: the supplier is told once."""
        if self.board.events() and not self.meter.kept.message_confirmed:
            with self._acting():
                self.meter.kept.message_confirmed = True
                self.meter.event(ACKNOWLEDGED)


_NOW_ALONE: Final[dict[type, int]] = {PublishPrice: 1}
"""Of prices only the one in force is told; those to come can be asked for."""


def _lasting(message: object) -> object:
    """A publication without what changes from moment to moment."""
    if isinstance(message, PublishPrice):
        return replace(message, current_time=0, duration_min=0)
    return message


def time_client() -> Served:
    """Time 0x000A: the meter reads the hub's."""
    served: Cluster[None] = Cluster(TIME, Side.CLIENT)
    return served.on(None)
