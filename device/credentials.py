"""What a device knows of others: whom it trusts, in which role, with which keys."""

from __future__ import annotations

from collections.abc import Mapping

from gbcs.errors import MissingKey
from gbcs.keys import KeyStore, Usage
from gbcs.party import DeviceType, Role


class Credentials:
    """A device's identity and its view of the remote parties.

    ``trusted`` are its trust anchors: remote parties and their roles. Without it every party of the
    key store is trusted in the role that its certificate states. ``devices`` are HAN devices it is
    joined to; it may grow and shrink.
    """

    def __init__(
        self,
        eui64: int,
        device_type: DeviceType,
        keys: KeyStore,
        *,
        trusted: Mapping[int, Role] | None = None,
        devices: Mapping[int, DeviceType] | None = None,
    ) -> None:
        self.eui64 = eui64
        self.device_type = device_type
        self.keys = keys
        self.trusted = None if trusted is None else dict(trusted)
        self.devices = dict(devices or {})

    def role(self, entity: int) -> Role | None:
        """The role in which the device trusts an entity; None for a stranger."""
        return self.keys.role(entity) if self.trusted is None else self.trusted.get(entity)

    def party(self, role: Role) -> int:
        """The trusted remote party with this role, the lowest identifier first.

        MissingKey when there is none.
        """
        if self.trusted is not None:
            known = sorted(entity for entity, theirs in self.trusted.items() if theirs is role)
        else:
            entities = sorted({entity for entity, _ in self.keys.cells()})
            known = [entity for entity in entities if self.keys.role(entity) is role]
        if not known:
            raise MissingKey(None, f"{role.name.lower().replace('_', ' ')} certificate, so no")
        return known[0]

    def trust(self, entity: int, role: Role) -> None:
        """Trust one more remote party (its keys are put into the key store apart)."""
        if self.trusted is not None:
            self.trusted[entity] = role

    def can_protect(self) -> bool:
        """Whether the device holds the private keys it answers with."""
        usages = (Usage.DIGITAL_SIGNATURE, Usage.KEY_AGREEMENT)
        return all(self.keys.has_private(self.eui64, usage) for usage in usages)
