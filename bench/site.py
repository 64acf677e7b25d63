"""What the emulated electricity meter of a rig is connected to: steady, or as CSV files say.

A file has a column ``time`` and one for each phase: ``l1``, and ``l2`` and ``l3`` with three. They
hold V or W. Until its first row, what the rig says holds.
"""

from __future__ import annotations

from pathlib import Path

from bench.rig import ElectricityMeter, RigError
from esme.physics.series import read_series
from esme.physics.signal import Constant, Signal
from esme.physics.site import Phase, Site
from gbcs.errors import LocalError


def site_of(section: ElectricityMeter) -> Site:
    """The mains and the house of a meter; RigError when a file cannot be used."""
    load_mw = section.load_w * 1000 // section.phases
    phases = [
        Phase(
            _signal(section.voltage_csv, f"l{number}", section.voltage_mv),
            _signal(section.load_csv, f"l{number}", load_mw),
        )
        for number in range(1, section.phases + 1)
    ]
    return Site(tuple(phases), Constant() if section.twin_element else None)


def _signal(path: Path | None, column: str, otherwise: int) -> Signal:
    if path is None:
        return Constant(otherwise)
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            return read_series(lines, column, before=otherwise)
    except OSError as error:
        raise RigError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, LocalError) as error:
        raise RigError(f"{path}: {error}") from error
