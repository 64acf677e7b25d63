"""A device's own keys: what it holds, the pairs it has made, and their certification requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)

from device.store import Json, Store, StoreError
from gbcs.errors import MissingKey
from gbcs.keys import KeyStore, Usage
from gbcs.pki import certified_key_usage, device_name

_CERTIFIED: Final = "own:"
_PENDING: Final = "own-pending:"
_NAMES: Final[Mapping[Usage, str]] = {
    Usage.DIGITAL_SIGNATURE: "ds",
    Usage.KEY_AGREEMENT: "ka",
}


class KeyPair:
    """A pair that the device made: the private key and the public point it was made with."""

    def __init__(self, private: ec.EllipticCurvePrivateKey, point: bytes | None = None) -> None:
        self.private = private
        self.point = point or point_of(private.public_key())

    def __repr__(self) -> str:
        return "<KeyPair>"


class OwnKeys:
    """The keys of one device. What it changes goes into ``keys``, its own key store.

    ``uncertified`` are usages for which the device was made without a certificate, whatever the key
    store holds of it.
    """

    def __init__(self, eui64: int, keys: KeyStore) -> None:
        self._eui64, self._keys = eui64, keys
        self.uncertified: set[Usage] = set()
        self._pending: dict[Usage, KeyPair] = {}
        self._store: Store | None = None

    def keep_in(self, store: Store) -> None:
        """Keep changes in this store, and take back those that it holds."""
        self._store = store
        with store.transaction() as unit:
            for usage, name in _NAMES.items():
                held = unit.get_json(_CERTIFIED + name)
                if held is not None:
                    self._install(usage, _pair(held), _octets(held, "certificate"))
                pending = unit.get_json(_PENDING + name)
                if pending is not None:
                    self._pending[usage] = _pair(pending)

    def certificate(self, usage: Usage) -> bytes | None:
        """The device's certificate for a usage (DER); None when it has none."""
        if usage in self.uncertified:
            return None
        try:
            return self._keys.certificate(self._eui64, usage).der
        except MissingKey:
            return None

    def pending(self, usage: Usage) -> KeyPair | None:
        """The pair that waits for its certificate; None when there is none."""
        return self._pending.get(usage)

    def hold(self, usage: Usage, pair: KeyPair) -> None:
        """Let a pair wait for its certificate, in place of an earlier one."""
        before = self._pending.get(usage)
        if self._store is not None:
            with self._store.transaction() as unit:
                unit.on_rollback(lambda: self._put_back(usage, before))
                unit.put_json(_PENDING + _NAMES[usage], _json(pair))
        self._pending[usage] = pair

    def certify(self, usage: Usage, certificate: bytes) -> None:
        """Use the pair that waits, with its certificate, from now on."""
        pair, before = self._pending[usage], self._certified(usage)
        if self._store is not None:
            with self._store.transaction() as unit:
                unit.on_rollback(lambda: self._undo(usage, pair, before))
                kept = {**_json(pair), "certificate": certificate.hex()}
                unit.put_json(_CERTIFIED + _NAMES[usage], kept)
                unit.delete(_PENDING + _NAMES[usage])
        del self._pending[usage]
        self._install(usage, pair, certificate)

    def request(self, usage: Usage, pair: KeyPair) -> bytes:
        """The certification request (PKCS#10, DER) for a pair: empty subject, name and usage."""
        return (
            x509.CertificateSigningRequestBuilder(x509.Name([]))
            .add_extension(certified_key_usage(usage), critical=True)
            .add_extension(device_name(self._eui64), critical=True)
            .sign(pair.private, SHA256(), ecdsa_deterministic=True)
            .public_bytes(Encoding.DER)
        )

    # -- parts -----------------------------------------------------------------------------------

    def _certified(self, usage: Usage) -> tuple[KeyPair, bytes] | None:
        """What a command installed earlier; None while the device uses what it was made with."""
        if self._store is None:
            return None
        with self._store.transaction() as unit:
            held = unit.get_json(_CERTIFIED + _NAMES[usage])
        return None if held is None else (_pair(held), _octets(held, "certificate"))

    def _install(self, usage: Usage, pair: KeyPair, certificate: bytes) -> None:
        self._keys.add_private(self._eui64, usage, pair.private, certificate=certificate)
        self.uncertified.discard(usage)

    def _undo(self, usage: Usage, pair: KeyPair, before: tuple[KeyPair, bytes] | None) -> None:
        self._pending[usage] = pair
        self._keys.remove(self._eui64, usage)
        if before is not None:
            self._install(usage, *before)

    def _put_back(self, usage: Usage, before: KeyPair | None) -> None:
        self._pending.pop(usage, None)
        if before is not None:
            self._pending[usage] = before


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """The public point, uncompressed."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _json(pair: KeyPair) -> dict[str, Json]:
    number = pair.private.private_numbers().private_value
    return {"private": f"{number:064x}", "point": pair.point.hex()}


def _pair(held: Json) -> KeyPair:
    number = int.from_bytes(_octets(held, "private"), "big")
    return KeyPair(ec.derive_private_key(number, ec.SECP256R1()), _octets(held, "point"))


def _octets(held: Json, name: str) -> bytes:
    value = held.get(name) if isinstance(held, dict) else None
    if not isinstance(value, str):
        raise StoreError(f"a device's own key is kept without its {name}")
    return bytes.fromhex(value)
