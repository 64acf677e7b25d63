"""Key stores from outside: a directory of PEM files, or a ``keystore.json`` as DCC Boxed writes it.

The JSON keeps several generations of an organisation's keys, told apart by the start of their
names (``Z1-supplier-ka``, ``Z1b-supplier-ka``); one generation is taken.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from gbcs.certificate import read_certificate
from gbcs.errors import MalformedMessage, NoKeys
from gbcs.eui64 import parse_eui64
from gbcs.keys import KeyStore, Usage
from gbcs.party import Role

_USAGES: Final = {
    "digitalSignature": Usage.DIGITAL_SIGNATURE,
    "keyAgreement": Usage.KEY_AGREEMENT,
}
_GENERATION: Final = re.compile(r"([A-Za-z]+\d+[A-Za-z]*)-")
_PREPAYMENT: Final = re.compile(r"PP-ka$")


def open_keys(
    place: Path, generation: str | None = None, access_control_broker: int | None = None
) -> KeyStore:
    """Open a directory of PEM files or a JSON key store; NoKeys when there is none."""
    if place.is_dir():
        files = [] if any(place.glob("*.pem")) else sorted(place.glob("*.json"))
        if not files:
            return KeyStore.from_directory(place, access_control_broker)
        place = files[0]
    if not place.is_file():
        raise NoKeys(f"no key store at {place}")
    return read_keystore_json(place.read_text("utf-8-sig"), generation, access_control_broker)


def read_keystore_json(
    text: str, generation: str | None = None, access_control_broker: int | None = None
) -> KeyStore:
    """Read a JSON key store.

    Of several keys for one entity and usage the asked generation is taken, or the first by name.
    Keys of roles outside GBCS (such as XML signing) are left out. MalformedMessage when the text
    is no key store, NoKeys when it holds none, or none of the generation.
    """
    store = KeyStore(access_control_broker)
    found: dict[tuple[int, Usage], list[_Entry]] = {}
    for entry in _entries(_document(text)):
        found.setdefault((entry.entity, entry.usage), []).append(entry)
    generations = {e.generation for cell in found.values() for e in cell} - {""}
    if not found or (generation is not None and generation not in generations):
        known = ", ".join(sorted(generations)) or "none"
        raise NoKeys(f"no keys of generation {generation or 'any'}; generations: {known}")
    for (entity, usage), entries in found.items():
        entries.sort(key=lambda e: (e.generation != generation, e.generation, e.name))
        _add(store, entity, usage, entries[0])
    return store


class _Entry:
    """One certificate of the JSON, with its private key if there is one."""

    def __init__(self, entity: int, usage: Usage, name: str, fields: dict[str, object]) -> None:
        self.entity, self.usage, self.name = entity, usage, name
        match = _GENERATION.match(name)
        self.generation = match[1] if match else ""
        self.role = fields.get("role")
        self.certificate = _octets(fields.get("certificate"))
        private = fields.get("privateKey")
        self.private = None if private is None else _octets(private)


def _document(text: str) -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    try:
        document: object = json.loads(text)
    except json.JSONDecodeError as exc:
        raise MalformedMessage(f"not JSON: {exc}") from exc
    except RecursionError:
        raise MalformedMessage("JSON is nested too deeply") from None
    if not isinstance(document, dict):
        raise MalformedMessage("a key store is an object keyed by EUI-64")
    for uses in document.values():
        if not isinstance(uses, dict) or not all(_is_serials(s) for s in uses.values()):
            raise MalformedMessage("an entity holds usages, a usage holds serial numbers")
    return document


def _is_serials(serials: object) -> bool:
    return isinstance(serials, dict) and all(isinstance(f, dict) for f in serials.values())


def _entries(document: dict[str, dict[str, dict[str, dict[str, object]]]]) -> Iterator[_Entry]:
    for entity, uses in document.items():
        for use, serials in uses.items():
            if use not in _USAGES:
                raise MalformedMessage(f"unknown usage {use!r} of {entity}")
            for fields in serials.values():
                name = str(fields.get("name", ""))
                usage = _USAGES[use]
                if _PREPAYMENT.search(name) and usage is Usage.KEY_AGREEMENT:
                    usage = Usage.PREPAYMENT_KEY_AGREEMENT
                entry = _Entry(parse_eui64(entity), usage, name, fields)
                if entry.role is None or entry.role in Role.__members__.values():
                    yield entry


def _octets(value: object) -> bytes:
    if not isinstance(value, str):
        raise MalformedMessage("certificates and keys are text, PEM or base64")
    if "-----" in value:
        return value.encode()
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedMessage("neither PEM nor base64") from None


def _add(store: KeyStore, entity: int, usage: Usage, entry: _Entry) -> None:
    if entry.private is None:
        read = store.add_certificate(entity, usage, entry.certificate)
        if entry.role is not None and read.role is None:
            store.add_certificate(entity, usage, entry.certificate, _role(entry))
        return
    store.add_private(entity, usage, _private(entry.private), _role(entry), entry.certificate)


def _role(entry: _Entry) -> Role | None:
    return (
        Role(entry.role)
        if isinstance(entry.role, int)
        else read_certificate(entry.certificate).role
    )


def _private(octets: bytes) -> ec.EllipticCurvePrivateKey:
    load = load_pem_private_key if b"-----" in octets else load_der_private_key
    try:
        key = load(octets, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise MalformedMessage("a private key cannot be read") from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise MalformedMessage("a private key is not an elliptic curve key")
    return key
