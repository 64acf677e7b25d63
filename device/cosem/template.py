"""Whether an access request is what its use case prescribes: its items, in its order."""

from __future__ import annotations

from device.cosem.table import Place
from gbcs.catalogue import ItemSpec, Operation, dlms_items
from gbcs.dlms.apdu import AccessRequest, Kind, RequestItem
from gbcs.errors import MalformedMessage

_KINDS = {
    Operation.GET: Kind.GET,
    Operation.GET_WITH_SELECTION: Kind.GET_WITH_SELECTION,
    Operation.SET: Kind.SET,
    Operation.ACTION: Kind.ACTION,
}


def check_items(use_case: str, request: AccessRequest) -> None:
    """MalformedMessage for items that are missing, superfluous, or in another order.

    Items that the catalogue calls optional may be left out.
    """
    specs = dlms_items(use_case)
    if not specs:
        raise MalformedMessage(f"the structure of {use_case} is not known")
    at = 0
    for number, item in enumerate(request.items):
        while at < len(specs) and not _fits(specs[at], item) and specs[at].optional:
            at += 1
        if at == len(specs) or not _fits(specs[at], item):
            raise MalformedMessage(f"{use_case}: item {number} ({_describe(item)}) is not expected")
        at += 1
    if not all(spec.optional for spec in specs[at:]):
        raise MalformedMessage(f"{use_case}: items are missing")


def _fits(spec: ItemSpec, item: RequestItem) -> bool:
    at = spec.at
    return (
        item.kind is _KINDS[spec.operation]
        and (item.class_id, item.index) == (at.class_id, at.index)
        and str(item.logical_name) == at.logical_name
    )


def _describe(item: RequestItem) -> str:
    return f"{item.kind.name.lower()} {Place(item.class_id, item.logical_name, item.index)}"
