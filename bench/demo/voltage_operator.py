"""The network operator of ``chub demo voltage``: configures the meter, reads it, hears its alerts.

Whatever it knows comes out of Responses and alerts that were checked and decoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bench.home import Home
from bench.remote_party import RemoteParty
from gbcs.catalogue import by_name, dlms_items
from gbcs.dlms.apdu import AccessResponse, DataNotification, Result
from gbcs.dlms.data import CompactArray, Data, Tag
from gbcs.envelope import Cra, Message
from gbcs.errors import RemoteError
from gbcs.plain import Plain, moment_to_text
from gbcs.stamp import Stamp

WITHIN: Final = timedelta(minutes=10)
_AVERAGE: Final = "Phase[1].AverageRMS"
_PROFILE: Final = f"{_AVERAGE}VoltageProfileDataLog"
_POWER_LOG: Final = "PowerEventLog.buffer"


@dataclass(frozen=True, slots=True)
class VoltageProfile:
    """What ECS23 tells of one phase; ends are in seconds since 2000-01-01, means in V."""

    period_s: int
    over_count: int
    under_count: int
    entries: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry of the power event log; ``other`` is how long an outage was, in s."""

    at_s: int
    code: int
    other: int


@dataclass(frozen=True, slots=True)
class Heard:
    """An alert that arrived, under the meter's own time."""

    at: datetime | None
    code: int
    message_code: int


@dataclass(slots=True)
class NetworkOperator:
    """One network operator with one electricity meter of a home."""

    home: Home
    meter: int
    heard: list[Heard] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)
    """Alerts that do not verify."""
    _counter: int = 0

    def listen(self) -> None:
        """Take the alerts that come up the WAN side from now on."""
        self.home.upward.append(self._hear)

    async def configure(self, use_case: str, values: Mapping[str, Plain]) -> None:
        """Set every voltage threshold and period: ECS29a resets the counters, ECS29c does not."""
        await self._ask(use_case, values)

    async def profile(self) -> VoltageProfile:
        """Counters, measurement period and all the entries up to now (ECS23, day by day)."""
        values: dict[str, Data] = {}
        entries: list[tuple[int, int]] = []
        for limits in self._days(f"{_PROFILE}.buffer"):
            values = await self._ask("ECS23", limits)
            rows = _rows(values[f"{_PROFILE}.buffer"])
            entries += [(end_s, mean_v) for end_s, mean_v in rows]
        return VoltageProfile(
            period_s=_number(values[f"{_PROFILE}.measurementPeriod"]),
            over_count=_number(values[f"{_AVERAGE}OverVoltageCounter.value"]),
            under_count=_number(values[f"{_AVERAGE}UnderVoltageCounter.value"]),
            entries=tuple(entries),
        )

    async def thresholds_v(self) -> dict[str, int]:
        """Thresholds of the average, in V (ECS26b)."""
        values = await self._ask("ECS26b", {})
        return {
            side: _number(values[f"{_AVERAGE}{side.capitalize()}VoltageThreshold.value"])
            for side in ("over", "under")
        }

    async def power_log(self) -> tuple[Logged, ...]:
        """The power event log up to now (ECS35e, day by day)."""
        entries: list[Logged] = []
        for limits in self._days(_POWER_LOG):
            values = await self._ask("ECS35e", limits)
            entries += [Logged(*row) for row in _rows(values[_POWER_LOG])]
        return tuple(entries)

    def _days(self, log: str) -> Iterator[dict[str, Plain]]:
        """Limits of each day since the start: a day of a log fits one transfer in the tunnel."""
        timeline, one_day = self.home.timeline, timedelta(days=1)
        day = timeline.start.replace(hour=0, minute=0, second=0, microsecond=0)
        while day <= timeline.now():
            end = day + one_day - timedelta(seconds=1)
            yield {f"{log}.from": moment_to_text(day), f"{log}.to": moment_to_text(end)}
            day += one_day

    async def _ask(self, use_case: str, values: Mapping[str, Plain]) -> dict[str, Data]:
        self._counter += 1
        party = self._party()
        command = party.command(by_name(use_case), self.meter, self._counter, values)
        answer = party.open(await self.home.ask(command, WITHIN))
        if not answer.verification.is_authentic:
            raise RemoteError(f"the answer to {use_case} does not verify")
        return response_values(use_case, answer.message)

    def _hear(self, octets: bytes) -> None:
        message = Message.parse(octets)
        if message.cra is not Cra.ALERT or message.recipient != self._party().entity:
            return
        if not self._party().open(octets).verification.is_authentic:
            self.unproven.append(f"an alert {message.message_code:04X} does not verify")
            return
        match DataNotification.parse(message.payload).body.value:
            case (Data(value=int(code)), Data(value=bytes(stamp)), *_):
                at = Stamp.from_bytes(stamp).at
                self.heard.append(Heard(at, code, message.message_code))

    def _party(self) -> RemoteParty:
        return RemoteParty(self.home.rig.parties.network_operator, self.home.keys)


def response_values(use_case: str, message: Message) -> dict[str, Data]:
    """The values of a Response by their SMETS names; RemoteError when an item was not done."""
    items = dlms_items(use_case)
    results = AccessResponse.parse(message.payload).results
    if len(results) != len(items) or any(one.result != Result.SUCCESS for one in results):
        codes = ", ".join(str(one.result) for one in results)
        raise RemoteError(f"{use_case} was not done whole: {codes}")
    return {item.name: one.data for item, one in zip(items, results, strict=True)}


def _number(data: Data) -> int:
    if not isinstance(data.value, int):
        raise RemoteError("a value of the answer is no number")
    return data.value


def _rows(log: Data) -> list[list[int]]:
    """The entries of a log, whose columns are all numbers."""
    if not isinstance(log.value, CompactArray):
        raise RemoteError("a value of the answer is no log")
    return [[_number(cell) for cell in _cells(entry)] for entry in log.value.entries]


def _cells(entry: Data) -> tuple[Data, ...]:
    match entry.value:
        case tuple(cells) if entry.tag == Tag.STRUCTURE:
            return tuple(cell for cell in cells if isinstance(cell, Data))
    raise RemoteError("an entry of a log has no columns")
