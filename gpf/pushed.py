"""What the gas meter pushes besides attributes: snapshots, payments, entries of its event logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from device.gas_logs import GasLogs
from gbcs.stamp import Source
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType, zcl_moment
from gpf.mirror import AttributeKey, Mirror, Mirrored
from gpf.stamp import Provenance
from gpf.state import ProxyState
from han.clusters import EVENTS, METERING, PREPAYMENT
from han.clusters.events import EventLog
from han.commands.events import EventEntry, PublishEvent
from han.commands.metering import PublishSnapshot, SnapshotCause
from han.commands.prepayment import PublishDebtLog, PublishPrepaySnapshot, PublishTopUpLog
from han.logs import Snapshot
from han.requests import command_of
from han.zcl.payload import decode
from han.zcl.tables import Access, Answer, Cluster, ClusterDefinition, Command, Served, Side

NEXT_WAKE: Final = timedelta(minutes=30)
"""A snapshot that comes later after midnight goes to the log only: registers have moved on."""
_REGISTERS_TYPE: Final = 6
_SUMMATION: Final = 0x0000
_TIERS: Final = (0x0100, 0x0102, 0x0104, 0x0106)
_BLOCKS: Final = (0x0700, 0x0701, 0x0702, 0x0703)
_U48: Final = 6


class PushIntake:
    """Takes what the meter with the mirror pushes; ``keep`` keeps what it changed.

    ``is_owner`` says whether a device has the mirror. ``refreshed`` learns of registers that a
    daily snapshot brought.
    """

    def __init__(
        self,
        state: ProxyState,
        mirror: Mirror,
        *,
        is_owner: Callable[[int], bool],
        keep: Callable[[], object],
        refreshed: Callable[[dict[AttributeKey, Mirrored]], object],
    ) -> None:
        self._state, self._mirror = state, mirror
        self._is_owner, self._keep, self._refreshed = is_owner, keep, refreshed

    def served(self) -> tuple[Served, ...]:
        """The clients of the mirror endpoint that take it."""
        return (
            self._client(METERING, PublishSnapshot),
            self._client(PREPAYMENT, PublishPrepaySnapshot, PublishTopUpLog, PublishDebtLog),
            self._client(EVENTS, PublishEvent),
        )

    def take(self, message: object, access: Access) -> bool:
        """Take one message; False when it is none of these."""
        logs = self._state.logs
        match message:
            case PublishSnapshot():
                logs.add(snapshot_of(message), prepayment=False)
                self._refresh(message, access)
            case PublishPrepaySnapshot():
                logs.add(snapshot_of(message), prepayment=True)
            case PublishTopUpLog():
                logs.pay(tuple(reversed(message.top_ups)), ())
            case PublishDebtLog():
                logs.pay((), tuple(reversed(message.payments)))
            case PublishEvent():
                security = message.log_id == EventLog.SECURITY
                copy = EventLog.GSME_SECURITY if security else EventLog.GSME_GENERAL
                entry = EventEntry(copy, message.event_id, message.time, message.data)
                self._state.note(entry, security=security)
            case _:
                return False
        self._keep()
        return True

    def _client(self, definition: ClusterDefinition, *kinds: type) -> Served:
        table: Cluster[PushIntake] = Cluster(
            definition, Side.CLIENT, commands=tuple(_command(definition, each) for each in kinds)
        )
        return table.on(self)

    def receive(self, message: object, access: Access) -> Answer:
        """Take what its meter pushed; NOT_AUTHORIZED for another device."""
        if not self._is_owner(access.peer):
            return Status.NOT_AUTHORIZED
        return Status.SUCCESS if self.take(message, access) else Status.INVALID_FIELD

    def _refresh(self, message: PublishSnapshot, access: Access) -> None:
        """A daily snapshot is the newest reading, until the next wake after midnight."""
        taken_at = zcl_moment(message.snapshot_time)
        timely = timedelta(0) <= access.now - taken_at < NEXT_WAKE
        general = message.cause & SnapshotCause.GENERAL
        if not general or not timely or message.payload_type != _REGISTERS_TYPE:
            return
        provenance = Provenance(taken_at, Source.GSME, self._mirror.gsme_reliability())
        found = {
            (METERING.cluster_id, attribute_id): Mirrored(DataType.UINT48, value, provenance)
            for attribute_id, value in _registers(message.body)
        }
        self._mirror.values.update(found)
        self._refreshed(found)


def snapshot_of(message: PublishSnapshot | PublishPrepaySnapshot) -> Snapshot:
    """The snapshot that a Publish command brings."""
    return Snapshot(
        message.snapshot_id,
        message.snapshot_time,
        message.cause,
        message.payload_type,
        message.body,
    )


def newest(logs: GasLogs) -> tuple[int, int]:
    """When the newest daily snapshots were taken, of registers and of balances; 0 for none."""
    return (
        max((each.time for each in logs.daily), default=0),
        max((each.time for each in logs.daily_prepayment), default=0),
    )


def _registers(body: bytes) -> Iterator[tuple[int, int]]:
    """Summation, then tiers and blocks, each list behind an octet that counts them."""
    yield _SUMMATION, int.from_bytes(body[:_U48], "little")
    tiers_at = _U48 + 1
    blocks_at = tiers_at + _U48 * len(_TIERS) + 1
    for first, ids in ((tiers_at, _TIERS), (blocks_at, _BLOCKS)):
        for number, attribute_id in enumerate(ids):
            octets = body[first + number * _U48 : first + (number + 1) * _U48]
            if len(octets) == _U48:
                yield attribute_id, int.from_bytes(octets, "little")


def _command(definition: ClusterDefinition, kind: type) -> Command[PushIntake]:
    command = command_of(definition, kind.__name__, Side.CLIENT)
    return Command(command, lambda pushed, octets, a: pushed.receive(decode(kind, octets), a))
