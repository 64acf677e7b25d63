"""``chub demo voltage``: average RMS voltage on the half hour, whatever happens (MP085A).

Two days of one electricity meter: the mains go too high, too low and away, the clock goes wrong
and is set right, the network operator shortens the measurement period. Then it reads everything
back, and its own arithmetic says whether every period lies where it may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bench.demo import DemoOptions
from bench.demo.voltage_check import Measured, overlaps, within
from bench.demo.voltage_operator import Logged, NetworkOperator, VoltageProfile, response_values
from bench.demo.voltage_script import (
    CUT,
    FIRST_PERIOD_S,
    SECOND_PERIOD_S,
    configuration,
    moment,
    site,
)
from bench.home import Home, living_home
from bench.remote_party import RemoteParty
from bench.rig import VIRTUAL_START, Rig
from device.timeline import Timeline, run
from esme.voltage.codes import Quality, quality_code
from gbcs.catalogue import by_name
from gbcs.errors import RemoteError
from gbcs.plain import Plain, moment_to_text
from gbcs.zcl.types import zcl_moment

ESME: Final = 0x02434855420000A0
CLOCK_FAULT: Final = timedelta(minutes=17)
_INTERRUPTED: Final = 0x8F57
_RESTORED: Final = frozenset({0x8F35, 0x8F36})
_WORDS: Final = {_INTERRUPTED: "supply interrupted"} | {
    quality_code(quality, begins=begins, phase=None): f"{quality.value} {verb}"
    for quality in Quality
    for begins, verb in ((True, "begins"), (False, "ends"))
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the profile."""

    phase: int
    period_end: str
    mean_v: int


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, by the meter's clock after it.

    kind: ``done`` to the meter by the story, or ``logged`` in its power event log under ``code``.
    alerted: whether the alert of that code and time arrived; None when there is to be none.
    outage_s: how long the supply was away, where it came back.
    """

    at: str
    kind: str
    text: str
    code: str | None = None
    alerted: bool | None = None
    outage_s: int | None = None


@dataclass(slots=True)
class VoltagePeriods:
    """The demonstration's result. ``measured`` has the entries with the period of each."""

    capture: Path
    keys: list[str] = field(default_factory=list)
    period_s: int = 0
    thresholds_v: dict[str, int] = field(default_factory=dict)
    counters: dict[str, dict[str, int]] = field(default_factory=dict)
    """Counters of over and under voltage: before and after the reconfiguration, at the end."""
    measured: list[Measured] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def aligned(self) -> bool:
        """Every period starts on the hour or half hour, or tiles it; none overlaps another."""
        every = all(entry.is_aligned for entry in self.measured)
        return bool(self.measured) and every and not overlaps(self.measured)

    @property
    def sound(self) -> bool:
        """Every period is legal, and nothing else went another way than the story says."""
        return self.aligned and not self.wrong

    def as_json(self) -> dict[str, object]:
        """For machines. ``period_s`` is the one in force at the end."""
        return {
            "period_s": self.period_s,
            "aligned": self.aligned,
            "entries": [
                asdict(Entry(1, zcl_moment(one.end_s).isoformat(), one.mean_v))
                for one in self.measured
            ],
            "events": [asdict(event) for event in self.events],
            "counters": self.counters,
            "thresholds_v": self.thresholds_v,
            "wrong": self.wrong,
            "capture": str(self.capture),
            "keys": self.keys,
        }

    def print(self) -> None:
        """For people."""
        from bench.demo.voltage_table import print_periods

        print_periods(self)


def play(
    options: DemoOptions, settings: Mapping[str, Mapping[str, object]] | None = None
) -> VoltagePeriods:
    """Run the story on a virtual home whose hub sits on the given radio.

    ``settings`` are those of a rig: a meter that behaves otherwise shall be found out.
    """
    rig = Rig.model_validate(
        {
            "name": "demo voltage",
            "hub": {"radio": options.radio},
            "gas_meter": False,
            "electricity_meter": {"eui64": ESME},
            "settings": settings or {},
        }
    )
    timeline = Timeline(VIRTUAL_START)
    return run(_story(rig, timeline, options), timeline)


async def _story(rig: Rig, timeline: Timeline, options: DemoOptions) -> VoltagePeriods:
    result = VoltagePeriods(options.capture)
    mains = site(rig.seed)
    async with living_home(rig, timeline, capture=options.capture, site=mains) as home:
        await _Teller(home, options, result).tell_all()
        result.keys = [key.hex() for key in home.capture_keys]
    return result


class _Teller:
    """Leads one home through the two days, then judges what the network operator has read."""

    def __init__(self, home: Home, options: DemoOptions, result: VoltagePeriods) -> None:
        assert home.electricity_meter is not None  # the rig of this demonstration has one
        self.home, self.options, self.result = home, options, result
        self.meter = home.electricity_meter
        self.operator = NetworkOperator(home, ESME)

    async def tell_all(self) -> None:
        """The story in its order."""
        self.operator.listen()
        await self._until(1, "09:53")
        await self._configure(FIRST_PERIOD_S)
        self.options.tell(f"the supply will be cut from {CUT[0]:%a %H:%M} to {CUT[1]:%H:%M}")
        await self._until(2, "02:17")
        self._break_clock()
        await self._until(2, "05:08")
        await self._set_clock()
        await self._until(2, "10:03")
        before = await self.operator.profile()
        await self._configure(SECOND_PERIOD_S)
        after = await self.operator.profile()
        await self._until(3, "09:52")
        await self._read_back(before, after)

    async def _until(self, day: int, clock: str) -> None:
        at = moment(day, clock)
        self.options.tell(f"virtual time goes to {at:%a %H:%M}")
        await self.home.timeline.sleep_until(at)

    async def _configure(self, period_s: int) -> None:
        await self.operator.configure("ECS29c", configuration(period_s))
        self._done(f"ECS29c: measurement period {period_s} s")

    def _break_clock(self) -> None:
        """The one thing here that no message does: the meter's clock goes wrong by itself."""
        clock = self.meter.device.chassis.clock
        clock.set_clock(clock.now() + CLOCK_FAULT, None, None)
        self._done(f"clock fault: {CLOCK_FAULT.seconds // 60} min ahead")

    async def _set_clock(self) -> None:
        """The supplier has the meter take the hub's time (ECS70)."""
        was = self.meter.device.chassis.clock.now()
        party = RemoteParty(self.home.rig.parties.supplier, self.home.keys)
        now, hour = self.home.timeline.now(), timedelta(hours=1)
        times: list[Plain] = [moment_to_text(at) for at in (now, now - hour, now + hour)]
        asked: dict[str, Plain] = {"Time.preset_adjusting_time": times}
        command = party.command(by_name("ECS70"), ESME, 1, asked)
        answer = party.open(await self.home.ask(command))
        if not answer.verification.is_authentic:
            raise RemoteError("the answer to ECS70 does not verify")
        response_values("ECS70", answer.message)
        self._done(f"ECS70: the hub's time, instead of {was:%H:%M}")

    def _done(self, text: str) -> None:
        at = self.meter.device.chassis.clock.now()
        self.options.tell(f"{at:%a %H:%M} by the meter's clock: {text}")
        self.result.events.append(Event(_text(at), "done", text))

    async def _read_back(self, before: VoltageProfile, after: VoltageProfile) -> None:
        operator, result = self.operator, self.result
        final = await operator.profile()
        log = await operator.power_log()
        result.period_s = final.period_s
        result.thresholds_v = await operator.thresholds_v()
        result.measured = _with_periods(before, after, final)
        named = {"before": before, "after": after, "final": final}
        result.counters = {
            name: {"over": one.over_count, "under": one.under_count} for name, one in named.items()
        }
        heard = {(one.at, one.code) for one in operator.heard}
        result.events += [_logged(one, heard) for one in log]
        result.events.sort(key=lambda event: event.at)
        result.wrong += [*operator.unproven, *_changed(before, after, final)]
        result.wrong += _illegal(result.measured)
        result.wrong += _measured_in_the_dark(result.measured, log)
        result.wrong += [
            f"no alert for {event.code} of {event.at}"
            for event in result.events
            if event.alerted is False
        ]


def _with_periods(
    before: VoltageProfile, after: VoltageProfile, final: VoltageProfile
) -> list[Measured]:
    """The entries read last: what was there by the reconfiguration had the period before it."""
    old = len(after.entries)
    return [
        Measured(end_s, mean_v, before.period_s if place < old else final.period_s)
        for place, (end_s, mean_v) in enumerate(final.entries)
    ]


def _changed(before: VoltageProfile, after: VoltageProfile, final: VoltageProfile) -> list[str]:
    """What the reconfiguration, or the day after it, changed that it should not."""
    wrong = []
    if (before.period_s, after.period_s) != (FIRST_PERIOD_S, SECOND_PERIOD_S):
        wrong.append(f"the period went from {before.period_s} s to {after.period_s} s")
    if (before.over_count, before.under_count) != (after.over_count, after.under_count):
        wrong.append("ECS29c changed the counters")
    if before.entries != final.entries[: len(before.entries)]:
        wrong.append("entries read before the reconfiguration are no longer there")
    if final.period_s != after.period_s:
        wrong.append(f"the period is {final.period_s} s at the end")
    return wrong


def _illegal(entries: list[Measured]) -> list[str]:
    astray = [one for one in entries if not one.is_aligned]
    wrong = [f"a period of {one.period_s} s ends at {zcl_moment(one.end_s)}" for one in astray]
    return wrong + [f"periods overlap at {zcl_moment(one.end_s)}" for one, _ in overlaps(entries)]


def _measured_in_the_dark(entries: list[Measured], log: tuple[Logged, ...]) -> list[str]:
    """Entries whose period had an outage in it, by the meter's own power event log."""
    lost = [one.at_s for one in log if one.code == _INTERRUPTED]
    back = [one.at_s for one in log if one.code in _RESTORED]
    if [len(lost), len(back)] != [1, 1]:
        return [f"{len(lost)} interruptions and {len(back)} restorations in the power event log"]
    return [
        f"the period that ends at {zcl_moment(one.end_s)} had an outage in it"
        for one in within(entries, lost[0], back[0])
    ]


def _logged(one: Logged, heard: set[tuple[datetime | None, int]]) -> Event:
    at, is_restored = zcl_moment(one.at_s), one.code in _RESTORED
    restored = f"supply restored after {one.other // 60} min" if is_restored else "other event"
    return Event(
        at=_text(at),
        kind="logged",
        text=_WORDS.get(one.code, restored),
        code=f"0x{one.code:04X}",
        alerted=None if one.code == _INTERRUPTED else (at, one.code) in heard,
        outage_s=one.other if is_restored else None,
    )


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
