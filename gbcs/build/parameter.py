"""Parameters of a use case by name: what there is, and what was given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gbcs.errors import LocalError
from gbcs.plain import Plain

# Points, colons and dashes count inside logical names, between digits, and nowhere else.
_IGNORED: Final = re.compile(r"[^a-z0-9\[\].:/@-]|(?<!\d)[.:-]|[.:-](?!\d)")


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    """One parameter: name, type, and what happens when it is left out."""

    name: str
    type: str
    required: bool
    default: Plain = None
    choices: tuple[Plain, ...] = ()
    limits: tuple[int, int] | None = None


def normalised(name: str) -> str:
    """Names are the same without case and punctuation: ``Time: setTime`` is ``time.set_time``."""
    return _IGNORED.sub("", name.lower())


class Arguments:
    """Values given for parameters; knows which ones nobody asked for."""

    def __init__(self, values: Mapping[str, Plain]) -> None:
        self._values = {normalised(name): value for name, value in values.items()}
        self._names = {normalised(name): name for name in values}
        self._unused = set(self._values)

    def has(self, *names: str) -> bool:
        """Whether a value was given under one of these names."""
        return any(normalised(name) in self._values for name in names)

    def take(self, *names: str) -> Plain:
        """The value given under the first of these names that has one; LocalError when none has."""
        for name in names:
            key = normalised(name)
            if key in self._values:
                self._unused.discard(key)
                return self._values[key]
        raise LocalError(f"parameter {names[0]} is missing")

    def highest_index(self, label: str) -> int:
        """Greatest n of the names ``label[n]...`` given; 0 when there is none."""
        pattern = re.compile(re.escape(normalised(label)) + r"\[(\d+)\]")
        found = (pattern.match(key) for key in self._values)
        return max((int(match[1]) for match in found if match), default=0)

    def finish(self) -> None:
        """Refuse what nobody asked for."""
        if self._unused:
            name = self._names[sorted(self._unused)[0]]
            raise LocalError(f"there is no parameter {name!r} here")
