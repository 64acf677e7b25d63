"""Making a device hold what a recorded Response reports, so that it can answer the same.

What a Response reports as read is loaded into the objects; where it reports a failure, the object
is made to fail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TypeVar

from device.cosem.server import CosemServer
from device.cosem.table import Place
from gbcs.dlms.apdu import AccessRequest, AccessResponse, Kind, RequestItem, Result
from gbcs.dlms.data import Data, Tag, decode
from gbcs.dlms.protected import ProtectedRequest, ProtectedResponse, is_protected_read
from gbcs.envelope import Message
from gbcs.keys import KeyStore
from gbcs.protection import attribute_cipher

M = TypeVar("M")


def arrange(served: CosemServer[M], command: Message, response: Message, keys: KeyStore) -> None:
    """Make a device hold what a recorded Response reports, and fail where that one failed.

    LocalError names what the device cannot hold.
    """
    request = AccessRequest.parse(command.payload)
    recorded = AccessResponse.parse(response.payload)
    served.load_all(reported(request, recorded, response, keys))
    for place, data in _answered(request, recorded):
        served.load_answer(place, data)
    break_as(served, request, recorded)


def reported(
    request: AccessRequest, recorded: AccessResponse, response: Message, keys: KeyStore
) -> Iterator[tuple[Place, Data]]:
    """The attributes that were read, up to the first failure."""
    for item, result in zip(request.items, recorded.results, strict=True):
        if result.result != Result.SUCCESS:
            return
        if item.kind in (Kind.GET, Kind.GET_WITH_SELECTION):
            yield _place(item), result.data
        elif is_protected_read(item.class_id, item.index):
            wanted = ProtectedRequest.from_data(item.data).attributes
            sealed = ProtectedResponse.from_data(result.data).sealed
            opened = decode(attribute_cipher(response, keys).open(sealed)).value
            if isinstance(opened, tuple):
                for each, data in zip(wanted, opened, strict=True):
                    if isinstance(data, Data):
                        yield Place(each.class_id, each.logical_name, each.index), data


def _answered(request: AccessRequest, recorded: AccessResponse) -> Iterator[tuple[Place, Data]]:
    for item, result in zip(request.items, recorded.results, strict=True):
        called = item.kind is Kind.ACTION and not is_protected_read(item.class_id, item.index)
        if called and result.result == Result.SUCCESS and result.data.tag != Tag.NULL:
            yield _place(item), result.data


def break_as(served: CosemServer[M], request: AccessRequest, recorded: AccessResponse) -> None:
    """Break what was broken in the device on record, after it had worked as often as there."""
    worked = Counter[Place]()
    for item, result in zip(request.items, recorded.results, strict=True):
        place = _place(item)
        if result.result != Result.SUCCESS:
            served.faults[place], served.spared[place] = Result(result.result), worked[place]
            return
        worked[place] += 1


def _place(item: RequestItem) -> Place:
    return Place(item.class_id, item.logical_name, item.index)
