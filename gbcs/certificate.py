"""What GBCS needs of an X.509 certificate: whose it is, in which role, and the public key.

Validity dates are not checked: published organisation certificates have expired.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning

from gbcs.errors import MalformedMessage
from gbcs.party import Role

_UNIQUE_IDENTIFIER: Final = x509.ObjectIdentifier("2.5.4.45")
_HARDWARE_MODULE_NAME: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.4")
_REFUSALS: Final = (  # what the X.509 parser raises for octets it cannot read
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    CryptographyDeprecationWarning,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate in DER, read once."""

    der: bytes
    public_key: ec.EllipticCurvePublicKey
    entity: int | None
    """EUI-64 or entity identifier of the subject; None when the certificate names none."""
    role: Role | None
    """Remote party role; None for a device."""
    key_id: bytes | None
    """Subject key identifier, 8 octets."""


def read_certificate(octets: bytes) -> Certificate:
    """Decode PEM or DER; MalformedMessage when it is no P-256 certificate."""
    is_pem = octets.lstrip()[:5] == b"-----"
    load = x509.load_pem_x509_certificate if is_pem else x509.load_der_x509_certificate
    try:
        with warnings.catch_warnings():
            # what the parser only warns of today, such as a serial number of 0, is refused
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            certificate = load(octets)
        key = certificate.public_key()
        return Certificate(
            certificate.public_bytes(Encoding.DER),
            _p256(key),
            _entity(certificate),
            _role(certificate),
            _key_id(certificate),
        )
    except _REFUSALS as exc:
        raise MalformedMessage(f"not a usable certificate: {exc}") from exc


def _p256(key: object) -> ec.EllipticCurvePublicKey:
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1":
        return key
    raise MalformedMessage("the certificate's key is not on P-256")


def _entity(certificate: x509.Certificate) -> int | None:
    for attribute in certificate.subject.get_attributes_for_oid(_UNIQUE_IDENTIFIER):
        value = attribute.value
        octets = value if isinstance(value, bytes) else value.encode("latin-1")
        return int.from_bytes(octets[-8:], "big")
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    for name in names.get_values_for_type(x509.OtherName):
        if name.type_id == _HARDWARE_MODULE_NAME:
            return int.from_bytes(name.value[-8:], "big")
    return None


def _role(certificate: x509.Certificate) -> Role | None:
    units = certificate.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATIONAL_UNIT_NAME)
    for unit in units:
        try:
            return Role(int(str(unit.value), 16))
        except ValueError:
            continue
    return None


def _key_id(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(
            x509.SubjectKeyIdentifier
        ).value.digest
    except x509.ExtensionNotFound:
        return None
