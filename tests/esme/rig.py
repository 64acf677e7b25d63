"""A whole meter with its COSEM server on a timeline moved by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from device.clock import ClockSettings, DeviceClock
from device.cosem.fields import elements
from device.cosem.server import CosemServer
from device.cosem.shape import Plain, plain, shape
from device.cosem.table import EVERYTHING, Access, Limits, Place
from device.store import MemoryStore, Store
from esme.control.settings import ControlSettings
from esme.memory import Memory
from esme.meter import ElectricityMeter, Identity
from esme.metrology import MetrologySettings
from esme.objects import server
from esme.physics.site import Phase, Site
from gbcs.dlms import values as v
from gbcs.dlms.apdu import AccessRequest, Kind, RequestItem
from gbcs.dlms.data import Data
from gbcs.stamp import Reliability
from tests.esme.bench import at


class Now:
    """The timeline's ``now``."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment


@dataclass
class MeterRig:
    """A meter, powered up at ``start`` with a good clock unless said otherwise."""

    site: Site = field(default_factory=lambda: Site((Phase(),)))
    start: datetime = field(default_factory=lambda: at("10:00"))
    status: Reliability = Reliability.RELIABLE
    offset: timedelta = timedelta(0)
    settings: MetrologySettings | None = None
    store: Store = field(default_factory=MemoryStore)
    clock_settings: ClockSettings | None = None
    hide_at_date: bool = False
    identity: Identity = field(default_factory=lambda: Identity(0xA0))
    control: ControlSettings | None = None

    def __post_init__(self) -> None:
        self.now = Now(self.start)
        self.hub_offset: timedelta | None = timedelta(0)
        self.clock = DeviceClock(
            self.now, status=self.status, offset=self.offset, settings=self.clock_settings
        )
        self.memory = Memory(self.store)
        self.meter = ElectricityMeter(
            self.identity,
            self.site,
            self.clock,
            self.store,
            true_time=self.now,
            hub_time=self.hub_time,
            settings=self.settings,
            hide_at_date=self.hide_at_date,
            remembered=self.memory.recall(),
            control=self.control,
            is_authentic=lambda token, _: token.mac == b"good",
        )
        self.server: CosemServer[ElectricityMeter] = server(self.meter)

    def hub_time(self) -> datetime | None:
        return None if self.hub_offset is None else self.now() + self.hub_offset

    def until(self, moment: datetime) -> None:
        self.now.moment = moment
        self.meter.advance(moment)

    def save(self) -> None:
        self.memory.save(self.meter.kept, self.meter.metrology.line(), self.meter.settings)

    def read(self, place: str, limits: Limits = EVERYTHING) -> Plain:
        return plain(self.server.value(Place.parse(place), limits))

    def numbers(self, place: str, limits: Limits = EVERYTHING) -> list[list[int]]:
        """Rows of numbers; what is no number in them is left out."""
        found = (elements(row) for row in elements(self.read(place, limits)))
        return [[each for each in row if isinstance(each, int)] for row in found]

    def set(self, place: str, data: Data, **access: int) -> int:
        return self._run(Kind.SET, place, data, access)

    def call(self, place: str, data: Data | None = None, **access: int) -> int:
        return self._run(Kind.ACTION, place, v.i8(0) if data is None else data, access)

    def put(self, place: str, notation: str, value: Plain) -> None:
        """Hold a value that no command sets."""
        self.server.load(Place.parse(place), shape(notation).build(value))

    def _run(self, kind: Kind, place: str, data: Data, access: dict[str, int]) -> int:
        to = Place.parse(place)
        request = AccessRequest(1, (RequestItem(kind, *to, data),))
        context = Access(self.meter.now, **access)  # type: ignore[arg-type]  # only the integers
        return self.server.execute(request, context).results[0].result

    def power_log(self) -> list[str]:
        return [f"{entry.code:04X}" for entry in self.meter.reporter.power_log.entries()]

    def alerts(self) -> list[str]:
        return [f"{alert.alert_code:04X}" for alert in self.meter.reporter.take_alerts()]


def every_day(number: int, script: str, selector: int, hour: int) -> Data:
    """An entry of a schedule (class 10) that runs a script on the hour, every day."""
    return v.structure(
        v.u16(number),
        v.boolean(True),
        v.logical_name(script),
        v.u16(selector),
        v.octets(bytes((hour, 0, 0, 0))),
        v.u16(0xFFFF),
        v.bits("1111111"),
        v.bits("0"),
        v.octets(b"\xff" * 5),
        v.octets(b"\xff" * 5),
    )
