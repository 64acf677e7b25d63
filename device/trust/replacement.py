"""CS02b and CS02g: certificates are put into trust anchor cells, if a path leads to the root.

Every cell of a command is replaced or left alone on its own. A root that is replaced counts for the
certificates behind it.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from device.counters import ReplayCounters
from device.faults import Part
from device.settings import CommonSettings
from device.store import Transaction
from device.trust.anchors import Anchor, TrustAnchors
from device.trust.cells import AGREEMENT, ROOT, SIGNING
from device.trust.reports import COMMAND, TOP_UP
from gbcs.asn1.credentials import (
    AnchorReplacement,
    CellId,
    CellOutcome,
    CredentialsUpdate,
    PartyFloor,
    ReplacementControl,
    ReplacementOutcome,
)
from gbcs.asn1.names import ReplacementMode as Mode
from gbcs.asn1.names import TampStatus, TimeChecks
from gbcs.certificate_path import Issued, leads_to, read_issued
from gbcs.errors import MalformedMessage
from gbcs.party import Role

_NOBODY: Final = Anchor(0, bytes(8), None)
_ANY: Final = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Authority:
    """Who authorises a mode of replacement, by which cell, and whose cells it may replace."""

    cell: CellId
    replaces: frozenset[Role]


def _by(role: Role, *replaced: Role, key_use: int = SIGNING) -> Authority:
    return Authority(CellId(role, key_use), frozenset(replaced))


AUTHORITIES: Final[Mapping[int, Authority]] = {
    Mode.ROOT_BY_SUPPLIER: _by(Role.SUPPLIER, Role.ROOT),
    Mode.ROOT_BY_WAN_PROVIDER: _by(Role.WAN_PROVIDER, Role.ROOT),
    Mode.SUPPLIER_BY_SUPPLIER: _by(Role.SUPPLIER, Role.SUPPLIER),
    Mode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR: _by(Role.NETWORK_OPERATOR, Role.NETWORK_OPERATOR),
    Mode.ACCESS_CONTROL_BROKER_BY_ACB: _by(
        Role.ACCESS_CONTROL_BROKER, Role.ACCESS_CONTROL_BROKER, key_use=AGREEMENT
    ),
    Mode.WAN_PROVIDER_BY_WAN_PROVIDER: _by(Role.WAN_PROVIDER, Role.WAN_PROVIDER),
    Mode.TRANS_COS_BY_TRANS_COS: _by(Role.TRANSITIONAL_COS, Role.TRANSITIONAL_COS),
    Mode.SUPPLIER_BY_TRANS_COS: _by(Role.TRANSITIONAL_COS, Role.SUPPLIER),
    Mode.ANY_EXCEPT_ABNORMAL_ROOT_BY_RECOVERY: _by(Role.RECOVERY, *_ANY),
    Mode.LOAD_CONTROLLER_BY_LOAD_CONTROLLER: _by(Role.LOAD_CONTROLLER, Role.LOAD_CONTROLLER),
    Mode.LOAD_CONTROLLER_BY_SUPPLIER: _by(Role.SUPPLIER, Role.LOAD_CONTROLLER),
}
_FIRST_CODE: Final = 0x0100
_LOAD_CONTROLLER_CODES: Final[Mapping[int, int]] = {
    Mode.LOAD_CONTROLLER_BY_LOAD_CONTROLLER: 0x0125,
    Mode.LOAD_CONTROLLER_BY_SUPPLIER: 0x0126,
}


def message_code_of(mode: int) -> int:
    """The message code that carries a mode."""
    return _LOAD_CONTROLLER_CODES.get(mode, _FIRST_CODE + mode)


def authorising_cell(control: ReplacementControl) -> CellId:
    """The cell that authorises a replacement; MalformedMessage when it does not fit its mode."""
    authority = AUTHORITIES.get(control.mode)
    if authority is None:
        raise MalformedMessage(f"replacement mode {control.mode} is not known")
    cell = control.authorising_cell or authority.cell
    if cell.role != authority.cell.role:
        raise MalformedMessage(f"a cell of role {cell.role} does not authorise mode {control.mode}")
    return cell


def check(update: CredentialsUpdate, message_code: int, originator_counter: int) -> None:
    """Whether a command hangs together; MalformedMessage otherwise."""
    control = update.control
    if message_code_of(control.mode) != message_code:
        raise MalformedMessage(f"message code {message_code:04X} with mode {control.mode}")
    if control.authorising_counter != originator_counter:
        raise MalformedMessage("the counter inside is not the message's")
    authorising_cell(control)
    for replacement in update.replacements:
        if replacement.target.role not in AUTHORITIES[control.mode].replaces:
            raise MalformedMessage(
                f"mode {control.mode} does not replace cells of role {replacement.target.role}"
            )


def replace_anchors(
    update: CredentialsUpdate,
    anchors: TrustAnchors,
    unit: Transaction,
    own: datetime,
    settings: CommonSettings,
    broken: Container[Part] = (),
) -> ReplacementOutcome:
    """Replace what can be replaced; the outcome says cell by cell what became of it."""
    between = tuple(_readable(update.path_certificates))
    applies = update.control.time_checks == TimeChecks.APPLY
    checked = _Checked(anchors, between, own if applies else None, settings, broken)
    cells = tuple(_replace(each, anchors, checked) for each in update.replacements)
    floors = tuple(_floors(update.control))
    replaced = {one.cell.role for one in cells if one.status == TampStatus.SUCCESS}
    for floor in floors:
        if floor.role in replaced:
            _reset_counters(floor, anchors, unit)
    return ReplacementOutcome(
        update.control.authorising_counter, update.control.mode, floors, cells
    )


@dataclass(frozen=True, slots=True)
class _Checked:
    """The checks of one command's certificates; ``at`` is None when dates do not count."""

    anchors: TrustAnchors
    between: Sequence[Issued]
    at: datetime | None
    settings: CommonSettings
    broken: Container[Part]

    def status(self, replacement: AnchorReplacement) -> TampStatus:
        """Why a certificate cannot go into its cell; SUCCESS when it can."""
        target = replacement.target
        try:
            issued = read_issued(replacement.certificate)
        except MalformedMessage:
            return TampStatus.BAD_CERTIFICATE
        if target not in self.anchors.cells:
            return TampStatus.TRUST_ANCHOR_NOT_FOUND
        if issued.key_use & target.key_use != target.key_use or not self._fits(issued, target):
            return TampStatus.BAD_CERTIFICATE
        root = self.anchors.get(ROOT)
        if root is None or root.public is None:
            return TampStatus.NO_TRUST_ANCHOR
        if not leads_to(issued, self._valid(self.between), root.public, root.key_id):
            return TampStatus.NO_TRUST_ANCHOR
        return TampStatus.OTHER if Part.ANCHOR_STORAGE in self.broken else TampStatus.SUCCESS

    def _fits(self, issued: Issued, target: CellId) -> bool:
        if not self._valid((issued,)):
            return False
        if target == ROOT:
            return issued.is_authority
        certificate = issued.certificate
        if certificate.entity is None or certificate.role is None:
            return False
        return not self.settings.certificate_role_matches_cell or certificate.role == target.role

    def _valid(self, certificates: Sequence[Issued]) -> list[Issued]:
        if self.at is None:
            return list(certificates)
        counts = self.settings.check_not_before
        return [c for c in certificates if c.is_valid_at(self.at, not_before_counts=counts)]


def _replace(
    replacement: AnchorReplacement, anchors: TrustAnchors, checked: _Checked
) -> CellOutcome:
    target, status = replacement.target, checked.status(replacement)
    old = anchors.get(target) or _NOBODY
    new = old
    if status is TampStatus.SUCCESS:
        new = Anchor.of(replacement.certificate)
        anchors.put(target, new)
    return CellOutcome(target, status, old.entity, old.key_id, new.entity, new.key_id)


def _readable(certificates: Sequence[bytes]) -> Iterator[Issued]:
    for octets in certificates:
        try:
            yield read_issued(octets)
        except MalformedMessage:
            continue


def _floors(control: ReplacementControl) -> Iterator[PartyFloor]:
    """The floors of a command: of the authorising role first, then those of others."""
    if control.new_party_floor is not None:
        role = authorising_cell(control).role
        yield PartyFloor(role, control.new_party_floor, control.new_party_special)
    yield from control.other_party_floors or ()


def _reset_counters(floor: PartyFloor, anchors: TrustAnchors, unit: Transaction) -> None:
    """Let the counters of the party that now holds a role start at its floors."""
    party = anchors.party(Role(floor.role))
    if party is None:
        return
    counters = ReplayCounters()
    counters.accept(unit, party, COMMAND, floor.floor)
    for special in floor.special or ():
        counters.accept(unit, party, TOP_UP, special.floor)
