"""Key derivation, MAC, encryption and signature: pure functions over octets.

Three builders say what goes into them: :func:`other_information`, :func:`initialization_vector`
and :func:`mac_additional_data`.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import IntEnum
from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SHA256

from gbcs.errors import LocalError, MalformedMessage, NotAuthentic

TAG_OCTETS: Final = 12
SECRET_OCTETS: Final = 32
SECURITY_HEADER: Final = bytes.fromhex("3100000000")
"""Suite 1, authenticated and encrypted, invocation counter 0: in front of every encrypted part."""

_ALGORITHM_ID: Final = bytes.fromhex("60857406080300")  # AES-GCM-128
_OTHER_INFORMATION: Final = Struct(">7sQBBQQ")
_IV: Final = Struct(">QI")
_MAC_AAD_START: Final = bytes.fromhex("110000000000")
_ENCRYPTION_AAD: Final = b"\x31"
_FIRST_ROUND: Final = b"\x00\x00\x00\x01"
_ECDSA: Final = ec.ECDSA(SHA256(), deterministic_signing=True)
_ECDSA_VERIFY: Final = ec.ECDSA(SHA256())


class Mode(IntEnum):
    """What a derived key is for; the first three are the CRA flag of the message."""

    COMMAND = 1
    RESPONSE = 2
    ALERT = 3
    ENCRYPTION = 4


class Secret:
    """A shared secret or key; its representation shows length and fingerprint only."""

    __slots__ = ("octets",)

    def __init__(self, octets: bytes) -> None:
        self.octets = octets

    def __repr__(self) -> str:
        return f"<{len(self.octets)}-octet secret {hashlib.sha256(self.octets).hexdigest()[:8]}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.octets, other.octets)

    def __hash__(self) -> int:
        return hash(self.octets)


def other_information(originator: int, mode: Mode, counter: int, recipient: int) -> bytes:
    """Build the 33 octets that bind a key to one message and one purpose."""
    return _OTHER_INFORMATION.pack(_ALGORITHM_ID, originator, 9, mode, counter, recipient)


def initialization_vector(originator: int) -> bytes:
    """Build the IV: originator, then four zero octets, for MAC and for encryption alike.

    All encrypted parts of one message share key and IV: that reuse is part of the format.
    """
    return _IV.pack(originator, 0)


def mac_additional_data(octets: bytes) -> bytes:
    """Build what the MAC runs over from grouping header, payload and signature field."""
    return _MAC_AAD_START + octets


def derive_key(secret: Secret, information: bytes) -> bytes:
    """Derive the 16-octet AES key: SP 800-56A single-step KDF with SHA-256."""
    return hashlib.sha256(_FIRST_ROUND + secret.octets + information).digest()[:16]


def gmac(key: bytes, iv: bytes, additional_data: bytes) -> bytes:
    """Compute the full 16-octet GMAC tag; messages carry its first 12 octets."""
    return AESGCM(key).encrypt(iv, b"", additional_data)


def encrypt(key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    """Encrypt one part; returns ciphertext and 12-octet tag without the security header."""
    return AESGCM(key).encrypt(iv, plaintext, _ENCRYPTION_AAD)[: TAG_OCTETS - 16]


def decrypt(key: bytes, iv: bytes, sealed: bytes) -> bytes:
    """Decrypt ciphertext and 12-octet tag; NotAuthentic when the tag does not fit."""
    if len(sealed) < TAG_OCTETS:
        raise MalformedMessage("encrypted part is shorter than its tag")
    ciphertext, tag = sealed[:-TAG_OCTETS], sealed[-TAG_OCTETS:]
    decryptor = Cipher(AES(key), GCM(iv, tag, min_tag_length=TAG_OCTETS)).decryptor()
    decryptor.authenticate_additional_data(_ENCRYPTION_AAD)
    try:
        return decryptor.update(ciphertext) + decryptor.finalize()
    except InvalidTag:
        raise NotAuthentic("an encrypted part does not verify") from None


def sign(key: ec.EllipticCurvePrivateKey, octets: bytes) -> bytes:
    """Sign; returns r and s, 32 octets each. Deterministic (RFC 6979): no randomness is needed."""
    r, s = decode_dss_signature(key.sign(octets, _ECDSA))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def signature_is_valid(key: ec.EllipticCurvePublicKey, signature: bytes, octets: bytes) -> bool:
    """Check r and s, 32 octets each, against what was signed."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        key.verify(encode_dss_signature(r, s), octets, _ECDSA_VERIFY)
    except InvalidSignature:
        return False
    return True


def agree(private: ec.EllipticCurvePrivateKey, public: ec.EllipticCurvePublicKey) -> Secret:
    """Agree the shared secret Z: the x coordinate of static ECDH on P-256."""
    try:
        return Secret(private.exchange(ec.ECDH(), public))
    except ValueError as exc:
        raise LocalError("key agreement needs two P-256 keys") from exc
