"""What key establishment tells: how exchanges go, how they end, and the times it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from han.cbke.certificate import Suite
from han.cbke.messages import KeyStatus, Step


@dataclass(frozen=True, slots=True)
class KeySettings:
    """Times of key establishment; what is announced is in whole seconds."""

    ephemeral_s: int = 10
    """Announced to the partner: how long our ephemeral key may take."""
    confirm_s: int = 10
    """Announced to the partner: how long our confirmation may take."""
    allowance: timedelta = timedelta(seconds=2)
    """Transmission time added to what the partner announced."""
    first_reply: timedelta = timedelta(seconds=10)
    """How long the partner has before it announced anything."""
    busy_wait_s: int = 30
    """A partner we have no room for is told to wait this long."""
    capacity: int = 8
    """Exchanges answered at the same time."""
    repeat_hold: timedelta = timedelta(seconds=5)
    """How long after the last step an initiator that repeats it gets the same answer again."""


class Role(Enum):
    """Who began."""

    INITIATOR = "initiator"
    RESPONDER = "responder"


@dataclass(frozen=True, slots=True)
class KeyEstablished:
    """Both sides have confirmed the new link key; install it in the radio. It does not print."""

    partner: int
    role: Role
    suite: Suite
    link_key: bytes

    def __repr__(self) -> str:
        """Everything but the key."""
        return f"KeyEstablished({self.partner:016X}, {self.role.value}, {self.suite.name})"


@dataclass(frozen=True, slots=True)
class KeyNotEstablished:
    """The exchange failed; ``status`` is the one sent or received, None when there was none."""

    partner: int
    role: Role
    status: KeyStatus | None
    reason: str
    wait_s: int = 0


KeyEvent = KeyEstablished | KeyNotEstablished


@dataclass(frozen=True, slots=True)
class KeyStep:
    """The partner's message of this step was good."""

    partner: int
    role: Role
    step: Step
    suite: Suite
