"""``python -m tests.esme.kill --points 10000``: kill a meter so often, and count where it died."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from tests.esme.kill.process import kill_after
from tests.esme.kill.trial import Trial

_KILLS_OF_A_LIFE: Final = 100
"""Then another meter takes over, with another seed."""
_MOST_STEPS: Final = 150


def a_life(kills: int, seed: int) -> Counter[str]:
    """One meter that dies so often."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(seed, Path(folder))
        trial.run(kills)
        return trial.kills


def a_process(seed: int) -> int:
    """One process that is killed."""
    steps = random.Random(seed).randrange(1, _MOST_STEPS)
    with tempfile.TemporaryDirectory() as folder:
        kill_after(steps, Path(folder) / "rig.sqlite", seed)
    return 1


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--points", type=int, default=1000, help="kills inside operations")
    arguments.add_argument("--processes", type=int, default=20, help="real processes killed")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--workers", type=int, default=2)
    asked = arguments.parse_args()
    began, died, lives = time.perf_counter(), Counter[str](), -(-asked.points // _KILLS_OF_A_LIFE)
    with ProcessPoolExecutor(asked.workers) as workers:
        seeds = range(asked.seed, asked.seed + lives)
        kills = min(_KILLS_OF_A_LIFE, asked.points)
        for one in workers.map(partial(a_life, kills), seeds):
            died += one
            sys.stderr.write(f"\r{died.total()} kills")
        processes = range(asked.seed, asked.seed + asked.processes)
        killed = sum(workers.map(a_process, processes))
    sys.stderr.write("\n")
    for name, count in died.most_common():
        print(f"{name:20} {count:6}")
    print(f"{died.total()} kills inside operations, {killed} processes killed, every effect once: "
          f"{time.perf_counter() - began:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()
