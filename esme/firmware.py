"""Firmware: the version that runs, the image that waits, and its activation by CS06.

Activation changes the running version and nothing else: metrology, clock, counters and logs go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gbcs.asn1.devices import ActivationAlert, ActivationOutcome, FirmwareActivation
from gbcs.asn1.names import ActivationCode

ACTIVATED: Final = 0x8F66
NOT_ACTIVATED: Final = 0x8F67
NEVER: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""Execution time that cancels an activation to come."""


@dataclass(slots=True)
class FirmwareState:
    """``running`` is empty until an image was activated; ``image`` and its hash wait."""

    running: bytes = b""
    image: bytes = b""
    image_hash: bytes = b""
    ordered_hash: bytes = b""
    ordered_counter: int = 0
    due: datetime | None = None


class Firmware:
    """The firmware of one meter; ``factory`` is the version it was made with."""

    def __init__(self, state: FirmwareState, factory: Callable[[], bytes]) -> None:
        self.state = state
        self._factory = factory

    @property
    def running(self) -> bytes:
        """Version that runs: four octets."""
        return self.state.running or self._factory()

    def hold(self, version: bytes, image_hash: bytes) -> None:
        """Keep an image that was received and verified."""
        self.state.image, self.state.image_hash = version, image_hash

    def order(self, command: FirmwareActivation, own: datetime) -> ActivationOutcome | None:
        """Activate at once, or later (None): a new order takes the place of an earlier one."""
        state, state.due = self.state, None
        if command.execute_at is None or command.execute_at <= own:
            return self._activate(command.image_hash)
        if command.execute_at < NEVER:
            state.due = command.execute_at
            state.ordered_hash, state.ordered_counter = command.image_hash, command.counter
        return None

    def execute_due(self, own: datetime) -> ActivationAlert | None:
        """Activate what was ordered for this time: the alert that tells of it."""
        state = self.state
        if state.due is None or own < state.due:
            return None
        state.due = None
        outcome = self._activate(state.ordered_hash)
        code = ACTIVATED if outcome.result == ActivationCode.SUCCESS else NOT_ACTIVATED
        return ActivationAlert(code, own, state.ordered_counter, outcome)

    def _activate(self, image_hash: bytes) -> ActivationOutcome:
        state = self.state
        if not state.image:
            return ActivationOutcome(ActivationCode.NO_IMAGE_HELD, self.running)
        if state.image_hash != image_hash:
            return ActivationOutcome(ActivationCode.HASH_MISMATCH, self.running)
        state.running, state.image, state.image_hash = state.image, b"", b""
        return ActivationOutcome(ActivationCode.SUCCESS, self.running)
