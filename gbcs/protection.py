"""Who protects what: MAC and signature of a message, and the key of its encrypted parts.

Called by a device on every command it receives and every answer it sends, and by the bench on
whatever it reads.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from gbcs.catalogue.use_case import Category, Protection, by_code
from gbcs.certificate import read_certificate
from gbcs.crypto import (
    SECURITY_HEADER,
    TAG_OCTETS,
    Mode,
    Secret,
    agree,
    decrypt,
    derive_key,
    encrypt,
    gmac,
    initialization_vector,
    mac_additional_data,
    other_information,
    sign,
    signature_is_valid,
)
from gbcs.envelope import Cra, Message
from gbcs.errors import LocalError, MalformedMessage, MissingKey
from gbcs.keys import KeyStore, Usage

_MODE: Final = {Cra.COMMAND: Mode.COMMAND, Cra.RESPONSE: Mode.RESPONSE, Cra.ALERT: Mode.ALERT}


class Verdict(Enum):
    """Outcome of one check."""

    VALID = "valid"
    INVALID = "invalid"
    NO_KEY = "no key"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Verification:
    """What the checks of one message found; ``missing`` names the keys that were not held."""

    mac: Verdict
    signature: Verdict
    missing: tuple[MissingKey, ...] = ()

    @property
    def is_authentic(self) -> bool:
        """Something protects the message and everything that does is valid."""
        present = {self.mac, self.signature} - {Verdict.ABSENT}
        return present == {Verdict.VALID}


@dataclass(frozen=True, slots=True)
class AttributeCipher:
    """Seals and opens the encrypted parts of one message; all of them share key and IV."""

    key: Secret
    iv: bytes

    def seal(self, plaintext: bytes) -> bytes:
        """Encrypt one part: security header, ciphertext, tag."""
        return SECURITY_HEADER + encrypt(self.key.octets, self.iv, plaintext)

    def open(self, sealed: bytes) -> bytes:
        """Decrypt one part; NotAuthentic when it does not verify."""
        if sealed[: len(SECURITY_HEADER)] != SECURITY_HEADER:
            raise MalformedMessage("encrypted part does not start with 31 00000000", 0)
        return decrypt(self.key.octets, self.iv, sealed[len(SECURITY_HEADER) :])


def mac_parties(message: Message, keys: KeyStore) -> tuple[int, int]:
    """The two ends whose key agreement keys make the MAC key.

    Every command of a remote party is MAC'd by the access control broker, whoever originates it;
    responses and alerts by the device for their recipient; PPMID to GSME by the two devices.
    """
    if message.cra is not Cra.COMMAND or _is_between_devices(message.message_code):
        return message.originator, message.recipient
    return keys.access_control_broker, message.recipient


def compute_mac(message: Message, keys: KeyStore) -> bytes:
    """The full 16-octet tag over the message as it stands; MissingKey when a key is not held."""
    secret = keys.shared_secret(*mac_parties(message, keys))
    information = other_information(
        message.originator, _MODE[message.cra], message.originator_counter, message.recipient
    )
    iv = initialization_vector(message.originator)
    additional = mac_additional_data(message.mac_octets)
    return gmac(derive_key(secret, information), iv, additional)


def verify(message: Message, keys: KeyStore) -> Verification:
    """Check MAC and signature over the octets received."""
    missing: list[MissingKey] = []
    mac = signature = Verdict.ABSENT
    if message.mac is not None:
        try:
            expected = compute_mac(message, keys)[:TAG_OCTETS]
            mac = _verdict(hmac.compare_digest(expected, message.mac))
        except MissingKey as exc:
            mac = Verdict.NO_KEY
            missing.append(exc)
    if message.signature:
        try:
            key = keys.public_key(message.originator, Usage.DIGITAL_SIGNATURE)
            valid = signature_is_valid(key, message.signature, message.signed_octets)
            signature = _verdict(valid)
        except MissingKey as exc:
            signature = Verdict.NO_KEY
            missing.append(exc)
    return Verification(mac, signature, tuple(missing))


def expected_protection(message_code: int, cra: Cra) -> tuple[Protection, ...]:
    """Protections the catalogue allows, the usual one first; empty when it does not say."""
    use_case = by_code(message_code)
    return use_case.protections(cra) if use_case else ()


def carried_protection(message: Message) -> Protection:
    """What a message carries."""
    carried = Protection.NONE
    if message.mac is not None:
        carried |= Protection.MAC
    if message.signature:
        carried |= Protection.SIGNATURE
    return carried


def protect(message: Message, keys: KeyStore, protection: Protection | None = None) -> Message:
    """Sign, then MAC, as the catalogue asks or as told; MissingKey when a key is not held."""
    if protection is None:
        allowed = expected_protection(message.message_code, message.cra)
        if not allowed:
            raise LocalError(f"no protection is known for message code {message.message_code:04X}")
        protection = allowed[0]
    message = replace(message, signature=b"", mac=None)
    if Protection.SIGNATURE in protection:
        message = add_signature(message, keys)
    if Protection.MAC in protection:
        message = add_mac(message, keys)
    return message


def add_signature(message: Message, keys: KeyStore) -> Message:
    """Sign with the originator's key; what the message had as signature and MAC is dropped."""
    key = keys.private_key(message.originator, Usage.DIGITAL_SIGNATURE)
    return replace(message, signature=sign(key, message.signed_octets), mac=None)


def add_mac(message: Message, keys: KeyStore) -> Message:
    """Add the MAC header and MAC over the message with its signature field as it stands."""
    message = replace(message, signature=message.signature or b"", mac=None)
    return replace(message, mac=compute_mac(message, keys)[:TAG_OCTETS])


def attribute_cipher(
    message: Message, keys: KeyStore, certificate: bytes | None = None
) -> AttributeCipher:
    """The cipher for the encrypted parts of a response or alert.

    The consumer is the supplementary remote party if present, else the recipient; the counter is
    the supplementary originator counter if present, else the message's. ``certificate`` is the
    consumer's key agreement certificate when the command brought it along.
    """
    consumer = _first(message.supplementary_id, message.recipient)
    counter = _first(message.supplementary_originator_counter, message.originator_counter)
    if certificate is not None and not keys.has_public(consumer, Usage.KEY_AGREEMENT):
        private = keys.private_key(message.originator, Usage.KEY_AGREEMENT)
        secret = agree(private, read_certificate(certificate).public_key)
    else:
        secret = keys.shared_secret(message.originator, consumer)
    information = other_information(message.originator, Mode.ENCRYPTION, counter, consumer)
    key = Secret(derive_key(secret, information))
    return AttributeCipher(key, initialization_vector(message.originator))


def _first(optional: int | None, otherwise: int) -> int:
    return otherwise if optional is None else optional


def _verdict(valid: bool) -> Verdict:
    return Verdict.VALID if valid else Verdict.INVALID


def _is_between_devices(message_code: int) -> bool:
    use_case = by_code(message_code)
    return use_case is not None and use_case.category is Category.PPMID_TO_GSME
