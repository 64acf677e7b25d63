"""Test keys: every key of a bench derived from one seed, so that two processes agree on them.

These keys protect nothing. Whoever knows the seed (it stands in the rig file) knows them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec

from gbcs.certificate import read_certificate
from gbcs.eui64 import format_eui64
from gbcs.keys import KeyStore, Usage
from gbcs.party import Role
from gbcs.pki import Holder, Maker

if TYPE_CHECKING:
    from bench.rig import Rig

_VALID_FROM: Final = datetime(2020, 1, 1, tzinfo=UTC)
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_DEVICE_USAGES: Final = (Usage.DIGITAL_SIGNATURE, Usage.KEY_AGREEMENT)
_PARTY_USAGES: Final[Mapping[Role, tuple[Usage, ...]]] = {
    Role.SUPPLIER: tuple(Usage),
    Role.RECOVERY: (Usage.DIGITAL_SIGNATURE,),
    Role.TRANSITIONAL_COS: (Usage.DIGITAL_SIGNATURE,),
}


def derived_key_store(seed: str, parties: Mapping[Role, int], devices: Iterable[int]) -> KeyStore:
    """Hold a private key for each remote party and each device, all derived from ``seed``.

    Each has a certificate of the seed's own authorities, whose root the devices trust.
    """
    keys = KeyStore()
    root, _ = authorities(seed)
    keys.add_root(root.key.public_key(), read_certificate(root.certificate_der()))
    for role, party in parties.items():
        for usage in _PARTY_USAGES.get(role, _DEVICE_USAGES):
            holder = derived_holder(seed, party, usage, role)
            keys.add_private(party, usage, holder.key, role, holder.certificate_der())
    for device in devices:
        for usage in _DEVICE_USAGES:
            holder = derived_holder(seed, device, usage)
            keys.add_private(device, usage, holder.key, certificate=holder.certificate_der())
    return keys


@cache
def authorities(seed: str) -> tuple[Holder, Holder]:
    """The root and the issuing authority of a seed."""
    maker, usage = Maker(_VALID_FROM, _octets(seed, "authorities")), Usage.DIGITAL_SIGNATURE
    root_key, issuing_key = (_private(private_number(seed, n, usage)) for n in (0, 1))
    root = maker.authority("test-root", "TEST ROOT", None, root_key)
    return root, maker.authority("test-issuing", "TEST", root, issuing_key)


@cache
def derived_holder(
    seed: str, entity: int, usage: Usage, role: Role | None = None, generation: int = 0
) -> Holder:
    """Key and certificate of a party (or, without a role, of a device).

    A party's next ``generation`` is what it replaces its certificates by (CS02b).
    """
    _, issuing = authorities(seed)
    key = _private(private_number(seed, entity, usage, generation))
    name = f"{format_eui64(entity)} {usage.value} {generation}"
    maker = Maker(_VALID_FROM, _octets(seed, name))
    if role is None:
        return maker.device(entity, usage, issuing, key)
    return maker.organisation(entity, usage, role, issuing, key)


def private_number(seed: str, entity: int, usage: Usage, generation: int = 0) -> int:
    """The P-256 private key of one cell, from 1 to the order less 1."""
    parts = [seed, format_eui64(entity), usage.value]
    parts += [str(generation)] if generation else []
    text = "|".join(parts).encode()
    wide = sha256(b"chub test key 0|" + text).digest() + sha256(b"chub test key 1|" + text).digest()
    return int.from_bytes(wide) % (_P256_ORDER - 1) + 1


def _private(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number, ec.SECP256R1())


def _octets(seed: str, purpose: str) -> Callable[[int], bytes]:
    """Serial numbers of certificates, from the seed."""
    return Random(f"chub test certificates|{seed}|{purpose}").randbytes


def network_secret(seed: str, purpose: str) -> bytes:
    """A 16-octet secret of the HAN (network key, install code) from the seed."""
    return sha256(f"chub test secret|{seed}|{purpose}".encode()).digest()[:16]


def load_keys(rig: Rig) -> KeyStore:
    """The keys of a rig: a directory of PEM files, or test keys derived from its seed."""
    if rig.keys.directory is not None:
        keys = KeyStore.from_directory(rig.keys.directory)
        keys.access_control_broker = rig.parties.access_control_broker
        return keys
    devices = [rig.hub.gpf, rig.hub.chf, *rig.device_types]
    return derived_key_store(rig.keys.seed, rig.parties.by_role(), devices)
