"""A clock's state in the store: what a device was told the time is outlives the process."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from device.clock import ClockState
from device.store import StoreError, Transaction
from gbcs.stamp import Reliability

_KEY: Final = "clock"


def keep_clock(unit: Transaction, state: ClockState) -> None:
    """Keep a state with the rest of the unit."""
    unit.put_json(
        _KEY,
        {
            "true": state.true.isoformat(),
            "own": state.own.isoformat(),
            "drift_ppm": state.drift_ppm,
            "status": state.status.value,
            "last_set": None if state.last_set is None else state.last_set.isoformat(),
            "last_heard": state.last_heard.isoformat(),
        },
    )


def kept_clock(unit: Transaction) -> ClockState | None:
    """The state kept last; None when none was. StoreError when it cannot be read."""
    kept = unit.get_json(_KEY)
    if kept is None:
        return None
    try:
        if not isinstance(kept, dict):
            raise TypeError("not an object")
        last_set = kept["last_set"]
        return ClockState(
            true=datetime.fromisoformat(str(kept["true"])),
            own=datetime.fromisoformat(str(kept["own"])),
            drift_ppm=float(str(kept["drift_ppm"])),
            status=Reliability(kept["status"]),
            last_set=None if last_set is None else datetime.fromisoformat(str(last_set)),
            last_heard=datetime.fromisoformat(str(kept["last_heard"])),
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise StoreError(f"{_KEY} holds no clock: {exc}") from exc
