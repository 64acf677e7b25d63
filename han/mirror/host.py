"""The GPF's side of mirroring: it lends endpoints to meters and takes their reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from gbcs.zcl.general import AttributeValue
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value
from han.clusters import BASIC, METERING, PREPAYMENT
from han.clusters.metering import ATTRIBUTE_REPORTING_STATUS
from han.endpoint import Endpoint
from han.mirror.flags import Flag, NotificationFlags
from han.mirror.messages import (
    NO_MIRROR,
    UNDEFINED_MIRROR,
    ConfigureMirror,
    GetNotifiedMessage,
    MirrorEndpoint,
    MirrorReportAttributeResponse,
    Scheme,
    ToMeter,
    ToMirror,
)
from han.zcl.payload import decode, encode
from han.zcl.tables import (
    Access,
    Answer,
    Attribute,
    Cluster,
    ClusterDefinition,
    Command,
    Failure,
    Reply,
    Served,
    Side,
)

METERING_DEVICE_TYPE: Final = 0x0306
REPORT_COMPLETE: Final = 1


class MirrorSink(Protocol):
    """Where a mirror's values go: the model of the GPF."""

    def reported(self, peer: int, cluster_id: int, record: AttributeValue, now: datetime) -> Status:
        """Keep one value of a meter; SUCCESS, or why it cannot be kept."""
        ...


@dataclass(frozen=True, slots=True)
class MirrorSettings:
    """Where mirrors differ."""

    refuse_with_status: bool = True
    """Refuse a mirror with Default Response NOT_AUTHORIZED instead of endpoint 0xFFFF."""


@dataclass(frozen=True, slots=True)
class MirrorCreated:
    """A meter has a mirror now."""

    peer: int
    endpoint: int


@dataclass(frozen=True, slots=True)
class MirrorGone:
    """A meter's mirror was given back, or taken because the meter left."""

    peer: int
    endpoint: int


@dataclass(frozen=True, slots=True)
class MirrorConfigured:
    """A meter said how it will report."""

    peer: int
    configuration: ConfigureMirror


@dataclass(frozen=True, slots=True)
class ReportComplete:
    """A meter's report is complete; what it brought may take effect together."""

    peer: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Notified:
    """A meter asks for the commands behind these bits of one notification word."""

    peer: int
    word: int
    flags: int
    source_endpoint: int
    destination_endpoint: int


MirrorEvent = MirrorCreated | MirrorGone | MirrorConfigured | ReportComplete | Notified


@dataclass(slots=True)
class _Mirror:
    endpoint: Endpoint
    peer: int | None = None
    configuration: ConfigureMirror | None = None
    flags: NotificationFlags = field(default_factory=NotificationFlags)


def _everyone(peer: int) -> bool:
    del peer
    return True


class MirrorHost:
    """Lends the endpoints handed in, which are disabled until a meter asks for a mirror.

    ``admits`` says which meters may have one. Values go to the sink one by one;
    :class:`ReportComplete` says when they belong together.
    """

    def __init__(
        self,
        mirrors: Iterable[Endpoint],
        sink: MirrorSink,
        admits: Callable[[int], bool] = _everyone,
        settings: MirrorSettings | None = None,
    ) -> None:
        self.sink = sink
        self.admits = admits
        self.settings = settings or MirrorSettings()
        self._mirrors = {e.number: _Mirror(e) for e in mirrors}
        self._events: list[MirrorEvent] = []
        for mirror in self._mirrors.values():
            mirror.endpoint.enabled = False
            for served in self.served_by_mirror():
                mirror.endpoint.server.add(served)

    def served_by_esi(self) -> Served:
        """Metering client for the ESI endpoint, where meters ask for a mirror."""
        return _ESI_METERING.on(self)

    def served_by_mirror(self) -> tuple[Served, ...]:
        """Client clusters of a mirror endpoint: reports, configuration, notification flags."""
        reports = (_reports(BASIC).on(self), _reports(PREPAYMENT).on(self))
        return (_MIRROR_METERING.viewed(self._at), *reports)

    def events(self) -> list[MirrorEvent]:
        """Take what happened, in order."""
        events, self._events = self._events, []
        return events

    def endpoint_of(self, peer: int) -> int | None:
        """The mirror endpoint of a meter."""
        mirror = self._of(peer)
        return mirror.endpoint.number if mirror else None

    def flags(self, peer: int) -> NotificationFlags:
        """The notification flags a meter will be told."""
        mirror = self._of(peer)
        return mirror.flags if mirror else NotificationFlags()

    def set_flag(self, peer: int, flag: Flag, *, to: bool = True) -> None:
        """Set or clear a flag for a meter; without a mirror nothing happens."""
        mirror = self._of(peer)
        if mirror is not None:
            mirror.flags = mirror.flags.with_flag(flag) if to else mirror.flags.without(flag)

    def restore(self, peer: int, endpoint: int, configuration: ConfigureMirror | None) -> None:
        """Give a meter its mirror back after a restart; KeyError when there is no such endpoint."""
        mirror = self._mirrors[endpoint]
        mirror.peer, mirror.configuration = peer, configuration
        mirror.endpoint.enabled = True

    def forget(self, peer: int) -> None:
        """Take the mirror of a meter that left."""
        mirror = self._of(peer)
        if mirror is not None:
            self._release(mirror)

    # -- commands of the meter -----------------------------------------------------------------

    def request_mirror(self, payload: bytes, access: Access) -> Answer:
        """RequestMirror: the same meter gets the same endpoint again."""
        del payload
        mirror = self._of(access.peer)
        if mirror is None and self.admits(access.peer):
            mirror = next((m for m in self._mirrors.values() if m.peer is None), None)
            if mirror is not None:
                mirror.peer, mirror.endpoint.enabled = access.peer, True
                self._events.append(MirrorCreated(access.peer, mirror.endpoint.number))
        if mirror is None and self.settings.refuse_with_status:
            return Status.NOT_AUTHORIZED
        number = mirror.endpoint.number if mirror else NO_MIRROR
        return Reply(ToMeter.REQUEST_MIRROR_RESPONSE, encode(MirrorEndpoint(number)))

    def remove_mirror(self, payload: bytes, access: Access) -> Answer:
        """RemoveMirror: answered with the endpoint that was given back."""
        del payload
        mirror = self._of(access.peer)
        number = mirror.endpoint.number if mirror else NO_MIRROR
        if mirror is not None:
            self._release(mirror)
        return Reply(ToMeter.MIRROR_REMOVED, encode(MirrorEndpoint(number)))

    def configure_mirror(self, payload: bytes, access: Access) -> Answer:
        """ConfigureMirror: an event identifier that is not newer changes nothing."""
        asked = decode(ConfigureMirror, payload)
        mirror = self._of(access.peer)
        if mirror is None:
            return Status.NOT_AUTHORIZED
        if asked.scheme not in set(Scheme):
            return Status.INVALID_FIELD
        known = mirror.configuration
        if known is None or asked.issuer_event_id > known.issuer_event_id:
            mirror.configuration = asked
            self._events.append(MirrorConfigured(access.peer, asked))
        return Status.SUCCESS

    def get_notified_message(self, payload: bytes, access: Access) -> Answer:
        """GetNotifiedMessage: NOT_FOUND unless one of the bits is set."""
        asked = decode(GetNotifiedMessage, payload)
        mirror = self._of(access.peer)
        if mirror is None:
            return Status.NOT_AUTHORIZED
        if asked.attribute_id >= len(mirror.flags.words):
            return Status.INVALID_FIELD
        flags = mirror.flags.words[asked.attribute_id] & asked.flags
        if not flags:
            return Status.NOT_FOUND
        self._events.append(
            Notified(access.peer, asked.attribute_id, flags, access.endpoint, access.peer_endpoint)
        )
        return Status.SUCCESS

    def report(
        self, cluster_id: int, records: tuple[AttributeValue, ...], access: Access
    ) -> Answer:
        """Report Attributes: a value that cannot be kept is left out, and its status answered.

        The last report of a push is answered with the notification flags all the same.
        """
        mirror = self._of(access.peer)
        if mirror is None or mirror.endpoint.number != access.endpoint:
            return Status.NOT_AUTHORIZED
        complete, answer = False, Status.SUCCESS
        for record in records:
            if record.attribute_id == ATTRIBUTE_REPORTING_STATUS:
                complete = record.value == REPORT_COMPLETE
                continue
            status = self._keep(cluster_id, record, access)
            if answer is Status.SUCCESS:
                answer = status
        if not complete or cluster_id != METERING.cluster_id:
            return answer
        self._events.append(ReportComplete(access.peer, access.now))
        return self._notification(mirror)

    def _keep(self, cluster_id: int, record: AttributeValue, access: Access) -> Status:
        if (cluster_id, record.attribute_id) == (METERING.cluster_id, METERING_DEVICE_TYPE):
            record = AttributeValue(
                record.attribute_id, record.type_id, mirrored_device_type(record.value)
            )
        return self.sink.reported(access.peer, cluster_id, record, access.now)

    def _notification(self, mirror: _Mirror) -> Answer:
        configuration = mirror.configuration
        if configuration is None or not configuration.notification_reporting:
            return Status.SUCCESS
        words = mirror.flags.words[: Scheme(configuration.scheme).words]
        response = MirrorReportAttributeResponse(configuration.scheme, words)
        return Reply(ToMeter.MIRROR_REPORT_ATTRIBUTE_RESPONSE, encode(response))

    # -- parts ---------------------------------------------------------------------------------

    def _of(self, peer: int) -> _Mirror | None:
        return next((m for m in self._mirrors.values() if m.peer == peer), None)

    def _at(self, access: Access) -> _MirrorView:
        return _MirrorView(self, self._mirrors.get(access.endpoint))

    def _release(self, mirror: _Mirror) -> None:
        if mirror.peer is not None:
            self._events.append(MirrorGone(mirror.peer, mirror.endpoint.number))
        mirror.endpoint.enabled = False
        mirror.peer, mirror.configuration, mirror.flags = None, None, NotificationFlags()


def mirrored_device_type(value: Value) -> Value:
    """MeteringDeviceType as a mirror shows it: gas meter 1 becomes mirrored gas meter 128."""
    if isinstance(value, int) and value < UNDEFINED_MIRROR:
        return value + UNDEFINED_MIRROR
    return value


@dataclass(frozen=True, slots=True)
class _MirrorView:
    """One mirror endpoint's Metering client, as the meter sees it."""

    host: MirrorHost
    mirror: _Mirror | None

    def word(self, index: int) -> Value | Failure:
        return self.mirror.flags.words[index] if self.mirror else Failure(Status.NOT_FOUND)


def _command(
    number: ToMirror, handle: Callable[[MirrorHost, bytes, Access], Answer]
) -> Command[MirrorHost]:
    return Command(METERING.to_client[number], handle)


def _view_command(
    number: ToMirror, handle: Callable[[MirrorHost, bytes, Access], Answer]
) -> Command[_MirrorView]:
    return Command(METERING.to_client[number], lambda view, p, a: handle(view.host, p, a))


def _word(index: int) -> Attribute[_MirrorView]:
    return Attribute(METERING.client_attributes[index], lambda view: view.word(index))


def _reports(definition: ClusterDefinition) -> Cluster[MirrorHost]:
    """A client cluster that only takes reports."""
    return Cluster(
        definition,
        Side.CLIENT,
        reported=lambda host, records, access: host.report(definition.cluster_id, records, access),
    )


_ESI_METERING: Final[Cluster[MirrorHost]] = Cluster(
    METERING,
    Side.CLIENT,
    commands=(
        _command(ToMirror.REQUEST_MIRROR, MirrorHost.request_mirror),
        _command(ToMirror.REMOVE_MIRROR, MirrorHost.remove_mirror),
        _command(ToMirror.CONFIGURE_MIRROR, MirrorHost.configure_mirror),
    ),
)
_MIRROR_METERING: Final[Cluster[_MirrorView]] = Cluster(
    METERING,
    Side.CLIENT,
    attributes=tuple(_word(i) for i in range(5)),
    commands=(
        _view_command(ToMirror.REMOVE_MIRROR, MirrorHost.remove_mirror),
        _view_command(ToMirror.CONFIGURE_MIRROR, MirrorHost.configure_mirror),
        _view_command(ToMirror.GET_NOTIFIED_MESSAGE, MirrorHost.get_notified_message),
    ),
    reported=lambda view, records, access: view.host.report(METERING.cluster_id, records, access),
    generated=(ToMeter.MIRROR_REPORT_ATTRIBUTE_RESPONSE,),
)
