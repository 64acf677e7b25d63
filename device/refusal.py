"""Why a device does not execute a message: every reason by name, and what the security log gets."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final


class Refusal(Enum):
    """Reasons; none of them is ever answered with a Response."""

    MALFORMED = "the octets follow no message format"
    NOT_A_COMMAND = "a response or an alert"
    WRONG_RECIPIENT = "addressed to another device"
    UNKNOWN_USE_CASE = "no use case has this message code"
    NOT_SUPPORTED = "this device does not have the use case"
    UNKNOWN_ORIGINATOR = "the device does not trust the originator"
    NOT_AUTHORISED = "the originator's role has no authority for the use case"
    WRONG_PROTECTION = "MAC or signature where the use case has none, or none where it has one"
    NO_KEY = "the device lacks a key to check or to answer it"
    MAC_INVALID = "the MAC does not verify"
    SIGNATURE_INVALID = "the signature does not verify"
    REPLAYED = "the originator counter is not greater than the last one"
    TEMPLATE = "the payload is not what the use case prescribes"
    STORAGE = "what it changes cannot be kept"
    FAULT = "the emulated device itself failed"


INTEGRITY: Final = 0x8F1E
"""Content or format integrity failed."""
NO_AUTHORITY: Final = 0x8F30
NOT_AUTHENTIC: Final = 0x8F3D
OTHER_AUTHORISATION: Final = 0x8F53
"""Other authentication or authorisation failure."""
UNUSUAL_NUMBER: Final = 0x8F60
"""Unusual number of malformed, out-of-order or unexpected commands."""

SECURITY_LOG_CODES: Final[Mapping[Refusal, int | None]] = {
    Refusal.MALFORMED: INTEGRITY,
    Refusal.NOT_A_COMMAND: INTEGRITY,
    Refusal.WRONG_RECIPIENT: INTEGRITY,
    Refusal.UNKNOWN_USE_CASE: INTEGRITY,
    Refusal.NOT_SUPPORTED: INTEGRITY,
    Refusal.UNKNOWN_ORIGINATOR: NO_AUTHORITY,
    Refusal.NOT_AUTHORISED: NO_AUTHORITY,
    Refusal.WRONG_PROTECTION: INTEGRITY,
    Refusal.NO_KEY: NOT_AUTHENTIC,
    Refusal.MAC_INVALID: NOT_AUTHENTIC,
    Refusal.SIGNATURE_INVALID: NOT_AUTHENTIC,
    Refusal.REPLAYED: OTHER_AUTHORISATION,
    Refusal.TEMPLATE: INTEGRITY,
    Refusal.STORAGE: None,
    Refusal.FAULT: None,
}
"""Security log codes; that of a replay is unverified, as are those of the first five checks but
format."""


class RefusedError(Exception):
    """Raised inside the pipeline by the check that fails."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        super().__init__(detail or refusal.value)
        self.refusal = refusal
        self.detail = detail or refusal.value


class RefusalBurst:
    """Counts refusals in a sliding window: too many make one 0x8F60, then none for a window.

    The threshold (10 an hour) is unverified.
    """

    def __init__(self, threshold: int, window_s: float) -> None:
        self._threshold = threshold
        self._window_s = window_s
        self._times: list[float] = []
        self._quiet_until = float("-inf")

    def count(self, now_s: float) -> bool:
        """Count one refusal; True when it makes the number unusual."""
        self._times = [t for t in self._times if now_s - t < self._window_s][-self._threshold :]
        self._times.append(now_s)
        if len(self._times) <= self._threshold or now_s < self._quiet_until:
            return False
        self._quiet_until = now_s + self._window_s
        return True
