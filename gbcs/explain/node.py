"""The annotated tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gbcs.plain import Plain


@dataclass(frozen=True, slots=True)
class Node:
    """One field: where it lies, what it is called, what it says.

    ``offset`` and ``length`` count octets of the message; ``offset`` is None inside what was
    encrypted, where the octets of the message are not the octets explained. ``unit`` is what the
    number on the wire counts, when that is known; ``reference`` where the catalogue defines the
    field: a message code, a cluster and attribute, a COSEM object as class/logical name/index.
    """

    name: str
    value: str = ""
    offset: int | None = None
    length: int = 0
    note: str = ""
    children: tuple[Node, ...] = ()
    unit: str = ""
    reference: str = ""

    def to_plain(self) -> Plain:
        """The tree as JSON holds it; empty members are left out."""
        plain: dict[str, Plain] = {"name": self.name}
        if self.value:
            plain["value"] = self.value
        if self.unit:
            plain["unit"] = self.unit
        if self.offset is not None:
            plain["offset"] = self.offset
            plain["length"] = self.length
        if self.note:
            plain["note"] = self.note
        if self.reference:
            plain["reference"] = self.reference
        if self.children:
            plain["children"] = [child.to_plain() for child in self.children]
        return plain

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Node]]:
        """Every node with its depth, in reading order."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)

    def find(self, name: str) -> Node | None:
        """The first node of that name, in reading order."""
        return next((node for _, node in self.walk() if node.name == name), None)


CHILD_LIMIT: Final = 512
"""Most children of one node that are shown; how many more there are is said."""


class Cursor:
    """Collects nodes that follow each other."""

    def __init__(self, offset: int | None = 0) -> None:
        self.at = offset
        self.nodes: list[Node] = []
        self._more = 0

    @property
    def is_full(self) -> bool:
        """Whether further nodes are only counted."""
        return len(self.nodes) >= CHILD_LIMIT

    def add(
        self,
        name: str,
        length: int,
        value: str = "",
        note: str = "",
        *children: Node,
        unit: str = "",
        reference: str = "",
    ) -> None:
        """Add a field of so many octets."""
        self.place(Node(name, value, self.at, length, note, children, unit, reference))

    def skip(self, length: int) -> None:
        """Pass over octets that need no line of their own."""
        if self.at is not None:
            self.at += length

    def place(self, node: Node) -> None:
        """Add a node that knows where it lies, and go on behind it."""
        if self.is_full:
            self._more += 1
        else:
            self.nodes.append(node)
        if self.at is not None:
            self.at += node.length

    def result(self) -> tuple[Node, ...]:
        """What was collected."""
        more = (Node("more", f"{self._more} more"),) if self._more else ()
        return (*self.nodes, *more)

    def pass_over(self, count: int, length: int) -> None:
        """Count nodes that are not built."""
        self._more += count
        self.skip(length)
