"""``chub demo stamps``: the date-time of Responses, case by case (SECMP0015).

A supplier reads a gas meter through the hub. Each Response says when its values were taken, by
whose clock, and how far that clock can be trusted.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from bench.demo import DemoOptions
from bench.home import Home, living_home
from bench.remote_party import Opened, RemoteParty
from bench.rig import VIRTUAL_START, Rig
from bench.values import reading_of
from device.timeline import Timeline, run
from gbcs.catalogue import by_name
from gbcs.eui64 import format_eui64
from gbcs.protection import Verdict
from gbcs.stamp import Reliability, Source

USE_CASES: Final = ("GCS13a", "GCS14", "GCS60a")
DRIFTING_PPM: Final = 25_000.0
"""A gas meter's clock that gains 45 s in half an hour: too far off for it to be adjusted."""


@dataclass(frozen=True, slots=True)
class Row:
    """One Response."""

    case: str
    use_case: str
    responder: str
    asked_at: str
    answered_after_s: float
    value: str
    time: str | None
    clock_status: str
    source: str
    reliability: str
    mac_valid: bool


@dataclass(frozen=True, slots=True)
class Expected:
    """What the stamps of a case shall say."""

    source: Source
    reliability: Reliability


@dataclass(slots=True)
class Stamps:
    """The demonstration's result."""

    capture: Path
    keys: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Every MAC verified and every stamp said what its case is about."""
        return not self.wrong and bool(self.rows) and all(row.mac_valid for row in self.rows)

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "rows": [asdict(row) for row in self.rows],
            "capture": str(self.capture),
            "keys": self.keys,
        }

    def print(self) -> None:
        """For people."""
        from bench.demo.stamps_table import print_stamps

        print_stamps(self)


def play(options: DemoOptions) -> Stamps:
    """Run the story on a virtual home whose hub sits on the given radio."""
    rig = Rig.model_validate({"hub": {"radio": options.radio}, "name": "demo stamps"})
    timeline = Timeline(rig.start or VIRTUAL_START)
    return run(_story(rig, timeline, options), timeline)


async def _story(rig: Rig, timeline: Timeline, options: DemoOptions) -> Stamps:
    result = Stamps(options.capture)
    async with living_home(rig, timeline, capture=options.capture) as home:
        await _Teller(home, options, result).tell_all()
        result.keys = [key.hex() for key in home.capture_keys]
    return result


class _Teller:
    """Leads one home through the cases."""

    def __init__(self, home: Home, options: DemoOptions, result: Stamps) -> None:
        assert home.meter is not None  # the rig of this demonstration has one
        self.home, self.meter, self.options, self.result = home, home.meter, options, result
        self.supplier = RemoteParty(home.rig.parties.supplier, home.keys)
        self._counter = 0

    async def tell_all(self) -> None:
        """Every case, in the order of the half hours."""
        gpf, gsme = self.home.gpf.entity, self.meter.chassis.eui64
        good, bad, none = Reliability.RELIABLE, Reliability.UNRELIABLE, Reliability.INVALID

        await self._until("09:52")
        await self._ask("nothing pushed yet", gpf, Expected(Source.OWN, none))

        await self._until("10:01")
        await self._ask("fresh GSME time", gpf, Expected(Source.GSME, good))

        await self._until("10:20")
        await self._ask("GSME asleep for 20 min", gpf, Expected(Source.GSME, good))

        self.meter.push_snapshot_time = False
        await self._until("10:31")
        await self._ask("GSME that sends no time", gpf, Expected(Source.OWN, good))

        self.meter.push_snapshot_time = True
        self.meter.chassis.clock.drift_ppm = DRIFTING_PPM
        await self._until("11:01")
        await self._ask("GSME whose clock gains time", gpf, Expected(Source.GSME, bad))
        await self._ask("the same, asked itself", gsme, Expected(Source.OWN, bad))

        self.meter.chassis.clock.drift_ppm = 0.0
        self.meter.chassis.clock.power_loss(backup_held=False)
        await self._until("12:01")
        await self._ask("GSME with an unset clock", gpf, Expected(Source.GSME, none))
        await self._ask("the unset clock, asked itself", gsme, Expected(Source.OWN, none))

    async def _until(self, clock: str) -> None:
        hour, minute = map(int, clock.split(":"))
        moment = self.home.timeline.start.replace(hour=hour, minute=minute, second=0)
        self.options.tell(f"virtual time goes to {clock}")
        await self.home.timeline.sleep_until(moment)

    async def _ask(self, case: str, to: int, expected: Expected) -> None:
        """Ask every use case at once; a sleeping meter answers them all at its next wake."""
        async with asyncio.TaskGroup() as tasks:
            asking = [tasks.create_task(self._ask_one(case, to, name)) for name in USE_CASES]
        for use_case, task in zip(USE_CASES, asking, strict=True):
            self._note(case, use_case, *task.result(), expected)

    async def _ask_one(self, case: str, to: int, use_case: str) -> tuple[datetime, float, Opened]:
        self._counter += 1
        command = self.supplier.command(by_name(use_case), to, self._counter)
        asked_at = self.home.timeline.now()
        self.options.tell(f"{use_case} to {format_eui64(to)}: {case}")
        answer = self.supplier.open(await self.home.ask(command))
        after_s = (self.home.timeline.now() - asked_at).total_seconds()
        return asked_at, after_s, answer

    def _note(
        self,
        case: str,
        use_case: str,
        asked_at: datetime,
        after_s: float,
        answer: Opened,
        expected: Expected,
    ) -> None:
        stamp = answer.message.date_time
        if stamp is None:
            self.result.wrong.append(f"{case}, {use_case}: no stamp")
            return
        if (stamp.source, stamp.reliability) != (expected.source, expected.reliability):
            self.result.wrong.append(f"{case}, {use_case}: {stamp}")
        responder = "GPF" if answer.message.originator == self.home.gpf.entity else "GSME"
        source = responder if stamp.source is Source.OWN else stamp.source.value
        self.result.rows.append(
            Row(
                case=case,
                use_case=use_case,
                responder=responder,
                asked_at=asked_at.isoformat(timespec="seconds"),
                answered_after_s=round(after_s, 3),
                value=reading_of(use_case, answer),
                time=None if stamp.at is None else stamp.at.isoformat(),
                clock_status=f"0x{stamp.status:02X}",
                source=source,
                reliability=stamp.reliability.value,
                mac_valid=answer.verification.mac is Verdict.VALID,
            )
        )
