"""A test PKI: root, issuing authority, organisations by role, devices, as GBCS certificates look.

It protects nothing: keys are made from randomness handed in and written unencrypted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.name import _ASN1Type

from gbcs.certificate import read_certificate
from gbcs.certificate_path import key_identifier
from gbcs.errors import LocalError, MalformedMessage
from gbcs.keys import KeyStore, Usage
from gbcs.party import Role

RandomOctets = Callable[[int], bytes]
Private = ec.EllipticCurvePrivateKey

FILE_SUFFIX: Final = {
    Usage.DIGITAL_SIGNATURE: "ds",
    Usage.KEY_AGREEMENT: "ka",
    Usage.PREPAYMENT_KEY_AGREEMENT: "pp-ka",
}
"""Ends of key file names, before .pem and .key."""

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_NEVER_EXPIRES: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_ORGANISATION_VALIDITY: Final = timedelta(days=3650)
_ORGANISATION_POLICY: Final = x509.ObjectIdentifier("1.2.826.0.1.8641679.1.2.1.4")
_DEVICE_POLICY: Final = x509.ObjectIdentifier("1.2.826.0.1.1800000.1.2.1.4")
_HARDWARE_MODULE_NAME: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.4")
_HARDWARE_TYPE: Final = bytes.fromhex("060D2A863A0001848FB90F01020201")  # as test devices have it
_ONLY_SIGNING: Final = frozenset({Role.RECOVERY, Role.TRANSITIONAL_COS})


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate and its private key."""

    name: str
    """File name without suffix, such as 90b3d51f30010000-ka."""
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def certificate_pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    def certificate_der(self) -> bytes:
        """The certificate as DER."""
        return self.certificate.public_bytes(Encoding.DER)

    def key_pem(self) -> bytes:
        """The private key as unencrypted PEM."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def __repr__(self) -> str:
        return f"<Holder {self.name}>"


@dataclass(frozen=True, slots=True)
class TestPki:
    """Everything made: authorities first, then one holder for each entity and usage."""

    __test__ = False  # not a test, whatever its name says

    root: Holder
    issuing: Holder
    holders: Mapping[tuple[int, Usage], Holder]
    roles: Mapping[int, Role]

    def key_store(self) -> KeyStore:
        """All of it as a key store."""
        keys = KeyStore()
        root = self.root.certificate_der()
        keys.add_root(self.root.key.public_key(), read_certificate(root))
        for (entity, usage), holder in self.holders.items():
            role = self.roles.get(entity)
            keys.add_private(entity, usage, holder.key, role, holder.certificate_der())
        return keys


def make_test_pki(
    organisations: Mapping[Role, int],
    devices: tuple[int, ...],
    not_before: datetime,
    random_octets: RandomOctets,
) -> TestPki:
    """Make a PKI for these organisations and devices."""
    maker = Maker(not_before, random_octets)
    root = maker.authority("test-root", "TEST ROOT", None)
    issuing = maker.authority("test-issuing", "TEST", root)
    holders: dict[tuple[int, Usage], Holder] = {}
    for role, entity in organisations.items():
        for usage in organisation_usages(role):
            holders[entity, usage] = maker.organisation(entity, usage, role, issuing)
    for entity in devices:
        if (entity, Usage.KEY_AGREEMENT) in holders:
            raise LocalError(f"{entity:016X} is an organisation and a device")
        for usage in (Usage.DIGITAL_SIGNATURE, Usage.KEY_AGREEMENT):
            holders[entity, usage] = maker.device(entity, usage, issuing)
    return TestPki(root, issuing, holders, {entity: role for role, entity in organisations.items()})


def organisation_usages(role: Role) -> tuple[Usage, ...]:
    """Which key pairs an organisation of a role has."""
    if role is Role.SUPPLIER:
        return tuple(Usage)
    if role in _ONLY_SIGNING:
        return (Usage.DIGITAL_SIGNATURE,)
    return (Usage.DIGITAL_SIGNATURE, Usage.KEY_AGREEMENT)


class Maker:
    """Makes keys and certificates from one source of randomness, valid from one moment.

    Certificates are for new keys, unless the holder's ``key`` is given.
    """

    def __init__(self, not_before: datetime, random_octets: RandomOctets) -> None:
        self._not_before = not_before.replace(microsecond=0)
        self._random_octets = random_octets

    def authority(
        self, name: str, common_name: str, issuer: Holder | None, key: Private | None = None
    ) -> Holder:
        """An authority that an issuer certifies; without one it is a root."""
        subject = _authority_name(common_name)
        usage = certified_key_usage(certificates=True)
        builder = self._builder(subject, usage, _ORGANISATION_POLICY)
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        return self._sign(name, builder, issuer, self._not_before + 2 * _ORGANISATION_VALIDITY, key)

    def organisation(
        self, entity: int, usage: Usage, role: Role, issuer: Holder, key: Private | None = None
    ) -> Holder:
        """A remote party in its role."""
        unique = x509.NameAttribute(
            x509.NameOID.X500_UNIQUE_IDENTIFIER,
            bytes(1) + entity.to_bytes(8, "big"),
            _ASN1Type.BitString,
        )
        unit = x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, f"{role:02X}")
        builder = self._builder(
            x509.Name([unit, unique]), certified_key_usage(usage), _ORGANISATION_POLICY
        )
        until = self._not_before + _ORGANISATION_VALIDITY
        return self._sign(_file_name(entity, usage), builder, issuer, until, key)

    def device(
        self, entity: int, usage: Usage, issuer: Holder, key: Private | None = None
    ) -> Holder:
        """A device."""
        builder = self._device(entity, certified_key_usage(usage))
        return self._sign(_file_name(entity, usage), builder, issuer, _NEVER_EXPIRES, key)

    def certify(self, request: bytes, issuer: Holder) -> bytes:
        """The certificate (DER) that answers a device's certification request (PKCS#10, DER).

        MalformedMessage when the request cannot be read, names no device or is not self-signed.
        """
        read, entity, usage = read_request(request)
        builder = self._device(entity, usage)
        public = read.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)  # read_request looked
        certificate = self._certificate(builder, public, issuer.key, issuer, _NEVER_EXPIRES)
        return certificate.public_bytes(Encoding.DER)

    def _device(self, entity: int, usage: x509.KeyUsage) -> x509.CertificateBuilder:
        builder = self._builder(x509.Name([]), usage, _DEVICE_POLICY)
        return builder.add_extension(device_name(entity), critical=True)

    def _builder(
        self, subject: x509.Name, usage: x509.KeyUsage, policy: x509.ObjectIdentifier
    ) -> x509.CertificateBuilder:
        policies = x509.CertificatePolicies([x509.PolicyInformation(policy, None)])
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .serial_number(int.from_bytes(self._random_octets(16), "big") >> 1 | 1)
            .not_valid_before(self._not_before)
            .add_extension(usage, critical=True)
            .add_extension(policies, critical=True)
        )

    def _sign(
        self,
        name: str,
        builder: x509.CertificateBuilder,
        issuer: Holder | None,
        until: datetime,
        key: Private | None = None,
    ) -> Holder:
        key = key or self._key()
        signer = key if issuer is None else issuer.key
        return Holder(
            name, self._certificate(builder, key.public_key(), signer, issuer, until), key
        )

    def _certificate(
        self,
        builder: x509.CertificateBuilder,
        public: ec.EllipticCurvePublicKey,
        signer: ec.EllipticCurvePrivateKey,
        issuer: Holder | None,
        until: datetime,
    ) -> x509.Certificate:
        issuer_name = _authority_name("TEST ROOT") if issuer is None else issuer.certificate.subject
        authority = key_identifier(signer.public_key())
        return (
            builder.issuer_name(issuer_name)
            .not_valid_after(until)
            .public_key(public)
            .add_extension(x509.SubjectKeyIdentifier(key_identifier(public)), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier(authority, None, None), critical=False)
            .sign(signer, SHA256(), ecdsa_deterministic=True)
        )

    def _key(self) -> ec.EllipticCurvePrivateKey:
        number = int.from_bytes(self._random_octets(40), "big") % (_ORDER - 1) + 1
        return ec.derive_private_key(number, ec.SECP256R1())


def _authority_name(common_name: str) -> x509.Name:
    unit = x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "07")
    return x509.Name([unit, x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def _file_name(entity: int, usage: Usage) -> str:
    return f"{entity:016x}-{FILE_SUFFIX[usage]}"


def device_name(entity: int) -> x509.SubjectAlternativeName:
    """How certificates and certification requests name a device: by its hardware module name."""
    inside = _HARDWARE_TYPE + b"\x04\x08" + entity.to_bytes(8, "big")
    name = x509.OtherName(_HARDWARE_MODULE_NAME, b"\x30" + bytes((len(inside),)) + inside)
    return x509.SubjectAlternativeName([name])


def read_holder(name: str, certificate: bytes, key: bytes) -> Holder:
    """A holder from PEM; MalformedMessage when certificate or key cannot be read."""
    try:
        read, private = x509.load_pem_x509_certificate(certificate), load_pem_private_key(key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise MalformedMessage(f"{name}: {exc}") from exc
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise MalformedMessage(f"{name}: not an elliptic curve key")
    return Holder(name, read, private)


def read_request(
    octets: bytes,
) -> tuple[x509.CertificateSigningRequest, int, x509.KeyUsage]:
    """A device's certification request, the device it names, and the key usage it asks for.

    MalformedMessage when it cannot be read, is not self-signed, or asks for no device.
    """
    try:
        request = x509.load_der_x509_csr(octets)
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        usage = request.extensions.get_extension_for_class(x509.KeyUsage).value
        is_p256 = isinstance(request.public_key(), ec.EllipticCurvePublicKey)
        if not is_p256 or not request.is_signature_valid:
            raise MalformedMessage("a certification request is not signed with its own key")
    except (ValueError, x509.ExtensionNotFound, UnsupportedAlgorithm) as exc:
        raise MalformedMessage(f"not a certification request of a device: {exc}") from exc
    for name in names.get_values_for_type(x509.OtherName):
        if name.type_id == _HARDWARE_MODULE_NAME:
            return request, int.from_bytes(name.value[-8:], "big"), usage
    raise MalformedMessage("a certification request names no device")


def certified_key_usage(usage: Usage | None = None, *, certificates: bool = False) -> x509.KeyUsage:
    """The key usage extension for a usage, or for an authority that signs certificates."""
    return x509.KeyUsage(
        digital_signature=usage is Usage.DIGITAL_SIGNATURE,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=usage in (Usage.KEY_AGREEMENT, Usage.PREPAYMENT_KEY_AGREEMENT),
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )
