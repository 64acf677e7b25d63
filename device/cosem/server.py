"""Executes access requests: items in order, until the first one that fails.

The item that fails answers with its own result; every later item is not attempted and answers
"other reason". What earlier items did stays done: there is no rollback.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Generic, TypeVar

from device.cosem.settings import Settings
from device.cosem.shape import plain
from device.cosem.table import EVERYTHING, Access, Attribute, CosemObject, Limits, Method, Place
from gbcs.dlms import values as v
from gbcs.dlms.apdu import AccessRequest, AccessResponse, Kind, RequestItem, Result, ResultItem
from gbcs.dlms.data import Data, encode
from gbcs.dlms.protected import (
    ProtectedAttribute,
    ProtectedRequest,
    ProtectedResponse,
    ProtectionParameters,
    is_protected_read,
)
from gbcs.dlms.selection import RANGE_SELECTOR, LogRange
from gbcs.errors import LocalError, MalformedMessage
from gbcs.stamp import Stamp
from gbcs.zcl.types import zcl_moment

M = TypeVar("M")
START_OF_TIME: Final = 0
END_OF_TIME: Final = 0xFFFFFFFF
"""Seconds that leave the end of a range open."""


class Refusal(Exception):
    """What an item answers instead of success."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.name)
        self.result = result


class CosemServer(Generic[M]):
    """The objects of one device over its model.

    ``faults`` makes an attribute or method answer with a result of its own, as broken hardware
    does, after it has worked as often as ``spared`` says; both may be changed at any time.
    """

    def __init__(self, objects: Iterable[CosemObject[M]], model: M, settings: Settings) -> None:
        self.model = model
        self.settings = settings
        self.faults: dict[Place, Result] = {}
        self.spared: dict[Place, int] = {}
        self._objects = {(each.class_id, each.logical_name): each for each in objects}
        self._names = {each.logical_name for each in self._objects.values()}
        self._attributes = {
            each.place(attribute.index): attribute
            for each in self._objects.values()
            for attribute in each.attributes
        }
        self._methods = {
            each.place(method.index): method
            for each in self._objects.values()
            for method in each.methods
        }

    @property
    def objects(self) -> tuple[CosemObject[M], ...]:
        """Every object, for documentation and conformance."""
        return tuple(self._objects.values())

    def execute(self, request: AccessRequest, access: Access) -> AccessResponse:
        """Execute the items of a request."""
        results: list[ResultItem] = []
        failed = False
        for item in request.items:
            result, data = Result.OTHER_REASON, v.NULL
            if not failed:
                result, data = self._perform(item, access)
                failed = result is not Result.SUCCESS
            results.append(ResultItem(item.kind.answer, result, data))
        return AccessResponse(request.invoke, tuple(results))

    def value(self, place: Place, limits: Limits = EVERYTHING) -> Data:
        """Read an attribute as a command would; LocalError when that fails."""
        try:
            return self._read(self._attribute(place), place, limits)
        except Refusal as refusal:
            raise LocalError(f"{place} cannot be read: {refusal}") from refusal

    def load_all(self, values: Iterable[tuple[Place, Data]]) -> None:
        """Load several, in their order; then again what those that followed have changed."""
        given = list(values)
        for place, data in given:
            self.load(place, data)
        for place, data in given:
            attribute = self._attributes[place]
            if attribute.entries is None and self.value(place) != data:
                self.load(place, data)

    def load(self, place: Place, data: Data) -> None:
        """Make an attribute read as this from now on; LocalError when it cannot."""
        attribute = self._attributes.get(place)
        if attribute is None:
            raise LocalError(f"there is no {place}")
        if not attribute.type.fits(data):
            raise LocalError(f"{place} is of another type than {data!r}")
        if attribute.initial is not None:
            self.settings.put(place, data)
        elif attribute.load is not None:
            attribute.load(self.model, plain(data))

    def load_answer(self, place: Place, data: Data) -> None:
        """Make a method answer this from now on; LocalError when it cannot."""
        method = self._methods.get(place)
        if method is None or method.load is None or method.answer_type is None:
            raise LocalError(f"no method {place} answers anything")
        if not method.answer_type.fits(data):
            raise LocalError(f"method {place} answers another type than {data!r}")
        method.load(self.model, plain(data))

    def _perform(self, item: RequestItem, access: Access) -> tuple[Result, Data]:
        place = Place(item.class_id, item.logical_name, item.index)
        try:
            return Result.SUCCESS, self._do(item, place, access)
        except Refusal as refusal:
            return refusal.result, v.NULL
        except MalformedMessage:
            return Result.TYPE_UNMATCHED, v.NULL

    def _do(self, item: RequestItem, place: Place, access: Access) -> Data:
        match item.kind:
            case Kind.GET:
                return self._read(self._attribute(place), place, EVERYTHING)
            case Kind.GET_WITH_SELECTION:
                return self._read(self._attribute(place), place, _limits(item))
            case Kind.SET:
                self._write(self._attribute(place), place, item.data, access)
            case Kind.ACTION if is_protected_read(item.class_id, item.index):
                self._check_fault(place)
                return self._protected(self._object(place), item.data, access)
            case Kind.ACTION:
                return self._call(self._method(place), item.data, access)
            case Kind.SET_WITH_SELECTION:
                raise Refusal(Result.SCOPE_OF_ACCESS_VIOLATED)
        return v.NULL

    def _object(self, place: Place) -> CosemObject[M]:
        found = self._objects.get((place.class_id, place.logical_name))
        if found is not None:
            return found
        known = place.logical_name in self._names
        raise Refusal(Result.OBJECT_CLASS_INCONSISTENT if known else Result.OBJECT_UNDEFINED)

    def _attribute(self, place: Place) -> Attribute[M]:
        self._object(place)
        attribute = self._attributes.get(place)
        if attribute is None:
            raise Refusal(Result.OBJECT_UNDEFINED)
        self._check_fault(place)
        return attribute

    def _method(self, place: Place) -> Method[M]:
        self._object(place)
        method = self._methods.get(place)
        if method is None:
            raise Refusal(Result.OBJECT_UNDEFINED)
        self._check_fault(place)
        return method

    def _check_fault(self, place: Place) -> None:
        if place not in self.faults:
            return
        left = self.spared.get(place, 0)
        if not left:
            raise Refusal(self.faults[place])
        self.spared[place] = left - 1

    def _read(self, attribute: Attribute[M], place: Place, limits: Limits) -> Data:
        if attribute.entries is not None:
            return attribute.type.build(attribute.entries(self.model, limits))
        if limits != EVERYTHING or not attribute.readable:
            raise Refusal(Result.READ_WRITE_DENIED)
        if attribute.initial is not None:
            return self.settings.get(place, attribute.initial)
        if attribute.read is None:
            raise Refusal(Result.READ_WRITE_DENIED)
        return attribute.type.build(attribute.read(self.model))

    def _write(self, attribute: Attribute[M], place: Place, data: Data, access: Access) -> None:
        if not (attribute.writable or attribute.write):
            raise Refusal(Result.READ_WRITE_DENIED)
        if not attribute.type.fits(data):
            raise Refusal(Result.TYPE_UNMATCHED)
        if attribute.write is not None:
            _expect_success(attribute.write(self.model, plain(data), access))
        if attribute.initial is not None:
            self.settings.put(place, data)

    def _call(self, method: Method[M], data: Data, access: Access) -> Data:
        if not method.type.fits(data):
            raise Refusal(Result.TYPE_UNMATCHED)
        _expect_success(method.call(self.model, plain(data), access))
        if method.answer is None or method.answer_type is None:
            return v.NULL
        return method.answer_type.build(method.answer(self.model, access))

    def _protected(self, held: CosemObject[M], data: Data, access: Access) -> Data:
        request = ProtectedRequest.from_data(data)
        if access.seal is None:
            raise Refusal(Result.OTHER_REASON)
        values = [self._unprotected(held, wanted) for wanted in request.attributes]
        sealed = access.seal(encode(v.structure(*values)))
        parameters = ProtectionParameters(
            request.parameters.counter, access.device, access.requester
        )
        return ProtectedResponse(parameters, sealed).to_data()

    def _unprotected(self, held: CosemObject[M], wanted: ProtectedAttribute) -> Data:
        place = Place(wanted.class_id, wanted.logical_name, wanted.index)
        if place not in held.protects:
            raise Refusal(Result.SCOPE_OF_ACCESS_VIOLATED)
        limits = EVERYTHING if wanted.limits is None else _between(*wanted.limits)
        return self._read(self._attribute(place), place, limits)


def _expect_success(result: Result) -> None:
    if result is not Result.SUCCESS:
        raise Refusal(result)


def _limits(item: RequestItem) -> Limits:
    if item.selector != RANGE_SELECTOR or item.selection is None:
        raise Refusal(Result.SCOPE_OF_ACCESS_VIOLATED)
    wanted = LogRange.from_data(item.selection)
    first = None if wanted.from_s == START_OF_TIME else zcl_moment(wanted.from_s)
    last = None if wanted.to_s == END_OF_TIME else zcl_moment(wanted.to_s)
    return first, last


def _between(first: Stamp, last: Stamp) -> Limits:
    """Date-times of a protected read: one without any field leaves its end open."""
    if first.is_vague or last.is_vague:
        raise Refusal(Result.OTHER_REASON)
    return first.at, last.at
