"""Joins (CS03, CS04), device logs (CS07, GCS59, GCS62), firmware (CS06, CS08, CS09), GCS28."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gbcs.asn1.der import (
    Choice,
    Identifier,
    Integer,
    ListOf,
    Member,
    Null,
    Octets,
    Sequence,
    Signed,
    Time,
)
from gbcs.asn1.names import (
    ActivationCode,
    JoinCode,
    JoinRole,
    Kind,
    ReadCode,
    TimeStatus,
    TransferCode,
    UnjoinCode,
)


@dataclass(frozen=True, slots=True)
class DeviceLogEntry:
    """A device of the HAN and its type."""

    device: int
    kind: int


@dataclass(frozen=True, slots=True)
class Join:
    """CS03A1, CS03A2, CS03B, CS03C command; the certificate only with method C."""

    method_and_role: int
    peer: int
    peer_kind: int
    peer_certificate: bytes | None = None


@dataclass(frozen=True, slots=True)
class FirmwareActivation:
    """CS06 command; ``counter`` repeats the originator counter of the message."""

    image_hash: bytes
    counter: int
    execute_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ActivationOutcome:
    """What became of an activation, and the firmware version running now."""

    result: int
    running: bytes


@dataclass(frozen=True, slots=True)
class ActivationAlert:
    """A future-dated activation was executed (8F66) or failed (8F67)."""

    alert_code: int
    when: datetime
    counter: int
    outcome: ActivationOutcome


@dataclass(frozen=True, slots=True)
class JoinDetails:
    """CS07 response; entries only on success."""

    result: int
    entries: tuple[DeviceLogEntry, ...] | None = None


@dataclass(frozen=True, slots=True)
class RunningFirmware:
    """CS08 response; four zero octets when the read failed."""

    running: bytes
    result: int


@dataclass(frozen=True, slots=True)
class RunningFirmwareAlert:
    """CS09 alert."""

    alert_code: int
    when: datetime
    running: bytes
    result: int


@dataclass(frozen=True, slots=True)
class TransferAlert:
    """CCS08 alert: a firmware image reached a device (8F8A) or did not (8F89)."""

    alert_code: int
    when: datetime
    device: int
    image: bytes
    result: int


@dataclass(frozen=True, slots=True)
class ClockWindow:
    """GCS28 command: the clock may be set to a time within these limits."""

    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class ClockReport:
    """GCS28 response."""

    device_time: datetime
    status: int


@dataclass(frozen=True, slots=True)
class LogRestore:
    """GCS59 command."""

    entries: tuple[DeviceLogEntry, ...]


@dataclass(frozen=True, slots=True)
class RestoreOutcome:
    """What became of one restored entry."""

    entry: DeviceLogEntry
    result: int


@dataclass(frozen=True, slots=True)
class LogRestoreResponse:
    """GCS59 response."""

    outcomes: tuple[RestoreOutcome, ...]


@dataclass(frozen=True, slots=True)
class LogBackupAlert:
    """GCS62 alert: the device log changed (8071)."""

    alert_code: int
    when: datetime
    entries: tuple[DeviceLogEntry, ...]


_ENTRY: Final = Sequence(
    DeviceLogEntry, Member("device", Identifier()), Member("kind", Integer(Kind))
)
_ENTRIES: Final = ListOf(_ENTRY)
_ALERT: Final = (Member("alert_code", Integer()), Member("when", Time()))

JOIN: Final = Sequence(
    Join,
    Member("method_and_role", Integer(JoinRole)),
    Member("peer", Identifier()),
    Member("peer_kind", Integer(Kind)),
    Member("peer_certificate", Signed(), optional=True),
)
JOIN_OUTCOME: Final = Integer(JoinCode)
UNJOIN: Final = Identifier()
UNJOIN_OUTCOME: Final = Integer(UnjoinCode)
NOTHING: Final = Null()
FIRMWARE_ACTIVATION: Final = Sequence(
    FirmwareActivation,
    Member("image_hash", Octets(32)),
    Member("counter", Integer()),
    Member("execute_at", Time(), optional=True),
)
_ACTIVATION: Final = Sequence(
    ActivationOutcome, Member("result", Integer(ActivationCode)), Member("running", Octets())
)
ACTIVATION_OUTCOME: Final = Choice((type(None), Null()), (ActivationOutcome, _ACTIVATION))
ACTIVATION_ALERT: Final = Sequence(
    ActivationAlert, *_ALERT, Member("counter", Integer()), Member("outcome", _ACTIVATION)
)
JOIN_DETAILS: Final = Sequence(
    JoinDetails,
    Member("result", Integer(ReadCode)),
    Member("entries", _ENTRIES, optional=True),
)
RUNNING_FIRMWARE: Final = Sequence(
    RunningFirmware, Member("running", Octets()), Member("result", Integer(ReadCode))
)
RUNNING_FIRMWARE_ALERT: Final = Sequence(
    RunningFirmwareAlert,
    *_ALERT,
    Member("running", Octets()),
    Member("result", Integer(ReadCode)),
)
TRANSFER_ALERT: Final = Sequence(
    TransferAlert,
    *_ALERT,
    Member("device", Identifier()),
    Member("image", Octets()),
    Member("result", Integer(TransferCode)),
)
CLOCK_WINDOW: Final = Sequence(
    ClockWindow, Member("not_before", Time()), Member("not_after", Time())
)
CLOCK_REPORT: Final = Sequence(
    ClockReport, Member("device_time", Time()), Member("status", Integer(TimeStatus))
)
LOG_RESTORE: Final = Sequence(LogRestore, Member("entries", _ENTRIES))
LOG_RESTORE_RESPONSE: Final = Sequence(
    LogRestoreResponse,
    Member(
        "outcomes",
        ListOf(
            Sequence(RestoreOutcome, Member("entry", _ENTRY), Member("result", Integer(JoinCode)))
        ),
    ),
)
LOG_BACKUP_ALERT: Final = Sequence(LogBackupAlert, *_ALERT, Member("entries", _ENTRIES))
