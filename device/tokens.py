"""Top-up tokens (UTRN): which are accepted, and how guessing is stopped. For any meter.

A token comes in a remote party's message, which says its full counter, or by hand (keypad, PPMID),
and then the counter is restored from its ten bits. Only entry by hand is suspended after failures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gbcs.errors import MalformedMessage
from gbcs.utrn import Token, parse, restore_counter
from han.commands.prepayment import TopUpResult

DUPLICATE: Final = 0x8F51
ABOVE_MAXIMUM_CREDIT: Final = 0x8F5B
ABOVE_MAXIMUM_BALANCE: Final = 0x8F47
NOT_AUTHENTIC: Final = 0x8F63
NOT_FOR_THIS_DEVICE: Final = 0x8F64
ENTRY_SUSPENDED: Final = 0x81C4
LOCKED_OUT: Final = 0x81C5
ADDED_LOCALLY: Final = 0x810E

RESULTS: Final = {
    DUPLICATE: TopUpResult.REJECTED_DUPLICATE,
    ABOVE_MAXIMUM_CREDIT: TopUpResult.REJECTED_TOP_UP_TOO_LARGE,
    ABOVE_MAXIMUM_BALANCE: TopUpResult.REJECTED_MAX_CREDIT_REACHED,
    NOT_AUTHENTIC: TopUpResult.REJECTED_INVALID,
    NOT_FOR_THIS_DEVICE: TopUpResult.REJECTED_INVALID,
    LOCKED_OUT: TopUpResult.REJECTED_KEYPAD_LOCK,
}
"""What a display is answered for each event code of a refusal."""

REMEMBERED: Final = 100
"""Counters of accepted tokens that a meter remembers (GBCS 14)."""
_GUESSES: Final = (NOT_AUTHENTIC, NOT_FOR_THIS_DEVICE)
_COUNTER_BITS: Final = 0x3FF

IsAuthentic = Callable[[Token, int], bool]
"""Whether a token under a full counter carries the MAC of this meter's supplier."""


@dataclass(frozen=True, slots=True)
class PrepaySettings:
    """Each field is a choice; the default is the one the bench believes in.

    utrn_lockout_failures: tokens refused in a row, as not authentic or not for this meter, that
        suspend entry by hand.
    utrn_lockout_s: how long it is suspended the first time; twice as long each time after.
    debt_cap_unit: what a unit of an electricity meter's DebtRecoveryRateCap is, in 1/100000 of the
        currency unit: its 16 bits are too few for that unit itself.
    """

    utrn_lockout_failures: int = 5
    utrn_lockout_s: int = 300
    debt_cap_unit: int = 1_000


@dataclass(slots=True)
class TokenMemory:
    """What a meter keeps of tokens; plain values."""

    counters: list[int] = field(default_factory=list)
    """Of the accepted tokens, the newest last."""
    failures: int = 0
    lockouts: int = 0
    locked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Authentic:
    """A token of this meter that was not used before; it is :meth:`TokenGate.spent` with effect."""

    token: Token
    counter: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Event codes: the reason first."""

    codes: tuple[int, ...]

    @property
    def reason(self) -> int:
        """The event code that says why."""
        return self.codes[0]


class TokenGate:
    """Checks tokens against what the meter keeps of earlier ones."""

    def __init__(
        self,
        memory: Callable[[], TokenMemory],
        is_authentic: IsAuthentic,
        settings: PrepaySettings | None = None,
    ) -> None:
        self._memory, self._is_authentic = memory, is_authentic
        self.settings = settings or PrepaySettings()

    def check(
        self, digits: bytes, now: datetime, counter: int | None = None
    ) -> Authentic | Refused:
        """Check 20 digits; without ``counter`` they were entered by hand."""
        by_hand, memory = counter is None, self._memory()
        if by_hand and memory.locked_until is not None and now < memory.locked_until:
            return Refused((LOCKED_OUT,))
        outcome = self._read(digits, counter)
        if isinstance(outcome, Authentic):
            memory.failures = memory.lockouts = 0
            return Refused((DUPLICATE,)) if self._is_used(outcome.counter) else outcome
        if by_hand and outcome in _GUESSES:
            return Refused((outcome, *self._failed(now)))
        return Refused((outcome,))

    def spent(self, accepted: Authentic) -> None:
        """Remember a token that was credited."""
        counters = self._memory().counters
        counters.append(accepted.counter)
        del counters[:-REMEMBERED]

    def _read(self, digits: bytes, counter: int | None) -> Authentic | int:
        """A token that reads well but has another MAC is taken for one of another meter.

        The MAC covers the meter's identifier, and nothing in a token tells the two cases apart.
        """
        try:
            token = parse(digits.decode("ascii", "replace"))
        except MalformedMessage:
            return NOT_AUTHENTIC
        if counter is None:
            counter = restore_counter(
                token.truncated_counter, max(self._memory().counters, default=0)
            )
        if counter <= 0 or token.truncated_counter != counter & _COUNTER_BITS:
            return NOT_FOR_THIS_DEVICE
        authentic = self._is_authentic(token, counter)
        return Authentic(token, counter) if authentic else NOT_FOR_THIS_DEVICE

    def _is_used(self, counter: int) -> bool:
        """Whether it was accepted before; of one older than all remembered nobody knows."""
        counters = self._memory().counters
        full = len(counters) >= REMEMBERED
        return counter in counters or (full and counter < min(counters))

    def _failed(self, now: datetime) -> tuple[int, ...]:
        memory, settings = self._memory(), self.settings
        memory.failures += 1
        if memory.failures < settings.utrn_lockout_failures:
            return ()
        memory.failures = 0
        memory.locked_until = now + timedelta(seconds=settings.utrn_lockout_s << memory.lockouts)
        memory.lockouts += 1
        return (ENTRY_SUSPENDED,)
