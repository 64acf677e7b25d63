"""Certificates as issued: what they may be used for, when, and whether a path leads to a root.

Called by a device that is told to replace a trust anchor, and by whoever checks a device's own
certificate. A path is made of signatures and key identifiers; names are not compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gbcs.asn1.names import KeyUse
from gbcs.certificate import Certificate, read_certificate
from gbcs.errors import MalformedMessage

T = TypeVar("T", bound=x509.ExtensionType)


def key_identifier(key: ec.EllipticCurvePublicKey) -> bytes:
    """Subject key identifier: 0100 and the low 60 bits of the SHA-1 of the public point."""
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    digest = hashlib.sha1(point, usedforsecurity=False).digest()[-8:]
    return bytes((0x40 | digest[0] & 0x0F,)) + digest[1:]


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with what a path check needs of it."""

    certificate: Certificate
    key_use: KeyUse
    authority_key_id: bytes | None
    """Subject key identifier of the authority that signed it."""
    is_authority: bool
    not_before: datetime
    not_after: datetime
    signature: bytes = field(repr=False)
    signed: bytes = field(repr=False)
    """What the signature is over."""

    @property
    def key_id(self) -> bytes:
        """Its own subject key identifier, worked out when the certificate does not say it."""
        return self.certificate.key_id or key_identifier(self.certificate.public_key)

    def is_signed_by(self, key: ec.EllipticCurvePublicKey) -> bool:
        """Whether this key made the certificate's signature (ECDSA with SHA-256)."""
        try:
            key.verify(self.signature, self.signed, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    def is_valid_at(self, moment: datetime, *, not_before_counts: bool = True) -> bool:
        """Whether a moment lies within its validity dates."""
        begun = not not_before_counts or self.not_before <= moment
        return begun and moment <= self.not_after


def read_issued(octets: bytes) -> Issued:
    """Decode PEM or DER; MalformedMessage when it is no P-256 certificate that can be checked."""
    certificate = read_certificate(octets)
    try:
        read = x509.load_der_x509_certificate(certificate.der)
        constraints = _extension(read, x509.BasicConstraints)
        authority = _extension(read, x509.AuthorityKeyIdentifier)
        return Issued(
            certificate,
            _key_use(_extension(read, x509.KeyUsage)),
            authority.key_identifier if authority else None,
            constraints is not None and constraints.ca,
            read.not_valid_before_utc,
            read.not_valid_after_utc,
            read.signature,
            read.tbs_certificate_bytes,
        )
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as exc:
        raise MalformedMessage(f"not a usable certificate: {exc}") from exc


def leads_to(
    leaf: Issued,
    between: Sequence[Issued],
    root: ec.EllipticCurvePublicKey,
    root_key_id: bytes,
) -> bool:
    """Whether signatures lead from a certificate, over some of those between, to the root's key."""
    if leaf.authority_key_id in (root_key_id, None) and leaf.is_signed_by(root):
        return True
    return any(
        issuer.is_authority
        and KeyUse.KEY_CERT_SIGN in issuer.key_use
        and issuer.key_id == leaf.authority_key_id
        and leaf.is_signed_by(issuer.certificate.public_key)
        and leads_to(issuer, [one for one in between if one is not issuer], root, root_key_id)
        for issuer in between
    )


def _extension(read: x509.Certificate, kind: type[T]) -> T | None:
    try:
        return read.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _key_use(usage: x509.KeyUsage | None) -> KeyUse:
    found = KeyUse(0)
    if usage is None:
        return found
    if usage.digital_signature:
        found |= KeyUse.DIGITAL_SIGNATURE
    if usage.key_agreement:
        found |= KeyUse.KEY_AGREEMENT
    if usage.key_cert_sign:
        found |= KeyUse.KEY_CERT_SIGN
    if usage.crl_sign:
        found |= KeyUse.CRL_SIGN
    return found
