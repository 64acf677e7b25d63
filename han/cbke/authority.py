"""A certificate authority of our own for emulated devices, and a device's credentials.

Real devices carry certificates of a production or test root; to talk to them, its public key and a
certificate for the hub come from files. Emulated devices use this authority.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from han.cbke.agreement import KeyPair
from han.cbke.certificate import Certificate, Suite, Validity, certificate_octets
from han.cbke.curve import Point

RandomOctets = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one device needs for one suite: certificate, private key, its authority's key."""

    certificate: Certificate
    key: KeyPair
    authority: Point

    @property
    def suite(self) -> Suite:
        """The suite these credentials are for."""
        return self.certificate.suite

    @classmethod
    def load(cls, certificate: bytes, private: bytes, authority: bytes) -> Credentials:
        """Read the three values of a device's file; MalformedMessage or ValueError say what is off.

        The private key is checked against the certificate, so that a mixed-up file is found here.
        """
        parsed = Certificate.parse(certificate)
        curve = parsed.suite.curve
        root = curve.decompress(authority)
        key = KeyPair.of(curve, int.from_bytes(private))
        if parsed.public_key(root) != key.public:
            raise ValueError("the private key is not the one of this certificate and authority")
        return cls(parsed, key, root)


@dataclass(frozen=True, slots=True)
class Authority:
    """Issues implicit certificates of one suite; a bench root, never a production one."""

    suite: Suite
    issuer: int
    key: KeyPair

    @classmethod
    def create(cls, suite: Suite, issuer: int, random: RandomOctets) -> Authority:
        """A new root key from the randomness handed in."""
        return cls(suite, issuer, KeyPair.of(suite.curve, _scalar(suite, random)))

    def issue(
        self,
        subject: int,
        random: RandomOctets,
        *,
        serial: int = 1,
        validity: Validity | None = None,
    ) -> Credentials:
        """Credentials for one device (ECQV, both halves played here)."""
        curve = self.suite.curve
        request = KeyPair.of(curve, _scalar(self.suite, random))
        contribution = KeyPair.of(curve, _scalar(self.suite, random))
        point = curve.add(request.public, contribution.public)
        if point is None:
            raise ValueError("the randomness handed in repeats")
        certificate = Certificate.parse(
            certificate_octets(
                self.suite,
                point=curve.compress(point),
                subject=subject,
                issuer=self.issuer,
                serial=serial,
                validity=validity,
            )
        )
        private = certificate.hash * (request.private + contribution.private) + self.key.private
        return Credentials(certificate, KeyPair.of(curve, private % curve.order), self.key.public)


def _scalar(suite: Suite, random: RandomOctets) -> int:
    return int.from_bytes(random(suite.curve.octets + 8))  # longer: no bias worth naming
