"""Messages of the Key Establishment cluster; identifiers are the same in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from gbcs.errors import MalformedMessage, RemoteError
from han.cbke.certificate import Suite
from han.zcl.payload import U8, U16, Rest, decode


class Step(IntEnum):
    """Commands, as the initiator sends them and the responder answers them."""

    INITIATE = 0
    EPHEMERAL_DATA = 1
    CONFIRM_KEY = 2
    TERMINATE = 3


class KeyStatus(IntEnum):
    """Why an exchange ended without a key; the first two are final for that partner."""

    UNKNOWN_ISSUER = 1
    BAD_KEY_CONFIRM = 2
    BAD_MESSAGE = 3
    NO_RESOURCES = 4
    UNSUPPORTED_SUITE = 5
    INVALID_CERTIFICATE = 6


@dataclass(frozen=True, slots=True)
class Initiate:
    """The offered suite, the seconds the sender needs to compute, and its certificate."""

    suite: U16
    ephemeral_s: U8
    confirm_s: U8
    certificate: Rest


@dataclass(frozen=True, slots=True)
class Terminate:
    """An exchange ends; ``wait_s`` is how long the partner should wait before it tries again."""

    status: U8
    wait_s: U8
    suites: U16


class RefusalError(RemoteError):
    """The partner's message ends the exchange with this status."""

    def __init__(self, status: KeyStatus) -> None:
        super().__init__(status.name)
        self.status = status


def parse_initiate(payload: bytes, ours: Suite) -> tuple[Initiate, Suite]:
    """Read an Initiate and the one suite it offers; RefusalError when we cannot take it."""
    try:
        message = decode(Initiate, payload)
    except MalformedMessage:
        raise RefusalError(KeyStatus.BAD_MESSAGE) from None
    if message.suite.bit_count() != 1:
        raise RefusalError(KeyStatus.BAD_MESSAGE)
    if not message.suite & ours:
        raise RefusalError(KeyStatus.UNSUPPORTED_SUITE)
    suite = Suite(message.suite)
    if len(message.certificate) != suite.certificate_octets:
        raise RefusalError(KeyStatus.BAD_MESSAGE)
    return message, suite
