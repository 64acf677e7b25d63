"""Brings the gas side of a home into the state that a recorded Response reports.

Only what the Response says is put there, where the device keeps it: registers, logs, calendars,
clocks, and faults where it reports one. The command itself is then executed as any other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import accumulate
from typing import Final, Protocol

from bench.replay_pair import Pair, Unsupported
from device.chassis import Chassis
from device.gas_logs import GasLogs
from device.log import NO_TIME
from device.own_events import OwnEventLogs
from device.sample_log import SampleLog
from gbcs.gbz import Component, Gbz
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import (
    AttributeStatus,
    DefaultResponse,
    GeneralCommand,
    ReadAttributesResponse,
)
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType, Value, zcl_moment
from gpf.pushed import snapshot_of
from gsme.management import NO_SAMPLE_ID
from gsme.model import PREPAYMENT, GasMeterModel, PaymentControl
from han.clusters.events import EventLog
from han.commands import payload_class
from han.commands.calendar import (
    PublishCalendar,
    PublishDayProfile,
    PublishSeasons,
    PublishSpecialDays,
    PublishWeekProfile,
)
from han.commands.device_management import ReportEventConfiguration
from han.commands.events import ClearEventLogResponse, PublishEventLog
from han.commands.metering import (
    GetSampledDataResponse,
    PublishSnapshot,
    SnapshotCause,
    StartSamplingResponse,
    SupplyStatus,
    SupplyStatusResponse,
)
from han.commands.prepayment import (
    ChangePaymentModeResponse,
    ConsumerTopUpResponse,
    PublishDebtLog,
    PublishPrepaySnapshot,
    PublishTopUpLog,
    TopUpResult,
)
from han.commands.price import PublishBillingPeriod, PublishPrice, PublishTariffInformation
from han.tariff.book import DELIVERED, NON_DISABLEMENT, TIERS_IN_USE, TariffBook
from han.zcl.payload import decode
from han.zcl.server import ZclServer
from han.zcl.tables import Side

NOT_EXECUTED: Final = DefaultResponse(0xFF, Status.FAILURE).to_bytes()
_PARTS: Final = frozenset({PublishDayProfile, PublishWeekProfile, PublishSeasons})
_FRIENDLY_CALENDAR: Final = 0xFFFFFFFE
_BLOCKS: Final = 0x10
_LONG_AGO_S: Final = 366 * 86_400
_SELECT: Final = (PREPAYMENT, 0x00)
"""SelectAvailableEmergencyCredit, which succeeds where there is some."""
_COUNTER_SHIFT: Final = 32
_SAMPLING: Final = timedelta(hours=4)


class GasSide(Protocol):
    """What a Response of a gas meter or of its proxy is made from."""

    chassis: Chassis
    server: ZclServer
    tariff: TariffBook
    logs: GasLogs
    events: OwnEventLogs

    def put(self, cluster_id: int, attribute_id: int, value: Value, type_: DataType) -> None:
        """Let an attribute have a value; KeyError when the device has no such attribute."""
        ...

    def sample_log(self, sample_id: int) -> SampleLog | None:
        """The log of samples with an identifier."""
        ...

    @property
    def meter(self) -> GasMeterModel:
        """The gas meter's own model, for commands that only it executes."""
        ...


class Arranger:
    """Arranges one pair at the device that answered it."""

    def __init__(self, side: GasSide, pair: Pair) -> None:
        self._side, self._pair = side, pair
        self._seen: Counter[tuple[int, int]] = Counter()

    def arrange(self) -> None:
        """Put the state there."""
        side, expected = self._side, self._pair.expected
        for log in (side.chassis.event_log, side.chassis.security_log):
            log.clear()
        asked = self._asked()
        for component in expected.components if expected is not None else ():
            frame = component.frame
            question = asked.get((component.cluster_id, frame.sequence))
            if frame.command_id == GeneralCommand.READ_ATTRIBUTES_RESPONSE and not (
                frame.is_cluster_command
            ):
                for record in ReadAttributesResponse.parse(frame.payload).records:
                    self._record(component.cluster_id, record)
            elif frame.is_cluster_command:
                self._seen[component.cluster_id, question.command_id if question else 0] += 1
                self._message(component, question)
            elif frame.payload != NOT_EXECUTED:
                self._refusal(component.cluster_id, DefaultResponse.parse(frame.payload))

    def _asked(self) -> dict[tuple[int, int], Frame]:
        """The commands by cluster and sequence number."""
        payload = self._pair.command.payload
        return {
            (each.cluster_id, each.frame.sequence): each.frame
            for each in Gbz.parse(payload).components
        }

    # -- attributes and refusals -----------------------------------------------------------------

    def _record(self, cluster_id: int, record: AttributeStatus) -> None:
        if record.status == Status.UNSUPPORTED_ATTRIBUTE:
            return
        if record.status != Status.SUCCESS:
            key = (cluster_id, record.attribute_id)
            self._side.server.faults[key] = Status(record.status)
            return
        try:
            kind = DataType(record.type_id)
            self._side.put(cluster_id, record.attribute_id, record.value, kind)
        except KeyError:
            name = f"attribute {record.attribute_id:04X} of cluster {cluster_id:04X}"
            raise Unsupported(name) from None

    def _refusal(self, cluster_id: int, response: DefaultResponse) -> None:
        """A command that fails does so after those of its kind that were executed before."""
        key = (cluster_id, response.command_id)
        if key == _SELECT and response.status == Status.SUCCESS:
            account = self._side.meter.account
            account.payment_control |= PaymentControl.PREPAYMENT
            account.emergency_limit, account.credit_remaining = 1, 0
        if response.status not in (Status.SUCCESS, Status.NOT_FOUND):
            self._side.server.command_faults[key] = Status(response.status)
            self._side.server.good_for[key] = self._seen[key]
        self._seen[key] += 1

    # -- messages --------------------------------------------------------------------------------

    def _message(self, component: Component, question: Frame | None) -> None:
        frame = component.frame
        side = Side.CLIENT if frame.from_server else Side.SERVER
        kind = payload_class(component.cluster_id, side, frame.command_id)
        message: object = None if kind is None else decode(kind, frame.payload)
        if kind in _PARTS and question is not None:
            self._part(message, question)
        elif not _put(self._side, self._pair, message):
            name = f"cluster {component.cluster_id:04X}, command {frame.command_id:02X}"
            raise Unsupported(f"answered by something that is not arranged: {name}")

    def _part(self, message: object, question: Frame) -> None:
        """A part of a calendar: of which one, the question says."""
        identifier = int.from_bytes(question.payload[4:8], "little")
        kind = NON_DISABLEMENT if identifier == _FRIENDLY_CALENDAR else DELIVERED
        _calendar_of(self._side, kind, message)
        self._side.tariff.newest = kind
        self._side.tariff.take(message)


def _calendar_of(side: GasSide, kind: int, part: object) -> None:
    held = side.tariff.calendar(kind)
    issued = int(getattr(part, "issuer_calendar_id", 0))
    event = int(getattr(part, "issuer_event_id", 0))
    if held is None or held.header is None or held.header.issuer_calendar_id != issued:
        side.tariff.take(PublishCalendar(0, event, issued, 0, kind, 0, b"", 0, 0, 0))


def _special_days(side: GasSide, message: PublishSpecialDays) -> None:
    _calendar_of(side, message.calendar_type, message)
    side.tariff.take(message)


def _price(side: GasSide, message: PublishPrice) -> None:
    """The clock at which this price holds, and the tariff it is a price of."""
    side.chassis.clock.hold(zcl_moment(message.current_time))
    side.meter.unit_of_measure = message.unit
    side.tariff.values[TIERS_IN_USE] = message.price_tiers_and_register_tier >> 4
    tier = message.trailing_digit_and_tier & 0x0F
    if not tier:
        values = side.tariff.values
        information = PublishTariffInformation(
            *(0, message.issuer_event_id, 1, 0, _BLOCKS, b"", 0, 3),
            *(values[0x0615], values[0x0616], values[0x0617], values[0x0301], 0xFF),
            *(values[0x0202], values[0x0203]),
        )
        side.tariff.take(information)


def _samples(side: GasSide, message: GetSampledDataResponse) -> None:
    """Let the totals have been what makes these samples."""
    log = side.sample_log(message.sample_id)
    if log is None:
        raise Unsupported(f"sample {message.sample_id:04X}")
    before_first = zcl_moment(message.start_time) - log.kind.period
    for number, total in enumerate(accumulate(message.samples, initial=0)):
        log.take(before_first + number * log.kind.period, total)


def _snapshot(side: GasSide, message: PublishSnapshot | PublishPrepaySnapshot) -> None:
    """Keep the snapshot, and as many before the asked range as the Response counts in all."""
    general = bool(message.cause & SnapshotCause.GENERAL)
    logs = side.logs
    if isinstance(message, PublishSnapshot):
        log = logs.daily if general else logs.billing
    else:
        log = logs.daily_prepayment if general else logs.billing_prepayment
    if not log:
        earlier = message.snapshot_time - _LONG_AGO_S
        log.extend(
            snapshot_of(replace(message, snapshot_time=earlier)) for _ in range(message.total_found)
        )
    log.append(snapshot_of(message))
    del log[0]


def _events(side: GasSide, message: PublishEventLog) -> None:
    """Log each event at its time, on the device's own clock."""
    chassis = side.chassis
    held = chassis.clock.now()
    for entry in message.entries:
        security = entry.log_id in (EventLog.SECURITY, EventLog.GSME_SECURITY)
        if entry.time != NO_TIME:
            chassis.clock.hold(zcl_moment(entry.time))
        log = chassis.security_log if security else chassis.event_log
        log.add(entry.event_id, entry.data)
    chassis.clock.hold(held)


def _mode(model: GasMeterModel, message: ChangePaymentModeResponse) -> None:
    configuration, account = model.configuration, model.account
    configuration.friendly_credit = message.friendly_credit
    configuration.friendly_credit_calendar = message.friendly_credit_calendar_id
    account.emergency_limit = message.emergency_credit_limit
    account.emergency_threshold = message.emergency_credit_threshold


def _top_up(model: GasMeterModel, pair: Pair, message: ConsumerTopUpResponse) -> None:
    """The balance before, and the reason for a refusal."""
    counter = pair.command.originator_counter >> _COUNTER_SHIFT
    model.account.credit_remaining = message.credit_remaining - message.value
    if message.result == TopUpResult.REJECTED_DUPLICATE:
        model.tokens.counters.append(counter)
    elif message.result == TopUpResult.REJECTED_TOP_UP_TOO_LARGE:
        model.account.maximum_top_up = 1
    elif message.result == TopUpResult.REJECTED_MAX_CREDIT_REACHED:
        model.account.maximum_credit = max(model.account.credit_remaining, 1)


def _put(side: GasSide, pair: Pair, message: object) -> bool:
    """Put the state there that makes a message; False when none is known."""
    match message:
        case PublishSpecialDays():
            _special_days(side, message)
        case PublishPrice():
            _price(side, message)
        case GetSampledDataResponse():
            _samples(side, message)
        case PublishSnapshot() | PublishPrepaySnapshot():
            _snapshot(side, message)
        case PublishTopUpLog():
            side.logs.top_ups[:] = reversed(message.top_ups)
        case PublishDebtLog():
            side.logs.debt_payments[:] = reversed(message.payments)
        case PublishEventLog():
            _events(side, message)
        case ClearEventLogResponse():
            side.events.stuck |= set() if message.cleared else {int(EventLog.GENERAL)}
        case PublishBillingPeriod():
            side.tariff.take(message)
        case _:
            return _put_at_meter(side, pair, message)
    return True


def _put_at_meter(side: GasSide, pair: Pair, message: object) -> bool:
    """As :func:`_put`, of what only the gas meter answers."""
    model = side.meter
    match message:
        case StartSamplingResponse():
            busy = message.sample_id == NO_SAMPLE_ID
            model.sampling_until = side.chassis.clock.now() + _SAMPLING if busy else None
        case SupplyStatusResponse():
            on = message.status == SupplyStatus.ON
            model.configuration.supply_status = SupplyStatus.ON if on else SupplyStatus.OFF
        case ChangePaymentModeResponse():
            _mode(model, message)
        case ConsumerTopUpResponse():
            _top_up(model, pair, message)
        case ReportEventConfiguration():
            found = {one.event_id: one.configuration for one in message.settings}
            model.configuration.event_settings = found
        case _:
            return False
    return True
