"""What the hub tells of sleepy devices that check in with it."""

from __future__ import annotations

from dataclasses import dataclass

from device.event import Eui64, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedIn(Event):
    """A sleepy device checked in; ``fast_poll`` says whether the hub has it poll fast."""

    peer: Eui64
    fast_poll: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PollControlBound(Event):
    """A sleepy device checks in with the hub from now on.

    ``refused`` are the intervals that it would not take, with the status it gave.
    """

    peer: Eui64
    endpoint: int
    refused: tuple[str, ...] = ()
