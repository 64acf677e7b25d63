"""DLMS commands: items in order, parameters named after the SMETS object.

A log takes ``<name>.from`` and ``<name>.to``. Every item can also be named by its reference,
``class/A-B:C.D.E.F/index``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from gbcs.build.parameter import Arguments, ParameterInfo
from gbcs.catalogue.dlms import ItemSpec, Operation
from gbcs.dlms.apdu import NULL, AccessRequest, Kind, RequestItem, invoke_id
from gbcs.dlms.data import Data
from gbcs.dlms.obis import Obis
from gbcs.dlms.protected import (
    ProtectedAttribute,
    ProtectedRequest,
    ProtectionParameters,
    is_protected_read,
)
from gbcs.dlms.selection import RANGE_SELECTOR, LogRange
from gbcs.dlms.shape import from_plain, to_plain
from gbcs.errors import GbcsError, LocalError
from gbcs.plain import (
    Plain,
    plain_to_seconds,
    seconds_to_plain,
    stamp_octets_to_text,
    text_to_stamp_octets,
)
from gbcs.stamp import Stamp

_LOG_CLASS = 7
_KINDS = {
    Operation.GET: Kind.GET,
    Operation.GET_WITH_SELECTION: Kind.GET_WITH_SELECTION,
    Operation.SET: Kind.SET,
    Operation.ACTION: Kind.ACTION,
}
Specs = tuple[ItemSpec, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parties:
    """Who asks whom, as protected reads write it: the remote party itself, not its broker."""

    originator: int
    recipient: int
    counter: int


def dlms_parameters(specs: Specs) -> Iterator[ParameterInfo]:
    """What can be given for a use case with these items."""
    for spec in specs:
        if spec.operation is Operation.GET_WITH_SELECTION or _reads_log(spec):
            kind = "date-time" if _is_protected(spec) else "UTCTime"
            yield ParameterInfo(f"{spec.name}.from", kind, required=True)
            yield ParameterInfo(f"{spec.name}.to", kind, required=True)
        elif _takes_data(spec):
            required = spec.fixed is None and not spec.optional
            yield ParameterInfo(spec.name, " | ".join(spec.command), required, spec.fixed)


def build_dlms(specs: Specs, arguments: Arguments, parties: Parties) -> bytes:
    """Build the access-request of a command."""
    chosen = [spec for spec in specs if not spec.optional or _is_given(spec, arguments)]
    if not any(spec.optional for spec in chosen):
        # nothing optional was named: leave out what needs a value, take what has one
        chosen = [spec for spec in specs if not spec.optional or spec.fixed is not None]
    items = tuple(_item(spec, arguments, parties) for spec in chosen)
    if not items:
        raise LocalError("all items are optional, and none was given")
    return AccessRequest(invoke_id(parties.counter), items).to_bytes()


def dlms_arguments(specs: Specs, request: AccessRequest) -> dict[str, Plain]:
    """The parameters of a command; LocalError when its items are not the ones listed."""
    found: dict[str, Plain] = {}
    remaining = list(request.items)
    for spec in specs:
        if remaining and _is_of(remaining[0], spec):
            found |= _item_arguments(remaining.pop(0), spec)
        elif not spec.optional:
            raise LocalError(f"{spec.name} is missing")
    if remaining:
        raise LocalError("items follow that the catalogue does not list")
    return found


def _is_protected(spec: ItemSpec) -> bool:
    return is_protected_read(spec.at.class_id, spec.at.index)


def _reads_log(spec: ItemSpec) -> bool:
    return any(protected.class_id == _LOG_CLASS for protected in spec.protects)


def _takes_data(spec: ItemSpec) -> bool:
    return spec.operation in (Operation.SET, Operation.ACTION) and not _is_protected(spec)


def _names(spec: ItemSpec, suffix: str = "") -> tuple[str, str]:
    at = spec.at
    return spec.name + suffix, f"{at.class_id}/{at.logical_name}/{at.index}{suffix}"


def _is_given(spec: ItemSpec, arguments: Arguments) -> bool:
    return arguments.has(*_names(spec), *_names(spec, ".from"))


def _item(spec: ItemSpec, arguments: Arguments, parties: Parties) -> RequestItem:
    data, selector, selection = NULL, None, None
    if spec.operation is Operation.GET_WITH_SELECTION:
        limits = _limits(spec, arguments, plain_to_seconds)
        selector, selection = RANGE_SELECTOR, LogRange(*limits).to_data()
    elif _is_protected(spec):
        data = _protected(spec, arguments, parties).to_data()
    elif _takes_data(spec):
        data = _data(spec, arguments)
    name = Obis.parse(spec.at.logical_name)
    kind = _KINDS[spec.operation]
    return RequestItem(kind, spec.at.class_id, name, spec.at.index, data, selector, selection)


def _data(spec: ItemSpec, arguments: Arguments) -> Data:
    given = arguments.has(*_names(spec))
    if not given and spec.fixed is None and spec.command == ("null",):
        return NULL
    plain = arguments.take(*_names(spec)) if given or spec.fixed is None else spec.fixed
    try:
        return from_plain(plain, spec.command)
    except LocalError as exc:
        raise LocalError(f"{spec.name}: {exc}") from exc


def _limits(spec: ItemSpec, arguments: Arguments, read: Callable[[Plain], T]) -> tuple[T, T]:
    """Both ends of what is asked of a log."""

    def limit(end: str) -> T:
        given = arguments.take(*_names(spec, end))
        try:
            return read(given)
        except GbcsError as exc:
            raise LocalError(f"{spec.name}{end}: {exc}") from exc

    return limit(".from"), limit(".to")


def _stamp(text: Plain) -> Stamp:
    return Stamp.from_bytes(text_to_stamp_octets(text))


def _protected(spec: ItemSpec, arguments: Arguments, parties: Parties) -> ProtectedRequest:
    limits = _limits(spec, arguments, _stamp) if _reads_log(spec) else None
    attributes = tuple(
        ProtectedAttribute(at.class_id, Obis.parse(at.logical_name), at.index, limits)
        for at in spec.protects
    )
    parameters = ProtectionParameters(parties.counter, parties.originator, parties.recipient)
    return ProtectedRequest(attributes, parameters)


def _is_of(item: RequestItem, spec: ItemSpec) -> bool:
    return (item.kind, item.class_id, str(item.logical_name), item.index) == (
        _KINDS[spec.operation],
        spec.at.class_id,
        spec.at.logical_name,
        spec.at.index,
    )


def _item_arguments(item: RequestItem, spec: ItemSpec) -> dict[str, Plain]:
    if item.selection is not None:
        limits = LogRange.from_data(item.selection)
        return {
            f"{spec.name}.from": seconds_to_plain(limits.from_s),
            f"{spec.name}.to": seconds_to_plain(limits.to_s),
        }
    if _is_protected(spec):
        return _protected_arguments(ProtectedRequest.from_data(item.data), spec)
    if not _takes_data(spec) or item.data == NULL:
        return {}
    return {spec.name: to_plain(item.data, spec.command)}


def _protected_arguments(request: ProtectedRequest, spec: ItemSpec) -> dict[str, Plain]:
    asked = [(a.class_id, str(a.logical_name), a.index) for a in request.attributes]
    if asked != [(at.class_id, at.logical_name, at.index) for at in spec.protects]:
        raise LocalError(f"{spec.name} asks for other attributes than the catalogue lists")
    limits = {attribute.limits for attribute in request.attributes}
    if len(limits) != 1:
        raise LocalError(f"{spec.name} limits its logs differently")
    [both] = limits
    if both is None:
        return {}
    return {
        f"{spec.name}.from": stamp_octets_to_text(both[0].octets),
        f"{spec.name}.to": stamp_octets_to_text(both[1].octets),
    }
