"""Use cases of the user's own, from TOML: new ones, or other contents for known ones.

    [[use_case]]
    name = "GCS13a-short"        # what to call it
    like = "GCS13a"              # take what is not given here from this one
    [[use_case.command]]         # GBZ components in order
    cluster = "0702"
    command = "00"
    control = "00"
    attributes = ["0000"]

    [[use_case]]
    name = "ReadClock"
    like = "ECS82"
    [[use_case.item]]            # DLMS items in order
    do = "get"
    at = "8/0-0:1.0.0.255/2"

The keys are those of the catalogue's own files.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from gbcs.catalogue.dlms import ItemRow, ItemSpec, item_spec
from gbcs.catalogue.gbz import ComponentRow, ComponentSpec, component_spec
from gbcs.catalogue.use_case import UseCase, UseCaseRow, by_name, use_case_from
from gbcs.envelope import Cra
from gbcs.errors import LocalError

_STRUCTURE: Final = frozenset({"like", "command", "item"})
_HEAD: Final = frozenset(UseCaseRow.__annotations__)
_DEFAULTS: Final = {"kind": "command", "technology": "GBZ", "source": "user", "title": ""}


def read_use_cases(text: str, where: str = "use cases") -> tuple[UseCase, ...]:
    """Read a TOML text; LocalError says in which use case what is wrong."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise LocalError(f"{where}: {exc}") from exc
    rows = document.pop("use_case", [])
    if document or not isinstance(rows, list):
        raise LocalError(f"{where}: only [[use_case]] tables are expected")
    return tuple(_use_case(row, where) for row in rows)


def load_use_cases(directory: Path) -> dict[str, UseCase]:
    """Every use case of the ``*.toml`` files of a directory, by name in lower case."""
    found: dict[str, UseCase] = {}
    for path in sorted(directory.glob("*.toml")):
        for use_case in read_use_cases(path.read_text("utf-8"), path.name):
            found[use_case.name.lower()] = use_case
    if not found:
        raise LocalError(f"no use cases in {directory} (*.toml)")
    return found


def _use_case(row: dict[str, object], where: str) -> UseCase:
    name = str(row.get("name", "?"))
    try:
        unknown = row.keys() - _STRUCTURE - _HEAD
        if unknown:
            raise LocalError(f"unknown key {sorted(unknown)[0]!r}")
        use_case = _head(row)
        components = tuple(_components(row.get("command")))
        items = tuple(_items(row.get("item")))
    except (LocalError, KeyError, ValueError, TypeError, AttributeError) as exc:
        raise LocalError(f"{where}, use case {name}: {_reason(exc)}") from exc
    if components and items:
        raise LocalError(f"{where}, use case {name}: components and items exclude each other")
    if components:
        return replace(use_case, own_components={Cra.COMMAND: components}, own_items=())
    return replace(use_case, own_components={}, own_items=items) if items else use_case


def _reason(exc: Exception) -> str:
    return f"{exc} is missing or unknown" if isinstance(exc, KeyError) else str(exc)


def _head(row: dict[str, object]) -> UseCase:
    given = {key: value for key, value in row.items() if key in _HEAD}
    like = row.get("like")
    if like is None:
        head: UseCaseRow = {**_DEFAULTS, **given}  # type: ignore[typeddict-item]  # checked above
        return use_case_from(head)
    base = by_name(str(like))
    changes: dict[str, str | int] = {"name": str(given.get("name", base.name)), "source": "user"}
    if "title" in given:
        changes["title"] = str(given["title"])
    if "code" in given:
        changes["message_code"] = int(str(given["code"]), 16)
    return replace(base, **changes)  # type: ignore[arg-type]  # fields by name, types just made


def _components(rows: object) -> Iterator[ComponentSpec]:
    for row in _tables(rows, ComponentRow.__annotations__):
        yield component_spec(row)  # type: ignore[arg-type]  # keys checked, values by use


def _items(rows: object) -> Iterator[ItemSpec]:
    for row in _tables(rows, ItemRow.__annotations__):
        row.setdefault("name", row.get("at"))
        yield item_spec(row)  # type: ignore[arg-type]  # keys checked, values by use


def _tables(rows: object, keys: dict[str, object]) -> Iterator[dict[str, object]]:
    if rows is None:
        return
    if not isinstance(rows, list):
        raise LocalError("components and items are tables, [[use_case.command]]")
    for row in rows:
        unknown = row.keys() - keys.keys()
        if unknown:
            raise LocalError(f"unknown key {sorted(unknown)[0]!r}")
        yield dict(row)
