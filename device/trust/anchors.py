"""The trust anchor cells of one device: what they hold, and what became of them.

A device is made with the certificates of the key store: of each role the party that is named for
it, or the one with the lowest identifier. What a command puts into a cell is the device's own from
then on, and is kept in its store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from device.store import Json, Store, StoreError, Transaction
from device.trust.cells import AGREEMENT, ROOT, SIGNING, cells_of, usage_of
from gbcs.asn1.credentials import CellId
from gbcs.certificate import read_certificate
from gbcs.certificate_path import key_identifier
from gbcs.errors import MissingKey
from gbcs.eui64 import format_eui64, parse_eui64
from gbcs.keys import KeyStore, Usage
from gbcs.party import DeviceType, Role

_PREFIX: Final = "anchor:"


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a cell holds. Without ``public`` it is known by name only and verifies nothing."""

    entity: int
    key_id: bytes
    public: ec.EllipticCurvePublicKey | None
    certificate: bytes | None = None
    role: Role | None = None
    """What the certificate says; it need not be the role of the cell."""

    @classmethod
    def of(cls, certificate: bytes) -> Anchor:
        """The anchor of a certificate (DER); MalformedMessage when it cannot be read."""
        read = read_certificate(certificate)
        key_id = read.key_id or key_identifier(read.public_key)
        return cls(read.entity or 0, key_id, read.public_key, read.der, read.role)


class TrustAnchors:
    """The cells of one device.

    ``made_with`` holds the certificates that the device was made with; ``parties`` names, by role,
    the party they are of. ``keys`` is the device's own key store, which follows the cells.
    ``known`` says which party has which role where no certificate tells.
    """

    def __init__(
        self,
        device_type: DeviceType,
        made_with: KeyStore,
        keys: KeyStore,
        parties: Mapping[Role, int] | None = None,
        known: Mapping[int, Role] | None = None,
    ) -> None:
        self.cells = cells_of(device_type)
        self._made_with, self._keys = made_with, keys
        self._parties = dict(parties or {})
        self._known = None if known is None else dict(known)
        self._changed: dict[CellId, Anchor | None] = {}
        self._store: Store | None = None

    def keep_in(self, store: Store) -> None:
        """Keep changes in this store, and take back those that it holds."""
        self._store = store
        with store.transaction() as unit:
            for key in unit.keys(_PREFIX):
                self._set(_cell(key), _from_json(unit.get_json(key)))

    def get(self, cell: CellId) -> Anchor | None:
        """What a cell holds; None when it is empty or the device has no such cell."""
        if cell in self._changed:
            return self._changed[cell]
        return self._initial(cell) if cell in self.cells else None

    def of_role(self, role: int) -> Iterator[tuple[CellId, Anchor]]:
        """The cells of a role that hold something."""
        for cell in self.cells:
            anchor = self.get(cell) if cell.role == role else None
            if anchor is not None:
                yield cell, anchor

    def add_cells(self, *cells: CellId) -> None:
        """Let the device have further cells than those of its type."""
        self.cells += tuple(cell for cell in cells if cell not in self.cells)

    def put(self, cell: CellId, anchor: Anchor | None) -> None:
        """Put a certificate into a cell, or empty it, as part of the open unit if there is one."""
        if cell not in self.cells:
            raise LookupError(f"the device has no cell {cell}")
        before, was_changed = self._changed.get(cell), cell in self._changed
        if self._store is not None:
            with self._store.transaction() as unit:
                unit.on_rollback(lambda: self._restore(cell, before, was_changed=was_changed))
                _keep(unit, cell, anchor)
        self._set(cell, anchor)

    def roles(self, entity: int) -> frozenset[Role]:
        """Every role in which the device trusts an entity."""
        trusted = {cell.role for cell in self.cells if self._holds(cell, entity)}
        if self._known is not None and entity in self._known:
            role = self._known[entity]
            if not any(cell.role == role for cell in self._changed):
                trusted.add(role)
        return frozenset(Role(role) for role in trusted if role != Role.ROOT)

    def party(self, role: Role) -> int | None:
        """The party that the device trusts in a role; None when there is none."""
        held = next((anchor.entity for _, anchor in self.of_role(role)), None)
        return self._original(role) if held is None else held

    def know(self, entity: int, role: Role) -> None:
        """Name the role of one more party."""
        if self._known is not None:
            self._known[entity] = role

    def signing_keys(self, entity: int) -> tuple[ec.EllipticCurvePublicKey, ...]:
        """The keys that verify an entity's signatures: those of its cells, if it has any.

        MissingKey when it has none and the key store has none either.
        """
        cells = [cell for cell in self.cells if cell.key_use == SIGNING]
        held = [self.get(cell) for cell in cells]
        found = [one.public for one in held if one is not None and one.entity == entity]
        if not found:
            return (self._keys.public_key(entity, Usage.DIGITAL_SIGNATURE),)
        return tuple(key for key in found if key is not None)

    # -- parts -----------------------------------------------------------------------------------

    def _holds(self, cell: CellId, entity: int) -> bool:
        anchor = self.get(cell)
        return anchor is not None and anchor.entity == entity

    def _original(self, role: int) -> int | None:
        """The party whose certificates the device was made with."""
        if self._known is not None:
            return min((e for e, theirs in self._known.items() if theirs == role), default=None)
        parties = self._made_with.parties(Role(role))
        named = self._parties.get(Role(role))
        return named if named in parties else next(iter(parties), None)

    def _initial(self, cell: CellId) -> Anchor | None:
        if cell == ROOT:
            root = self._made_with.root
            der = root.certificate.der if root is not None and root.certificate else None
            return (
                None if root is None else Anchor(0, key_identifier(root.public), root.public, der)
            )
        entity, usage = self._original(cell.role), usage_of(cell)
        if entity is None or usage is None or not self._made_with.has_public(entity, usage):
            return None
        public = self._made_with.public_key(entity, usage)
        try:
            certificate = self._made_with.certificate(entity, usage)
        except MissingKey:
            return Anchor(entity, key_identifier(public), public, role=Role(cell.role))
        return replace(Anchor.of(certificate.der), entity=entity)

    def _set(self, cell: CellId, anchor: Anchor | None) -> None:
        self._changed[cell] = anchor
        self._expose(cell)

    def _restore(self, cell: CellId, before: Anchor | None, *, was_changed: bool) -> None:
        if was_changed:
            self._set(cell, before)
            return
        now = self._changed.pop(cell, None)
        usage = usage_of(cell)
        if now is not None and usage is not None:
            self._keys.remove(now.entity, usage)
        self._expose(cell)

    def _expose(self, cell: CellId) -> None:
        """Let the device's key store follow a cell: messages are protected with its keys.

        A party's certificate in a cell of its own role comes before one in another's.
        """
        usage, anchor = usage_of(cell), self._changed.get(cell)
        if usage is None or anchor is None:
            return
        same = [c for c in self._changed if usage_of(c) is usage and self._holds(c, anchor.entity)]
        held = self._changed[min(same, key=self._is_foreign)]
        if held is not None and held.public is not None:
            self._follow(held.entity, usage, held.public, held.certificate)
        broker = self.get(CellId(Role.ACCESS_CONTROL_BROKER, AGREEMENT))
        if broker is not None:
            self._keys.access_control_broker = broker.entity

    def _follow(
        self,
        entity: int,
        usage: Usage,
        public: ec.EllipticCurvePublicKey,
        certificate: bytes | None,
    ) -> None:
        """Hold a party's key, unless it is the one that the device was made with."""
        self._keys.remove(entity, usage)
        if self._keys.has_public(entity, usage) and self._keys.public_key(entity, usage) == public:
            return
        if certificate is None:
            self._keys.add_public(entity, usage, public)
        else:
            self._keys.add_certificate(entity, usage, certificate)

    def _is_foreign(self, cell: CellId) -> bool:
        anchor = self._changed[cell]
        return anchor is None or anchor.role != cell.role


def _keep(unit: Transaction, cell: CellId, anchor: Anchor | None) -> None:
    place = f"{_PREFIX}{cell.role}/{cell.key_use}/{cell.cell_use}"
    if anchor is None:
        unit.put_json(place, None)
        return
    certificate = None if anchor.certificate is None else anchor.certificate.hex()
    named = {"entity": format_eui64(anchor.entity), "key_id": anchor.key_id.hex()}
    unit.put_json(place, {**named, "certificate": certificate})


def _cell(key: str) -> CellId:
    role, key_use, cell_use = key.removeprefix(_PREFIX).split("/")
    return CellId(int(role), int(key_use), int(cell_use))


def _from_json(held: Json) -> Anchor | None:
    match held:
        case None:
            return None
        case {"certificate": str(certificate)}:
            return Anchor.of(bytes.fromhex(certificate))
        case {"entity": str(entity), "key_id": str(key_id)}:
            return Anchor(parse_eui64(entity), bytes.fromhex(key_id), None)
    raise StoreError("a trust anchor cell holds something that is no certificate")
