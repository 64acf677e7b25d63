"""Kills of a real process: a meter lives its stream in one, which gets SIGKILL in the middle.

``python -m tests.esme.kill.process FILE SEED`` is the process; it writes every message that leaves
it, and the number of every step whose answer has left.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from device.store import MemoryStore, SqliteStore
from tests.esme.kill.stream import Stream
from tests.esme.kill.trial import KEYS, Subject, compare

ROOT: Final = Path(__file__).resolve().parents[3]
_STEP: Final = "step"


def live(file: Path, seed: int) -> None:
    """Live for ever."""
    meter = Subject(SqliteStore(file), seed, arrives=lambda octets: _say(octets.hex()))
    stream, number = Stream(seed, KEYS), 0
    while True:
        meter.live(stream.step())
        number += 1
        _say(f"{_STEP}{number}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def kill_after(steps: int, file: Path, seed: int) -> None:
    """Kill a process in the step after so many; then its file must hold what a twin has.

    The step that was under way is asked for once more, as nobody knows how far it got. What the
    process told, and what its file still has to tell, is what the twin told.
    """
    arguments = [sys.executable, "-m", "tests.esme.kill.process", str(file), str(seed)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
        assert child.stdout is not None
        lines: list[str] = []
        while f"{_STEP}{steps}" not in lines:
            lines.append(child.stdout.readline().strip())
        child.kill()
        lines += child.stdout.read().split()
    assert child.returncode == -9
    acknowledged = sum(line.startswith(_STEP) for line in lines)
    stream, twin = Stream(seed, KEYS), Subject(MemoryStore(), seed)
    for _ in range(acknowledged):
        twin.live(stream.step())
    under_way = stream.step()
    store = SqliteStore(file)
    meter = Subject(store, seed, twin.rig.true_time())
    meter.arrived[:0] = [bytes.fromhex(line) for line in lines if not line.startswith(_STEP)]
    twin.live(under_way)
    meter.rig.true_time.moment = under_way.at
    meter.device.advance()
    if meter.state() == twin.state():  # it is done: both are asked once more
        twin.live(under_way)
    meter.live(under_way)
    compare(meter, twin, f"seed {seed}, killed after step {acknowledged}")
    store.close()


if __name__ == "__main__":
    live(Path(sys.argv[1]), int(sys.argv[2]))
