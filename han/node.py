"""A node of the HAN above the radio, without I/O.

Hand in what the radio received and reported, with the moment; drain frames, acknowledgements and
events; call :meth:`Node.poll` at :attr:`Node.deadline`. The node reassembles, answers ZDO, executes
ZCL frames on its endpoints, matches answers to requests, and drives its services.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from gbcs.errors import MalformedMessage
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import GeneralCommand
from gbcs.zcl.status import Status
from han.deadlines import earliest, first_due
from han.endpoint import Endpoint
from han.exchange import (
    ZDO,
    Announced,
    AnswerLost,
    Delivered,
    Executed,
    Ignored,
    NodeEvent,
    Outcome,
    Replied,
    Request,
    Service,
    Ticket,
    Unanswered,
    Undelivered,
    ZdoReplied,
)
from han.fragmentation import MessageTooLong, Reassembler
from han.outbox import Outbox, Shipped
from han.radio import (
    ApsFrame,
    ApsReceived,
    BlockAck,
    Broadcast,
    DeliveryReport,
    DeliveryStatus,
    SimpleDescriptor,
)
from han.settings import NodeSettings as NodeSettings
from han.transactions import Transactions
from han.zcl.payload import decode
from han.zcl.server import answer_frames
from han.zcl.tables import Access
from han.zdo.messages import RESPONSE, Command, DeviceAnnouncement
from han.zdo.server import Addresses, Binding, FixedAddresses, ZdoServer

ALL_ENDPOINTS: Final = 0xFF


class Node:
    """One node: endpoints, ZDO, requests and their answers, services. See the module."""

    def __init__(
        self,
        eui64: int,
        endpoints: Iterable[Endpoint] = (),
        settings: NodeSettings | None = None,
        addresses: Addresses | None = None,
    ) -> None:
        self.eui64 = eui64
        self.settings = settings or NodeSettings()
        self.endpoints: dict[int, Endpoint] = {}
        for endpoint in endpoints:
            self.add_endpoint(endpoint)
        self.zdo = ZdoServer(
            eui64,
            addresses or FixedAddresses(),
            self._discoverable,
            self.settings.description,
        )
        self.trusts: Callable[[int], bool] = _everybody
        """Whether this peer may use APS security: a trust centre knows who holds only the key that
        it came with."""
        self._services: list[Service] = []
        self._owners: dict[Ticket, Service] = {}
        self._tickets = 0
        self._outbox = Outbox(self.settings.limits, self.settings.fragmentation.retries)
        self._reassembler = Reassembler(self.settings.fragmentation)
        self._transactions = Transactions()
        self._rejected: list[Shipped] = []
        self._now: datetime | None = None  # of the last input
        self._acks: list[BlockAck] = []
        self._events: list[NodeEvent] = []

    # -- composition ---------------------------------------------------------------------------

    def add_endpoint(self, endpoint: Endpoint) -> None:
        """Add an endpoint; ValueError when its number is taken."""
        if endpoint.number in self.endpoints:
            raise ValueError(f"endpoint {endpoint.number} exists already")
        self.endpoints[endpoint.number] = endpoint

    def attach(self, service: Service) -> None:
        """Drive this state machine from now on."""
        self._services.append(service)

    def detach(self, service: Service) -> None:
        """Stop driving it; its open requests end unnoticed."""
        self._services.remove(service)
        self._owners = {t: s for t, s in self._owners.items() if s is not service}

    @property
    def bindings(self) -> list[Binding]:
        """Where the clusters of this node report to."""
        return self.zdo.bindings

    # -- inputs --------------------------------------------------------------------------------

    def receive(self, frame: ApsReceived, now: datetime) -> None:
        """Take a frame that arrived for this node."""
        message, ack = self._reassembler.receive(frame, now)
        if ack is not None:
            self._acks.append(ack)
        if message is not None:
            if message.profile_id == ZDO:
                self._receive_zdo(message, now)
            else:
                self._receive_zcl(message, now)
        self._serve(now)

    def sent(self, frame_id: int, report: DeliveryReport, now: datetime) -> None:
        """Take the radio's report of one drained frame."""
        shipped = self._outbox.sent(frame_id, report)
        if shipped is not None:
            self._shipped(shipped, now)
        self._serve(now)

    def send(self, request: Request, now: datetime) -> Ticket:
        """Send a request; how it ended comes as an event that quotes the ticket.

        MessageTooLong when it exceeds 1500 octets.
        """
        ticket = self._issue(request)
        self._serve(now)
        return ticket

    def poll(self, now: datetime) -> None:
        """Do what is due: time-outs, services."""
        for lost in self._reassembler.poll(now):
            self._ignore(lost, "a fragmented message stopped arriving")
        for transaction in self._transactions.expire(now):
            self._conclude(Unanswered(transaction.ticket, transaction.request), now)
        self._serve(now)

    def forget(self, peer: int, now: datetime) -> None:
        """Drop everything under way with a peer that left."""
        self._reassembler.forget(peer)
        for shipped in self._outbox.forget(peer):
            self._shipped(shipped, now)
        for transaction in self._transactions.with_peer(peer):
            gone = DeliveryStatus.UNKNOWN_PEER
            self._conclude(Undelivered(transaction.ticket, transaction.request, gone), now)
        self._serve(now)

    # -- outputs -------------------------------------------------------------------------------

    def frames(self) -> list[tuple[int, ApsFrame]]:
        """Take the frames to send; the report of each goes to :meth:`sent` with its number.

        What services were asked to send since the last input is among them.
        """
        self._collect()
        return self._outbox.frames()

    def block_acks(self) -> list[BlockAck]:
        """Take the acknowledgements of fragmented parts to send."""
        acks, self._acks = self._acks, []
        return acks

    def events(self) -> list[NodeEvent]:
        """Take what happened, in order."""
        events, self._events = self._events, []
        return events

    def sends_parts_to(self, peer: int) -> bool:
        """Whether a fragmented message is on its way to this peer."""
        return self._outbox.in_parts(peer)

    @property
    def expecting(self) -> bool:
        """Whether an answer is awaited, or the rest of a message."""
        return bool(self._transactions.open) or self._reassembler.receiving

    @property
    def deadline(self) -> datetime | None:
        """When :meth:`poll` is due next."""
        own = earliest((self._reassembler.deadline, self._transactions.deadline))
        return earliest((own, first_due(self._services, lambda service: service.deadline)))

    # -- sending -------------------------------------------------------------------------------

    def _issue(self, request: Request, owner: Service | None = None) -> Ticket:
        self._tickets += 1
        ticket = Ticket(self._tickets)
        transaction = self._transactions.begin(ticket, request)
        if owner is not None:
            self._owners[ticket] = owner
        message = transaction.message(self.settings.clear_clusters)
        try:
            self._put(message, ticket)
        except MessageTooLong:
            if owner is None:
                self._transactions.end(ticket)
                raise
            self._rejected.append(Shipped(ticket, message, DeliveryStatus.TOO_LONG))
        return ticket

    def _put(self, message: ApsFrame, handle: int | None = None) -> None:
        if not self._outbox.put(message, handle):
            self._rejected.append(Shipped(handle, message, DeliveryStatus.QUEUE_FULL))

    def _shipped(self, shipped: Shipped, now: datetime) -> None:
        if shipped.handle is None:
            if shipped.status is not DeliveryStatus.DELIVERED:
                message = shipped.message
                self._events.append(AnswerLost(message.peer, message.cluster_id, shipped.status))
            return
        transaction = self._transactions.open.get(Ticket(shipped.handle))
        if transaction is None:
            return  # answered before the radio reported
        request = transaction.request
        if shipped.status is not DeliveryStatus.DELIVERED:
            self._end(Undelivered(transaction.ticket, request, shipped.status), now)
        elif request.reply_within is None:
            self._end(Delivered(transaction.ticket, request), now)
        else:
            transaction.deadline = now + request.reply_within

    def _end(self, outcome: Outcome, now: datetime) -> None:
        self._transactions.end(outcome.ticket)
        self._conclude(outcome, now)

    def _conclude(self, outcome: Outcome, now: datetime) -> None:
        """Tell the owner of a request (or, without one, the application) how it went."""
        many = isinstance(outcome.request.peer, Broadcast) and isinstance(outcome, ZdoReplied)
        owner = self._owners.get(outcome.ticket) if many else self._owners.pop(outcome.ticket, None)
        self._events.append(outcome)
        if owner is not None:
            owner.concluded(outcome, now)

    def _serve(self, now: datetime) -> None:
        """Let every service do what is due, and send what they ask for."""
        for service in tuple(self._services):
            due = service.deadline
            if due is not None and due <= now:
                service.poll(now)
        self._now = now
        self._collect()

    def _collect(self) -> None:
        """Take what services ask for, and tell what could not even be queued."""
        for service in tuple(self._services):
            for request in service.requests():
                self._issue(request, service)
        if self._rejected and self._now is not None:
            rejected, self._rejected = self._rejected, []
            for shipped in rejected:
                self._shipped(shipped, self._now)

    # -- receiving -----------------------------------------------------------------------------

    def _receive_zdo(self, message: ApsReceived, now: datetime) -> None:
        if not message.payload:
            self._ignore(message, "ZDO frame without a sequence number")
            return
        sequence, payload = message.payload[0], message.payload[1:]
        found = self._transactions.find_zdo(message.peer, message.cluster_id, sequence)
        if found is not None:
            replied = ZdoReplied(found.ticket, found.request, message.peer, payload)
            if isinstance(found.request.peer, Broadcast):
                self._conclude(replied, now)
            else:
                self._end(replied, now)
            return
        if message.cluster_id == Command.DEVICE_ANNCE:
            self._announced(message, payload)
            return
        answer = self.zdo.answer(message.cluster_id, payload, broadcast=message.broadcast)
        if answer is None:
            self._ignore(message, "ZDO frame that asks for no answer")
            return
        self._put(
            ApsFrame(
                peer=message.peer,
                profile_id=ZDO,
                cluster_id=message.cluster_id | RESPONSE,
                source_endpoint=0,
                destination_endpoint=message.source_endpoint,
                payload=bytes((sequence,)) + answer,
            )
        )

    def _announced(self, message: ApsReceived, payload: bytes) -> None:
        try:
            said = decode(DeviceAnnouncement, payload)
        except MalformedMessage as error:
            self._ignore(message, str(error))
            return
        self._events.append(Announced(said.eui64, said.nwk, said.capability))

    def _receive_zcl(self, message: ApsReceived, now: datetime) -> None:
        endpoints = self._addressed(message)
        if not endpoints:
            self._ignore(message, "no such endpoint")
            return
        if message.encrypted and not self.trusts(message.peer):
            self._ignore(message, "secured by a device that has not established its link key")
            return
        try:
            frame = Frame.parse(message.payload)
        except MalformedMessage as error:
            self._ignore(message, str(error))
            return
        for endpoint in endpoints:
            self._receive_frame(endpoint, message, frame, now)

    def _addressed(self, message: ApsReceived) -> list[Endpoint]:
        number = message.destination_endpoint
        chosen = [
            e for e in self.endpoints.values() if e.enabled and e.profile_id == message.profile_id
        ]
        if number == ALL_ENDPOINTS:
            return chosen
        return [e for e in chosen if e.number == number]

    def _receive_frame(
        self, endpoint: Endpoint, message: ApsReceived, frame: Frame, now: datetime
    ) -> None:
        secure = message.encrypted or self._may_be_clear(message, frame)
        access = Access(
            peer=message.peer,
            now=now,
            encrypted=message.encrypted,
            broadcast=message.broadcast,
            endpoint=endpoint.number,
            peer_endpoint=message.source_endpoint,
        )
        found = self._transactions.find(message.peer, message.cluster_id, endpoint.number, frame)
        if found is not None and secure:
            if frame.is_cluster_command:  # whose sender may want a Default Response in its turn
                self._reply(endpoint, message, answer_frames(frame, Status.SUCCESS, access))
            self._end(Replied(found.ticket, found.request, message.peer, frame), now)
            return
        answers: tuple[Frame, ...] = ()
        if secure:
            answers = endpoint.server.execute(message.cluster_id, frame, access)
        elif not _is_default_response(frame):
            answers = answer_frames(frame, Status.FAILURE, access)
        self._events.append(
            Executed(
                message.peer,
                endpoint.number,
                message.cluster_id,
                frame,
                answers,
                message.encrypted,
                refused=not secure,
                peer_endpoint=message.source_endpoint,
            )
        )
        try:
            self._reply(endpoint, message, answers)
        except MessageTooLong:
            refusal = answer_frames(frame, Status.INSUFFICIENT_SPACE, access)
            self._reply(endpoint, message, refusal)

    def _may_be_clear(self, message: ApsReceived, frame: Frame) -> bool:
        """Whether a frame without APS security may count.

        A peer that refuses our unsecured frame must say so unsecured, so an unsecured Default
        Response may end a request, but only with a failure.
        """
        if not self.settings.refuse_unsecured:
            return True
        if message.cluster_id in self.settings.clear_clusters:
            return True
        if not _is_default_response(frame):
            return False
        return frame.payload[1:] != bytes((Status.SUCCESS,))

    def _reply(self, endpoint: Endpoint, message: ApsReceived, answers: tuple[Frame, ...]) -> None:
        """Send answers the way the request came: endpoints swapped, the same security."""
        for answer in answers:
            self._put(
                ApsFrame(
                    peer=message.peer,
                    profile_id=message.profile_id,
                    cluster_id=message.cluster_id,
                    source_endpoint=endpoint.number,
                    destination_endpoint=message.source_endpoint,
                    payload=answer.to_bytes(),
                    encrypted=message.encrypted,
                )
            )

    def _ignore(self, message: ApsReceived, reason: str) -> None:
        self._events.append(
            Ignored(
                message.peer,
                message.destination_endpoint,
                message.cluster_id,
                message.payload,
                reason,
            )
        )

    def _discoverable(self) -> list[SimpleDescriptor]:
        return [e.descriptor for e in self.endpoints.values() if e.enabled and not e.hidden]


def _everybody(_: int) -> bool:
    """Devices that are no trust centre leave that to it."""
    return True


def _is_default_response(frame: Frame) -> bool:
    return not frame.is_cluster_command and frame.command_id == GeneralCommand.DEFAULT_RESPONSE
