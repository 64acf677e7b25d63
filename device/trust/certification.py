"""CS02c, CS02d, CS02e: a device makes a key pair, takes the certificate for it, and shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from device.faults import Part
from device.trust.own import KeyPair, OwnKeys, point_of
from gbcs.asn1.credentials import KeyUseQuery
from gbcs.asn1.names import KeyUse, RequestFailure, RetrievalFailure, StoreCode
from gbcs.certificate_path import Issued, read_issued
from gbcs.errors import MalformedMessage
from gbcs.keys import Usage

RandomOctets = Callable[[int], bytes]

_USAGES: Final[Mapping[int, Usage]] = {
    KeyUse.DIGITAL_SIGNATURE: Usage.DIGITAL_SIGNATURE,
    KeyUse.KEY_AGREEMENT: Usage.KEY_AGREEMENT,
}
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
REPLACED: Final[Mapping[Usage, tuple[int, int]]] = {
    Usage.DIGITAL_SIGNATURE: (0x8F4C, 0x8F4D),
    Usage.KEY_AGREEMENT: (0x8F4E, 0x8F4F),
}
"""Codes for "own certificate was not replaced" and "was replaced"."""


def issue(
    asked: object, own: OwnKeys, random_octets: RandomOctets | None, broken: set[Part]
) -> bytes | RequestFailure:
    """CS02c: make a pair, let it wait for its certificate, give the request for that.

    Without a source of randomness no pair can be made.
    """
    usage = _usage_of(asked)
    if usage is None:
        return RequestFailure.INVALID_KEY_USAGE
    if random_octets is None or Part.KEY_GENERATOR in broken:
        return RequestFailure.KEY_PAIR_GENERATION_FAILED
    if Part.CERTIFICATION_REQUEST in broken:
        return RequestFailure.REQUEST_PRODUCTION_FAILED
    number = int.from_bytes(random_octets(40), "big") % (_ORDER - 1) + 1
    pair = KeyPair(ec.derive_private_key(number, ec.SECP256R1()))
    own.hold(usage, pair)
    return own.request(usage, pair)


def store(
    asked: object, own: OwnKeys, eui64: int, broken: set[Part]
) -> tuple[StoreCode, Usage | None]:
    """CS02d: put a certificate and its pair into use; the usage is None when it has no single one.

    Signatures of messages from now on, the Response among them, are made with the new key.
    """
    if not isinstance(asked, bytes):
        raise MalformedMessage("not a certificate")
    try:
        issued = read_issued(asked)
    except MalformedMessage:
        return StoreCode.INVALID_CERTIFICATE, None
    usage = _USAGES.get(issued.key_use)
    if issued.certificate.entity != eui64:
        return StoreCode.WRONG_DEVICE_IDENTITY, usage
    if usage is None:
        return StoreCode.INVALID_KEY_USAGE, None
    code = _pair_fits(issued, own.pending(usage), broken)
    if code is StoreCode.SUCCESS:
        own.certify(usage, issued.certificate.der)
    return code, usage


def retrieve(asked: object, own: OwnKeys, broken: set[Part]) -> bytes | RetrievalFailure:
    """CS02e: the device's certificate for a usage."""
    usage = _usage_of(asked)
    if usage is None:
        return RetrievalFailure.INVALID_KEY_USAGE
    if Part.CERTIFICATE_MEMORY in broken:
        return RetrievalFailure.CERTIFICATE_RETRIEVAL_FAILURE
    return own.certificate(usage) or RetrievalFailure.NO_CERTIFICATE_HELD


def _usage_of(asked: object) -> Usage | None:
    if not isinstance(asked, KeyUseQuery):
        raise MalformedMessage("not a key usage")
    return _USAGES.get(asked.key_use)


def _pair_fits(issued: Issued, pending: KeyPair | None, broken: set[Part]) -> StoreCode:
    if pending is None:
        return StoreCode.NO_CORRESPONDING_KEY_PAIR_GENERATED
    if pending.point != point_of(issued.certificate.public_key):
        return StoreCode.WRONG_PUBLIC_KEY
    if Part.CERTIFICATE_STORAGE in broken:
        return StoreCode.CERTIFICATE_STORAGE_FAILED
    if Part.KEY_STORAGE in broken:
        return StoreCode.PRIVATE_KEY_CHANGE_FAILED
    return StoreCode.SUCCESS
