"""The typed body of any message: GBZ, DLMS, ASN.1 or alert, chosen by message code.

Decoding and encoding again gives the same octets, from the typed values alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from gbcs.alerts import DlmsAlert, OctetDetails, gbz_details
from gbcs.asn1 import payload as asn1
from gbcs.asn1.tlv import Lengths
from gbcs.catalogue.gbz import gbz_components
from gbcs.catalogue.use_case import Technology, by_code
from gbcs.dlms.apdu import AccessRequest, AccessResponse
from gbcs.dlms.data import Data, Tag
from gbcs.dlms.protected import ProtectedResponse
from gbcs.envelope import Cra, Message
from gbcs.errors import MalformedMessage
from gbcs.gbz import PROFILE_ID, Cipher, Component, Gbz, GbzAlert

_PROFILE: Final = PROFILE_ID.to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class Asn1Body:
    """An ASN.1 structure, and how its lengths were written."""

    message_code: int
    cra: Cra
    value: object
    lengths: Lengths = Lengths.SHORTEST

    def to_bytes(self) -> bytes:
        """Encode."""
        return asn1.encode(self.message_code, self.cra, self.value, self.lengths)


@dataclass(frozen=True, slots=True)
class GbzAlertBody:
    """A GBZ alert with what it adds: typed details, or components."""

    alert: GbzAlert
    details: OctetDetails | None = None
    components: tuple[Component, ...] = ()

    def to_bytes(self) -> bytes:
        """Encode."""
        if self.components:
            head = self.alert
            return GbzAlert.with_components(
                head.alert_code, head.time_s, self.components
            ).to_bytes()
        return self.alert.to_bytes()


Body: TypeAlias = Gbz | GbzAlertBody | AccessRequest | AccessResponse | DlmsAlert | Asn1Body


def decode_body(message: Message) -> Body:
    """Decode a message's payload, every octet; MalformedMessage otherwise.

    Encrypted parts stay sealed, see :func:`open_body`.
    """
    code, cra, payload = message.message_code, message.cra, message.payload
    if asn1.has_asn1(code, cra):
        value = asn1.decode(code, cra, payload)
        return Asn1Body(code, cra, value, asn1.lengths_of(payload))
    if payload[:2] == _PROFILE:
        return _decode_gbz(code, cra, payload)
    if cra is Cra.ALERT:
        return DlmsAlert.parse(code, payload)
    if cra is Cra.COMMAND:
        return AccessRequest.parse(payload)
    return AccessResponse.parse(payload)


def _decode_gbz(code: int, cra: Cra, payload: bytes) -> Gbz | GbzAlertBody:
    if cra is not Cra.ALERT:
        return Gbz.parse(payload)
    alert = GbzAlert.parse(payload)
    use_case = by_code(code)
    if use_case is not None and use_case.technology is Technology.DLMS:
        raise MalformedMessage(f"{use_case.name} is not a GBZ alert", 0)
    if use_case is not None and gbz_components(use_case.name, Cra.ALERT):
        return GbzAlertBody(alert, None, alert.components())
    return GbzAlertBody(alert, gbz_details(code, alert))


def sealed_parts(body: Body) -> tuple[bytes, ...]:
    """The encrypted parts of a body, in order."""
    if isinstance(body, (Gbz, GbzAlertBody)):
        return tuple(c.sealed for c in body.components if c.sealed is not None)
    return tuple(protected.sealed for protected in protected_responses(body))


def protected_responses(body: Body) -> tuple[ProtectedResponse, ...]:
    """The protected attributes a DLMS answer or alert holds."""
    candidates: tuple[Data, ...] = ()
    if isinstance(body, AccessResponse):
        candidates = tuple(result.data for result in body.results)
    elif isinstance(body, DlmsAlert) and len(body.members) == 2:
        candidates = (Data(Tag.STRUCTURE, body.members),)
    found = []
    for data in candidates:
        if _looks_protected(data):
            found.append(ProtectedResponse.from_data(data))
    return tuple(found)


def _looks_protected(data: Data) -> bool:
    match data.value:
        case (Data(Tag.ARRAY, (Data(Tag.STRUCTURE, (Data(Tag.ENUM, 2), Data(Tag.STRUCTURE, _))),)),
              Data(Tag.OCTET_STRING, bytes(sealed))):  # fmt: skip
            return sealed[:1] == b"\x31"
    return False


def open_body(body: Body, cipher: Cipher) -> tuple[bytes, ...]:
    """Plaintext of every encrypted part, in order; NotAuthentic when one does not verify."""
    return tuple(cipher.open(sealed) for sealed in sealed_parts(body))
