"""Keep-Alive 0x0025: the trust centre's two attributes, and a device that watches them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from gbcs.errors import MalformedMessage
from gbcs.zcl.general import GeneralCommand, ReadAttributes, ReadAttributesResponse
from gbcs.zcl.status import Status
from han.clusters import KEEP_ALIVE
from han.exchange import Outcome, Replied, Request
from han.requests import Far
from han.zcl.tables import Attribute, Cluster, Served

_BASE, _JITTER = 0x0000, 0x0001
REPLY_TIMEOUT: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class KeepAliveSettings:
    """What the trust centre tells its devices; both values are unverified for GB."""

    base_min: int = 10
    jitter_s: int = 300


_TABLE: Final[Cluster[KeepAliveSettings]] = Cluster(
    KEEP_ALIVE,
    attributes=(
        Attribute(KEEP_ALIVE.server_attributes[0], lambda s: s.base_min),
        Attribute(KEEP_ALIVE.server_attributes[1], lambda s: s.jitter_s),
    ),
)


def keep_alive_server(settings: KeepAliveSettings | None = None) -> Served:
    """The Keep-Alive server of a trust centre."""
    return _TABLE.on(settings or KeepAliveSettings())


class TrustCentre(Enum):
    """What a device knows of its trust centre."""

    UNKNOWN = "not asked yet"
    PRESENT = "answers"
    LOST = "does not answer"


class KeepAlive:
    """A device's watch over its trust centre; a service of the node.

    ``random_below(n)`` gives a number of seconds below n. After three silences in a row the trust
    centre is LOST; the device then searches for it and the watch goes on.
    """

    FAILURE_LIMIT: Final = 3

    def __init__(
        self,
        peer: int,
        peer_endpoint: int,
        endpoint: int,
        random_below: Callable[[int], int],
    ) -> None:
        self._far = Far(peer, peer_endpoint, KEEP_ALIVE.cluster_id, endpoint)
        self._random_below = random_below
        self.trust_centre = TrustCentre.UNKNOWN
        self.base_min, self.jitter_s = 2, 60
        self.deadline: datetime | None = None
        self._silences = 0
        self._requests: list[Request] = []
        self._events: list[TrustCentre] = []

    def start(self, now: datetime) -> None:
        """Begin to watch, or ask before the next time is due: at once."""
        self.deadline = now

    def events(self) -> list[TrustCentre]:
        """Take the changes of what is known, in order."""
        events, self._events = self._events, []
        return events

    def poll(self, now: datetime) -> None:
        """Ask when it is time."""
        if self.deadline is not None and self.deadline <= now:
            self.deadline = None
            asked = ReadAttributes((_BASE, _JITTER))
            self._requests.append(
                self._far.general(GeneralCommand.READ_ATTRIBUTES, asked, REPLY_TIMEOUT)
            )

    def requests(self) -> list[Request]:
        """Take the requests to send."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Any answer shows that the trust centre is there."""
        if isinstance(outcome, Replied):
            self._silences = 0
            self._become(TrustCentre.PRESENT)
            self._learn(outcome)
        else:
            self._silences += 1
            if self._silences >= self.FAILURE_LIMIT:
                self._become(TrustCentre.LOST)
        wait = self.base_min * 60 + self._random_below(self.jitter_s + 1)
        self.deadline = now + timedelta(seconds=wait)

    def _become(self, known: TrustCentre) -> None:
        if known is not self.trust_centre:
            self.trust_centre = known
            self._events.append(known)

    def _learn(self, reply: Replied) -> None:
        """Take the trust centre's values; what it does not tell stays as it is."""
        if reply.frame.is_cluster_command or reply.status is not None:
            return
        try:
            records = ReadAttributesResponse.parse(reply.frame.payload).records
        except MalformedMessage:
            return
        told = {r.attribute_id: r.value for r in records if r.status == Status.SUCCESS}
        base, jitter = told.get(_BASE), told.get(_JITTER)
        self.base_min = base if isinstance(base, int) and base else self.base_min
        self.jitter_s = jitter if isinstance(jitter, int) else self.jitter_s
