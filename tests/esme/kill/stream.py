"""A stream of commands and passing time for an electricity meter, without end, by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bench.remote_party import RemoteParty
from esme.physics.signal import DailyProfile, Interrupted
from esme.physics.site import Phase, Site
from gbcs.catalogue import by_name
from gbcs.keys import KeyStore
from gbcs.plain import Plain, moment_to_text
from gbcs.utrn import ValueClass, make, originator_counter
from tests.device.rig import MIDNIGHT, OPERATOR, SUPPLIER

ESME: Final = 0x00DB1234567890A0
_CUTS: Final = 60
_LIMITS: Final = (
    ("ExtremeOverVoltage", 262),
    ("ExtremeUnderVoltage", 218),
    ("VoltageSag", 222),
    ("VoltageSwell", 258),
)


def site(seed: int) -> Site:
    """A restless load on mains that fail now and then, for less and for more than 3 minutes."""
    load = DailyProfile([350_000, 1_900_000, 4_500_000, 700_000] * 36, noise=250_000, seed=seed)
    mains = DailyProfile([228_000, 251_000, 243_000] * 16, noise=12_000, seed=seed + 1)
    starts = [MIDNIGHT + timedelta(hours=5 * n, minutes=7 * n) for n in range(1, _CUTS)]
    cuts = [(start, start + timedelta(seconds=50 * (n % 9 + 1))) for n, start in enumerate(starts)]
    return Site((Phase(Interrupted(mains, cuts), load),))


@dataclass(frozen=True, slots=True)
class Step:
    """At this moment this command arrives, or none does and only time has passed."""

    at: datetime
    name: str
    octets: bytes | None


class Stream:
    """The stream of a seed; each :meth:`step` is later than the one before, or as late."""

    def __init__(self, seed: int, keys: KeyStore) -> None:
        self._draw = random.Random(seed)
        self._keys = keys
        self._supplier, self._operator = (RemoteParty(one, keys) for one in (SUPPLIER, OPERATOR))
        self._now = MIDNIGHT
        self._counter = 1000
        self._tokens = 0
        self._sent: list[bytes] = []

    def step(self) -> Step:
        """The next step."""
        self._now += timedelta(seconds=self._draw.choice((0, 1, 30, 200, 700, 1800)))
        (kind,) = self._draw.choices(_KINDS, [weight for weight, *_ in _KINDS])
        _, name, make_command = kind
        octets = make_command(self) if make_command else None
        if octets is not None:
            self._sent.append(octets)
        return Step(self._now, name, octets)

    def order(self, name: str, arguments: dict[str, Plain] | None = None) -> bytes:
        """A supplier's command, or a network operator's if only that may send it."""
        use_case = by_name(name)
        role = self._keys.role(SUPPLIER)
        party = self._supplier if not use_case.roles or role in use_case.roles else self._operator
        self._counter += 1
        return party.command(use_case, ESME, self._counter, arguments or {}).to_bytes()

    def top_up(self) -> bytes:
        """A token of its own amount, now and then one that was used before."""
        if self._tokens and self._draw.random() < 0.1:
            number = self._draw.randrange(1, self._tokens + 1)
        else:
            self._tokens += 1
            number = self._tokens
        digits = make(SUPPLIER, ESME, number, 100 + number % 900, ValueClass.PENCE, self._keys)
        value: dict[str, Plain] = {"PrepaymentCredit.enter": digits}
        counter = originator_counter(number)
        return self._supplier.command(by_name("CS01a"), ESME, counter, value).to_bytes()

    def replayed(self) -> bytes:
        """Something that was sent before."""
        return self._draw.choice(self._sent) if self._sent else self.order("ECS45")

    def clock(self) -> bytes:
        """Set the clock, in one of four cases outside the range."""
        now, hour = self._now, timedelta(hours=1)
        end = now + self._draw.choice((hour, hour, hour, -hour / 2))
        times: list[Plain] = [moment_to_text(at) for at in (now, now - hour, end)]
        return self.order("ECS70", {"Time.preset_adjusting_time": times})

    def voltage(self) -> bytes:
        """Reconfigure the voltage measurement, and with ECS29a start its counters again."""
        values: dict[str, Plain] = {
            "Phase[1].AverageRMSVoltageProfileDataLog.measurementPeriod": self._draw.choice(
                (60, 300, 420, 1800)
            ),
            "Phase[1].AverageRMSOverVoltageThreshold.value": 253,
            "Phase[1].AverageRMSUnderVoltageThreshold.value": 231,
        }
        for name, limit in _LIMITS:
            values[f"RMS{name}Threshold.threshold"] = limit
            values[f"RMS{name}MeasurementPeriod.period"] = 30
        return self.order("ECS29a", values)

    def load_limit(self) -> bytes:
        """A load limit, at once or later."""
        when = moment_to_text(self._now + timedelta(seconds=self._draw.choice((-60, 500, 5000))))
        values: dict[str, Plain] = {
            "LoadLimitSupplyState.valueNext": True,
            "LoadLimitPowerThreshold.thresholdNext": 4_000,
            "LoadLimitPeriodTimer.valueNext": 60,
            "LoadLimitRestorationPeriodTimer.valueNext": 300,
        }
        for name in [key.partition(".")[0] for key in values]:
            values[f"{name}.activateNextDateTime"] = when
        return self.order("ECS28a", values)

    def number(self) -> int:
        """A number to set something to."""
        return self._draw.randrange(1800)

    def profile(self) -> bytes:
        """Read the half hours, encrypted."""
        name = "ProfileDataLogActiveEnergyImportedInPeriod.get_protected_attributes"
        first, last = (moment_to_text(at) for at in (self._now - timedelta(days=1), self._now))
        return self.order("ECS22b", {f"{name}.from": first, f"{name}.to": last})

    def tenancy(self) -> bytes:
        """A change of tenancy now."""
        return self.order("ECS12", {"restrictDataDateTime.value": moment_to_text(self._now)})


_KINDS: Final[tuple[tuple[int, str, Callable[[Stream], bytes] | None], ...]] = (
    (10, "time passes", None),
    (6, "CS01a", Stream.top_up),
    (3, "a command again", Stream.replayed),
    (3, "ECS38", lambda s: s.order("ECS38", {"RandomisedOffsetLimit.value": s.number()})),
    (2, "ECS29a", Stream.voltage),
    (2, "ECS70", Stream.clock),
    (2, "ECS28a", Stream.load_limit),
    (2, "ECS42", lambda s: s.order("ECS42")),
    (2, "ECS43", lambda s: s.order("ECS43")),
    (1, "ECS44", lambda s: s.order("ECS44")),
    (1, "ECS45", lambda s: s.order("ECS45")),
    (1, "ECS09", lambda s: s.order("ECS09")),
    (1, "ECS12", Stream.tenancy),
    (1, "ECS15a", lambda s: s.order("ECS15a")),
    (1, "ECS22b", Stream.profile),
    (1, "ECS57", lambda s: s.order("ECS57")),
    (1, "ECS29e", lambda s: s.order("ECS29e")),
)
"""How often, what, and the command; none: time passes only."""
