"""What pictures have in common: colours, names, and how high the voltage axis reaches."""

from __future__ import annotations

from typing import Final

from bench.plot.record import Record

PHASES: Final = ("#1b6ca8", "#d9722b", "#7a4fa3")
IMPORT, EXPORT, LIMIT, GAP, OUTAGE, INK = (
    "#5b8db8", "#5aa469", "#c0392b", "#e9e9ec", "#f6d5d0", "#333940",
)  # fmt: skip
VOLTAGE_AXIS: Final = "average RMS voltage, V"
ENERGY_AXIS: Final = "kWh per half hour"
NO_ENTRY: Final = "no entry"
SUPPLY_AWAY: Final = "supply away"
_MARGIN_V: Final = 3.0
_FALLBACK_V: Final = (225.0, 250.0)


def phase_names(record: Record) -> tuple[str, ...]:
    """What phases are called."""
    count = len(record.voltage)
    return ("voltage",) if count == 1 else tuple(f"L{n}" for n in range(1, count + 1))


def voltage_range(record: Record) -> tuple[float, float]:
    """The part of the voltage axis that shows every period, and every limit that is set."""
    shown = [span.value for phase in record.voltage for span in phase]
    shown += [limit for limit in (record.over_v, record.under_v) if limit]
    if not shown:
        return _FALLBACK_V
    return min(shown) - _MARGIN_V, max(shown) + _MARGIN_V


def limits(record: Record) -> tuple[tuple[str, int], ...]:
    """The limits that are set, and what they are called."""
    both = (("over", record.over_v), ("under", record.under_v))
    return tuple((f"{name} voltage {volts} V", volts) for name, volts in both if volts)
