"""One exchange with one partner, as initiator or responder: what each message must be, and does.

No messages are sent here and no time passes: :mod:`han.cbke.service` does that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from hmac import compare_digest
from typing import Final

from gbcs.errors import MalformedMessage, NotAuthentic
from han.cbke.agreement import Agreement, KeyPair, shared_point
from han.cbke.authority import Credentials
from han.cbke.certificate import Certificate, Suite
from han.cbke.curve import Point
from han.cbke.messages import KeyStatus, RefusalError, Step


class State(Enum):
    """What the exchange waits for."""

    CERTIFICATE = "the partner's certificate"
    EPHEMERAL = "the partner's ephemeral key"
    CONFIRMATION = "the partner's confirmation"
    ESTABLISHED = "established"


NEXT: Final = {
    (State.CERTIFICATE, Step.INITIATE): State.EPHEMERAL,
    (State.EPHEMERAL, Step.EPHEMERAL_DATA): State.CONFIRMATION,
    (State.CONFIRMATION, Step.CONFIRM_KEY): State.ESTABLISHED,
}


@dataclass(slots=True)
class Exchange:
    """The state of one exchange; ``initiator`` says which end we are (U, or else V)."""

    own: int
    partner: int
    credentials: Credentials
    ephemeral: KeyPair
    initiator: bool
    state: State = State.CERTIFICATE
    partner_key: Point | None = None
    partner_point: bytes = b""
    agreement: Agreement | None = field(default=None, repr=False)

    @property
    def suite(self) -> Suite:
        """The suite of the exchange."""
        return self.credentials.suite

    @property
    def ephemeral_point(self) -> bytes:
        """Our ephemeral public key, compressed."""
        return self.suite.curve.compress(self.ephemeral.public)

    def advance(self, step: Step, payload: bytes) -> None:
        """Take the partner's next message (a certificate, a point, a MAC).

        RefusalError for a step out of order and for whatever is wrong with the message.
        """
        following = NEXT.get((self.state, step))
        if following is None:
            raise RefusalError(KeyStatus.BAD_MESSAGE)
        match step:
            case Step.INITIATE:
                self._take_certificate(payload)
            case Step.EPHEMERAL_DATA:
                self._take_ephemeral(payload)
            case Step.CONFIRM_KEY:
                self._take_confirmation(payload)
        self.state = following

    @property
    def confirmation(self) -> bytes:
        """Our MAC, once both ephemeral keys are known."""
        return self._mac(of_initiator=self.initiator)

    @property
    def link_key(self) -> bytes:
        """The key both sides have, once the partner has confirmed it."""
        if self.agreement is None or self.state is not State.ESTABLISHED:
            raise ValueError("no key is established")
        return self.agreement.link_key

    def _take_certificate(self, octets: bytes) -> None:
        """Names and usage are checked before any arithmetic is done."""
        try:
            certificate = Certificate.parse(octets)
            if certificate.issuer != self.credentials.certificate.issuer:
                raise RefusalError(KeyStatus.UNKNOWN_ISSUER)
            if certificate.subject != self.partner or not certificate.allows_key_agreement:
                raise RefusalError(KeyStatus.INVALID_CERTIFICATE)
            self.partner_key = certificate.public_key(self.credentials.authority)
        except MalformedMessage:
            raise RefusalError(KeyStatus.INVALID_CERTIFICATE) from None

    def _take_ephemeral(self, octets: bytes) -> None:
        curve, key = self.suite.curve, self.credentials.key
        if self.partner_key is None:
            raise RefusalError(KeyStatus.BAD_MESSAGE)
        try:
            point = curve.decompress(octets)
            shared = shared_point(curve, key, self.ephemeral, self.partner_key, point)
        except (MalformedMessage, NotAuthentic):
            raise RefusalError(KeyStatus.BAD_MESSAGE) from None
        self.partner_point = octets
        self.agreement = Agreement.of(shared)

    def _take_confirmation(self, octets: bytes) -> None:
        if not compare_digest(self._mac(of_initiator=not self.initiator), octets):
            raise RefusalError(KeyStatus.BAD_KEY_CONFIRM)

    def _mac(self, *, of_initiator: bool) -> bytes:
        if self.agreement is None:
            raise ValueError("no key is agreed")
        identities, points = (self.own, self.partner), (self.ephemeral_point, self.partner_point)
        if not self.initiator:
            identities, points = identities[::-1], points[::-1]
        if of_initiator:
            return self.agreement.initiator_mac(identities, points)
        return self.agreement.responder_mac(identities, points)
