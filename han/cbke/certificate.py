"""Implicit certificates of the two suites, and the public key an ECQV certificate stands for.

A certificate holds no public key but a reconstruction point: key = hash(certificate) x point + the
authority's key. Layouts: Smart Energy suite 1 (48 octets) and suite 2 (74 octets). EUI-64 are big
endian here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import Final, Self

from gbcs.errors import MalformedMessage
from han.cbke.curve import SECT163K1, SECT283K1, Curve, Point
from han.radio import aes_mmo

PROFILE_ID: Final = 0x0109
IMPLICIT_TYPE: Final = 0x00
CURVE_SECT283K1: Final = 0x0D
HASH_AES_MMO: Final = 0x08
VALID_FOREVER: Final = 0xFFFFFFFF
KEY_AGREEMENT: Final = 0x08


class Suite(IntFlag):
    """Key establishment suites, as the attribute and the messages carry them."""

    SUITE_1 = 0x0001
    SUITE_2 = 0x0002

    @property
    def curve(self) -> Curve:
        """The suite's curve."""
        return SECT163K1 if self is Suite.SUITE_1 else SECT283K1

    @property
    def certificate_octets(self) -> int:
        """Length of the suite's certificates."""
        return 48 if self is Suite.SUITE_1 else 74


@dataclass(frozen=True, slots=True)
class Certificate:
    """One implicit certificate: who it names, who issued it, and its octets."""

    octets: bytes
    suite: Suite
    subject: int
    issuer: int
    point: bytes
    key_usage: int = KEY_AGREEMENT

    @classmethod
    def parse(cls, octets: bytes) -> Self:
        """Read a certificate of 48 or 74 octets; MalformedMessage for any other."""
        if len(octets) == Suite.SUITE_1.certificate_octets:
            subject, issuer = _eui64(octets, 22), _eui64(octets, 30)
            return cls(octets, Suite.SUITE_1, subject, issuer, octets[:22])
        if len(octets) != Suite.SUITE_2.certificate_octets:
            raise MalformedMessage(f"a certificate has 48 or 74 octets, not {len(octets)}")
        if octets[0] != IMPLICIT_TYPE or octets[9:11] != bytes((CURVE_SECT283K1, HASH_AES_MMO)):
            raise MalformedMessage("not an implicit sect283k1 certificate", offset=0)
        subject, issuer = _eui64(octets, 28), _eui64(octets, 11)
        return cls(octets, Suite.SUITE_2, subject, issuer, octets[37:], octets[36])

    @property
    def hash(self) -> int:
        """AES-MMO of the certificate, as the integer ECQV multiplies with."""
        return int.from_bytes(aes_mmo(self.octets))

    @property
    def allows_key_agreement(self) -> bool:
        """Whether the key may be used to establish keys."""
        return bool(self.key_usage & KEY_AGREEMENT)

    def public_key(self, authority: Point) -> Point:
        """The subject's key under this authority's key; MalformedMessage when there is none."""
        curve = self.suite.curve
        key = curve.add(curve.multiply(self.hash, curve.decompress(self.point)), authority)
        if key is None:
            raise MalformedMessage("the certificate stands for no key")
        return key


@dataclass(frozen=True, slots=True)
class Validity:
    """When a suite 2 certificate holds: Unix seconds, and seconds from there."""

    from_s: int = 0
    for_s: int = VALID_FOREVER


def certificate_octets(
    suite: Suite,
    *,
    point: bytes,
    subject: int,
    issuer: int,
    serial: int = 1,
    validity: Validity | None = None,
) -> bytes:
    """Lay out a certificate; suite 1 has neither serial number nor validity."""
    if suite is Suite.SUITE_1:
        return b"".join(
            (point, subject.to_bytes(8), issuer.to_bytes(8), PROFILE_ID.to_bytes(2), bytes(8))
        )
    validity = validity or Validity()
    return b"".join(
        (
            bytes((IMPLICIT_TYPE,)),
            serial.to_bytes(8),
            bytes((CURVE_SECT283K1, HASH_AES_MMO)),
            issuer.to_bytes(8),
            validity.from_s.to_bytes(5),
            validity.for_s.to_bytes(4),
            subject.to_bytes(8),
            bytes((KEY_AGREEMENT,)),
            point,
        )
    )


def _eui64(octets: bytes, at: int) -> int:
    return int.from_bytes(octets[at : at + 8])
