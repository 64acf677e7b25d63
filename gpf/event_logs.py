"""The GPF's event logs: its own (3 and 4), and its copies of the meter's (6 and 7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from device.chassis import Chassis
from device.own_events import LOG_CLEARED, OwnEventLogs
from gpf.state import ProxyState
from han.clusters.events import EventLog
from han.commands.events import EventEntry
from han.logs import household_may_read
from han.zcl.tables import Access, Party


class ProxyEventLogs(OwnEventLogs):
    """The logs as the Events cluster has them; devices of the home read neither 4 nor 7.

    ``seen_from`` says from when on an asker may see entries.
    """

    def __init__(
        self, chassis: Chassis, state: ProxyState, seen_from: Callable[[Access], int]
    ) -> None:
        super().__init__(chassis)
        self._state, self._seen_from = state, seen_from

    def entries(self, log_id: int, access: Access) -> Sequence[EventEntry] | None:
        """A log, oldest first; None when there is none such, or this asker may not read it."""
        copies = {
            EventLog.GSME_GENERAL: self._state.gsme_events,
            EventLog.GSME_SECURITY: self._state.gsme_security,
        }
        if not household_may_read(log_id, access):
            return None
        held = copies[EventLog(log_id)] if log_id in copies else super().entries(log_id, access)
        if held is None:
            return None
        since = self._seen_from(access)
        return [entry for entry in held if entry.time >= since]

    def clear(self, log_id: int, access: Access) -> bool:
        """Empty a log of events; False when that cannot be done."""
        if log_id != EventLog.GSME_GENERAL:
            return super().clear(log_id, access)
        if access.party is Party.HAN or log_id in self.stuck:
            return False
        self._state.gsme_events.clear()
        self._chassis.security_log.add(LOG_CLEARED)
        return True
