"""Logs by command: the ranges and counts of the reference messages, and what a display sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from gbcs.zcl.frame import Frame
from gbcs.zcl.general import DefaultResponse
from gbcs.zcl.status import Status
from han.commands.events import (
    ClearEventLogRequest,
    ClearEventLogResponse,
    EventEntry,
    GetEventLog,
    PublishEventLog,
)
from han.commands.metering import GetSnapshot, PublishSnapshot, SnapshotCause
from han.commands.prepayment import (
    DebtPayment,
    GetDebtRepaymentLog,
    GetPrepaySnapshot,
    GetTopUpLog,
    PublishDebtLog,
    PublishPrepaySnapshot,
    PublishTopUpLog,
    TopUp,
)
from han.logs import (
    LogSettings,
    Snapshot,
    debt_log,
    event_logs,
    metering_snapshots,
    prepayment_snapshots,
    top_up_log,
)
from han.zcl.payload import decode, encode
from han.zcl.server import ZclServer
from han.zcl.tables import Access, Party, Served
from tests.han.home import HUB, START

REMOTE = Access(peer=HUB, now=START, party=Party.REMOTE)
DAY = 86400
FIRST = 473158800  # the first of the 31 daily snapshots of GCS16a and GCS16b
DAILY = [Snapshot(n, FIRST + n * DAY, SnapshotCause.GENERAL, 0, bytes((n,))) for n in range(31)]


def ask(
    served: Served, command: int, message: object, access: Access = REMOTE
) -> list[tuple[int, bytes]] | Status:
    """The answers as (command, payload), or the status of the Default Response."""
    frame = Frame(0x01, 0, command, encode(message))
    answers = ZclServer([served]).execute(served.cluster_id, frame, access)
    if not answers[0].is_cluster_command:
        return Status(DefaultResponse.parse(answers[0].payload).status)
    return [(a.command_id, a.payload) for a in answers]


def snapshot(
    offset: int, *, served: Served | None = None, cause: int = 1
) -> PublishSnapshot | Status:
    query = GetSnapshot(473209200, 473385600, offset, cause)
    answer = ask(served or metering_snapshots(lambda _: DAILY), 0x06, query)
    if isinstance(answer, Status):
        return answer
    ((command, payload),) = answer
    assert command == 0x06
    return decode(PublishSnapshot, payload)


def test_snapshots_are_found_by_range_cause_and_offset() -> None:
    first, second = snapshot(0), snapshot(1)
    assert isinstance(first, PublishSnapshot)
    assert isinstance(second, PublishSnapshot)
    assert [s.snapshot_time for s in (first, second)] == [473245200, 473331600]
    assert (first.command_index, first.total_commands, first.body) == (0, 1, b"\x01")
    assert snapshot(2) is Status.NOT_FOUND
    assert snapshot(0, cause=2) is Status.NOT_FOUND


def test_the_total_counts_the_log_as_the_reference_messages_do_or_the_range() -> None:
    found = snapshot(0)
    assert isinstance(found, PublishSnapshot)
    assert found.total_found == 31
    within = metering_snapshots(lambda _: DAILY, LogSettings(total_within_range=True))
    found = snapshot(0, served=within)
    assert isinstance(found, PublishSnapshot)
    assert found.total_found == 2


def test_prepayment_snapshots_follow_the_same_rules() -> None:
    served = prepayment_snapshots(lambda _: DAILY)
    answer = ask(served, 0x07, GetPrepaySnapshot(473209200, 0xFFFFFFFF, 30, 1))
    assert answer is Status.NOT_FOUND
    answer = ask(served, 0x07, GetPrepaySnapshot(0, 0xFFFFFFFF, 30, 1))
    assert not isinstance(answer, Status)
    ((command, payload),) = answer
    assert command == 0x01
    assert decode(PublishPrepaySnapshot, payload).snapshot_id == 30


TIMES = (470707200, 471242880, 471778560, 472314240, 472849920)  # GCS15e
TOP_UPS = [TopUp(b"7" * 20, n, time) for n, time in enumerate(TIMES)]


def test_top_ups_come_newest_first_from_the_date_that_gbz_gives() -> None:
    served = top_up_log(lambda _: TOP_UPS)
    everything = ask(
        served, 0x08, GetTopUpLog(0xFFFFFFFE, 5), replace(REMOTE, from_date_time=470707200)
    )
    assert not isinstance(everything, Status)
    log = decode(PublishTopUpLog, everything[0][1])
    assert [t.time for t in log.top_ups] == list(reversed(TIMES))
    late = replace(REMOTE, from_date_time=978220800)
    assert ask(served, 0x08, GetTopUpLog(0xFFFFFFFE, 5), late) is Status.NOT_FOUND
    two = ask(served, 0x08, GetTopUpLog(TIMES[3], 2))
    assert not isinstance(two, Status)
    assert [t.amount for t in decode(PublishTopUpLog, two[0][1]).top_ups] == [2, 1]


def test_debt_payments_are_chosen_by_type() -> None:
    payments = [DebtPayment(n, 5, n % 3, 0) for n in range(6)]
    served = debt_log(lambda _: payments)
    answer = ask(served, 0x0A, GetDebtRepaymentLog(0xFFFFFFFF, 0, 2))
    assert not isinstance(answer, Status)
    log = decode(PublishDebtLog, answer[0][1])
    assert [p.time for p in log.payments] == [5, 2]
    every = ask(served, 0x0A, GetDebtRepaymentLog(0xFFFFFFFF, 4, 0xFF))
    assert not isinstance(every, Status)
    assert len(decode(PublishDebtLog, every[0][1]).payments) == 4
    assert ask(served, 0x0A, GetDebtRepaymentLog(0xFFFFFFFF, 4, 7)) is Status.NOT_FOUND


@dataclass
class Logs:
    logs: dict[int, list[EventEntry]] = field(default_factory=dict)

    def entries(self, log_id: int, access: Access) -> Sequence[EventEntry] | None:
        if log_id == 4 and access.party is Party.HAN:
            return None
        return self.logs.get(log_id)

    def clear(self, log_id: int, access: Access) -> bool:
        return self.logs.pop(log_id, None) is not None


def events(count: int, log_id: int = 3, data: bytes = b"") -> list[EventEntry]:
    return [EventEntry(log_id, 0x8154, 473299200 + n, data) for n in range(count)]


def test_events_come_in_their_order_with_their_total() -> None:
    served = event_logs(Logs({3: events(32)}))
    query = GetEventLog(0x13, 0, 473299200, 946771200, 0, 0)
    answer = ask(served, 0x00, query)
    assert not isinstance(answer, Status)
    ((command, payload),) = answer
    log = decode(PublishEventLog, payload)
    assert (command, log.total_events, len(log.entries)) == (0x01, 32, 32)
    assert (log.command_index, log.total_commands, log.control) == (0, 1, 0)
    some = ask(served, 0x00, replace(query, count=5, offset=30))
    assert not isinstance(some, Status)
    assert len(decode(PublishEventLog, some[0][1]).entries) == 2
    assert ask(served, 0x00, replace(query, start_time=948931200)) is Status.NOT_FOUND
    assert ask(served, 0x00, replace(query, event_id=1)) is Status.NOT_FOUND
    assert ask(served, 0x00, replace(query, control_and_log=0x15)) is Status.NOT_AUTHORIZED


def test_many_events_take_several_commands() -> None:
    served = event_logs(Logs({3: events(100, data=bytes(20))}))
    answer = ask(served, 0x00, GetEventLog(0x13, 0, 0, 0xFFFFFFFF, 0, 0))
    assert not isinstance(answer, Status)
    pages = [decode(PublishEventLog, payload) for _, payload in answer]
    assert [p.command_index for p in pages] == [0, 1]
    assert {p.total_commands for p in pages} == {2}
    assert sum(len(p.entries) for p in pages) == 100
    assert all(len(payload) < 1480 for _, payload in answer)


def test_a_display_may_not_read_the_security_log() -> None:
    served = event_logs(Logs({4: events(3, 4)}))
    query = GetEventLog(0x04, 0, 0, 0xFFFFFFFF, 0, 0)
    assert not isinstance(ask(served, 0x00, query), Status)
    assert ask(served, 0x00, query, replace(REMOTE, party=Party.HAN)) is Status.NOT_AUTHORIZED


@pytest.mark.parametrize(("log_id", "cleared"), [(3, 8), (5, 0), (200, 0)])
def test_clearing_answers_with_the_bit_of_the_log(log_id: int, cleared: int) -> None:
    served = event_logs(Logs({3: events(3)}))
    answer = ask(served, 0x01, ClearEventLogRequest(log_id))
    assert not isinstance(answer, Status)
    ((command, payload),) = answer
    assert (command, decode(ClearEventLogResponse, payload).cleared) == (0x02, cleared)
