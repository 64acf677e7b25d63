"""What crosses the node's upper edge: requests to peers, how they ended, and what was served."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NewType, Protocol

from gbcs.errors import MalformedMessage
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import DefaultResponse, GeneralCommand
from gbcs.zcl.status import Status
from han.radio import Broadcast, DeliveryStatus

SMART_ENERGY: Final = 0x0109
ZDO: Final = 0x0000
REPLY_TIMEOUT: Final = timedelta(seconds=10)

Ticket = NewType("Ticket", int)


@dataclass(frozen=True, slots=True)
class Request:
    """One command to a peer's endpoint.

    ``answered_by`` lists the cluster commands that answer it (a Default Response always does).
    With ``reply_within`` the request ends Replied or Unanswered, else Delivered; the time counts
    from delivery, so that a sleepy peer has it too. ``encrypted`` None leaves it to the cluster.
    A request of profile ZDO is a ZDO request: its cluster is the command. ``tag`` is the sender's
    own, to know its requests by when they end.
    """

    peer: int | Broadcast
    endpoint: int
    cluster_id: int
    command_id: int
    payload: bytes = b""
    source_endpoint: int = 1
    general: bool = False
    from_server: bool = False
    answered_by: frozenset[int] = frozenset()
    reply_within: timedelta | None = None
    default_response: bool = True
    manufacturer: int | None = None
    encrypted: bool | None = None
    profile_id: int = SMART_ENERGY
    tag: int = 0


@dataclass(frozen=True, slots=True)
class Replied:
    """The answer came; of a broadcast request there may be many, from several peers."""

    ticket: Ticket
    request: Request
    peer: int
    frame: Frame

    @property
    def status(self) -> Status | None:
        """The status of a Default Response; None when the answer is another command."""
        if self.frame.is_cluster_command or self.frame.command_id != DEFAULT_RESPONSE:
            return None
        try:
            return Status(DefaultResponse.parse(self.frame.payload).status)
        except (MalformedMessage, ValueError):
            return Status.FAILURE


@dataclass(frozen=True, slots=True)
class ZdoReplied:
    """The response to a ZDO request came; ``payload`` starts behind the sequence number."""

    ticket: Ticket
    request: Request
    peer: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Delivered:
    """A request that waits for no answer reached its peer (or left, when broadcast)."""

    ticket: Ticket
    request: Request


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No (further) answer came in time."""

    ticket: Ticket
    request: Request


@dataclass(frozen=True, slots=True)
class Undelivered:
    """The request did not reach its peer."""

    ticket: Ticket
    request: Request
    reason: DeliveryStatus


Outcome = Replied | ZdoReplied | Delivered | Unanswered | Undelivered


@dataclass(frozen=True, slots=True)
class Executed:
    """A peer's frame was executed, or refused for want of APS security; the answers are queued."""

    peer: int
    endpoint: int
    cluster_id: int
    frame: Frame
    answers: tuple[Frame, ...]
    encrypted: bool
    refused: bool = False
    peer_endpoint: int = 0


@dataclass(frozen=True, slots=True)
class Ignored:
    """A peer's octets were dropped, and why."""

    peer: int
    endpoint: int
    cluster_id: int
    octets: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class AnswerLost:
    """An answer of ours did not reach its peer."""

    peer: int | Broadcast
    cluster_id: int
    reason: DeliveryStatus


@dataclass(frozen=True, slots=True)
class Announced:
    """A device told the network its short address (Device_annce)."""

    eui64: int
    nwk: int
    capability: int


NodeEvent = Outcome | Executed | Ignored | AnswerLost | Announced
DEFAULT_RESPONSE: Final = GeneralCommand.DEFAULT_RESPONSE


class Service(Protocol):
    """A state machine that the node drives: a tunnel, a mirror, key establishment."""

    @property
    def deadline(self) -> datetime | None:
        """When ``poll`` is due next."""
        ...

    def poll(self, now: datetime) -> None:
        """Do what is due."""
        ...

    def requests(self) -> list[Request]:
        """Take the requests to send."""
        ...

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Learn how one of them ended."""
        ...
