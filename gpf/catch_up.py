"""Catching up: the GPF asks a gas meter for what its pushes did not bring (GBCS 10.4.2).

What is missing sets a notification flag. When the meter asks what is wanted, the question is sent;
its answers fill the logs, and the flag goes when nothing is missing any more, or the meter has
nothing to give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final

from device.gas_logs import GasLogs
from device.sample_log import DAILY, NO_SAMPLE, PROFILE, SampleLog, SampleLogs
from gbcs.zcl.types import zcl_moment, zcl_seconds
from han.clusters import METERING, PREPAYMENT
from han.commands.metering import (
    GetSampledData,
    GetSampledDataResponse,
    GetSnapshot,
    PublishSnapshot,
)
from han.commands.prepayment import (
    GetDebtRepaymentLog,
    GetPrepaySnapshot,
    GetTopUpLog,
    PublishDebtLog,
    PublishPrepaySnapshot,
    PublishTopUpLog,
)
from han.logs import Snapshot
from han.mirror.flags import Flag, FunctionalFlag, PrepaymentFlag
from han.zcl.tables import ClusterDefinition

END_OF_TIME: Final = 0xFFFFFFFF
EVERY_CAUSE: Final = 0xFFFFFFFF
MOST_SAMPLES: Final = 255
TOP_UPS, DEBT_PAYMENTS, PAYMENT_DEBT = 5, 10, 2
_LAST_OFFSET: Final = 0xFF
_PROFILE_S: Final = PROFILE.period // timedelta(seconds=1)
_DAY: Final = timedelta(days=1)
_HALF_HOURS: Final = 48

Question = GetSampledData | GetSnapshot | GetPrepaySnapshot | GetTopUpLog | GetDebtRepaymentLog
Answer = (
    GetSampledDataResponse
    | PublishSnapshot
    | PublishPrepaySnapshot
    | PublishTopUpLog
    | PublishDebtLog
)


@dataclass(slots=True)
class CatchUp:
    """What is missing of one meter. ``prepays`` says whether it is in prepayment mode.

    ``day_is_back`` is told of a day whose half hours are all there again, with their volumes, dm3;
    ``lost`` are ends of half hours that the meter does not have either.
    """

    samples: SampleLogs
    logs: GasLogs
    prepays: Callable[[], bool]
    grace: timedelta
    day_is_back: Callable[[date, Sequence[int]], object]
    payments_wanted: set[type] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)
    _snapshots_asked: dict[type, datetime] = field(default_factory=dict)

    def begin(self) -> None:
        """A meter got the mirror: everything is to be looked for."""
        self.payments_wanted = {GetTopUpLog, GetDebtRepaymentLog}
        self.lost.clear()
        self._snapshots_asked.clear()

    def wanted(self, now: datetime) -> dict[Flag, Question]:
        """What is missing now, by the flag that tells the meter of it."""
        found: dict[Flag, Question] = {}
        gap = next(self._gaps(), None)
        if gap is not None:
            question = GetSampledData(PROFILE.sample_id, gap, 0, MOST_SAMPLES)
            found[FunctionalFlag.GET_SAMPLED_DATA] = question
        if self._lacks(GetSnapshot, now):
            start = _after(_newest(self.logs.daily, now))
            found[FunctionalFlag.GET_SNAPSHOT] = GetSnapshot(start, END_OF_TIME, 0, EVERY_CAUSE)
        if self.prepays() and self._lacks(GetPrepaySnapshot, now):
            start = _after(_newest(self.logs.daily_prepayment, now))
            asked = GetPrepaySnapshot(start, END_OF_TIME, 0, EVERY_CAUSE)
            found[PrepaymentFlag.GET_PREPAY_SNAPSHOT] = asked
        if GetTopUpLog in self.payments_wanted:
            found[PrepaymentFlag.GET_TOP_UP_LOG] = GetTopUpLog(END_OF_TIME, TOP_UPS)
        if GetDebtRepaymentLog in self.payments_wanted:
            debts = GetDebtRepaymentLog(END_OF_TIME, DEBT_PAYMENTS, PAYMENT_DEBT)
            found[PrepaymentFlag.GET_DEBT_REPAYMENT_LOG] = debts
        return found

    def fill(self, question: Question, answer: GetSampledDataResponse | None) -> None:
        """Take samples that answer a question; None when the meter has none."""
        log = self.samples.get(PROFILE.sample_id)
        if log is None or not isinstance(question, GetSampledData):
            return
        if answer is None:
            self.lost.update(self._gaps())
            return
        gaps = set(self._gaps())  # what else a meter tells was not asked for
        self.lost.update(end for end in gaps if end < answer.start_time)
        for number, value in enumerate(answer.samples):
            end = answer.start_time + number * _PROFILE_S
            if end not in gaps:
                continue
            if value == NO_SAMPLE:
                self.lost.add(end)
            else:
                log.fill(zcl_moment(end), value)
        self._rebuild_days(log)

    def ended(self, question: Question, now: datetime) -> None:
        """The meter has no more of what was asked for."""
        if isinstance(question, GetTopUpLog | GetDebtRepaymentLog):
            self.payments_wanted.discard(type(question))
        else:
            self._snapshots_asked[type(question)] = now

    def following(self, question: Question, answer: Answer) -> Question | None:
        """The question after an answer: the next snapshot; None when one answer is all."""
        match question, answer:
            case GetSnapshot(offset=offset), PublishSnapshot() if offset < _LAST_OFFSET:
                start = question.earliest_start_time
                return GetSnapshot(start, END_OF_TIME, offset + 1, EVERY_CAUSE)
            case GetPrepaySnapshot(offset=offset), PublishPrepaySnapshot() if offset < _LAST_OFFSET:
                start = question.earliest_start_time
                return GetPrepaySnapshot(start, END_OF_TIME, offset + 1, EVERY_CAUSE)
        return None

    def _lacks(self, kind: type, now: datetime) -> bool:
        """Whether the snapshot of the last midnight is missing, and was not asked for in vain."""
        midnight = datetime.combine(now.date(), time(), now.tzinfo)
        log = self.logs.daily if kind is GetSnapshot else self.logs.daily_prepayment
        newest = _newest(log, now)
        asked_at = self._snapshots_asked.get(kind)
        overdue = now >= midnight + self.grace and (
            newest is None or newest < zcl_seconds(midnight)
        )
        return overdue and (asked_at is None or asked_at < midnight)

    def _gaps(self) -> Iterator[int]:
        """Ends of half hours without entry, up to the last total that was taken."""
        log = self.samples.get(PROFILE.sample_id)
        until = None if log is None else log.last_total_at
        if log is None or until is None:
            return
        ends, until_s = log.ends(), zcl_seconds(until)
        first = min(ends, default=until_s)
        for end in range(first, until_s + 1, _PROFILE_S):
            if end not in ends and end not in self.lost:
                yield end

    def _rebuild_days(self, profile: SampleLog) -> None:
        """A day whose half hours are all there again has its sum."""
        daily = self.samples.get(DAILY.sample_id)
        first = min(profile.ends(), default=None)
        last = profile.last_total_at
        if daily is None or first is None or last is None:
            return
        there = daily.ends()
        midnight = datetime.combine(zcl_moment(first).date(), time(), last.tzinfo)
        while (midnight := midnight + _DAY) <= last:
            if zcl_seconds(midnight) in there:
                continue
            first_end = midnight - _DAY + PROFILE.period
            day = profile.read(first_end, _HALF_HOURS)
            volumes = [] if day is None else [each for each in day.values if each is not None]
            if day is not None and day.first_end == first_end and len(volumes) == _HALF_HOURS:
                self.day_is_back((midnight - _DAY).date(), volumes)
                daily.fill(midnight, sum(volumes))


def cluster_of(question: Question) -> ClusterDefinition:
    """The cluster on which a question is asked."""
    return METERING if isinstance(question, GetSampledData | GetSnapshot) else PREPAYMENT


def _newest(log: Sequence[Snapshot], now: datetime) -> int | None:
    """When the newest snapshot was taken; those of a meter whose clock was ahead are none yet."""
    now_s = zcl_seconds(now)
    return max((each.time for each in log if each.time <= now_s), default=None)


def _after(moment_s: int | None) -> int:
    return 0 if moment_s is None else moment_s + 1
