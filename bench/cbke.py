"""Certificates for key establishment: of a test authority derived from a seed, or from files."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from bench.rig import RigError
from gbcs.errors import MalformedMessage
from gbcs.eui64 import format_eui64
from han.cbke.authority import Authority, Credentials, RandomOctets
from han.cbke.certificate import Suite
from han.cbke.credentials_file import (
    format_authority,
    format_credentials,
    parse_authority,
    parse_credentials,
)

PATTERN: Final = "*.cbke"
"""Files with a device's certificate, its private key and its authority's public key."""
_AUTHORITY: Final = "authority-suite{}.key"


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


def issue_into(
    directory: Path, devices: Iterable[int], suites: Suite, octets: RandomOctets
) -> list[Path]:
    """Write certificates of the directory's own authority, made first if there is none; the files.

    RigError when a file cannot be read or a device has its certificate already.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for suite in suites:
        place = directory / _AUTHORITY.format(int(suite))
        if place.exists():
            authority = _read_authority(place, suite)
        else:
            authority = Authority.create(suite, int.from_bytes(octets(8)), octets)
            written.append(_write(place, format_authority(authority)))
        for eui64 in devices:
            serial = int.from_bytes(octets(8))
            text = format_credentials(authority.issue(eui64, octets, serial=serial))
            name = f"{format_eui64(eui64)}-suite{int(suite)}{PATTERN[1:]}"
            written.append(_write(directory / name, text))
    return written


def _read_authority(path: Path, suite: Suite) -> Authority:
    try:
        authority = parse_authority(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise RigError(f"{path}: {error}") from error
    if authority.suite is not suite:
        raise RigError(f"{path}: an authority of suite {int(authority.suite)}")
    return authority


def _write(path: Path, text: str) -> Path:
    """A new file that only its owner reads."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    except OSError as error:
        raise RigError(f"{path}: {error.strerror}") from error
    return path


def _octets(seed: str, purpose: str) -> random.Random:
    return random.Random(f"chub test certificates|{seed}|{purpose}")
