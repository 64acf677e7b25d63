"""General commands on the attributes and command lists of one cluster.

Each function takes the raw payload of one general command and returns the answer: a general
response, or None where the ZCL asks for silence. Malformed payloads raise MalformedMessage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gbcs.zcl.general import (
    AttributeStatus,
    AttributeValue,
    AttributeValues,
    DiscoverAttributes,
    DiscoverAttributesExtendedResponse,
    DiscoverAttributesResponse,
    DiscoverCommands,
    DiscoverCommandsResponse,
    General,
    GeneralCommand,
    ReadAttributes,
    ReadAttributesResponse,
    WriteAttributesResponse,
)
from gbcs.zcl.status import Status
from han.zcl.reporting import ReportingTable
from han.zcl.tables import Access, Failure, Served, ServedAttribute

_READABLE, _WRITABLE, _REPORTABLE = 1, 2, 4


@dataclass(frozen=True, slots=True)
class GeneralReply:
    """A general command sent back as the answer."""

    command_id: int
    payload: bytes

    @classmethod
    def of(cls, command_id: GeneralCommand, message: General) -> GeneralReply:
        """The reply that carries this message."""
        return cls(command_id, message.to_bytes())


@dataclass(frozen=True, slots=True)
class Target:
    """One cluster as one frame sees it: the manufacturer it speaks of, and injected faults."""

    served: Served
    manufacturer: int | None = None
    faults: Mapping[int, Status] = field(default_factory=dict)
    reporting: ReportingTable | None = None

    def attribute(self, attribute_id: int) -> ServedAttribute | None:
        """The attribute of this manufacturer with this identifier."""
        attribute = self.served.attributes.get(attribute_id)
        if attribute is None or attribute.definition.manufacturer != self.manufacturer:
            return None
        return attribute

    def attributes_from(self, start: int) -> list[ServedAttribute]:
        """The attributes of this manufacturer from an identifier on, in order."""
        known = sorted(self.served.attributes)
        found = [self.attribute(i) for i in known if i >= start]
        return [a for a in found if a is not None]


def read(target: Target, payload: bytes, access: Access) -> GeneralReply:
    """Read Attributes: one record each, so that one failure leaves the others alone."""
    ids = ReadAttributes.parse(payload).attribute_ids
    records = tuple(read_one(target, i, access) for i in ids)
    return GeneralReply.of(GeneralCommand.READ_ATTRIBUTES_RESPONSE, ReadAttributesResponse(records))


def read_one(target: Target, attribute_id: int, access: Access) -> AttributeStatus:
    """The record of one attribute, with its value or the reason why there is none."""
    attribute = target.attribute(attribute_id)
    if attribute is None:
        return AttributeStatus(attribute_id, Status.UNSUPPORTED_ATTRIBUTE)
    if attribute_id in target.faults:
        return AttributeStatus(attribute_id, target.faults[attribute_id])
    value = attribute.read(access)
    if isinstance(value, Failure):
        return AttributeStatus(attribute_id, value.status)
    return AttributeStatus(attribute_id, Status.SUCCESS, attribute.definition.type, value)


def write(target: Target, payload: bytes, access: Access) -> GeneralReply:
    """Write Attributes: each for itself; the answer lists only the failures."""
    return _written(_write_each(target, payload, access))


def write_no_response(target: Target, payload: bytes, access: Access) -> None:
    """Write Attributes No Response: as Write Attributes, in silence."""
    _write_each(target, payload, access)


def write_undivided(target: Target, payload: bytes, access: Access) -> GeneralReply:
    """Write Attributes Undivided: all or none."""
    records = AttributeValues.parse(payload).records
    refusals: list[tuple[int, int]] = [
        (status, r.attribute_id)
        for r in records
        if (status := _refusal(target, r)) is not Status.SUCCESS
    ]
    if refusals:
        return _written(refusals)
    undo: list[AttributeValue] = []
    for record in records:
        before = read_one(target, record.attribute_id, access)
        status = _write_one(target, record, access)
        if status is not Status.SUCCESS:
            for old in reversed(undo):
                _write_one(target, old, access)
            return _written([(status, record.attribute_id)])
        if before.status == Status.SUCCESS:
            undo.append(AttributeValue(record.attribute_id, record.type_id, before.value))
    return _written([])


def _write_each(target: Target, payload: bytes, access: Access) -> list[tuple[int, int]]:
    outcomes = [
        (_write_one(target, record, access), record.attribute_id)
        for record in AttributeValues.parse(payload).records
    ]
    return [(status, i) for status, i in outcomes if status is not Status.SUCCESS]


def _write_one(target: Target, record: AttributeValue, access: Access) -> Status:
    refusal = _refusal(target, record)
    attribute = target.attribute(record.attribute_id)
    if refusal is not Status.SUCCESS or attribute is None or attribute.write is None:
        return refusal
    return attribute.write(record.value, access)


def _refusal(target: Target, record: AttributeValue) -> Status:
    """Why this record cannot be written at all; SUCCESS when the model is to decide."""
    attribute = target.attribute(record.attribute_id)
    if attribute is None:
        return Status.UNSUPPORTED_ATTRIBUTE
    if record.attribute_id in target.faults:
        return target.faults[record.attribute_id]
    if attribute.write is None:
        return Status.READ_ONLY
    if record.type_id != attribute.definition.type:
        return Status.INVALID_DATA_TYPE
    return Status.SUCCESS


def _written(failures: list[tuple[int, int]]) -> GeneralReply:
    message = WriteAttributesResponse(tuple(failures))
    return GeneralReply.of(GeneralCommand.WRITE_ATTRIBUTES_RESPONSE, message)


def discover(target: Target, payload: bytes, access: Access) -> GeneralReply:
    """Discover Attributes: identifiers and types, at most as many as asked for."""
    del access
    asked = DiscoverAttributes.parse(payload)
    found = target.attributes_from(asked.start)
    pairs = tuple((a.definition.id, int(a.definition.type)) for a in found[: asked.limit])
    message = DiscoverAttributesResponse(len(found) <= asked.limit, pairs)
    return GeneralReply.of(GeneralCommand.DISCOVER_ATTRIBUTES_RESPONSE, message)


def discover_extended(target: Target, payload: bytes, access: Access) -> GeneralReply:
    """Discover Attributes Extended: also whether each may be read, written and reported."""
    del access
    asked = DiscoverAttributes.parse(payload)
    found = target.attributes_from(asked.start)
    entries = tuple(
        (a.definition.id, int(a.definition.type), _access_bits(a)) for a in found[: asked.limit]
    )
    message = DiscoverAttributesExtendedResponse(len(found) <= asked.limit, entries)
    return GeneralReply.of(GeneralCommand.DISCOVER_ATTRIBUTES_EXTENDED_RESPONSE, message)


def _access_bits(attribute: ServedAttribute) -> int:
    bits = _READABLE
    bits |= _WRITABLE if attribute.write is not None else 0
    return bits | (_REPORTABLE if attribute.reportable else 0)


def discover_received(target: Target, payload: bytes, access: Access) -> GeneralReply:
    """Discover Commands Received: the commands this table executes, and no others."""
    del access
    message = _commands(target, payload, target.served.commands)
    return GeneralReply.of(GeneralCommand.DISCOVER_COMMANDS_RECEIVED_RESPONSE, message)


def discover_generated(target: Target, payload: bytes, access: Access) -> GeneralReply:
    """Discover Commands Generated: the commands this table sends."""
    del access
    message = _commands(target, payload, target.served.generated)
    return GeneralReply.of(GeneralCommand.DISCOVER_COMMANDS_GENERATED_RESPONSE, message)


def _commands(
    target: Target, payload: bytes, known: Mapping[int, object] | frozenset[int]
) -> DiscoverCommandsResponse:
    asked = DiscoverCommands.parse(payload)
    ids = [] if target.manufacturer is not None else sorted(i for i in known if i >= asked.start)
    return DiscoverCommandsResponse(len(ids) <= asked.limit, tuple(ids[: asked.limit]))
