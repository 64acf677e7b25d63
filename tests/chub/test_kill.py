"""Kill -9 at any commit: the device log, its alerts and its counters stay one whole."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.keys import derived_key_store
from bench.remote_party import RemoteParty
from bench.rig import Parties
from chub.alerts import HubAlerts
from chub.device_log import DeviceLog, Entry, Historic
from chub.joining import Joining
from chub.own_commands import OwnCommands
from chub.settings import ChfSettings
from device.chassis import Chassis
from device.clock import DeviceClock
from device.common import CommonCommands
from device.credentials import Credentials
from device.events import EventStream
from device.log import Entry as Logged
from device.store import MemoryStore, SqliteStore, Store
from gbcs.catalogue import by_name
from gbcs.envelope import Message
from gbcs.party import DeviceType
from gbcs.plain import Plain
from gbcs.stamp import Reliability

ROOT = Path(__file__).resolve().parents[2]
HUB, NOW = 0x02434855420000A2, datetime(2026, 1, 1, tzinfo=UTC)
STEPS = 18

CHILD = """
import os, signal, sys
from pathlib import Path
from device.store import SqliteStore
from tests.chub.test_kill import STEPS, Hub

fatal, after = int(sys.argv[2]), sys.argv[3] == "after"
store = SqliteStore(Path(sys.argv[1]))
hub = Hub(store)

def say(line):
    sys.stdout.write(line + "\\n")
    sys.stdout.flush()

hub.chassis.outbox.hand_to(lambda octets: say("alert " + octets.hex()))
commit, commits = store._backend.commit, 0

def commit_or_die(depth):
    global commits
    commits += depth == 0
    if depth == 0 and commits == fatal and not after:
        os.kill(os.getpid(), signal.SIGKILL)
    commit(depth)
    if depth == 0 and commits == fatal and after:
        os.kill(os.getpid(), signal.SIGKILL)

store._backend.commit = commit_or_die
for step in range(STEPS):
    hub.do(step)
    say(f"step {step}")
"""


@dataclass(frozen=True)
class State:
    """What a hub keeps of its devices and of what it told."""

    entries: tuple[Entry, ...]
    historic: tuple[Historic, ...]
    events: tuple[Logged, ...]
    may_join: tuple[int, ...]
    last_number: object


class Hub:
    """A CHF without a radio, and the broker that commands it."""

    def __init__(self, store: Store) -> None:
        parties = Parties()
        keys = derived_key_store("kill", parties.by_role(), [HUB])
        self.chassis = Chassis(
            Credentials(HUB, DeviceType.CHF, keys),
            true_time=lambda: NOW,
            clock=DeviceClock(lambda: NOW, status=Reliability.RELIABLE),
            store=store,
            events=EventStream(),
        )
        self.sent: list[bytes] = []
        self.log = DeviceLog(self.chassis.store)
        self.chassis.outbox.hand_to(self.sent.append)
        alerts = HubAlerts(self.chassis, frozenset())
        self.joining = Joining(self.chassis.store, self.log, lambda: NOW, lambda eui64, key: None)
        self.own = OwnCommands(
            self.chassis,
            ChfSettings(),
            self.log,
            self.joining,
            alerts,
            lambda: [HUB],
            CommonCommands(self.chassis, alerts.generic),
        )
        self._broker = RemoteParty(parties.access_control_broker, keys)

    def do(self, step: int) -> None:
        """Add a device, give it a key, take it off again; the next one, and so on."""
        device = 0x1000 + step // 3
        if step % 3 == 1:
            self.log.establish(device, step.to_bytes(16))
        else:
            assert self.answer(step) is not None

    def answer(self, step: int) -> bytes | None:
        """The Response to the command of a step."""
        device = f"0x{0x1000 + step // 3:016X}"
        if step % 3 == 0:
            given: dict[str, Plain] = {
                "DeviceLogCHF.register_device": [device, 1, "0x" + "00" * 16, 0],
                "DeviceLogCHF.joiningTimePeriod": 90,
            }
            command = self._broker.command(by_name("CCS01"), HUB, step + 1, given)
        else:
            removed: dict[str, Plain] = {"DeviceLogCHF.removeEntry": device}
            command = self._broker.command(by_name("CCS02"), HUB, step + 1, removed)
        return self.own.answer(command.to_bytes())

    def state(self) -> State:
        """What it keeps."""
        with self.chassis.store.transaction() as unit:
            last_number = unit.get("counter:own")
        events = tuple(self.chassis.event_log.entries())
        devices = range(0x1000, 0x1000 + STEPS)
        may_join = tuple(one for one in devices if self.joining.is_open_for(one))
        return State(self.log.entries(), self.log.historic(), events, may_join, last_number)


def states() -> Iterator[State]:
    """What an undisturbed hub keeps before each step, and after the last."""
    hub = Hub(MemoryStore())
    yield hub.state()
    for step in range(STEPS):
        hub.do(step)
        yield hub.state()


@pytest.fixture(scope="module")
def undisturbed() -> list[State]:
    return list(states())


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("fatal", [1, 5, 14])
def test_a_killed_hub_has_done_each_thing_whole_or_not_at_all(
    tmp_path: Path, undisturbed: list[State], fatal: int, after: bool
) -> None:
    file = tmp_path / "hub.sqlite"
    when = "after" if after else "before"
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(file), str(fatal), when],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
    )
    assert child.returncode == -9, child.stderr
    lines = [line.split() for line in child.stdout.splitlines()]
    told = sum(kind == "step" for kind, _ in lines)
    heard = [bytes.fromhex(octets) for kind, octets in lines if kind == "alert"]
    store = SqliteStore(file)
    hub = Hub(store)
    state = hub.state()
    done = undisturbed.index(state)
    assert done in (told, told + 1)
    if done % 3:
        assert hub.answer(done - done % 3) is None  # the last command, repeated, is refused
    for step in range(done, STEPS):
        hub.do(step)
    assert hub.log.entries() == undisturbed[-1].entries
    assert hub.log.historic() == undisturbed[-1].historic
    assert {Message.parse(one).originator_counter for one in heard + hub.sent} == set(
        range(1, hub.chassis.own_counter.next())
    )
    store.close()
