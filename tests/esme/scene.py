"""A meter that is spoken to in GBCS only: commands in, Responses and alerts out."""

from __future__ import annotations

from datetime import datetime, timedelta

from bench.remote_party import RemoteParty
from device.command import Answered, Refused
from device.cosem.fields import elements
from device.cosem.shape import Plain as CosemValue
from device.cosem.shape import plain
from device.store import MemoryStore, Store
from esme.device import ElectricityMeterDevice
from esme.physics.site import Site
from esme.settings import EsmeSettings
from gbcs.catalogue import by_name
from gbcs.dlms.apdu import AccessResponse, DataNotification
from gbcs.envelope import Message
from gbcs.keys import KeyStore
from gbcs.party import DeviceType
from gbcs.plain import Plain, moment_to_text
from gbcs.protection import Verdict, verify
from gbcs.stamp import Reliability
from gbcs.zcl.types import zcl_moment
from tests.device.rig import OPERATOR, SUPPLIER, Rig, TrueTime, test_keys
from tests.esme.bench import at

ESME = 0x00DB1234567890A0
KEYS = test_keys(ESME)
EVER = {"from": "2000-01-01T00:00:00Z", "to": "2099-12-31T00:00:00Z"}
Row = list[object]


class Scene:
    """One meter from ``start`` on; its clock is ``slow_s`` behind."""

    def __init__(
        self,
        site: Site,
        start: datetime,
        *,
        store: Store | None = None,
        status: Reliability = Reliability.RELIABLE,
        slow_s: float = 0,
        settings: EsmeSettings | None = None,
    ) -> None:
        self.rig = Rig(
            eui64=ESME,
            device_type=DeviceType.ESME,
            keys=KEYS,
            store=store or MemoryStore(),
            true_time=TrueTime(start),
        )
        if slow_s:
            self.rig.clock.set_clock(start - timedelta(seconds=slow_s), None, None)
        self.rig.clock.status = status
        self.hub_time = self.rig.true_time
        self.sent: list[Message] = []
        self.rig.chassis.outbox.hand_to(lambda told: self.sent.append(Message.parse(told)))
        self.device = ElectricityMeterDevice(
            self.rig.chassis,
            site,
            hub_time=lambda: self.hub_time(),
            settings=settings,
        )
        self.counter = 1000
        self.device.advance()

    def until(self, moment: datetime) -> None:
        self.rig.true_time.moment = moment
        self.device.advance()

    def command(
        self,
        name: str,
        arguments: dict[str, Plain] | None = None,
        *,
        party: int = SUPPLIER,
        counter: int | None = None,
        keys: KeyStore = KEYS,
    ) -> bytes:
        """A command under the next counter, or under a given one."""
        if counter is None:
            self.counter += 1
            counter = self.counter
        sender = RemoteParty(party, keys)
        return sender.command(by_name(name), ESME, counter, arguments or {}).to_bytes()

    def receive(self, command: bytes) -> Answered | Refused:
        """What becomes of a command at this moment."""
        self.device.advance()
        return self.device.pipeline.receive(command)

    def ask(
        self, name: str, arguments: dict[str, Plain] | None = None, *, party: int = SUPPLIER
    ) -> list[CosemValue]:
        """The data of a Response that verifies and all of whose items succeeded."""
        outcome = self.receive(self.command(name, arguments, party=party))
        assert isinstance(outcome, Answered), outcome
        message = Message.parse(outcome.octets)
        checked = verify(message, KEYS)
        assert Verdict.INVALID not in (checked.mac, checked.signature)
        results = AccessResponse.parse(message.payload).results
        assert {result.result for result in results} == {0}
        return [plain(result.data) for result in results]

    def log(self, name: str, buffer: str, party: int = SUPPLIER) -> list[Row]:
        """Rows of a log that a use case reads."""
        limits: dict[str, Plain] = {f"{buffer}.{end}": text for end, text in EVER.items()}
        found = self.ask(name, limits, party=party)
        return [list(elements(row)) for row in elements(found[0])]

    def alerts(self) -> list[str]:
        """Codes of the alerts since the last time."""
        codes = [f"{self.body(alert)[0]:04X}" for alert in self.sent]
        self.sent.clear()
        return codes

    def security_log(self) -> list[str]:
        return [f"{row[1]:04X}" for row in self.log("ECS35b", "SecurityLognotCHF.buffer")]

    def power_log(self) -> list[str]:
        return [f"{row[1]:04X}" for row in self.log("ECS35e", "PowerEventLog.buffer", OPERATOR)]

    def voltage(self) -> list[tuple[str, int]]:
        """The profile of phase 1 by ECS23: time of day, V."""
        log = "Phase[1].AverageRMSVoltageProfileDataLog.buffer"
        limits: dict[str, Plain] = {f"{log}.{end}": text for end, text in EVER.items()}
        return clock_rows(self.ask("ECS23", limits, party=OPERATOR)[4])

    def counters(self) -> tuple[object, object]:
        """Crossings of the under and of the over voltage limit by ECS23."""
        log = "Phase[1].AverageRMSVoltageProfileDataLog.buffer"
        limits: dict[str, Plain] = {f"{log}.{end}": text for end, text in EVER.items()}
        found = self.ask("ECS23", limits, party=OPERATOR)
        return found[0], found[2]

    def configure(self, name: str = "ECS29c", **values: int) -> None:
        """ECS29a or ECS29c; what is not given is 0, but the period 600 s."""
        full: dict[str, Plain] = {
            "Phase[1].AverageRMSUnderVoltageThreshold.value": values.get("under", 0),
            "Phase[1].AverageRMSOverVoltageThreshold.value": values.get("over", 0),
        }
        kept = ("measurementPeriod", "threshold", "period") if name == "ECS29a" else ("value",) * 3
        log = "ProfileDataLog" if name == "ECS29a" else "MeasurementPeriod"
        full[f"Phase[1].AverageRMSVoltage{log}.{kept[0]}"] = values.get("period", 600)
        for title in ("ExtremeOver", "ExtremeUnder"):
            volts, seconds = values.get(title, 0), 30 if title in values else 0
            full[f"RMS{title}VoltageThreshold.{kept[1]}"] = volts
            full[f"RMS{title}VoltageMeasurementPeriod.{kept[2]}"] = seconds
        for title in ("Sag", "Swell"):
            full[f"RMSVoltage{title}Threshold.{kept[1]}"] = 0
            full[f"RMSVoltage{title}MeasurementPeriod.{kept[2]}"] = 0
        self.ask(name, full, party=OPERATOR)

    def set_clock(self, first: datetime, last: datetime) -> tuple[CosemValue, CosemValue]:
        """ECS70: the time and its status, as the Response has them."""
        times: list[Plain] = [moment_to_text(moment) for moment in (first, first, last)]
        *_, time, status = self.ask("ECS70", {"Time.preset_adjusting_time": times})
        return time, status

    @staticmethod
    def body(alert: Message) -> list[object]:
        return list(elements(plain(DataNotification.parse(alert.payload).body)))

    def half_hours(self) -> list[tuple[str, int]]:
        """The import profile as the model has it; ECS22b is sealed."""
        entries = self.device.meter.kept.measurements.half_hours.active_import.entries
        return [(f"{end:%H:%M}", wh) for end, (wh, _) in entries if end is not None]


def clock_rows(value: CosemValue) -> list[tuple[str, int]]:
    """Rows of a time and a number, the time as the clock shows it."""
    found = []
    for row in elements(value):
        seconds, number = elements(row)
        assert isinstance(seconds, int)
        assert isinstance(number, int)
        found.append((f"{zcl_moment(seconds):%H:%M:%S}", number))
    return found


__all__ = ["KEYS", "OPERATOR", "SUPPLIER", "Scene", "at", "clock_rows"]
