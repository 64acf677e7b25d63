"""Snapshots of registers and balances: daily, at the end of billing periods, at changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from gbcs.zcl.frame import Frame
from gbcs.zcl.types import zcl_seconds
from gsme.model import BLOCKS, TIERS, GasMeterModel
from han.clusters import METERING, PREPAYMENT
from han.commands.metering import PublishSnapshot, SnapshotCause
from han.commands.prepayment import DebtPayCreditStatus, PublishPrepaySnapshot
from han.logs import Snapshot
from han.requests import command_of
from han.zcl.payload import encode
from han.zcl.tables import Side

BLOCK_TIER_NO_BILLING: Final = 6
"""Payload type with tiers and blocks, which every use case prescribes."""
DEBT_CREDIT_STATUS: Final = 0
_PUBLISHED: Final = 0x19
"""Cluster command from the server that wants no Default Response."""
_ONE_TIER: Final = 1 << 4
_NUMBERS: Final = 1 << 32


def take(model: GasMeterModel, cause: SnapshotCause, at: datetime) -> Iterator[Snapshot]:
    """Take a snapshot of the registers, and in prepayment mode one of the balances."""
    registers = _next(model, cause, at, BLOCK_TIER_NO_BILLING, _registers(model))
    model.logs.add(registers, prepayment=False)
    yield registers
    if model.account.prepayment:
        balances = _next(model, cause, at, DEBT_CREDIT_STATUS, _balances(model))
        model.logs.add(balances, prepayment=True)
        yield balances


def message_of(snapshot: Snapshot) -> PublishSnapshot | PublishPrepaySnapshot:
    """The command that publishes a snapshot by itself."""
    metering = snapshot.payload_type == BLOCK_TIER_NO_BILLING
    kind = PublishSnapshot if metering else PublishPrepaySnapshot
    whole = (1, 0, 1)  # one found, part 0 of 1
    return kind(
        *(snapshot.snapshot_id, snapshot.time, *whole, snapshot.cause),
        *(snapshot.payload_type, snapshot.body),
    )


def published(snapshot: Snapshot) -> Frame:
    """The same as a GBZ component has it."""
    message = message_of(snapshot)
    definition = METERING if isinstance(message, PublishSnapshot) else PREPAYMENT
    command = command_of(definition, type(message).__name__, Side.CLIENT)
    return Frame(_PUBLISHED, 0, command.id, encode(message))


def _next(
    model: GasMeterModel, cause: SnapshotCause, at: datetime, payload_type: int, body: bytes
) -> Snapshot:
    number = model.next_snapshot_id
    model.next_snapshot_id = (number + 1) % _NUMBERS
    return Snapshot(number, zcl_seconds(at), int(cause), payload_type, body)


def _registers(model: GasMeterModel) -> bytes:
    tiers, blocks = model.tier_volumes_dm3, model.block_volumes_dm3
    return b"".join(
        (
            _u48(model.volume_dm3),
            bytes((TIERS,)),
            *map(_u48, tiers),
            bytes((_ONE_TIER | BLOCKS,)),
            *map(_u48, blocks),
        )
    )


def _balances(model: GasMeterModel) -> bytes:
    account = model.account
    return encode(
        DebtPayCreditStatus(
            account.accumulated_debt,
            account.debt_amounts[0],
            account.debt_amounts[1],
            account.debt_amounts[2],
            account.emergency_credit_remaining,
            account.credit_remaining,
        )
    )


def _u48(value: int) -> bytes:
    return value.to_bytes(6, "little")
