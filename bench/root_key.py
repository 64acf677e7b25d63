"""The root authority of recorded certificates: its public key, from a signature that it made.

Reference messages carry the issuing authority's certificate, but the root's is published nowhere.
An ECDSA signature leaves few public keys that can have made it; the key identifier that the
certificate gives for its authority says which one did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gbcs.asn1.credentials import CredentialsUpdate
from gbcs.asn1.payload import decode, has_asn1
from gbcs.certificate_path import Issued, key_identifier, read_issued
from gbcs.envelope import Cra, Message
from gbcs.errors import MalformedMessage
from gbcs.keys import KeyStore

_P: Final = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_N: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_A: Final = _P - 3
_B: Final = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_G: Final = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)

_Point = tuple[int, int] | None
"""A point of P-256; None is the one at infinity."""


def learn_root(keys: KeyStore, messages: Iterable[Message]) -> None:
    """Give a key store the root that certified the authorities in these commands, if it has none.

    A key store whose root cannot be found stays without one.
    """
    if keys.root is not None:
        return
    for message in messages:
        for authority in _authorities(message):
            root = signer_of(authority)
            if root is not None:
                keys.add_root(root)
                return


def signer_of(issued: Issued) -> ec.EllipticCurvePublicKey | None:
    """The public key that signed a certificate; None when none has the key identifier named."""
    r, s = decode_dss_signature(issued.signature)
    digest = int.from_bytes(hashlib.sha256(issued.signed).digest(), "big")
    for point in _candidates(r, s, digest):
        if point is None:
            continue
        key = ec.EllipticCurvePublicNumbers(*point, ec.SECP256R1()).public_key()
        if key_identifier(key) == issued.authority_key_id:
            return key
    return None


def _authorities(message: Message) -> Iterator[Issued]:
    if message.cra is not Cra.COMMAND or not has_asn1(message.message_code, Cra.COMMAND):
        return
    try:
        update = decode(message.message_code, Cra.COMMAND, message.payload)
        if isinstance(update, CredentialsUpdate):
            yield from map(read_issued, update.path_certificates)
    except MalformedMessage:
        return


def _candidates(r: int, s: int, digest: int) -> Iterator[_Point]:
    """Every public key that fits a signature: (s R - digest G) / r, with each R it may mean."""
    for x in (r, r + _N):
        squared = (pow(x, 3, _P) + _A * x + _B) % _P
        y = pow(squared, (_P + 1) // 4, _P)
        if x >= _P or y * y % _P != squared:
            continue
        inverse = pow(r, -1, _N)
        for each in (y, _P - y):
            signed = _times(s * inverse % _N, (x, each))
            yield _plus(signed, _times(-digest * inverse % _N, _G))


def _plus(one: _Point, other: _Point) -> _Point:
    if one is None or other is None:
        return other if one is None else one
    if one[0] == other[0]:
        if (one[1] + other[1]) % _P == 0:
            return None
        slope = (3 * one[0] * one[0] + _A) * pow(2 * one[1], -1, _P) % _P
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, _P) % _P
    x = (slope * slope - one[0] - other[0]) % _P
    return x, (slope * (one[0] - x) - one[1]) % _P


def _times(factor: int, point: _Point) -> _Point:
    result: _Point = None
    while factor:
        if factor & 1:
            result = _plus(result, point)
        point, factor = _plus(point, point), factor >> 1
    return result
