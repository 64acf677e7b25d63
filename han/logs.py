"""Logs read by command: snapshots, top-ups, debt payments, events.

The rules of asking (ranges, causes, offsets, counts) are the same whoever keeps the log, so they
are here, over models that only hand out entries in the order they were made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from gbcs.zcl.status import Status
from han.clusters import EVENTS, METERING, PREPAYMENT
from han.clusters.events import EventLog
from han.commands.events import (
    ClearEventLogRequest,
    ClearEventLogResponse,
    EventEntry,
    GetEventLog,
    PublishEventLog,
)
from han.commands.metering import GetSnapshot, PublishSnapshot
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
from han.requests import command_of
from han.zcl.payload import decode, encode
from han.zcl.tables import (
    Access,
    Answer,
    Cluster,
    ClusterDefinition,
    Command,
    Party,
    Reply,
    Served,
    Side,
)

END_OF_TIME: Final = 0xFFFFFFFF
EVERY_DEBT: Final = 0xFF
MOST_FOUND: Final = 0xFF
_SECURITY: Final = (EventLog.SECURITY, EventLog.GSME_SECURITY)
EVENT_FRAME_OCTETS: Final = 1400
"""Entries of one PublishEventLog over the HAN, which must fit a fragmented message."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Where texts and reference messages leave a choice."""

    total_within_range: bool = False
    """Count in TotalSnapshotsFound only what the asked time range holds. The reference messages
    (GCS16b) count every snapshot of the cause: 31 of them, though the range holds two."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot as it is kept: UTCTime seconds, cause bits, and the body as it is published."""

    snapshot_id: int
    time: int
    cause: int
    payload_type: int
    body: bytes


Snapshots = Callable[[Access], Sequence[Snapshot]]
"""The snapshots this asker may see, oldest first."""
TopUps = Callable[[Access], Sequence[TopUp]]
DebtPayments = Callable[[Access], Sequence[DebtPayment]]


class EventLogs(Protocol):
    """The event logs of a device, by the identifiers of the Events cluster."""

    def entries(self, log_id: int, access: Access) -> Sequence[EventEntry] | None:
        """A log, oldest first; None when there is none such, or this asker may not read it."""
        ...

    def clear(self, log_id: int, access: Access) -> bool:
        """Empty a log; False when that cannot be done."""
        ...


def metering_snapshots(snapshots: Snapshots, settings: LogSettings | None = None) -> Served:
    """GetSnapshot on Metering, answered with PublishSnapshot or NOT_FOUND."""
    chosen = settings or LogSettings()

    def get(held: Snapshots, payload: bytes, access: Access) -> Answer:
        asked = decode(GetSnapshot, payload)
        found = _find(held(access), asked, chosen)
        if found is None:
            return Status.NOT_FOUND
        snapshot, total = found
        return _reply(METERING, "PublishSnapshot", PublishSnapshot(*_published(snapshot, total)))

    return _serve(METERING, "GetSnapshot", get, snapshots)


def prepayment_snapshots(snapshots: Snapshots, settings: LogSettings | None = None) -> Served:
    """GetPrepaySnapshot on Prepayment, answered with PublishPrepaySnapshot or NOT_FOUND."""
    chosen = settings or LogSettings()

    def get(held: Snapshots, payload: bytes, access: Access) -> Answer:
        asked = decode(GetPrepaySnapshot, payload)
        found = _find(held(access), asked, chosen)
        if found is None:
            return Status.NOT_FOUND
        snapshot, total = found
        message = PublishPrepaySnapshot(*_published(snapshot, total))
        return _reply(PREPAYMENT, "PublishPrepaySnapshot", message)

    return _serve(PREPAYMENT, "GetPrepaySnapshot", get, snapshots)


def _find(
    snapshots: Sequence[Snapshot], asked: GetSnapshot | GetPrepaySnapshot, settings: LogSettings
) -> tuple[Snapshot, int] | None:
    """The snapshot at the asked offset, and how many there are."""
    of_cause = [s for s in snapshots if s.cause & asked.cause]
    matching = [
        s
        for s in of_cause
        if asked.earliest_start_time <= s.time and _before(s.time, asked.latest_end_time)
    ]
    if asked.offset >= len(matching):
        return None
    total = len(matching if settings.total_within_range else of_cause)
    return matching[asked.offset], min(total, MOST_FOUND)


def _published(snapshot: Snapshot, total: int) -> tuple[int, int, int, int, int, int, int, bytes]:
    """The fields of a Publish command, in one part."""
    return (
        snapshot.snapshot_id,
        snapshot.time,
        total,
        0,
        1,
        snapshot.cause,
        snapshot.payload_type,
        snapshot.body,
    )


def top_up_log(top_ups: TopUps) -> Served:
    """GetTopUpLog, answered newest first, or NOT_FOUND."""

    def get(held: TopUps, payload: bytes, access: Access) -> Answer:
        asked = decode(GetTopUpLog, payload)
        found = [t for t in held(access) if _asked_for(t.time, asked.latest_end_time, access)]
        newest = _newest(found, asked.count)
        if not newest:
            return Status.NOT_FOUND
        return _reply(PREPAYMENT, "PublishTopUpLog", PublishTopUpLog(0, 1, newest))

    return _serve(PREPAYMENT, "GetTopUpLog", get, top_ups)


def debt_log(payments: DebtPayments) -> Served:
    """GetDebtRepaymentLog, answered newest first, or NOT_FOUND."""

    def get(held: DebtPayments, payload: bytes, access: Access) -> Answer:
        asked = decode(GetDebtRepaymentLog, payload)
        found = [
            p
            for p in held(access)
            if _asked_for(p.time, asked.latest_end_time, access)
            and asked.debt_type in (EVERY_DEBT, p.debt_type)
        ]
        newest = _newest(found, asked.count)
        if not newest:
            return Status.NOT_FOUND
        return _reply(PREPAYMENT, "PublishDebtLog", PublishDebtLog(0, 1, newest))

    return _serve(PREPAYMENT, "GetDebtRepaymentLog", get, payments)


def household_may_read(log_id: int, access: Access) -> bool:
    """Whether the asker may have a log: security logs are for remote parties alone."""
    return access.party is Party.REMOTE or log_id not in _SECURITY


def event_logs(logs: EventLogs) -> Served:
    """GetEventLog and ClearEventLogRequest on Events."""
    return _EVENTS.on(logs)


def _get_events(logs: EventLogs, payload: bytes, access: Access) -> Answer:
    """GetEventLog: events in the order they happened, so many from an offset; 0 asks for all."""
    asked = decode(GetEventLog, payload)
    entries = logs.entries(asked.log_id, access)
    if entries is None:
        return Status.NOT_AUTHORIZED
    found = [
        e
        for e in entries
        if asked.event_id in (0, e.event_id)
        and asked.start_time <= e.time
        and _before(e.time, asked.end_time)
    ]
    stop = asked.offset + asked.count if asked.count else None
    chosen = found[asked.offset : stop]
    if not chosen:
        return Status.NOT_FOUND
    pages = _pages(chosen)
    return tuple(
        _reply(EVENTS, "PublishEventLog", PublishEventLog(len(found), n, len(pages), 0, page))
        for n, page in enumerate(pages)
    )


def _pages(entries: Sequence[EventEntry]) -> list[tuple[EventEntry, ...]]:
    """The entries in as few commands as they fit."""
    pages: list[tuple[EventEntry, ...]] = []
    room = 0
    for entry in entries:
        size = len(encode(entry))
        if size > room:
            pages.append(())
            room = EVENT_FRAME_OCTETS
        pages[-1] += (entry,)
        room -= size
    return pages


def _clear_events(logs: EventLogs, payload: bytes, access: Access) -> Answer:
    """ClearEventLogRequest: the answer has the bit of the log that is empty now, or none."""
    log_id = decode(ClearEventLogRequest, payload).log_id
    cleared = 1 << log_id if log_id < 8 and logs.clear(log_id, access) else 0
    return _reply(EVENTS, "ClearEventLogResponse", ClearEventLogResponse(cleared))


_EVENTS: Final[Cluster[EventLogs]] = Cluster(
    EVENTS,
    commands=(
        Command(command_of(EVENTS, "GetEventLog"), _get_events),
        Command(command_of(EVENTS, "ClearEventLogRequest"), _clear_events),
    ),
    generated=(command_of(EVENTS, "PublishEvent", Side.CLIENT).id,),
)

E = TypeVar("E")


def _before(time: int, end: int) -> bool:
    """Whether a moment is before the end of a range; the end of time is after everything."""
    return end == END_OF_TIME or time < end


def _asked_for(time: int, latest_end: int, access: Access) -> bool:
    return (access.from_date_time or 0) <= time and _before(time, latest_end)


def _newest(entries: Sequence[E], count: int) -> tuple[E, ...]:
    """The last ``count`` entries (0: all), newest first."""
    newest = tuple(reversed(entries))
    return newest[:count] if count else newest


def _reply(definition: ClusterDefinition, name: str, message: object) -> Reply:
    return Reply(command_of(definition, name, Side.CLIENT).id, encode(message))


def _serve(
    definition: ClusterDefinition,
    name: str,
    handle: Callable[[E, bytes, Access], Answer],
    model: E,
) -> Served:
    """One command of a cluster over one model; tables of one cluster join on their endpoint."""
    table: Cluster[E] = Cluster(
        definition, commands=(Command(command_of(definition, name), handle),)
    )
    return table.on(model)
