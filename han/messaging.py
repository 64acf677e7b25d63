"""Messaging 0x0703: the ESI holds one text for the household, displays show and confirm it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gbcs.errors import MalformedMessage
from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_moment, zcl_seconds
from han.clusters import MESSAGING
from han.commands.events import (
    CancelAllMessages,
    CancelMessage,
    DisplayMessage,
    MessageConfirmation,
)
from han.exchange import Outcome, Replied, Request
from han.publisher import Publisher
from han.requests import Far, command_of
from han.zcl.payload import decode, encode
from han.zcl.tables import Access, Answer, Cluster, Command, Reply, Served, Side

NOW: Final = 0
UNTIL_CHANGED: Final = 0xFFFF
CONFIRMATION_REQUIRED: Final = 0x80


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The household acknowledged a message (alert 0x81A6 is due)."""

    peer: int
    message_id: int
    at: datetime


@dataclass(slots=True)
class MessageBoard:
    """The ESI's side. A new message replaces the last one, whoever sent it."""

    endpoint: int
    message: DisplayMessage | None = None
    _events: list[Confirmed] = field(default_factory=list)

    def served(self) -> Served:
        """The server cluster, for the endpoint's table."""
        return _SERVER.on(self)

    @property
    def has_events(self) -> bool:
        """Whether a display has confirmed something that was not taken yet."""
        return bool(self._events)

    def events(self) -> list[Confirmed]:
        """Take what displays confirmed, in order."""
        events, self._events = self._events, []
        return events

    def show(self, peer: int, peer_endpoint: int) -> Request | None:
        """The request that gives a display the message; None when there is none."""
        if self.message is None:
            return None
        return self._far(peer, peer_endpoint).command(_DISPLAY, encode(self.message))

    def announce(self, publisher: Publisher) -> None:
        """Give the message to every display that listens."""
        if self.message is not None:
            publisher.publish(MESSAGING, self.message)

    def withdraw(self, peer: int, peer_endpoint: int) -> Request | None:
        """The request that takes the message off a display; None when there is none."""
        if self.message is None:
            return None
        message = CancelMessage(self.message.message_id, self.message.control)
        return self._far(peer, peer_endpoint).command(_CANCEL, encode(message))

    def last(self, payload: bytes, access: Access) -> Answer:
        """GetLastMessage: NOT_FOUND when there is none, or it is over."""
        del payload
        message = self.message
        if message is None or _is_over(message, access.now):
            return Status.NOT_FOUND
        return Reply(_DISPLAY.id, encode(message))

    def confirmed(self, payload: bytes, access: Access) -> Answer:
        """MessageConfirmation: NOT_FOUND for a message that is not the one held."""
        said = decode(MessageConfirmation, payload)
        if self.message is None or said.message_id != self.message.message_id:
            return Status.NOT_FOUND
        self._events.append(Confirmed(access.peer, said.message_id, zcl_moment(said.time)))
        return Status.SUCCESS

    def _far(self, peer: int, peer_endpoint: int) -> Far:
        return Far(peer, peer_endpoint, MESSAGING.cluster_id, self.endpoint, Side.CLIENT)


def messages_of(displays: Callable[[int], MessageDisplay]) -> Served:
    """The client cluster of a display with a message of each of several servers, by peer."""
    return _CLIENT.viewed(lambda access: displays(access.peer))


@dataclass(slots=True)
class MessageDisplay:
    """A display's side: one message, from its start until it is over; a service of the node."""

    server: Far
    deadline: datetime | None = None
    _message: DisplayMessage | None = None
    _from: datetime | None = None
    _until: datetime | None = None
    _requests: list[Request] = field(default_factory=list)

    def served(self) -> Served:
        """The client cluster, for the endpoint's table."""
        return _CLIENT.on(self)

    def ask(self) -> None:
        """Ask for the message in force: at power-up, after joining."""
        self._requests.append(self.server.command(_LAST))

    def forget(self) -> None:
        """Show nothing any more."""
        self._message = None

    def shown(self, now: datetime) -> DisplayMessage | None:
        """The message to show at this moment."""
        begun = self._from is not None and self._from <= now
        over = self._until is not None and self._until <= now
        return self._message if begun and not over else None

    def confirm(self, now: datetime) -> bool:
        """The household pressed the button; False when nothing that wants it is shown."""
        message = self.shown(now)
        if message is None or not message.control & CONFIRMATION_REQUIRED:
            return False
        said = MessageConfirmation(message.message_id, zcl_seconds(now))
        self._requests.append(self.server.command(_CONFIRM, encode(said)))
        return True

    # -- service -------------------------------------------------------------------------------

    def poll(self, now: datetime) -> None:
        """Nothing is due: what is shown depends on the moment of looking."""

    def requests(self) -> list[Request]:
        """Take the requests to send."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Take the message asked for."""
        if isinstance(outcome, Replied) and outcome.frame.is_cluster_command:
            try:
                self._take(decode(DisplayMessage, outcome.frame.payload), now)
            except MalformedMessage:
                return  # as good as none

    # -- commands of the server ----------------------------------------------------------------

    def display(self, payload: bytes, access: Access) -> Answer:
        """DisplayMessage: takes the place of the one before."""
        self._take(decode(DisplayMessage, payload), access.now)
        return Status.SUCCESS

    def cancel(self, payload: bytes, access: Access) -> Answer:
        """CancelMessage: NOT_FOUND unless it is the one held."""
        del access
        asked = decode(CancelMessage, payload)
        if self._message is None or self._message.message_id != asked.message_id:
            return Status.NOT_FOUND
        self._message = None
        return Status.SUCCESS

    def cancel_all(self, payload: bytes, access: Access) -> Answer:
        """CancelAllMessages: what is shown is over at the time given, or now."""
        seconds = decode(CancelAllMessages, payload).implementation_time
        ends = access.now if seconds == NOW else zcl_moment(seconds)
        self._until = ends if self._until is None else min(self._until, ends)
        return Status.SUCCESS

    def _take(self, message: DisplayMessage, now: datetime) -> None:
        self._message = message
        self._from = now if message.start_time == NOW else zcl_moment(message.start_time)
        lasting = message.duration_min == UNTIL_CHANGED
        self._until = None if lasting else self._from + timedelta(minutes=message.duration_min)


def _is_over(message: DisplayMessage, now: datetime) -> bool:
    if message.start_time == NOW or message.duration_min == UNTIL_CHANGED:
        return False
    return now >= zcl_moment(message.start_time) + timedelta(minutes=message.duration_min)


_DISPLAY: Final = command_of(MESSAGING, "DisplayMessage", Side.CLIENT)
_CANCEL: Final = command_of(MESSAGING, "CancelMessage", Side.CLIENT)
_LAST: Final = command_of(MESSAGING, "GetLastMessage")
_CONFIRM: Final = command_of(MESSAGING, "MessageConfirmation")
_SERVER: Final[Cluster[MessageBoard]] = Cluster(
    MESSAGING,
    commands=(Command(_LAST, MessageBoard.last), Command(_CONFIRM, MessageBoard.confirmed)),
    generated=(_DISPLAY.id, _CANCEL.id),
)
_CLIENT: Final[Cluster[MessageDisplay]] = Cluster(
    MESSAGING,
    Side.CLIENT,
    commands=(
        Command(_DISPLAY, MessageDisplay.display),
        Command(_CANCEL, MessageDisplay.cancel),
        Command(command_of(MESSAGING, "CancelAllMessages", Side.CLIENT), MessageDisplay.cancel_all),
    ),
    generated=(_LAST.id, _CONFIRM.id),
)
