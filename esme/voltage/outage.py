"""Supply outages: the whole supply, or one phase of it while the others keep the meter running."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from esme.event import MeterEvent
from esme.voltage.codes import interruption_code, restoration_code


@dataclass(frozen=True, slots=True)
class Moment:
    """A true moment and what the meter's clock showed then; None: it had no time."""

    true: datetime
    own: datetime | None


@dataclass(slots=True)
class Supply:
    """What is missing, and since when; the whole supply while ``dark`` is set."""

    running: bool = False
    dark: Moment | None = None
    missing: list[Moment | None] = field(default_factory=lambda: [None])

    def fail(self, now: Moment) -> None:
        """All phases are gone: nothing can be reported before the supply is back."""
        self.running, self.dark = False, now

    def start(self, now: Moment) -> Iterator[MeterEvent]:
        """The meter has power again, or for the first time."""
        self.running = True
        if self.dark is not None:
            yield from _outage(self.dark, now, None)
            self.dark = None

    def see_phases(self, present: tuple[bool, ...], now: Moment) -> Iterator[MeterEvent]:
        """Compare the phases of a running polyphase meter with what was there before."""
        for place, there in enumerate(present):
            lost = self.missing[place]
            if not there and lost is None:
                self.missing[place] = now
                yield MeterEvent(interruption_code(place + 1), now.own)
            elif there and lost is not None:
                self.missing[place] = None
                yield _restored(lost, now, place + 1)


def _outage(lost: Moment, now: Moment, phase: int | None) -> Iterator[MeterEvent]:
    yield MeterEvent(interruption_code(phase), lost.own)
    yield _restored(lost, now, phase)


def _restored(lost: Moment, now: Moment, phase: int | None) -> MeterEvent:
    outage_s = (now.true - lost.true).total_seconds()
    return MeterEvent(
        restoration_code(outage_s, phase), now.own, interrupted_at=lost.own, outage_s=int(outage_s)
    )
