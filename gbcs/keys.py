"""The key store: who holds which key, and shared secrets from either end.

A secret between two parties may come from either one's private key, so a bench that holds the
remote parties' keys can replay what devices sent without holding the devices' keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from gbcs.certificate import Certificate, read_certificate
from gbcs.crypto import SECRET_OCTETS, Secret, agree
from gbcs.errors import LocalError, MalformedMessage, MissingKey, NoKeys
from gbcs.party import Role


class Usage(Enum):
    """What a key pair may be used for."""

    DIGITAL_SIGNATURE = "digital signature"
    KEY_AGREEMENT = "key agreement"
    PREPAYMENT_KEY_AGREEMENT = "prepayment key agreement"


_SUFFIX: Final = {
    "ds": Usage.DIGITAL_SIGNATURE,
    "ka": Usage.KEY_AGREEMENT,
    "pp-ka": Usage.PREPAYMENT_KEY_AGREEMENT,
}
ROOT_FILE: Final = "test-root.pem"
"""File of the root authority's certificate in a directory of keys."""
_FILE_NAME: Final = re.compile(r"([0-9a-f]{16})-(ds|ka|pp-ka)\.(pem|key)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One cell of the store; file contents are read when first asked for."""

    certificate: Certificate | None = None
    public: ec.EllipticCurvePublicKey | None = None
    private: ec.EllipticCurvePrivateKey | None = None
    role: Role | None = None
    files: tuple[Path, ...] = ()

    def __repr__(self) -> str:
        return f"<key cell, {'with' if self.private else 'no'} private key>"


@dataclass(frozen=True, slots=True)
class RootAuthority:
    """The authority where certificate paths end."""

    public: ec.EllipticCurvePublicKey
    certificate: Certificate | None = None


class KeyStore:
    """Keys and certificates by entity and usage; grows in memory or from a directory.

    What it does not hold it looks up in ``base``, if there is one: a device has a store of its own
    over the bench's, so that what it replaces stays its own.
    """

    def __init__(
        self, access_control_broker: int | None = None, base: KeyStore | None = None
    ) -> None:
        self._base = base
        self._root: RootAuthority | None = None
        self._root_file: Path | None = None
        self._cells: dict[tuple[int, Usage], _Entry] = {}
        self._secrets: dict[tuple[int, Usage, int, Usage], Secret] = {}
        self._broker = access_control_broker
        self._found_broker: int | None = None
        self._parties: dict[Role, tuple[int, ...]] | None = None

    def __repr__(self) -> str:
        return f"<KeyStore with {len(self._cells)} keys>"

    @classmethod
    def from_directory(cls, directory: Path, access_control_broker: int | None = None) -> Self:
        """Open a directory of ``<entity>[-pp]-{ds,ka}.{pem,key}`` files; they are read on demand.

        NoKeys when the directory is missing or holds no such file.
        """
        store = cls(access_control_broker)
        names = sorted(directory.iterdir()) if directory.is_dir() else []
        for path in names:
            if match := _FILE_NAME.fullmatch(path.name):
                cell = int(match[1], 16), _SUFFIX[match[2].lower()]
                entry = store._cells.get(cell, _Entry())
                store._cells[cell] = replace(entry, files=(*entry.files, path))
            elif path.name.lower() == ROOT_FILE:
                store._root_file = path
        if not store._cells:
            raise NoKeys(f"no key files (<entity>-ds.pem, <entity>-ka.key ...) in {directory}")
        return store

    def add_private(
        self,
        entity: int,
        usage: Usage,
        key: ec.EllipticCurvePrivateKey | int,
        role: Role | None = None,
        certificate: bytes | None = None,
    ) -> None:
        """Hold a private key (an object, or the bare scalar) and, if given, its certificate."""
        private = ec.derive_private_key(key, ec.SECP256R1()) if isinstance(key, int) else key
        entry = _Entry(public=private.public_key(), private=private, role=role)
        if certificate is not None:
            read = read_certificate(certificate)
            entry = replace(entry, certificate=read, role=role or read.role)
        self._put(entity, usage, entry)

    def add_certificate(
        self, entity: int, usage: Usage, certificate: bytes, role: Role | None = None
    ) -> Certificate:
        """Hold another party's certificate (PEM or DER); a private key held with it is dropped."""
        read = read_certificate(certificate)
        entry = _Entry(certificate=read, public=read.public_key, role=role or read.role)
        self._put(entity, usage, entry)
        return read

    def add_public(
        self, entity: int, usage: Usage, key: ec.EllipticCurvePublicKey, role: Role | None = None
    ) -> None:
        """Hold a bare public key, for parties that have no certificate."""
        self._put(entity, usage, _Entry(public=key, role=role))

    def add_root(
        self, public: ec.EllipticCurvePublicKey, certificate: Certificate | None = None
    ) -> None:
        """Hold the root authority where certificate paths end."""
        self._root, self._root_file = RootAuthority(public, certificate), None

    @property
    def root(self) -> RootAuthority | None:
        """The root authority; None when it is not known."""
        if self._root is None and self._root_file is not None:
            read = read_certificate(self._root_file.read_bytes())
            self.add_root(read.public_key, read)
        if self._root is None and self._base is not None:
            return self._base.root
        return self._root

    def add_secret(self, one: int, other: int, octets: bytes) -> None:
        """Hold a known key agreement secret (Z, 32 octets) between two parties."""
        if len(octets) != SECRET_OCTETS:
            raise LocalError(f"a shared secret is {SECRET_OCTETS} octets, not {len(octets)}")
        secret = Secret(octets)
        usage = Usage.KEY_AGREEMENT
        self._secrets[one, usage, other, usage] = secret
        self._secrets[other, usage, one, usage] = secret

    def remove(self, entity: int, usage: Usage) -> None:
        """Forget what is held for this entity and usage, secrets included."""
        self._cells.pop((entity, usage), None)
        self._forget(entity, usage)

    def cells(self) -> Iterator[tuple[int, Usage]]:
        """Every (entity, usage) held."""
        below = () if self._base is None else self._base.cells()
        return iter(tuple(dict.fromkeys((*below, *self._cells))))

    def has_private(self, entity: int, usage: Usage) -> bool:
        """Whether a private key is held."""
        entry = self._find(entity, usage)
        return entry is not None and entry.private is not None

    def has_public(self, entity: int, usage: Usage) -> bool:
        """Whether a public key or certificate is held."""
        entry = self._find(entity, usage)
        return entry is not None and entry.public is not None

    def public_key(self, entity: int, usage: Usage) -> ec.EllipticCurvePublicKey:
        """The party's public key; MissingKey when it is not held."""
        entry = self._find(entity, usage)
        if entry is None or entry.public is None:
            raise MissingKey(entity, usage.value)
        return entry.public

    def private_key(self, entity: int, usage: Usage) -> ec.EllipticCurvePrivateKey:
        """The party's private key; MissingKey when it is not held."""
        entry = self._find(entity, usage)
        if entry is None or entry.private is None:
            raise MissingKey(entity, f"{usage.value} private")
        return entry.private

    def certificate(self, entity: int, usage: Usage) -> Certificate:
        """The party's certificate; MissingKey when none is held."""
        entry = self._find(entity, usage)
        if entry is None or entry.certificate is None:
            raise MissingKey(entity, f"{usage.value} certificate, so no")
        return entry.certificate

    def role(self, entity: int) -> Role | None:
        """Remote party role of an entity; None for a device or an unknown party."""
        for usage in Usage:
            entry = self._find(entity, usage)
            if entry is not None and entry.role is not None:
                return entry.role
        return None

    def parties(self, role: Role) -> tuple[int, ...]:
        """Every remote party with this role, the lowest identifier first."""
        if self._parties is None:
            self._parties = {}
            for entity in sorted({entity for entity, _ in self._cells}):
                found = self.role(entity)
                if found is not None:
                    self._parties[found] = (*self._parties.get(found, ()), entity)
        below = () if self._base is None else self._base.parties(role)
        return tuple(sorted({*self._parties.get(role, ()), *below}))

    @property
    def access_control_broker(self) -> int:
        """The broker that MACs every command: as told, else the one party with that role."""
        if self._broker is not None:
            return self._broker
        if self._base is not None:
            return self._base.access_control_broker
        if self._found_broker is None:
            self._found_broker = self._find_broker()
        return self._found_broker

    @access_control_broker.setter
    def access_control_broker(self, entity: int) -> None:
        self._broker = entity

    def shared_secret(
        self,
        one: int,
        other: int,
        one_usage: Usage = Usage.KEY_AGREEMENT,
        other_usage: Usage = Usage.KEY_AGREEMENT,
    ) -> Secret:
        """The secret Z between two parties, from whichever private key is held; cached.

        MissingKey names the first key that is missing for it.
        """
        cached = self._secrets.get((one, one_usage, other, other_usage))
        if cached is not None:
            return cached
        ends = {(one, one_usage), (other, other_usage)}
        if self._base is not None and not ends & self._cells.keys():
            return self._base.shared_secret(one, other, one_usage, other_usage)
        if self.has_private(one, one_usage):
            private, public = self.private_key(one, one_usage), self.public_key(other, other_usage)
        elif self.has_private(other, other_usage):
            private, public = self.private_key(other, other_usage), self.public_key(one, one_usage)
        else:
            raise self._missing_for_secret((one, one_usage), (other, other_usage))
        secret = agree(private, public)
        self._secrets[one, one_usage, other, other_usage] = secret
        self._secrets[other, other_usage, one, one_usage] = secret
        return secret

    def _missing_for_secret(self, *ends: tuple[int, Usage]) -> MissingKey:
        """Name the first end of which nothing is held, else the private key of the first."""
        for entity, usage in ends:
            if not self.has_public(entity, usage):
                return MissingKey(entity, usage.value)
        entity, usage = ends[0]
        return MissingKey(entity, f"{usage.value} private")

    def _find(self, entity: int, usage: Usage) -> _Entry | None:
        entry = self._cells.get((entity, usage))
        if entry is not None and entry.files:
            entry = _read_files(entry)
            self._cells[entity, usage] = entry
        if entry is None and self._base is not None:
            return self._base._find(entity, usage)  # noqa: SLF001 - another one of its kind
        return entry

    def _put(self, entity: int, usage: Usage, entry: _Entry) -> None:
        self._cells[entity, usage] = entry
        self._forget(entity, usage)

    def _forget(self, entity: int, usage: Usage) -> None:
        """Drop what was worked out from a cell that changes."""
        self._found_broker = self._parties = None
        for ends in list(self._secrets):
            if (entity, usage) in ((ends[0], ends[1]), (ends[2], ends[3])):
                del self._secrets[ends]

    def _find_broker(self) -> int:
        wanted = [entity for entity, usage in self._cells if usage is Usage.KEY_AGREEMENT]
        wanted.sort(key=lambda e: not self._is_named_key(e))
        for entity in wanted:
            if self.role(entity) is Role.ACCESS_CONTROL_BROKER:
                return entity
        raise MissingKey(None, Usage.KEY_AGREEMENT.value)

    def _is_named_key(self, entity: int) -> bool:
        """Whether a private key is held or at least named by a file: organisations come first."""
        entry = self._cells[entity, Usage.KEY_AGREEMENT]
        return entry.private is not None or any(path.suffix == ".key" for path in entry.files)


def _read_files(entry: _Entry) -> _Entry:
    for path in entry.files:
        octets = path.read_bytes()
        try:
            if path.suffix.lower() == ".key":
                private = load_pem_private_key(octets, None)
                if not isinstance(private, ec.EllipticCurvePrivateKey):
                    raise MalformedMessage("not an elliptic curve key")
                entry = replace(entry, private=private, public=private.public_key())
            elif b"BEGIN PUBLIC KEY" in octets:
                public = load_pem_public_key(octets)
                if not isinstance(public, ec.EllipticCurvePublicKey):
                    raise MalformedMessage("not an elliptic curve key")
                entry = replace(entry, public=public)
            else:
                read = read_certificate(octets)
                entry = replace(
                    entry, certificate=read, public=read.public_key, role=entry.role or read.role
                )
        except (ValueError, TypeError, MalformedMessage) as exc:
            raise MalformedMessage(f"{path.name}: {exc}") from exc
    return replace(entry, files=())
