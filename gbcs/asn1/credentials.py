"""Credentials: read (CS02a, CS02f), replaced (CS02b, CS02g); a device's own keys (CS02c-e)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gbcs.asn1.der import (
    ENUMERATED,
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
    UsageBits,
)
from gbcs.asn1.names import (
    CellUse,
    KeyUse,
    ReplacementMode,
    RequestFailure,
    RetrievalFailure,
    StoreCode,
    TampStatus,
    TimeChecks,
)
from gbcs.party import Role


@dataclass(frozen=True, slots=True)
class CellId:
    """One trust anchor cell."""

    role: int
    key_use: int
    cell_use: int = CellUse.MANAGEMENT


@dataclass(frozen=True, slots=True)
class CredentialsQuery:
    """CS02a, CS02f command: the cell that verifies this command, and the roles asked about."""

    authorising_cell: CellId
    wanted: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CellReport:
    """What one cell holds: entity and subject key identifier."""

    key_use: int
    entity: int
    key_id: bytes
    cell_use: int = CellUse.MANAGEMENT


@dataclass(frozen=True, slots=True)
class PartyReport:
    """One role of the answer; counter (highest held) and cells only on success."""

    role: int
    status: int
    counter: int | None = None
    cells: tuple[CellReport, ...] | None = None


@dataclass(frozen=True, slots=True)
class SpecialFloor:
    """Starting value of a counter of its own; usage 0 is prepayment top-up."""

    usage: int
    floor: int


@dataclass(frozen=True, slots=True)
class PartyFloor:
    """Starting value of the replay counter of one role."""

    role: int
    floor: int
    special: tuple[SpecialFloor, ...] | None = None


@dataclass(frozen=True, slots=True)
class ReplacementControl:
    """Who replaces whose credentials, on which authority."""

    mode: int
    authorising_counter: int
    symmetric_key: bytes | None = field(default=None, repr=False)
    time_checks: int = TimeChecks.APPLY
    authorising_cell: CellId | None = None
    new_party_floor: int | None = None
    new_party_special: tuple[SpecialFloor, ...] | None = None
    other_party_floors: tuple[PartyFloor, ...] | None = None


@dataclass(frozen=True, slots=True)
class AnchorReplacement:
    """One certificate (DER) and the cell it goes into."""

    certificate: bytes
    target: CellId


@dataclass(frozen=True, slots=True)
class CredentialsUpdate:
    """CS02b, CS02g command; without ``execute_at`` now, 9999-12-31 23:59:59 cancels."""

    control: ReplacementControl
    replacements: tuple[AnchorReplacement, ...]
    path_certificates: tuple[bytes, ...]
    execute_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CellOutcome:
    """What became of one cell; on failure the new values repeat the old ones."""

    cell: CellId
    status: int
    old_entity: int
    old_key_id: bytes
    new_entity: int
    new_key_id: bytes


@dataclass(frozen=True, slots=True)
class ReplacementOutcome:
    """What became of a whole update."""

    command_counter: int
    mode: int
    floors: tuple[PartyFloor, ...]
    cells: tuple[CellOutcome, ...]


@dataclass(frozen=True, slots=True)
class CredentialsUpdateResponse:
    """CS02b, CS02g response; no outcome while future dated or cancelled."""

    outcome: ReplacementOutcome | None = None
    accepted: None = None


@dataclass(frozen=True, slots=True)
class CredentialsUpdateAlert:
    """A future-dated update was executed (8F66) or failed (8F67)."""

    alert_code: int
    when: datetime
    outcome: ReplacementOutcome


@dataclass(frozen=True, slots=True)
class KeyUseQuery:
    """CS02c, CS02e command: for which key usage."""

    key_use: int = KeyUse.DIGITAL_SIGNATURE


KEY_ID: Final = Octets(8)
ROLE: Final = Integer(Role)
_CELL_USE: Final = Member("cell_use", Integer(CellUse), optional=True, default=CellUse.MANAGEMENT)
_KEY_USE: Final = Member("key_use", UsageBits(KeyUse))
_STATUS: Final = Integer(TampStatus, tag=ENUMERATED)
CELL_ID: Final = Sequence(CellId, Member("role", ROLE), _KEY_USE, _CELL_USE)
CREDENTIALS_QUERY: Final = Sequence(
    CredentialsQuery, Member("authorising_cell", CELL_ID), Member("wanted", ListOf(ROLE))
)
_CELL_REPORT: Final = Sequence(
    CellReport, _KEY_USE, _CELL_USE, Member("entity", Identifier()), Member("key_id", KEY_ID)
)
CREDENTIALS_REPORT: Final = ListOf(
    Sequence(
        PartyReport,
        Member("role", ROLE),
        Member("status", _STATUS),
        Member("counter", Integer(), optional=True),
        Member("cells", ListOf(_CELL_REPORT), optional=True),
    )
)
_SPECIAL: Final = ListOf(
    Sequence(SpecialFloor, Member("usage", Integer()), Member("floor", Integer()))
)
_FLOORS: Final = ListOf(
    Sequence(
        PartyFloor,
        Member("role", ROLE),
        Member("floor", Integer()),
        Member("special", _SPECIAL, optional=True),
    )
)
_CONTROL: Final = Sequence(
    ReplacementControl,
    Member("mode", Integer(ReplacementMode)),
    Member("symmetric_key", Octets(), context=0, optional=True),
    Member("time_checks", Integer(TimeChecks), context=1, optional=True, default=TimeChecks.APPLY),
    Member("authorising_cell", CELL_ID, context=2, optional=True),
    Member("authorising_counter", Integer(), context=3),
    Member("new_party_floor", Integer(), context=4, optional=True),
    Member("new_party_special", _SPECIAL, context=5, optional=True),
    Member("other_party_floors", _FLOORS, context=6, optional=True),
)
CREDENTIALS_UPDATE: Final = Sequence(
    CredentialsUpdate,
    Member("control", _CONTROL),
    Member(
        "replacements",
        ListOf(
            Sequence(AnchorReplacement, Member("certificate", Signed()), Member("target", CELL_ID))
        ),
    ),
    Member("path_certificates", ListOf(Signed())),
    Member("execute_at", Time(), optional=True),
)
_CELL_OUTCOME: Final = Sequence(
    CellOutcome,
    Member("cell", CELL_ID),
    Member("status", _STATUS),
    Member("old_entity", Identifier()),
    Member("old_key_id", KEY_ID),
    Member("new_entity", Identifier()),
    Member("new_key_id", KEY_ID),
)
_OUTCOME: Final = Sequence(
    ReplacementOutcome,
    Member("command_counter", Integer()),
    Member("mode", Integer(ReplacementMode)),
    Member("floors", _FLOORS),
    Member("cells", ListOf(_CELL_OUTCOME)),
)
CREDENTIALS_UPDATE_RESPONSE: Final = Sequence(
    CredentialsUpdateResponse,
    Member("accepted", Null()),
    Member("outcome", _OUTCOME, optional=True),
)
CREDENTIALS_UPDATE_ALERT: Final = Sequence(
    CredentialsUpdateAlert,
    Member("alert_code", Integer()),
    Member("when", Time()),
    Member("outcome", _OUTCOME),
)
KEY_USE_QUERY: Final = Sequence(KeyUseQuery, _KEY_USE)
CERTIFICATION_REQUEST: Final = Choice((bytes, Signed()), (int, Integer(RequestFailure)))
DEVICE_CERTIFICATE: Final = Signed()
STORE_OUTCOME: Final = Integer(StoreCode)
CERTIFICATE_RETRIEVAL: Final = Choice((bytes, Signed()), (int, Integer(RetrievalFailure)))
