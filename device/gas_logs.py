"""Logs of snapshots and payments, as a gas meter keeps them and its proxy after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from han.commands.metering import SnapshotCause
from han.commands.prepayment import DebtPayment, TopUp
from han.logs import (
    Snapshot,
    debt_log,
    metering_snapshots,
    prepayment_snapshots,
    top_up_log,
)
from han.zcl.tables import Access, Served

DAYS: Final = 31
BILLINGS: Final = 12
TOP_UPS: Final = 5
DEBT_PAYMENTS: Final = 10

E = TypeVar("E", Snapshot, TopUp, DebtPayment)
SeenFrom = Callable[[Access], int]
"""From when on (UTCTime seconds) an asker may see entries."""


@dataclass(slots=True)
class GasLogs:
    """Snapshots and payments of a gas meter, each log with the oldest entry first."""

    daily: list[Snapshot] = field(default_factory=list)
    daily_prepayment: list[Snapshot] = field(default_factory=list)
    billing: list[Snapshot] = field(default_factory=list)
    billing_prepayment: list[Snapshot] = field(default_factory=list)
    top_ups: list[TopUp] = field(default_factory=list)
    debt_payments: list[DebtPayment] = field(default_factory=list)

    def add(self, snapshot: Snapshot, *, prepayment: bool) -> bool:
        """Take a snapshot into its log, in order of time; False when it is there already."""
        general = bool(snapshot.cause & SnapshotCause.GENERAL)
        log = self._of(general=general, prepayment=prepayment)
        if any(_same(each, snapshot) for each in log):
            return False
        _insert(log, snapshot, DAYS if general else BILLINGS)
        return True

    def pay(self, top_ups: Sequence[TopUp], payments: Sequence[DebtPayment]) -> None:
        """Take top-ups and debt payments that are not there yet."""
        for top_up in top_ups:
            if top_up not in self.top_ups:
                _insert(self.top_ups, top_up, TOP_UPS)
        for payment in payments:
            if payment not in self.debt_payments:
                _insert(self.debt_payments, payment, DEBT_PAYMENTS)

    def _of(self, *, general: bool, prepayment: bool) -> list[Snapshot]:
        if general:
            return self.daily_prepayment if prepayment else self.daily
        return self.billing_prepayment if prepayment else self.billing


def logs_served(logs: GasLogs, seen_from: SeenFrom = lambda _: 0) -> tuple[Served, ...]:
    """The commands that read the logs, on Metering and Prepayment."""
    return (
        metering_snapshots(lambda a: _merged(seen_from(a), logs.daily, logs.billing)),
        prepayment_snapshots(
            lambda a: _merged(seen_from(a), logs.daily_prepayment, logs.billing_prepayment)
        ),
        top_up_log(lambda a: _merged(seen_from(a), logs.top_ups)),
        debt_log(lambda a: _merged(seen_from(a), logs.debt_payments)),
    )


def _same(one: Snapshot, other: Snapshot) -> bool:
    return (one.time, one.cause, one.payload_type) == (other.time, other.cause, other.payload_type)


def _insert(log: list[E], entry: E, keep: int) -> None:
    log.append(entry)
    log.sort(key=lambda each: each.time)
    del log[:-keep]


def _merged(since: int, *some: Sequence[E]) -> list[E]:
    found = (each for log in some for each in log if each.time >= since)
    return sorted(found, key=lambda one: one.time)
