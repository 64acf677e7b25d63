"""Certificates for key establishment: of a test authority derived from a seed, or from files."""

from __future__ import annotations

import random
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from bench.rig import RigError
from gbcs.errors import MalformedMessage
from gbcs.eui64 import format_eui64
from han.cbke.authority import Authority, Credentials
from han.cbke.certificate import Suite
from han.cbke.credentials_file import parse_credentials

PATTERN: Final = "*.cbke"
"""Files with a device's certificate, its private key and its authority's public key."""


@lru_cache(maxsize=16)
def authority_of_seed(seed: str, suite: Suite) -> Authority:
    """The certificate authority of a seed. Like every key of a seed it protects nothing."""
    issuer = int.from_bytes(sha256(f"chub test CA|{seed}".encode()).digest()[:8])
    return Authority.create(suite, issuer, _octets(seed, f"CA {suite.name}").randbytes)


@lru_cache(maxsize=1024)
def certified_from_seed(seed: str, eui64: int, suite: Suite) -> Credentials:
    """A device's certificate of its seed's authority, for one suite."""
    octets = _octets(seed, f"{format_eui64(eui64)} {suite.name}")
    return authority_of_seed(seed, suite).issue(eui64, octets.randbytes)


def certified_from_directory(directory: Path, eui64: int) -> tuple[Credentials, ...]:
    """A device's certificates as files have them; RigError names the file that is no good."""
    found = {}
    for path in sorted(directory.glob(PATTERN)):
        try:
            credentials = parse_credentials(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, MalformedMessage) as error:
            raise RigError(f"{path}: {error}") from error
        if credentials.certificate.subject == eui64:
            found[credentials.suite] = credentials
    if not found:
        raise RigError(f"{directory}: no {PATTERN} file is a certificate of {format_eui64(eui64)}")
    return tuple(found.values())


def _octets(seed: str, purpose: str) -> random.Random:
    return random.Random(f"chub test certificates|{seed}|{purpose}")
