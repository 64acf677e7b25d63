"""Demonstrations: whole homes in virtual time, each telling one story."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What every demonstration is told."""

    radio: str
    capture: Path
    tell: Callable[[str], object]


class DemoResult(Protocol):
    """What every demonstration gives back."""

    @property
    def sound(self) -> bool:
        """Whether everything came out as the story says."""
        ...

    def as_json(self) -> dict[str, object]:
        """The result for machines."""
        ...

    def print(self) -> None:
        """The result for people."""
        ...


DEMOS: Final = {
    "join": "four devices join by install code and certificate, one with a wrong code at first",
    "stamps": "a supplier reads a gas meter through the hub: whose clock, how reliable",
    "cot": "a home changes tenants: what displays ask, wipe and keep, what suppliers still read",
    "control": "a day of load control: calendar, boost, commands, a switch over the air, the log",
    "voltage": "two days of mains: periods on the half hour through a cut, a wrong clock, a change",
}
"""Name of a demonstration to its story; the module of that name beside this one runs it."""


def run_demo(name: str, options: DemoOptions) -> DemoResult:
    """Run a demonstration to its end."""
    module = import_module(f"bench.demo.{name}")
    play: Callable[[DemoOptions], DemoResult] = module.play
    return play(options)
