"""Structure of DLMS payloads: which items a use case's access request holds, in which order."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import NotRequired, TypedDict

from gbcs.catalogue.table import table_text


class Operation(StrEnum):
    """What an item asks for."""

    GET = "get"
    GET_WITH_SELECTION = "get-sel"
    SET = "set"
    ACTION = "action"


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One attribute or method of one COSEM object."""

    class_id: int
    logical_name: str
    """A-B:C.D.E.F."""
    index: int


@dataclass(frozen=True, slots=True)
class ItemSpec:
    """One item of an access request.

    ``command`` and ``response`` are the data shapes seen: ``u32``, ``os(12)`` (octet string of
    12 octets), ``bs(512)`` (bit string of 512 bits), ``{..}`` structure, ``array<..>``.
    """

    operation: Operation
    at: ObjectRef
    name: str
    """SMETS object and component, or COSEM element, unique within the use case."""
    optional: bool
    fixed: int | str | bool | None
    """Value the catalogue prescribes; octets as 0x and digits."""
    command: tuple[str, ...]
    response: tuple[str, ...]
    protects: tuple[ObjectRef, ...]
    """Attributes that come back encrypted through this item."""


class ItemRow(TypedDict):
    """One item as the data file writes it."""

    do: str
    at: str
    name: str
    optional: NotRequired[bool]
    fixed: NotRequired[int | str | bool]
    command: NotRequired[list[str]]
    response: NotRequired[list[str]]
    protects: NotRequired[list[str]]


@cache
def _rows() -> dict[str, list[ItemRow]]:
    rows: dict[str, list[ItemRow]] = json.loads(table_text("dlms.json"))
    return rows


def object_ref(text: str) -> ObjectRef:
    """Read ``class/A-B:C.D.E.F/index``."""
    class_id, logical_name, index = text.split("/")
    return ObjectRef(int(class_id), logical_name, int(index))


def item_spec(row: ItemRow) -> ItemSpec:
    """Read one item row."""
    return ItemSpec(
        operation=Operation(row["do"]),
        at=object_ref(row["at"]),
        name=row["name"],
        optional=row.get("optional", False),
        fixed=row.get("fixed"),
        command=tuple(row.get("command", ())),
        response=tuple(row.get("response", ())),
        protects=tuple(object_ref(text) for text in row.get("protects", ())),
    )


@cache
def dlms_items(name: str) -> tuple[ItemSpec, ...]:
    """Items of a use case's command in order; empty when it has no access request."""
    return tuple(item_spec(row) for row in _rows().get(name, ()))
