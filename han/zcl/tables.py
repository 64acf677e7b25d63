"""Cluster tables: what a cluster has (definitions) and how a model shows it (tables over a model).

A definition says identifiers, names and types only, so a meter, its mirror and a display share it.
A :class:`Cluster` binds definitions to a model type; a :class:`Served` is that table over one
model object. Nothing here stores a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Generic, TypeVar

from gbcs.zcl.general import AttributeValue
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType, Value

M = TypeVar("M")


class Side(Enum):
    """Which half of a cluster: the server holds the data, the client uses it."""

    SERVER = "server"
    CLIENT = "client"

    @property
    def other(self) -> Side:
        """The half at the far end."""
        return Side.CLIENT if self is Side.SERVER else Side.SERVER


class Party(Enum):
    """Who asks: a device of the home, or a remote party through GBCS."""

    HAN = "HAN"
    REMOTE = "remote party"


@dataclass(frozen=True, slots=True)
class Order:
    """The command of a remote party that frames are components of."""

    message_code: int
    originator: int
    counter: int


@dataclass(frozen=True, slots=True)
class Access:
    """The circumstances of one frame: who asks (EUI-64 or entity identifier), when, and how.

    ``from_date_time`` is the From Date Time of a GBZ component, in UTCTime seconds: the earliest
    moment asked for, where the ZCL command has no field for it. ``order`` is the command that a
    component belongs to.
    """

    peer: int
    now: datetime
    party: Party = Party.HAN
    encrypted: bool = True
    broadcast: bool = False
    endpoint: int = 0
    peer_endpoint: int = 0
    from_date_time: int | None = None
    order: Order | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attribute has no value to give."""

    status: Status


@dataclass(frozen=True, slots=True)
class Reply:
    """A cluster command sent back as the answer; its sequence number is the request's."""

    command_id: int
    payload: bytes = b""


Answer = Status | Reply | tuple[Reply, ...]


@dataclass(frozen=True, slots=True)
class AttributeDefinition:
    """One attribute as the cluster library lists it."""

    id: int
    name: str
    type: DataType
    manufacturer: int | None = None


@dataclass(frozen=True, slots=True)
class CommandDefinition:
    """One cluster command; ``answered_by`` lists the opposite commands that answer it."""

    id: int
    name: str
    answered_by: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterDefinition:
    """One cluster of the library: attributes of both sides, commands of both directions."""

    cluster_id: int
    name: str
    server_attributes: tuple[AttributeDefinition, ...] = ()
    client_attributes: tuple[AttributeDefinition, ...] = ()
    to_server: tuple[CommandDefinition, ...] = ()
    to_client: tuple[CommandDefinition, ...] = ()
    _by_id: Mapping[tuple[int, Side], AttributeDefinition] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        by_id = {(each.id, side): each for side in Side for each in reversed(self.attributes(side))}
        object.__setattr__(self, "_by_id", by_id)

    def attributes(self, side: Side = Side.SERVER) -> tuple[AttributeDefinition, ...]:
        """The attributes that this side holds."""
        return self.server_attributes if side is Side.SERVER else self.client_attributes

    def attribute(self, attribute_id: int, side: Side = Side.SERVER) -> AttributeDefinition | None:
        """The attribute with this identifier, None when the cluster has none such."""
        return self._by_id.get((attribute_id, side))

    def received(self, side: Side) -> tuple[CommandDefinition, ...]:
        """The commands that this side receives."""
        return self.to_server if side is Side.SERVER else self.to_client

    def command(self, command_id: int, side: Side = Side.SERVER) -> CommandDefinition | None:
        """The command with this identifier that ``side`` receives, None when there is none."""
        return next((c for c in self.received(side) if c.id == command_id), None)


@dataclass(frozen=True, slots=True)
class Attribute(Generic[M]):
    """An attribute over a model: how to read it, and how to write it when it may be written."""

    definition: AttributeDefinition
    read: Callable[[M], Value | Failure]
    write: Callable[[M, Value], Status] | None = None
    reportable: bool = False


@dataclass(frozen=True, slots=True)
class Command(Generic[M]):
    """A received command over a model; the handler decodes the payload and says the answer.

    A handler may raise MalformedMessage: the engine answers MALFORMED_COMMAND.
    """

    definition: CommandDefinition
    handle: Callable[[M, bytes, Access], Answer]


Reported = Callable[[M, tuple[AttributeValue, ...], Access], Answer]


@dataclass(frozen=True, slots=True)
class Cluster(Generic[M]):
    """One side of a cluster over a model type."""

    definition: ClusterDefinition
    side: Side = Side.SERVER
    attributes: tuple[Attribute[M], ...] = ()
    commands: tuple[Command[M], ...] = ()
    reported: Reported[M] | None = None
    generated: tuple[int, ...] = ()
    """Commands this side sends besides the answers to the ones it receives."""

    def on(self, model: M) -> Served:
        """Serve one model, whoever asks."""
        return self.viewed(lambda _: model)

    def viewed(self, view: Callable[[Access], M]) -> Served:
        """Serve the view of the model that the asker may see."""
        reported = self.reported
        return Served(
            definition=self.definition,
            side=self.side,
            attributes={a.definition.id: _serve_attribute(a, view) for a in self.attributes},
            commands={c.definition.id: _serve_command(c, view) for c in self.commands},
            generated=frozenset(self.generated).union(
                *(c.definition.answered_by for c in self.commands)
            ),
            reported=None
            if reported is None
            else lambda records, access: reported(view(access), records, access),
        )


@dataclass(frozen=True, slots=True)
class ServedAttribute:
    """An attribute bound to its model."""

    definition: AttributeDefinition
    read: Callable[[Access], Value | Failure]
    write: Callable[[Value, Access], Status] | None
    reportable: bool


@dataclass(frozen=True, slots=True)
class Served:
    """One side of a cluster bound to its model, ready for an endpoint."""

    definition: ClusterDefinition
    side: Side
    attributes: Mapping[int, ServedAttribute] = field(default_factory=dict)
    commands: Mapping[int, Callable[[bytes, Access], Answer]] = field(default_factory=dict)
    generated: frozenset[int] = frozenset()
    reported: Callable[[tuple[AttributeValue, ...], Access], Answer] | None = None

    @property
    def cluster_id(self) -> int:
        """Identifier of the cluster."""
        return self.definition.cluster_id

    def joined(self, other: Served) -> Served:
        """Both tables of one cluster as one; ValueError when they share anything."""
        shared = self.attributes.keys() & other.attributes.keys()
        shared |= self.commands.keys() & other.commands.keys()
        if shared or (self.reported and other.reported):
            raise ValueError(f"{self.definition.name} {self.side.value} is served twice")
        return replace(
            self,
            attributes={**self.attributes, **other.attributes},
            commands={**self.commands, **other.commands},
            generated=self.generated | other.generated,
            reported=self.reported or other.reported,
        )


def _serve_attribute(attribute: Attribute[M], view: Callable[[Access], M]) -> ServedAttribute:
    write = attribute.write
    return ServedAttribute(
        definition=attribute.definition,
        read=lambda access: attribute.read(view(access)),
        write=None if write is None else lambda value, access: write(view(access), value),
        reportable=attribute.reportable,
    )


def _serve_command(
    command: Command[M], view: Callable[[Access], M]
) -> Callable[[bytes, Access], Answer]:
    return lambda payload, access: command.handle(view(access), payload, access)
