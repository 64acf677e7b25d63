"""Credentials to put into the cells of a device, and updates that do so."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from device.trust.anchors import Anchor
from device.trust.cells import AGREEMENT, SIGNING
from gbcs.asn1.credentials import (
    AnchorReplacement,
    CellId,
    CredentialsQuery,
    CredentialsUpdate,
    CredentialsUpdateResponse,
    ReplacementControl,
)
from gbcs.asn1.names import CellUse
from gbcs.asn1.names import ReplacementMode as Mode
from gbcs.keys import Usage
from gbcs.party import Role
from gbcs.pki import Holder
from tests.device.shared import (
    NOW,
    PARTIES,
    SharedBench,
    certified,
    pki,
)

NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=NOW.tzinfo)
BROKER, SUPPLIER = Role.ACCESS_CONTROL_BROKER, Role.SUPPLIER
USES = {
    Usage.DIGITAL_SIGNATURE: (SIGNING, CellUse.MANAGEMENT),
    Usage.KEY_AGREEMENT: (AGREEMENT, CellUse.MANAGEMENT),
    Usage.PREPAYMENT_KEY_AGREEMENT: (AGREEMENT, CellUse.PREPAYMENT_TOP_UP),
}
NAMES = {
    Mode.SUPPLIER_BY_SUPPLIER: "CS02b-supplierBySupplier",
    Mode.NETWORK_OPERATOR_BY_NETWORK_OPERATOR: "CS02b-networkOperatorByNetworkOperator",
    Mode.ACCESS_CONTROL_BROKER_BY_ACB: "CS02b-accessControlBrokerByACB",
    Mode.WAN_PROVIDER_BY_WAN_PROVIDER: "CS02b-wanProviderByWanProvider",
    Mode.TRANS_COS_BY_TRANS_COS: "CS02b-transCoSByTransCoS",
    Mode.SUPPLIER_BY_TRANS_COS: "CS02b-supplierByTransCoS",
    Mode.ANY_EXCEPT_ABNORMAL_ROOT_BY_RECOVERY: "CS02b-anyExceptAbnormalRootByRecovery",
    Mode.LOAD_CONTROLLER_BY_LOAD_CONTROLLER: "CS02g-loadControllerByLoadController",
    Mode.LOAD_CONTROLLER_BY_SUPPLIER: "CS02g-loadControllerBySupplier",
}


def cell(role: Role, usage: Usage = Usage.DIGITAL_SIGNATURE) -> CellId:
    return CellId(role, *USES[usage])


def new(role: Role, usage: Usage, entity: int | None = None, number: int = 0) -> Holder:
    return certified(PARTIES[role] if entity is None else entity, usage, role, number)


def into(role: Role, *holders: tuple[Usage, Holder]) -> tuple[AnchorReplacement, ...]:
    return tuple(
        AnchorReplacement(holder.certificate_der(), cell(role, usage)) for usage, holder in holders
    )


def update(
    bench: SharedBench,
    mode: Mode,
    replacements: tuple[AnchorReplacement, ...],
    at: datetime | None = None,
    **control: object,
) -> CredentialsUpdate:
    """An update with the counter that the next message of the bench has."""
    made = ReplacementControl(mode, bench.counter + 1)
    path = (pki().issuing.certificate_der(),)
    return CredentialsUpdate(replace(made, **control), replacements, path, at)  # type: ignore[arg-type]  # fields by name


def statuses(answer: object) -> list[int]:
    assert isinstance(answer, CredentialsUpdateResponse)
    assert answer.outcome is not None
    return [each.status for each in answer.outcome.cells]


def query(authority: Role, *wanted: Role) -> CredentialsQuery:
    use = AGREEMENT if authority is BROKER else SIGNING
    return CredentialsQuery(CellId(authority, use), wanted)


def held(bench: SharedBench, role: Role, usage: Usage = Usage.DIGITAL_SIGNATURE) -> bytes:
    anchor = bench.chassis.credentials.anchors.get(cell(role, usage))
    assert anchor is not None
    return anchor.key_id


def key_id(holder: Holder) -> bytes:
    return Anchor.of(holder.certificate_der()).key_id


SUPPLIER_KEYS = tuple(USES)


def supplier_pairs(entity: int | None = None, number: int = 0) -> list[tuple[Usage, Holder]]:
    return [(usage, new(SUPPLIER, usage, entity, number)) for usage in SUPPLIER_KEYS]


USAGE = Usage.DIGITAL_SIGNATURE


def spoilt() -> bytes:
    """A certificate whose version is one that nobody knows."""
    octets = bytearray(new(SUPPLIER, Usage.DIGITAL_SIGNATURE).certificate_der())
    at = octets.index(bytes.fromhex("a003020102"))
    octets[at + 4] = 9
    return bytes(octets)
