"""Requests that wait for their answer, and how an incoming frame finds its request."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gbcs.zcl.frame import Frame, frame_control
from gbcs.zcl.general import GeneralCommand
from han.deadlines import first_due
from han.exchange import ZDO, Request, Ticket
from han.radio import ApsFrame, Broadcast
from han.zdo.messages import RESPONSE

_GENERAL_ANSWERS: Final = {
    GeneralCommand.READ_ATTRIBUTES: GeneralCommand.READ_ATTRIBUTES_RESPONSE,
    GeneralCommand.WRITE_ATTRIBUTES: GeneralCommand.WRITE_ATTRIBUTES_RESPONSE,
    GeneralCommand.WRITE_ATTRIBUTES_UNDIVIDED: GeneralCommand.WRITE_ATTRIBUTES_RESPONSE,
    GeneralCommand.CONFIGURE_REPORTING: GeneralCommand.CONFIGURE_REPORTING_RESPONSE,
    GeneralCommand.READ_REPORTING_CONFIGURATION: (
        GeneralCommand.READ_REPORTING_CONFIGURATION_RESPONSE
    ),
    GeneralCommand.DISCOVER_ATTRIBUTES: GeneralCommand.DISCOVER_ATTRIBUTES_RESPONSE,
    GeneralCommand.DISCOVER_ATTRIBUTES_EXTENDED: (
        GeneralCommand.DISCOVER_ATTRIBUTES_EXTENDED_RESPONSE
    ),
    GeneralCommand.DISCOVER_COMMANDS_RECEIVED: GeneralCommand.DISCOVER_COMMANDS_RECEIVED_RESPONSE,
    GeneralCommand.DISCOVER_COMMANDS_GENERATED: (
        GeneralCommand.DISCOVER_COMMANDS_GENERATED_RESPONSE
    ),
}


@dataclass(slots=True)
class Transaction:
    """One request under way; ``deadline`` is set once it was delivered."""

    ticket: Ticket
    request: Request
    sequence: int
    deadline: datetime | None = None

    def to_bytes(self) -> bytes:
        """The APS payload: a ZCL frame, or a sequence number and a ZDO payload."""
        request = self.request
        if request.profile_id == ZDO:
            return bytes((self.sequence,)) + request.payload
        control = frame_control(
            cluster_command=not request.general,
            from_server=request.from_server,
            disable_default_response=not request.default_response,
            manufacturer_specific=request.manufacturer is not None,
        )
        return Frame(
            control,
            self.sequence,
            request.command_id,
            request.payload,
            request.manufacturer,
        ).to_bytes()

    def message(self, clear_clusters: Collection[int]) -> ApsFrame:
        """The whole message; unless the request says else, its cluster decides on APS security."""
        request = self.request
        broadcast = isinstance(request.peer, Broadcast)
        encrypted = request.encrypted
        if encrypted is None:
            encrypted = request.cluster_id not in clear_clusters
        return ApsFrame(
            peer=request.peer,
            profile_id=request.profile_id,
            cluster_id=request.cluster_id,
            source_endpoint=request.source_endpoint,
            destination_endpoint=request.endpoint,
            payload=self.to_bytes(),
            acknowledged=not broadcast,
            encrypted=encrypted and not broadcast,
        )

    def is_answered_by(self, frame: Frame) -> bool:
        """Whether a frame from the peer, of the same cluster and sequence, is the answer."""
        request = self.request
        if frame.from_server == request.from_server or frame.sequence != self.sequence:
            return False
        if frame.is_cluster_command:
            return frame.command_id in request.answered_by
        if frame.command_id == GeneralCommand.DEFAULT_RESPONSE:
            return frame.payload[:1] == bytes((request.command_id,))
        if not request.general:
            return False
        return _GENERAL_ANSWERS.get(GeneralCommand(request.command_id)) == frame.command_id


@dataclass(slots=True)
class Transactions:
    """Every request of the node that is not concluded, by ticket."""

    open: dict[Ticket, Transaction] = field(default_factory=dict)
    _sequence: int = 0

    @property
    def deadline(self) -> datetime | None:
        """When the first of them stops waiting."""
        return first_due(self.open.values(), lambda transaction: transaction.deadline)

    def begin(self, ticket: Ticket, request: Request) -> Transaction:
        """Number a new request; a number still in use with that peer is passed over."""
        used = {t.sequence for t in self.open.values() if t.request.peer == request.peer}
        for _ in range(256):
            self._sequence = (self._sequence + 1) % 256
            if self._sequence not in used:
                break
        transaction = Transaction(ticket, request, self._sequence)
        self.open[ticket] = transaction
        return transaction

    def end(self, ticket: Ticket) -> None:
        """Forget a concluded request."""
        self.open.pop(ticket, None)

    def find(self, peer: int, cluster_id: int, endpoint: int, frame: Frame) -> Transaction | None:
        """The request that this ZCL frame answers."""
        for transaction in self.open.values():
            request = transaction.request
            if (
                request.peer == peer
                and request.cluster_id == cluster_id
                and request.source_endpoint == endpoint
                and request.profile_id != ZDO
                and transaction.is_answered_by(frame)
            ):
                return transaction
        return None

    def find_zdo(self, peer: int, command: int, sequence: int) -> Transaction | None:
        """The request that this ZDO response answers; anybody may answer a broadcast."""
        for transaction in self.open.values():
            request = transaction.request
            if (
                request.profile_id == ZDO
                and request.cluster_id | RESPONSE == command
                and transaction.sequence == sequence
                and (request.peer == peer or isinstance(request.peer, Broadcast))
            ):
                return transaction
        return None

    def expire(self, now: datetime) -> list[Transaction]:
        """Take those whose time is up."""
        late = [t for t in self.open.values() if t.deadline is not None and t.deadline <= now]
        for transaction in late:
            self.end(transaction.ticket)
        return late

    def with_peer(self, peer: int) -> list[Transaction]:
        """Take those with one peer."""
        theirs = [t for t in self.open.values() if t.request.peer == peer]
        for transaction in theirs:
            self.end(transaction.ticket)
        return theirs
