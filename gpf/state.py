"""What the GPF knows besides the mirror: what suppliers published to the meter, its logs.

Plain values throughout, kept as one structure in the GPF's store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from device.gas_logs import GasLogs
from device.instructions import Instruction
from han.commands.device_management import PublishChangeOfSupplier
from han.commands.events import DisplayMessage, EventEntry
from han.tariff.book import TariffBook

EVENTS_KEPT: Final = 100


@dataclass(slots=True)
class ProxyState:
    """``gsme_events`` and ``gsme_security`` are copies of the meter's logs (6 and 7).

    ``waiting`` are parts of future-dated commands which the meter has yet to execute.
    """

    tariff: TariffBook = field(default_factory=TariffBook)
    supplier: PublishChangeOfSupplier | None = None
    message: DisplayMessage | None = None
    logs: GasLogs = field(default_factory=GasLogs)
    gsme_events: list[EventEntry] = field(default_factory=list)
    gsme_security: list[EventEntry] = field(default_factory=list)
    waiting: list[Instruction] = field(default_factory=list)

    def note(self, entry: EventEntry, *, security: bool) -> None:
        """Add an entry to a copy of the meter's logs."""
        log = self.gsme_security if security else self.gsme_events
        log.append(entry)
        del log[:-EVENTS_KEPT]
