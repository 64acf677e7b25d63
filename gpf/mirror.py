"""What the GPF holds of the gas meter: every pushed value with its provenance.

The frames of one push are kept apart until the push is complete, then take effect together: a
Response never mixes a new value with an old stamp.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gbcs.stamp import Reliability, Source
from gbcs.zcl.types import DataType, Value, zcl_moment
from gpf.stamp import Provenance

METERING: Final = 0x0702
READING_SNAPSHOT_TIME: Final = 0x0007
"""Metering attribute in which a GSME says, on its own clock, when it took the pushed values."""
INVALID_UTC: Final = 0xFFFFFFFF

AttributeKey = tuple[int, int]
"""Cluster and attribute identifier."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """One value of the gas meter as the GPF holds it."""

    type: DataType
    value: Value
    provenance: Provenance


@dataclass(slots=True)
class _Push:
    """The frames of one wake of the meter, not yet in effect."""

    received_at: datetime
    values: dict[AttributeKey, tuple[DataType, Value]] = field(default_factory=dict)


@dataclass(slots=True)
class Mirror:
    """Values by cluster and attribute, and the push that is coming in.

    ``gsme_reliability`` says how far the GSME trusts its own clock. No attribute is known to carry
    it over the HAN, so whoever composes the bench supplies it; a real meter is taken as reliable.
    """

    own_reliability: Callable[[], Reliability]
    gsme_reliability: Callable[[], Reliability] = lambda: Reliability.RELIABLE
    completion: timedelta = timedelta(seconds=30)
    values: dict[AttributeKey, Mirrored] = field(default_factory=dict)
    _push: _Push | None = None

    @property
    def deadline(self) -> datetime | None:
        """When an unfinished push is taken as complete."""
        return None if self._push is None else self._push.received_at + self.completion

    def receive(self, key: AttributeKey, type_: DataType, value: Value, now: datetime) -> None:
        """Take one reported value; ``now`` is the GPF's own clock."""
        self.poll(now)
        if self._push is None:
            self._push = _Push(now)
        self._push.values[key] = (type_, value)

    def poll(self, now: datetime) -> None:
        """Complete a push whose last frame never came."""
        if self.deadline is not None and now >= self.deadline:
            self.complete()

    def complete(self) -> Mapping[AttributeKey, Mirrored]:
        """Let the push take effect; the values that changed hands, each with its provenance."""
        if self._push is None:
            return {}
        push, self._push = self._push, None
        provenance = self._provenance(push)
        taken = {key: Mirrored(*value, provenance) for key, value in push.values.items()}
        self.values.update(taken)
        return taken

    def get(self, cluster_id: int, attribute_id: int) -> Mirrored | None:
        """The value in effect, None when the meter never pushed it."""
        return self.values.get((cluster_id, attribute_id))

    def provenances(self, keys: Iterable[AttributeKey]) -> list[Provenance]:
        """Where these values come from; keys without a value are passed over."""
        return [held.provenance for key in keys if (held := self.values.get(key)) is not None]

    def forget(self) -> None:
        """Drop everything: the meter has left."""
        self.values.clear()
        self._push = None

    def _provenance(self, push: _Push) -> Provenance:
        stated = push.values.get((METERING, READING_SNAPSHOT_TIME))
        if stated is None:
            return Provenance(push.received_at, Source.OWN, self.own_reliability())
        seconds = stated[1]
        if not isinstance(seconds, int) or seconds == INVALID_UTC:
            return Provenance(None, Source.GSME, Reliability.INVALID)
        return Provenance(zcl_moment(seconds), Source.GSME, self.gsme_reliability())
