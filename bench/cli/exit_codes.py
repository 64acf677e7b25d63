"""Exit codes, the same for every verb."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a verb's end means to a script."""

    OK = 0
    CHECK_FAILED = 1
    USAGE = 2
    NO_KEY = 3
    NO_RADIO = 4
    INVALID_INPUT = 10
