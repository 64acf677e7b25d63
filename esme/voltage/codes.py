"""Event and alert codes of voltage quality: one for a single-phase meter, then one per phase.

All are 0x80nn, so the network operator configures them, and all go to the power event log.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Quality(Enum):
    """What can be wrong with a voltage."""

    AVERAGE_OVER = "average RMS over voltage"
    AVERAGE_UNDER = "average RMS under voltage"
    EXTREME_OVER = "RMS extreme over voltage"
    EXTREME_UNDER = "RMS extreme under voltage"
    SAG = "RMS voltage sag"
    SWELL = "RMS voltage swell"

    @property
    def above(self) -> bool:
        """Whether it is too much, not too little."""
        return self in _ABOVE


_ABOVE: Final = frozenset({Quality.AVERAGE_OVER, Quality.EXTREME_OVER, Quality.SWELL})


@dataclass(frozen=True, slots=True)
class _Codes:
    """Codes of a single-phase meter; those of phases 1 to 3 follow each."""

    begins: int
    ends: int


_CODES: Final = {
    Quality.AVERAGE_OVER: _Codes(0x8002, 0x8085),
    Quality.AVERAGE_UNDER: _Codes(0x8006, 0x8089),
    Quality.EXTREME_OVER: _Codes(0x8020, 0x808D),
    Quality.SWELL: _Codes(0x8024, 0x8091),
    Quality.EXTREME_UNDER: _Codes(0x8028, 0x8095),
    Quality.SAG: _Codes(0x802C, 0x8099),
}


def quality_code(quality: Quality, *, begins: bool, phase: int | None) -> int:
    """Code for a voltage that leaves its limits or returns; ``phase`` 1 to 3, None on one phase."""
    codes = _CODES[quality]
    return (codes.begins if begins else codes.ends) + (phase or 0)


_INTERRUPTED: Final = 0x8F57
_RESTORED: Final = 0x8F35
LONG_OUTAGE_S: Final = 180
"""An outage of three minutes or more has a code of its own."""


def interruption_code(phase: int | None) -> int:
    """Code for a supply, or one phase of it, that was lost."""
    return _INTERRUPTED + (phase or 0)


def restoration_code(outage_s: float, phase: int | None) -> int:
    """Code for its return, by how long it was away."""
    return _RESTORED + 2 * (phase or 0) + (outage_s >= LONG_OUTAGE_S)


def interrupted_phase(code: int) -> int | None:
    """Which phase an interruption is of, 0 for the whole supply; None: it is another code."""
    return code - _INTERRUPTED if code in range(_INTERRUPTED, _INTERRUPTED + 4) else None


def restored_phase(code: int) -> int | None:
    """Which phase has come back, 0 for the whole supply; None: it is another code."""
    return (code - _RESTORED) // 2 if code in range(_RESTORED, _RESTORED + 8) else None
