"""A remote party on the bench: it asks as a supplier would, and checks the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gbcs.build import Address, build
from gbcs.catalogue import UseCase
from gbcs.envelope import Cra, Message
from gbcs.errors import NotAllowed, RemoteError
from gbcs.eui64 import format_eui64
from gbcs.gbz import PROFILE_ID, Component, Gbz
from gbcs.keys import KeyStore
from gbcs.plain import Plain
from gbcs.protection import Verification, attribute_cipher, verify
from gbcs.zcl.general import AttributeStatus, GeneralCommand, ReadAttributesResponse


def is_response_to(octets: bytes, command: Message) -> bool:
    """Whether octets from the WAN side are the Response to this command."""
    message = Message.parse(octets)
    return message.cra is Cra.RESPONSE and (
        message.originator,
        message.recipient,
        message.originator_counter,
    ) == (command.recipient, command.originator, command.originator_counter)


@dataclass(frozen=True, slots=True)
class Opened:
    """A Response as its recipient reads it: checked, decrypted."""

    message: Message
    verification: Verification
    payload: Gbz

    @property
    def attributes(self) -> tuple[tuple[int, AttributeStatus], ...]:
        """Every attribute record returned, with its cluster."""
        return tuple(
            (component.cluster_id, record)
            for component in self.payload.components
            if _is_read_answer(component)
            for record in ReadAttributesResponse.parse(component.frame.payload).records
        )


@dataclass(frozen=True, slots=True)
class RemoteParty:
    """One Known Remote Party and the keys it works with."""

    entity: int
    keys: KeyStore

    def command(
        self,
        use_case: UseCase,
        recipient: int,
        counter: int,
        arguments: Mapping[str, Plain] | None = None,
    ) -> Message:
        """The protected command; NotAllowed when this party's role may not send it."""
        role = self.keys.role(self.entity)
        if use_case.roles and role is not None and role not in use_case.roles:
            allowed = ", ".join(sorted(one.name.lower() for one in use_case.roles))
            asked = role.name.lower()
            raise NotAllowed(f"{use_case.name} may be sent by {allowed}, not by {asked}")
        address = Address(originator=self.entity, recipient=recipient, originator_counter=counter)
        return build(use_case, arguments or {}, address, self.keys)

    def open(self, octets: bytes) -> Opened:
        """Parse, verify and decrypt an answer; RemoteError when it is not one for this party."""
        message = Message.parse(octets)
        if message.recipient != self.entity:
            raise RemoteError(
                f"the answer is for {format_eui64(message.recipient)}, "
                f"not {format_eui64(self.entity)}"
            )
        return Opened(message, verify(message, self.keys), self._components(message))

    def _components(self, message: Message) -> Gbz:
        """The GBZ components in clear; none when the payload is DLMS or ASN.1."""
        if message.payload[:2] != PROFILE_ID.to_bytes(2):
            return Gbz(())
        payload = Gbz.parse(message.payload)
        if payload.has_sealed:
            payload = payload.opened(attribute_cipher(message, self.keys))
        return payload


def _is_read_answer(component: Component) -> bool:
    frame = component.frame
    return (
        not frame.is_cluster_command and frame.command_id == GeneralCommand.READ_ATTRIBUTES_RESPONSE
    )
