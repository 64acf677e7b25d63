"""Cluster attributes and command parameters that occur in GBZ payloads, by name and type."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TypedDict

from gbcs.catalogue.table import table_text


@dataclass(frozen=True, slots=True)
class AttributeSpec:
    """An attribute: name as ZSE spells it, and ZCL type name."""

    name: str
    type_name: str


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """A parameter of a cluster command; type ``COMPOSITE`` is a structure of that command."""

    name: str
    type_name: str


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A cluster command and its parameters in wire order."""

    name: str
    parameters: tuple[ParameterSpec, ...]


class _ClusterRow(TypedDict):
    name: str
    attributes: dict[str, list[str]]
    commands: dict[str, tuple[str, list[list[str]]]]


@cache
def _clusters() -> dict[int, _ClusterRow]:
    rows: dict[str, _ClusterRow] = json.loads(table_text("clusters.json"))
    return {int(cluster_id, 16): row for cluster_id, row in rows.items()}


def cluster_name(cluster_id: int) -> str | None:
    """Name of a cluster; None when GBZ payloads never hold it."""
    row = _clusters().get(cluster_id)
    return row["name"] if row else None


@cache
def attribute(cluster_id: int, attribute_id: int) -> AttributeSpec | None:
    """An attribute; None when it is unknown."""
    row = _clusters().get(cluster_id)
    found = row["attributes"].get(f"{attribute_id:04X}") if row else None
    return AttributeSpec(found[0], found[1]) if found else None


@cache
def command(cluster_id: int, command_id: int, *, from_server: bool) -> CommandSpec | None:
    """A cluster command; None when it is unknown."""
    row = _clusters().get(cluster_id)
    key = f"{'to_client' if from_server else 'to_server'} {command_id:02X}"
    found = row["commands"].get(key) if row else None
    if found is None:
        return None
    name, parameters = found
    return CommandSpec(name, tuple(ParameterSpec(p[0], p[1]) for p in parameters))
