"""Which trust anchor cells the devices have.

A cell is named by remote party role, key usage and cell usage. Reference messages show those of
ESME, GSME and CHF in part; the rest of the table is unverified.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gbcs.asn1.credentials import CellId
from gbcs.asn1.names import CellUse, KeyUse
from gbcs.keys import Usage
from gbcs.party import DeviceType, Role

SIGNING: Final = int(KeyUse.DIGITAL_SIGNATURE)
AGREEMENT: Final = int(KeyUse.KEY_AGREEMENT)
CERTIFYING: Final = int(KeyUse.KEY_CERT_SIGN)
ROOT: Final = CellId(Role.ROOT, CERTIFYING)

_USAGES: Final[Mapping[tuple[int, int], Usage]] = {
    (SIGNING, CellUse.MANAGEMENT): Usage.DIGITAL_SIGNATURE,
    (AGREEMENT, CellUse.MANAGEMENT): Usage.KEY_AGREEMENT,
    (AGREEMENT, CellUse.PREPAYMENT_TOP_UP): Usage.PREPAYMENT_KEY_AGREEMENT,
}
_EVERYWHERE: Final = (
    ROOT,
    CellId(Role.RECOVERY, SIGNING),
    CellId(Role.ACCESS_CONTROL_BROKER, AGREEMENT),
    CellId(Role.TRANSITIONAL_COS, SIGNING),
)


def _pair(role: Role) -> tuple[CellId, CellId]:
    return CellId(role, SIGNING), CellId(role, AGREEMENT)


_TOP_UP: Final = CellId(Role.SUPPLIER, AGREEMENT, CellUse.PREPAYMENT_TOP_UP)
_SUPPLIER: Final = (*_pair(Role.SUPPLIER), _TOP_UP)
_OPERATOR: Final = _pair(Role.NETWORK_OPERATOR)
_BROKER_SIGNS: Final = CellId(Role.ACCESS_CONTROL_BROKER, SIGNING)

_CELLS: Final[Mapping[DeviceType, tuple[CellId, ...]]] = {
    DeviceType.ESME: (*_EVERYWHERE, *_SUPPLIER, *_OPERATOR, *_pair(Role.LOAD_CONTROLLER)),
    DeviceType.SAPC: (*_EVERYWHERE, *_SUPPLIER, *_OPERATOR, *_pair(Role.LOAD_CONTROLLER)),
    DeviceType.GSME: (*_EVERYWHERE, *_SUPPLIER),
    DeviceType.GPF: (*_EVERYWHERE, *_SUPPLIER, *_OPERATOR),
    DeviceType.CHF: (*_EVERYWHERE, _BROKER_SIGNS, *_pair(Role.WAN_PROVIDER)),
    DeviceType.HCALCS: (*_EVERYWHERE, _BROKER_SIGNS, *_pair(Role.SUPPLIER)),
    DeviceType.PPMID: (*_EVERYWHERE, _BROKER_SIGNS),
}


def cells_of(device_type: DeviceType) -> tuple[CellId, ...]:
    """The cells of a device, those of one role in the order in which it reports them."""
    return tuple(sorted(_CELLS.get(device_type, ()), key=_order))


def usage_of(cell: CellId) -> Usage | None:
    """What the key of a cell is used for; None for the root's, which only signs certificates."""
    return _USAGES.get((cell.key_use, cell.cell_use))


def _order(cell: CellId) -> tuple[int, int, int]:
    return cell.role, -cell.key_use, cell.cell_use
