"""Sends the reports that peers configured, to the endpoints that peers bound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from gbcs.zcl.general import AttributeValue, ReportingRecord
from gbcs.zcl.types import Value
from han.deadlines import first_due
from han.endpoint import Endpoint
from han.exchange import Outcome, Request
from han.requests import Far
from han.zcl.reporting import Reported
from han.zcl.tables import Access, Failure, Side
from han.zdo.server import Binding

SAMPLING: Final = timedelta(seconds=1)
"""An attribute that may be reported without a pause is looked at this often."""
_AT_ONCE: Final = datetime.min.replace(tzinfo=UTC)

_Key = tuple[int, Reported]  # endpoint number, what is reported from it


@dataclass(slots=True)
class _Watched:
    """One attribute: how it is configured, when to look again, and what was reported last."""

    record: ReportingRecord
    look_at: datetime = _AT_ONCE
    reported_at: datetime | None = None
    value: Value = None

    def must_report(self, value: Value, now: datetime) -> bool:
        """Whether the value is to be reported now: the first, a change, or the longest pause."""
        if self.reported_at is None or _changed(self.value, value, self.record.change):
            return True
        longest = timedelta(seconds=self.record.max_interval_s)
        return bool(longest) and now >= self.reported_at + longest

    def plan(self, now: datetime) -> None:
        """Say when to look again."""
        look_at = now + timedelta(seconds=self.record.min_interval_s)
        if self.record.max_interval_s and self.reported_at is not None:
            longest = timedelta(seconds=self.record.max_interval_s)
            look_at = min(look_at, self.reported_at + longest)
        self.look_at = max(look_at, now + SAMPLING)


class Reporter:
    """Reports of a node's endpoints; a service of the node.

    Models change without a word, so each configured attribute is looked at when its minimum
    interval has passed, and reported when it changed enough or its maximum interval is over.
    Without a binding nothing is sent.
    """

    def __init__(
        self, endpoints: Iterable[Endpoint], bindings: Callable[[], Sequence[Binding]]
    ) -> None:
        self._endpoints = {endpoint.number: endpoint for endpoint in endpoints}
        self._bindings = bindings
        self._watched: dict[_Key, _Watched] = {}
        self._requests: list[Request] = []

    @property
    def deadline(self) -> datetime | None:
        """When the next attribute is to be looked at."""
        return first_due(self._configured(), lambda key: self._watch(key).look_at)

    def poll(self, now: datetime) -> None:
        """Look at what is due, and report what must be reported."""
        configured = list(self._configured())
        self._watched = {key: w for key, w in self._watched.items() if key in configured}
        due = [key for key in configured if self._watch(key).look_at <= now]
        for number, cluster_id, side in dict.fromkeys((n, c, s) for n, (c, s, _) in due):
            values = [
                value
                for key in due
                if (key[0], *key[1][:2]) == (number, cluster_id, side)
                and (value := self._look(key, now)) is not None
            ]
            self._send(number, cluster_id, side, values)

    def requests(self) -> list[Request]:
        """Take the reports to send."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """A report that got lost is not repeated: the next one carries a newer value."""

    def _configured(self) -> Iterator[_Key]:
        """The attributes that are configured and whose cluster somebody bound."""
        for number, endpoint in self._endpoints.items():
            if endpoint.reporting.records and endpoint.enabled:
                bound = {b.cluster_id for b in self._bindings() if b.endpoint == number}
                for reported in endpoint.reporting.records:
                    if reported[0] in bound:
                        yield number, reported

    def _watch(self, key: _Key) -> _Watched:
        """What is known of one attribute; one that was configured anew is looked at at once."""
        number, reported = key
        record = self._endpoints[number].reporting.records[reported]
        watched = self._watched.get(key)
        if watched is None:
            watched = self._watched[key] = _Watched(record)
        elif watched.record is not record:
            watched.record, watched.look_at = record, _AT_ONCE
        return watched

    def _look(self, key: _Key, now: datetime) -> AttributeValue | None:
        """Look at one attribute; its report when it is time for one."""
        watched = self._watch(key)
        number, (cluster_id, side, attribute_id) = key
        clusters = self._endpoints[number].server.clusters
        attribute = clusters[cluster_id, side].attributes[attribute_id]
        value = attribute.read(Access(peer=0, now=now, endpoint=number))
        report = not isinstance(value, Failure) and watched.must_report(value, now)
        if report and not isinstance(value, Failure):
            watched.value, watched.reported_at = value, now
        watched.plan(now)
        if not report or isinstance(value, Failure):
            return None
        return AttributeValue(attribute_id, attribute.definition.type, value)

    def _send(
        self, number: int, cluster_id: int, side: Side, values: Iterable[AttributeValue]
    ) -> None:
        records = tuple(values)
        for binding in self._bindings() if records else ():
            if (binding.endpoint, binding.cluster_id) == (number, cluster_id):
                peer, peer_endpoint = binding.peer, binding.peer_endpoint
                far = Far(peer, peer_endpoint, cluster_id, number, side.other)
                self._requests.append(far.report(records))


def _changed(before: Value, after: Value, least: Value) -> bool:
    """Whether a value changed enough; numbers of an analog type by at least ``least``."""
    match before, after, least:
        case int(old), int(new), int(step) if step:
            return abs(new - old) >= step
    return before != after
