"""What a device knows of others: whom it trusts, in which role, with which keys."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec

from device.store import Store
from device.trust.anchors import TrustAnchors
from device.trust.own import OwnKeys
from gbcs.errors import MissingKey
from gbcs.keys import KeyStore, Usage
from gbcs.party import DeviceType, Role


class Credentials:
    """A device's identity, its own keys, and its view of the remote parties.

    ``keys`` are the certificates and keys that it was made with. ``trusted`` says which remote
    party has which role; without it every party has the role that its certificate states, and of
    several with one role the device knows the one that ``parties`` names, or the first.
    ``devices`` are HAN devices it is joined to; it may grow and shrink.
    """

    def __init__(
        self,
        eui64: int,
        device_type: DeviceType,
        keys: KeyStore,
        *,
        trusted: Mapping[int, Role] | None = None,
        parties: Mapping[Role, int] | None = None,
        devices: Mapping[int, DeviceType] | None = None,
    ) -> None:
        self.eui64 = eui64
        self.device_type = device_type
        self.keys = KeyStore(base=keys)
        self.anchors = TrustAnchors(device_type, keys, self.keys, parties, trusted)
        self.own = OwnKeys(eui64, self.keys)
        self.devices = dict(devices or {})

    def keep_in(self, store: Store) -> None:
        """Keep what changes in the device's store, and take back what it holds."""
        self.anchors.keep_in(store)
        self.own.keep_in(store)

    def role(self, entity: int) -> Role | None:
        """The role in which the device trusts an entity, of several the first; None for none."""
        return min(self.anchors.roles(entity), default=None)

    def roles(self, entity: int) -> frozenset[Role]:
        """Every role in which the device trusts an entity."""
        return self.anchors.roles(entity)

    def party(self, role: Role) -> int:
        """The trusted remote party with this role; MissingKey when there is none."""
        party = self.anchors.party(role)
        if party is None:
            raise MissingKey(None, f"{role.name.lower().replace('_', ' ')} certificate, so no")
        return party

    def signing_keys(self, entity: int) -> tuple[ec.EllipticCurvePublicKey, ...]:
        """The keys that verify an entity's signatures; MissingKey when none is held."""
        return self.anchors.signing_keys(entity)

    def trust(self, entity: int, role: Role) -> None:
        """Trust one more remote party (its keys are put into the key store apart)."""
        self.anchors.know(entity, role)

    def meet(self, device: int, certificate: bytes) -> None:
        """Take the key agreement certificate of a device that was joined."""
        held = self.keys.has_private(device, Usage.KEY_AGREEMENT)
        if not held:  # a bench that has the device's own key needs no certificate of it
            self.keys.add_certificate(device, Usage.KEY_AGREEMENT, certificate)
