"""Bringing a device into the state that a recorded Response to a shared command reports.

Only state is arranged: what cells hold, who is joined, which image waits, and which part is broken
where the Response says that something failed. The answer is the device's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from bench.replay_pair import Pair, type_of
from device.chassis import Chassis
from device.common import CommonCommands, common_use_cases
from device.counters import ReplayCounters
from device.faults import Part
from device.joins import CAPACITY, Partner
from device.trust.anchors import Anchor
from device.trust.own import KeyPair, point_of
from device.trust.replacement import authorising_cell
from device.trust.reports import COMMAND
from gbcs.asn1.credentials import (
    CellId,
    CredentialsQuery,
    CredentialsUpdate,
    CredentialsUpdateResponse,
    KeyUseQuery,
    PartyReport,
)
from gbcs.asn1.devices import (
    ActivationOutcome,
    FirmwareActivation,
    Join,
    JoinDetails,
    RunningFirmware,
)
from gbcs.asn1.names import (
    ActivationCode,
    JoinCode,
    KeyUse,
    Kind,
    ReadCode,
    RequestFailure,
    RetrievalFailure,
    StoreCode,
    TampStatus,
    UnjoinCode,
)
from gbcs.asn1.payload import decode
from gbcs.catalogue import by_code
from gbcs.certificate import read_certificate
from gbcs.certificate_path import key_identifier, read_issued
from gbcs.envelope import Cra
from gbcs.errors import GbcsError
from gbcs.keys import KeyStore, Usage

_STAND_IN: Final = 0x2B
"""A private key in place of one that nobody has."""
_BROKEN: Final[Mapping[object, Part]] = {
    RequestFailure.KEY_PAIR_GENERATION_FAILED: Part.KEY_GENERATOR,
    RequestFailure.REQUEST_PRODUCTION_FAILED: Part.CERTIFICATION_REQUEST,
}
_NOT_STORED: Final[Mapping[int, Part]] = {
    StoreCode.CERTIFICATE_STORAGE_FAILED: Part.CERTIFICATE_STORAGE,
    StoreCode.PRIVATE_KEY_CHANGE_FAILED: Part.KEY_STORAGE,
}
_NATURAL_JOINS: Final = frozenset(
    {
        JoinCode.SUCCESS,
        JoinCode.INVALID_MESSAGE_CODE_FOR_METHOD_AND_ROLE,
        JoinCode.KEY_AGREEMENT_UNKNOWN_ISSUER,
        JoinCode.INVALID_OR_MISSING_CERTIFICATE,
    }
)
"""Outcomes of a join that follow from the command alone."""
_NEVER_SET: Final = datetime(2015, 1, 1, tzinfo=UTC)
_FULL_HOUSE: Final = 0xFFFF_FFFF_FFFF_0000
"""Identifiers of the partners that fill a device log."""


def is_shared(pair: Pair) -> bool:
    """Whether a pair is of a command that devices share."""
    use_case = by_code(pair.command.message_code)
    kind = type_of(pair.device)
    return use_case is not None and kind is not None and use_case.name in common_use_cases(kind)


def moment_of_shared(pair: Pair) -> datetime:
    """When a device answered: the stamp of its Response, or a time when none was set yet."""
    stamp = pair.response.date_time
    return (stamp.at if stamp else None) or _NEVER_SET


class SharedState:
    """The state of one device, to be arranged for one pair."""

    def __init__(
        self, chassis: Chassis, common: CommonCommands, pair: Pair, keys: KeyStore
    ) -> None:
        self._chassis, self._common, self._pair, self._keys = chassis, common, pair, keys
        self._anchors = chassis.credentials.anchors

    def arrange(self) -> None:
        """Arrange what the recorded Response reports."""
        command, response = self._pair.command, self._pair.response
        asked = decode(command.message_code, Cra.COMMAND, command.payload)
        answered = decode(response.message_code, Cra.RESPONSE, response.payload)
        match asked, answered:
            case CredentialsQuery(), tuple():
                for report in answered:
                    self._report(report)
            case CredentialsUpdate(), CredentialsUpdateResponse():
                self._update(asked, answered)
            case KeyUseQuery(), _:
                self._own_keys(asked, answered)
            case bytes(), int():
                self._pending(asked, answered)
            case Join(), int():
                self._join(asked, answered)
            case int(), int():
                self._unjoin(asked, answered)
            case FirmwareActivation(), ActivationOutcome():
                self._firmware(asked, answered)
            case None, JoinDetails() | RunningFirmware():
                self._read(answered)

    # -- credentials -----------------------------------------------------------------------------

    def _report(self, report: PartyReport) -> None:
        if report.status == TampStatus.OTHER:
            self._chassis.broken.add(Part.ANCHOR_MEMORY)
            return
        held = {}
        for one in report.cells or ():
            cell = CellId(report.role, one.key_use, one.cell_use)
            held[cell] = self._anchor(one.entity, one.key_id)
            self._anchors.add_cells(cell)
        for cell in self._anchors.cells:
            if cell.role == report.role:
                self._anchors.put(cell, held.get(cell))
        for entity in {anchor.entity for anchor in held.values()}:
            with self._chassis.store.transaction() as unit:
                ReplayCounters().accept(unit, entity, COMMAND, report.counter or 0)

    def _update(self, asked: CredentialsUpdate, answered: CredentialsUpdateResponse) -> None:
        for one in answered.outcome.cells if answered.outcome else ():
            self._anchors.add_cells(one.cell)
            self._anchors.put(one.cell, self._anchor(one.old_entity, one.old_key_id))
            if one.status == TampStatus.OTHER:
                self._chassis.broken.add(Part.ANCHOR_STORAGE)
        self._authorise(authorising_cell(asked.control))

    def _authorise(self, cell: CellId) -> None:
        """The originator held the authorising cell: its command was executed."""
        originator = self._pair.command.originator
        held = self._anchors.get(cell)
        if held is not None and held.entity == originator:
            return
        usage = Usage.DIGITAL_SIGNATURE
        if cell.key_use == KeyUse.KEY_AGREEMENT:
            usage = Usage.KEY_AGREEMENT
        self._anchors.add_cells(cell)
        self._anchors.put(cell, Anchor.of(self._keys.certificate(originator, usage).der))

    def _anchor(self, entity: int, key_id: bytes) -> Anchor:
        """The certificate with this key identifier; by name only when it is not known."""
        for holder, usage in self._keys.cells():
            if holder != entity:
                continue
            try:
                known = Anchor.of(self._keys.certificate(holder, usage).der)
            except GbcsError:
                continue
            if known.key_id == key_id:
                return known
        root = self._keys.root
        if root is not None and key_identifier(root.public) == key_id:
            return Anchor(entity, key_id, root.public)
        return Anchor(entity, key_id, None)

    def _own_keys(self, asked: KeyUseQuery, answered: object) -> None:
        if isinstance(answered, int) and self._pair.command.message_code == _CS02C:
            self._break(RequestFailure(answered))
        elif answered == RetrievalFailure.CERTIFICATE_RETRIEVAL_FAILURE:
            self._chassis.broken.add(Part.CERTIFICATE_MEMORY)
        elif isinstance(answered, bytes) and self._pair.command.message_code == _CS02E:
            self._certify(asked, answered)
        elif answered == RetrievalFailure.NO_CERTIFICATE_HELD:
            self._chassis.credentials.own.uncertified.add(_USAGES[asked.key_use])

    def _break(self, answered: object) -> None:
        if answered in _BROKEN:
            self._chassis.broken.add(_BROKEN[answered])

    def _certify(self, asked: KeyUseQuery, certificate: bytes) -> None:
        """Let the device have had this certificate of its own."""
        usage = _USAGES.get(asked.key_use)
        if usage is not None and self._chassis.credentials.own.certificate(usage) != certificate:
            self._chassis.credentials.keys.add_certificate(self._chassis.eui64, usage, certificate)

    def _pending(self, certificate: bytes, code: int) -> None:
        """Let the pair wait that the certificate is for, or another one, or a broken part."""
        if code in (StoreCode.INVALID_CERTIFICATE, StoreCode.NO_CORRESPONDING_KEY_PAIR_GENERATED):
            return
        private = ec.derive_private_key(_STAND_IN, ec.SECP256R1())
        point = point_of(read_certificate(certificate).public_key)
        for usage in _USAGES.values():
            other = None if code == StoreCode.WRONG_PUBLIC_KEY else point
            self._chassis.credentials.own.hold(usage, KeyPair(private, other))
        if code in _NOT_STORED:
            self._chassis.broken.add(_NOT_STORED[code])

    # -- joins and firmware ----------------------------------------------------------------------

    def _join(self, asked: Join, code: int) -> None:
        joins = self._common.joins
        if code == JoinCode.SUCCESS and asked.peer_certificate is not None:
            issuer = read_issued(asked.peer_certificate).authority_key_id
            joins.issuers |= set() if issuer is None else {issuer}
        if code == JoinCode.INCOMPATIBLE_WITH_EXISTING_ENTRY:
            other = next(int(kind) for kind in Kind if kind != asked.peer_kind)
            joins.add(asked.peer, Partner(other))
        elif code == JoinCode.DEVICE_LOG_FULL:
            for number in range(CAPACITY):
                joins.add(_FULL_HOUSE + number, Partner(int(asked.peer_kind)))
        elif code == JoinCode.WRITE_FAILURE:
            self._chassis.broken.add(Part.DEVICE_LOG_STORAGE)
        elif code == JoinCode.INVALID_METHOD_AND_ROLE:
            joins.partners = {}  # a device that has none of the methods
        elif code not in _NATURAL_JOINS:
            joins.agree = lambda peer: JoinCode(code)

    def _unjoin(self, peer: int, code: int) -> None:
        if code != UnjoinCode.NOT_IN_DEVICE_LOG:
            self._common.joins.add(peer, Partner(int(Kind.PPMID)))
        if code == UnjoinCode.OTHER_FAILURE:
            self._chassis.broken.add(Part.DEVICE_LOG_STORAGE)

    def _firmware(self, asked: FirmwareActivation, answered: ActivationOutcome) -> None:
        firmware = self._common.firmware
        if firmware is None:
            return
        if answered.result == ActivationCode.SUCCESS:
            firmware.hold(answered.running, asked.image_hash)
            return
        firmware.run(answered.running)
        if answered.result == ActivationCode.HASH_MISMATCH:
            other = bytes(octet ^ 0xFF for octet in asked.image_hash)
            firmware.hold(answered.running, other)
        elif answered.result == ActivationCode.ACTIVATION_FAILURE:
            firmware.hold(answered.running, asked.image_hash)
            self._chassis.broken.add(Part.FIRMWARE_ACTIVATION)

    def _read(self, answered: JoinDetails | RunningFirmware) -> None:
        failed = answered.result != ReadCode.SUCCESS
        if isinstance(answered, JoinDetails):
            for entry in answered.entries or ():
                self._common.joins.add(entry.device, Partner(int(entry.kind)))
            if failed:
                self._chassis.broken.add(Part.DEVICE_LOG_MEMORY)
        elif failed:
            self._chassis.broken.add(Part.FIRMWARE_MEMORY)
        elif self._common.firmware is not None:
            self._common.firmware.run(answered.running)


_USAGES: Final[Mapping[int, Usage]] = {
    KeyUse.DIGITAL_SIGNATURE: Usage.DIGITAL_SIGNATURE,
    KeyUse.KEY_AGREEMENT: Usage.KEY_AGREEMENT,
}
_CS02C: Final = 0x000A
_CS02E: Final = 0x000C
