"""The trial: a meter that is killed again and again, beside a twin that never is.

Both get the same stream. The killed meter comes back from what is left of its file: what was under
way is done as a whole or not at all. The command that nobody acknowledged is sent once more, and
then the meter must be what the twin is: every register, log, setting, pending action and counter.
A command that was done is refused the second time, if it is one that is protected against replay.
What the meter had to tell has arrived: every alert of the twin and every Response, once or, where a
kill came between its arrival and the meter's knowledge of that, twice and the same.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Final

from device.command import Answered, Refused
from device.outbox import Offer
from device.plain import dump
from device.responding import respond
from device.settings import PipelineSettings
from device.store import MemoryStore, Store
from esme.device import ElectricityMeterDevice
from esme.memory import logs_of
from gbcs.envelope import Cra, Message
from gbcs.party import DeviceType
from tests.device.rig import MIDNIGHT, Rig, TrueTime, test_keys
from tests.esme.kill.dying import Counting, DyingStore, Killed
from tests.esme.kill.stream import ESME, Step, Stream, site

KEYS: Final = test_keys(ESME)
_EVERY_REFUSAL_IS_USUAL: Final = PipelineSettings(unusual_threshold=1_000_000)
"""How many refusals are unusual is counted by a process, so it would set the two apart."""


class Subject:
    """A meter on a store, and what arrived of it, in order, unless ``arrives`` takes that."""

    def __init__(
        self, store: Store, seed: int, now: datetime = MIDNIGHT, arrives: Offer | None = None
    ) -> None:
        self.rig = Rig(
            eui64=ESME,
            device_type=DeviceType.ESME,
            keys=KEYS,
            store=store,
            true_time=TrueTime(now),
        )
        self.arrived: list[bytes] = []
        self.rig.chassis.outbox.hand_to(arrives or self.arrived.append)
        self.device = ElectricityMeterDevice(
            self.rig.chassis,
            site(seed),
            hub_time=self.rig.true_time,
            pipeline_settings=_EVERY_REFUSAL_IS_USUAL,
        )

    def live(self, step: Step) -> Answered | Refused | None:
        """Let the time pass, then execute the command if there is one."""
        self.rig.true_time.moment = step.at
        self.device.advance()
        if step.octets is None:
            return None
        outcomes: list[Answered | Refused] = []

        def execute(octets: bytes) -> bytes | None:
            outcome = self.device.pipeline.receive(octets)
            outcomes.append(outcome)
            return outcome.octets if isinstance(outcome, Answered) else None

        respond(self.rig.chassis, execute, step.octets)
        return outcomes[-1]

    def state(self) -> dict[str, object]:
        """Everything that the meter is."""
        meter, chassis = self.device.meter, self.rig.chassis
        reporter = meter.reporter
        books = (reporter.event_log, reporter.security_log, reporter.power_log)
        with chassis.store.transaction() as unit:
            counters = {key: unit.get(key) for key in unit.keys("counter:")}
        return {
            "own time": (meter.metrology.own_now, chassis.clock.status),
            "registers and states": dump(meter.kept),
            "logs": {name: list(log.entries) for name, log in logs_of(meter.kept)},
            "settings": dict(meter.settings._values),
            "books": [book.entries() for book in (*books, reporter.controller_log)],
            "counters": counters,
        }

    def told(self) -> set[tuple[object, ...]]:
        """Take what arrived, each message once; signatures differ between two meters."""
        octets, self.arrived[:] = set(self.arrived), []
        messages = [Message.parse(one) for one in octets]
        alerts = [one.originator_counter for one in messages if one.cra is Cra.ALERT]
        assert len(set(alerts)) == len(alerts), "two alerts have one number"
        return {(m.cra, m.originator_counter, m.recipient, m.message_code, m.payload)
                for m in messages}  # fmt: skip


class Trial:
    """One stream, one meter, one twin; ``kills`` counts the places where the meter died."""

    def __init__(self, seed: int, folder: Path, *, counting: type[Counting] = Counting) -> None:
        self.seed = seed
        self.kills: Counter[str] = Counter()
        self._draw = random.Random(seed)
        self._stream = Stream(seed, KEYS)
        twin_store = MemoryStore()
        self._operations = Counting(twin_store._backend)
        twin_store._backend = self._operations
        self.twin = Subject(twin_store, seed)
        self.store = DyingStore(folder, counting=counting)
        self.meter = Subject(self.store, seed)
        for subject in (self.meter, self.twin):
            subject.device.advance()  # both are switched on, and have been saved once

    def run(self, kills: int) -> None:
        """Go on until the meter has died so often; AssertionError when it is not its twin."""
        try:
            while self.kills.total() < kills:
                self.step()
        finally:
            self.store.close()

    def step(self) -> None:
        """One step of both; the meter dies somewhere in it."""
        step = self._stream.step()
        self._operations.arm(None)
        expected = self.twin.live(step)
        place = self._draw.randrange(2 * self._operations.done + 1)
        self.store.arm(place, self._draw.choice((None, self._draw.random())))
        try:
            answer = self.meter.live(step)
        except Killed:
            self.kills[step.name] += 1
            self._restart(step.at)
            if self.meter.state() == self.twin.state():  # it is done: both are asked once more
                expected = self.twin.live(step)
            answer = self.meter.live(step)
        self.store.arm(None)
        assert _told(answer) == _told(expected), f"seed {self.seed}: {step.name}"
        self._compare(step)

    def _restart(self, now: datetime) -> None:
        arrived = self.meter.arrived
        self.store = self.store.again()
        self.meter = Subject(self.store, self.seed, now)
        self.meter.arrived[:0] = arrived
        self.meter.device.advance()

    def _compare(self, step: Step) -> None:
        compare(self.meter, self.twin, f"seed {self.seed}, {step.name} at {step.at}")


def compare(meter: Subject, twin: Subject, where: str) -> None:
    """AssertionError names what of the meter is not as its twin's."""
    ours = meter.state()
    for part, value in twin.state().items():
        assert ours[part] == value, f"{where}: {part}"
    assert meter.told() == twin.told(), f"{where}: what arrived"


def _told(answer: Answered | Refused | None) -> object:
    """What the sender learns: the payload, or why there is none."""
    if isinstance(answer, Answered):
        return Message.parse(answer.octets).payload
    return answer.refusal if isinstance(answer, Refused) else None
