"""Short ways to write definition tables."""

from __future__ import annotations

from collections.abc import Iterable

from gbcs.zcl.types import DataType
from han.zcl.tables import AttributeDefinition, CommandDefinition

Row = tuple[int, str, DataType]
CommandRow = tuple[int, str] | tuple[int, str, tuple[int, ...]]


def attributes(*rows: Row) -> tuple[AttributeDefinition, ...]:
    """Attributes from (identifier, name, type)."""
    return tuple(AttributeDefinition(*row) for row in rows)


def series(first: int, step: int, names: Iterable[str], kind: DataType) -> tuple[Row, ...]:
    """Rows of one type whose identifiers go up by ``step``."""
    return tuple((first + step * n, name, kind) for n, name in enumerate(names))


def commands(*rows: CommandRow) -> tuple[CommandDefinition, ...]:
    """Commands from (identifier, name) or (identifier, name, identifiers of the answers)."""
    return tuple(CommandDefinition(*row) for row in rows)
