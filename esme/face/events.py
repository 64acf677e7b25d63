"""Events 0x0709: the meter's logs of codes, as far as the household may read them."""

from __future__ import annotations

from collections.abc import Sequence

from device.log import Entry
from device.logbook import LogBook
from esme.meter import ElectricityMeter
from gbcs.zcl.types import zcl_seconds
from han.clusters.events import EventLog
from han.commands.events import EventEntry, PublishEvent
from han.logs import household_may_read
from han.zcl.tables import Access


class HouseholdLogs:
    """The general log holds events, the fault log what happened to the supply's quality."""

    def __init__(self, meter: ElectricityMeter) -> None:
        self._meter = meter

    def entries(self, log_id: int, access: Access) -> Sequence[EventEntry] | None:
        """A log, oldest first, without what happened before a change of tenancy."""
        if not household_may_read(log_id, access):
            return None
        logs: dict[int, LogBook] = {
            EventLog.GENERAL: self._meter.reporter.event_log,
            EventLog.FAULT: self._meter.reporter.power_log,
        }
        if log_id == EventLog.ALL:
            found = [entry for number in logs for entry in self._of(number, logs[number])]
            return sorted(found, key=lambda entry: entry.time)
        return self._of(log_id, logs[log_id]) if log_id in logs else None

    def clear(self, log_id: int, access: Access) -> bool:
        """Never: clearing logs is the supplier's."""
        del log_id, access
        return False

    def _of(self, log_id: int, log: LogBook) -> list[EventEntry]:
        since = self._meter.shown_since
        return [
            EventEntry(log_id, entry.code, zcl_seconds(entry.at), entry.other)
            for entry in log.entries()
            if entry.at is not None and (since is None or entry.at >= since)
        ]


def shared_event(entry: Entry, now_s: int) -> PublishEvent:
    """An event as it is told to displays; ``now_s`` stands for a time the meter did not have."""
    seconds = now_s if entry.at is None else zcl_seconds(entry.at)
    return PublishEvent(EventLog.GENERAL, entry.code, seconds, 0, entry.other)
