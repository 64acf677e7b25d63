"""Structure of GBZ payloads: which components a use case holds, in which order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, NotRequired, TypedDict

from gbcs.catalogue.table import table_text
from gbcs.envelope import Cra

UNBOUNDED: Final = 255
"""Most components one payload can count."""

_FROM_SERVER: Final = 0x08
_CLUSTER_SPECIFIC: Final = 0x01


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """One component as the catalogue gives it."""

    cluster_id: int
    command_id: int
    frame_control: int
    least: int
    most: int
    alternate: str | None
    """How this one replaces the one before: "if_no_instance" or "per_missing_instance"."""
    encrypted: bool
    from_date_time: bool
    attributes: tuple[int, ...]
    """Attribute identifiers in order, for Read Attributes and its response."""
    fixed: Mapping[str, tuple[int | str, ...]]
    """Parameters with one or more permitted values; the first is the usual one."""
    limits: Mapping[str, tuple[int, int]]
    """Parameters with a least and a greatest value."""

    @property
    def from_server(self) -> bool:
        """Direction bit: sent by the cluster's server."""
        return bool(self.frame_control & _FROM_SERVER)

    @property
    def is_cluster_command(self) -> bool:
        """A cluster command, as opposed to a general (profile-wide) one."""
        return bool(self.frame_control & _CLUSTER_SPECIFIC)


class ComponentRow(TypedDict):
    """One component as the data file writes it."""

    cluster: str
    command: str
    control: str
    count: NotRequired[str]
    alternate: NotRequired[str]
    encrypted: NotRequired[bool]
    from_date_time: NotRequired[bool]
    attributes: NotRequired[list[str]]
    fixed: NotRequired[dict[str, int | str | list[int | str]]]
    limits: NotRequired[dict[str, list[int]]]


@cache
def _rows() -> dict[str, dict[str, list[ComponentRow]]]:
    rows: dict[str, dict[str, list[ComponentRow]]] = json.loads(table_text("gbz.json"))
    return rows


def _count(text: str) -> tuple[int, int]:
    least, _, most = text.partition("-")
    if not most:
        return int(least), int(least)
    return int(least), UNBOUNDED if most == "n" else int(most)


def component_spec(row: ComponentRow) -> ComponentSpec:
    """Read one component row."""
    least, most = _count(row.get("count", "1"))
    return ComponentSpec(
        cluster_id=int(row["cluster"], 16),
        command_id=int(row["command"], 16),
        frame_control=int(row["control"], 16),
        least=least,
        most=most,
        alternate=row.get("alternate"),
        encrypted=row.get("encrypted", False),
        from_date_time=row.get("from_date_time", False),
        attributes=tuple(int(a, 16) for a in row.get("attributes", ())),
        fixed={
            name: tuple(value) if isinstance(value, list) else (value,)
            for name, value in row.get("fixed", {}).items()
        },
        limits={name: (pair[0], pair[1]) for name, pair in row.get("limits", {}).items()},
    )


@cache
def gbz_components(name: str, cra: Cra) -> tuple[ComponentSpec, ...]:
    """Components of a use case's command, response or alert; empty when it has no GBZ payload."""
    return tuple(component_spec(row) for row in _rows().get(name, {}).get(cra.name.lower(), ()))
