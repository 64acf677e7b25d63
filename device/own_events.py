"""A device's own event and security logs on the Events cluster: read and cleared from afar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from device.chassis import Chassis
from device.log import NO_TIME, DeviceLog
from gbcs.zcl.types import zcl_seconds
from han.clusters.events import EventLog
from han.commands.events import EventEntry
from han.logs import household_may_read
from han.zcl.tables import Access, Party

LOG_CLEARED: Final = 0x8F52
"""Goes into the security log when an event log was cleared."""


class OwnEventLogs:
    """Event log 3 and security log 4 of one device: :class:`han.logs.EventLogs`.

    A device of the home reads no security log (IRP603). ``stuck`` are logs that cannot be written:
    a fault for tests.
    """

    def __init__(self, chassis: Chassis) -> None:
        self._chassis = chassis
        self._logs: Mapping[int, DeviceLog] = {
            EventLog.GENERAL: chassis.event_log,
            EventLog.SECURITY: chassis.security_log,
        }
        self.stuck: set[int] = set()

    def entries(self, log_id: int, access: Access) -> Sequence[EventEntry] | None:
        """A log, oldest first; None when there is none such, or this asker may not read it."""
        log = self._logs.get(log_id)
        if log is None or not household_may_read(log_id, access):
            return None
        return [
            EventEntry(
                log_id,
                entry.code,
                NO_TIME if entry.at is None else zcl_seconds(entry.at),
                entry.other,
            )
            for entry in log.entries()
        ]

    def clear(self, log_id: int, access: Access) -> bool:
        """Empty the event log; False when that cannot be done."""
        if access.party is Party.HAN or log_id != EventLog.GENERAL or log_id in self.stuck:
            return False
        self._chassis.event_log.clear()
        self._chassis.security_log.add(LOG_CLEARED)
        return True
