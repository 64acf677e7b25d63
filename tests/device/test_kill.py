"""Kill -9 at any point of a command: no effect is lost, none happens twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from device.command import Answered, Command, Outcome, Refused
from device.pipeline import Pipeline
from device.refusal import Refusal
from device.store import SqliteStore
from gbcs.party import DeviceType
from tests.device.rig import GSME, Rig, command

ROOT = Path(__file__).resolve().parents[2]

CHILD = """
import os, signal, sys
from pathlib import Path
from device.command import Answered
from device.store import SqliteStore
from tests.device.test_kill import meter, top_up

stage, at = sys.argv[2], int(sys.argv[3])

def die(here, counter):
    if here == stage and counter == at:
        os.kill(os.getpid(), signal.SIGKILL)

store = SqliteStore(Path(sys.argv[1]))
rig, pipeline = meter(store, die)
commit = store._backend.commit

def commit_and_die(depth):
    if depth == 0:
        die("before commit", counter)
    commit(depth)
    if depth == 0:
        die("after commit", counter)

store._backend.commit = commit_and_die
for counter in range(1, 9):
    assert isinstance(pipeline.receive(top_up(rig, counter)), Answered)
    sys.stdout.write(f"{counter}\\n")
    sys.stdout.flush()
    die("response left", counter)
"""


def meter(store: SqliteStore, at_stage: object = None) -> tuple[Rig, Pipeline]:
    """A meter whose critical command adds one to its balance."""
    rig = Rig(eui64=GSME, device_type=DeviceType.GSME, store=store)

    def add(asked: Command) -> Outcome:
        counter = asked.message.originator_counter
        if callable(at_stage):
            at_stage("before effect", counter)
        asked.unit.put("balance", asked.unit.get_int("balance") + 1)
        rig.chassis.event_log.add(0x8154, counter.to_bytes(2, "big"))
        if callable(at_stage):
            at_stage("after effect", counter)
        return Outcome(b"\x05\x00")

    return rig, rig.pipeline("GCS13a", handlers={"GCS28": add})


def top_up(rig: Rig, counter: int) -> bytes:
    return command(rig, "GCS28", counter=counter, payload=b"\x05\x00")


@pytest.mark.parametrize(
    ("stage", "kept"),
    [
        ("before effect", 4),
        ("after effect", 4),
        ("before commit", 4),
        ("after commit", 5),
        ("response left", 5),
    ],
)
def test_a_killed_device_has_executed_each_command_once_or_not_at_all(
    tmp_path: Path, stage: str, kept: int
) -> None:
    file = tmp_path / "rig.sqlite"
    arguments = [sys.executable, "-c", CHILD, str(file), stage, "5"]
    child = subprocess.run(
        arguments, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT
    )
    assert child.returncode == -9, child.stderr
    acknowledged = [int(line) for line in child.stdout.split()]
    assert acknowledged == list(range(1, 6 if stage == "response left" else 5))
    store = SqliteStore(file)
    rig, pipeline = meter(store)
    with rig.chassis.store.transaction() as unit:
        assert unit.get("balance") == kept
    assert len(rig.chassis.event_log.entries()) == kept
    for counter in range(1, 9):
        result = pipeline.receive(top_up(rig, counter))
        if counter <= kept:
            assert isinstance(result, Refused)
            assert result.refusal is Refusal.REPLAYED
        else:
            assert isinstance(result, Answered)
    with rig.chassis.store.transaction() as unit:
        assert unit.get("balance") == 8
    store.close()
