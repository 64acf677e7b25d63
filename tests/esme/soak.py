"""``python -m tests.esme.soak --days 365``: a long life of one meter, and whether it is right.

Half hours have to add up to the register exactly, every voltage entry has to end where a period
may, and memory has to stay flat once the logs are full.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from device.store import SqliteStore
from tests.esme.year import Life

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_KILOBYTES: Final = 1024 if sys.platform == "linux" else 1024 * 1024
_MOST_GROWTH_MB: Final = 15.0
"""In the second half of a year, when logs are nearly full."""


def main() -> int:
    """Print what was found; 1 when something is wrong."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--days", type=int, default=365)
    arguments.add_argument("--seed", type=int, default=1)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "rig.sqlite")
        life = Life(Path(folder), store, _START, asked.days, asked.seed)
        sizes_mb = []
        for now in life.live():
            sizes_mb.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KILOBYTES)
            print(
                f"{now:%Y-%m-%d} {len(life.voltage_ends):6} voltage entries, {sizes_mb[-1]:.0f} MB"
            )
        profile_wh = sum(wh for _, wh in life.half_hours())
        register_wh = life.device.meter.readings.active_import_wh
        store.close()
    growth_mb = sizes_mb[-1] - sizes_mb[len(sizes_mb) // 2]
    print(f"register {register_wh} Wh, half hours {profile_wh} Wh")
    print(f"{len(life.illegal)} of {len(life.voltage_ends)} voltage entries end where none may")
    print(f"memory grew by {growth_mb:.1f} MB in the second half")
    right = register_wh == profile_wh and not life.illegal and growth_mb < _MOST_GROWTH_MB
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
