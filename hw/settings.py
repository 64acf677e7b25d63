"""Settings of radios: where firmware differs, or no text settles a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LONGEST_TIMEOUT: Final = 14
MOST_CHILDREN: Final = 64
_SHORTEST_TIMEOUT_S: Final = 10.0


def timeout_s(end_device_timeout: int) -> float:
    """An end device timeout as Zigbee and EZSP number them: 0 is 10 seconds, n is 2**n minutes."""
    return 60.0 * 2**end_device_timeout if end_device_timeout else _SHORTEST_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class ParentSettings:
    """What a hub's radio does as the parent of end devices (routers are nobody's children).

    end_device_timeout: how long an end device that is not heard (its polls count) remains a child:
        0 is 10 seconds, n is 2**n minutes; 8, which is 256 minutes, is the default of Zigbee and of
        EZSP dongles. One that polls after that is told to rejoin.
    children: how many end devices can be children at a time, at most 64.
    unproven_child_s: how long a device that has associated remains a child before it is heard under
        the network key, on virtual radios; what firmware does is unverified.
    """

    end_device_timeout: int = 8
    children: int = 32
    unproven_child_s: int = 10

    def __post_init__(self) -> None:
        """Refuse what firmware has no place for."""
        for name, least, most in (
            ("end_device_timeout", 0, LONGEST_TIMEOUT),
            ("children", 1, MOST_CHILDREN),
            ("unproven_child_s", 1, 3600),
        ):
            if not least <= (value := getattr(self, name)) <= most:
                raise ValueError(f"{name} is {value}, not from {least} to {most}")
