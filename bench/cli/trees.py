"""Annotated trees of messages, in colour and columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gbcs.explain import Node


def print_trees(trees: list[Node]) -> None:
    """Show trees in columns: offset, length, name, value and unit, note, reference."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for tree in trees:
        for depth, node in tree.walk():
            place = "" if node.offset is None else f"{node.offset:5} {node.length:4}"
            line = Text(f"{place:10}  ", style="dim")
            line.append("  " * depth + node.name, style="bold" if depth < 1 else "cyan")
            line.append(f"  {_clipped(node.value)}", style="")
            line.append(f" {node.unit}" if node.unit else "", style="yellow")
            line.append(f"  {_clipped(node.note)}" if node.note else "", style="green")
            line.append(f"  {_clipped(node.reference)}" if node.reference else "", style="dim")
            console.print(line)


def _clipped(value: str) -> str:
    """At most 80 characters, none of which a terminal would obey."""
    short = value if len(value) <= 80 else f"{value[:77]}..."
    return "".join(c if c.isprintable() else f"\\x{ord(c):02X}" for c in short)
