"""A remote party on the bench: it asks as a supplier would, and checks the answer."""

from __future__ import annotations

from dataclasses import dataclass

from gbcs.catalogue import ComponentSpec, Technology, UseCase, gbz_components
from gbcs.envelope import Cra, Message
from gbcs.errors import LocalError, NotAllowed, RemoteError
from gbcs.eui64 import format_eui64
from gbcs.gbz import Component, Gbz
from gbcs.keys import KeyStore
from gbcs.protection import Verification, attribute_cipher, protect, verify
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import AttributeStatus, GeneralCommand, ReadAttributes, ReadAttributesResponse


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

    def command(self, use_case: UseCase, recipient: int, counter: int) -> Message:
        """The protected command; NotAllowed when this party's role may not send it."""
        role = self.keys.role(self.entity)
        if use_case.roles and role is not None and role not in use_case.roles:
            allowed = ", ".join(sorted(one.name.lower() for one in use_case.roles))
            raise NotAllowed(
                f"{use_case.name} may be sent by {allowed}, not by {role.name.lower()}"
            )
        message = Message(
            cra=Cra.COMMAND,
            originator_counter=counter,
            originator=self.entity,
            recipient=recipient,
            message_code=use_case.message_code,
            payload=command_payload(use_case),
        )
        return protect(message, self.keys)

    def open(self, octets: bytes) -> Opened:
        """Parse, verify and decrypt an answer; RemoteError when it is not one for this party."""
        message = Message.parse(octets)
        if message.recipient != self.entity:
            raise RemoteError(
                f"the answer is for {format_eui64(message.recipient)}, "
                f"not {format_eui64(self.entity)}"
            )
        payload = Gbz.parse(message.payload)
        if payload.has_sealed:
            payload = payload.opened(attribute_cipher(message, self.keys))
        return Opened(message, verify(message, self.keys), payload)


def command_payload(use_case: UseCase) -> bytes:
    """The payload of a command that only reads attributes."""
    specs = gbz_components(use_case.name, Cra.COMMAND)
    if use_case.technology is not Technology.GBZ or not specs:
        raise LocalError(f"{use_case.name} is not a GBZ use case that this bench can build")
    return Gbz(tuple(map(_read_component, specs, range(len(specs))))).to_bytes()


def _read_component(spec: ComponentSpec, sequence: int) -> Component:
    if spec.is_cluster_command or spec.command_id != GeneralCommand.READ_ATTRIBUTES:
        raise LocalError(
            f"cluster {spec.cluster_id:04X} command {spec.command_id:02X} needs values"
        )
    frame = Frame(
        spec.frame_control, sequence, spec.command_id, ReadAttributes(spec.attributes).to_bytes()
    )
    return Component(spec.cluster_id, frame)


def _is_read_answer(component: Component) -> bool:
    frame = component.frame
    return (
        not frame.is_cluster_command and frame.command_id == GeneralCommand.READ_ATTRIBUTES_RESPONSE
    )
