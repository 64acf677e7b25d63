"""The GSME's side of mirroring: it asks for a mirror, configures it, and pushes reports to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from gbcs.errors import MalformedMessage
from gbcs.zcl.general import AttributeValue, AttributeValues, GeneralCommand
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType
from han.clusters import METERING
from han.clusters.metering import ATTRIBUTE_REPORTING_STATUS
from han.exchange import Outcome, Replied, Request, Undelivered
from han.mirror.flags import Flag, NotificationFlags, word_of
from han.mirror.messages import (
    NO_MIRROR,
    ConfigureMirror,
    GetNotifiedMessage,
    MirrorEndpoint,
    MirrorReportAttributeResponse,
    Scheme,
    ToMeter,
    ToMirror,
)
from han.zcl.payload import decode, encode
from han.zcl.tables import Access, Answer, Cluster, Command, Served, Side

MORE, COMPLETE = 0, 1
_WORDS: Final = 5


@dataclass(frozen=True, slots=True)
class MirrorClientSettings:
    """How a meter uses its mirror."""

    report_octets: int = 66
    """Most octets of one report's payload, so that it fits one secured frame."""
    reply_timeout: timedelta = timedelta(seconds=5)
    retry_after: timedelta = timedelta(minutes=30)
    """A refused or silent mirror is asked again after this long."""
    reporting_interval_s: int = 1800
    scheme: Scheme = Scheme.B


class State(Enum):
    """Where a meter stands with its mirror."""

    IDLE = "idle"
    REQUESTING = "requesting a mirror"
    CONFIGURING = "configuring it"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class MirrorReady:
    """The mirror can be reported to, on this endpoint of the hub."""

    peer: int
    endpoint: int


@dataclass(frozen=True, slots=True)
class MirrorRefused:
    """The hub gave no mirror; the meter asks again later."""

    peer: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReportDelivered:
    """Every frame of a push was taken; ``flags`` when the mirror sent them."""

    flags: NotificationFlags | None


@dataclass(frozen=True, slots=True)
class ReportFailed:
    """A push was not taken to its end."""

    reason: str


@dataclass(frozen=True, slots=True)
class FlagsReceived:
    """Notification flags came outside a push."""

    flags: NotificationFlags


MirrorClientEvent = MirrorReady | MirrorRefused | ReportDelivered | ReportFailed | FlagsReceived
Push = Iterable[tuple[int, Iterable[AttributeValue]]]
"""Clusters in order, each with its attributes."""


class MirrorClient:
    """One meter's use of a mirror at one hub; a service of the node.

    :meth:`start` leads to :class:`MirrorReady`; then :meth:`report` pushes. Frames of a push follow
    each other as the mirror answers them. A refusal NOT_AUTHORIZED means that the mirror is gone:
    the meter asks for a new one.
    """

    def __init__(
        self,
        peer: int,
        esi_endpoint: int,
        endpoint: int,
        settings: MirrorClientSettings | None = None,
    ) -> None:
        self.peer = peer
        self.esi_endpoint = esi_endpoint
        self.endpoint = endpoint
        self.settings = settings or MirrorClientSettings()
        self.state = State.IDLE
        self.mirror: int | None = None
        self.deadline: datetime | None = None
        self._issuer_event_id = 0
        self._frames: deque[tuple[int, bytes]] = deque()
        self._requests: list[Request] = []
        self._events: list[MirrorClientEvent] = []

    def served(self) -> Served:
        """The part of the meter's Metering server that hears notification flags."""
        return _TABLE.on(self)

    def events(self) -> list[MirrorClientEvent]:
        """Take what happened, in order."""
        events, self._events = self._events, []
        return events

    def start(self, now: datetime, issuer_event_id: int) -> None:
        """Ask for a mirror; the event identifier (a time that grows) is for ConfigureMirror."""
        del now
        self._issuer_event_id = issuer_event_id
        self.state, self.deadline, self.mirror = State.REQUESTING, None, None
        self._ask(self.esi_endpoint, ToMirror.REQUEST_MIRROR, b"", ToMeter.REQUEST_MIRROR_RESPONSE)

    def report(self, push: Push) -> None:
        """Push attributes; the end comes as ReportDelivered or ReportFailed.

        The reporting status is added: 1 behind the last attribute, in Metering.
        """
        if self.mirror is None:
            self._events.append(ReportFailed("there is no mirror"))
            return
        busy = bool(self._frames)
        last = AttributeValue(ATTRIBUTE_REPORTING_STATUS, DataType.ENUM8, COMPLETE)
        self._frames += self._split([*push, (METERING.cluster_id, (last,))])
        if not busy:
            self._send_frame()

    def get_notified_message(self, flag: Flag) -> None:
        """Ask for the commands behind a flag; they come as commands of their own."""
        if self.mirror is None:
            return
        asked = GetNotifiedMessage(self.settings.scheme, word_of(flag), int(flag))
        self._ask(self.mirror, ToMirror.GET_NOTIFIED_MESSAGE, encode(asked))

    # -- service -------------------------------------------------------------------------------

    def poll(self, now: datetime) -> None:
        """Ask again for a mirror that was refused."""
        if self.deadline is not None and self.deadline <= now:
            self.start(now, self._issuer_event_id)

    def requests(self) -> list[Request]:
        """Take the commands to send."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Learn how one of them ended."""
        request = outcome.request
        if request.general:
            self._reported(outcome, now)
        elif request.command_id == ToMirror.REQUEST_MIRROR:
            self._requested(outcome, now)
        elif request.command_id == ToMirror.CONFIGURE_MIRROR:
            self._configured(outcome, now)

    # -- creation ------------------------------------------------------------------------------

    def _requested(self, outcome: Outcome, now: datetime) -> None:
        if not isinstance(outcome, Replied) or not outcome.frame.is_cluster_command:
            self._refused(_reason(outcome), now)
            return
        try:
            number = decode(MirrorEndpoint, outcome.frame.payload).endpoint
        except MalformedMessage as error:
            self._refused(str(error), now)
            return
        if number == NO_MIRROR:
            self._refused("no mirror is free", now)
            return
        self.mirror, self.state = number, State.CONFIGURING
        settings = self.settings
        wanted = ConfigureMirror(
            self._issuer_event_id, settings.reporting_interval_s, True, settings.scheme
        )
        self._ask(number, ToMirror.CONFIGURE_MIRROR, encode(wanted))

    def _configured(self, outcome: Outcome, now: datetime) -> None:
        taken = isinstance(outcome, Replied) and outcome.status is Status.SUCCESS
        if not taken or self.mirror is None:
            self._refused(_reason(outcome), now)
            return
        self.state = State.READY
        self._events.append(MirrorReady(self.peer, self.mirror))

    def _refused(self, reason: str, now: datetime) -> None:
        self.state, self.mirror = State.IDLE, None
        self.deadline = now + self.settings.retry_after
        self._events.append(MirrorRefused(self.peer, reason))

    # -- reports -------------------------------------------------------------------------------

    def _split(self, push: Push) -> list[tuple[int, bytes]]:
        """The payloads of a push, each of one cluster and short enough for one frame."""
        frames: list[tuple[int, bytes]] = []
        for cluster_id, records in push:
            for record in records:
                octets = AttributeValues((record,)).to_bytes()
                room = self.settings.report_octets - len(octets)
                if frames and frames[-1][0] == cluster_id and len(frames[-1][1]) <= room:
                    frames[-1] = (cluster_id, frames[-1][1] + octets)
                else:
                    frames.append((cluster_id, octets))
        return frames

    def _send_frame(self) -> None:
        if not self._frames or self.mirror is None:
            return
        cluster_id, payload = self._frames[0]
        self._requests.append(
            Request(
                self.peer,
                self.mirror,
                cluster_id,
                GeneralCommand.REPORT_ATTRIBUTES,
                payload,
                source_endpoint=self.endpoint,
                general=True,
                from_server=True,
                answered_by=frozenset({int(ToMeter.MIRROR_REPORT_ATTRIBUTE_RESPONSE)}),
                reply_within=self.settings.reply_timeout,
            )
        )

    def _reported(self, outcome: Outcome, now: datetime) -> None:
        """One frame of a push ended; a mirror silent on what it received has taken it."""
        if not self._frames:
            return
        refused = isinstance(outcome, Replied) and outcome.status not in (None, Status.SUCCESS)
        if refused or isinstance(outcome, Undelivered):
            self._frames.clear()
            self._events.append(ReportFailed(_reason(outcome)))
            if isinstance(outcome, Replied) and outcome.status is Status.NOT_AUTHORIZED:
                self.start(now, self._issuer_event_id)
            return
        self._frames.popleft()
        if self._frames:
            self._send_frame()
            return
        flags = None
        if isinstance(outcome, Replied) and outcome.frame.is_cluster_command:
            flags = _flags(outcome.frame.payload)
        self._events.append(ReportDelivered(flags))

    # -- commands of the mirror ----------------------------------------------------------------

    def notified(self, payload: bytes, access: Access) -> Answer:
        """MirrorReportAttributeResponse that answers no report still waiting."""
        flags = _flags(payload)
        if access.peer != self.peer or flags is None:
            return Status.NOT_AUTHORIZED if access.peer != self.peer else Status.MALFORMED_COMMAND
        self._events.append(FlagsReceived(flags))
        return Status.SUCCESS

    def _ask(
        self, endpoint: int, command: ToMirror, payload: bytes, answer: ToMeter | None = None
    ) -> None:
        self._requests.append(
            Request(
                self.peer,
                endpoint,
                METERING.cluster_id,
                command,
                payload,
                source_endpoint=self.endpoint,
                from_server=True,
                answered_by=frozenset() if answer is None else frozenset({int(answer)}),
                reply_within=self.settings.reply_timeout,
            )
        )


def _reason(outcome: Outcome) -> str:
    if isinstance(outcome, Undelivered):
        return outcome.reason.value
    if isinstance(outcome, Replied) and outcome.status is not None:
        return outcome.status.name
    return "no answer"


def _flags(payload: bytes) -> NotificationFlags | None:
    """The words of a response; those a scheme leaves out are 0."""
    try:
        response = decode(MirrorReportAttributeResponse, payload)
    except MalformedMessage:
        return None
    words = (*response.words, *(0,) * _WORDS)[:_WORDS]
    return NotificationFlags(words)


_TABLE: Final[Cluster[MirrorClient]] = Cluster(
    METERING,
    Side.SERVER,
    commands=(
        Command(
            METERING.to_server[ToMeter.MIRROR_REPORT_ATTRIBUTE_RESPONSE], MirrorClient.notified
        ),
    ),
    generated=(
        ToMirror.REQUEST_MIRROR,
        ToMirror.CONFIGURE_MIRROR,
        ToMirror.GET_NOTIFIED_MESSAGE,
    ),
)
