"""Test keys: every key of a bench derived from one seed, so that two processes agree on them.

These keys protect nothing. Whoever knows the seed (it stands in the rig file) knows them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

from gbcs.eui64 import format_eui64
from gbcs.keys import KeyStore, Usage
from gbcs.party import Role

_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_DEVICE_USAGES: Final = (Usage.DIGITAL_SIGNATURE, Usage.KEY_AGREEMENT)
_PARTY_USAGES: Final[Mapping[Role, tuple[Usage, ...]]] = {
    Role.SUPPLIER: tuple(Usage),
    Role.RECOVERY: (Usage.DIGITAL_SIGNATURE,),
    Role.TRANSITIONAL_COS: (Usage.DIGITAL_SIGNATURE,),
}


def derived_key_store(seed: str, parties: Mapping[Role, int], devices: Iterable[int]) -> KeyStore:
    """Hold a private key for each remote party and each device, all derived from ``seed``."""
    keys = KeyStore()
    for role, party in parties.items():
        for usage in _PARTY_USAGES.get(role, _DEVICE_USAGES):
            keys.add_private(party, usage, private_number(seed, party, usage), role)
    for device in devices:
        for usage in _DEVICE_USAGES:
            keys.add_private(device, usage, private_number(seed, device, usage))
    return keys


def private_number(seed: str, entity: int, usage: Usage) -> int:
    """The P-256 private key of one cell, from 1 to the order less 1."""
    text = b"|".join((seed.encode(), format_eui64(entity).encode(), usage.value.encode()))
    wide = sha256(b"chub test key 0|" + text).digest() + sha256(b"chub test key 1|" + text).digest()
    return int.from_bytes(wide) % (_P256_ORDER - 1) + 1


def network_secret(seed: str, purpose: str) -> bytes:
    """A 16-octet secret of the HAN (network key, install code) from the seed."""
    return sha256(f"chub test secret|{seed}|{purpose}".encode()).digest()[:16]
