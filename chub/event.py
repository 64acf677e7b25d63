"""What the hub tells of its devices: those that check in with it, and addresses it doubts."""

from __future__ import annotations

from dataclasses import dataclass

from device.event import Code, Eui64, Event


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressClaimed(Event):
    """An announcement moves a device, which has not joined anew, to another short address.

    SECURITY: any holder of the network key can announce a device; what is for it now goes there.
    """

    peer: Eui64
    claimed: Code
    nwk: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressClaimFalse(Event):
    """SECURITY: a device that was announced elsewhere still speaks from where it was."""

    peer: Eui64
    claimed: Code
    nwk: Code
