"""Demand Response and Load Control 0x0701: the ESME sends events, an HCALCS obeys and reports.

The values that mean "switch n on" in GB (device class, group, duty cycle) are unverified, so they
come from the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_moment, zcl_seconds
from han.clusters import DEMAND_RESPONSE
from han.commands.events import (
    CancelAllLoadControlEvents,
    CancelLoadControlEvent,
    GetScheduledEvents,
    LoadControlEvent,
    ReportEventStatus,
)
from han.exchange import Outcome, Replied, Request
from han.requests import Far, command_of
from han.zcl.payload import decode, encode
from han.zcl.tables import Access, Answer, Attribute, Cluster, Command, Reply, Served, Side

NOW: Final = 0
EVERY_GROUP: Final = 0
EVERY_EVENT: Final = 0


class EventStatus(IntEnum):
    """What a device did about an event."""

    RECEIVED = 0x01
    STARTED = 0x02
    COMPLETED = 0x03
    OPTED_OUT = 0x04
    OPTED_IN = 0x05
    CANCELLED = 0x06
    SUPERSEDED = 0x07
    PARTLY_COMPLETED_OPTED_OUT = 0x08
    PARTLY_COMPLETED_OPTED_IN = 0x09
    COMPLETED_WITHOUT_PARTICIPATION = 0x0A
    REJECTED_INVALID_CANCEL = 0xF8
    REJECTED_CANCEL_TIME = 0xF9
    REJECTED_EXPIRED = 0xFB
    REJECTED_UNDEFINED = 0xFD
    REJECTED = 0xFE


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One event as a device keeps it."""

    event: LoadControlEvent
    starts: datetime
    ends: datetime
    started: bool = False


@dataclass(frozen=True, slots=True)
class LoadChanged:
    """Another event governs the load now; None when none does."""

    event: LoadControlEvent | None


@dataclass(slots=True)
class LoadController:
    """A load control device (HCALCS): schedules events, applies them in time; a service.

    ``server`` is the ESME's endpoint, to which statuses are reported; None until it is found. Only
    that ESME is obeyed. A device of no ``group`` of its own takes events of every group.
    ``heard_at`` is when the ESME was last heard of.
    """

    server: Far | None
    device_class: int
    group: int = EVERY_GROUP
    active: LoadControlEvent | None = None
    heard_at: datetime | None = None
    _schedule: dict[int, Scheduled] = field(default_factory=dict)
    _requests: list[Request] = field(default_factory=list)
    _events: list[LoadChanged] = field(default_factory=list)

    def served(self) -> Served:
        """The client cluster, for the endpoint's table."""
        return _CLIENT.on(self)

    def events(self) -> list[LoadChanged]:
        """Take what happened to the load, in order."""
        events, self._events = self._events, []
        return events

    # -- service -------------------------------------------------------------------------------

    @property
    def deadline(self) -> datetime | None:
        """When the next event starts or ends."""
        return min(
            (s.ends if s.started else s.starts for s in self._schedule.values()), default=None
        )

    def poll(self, now: datetime) -> None:
        """Start and end events."""
        for number, scheduled in list(self._schedule.items()):
            if scheduled.ends <= now:
                del self._schedule[number]
                self._report(scheduled.event, EventStatus.COMPLETED, now)
            elif not scheduled.started and scheduled.starts <= now:
                self._schedule[number] = replace(scheduled, started=True)
                self._report(scheduled.event, EventStatus.STARTED, now)
        self._apply()

    def requests(self) -> list[Request]:
        """Take the reports to send."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Take what the ESME has scheduled; a report that got lost is not repeated."""
        if not isinstance(outcome, Replied) or outcome.request.command_id != _ASK.id:
            return
        self.heard_at = now
        if outcome.frame.is_cluster_command:
            self._schedule_event(decode(LoadControlEvent, outcome.frame.payload), now)
        elif outcome.status is Status.NOT_FOUND:
            self.drop_all()

    def ask(self) -> None:
        """Request control: ask the ESME what is scheduled (GetScheduledEvents)."""
        if self.server is not None:
            payload = encode(GetScheduledEvents(NOW, EVERY_EVENT))
            self._requests.append(self.server.command(_ASK, payload))

    def drop_all(self) -> None:
        """Nothing is scheduled any more, and nobody is told."""
        self._schedule.clear()
        self._apply()

    # -- commands of the server ----------------------------------------------------------------

    def take(self, payload: bytes, access: Access) -> Answer:
        """LoadControlEvent: scheduled when it is for our device class and group."""
        event = decode(LoadControlEvent, payload)
        if not self._obeys(access):
            return Status.NOT_AUTHORIZED
        self._schedule_event(event, access.now)
        return Status.SUCCESS

    def _schedule_event(self, event: LoadControlEvent, now: datetime) -> None:
        mine = event.device_class & self.device_class
        grouped = EVERY_GROUP in (event.enrolment_group, self.group)
        if not mine or not (grouped or event.enrolment_group == self.group):
            return
        known = self._schedule.get(event.issuer_event_id)
        if known is not None and known.event == event:
            self._report(event, EventStatus.STARTED if known.started else EventStatus.RECEIVED, now)
            return
        starts = now if event.start_time == NOW else zcl_moment(event.start_time)
        ends = starts + timedelta(minutes=event.duration_min)
        if ends <= now:
            self._report(event, EventStatus.REJECTED_EXPIRED, now)
            return
        for number, other in list(self._schedule.items()):
            if number != event.issuer_event_id and other.starts < ends and starts < other.ends:
                del self._schedule[number]
                self._report(other.event, EventStatus.SUPERSEDED, now)
        self._schedule[event.issuer_event_id] = Scheduled(event, starts, ends)
        self._report(event, EventStatus.RECEIVED, now)
        self.poll(now)

    def _obeys(self, access: Access) -> bool:
        if self.server is None or access.peer != self.server.peer:
            return False
        self.heard_at = access.now
        return True

    def cancel(self, payload: bytes, access: Access) -> Answer:
        """CancelLoadControlEvent, now or from a time on."""
        asked = decode(CancelLoadControlEvent, payload)
        if not self._obeys(access):
            return Status.NOT_AUTHORIZED
        scheduled = self._schedule.get(asked.issuer_event_id)
        if scheduled is None:
            unknown = LoadControlEvent(
                asked.issuer_event_id, asked.device_class, asked.enrolment_group, 0, 0, 0
            )
            self._report(unknown, EventStatus.REJECTED_UNDEFINED, access.now)
            return Status.SUCCESS
        if asked.effective_time != NOW and zcl_moment(asked.effective_time) > access.now:
            ends = min(scheduled.ends, zcl_moment(asked.effective_time))
            self._schedule[asked.issuer_event_id] = replace(scheduled, ends=ends)
            return Status.SUCCESS
        self._cancel(asked.issuer_event_id, access.now)
        return Status.SUCCESS

    def cancel_all(self, payload: bytes, access: Access) -> Answer:
        """CancelAllLoadControlEvents."""
        decode(CancelAllLoadControlEvents, payload)
        if not self._obeys(access):
            return Status.NOT_AUTHORIZED
        for number in list(self._schedule):
            self._cancel(number, access.now)
        return Status.SUCCESS

    def _cancel(self, number: int, now: datetime) -> None:
        self._report(self._schedule.pop(number).event, EventStatus.CANCELLED, now)
        self._apply()

    def _apply(self) -> None:
        """Let the started event govern the load; there is one at most."""
        active = next((s.event for s in self._schedule.values() if s.started), None)
        if active != self.active:
            self.active = active
            self._events.append(LoadChanged(active))

    def _report(self, event: LoadControlEvent, status: EventStatus, now: datetime) -> None:
        if self.server is None:
            return
        report = ReportEventStatus(
            event.issuer_event_id,
            status,
            zcl_seconds(now),
            event.criticality,
            duty_cycle_percent=event.duty_cycle_percent,
            control=event.control,
        )
        self._requests.append(self.server.command(_REPORT, encode(report), within=None))


@dataclass(frozen=True, slots=True)
class StatusReported:
    """A device told what it did about an event."""

    peer: int
    report: ReportEventStatus


@dataclass(frozen=True, slots=True)
class ControlRequested:
    """A device asked what is scheduled (HECS01), at this endpoint of its."""

    peer: int
    peer_endpoint: int


@dataclass(slots=True)
class LoadControlServer:
    """The ESME's side: hands out events, remembers them for devices that ask, hears reports.

    A device is told of its own events alone.
    """

    endpoint: int
    _issued: dict[tuple[int, int], LoadControlEvent] = field(default_factory=dict)
    _events: list[StatusReported | ControlRequested] = field(default_factory=list)

    def served(self) -> Served:
        """The server cluster, for the endpoint's table."""
        return _SERVER.on(self)

    def events(self) -> list[StatusReported | ControlRequested]:
        """Take what devices reported and asked, in order."""
        events, self._events = self._events, []
        return events

    def issue(self, event: LoadControlEvent, peer: int, peer_endpoint: int) -> Request:
        """The request that gives a device this event; kept until it has ended or is cancelled."""
        self.expect(event, peer)
        return self.request(event, peer, peer_endpoint)

    def request(self, event: LoadControlEvent, peer: int, peer_endpoint: int) -> Request:
        """The request that gives a device this event, whatever it is told when it asks."""
        return self._far(peer, peer_endpoint).command(_EVENT, encode(event))

    def cancel(self, issuer_event_id: int, peer: int, peer_endpoint: int) -> Request | None:
        """The request that takes an event back at once; None for one that was never issued."""
        event = self._issued.pop((peer, issuer_event_id), None)
        if event is None:
            return None
        message = CancelLoadControlEvent(
            issuer_event_id, event.device_class, event.enrolment_group, 0, NOW
        )
        return self._far(peer, peer_endpoint).command(_CANCEL, encode(message))

    def cancel_all(self, peer: int, peer_endpoint: int) -> Request:
        """The request that takes everything back from a device at once."""
        self.forget(peer)
        payload = encode(CancelAllLoadControlEvents(0))
        return self._far(peer, peer_endpoint).command(_CANCEL_ALL, payload)

    def expect(self, event: LoadControlEvent, peer: int) -> None:
        """Tell a device of this event if it asks."""
        self._issued[peer, event.issuer_event_id] = event

    def forget(self, peer: int) -> None:
        """A device that asks is told of nothing."""
        self._issued = {key: event for key, event in self._issued.items() if key[0] != peer}

    def scheduled(self, payload: bytes, access: Access) -> Answer:
        """GetScheduledEvents: those that have not ended, or NOT_FOUND."""
        asked = decode(GetScheduledEvents, payload)
        now = zcl_seconds(access.now)
        self._issued = {key: e for key, e in self._issued.items() if _end(e) > now}
        self._events.append(ControlRequested(access.peer, access.peer_endpoint))
        mine = (e for (peer, _), e in self._issued.items() if peer == access.peer)
        found = sorted(mine, key=lambda e: e.start_time)
        found = [e for e in found if e.start_time >= asked.start_time or e.start_time == NOW]
        chosen = found[: asked.count] if asked.count else found
        if not chosen:
            return Status.NOT_FOUND
        return tuple(Reply(_EVENT.id, encode(e)) for e in chosen)

    def reported(self, payload: bytes, access: Access) -> Answer:
        """ReportEventStatus."""
        self._events.append(StatusReported(access.peer, decode(ReportEventStatus, payload)))
        return Status.SUCCESS

    def _far(self, peer: int, peer_endpoint: int) -> Far:
        return Far(peer, peer_endpoint, DEMAND_RESPONSE.cluster_id, self.endpoint, Side.CLIENT)


def _end(event: LoadControlEvent) -> int:
    """UTCTime seconds; an event that began at once has no known end and is kept."""
    if event.start_time == NOW:
        return 1 << 32
    return event.start_time + 60 * event.duration_min


_EVENT: Final = command_of(DEMAND_RESPONSE, "LoadControlEvent", Side.CLIENT)
_CANCEL: Final = command_of(DEMAND_RESPONSE, "CancelLoadControlEvent", Side.CLIENT)
_CANCEL_ALL: Final = command_of(DEMAND_RESPONSE, "CancelAllLoadControlEvents", Side.CLIENT)
_REPORT: Final = command_of(DEMAND_RESPONSE, "ReportEventStatus")
_ASK: Final = command_of(DEMAND_RESPONSE, "GetScheduledEvents")


def _value(index: int, read: Callable[[LoadController], int]) -> Attribute[LoadController]:
    return Attribute(DEMAND_RESPONSE.client_attributes[index], read)


_CLIENT: Final[Cluster[LoadController]] = Cluster(
    DEMAND_RESPONSE,
    Side.CLIENT,
    attributes=(
        _value(0, lambda c: c.group),
        _value(1, lambda _: 0),
        _value(2, lambda _: 0),
        _value(3, lambda c: c.device_class),
    ),
    commands=(
        Command(_EVENT, LoadController.take),
        Command(_CANCEL, LoadController.cancel),
        Command(_CANCEL_ALL, LoadController.cancel_all),
    ),
    generated=(_REPORT.id, _ASK.id),
)
_SERVER: Final[Cluster[LoadControlServer]] = Cluster(
    DEMAND_RESPONSE,
    commands=(
        Command(_REPORT, LoadControlServer.reported),
        Command(_ASK, LoadControlServer.scheduled),
    ),
    generated=(_EVENT.id, _CANCEL.id, _CANCEL_ALL.id),
)
