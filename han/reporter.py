"""Sends the reports that peers configured, to the endpoints that peers bound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from gbcs.zcl.general import AttributeValue, ReportingRecord
from gbcs.zcl.types import Value
from han.endpoint import Endpoint
from han.exchange import Outcome, Request
from han.requests import Far
from han.zcl.reporting import Reported
from han.zcl.tables import Access, Failure, Side
from han.zdo.server import Binding

SAMPLING: Final = timedelta(seconds=1)
"""An attribute that may be reported without a pause is looked at this often."""
_AT_ONCE: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Watched:
    """One attribute: when to look again, and what was reported last."""

    look_at: datetime = _AT_ONCE
    reported_at: datetime | None = None
    value: Value = None

    def must_report(self, record: ReportingRecord, value: Value, now: datetime) -> bool:
        """Whether the value is to be reported now: the first, a change, or the longest pause."""
        if self.reported_at is None or _changed(self.value, value, record.change):
            return True
        longest = timedelta(seconds=record.max_interval_s)
        return bool(longest) and now >= self.reported_at + longest

    def plan(self, record: ReportingRecord, now: datetime) -> None:
        """Say when to look again."""
        look_at = now + timedelta(seconds=record.min_interval_s)
        if record.max_interval_s and self.reported_at is not None:
            look_at = min(look_at, self.reported_at + timedelta(seconds=record.max_interval_s))
        self.look_at = max(look_at, now + SAMPLING)


class Reporter:
    """Reports of one endpoint; a service of the node.

    Models change without a word, so each configured attribute is looked at when its minimum
    interval has passed, and reported when it changed enough or its maximum interval is over.
    Without a binding nothing is sent.
    """

    def __init__(self, endpoint: Endpoint, bindings: Callable[[], Sequence[Binding]]) -> None:
        self.endpoint = endpoint
        self._bindings = bindings
        self._watched: dict[Reported, _Watched] = {}
        self._requests: list[Request] = []

    @property
    def deadline(self) -> datetime | None:
        """When the next attribute is to be looked at."""
        return min((self._watch(key).look_at for key in self._configured()), default=None)

    def poll(self, now: datetime) -> None:
        """Look at what is due, and report what must be reported."""
        configured = self._configured()
        self._watched = {key: w for key, w in self._watched.items() if key in configured}
        due = [key for key in configured if self._watch(key).look_at <= now]
        for cluster in dict.fromkeys(key[:2] for key in due):
            values = [
                value
                for key in due
                if key[:2] == cluster and (value := self._look(key, now)) is not None
            ]
            self._send(*cluster, values)

    def requests(self) -> list[Request]:
        """Take the reports to send."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """A report that got lost is not repeated: the next one carries a newer value."""

    def _configured(self) -> list[Reported]:
        """The attributes that are configured and whose cluster somebody bound."""
        bound = {b.cluster_id for b in self._bindings() if b.endpoint == self.endpoint.number}
        return [key for key in self.endpoint.reporting.records if key[0] in bound]

    def _watch(self, key: Reported) -> _Watched:
        return self._watched.setdefault(key, _Watched())

    def _look(self, key: Reported, now: datetime) -> AttributeValue | None:
        """Look at one attribute; its report when it is time for one."""
        watched, record = self._watch(key), self.endpoint.reporting.records[key]
        cluster_id, side, attribute_id = key
        attribute = self.endpoint.server.clusters[cluster_id, side].attributes[attribute_id]
        access = Access(peer=0, now=now, endpoint=self.endpoint.number)
        value = attribute.read(access)
        report = not isinstance(value, Failure) and watched.must_report(record, value, now)
        if report and not isinstance(value, Failure):
            watched.value, watched.reported_at = value, now
        watched.plan(record, now)
        if not report or isinstance(value, Failure):
            return None
        return AttributeValue(attribute_id, attribute.definition.type, value)

    def _send(self, cluster_id: int, side: Side, values: Iterable[AttributeValue]) -> None:
        records = tuple(values)
        for binding in self._bindings() if records else ():
            if (binding.endpoint, binding.cluster_id) == (self.endpoint.number, cluster_id):
                peer, number = binding.peer, binding.peer_endpoint
                far = Far(peer, number, cluster_id, self.endpoint.number, side.other)
                self._requests.append(far.report(records))


def _changed(before: Value, after: Value, least: Value) -> bool:
    """Whether a value changed enough; numbers of an analog type by at least ``least``."""
    match before, after, least:
        case int(old), int(new), int(step) if step:
            return abs(new - old) >= step
    return before != after
