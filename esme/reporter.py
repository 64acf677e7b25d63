"""Who is told what happens to the meter: its logs, and the parties that get alerts.

The supplier and the network operator say for their codes (0x81nn, 0x80nn) whether they are logged
and whether they are sent; all other codes always are.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from struct import Struct
from typing import Final

from device.cosem.settings import Settings
from device.cosem.table import Place
from device.log import Entry
from device.logbook import CAPACITY, LogBook
from device.store import Store
from esme.alerts import (
    ALL_ON,
    BILLING_DATA,
    FIRMWARE_RECEIPT,
    FUTURE_DATED,
    GENERIC,
    GENERIC_CRITICAL,
    LIMIT_OVER,
    LIMIT_SET,
    OPERATIONAL_UPDATE,
    SUPPLY_RESTORED,
    Alert,
    is_configurable,
    is_on,
    owner,
)
from esme.control.happening import Happening, LimitBegun, LimitEnded, Outcome, Switched, Updated
from esme.event import MeterEvent
from esme.load_limit import DISABLED_BY_LIMIT, ENABLED_AFTER_LIMIT, LIMIT_EXCEEDED
from gbcs.dlms import values as v
from gbcs.dlms.data import Bits, Data, Tag
from gbcs.party import Role
from gbcs.stamp import NEVER, Stamp

BILLING_DATA_UPDATED: Final = 0x8F0A
LIMIT_PROCESSED: Final = 0x8F86
LIMIT_ENDED: Final = 0x8F87
OPERATION_UPDATED: Final = 0x8F88
EVENT_LOG_CLEARED: Final = 0x8F52
_SENT: Final = {
    Role.SUPPLIER: Place.parse("1/0-30:97.98.15.255/2"),
    Role.NETWORK_OPERATOR: Place.parse("1/0-33:97.98.15.255/2"),
}
_LOGGED: Final = {
    Role.SUPPLIER: Place.parse("1/0-30:97.98.18.255/2"),
    Role.NETWORK_OPERATOR: Place.parse("1/0-33:97.98.18.255/2"),
}
_SHARED: Final = Place.parse("1/0-30:97.98.16.255/2")
_BEHAVIOUR: Final = Data(Tag.BIT_STRING, ALL_ON)
SWITCH_FAILED: Final = 0x811A
SWITCH_DONE: Final = 0x8131
_SWITCH_ALERTS: Final = {Outcome.SUCCESS: SWITCH_DONE, Outcome.FAILURE: SWITCH_FAILED}
_SWITCHED: Final = Struct(">BI")
"""Outcome and HANCommandID of an entry of the auxiliary controller event log."""
_LOAD_LIMIT: Final = frozenset({LIMIT_EXCEEDED, DISABLED_BY_LIMIT, ENABLED_AFTER_LIMIT})
_NOT_SENT: Final = frozenset({0x8F57})
"""Supply interrupted: told by the outage alert once the supply is back."""


class Reporter:
    """The logs of codes, and the alerts that wait to be sent."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.event_log = LogBook(store, "event")
        self.security_log = LogBook(store, "security")
        self.power_log = LogBook(store, "power")
        self.controller_log = LogBook(store, "controller")
        self._settings = settings
        self._alerts: list[Alert] = []
        self._shared: deque[Entry] = deque(maxlen=CAPACITY)

    def take_alerts(self) -> tuple[Alert, ...]:
        """Alerts since the last time, in order."""
        taken = tuple(self._alerts)
        self._alerts.clear()
        return taken

    def take_shared(self) -> tuple[Entry, ...]:
        """Events since the last time that the supplier lets displays of the house know."""
        taken = tuple(self._shared)
        self._shared.clear()
        return taken

    def note(self, events: Iterable[MeterEvent]) -> None:
        """Log what the measuring part has noticed, and tell who wants to know."""
        for event in events:
            if event.code in _LOAD_LIMIT:
                self.event(event.code, event.at)
                continue
            if self._wanted(_LOGGED, event.code):
                other = (event.outage_s or 0).to_bytes(4, "big")
                self.power_log.record(Entry(event.at, event.code, other))
            self._share(Entry(event.at, event.code))
            if event.restores_supply:
                self._supply_restored(event)
            else:
                self.alert(event.code, event.at)

    def event(self, code: int, at: datetime | None, other: bytes = b"") -> None:
        """Something else happened to the meter."""
        if self._wanted(_LOGGED, code):
            self.event_log.record(Entry(at, code, other))
        self._share(Entry(at, code, other))
        self.alert(code, at)

    def activated(self, code: int, at: datetime, content: bytes) -> None:
        """Passive values became active, or could not, at the time a command had set."""
        self.event_log.record(Entry(at, code))
        self._alerts.append(Alert(FUTURE_DATED, code, at, Role.SUPPLIER, (v.octets(content),)))

    def firmware_received(self, code: int, at: datetime | None, image_hash: bytes) -> None:
        """A firmware image was verified, or was not: the supplier gets the receipt."""
        hashed = (v.octets(image_hash),)
        self._alerts.append(Alert(FIRMWARE_RECEIPT, code, at, Role.SUPPLIER, hashed))

    def billed(self, at: datetime, entry: Data) -> None:
        """The billing data log has a new entry, which the supplier gets encrypted."""
        self.event_log.record(Entry(at, BILLING_DATA_UPDATED))
        alert = Alert(BILLING_DATA, BILLING_DATA_UPDATED, at, Role.SUPPLIER, secret=entry)
        self._alerts.append(alert)

    def controller(self, happening: Happening, at: datetime | None) -> None:
        """Something happened to an auxiliary controller."""
        match happening:
            case Switched():
                self._switched(happening, at)
            case LimitBegun(side, limit, level):
                times = (_date_time(limit.start), _date_time(limit.end))
                elements = (v.u8(side), *times, v.u8(level))
                self._limit(LIMIT_SET, LIMIT_PROCESSED, at, elements)
            case LimitEnded(side, level):
                self._limit(LIMIT_OVER, LIMIT_ENDED, at, (v.u8(side), v.u8(level)))
            case Updated(output, input_):
                self._updated(output, input_, at)

    def _updated(self, output: int, input_: int, at: datetime | None) -> None:
        """ECS200: the levels of a proportional controller, for its load controller."""
        told = {"outputState": str(output), "inputState": str(input_), "other-data": ""}
        text = v.utf8(json.dumps(told, separators=(",", ":")))
        alert = Alert(OPERATIONAL_UPDATE, OPERATION_UPDATED, at, Role.SUPPLIER, (text,))
        self._alerts.append(replace(alert, concerns=Role.LOAD_CONTROLLER))

    def _switched(self, switched: Switched, at: datetime | None) -> None:
        other = _SWITCHED.pack(switched.outcome, switched.han_command_id)
        self.controller_log.record(Entry(at, switched.number, other))
        code = _SWITCH_ALERTS.get(switched.outcome)
        if switched.is_switch and code is not None:
            self.alert(code, at)

    def _limit(
        self, message_code: int, code: int, at: datetime | None, elements: tuple[Data, ...]
    ) -> None:
        self._alerts.append(Alert(message_code, code, at, Role.SUPPLIER, elements))

    def clear_event_log(self, at: datetime | None) -> None:
        """Empty the event log; the security log keeps that it was done."""
        self.event_log.clear()
        self.security_log.record(Entry(at, EVENT_LOG_CLEARED))

    def _supply_restored(self, event: MeterEvent) -> None:
        times = (_date_time(event.interrupted_at), _date_time(event.at))
        recipient = Role.NETWORK_OPERATOR
        self._alerts.append(Alert(SUPPLY_RESTORED, event.code, event.at, recipient, times))

    def alert(self, code: int, at: datetime | None) -> None:
        """Send an alert that carries no more than its code and time, if it is wanted."""
        if code not in _NOT_SENT and self._wanted(_SENT, code):
            message_code = GENERIC_CRITICAL if code in _LOAD_LIMIT else GENERIC
            self._alerts.append(Alert(message_code, code, at, owner(code)))

    def _share(self, entry: Entry) -> None:
        """Only the supplier's codes have a bit that says whether displays hear of them."""
        if is_configurable(entry.code) and owner(entry.code) is Role.SUPPLIER:
            bits = self._settings.get(_SHARED, _BEHAVIOUR).value
            if isinstance(bits, Bits) and is_on(bits, entry.code):
                self._shared.append(entry)

    def _wanted(self, behaviours: dict[Role, Place], code: int) -> bool:
        if not is_configurable(code):
            return True
        bits = self._settings.get(behaviours[owner(code)], _BEHAVIOUR).value
        return isinstance(bits, Bits) and is_on(bits, code)


def _date_time(at: datetime | None) -> Data:
    return v.date_time(NEVER if at is None else Stamp.of(at))
