"""A meter that lives for months on CSV files, and what is checked of it.

Load and voltage change every few minutes, supply is cut at random instants, the network operator
reconfigures the measurement period and reads the profile back. Everything follows from a seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bench.remote_party import RemoteParty
from bench.rig import ElectricityMeter, Quantity
from bench.site import site_of
from device.cosem.fields import elements
from device.cosem.shape import plain
from device.store import Store
from esme.device import ElectricityMeterDevice
from gbcs.catalogue import by_name
from gbcs.dlms.apdu import AccessResponse
from gbcs.dlms.data import decode
from gbcs.dlms.protected import ProtectedResponse
from gbcs.envelope import Message
from gbcs.party import DeviceType
from gbcs.plain import Plain, moment_to_text
from gbcs.protection import Verdict, attribute_cipher, verify
from tests.device.rig import OPERATOR, SUPPLIER, Rig, TrueTime, test_keys
from tests.esme.independent import HALF_HOUR_S, is_legal_end, voltage_entries

ESME: Final = 0x00DB1234567890A0
KEYS: Final = test_keys(ESME)
HALF_HOUR: Final = timedelta(seconds=HALF_HOUR_S)
PERIODS_S: Final = (1800, 600, 420, 3600, 900)
_CUT_S: Final = (9, 100, 179, 181, 1500, 4_000, 40_000)
_LONGEST: Final = {1800: 80, 600: 28, 420: 20, 3600: 80, 900: 42}
"""Days after which the profile is read, before its oldest entries make room."""


def write_series(folder: Path, start: datetime, days: int, seed: int) -> tuple[Path, Path]:
    """Load in W and mains in V, one row each ten minutes and at each end of a cut."""
    draw = random.Random(seed)
    load, mains = folder / "load.csv", folder / "mains.csv"
    rows = [start + timedelta(minutes=10) * n for n in range(days * 144)]
    with load.open("w") as file:
        file.write("time,l1\n")
        for at in rows:
            file.write(f"{at.isoformat()},{draw.randrange(40_000, 9_000_000) / 1000}\n")
    volts = {at: draw.randrange(226_000, 255_000) for at in rows}
    for _ in range(days // 14):
        off = start + timedelta(seconds=draw.uniform(0, (days - 1) * 86_400))
        on = off + timedelta(seconds=draw.choice(_CUT_S))
        volts = {at: value for at, value in volts.items() if not off <= at <= on}
        volts |= {off: 0, on: 240_000}
    with mains.open("w") as file:
        file.write("time,l1\n")
        for at, value in sorted(volts.items()):
            file.write(f"{at.isoformat()},{value / 1000}\n")
    return load, mains


@dataclass
class Life:
    """One meter, from ``start`` on."""

    folder: Path
    store: Store
    start: datetime
    days: int
    seed: int
    illegal: list[tuple[int, int]] = field(default_factory=list)
    """End and period of entries that no period may end at."""
    voltage_ends: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        load, mains = write_series(self.folder, self.start, self.days, self.seed)
        section = ElectricityMeter(load_csv=load, voltage=Quantity(file=mains))
        self.rig = Rig(
            eui64=ESME,
            device_type=DeviceType.ESME,
            keys=KEYS,
            store=self.store,
            true_time=TrueTime(self.start),
        )
        self.rig.chassis.outbox.hand_to(lambda _: None)
        self.device = ElectricityMeterDevice(
            self.rig.chassis, site_of(section), hub_time=self.rig.true_time
        )
        self.parties = {party: RemoteParty(party, KEYS) for party in (SUPPLIER, OPERATOR)}
        self.counter = 1
        self._draw = random.Random(self.seed + 1)
        self.device.advance()

    def live(self) -> Iterator[datetime]:
        """Live to the end; yields after each reconfiguration, when the old profile was read."""
        end, number = self.start + timedelta(days=self.days), 0
        while self.now < end:
            period_s = PERIODS_S[number % len(PERIODS_S)]
            self.configure(period_s)
            until = min(end, self.now + timedelta(days=min(_LONGEST[period_s], self.days / 5)))
            begun_s = self._seconds(self.now)
            while self.now < until:
                self.advance(min(until, self.now + self._leap()))
            self.check_voltage(period_s, begun_s)
            number += 1
            yield self.now

    @property
    def now(self) -> datetime:
        return self.rig.true_time()

    def advance(self, to: datetime) -> None:
        self.rig.true_time.moment = to
        self.device.advance()

    def command(self, name: str, party: int, arguments: dict[str, Plain]) -> bytes:
        self.counter += 1
        command = self.parties[party].command(by_name(name), ESME, self.counter, arguments)
        return command.to_bytes()

    def ask(self, name: str, party: int, arguments: dict[str, Plain]) -> bytes:
        return self.answer(self.command(name, party, arguments))

    def answer(self, command: bytes) -> bytes:
        octets = self.device.answer(command)
        assert octets is not None
        checked = verify(Message.parse(octets), KEYS)
        assert Verdict.INVALID not in (checked.mac, checked.signature)
        return octets

    def configure(self, period_s: int) -> None:
        values: dict[str, Plain] = {
            "Phase[1].AverageRMSVoltageMeasurementPeriod.value": period_s,
            "Phase[1].AverageRMSOverVoltageThreshold.value": 250,
            "Phase[1].AverageRMSUnderVoltageThreshold.value": 230,
        }
        for name in ("ExtremeOverVoltage", "ExtremeUnderVoltage", "VoltageSag", "VoltageSwell"):
            values[f"RMS{name}Threshold.value"] = values[f"RMS{name}MeasurementPeriod.value"] = 0
        self.ask("ECS29c", OPERATOR, values)

    def check_voltage(self, period_s: int, begun_s: int) -> None:
        """Read what was measured since a moment with ECS23; the independent reader judges it."""
        log = "Phase[1].AverageRMSVoltageProfileDataLog.buffer"
        since = self.now - timedelta(seconds=self._seconds(self.now) - begun_s)
        limits: dict[str, Plain] = {
            f"{log}.from": moment_to_text(since), f"{log}.to": moment_to_text(self.now),
        }  # fmt: skip
        read_s, entries = voltage_entries(self.ask("ECS23", OPERATOR, limits))
        assert read_s == period_s
        ends = [end_s for end_s, _ in entries if end_s > begun_s]
        assert ends == sorted(set(ends))
        assert not self.voltage_ends & set(ends)
        self.voltage_ends |= set(ends)
        self.illegal += [(end, period_s) for end in ends if not is_legal_end(end, period_s)]

    def half_hours_command(self) -> bytes:
        """ECS22b of everything."""
        log = "ProfileDataLogActiveEnergyImportedInPeriod.get_protected_attributes"
        limits: dict[str, Plain] = {
            f"{log}.from": moment_to_text(self.start), f"{log}.to": moment_to_text(self.now),
        }  # fmt: skip
        return self.command("ECS22b", SUPPLIER, limits)

    def half_hours(self) -> list[tuple[int, int]]:
        """Everything that ECS22b gives: end in seconds since 2000, Wh."""
        message = Message.parse(self.answer(self.half_hours_command()))
        answer = AccessResponse.parse(message.payload).results[0]
        sealed = ProtectedResponse.from_data(answer.data).sealed
        opened = plain(decode(attribute_cipher(message, KEYS).open(sealed)))
        rows = [elements(row) for row in elements(elements(opened)[0])]
        return [(end, wh) for end, wh in rows if isinstance(end, int) and isinstance(wh, int)]

    def _leap(self) -> timedelta:
        return timedelta(seconds=self._draw.choice((3, 700, 1800, 5_000, 30_000)))

    def _seconds(self, at: datetime) -> int:
        return int((at - datetime(2000, 1, 1, tzinfo=UTC)).total_seconds())
