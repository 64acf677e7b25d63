"""Profile logs, snapshots and logs of codes (ECS15, ECS20 to ECS22, ECS35, ECS66)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct
from typing import Final

from device.cosem.fields import code_log, elements, number, octets, reset
from device.cosem.shape import Plain
from device.cosem.table import CosemObject, cosem
from esme.billing import BALANCES, registers_notation
from esme.kept import Row, Snapshots
from esme.metering.log import Log
from esme.objects.controllers import controller_log
from esme.objects.fields import Meter, MeterAttribute, timed_log

_POWER: Final = Struct(">I")


def log_objects(twin: bool) -> Iterator[CosemObject[Meter]]:
    """Logs of a meter with one element or two."""
    yield from _profiles(twin)
    registers = registers_notation(twin)
    for name, title, row, held in (
        ("98.1.9", "DailyReadLog(excExport)", registers, lambda s: s.daily_import),
        ("98.1.8", "PrepaymentDailyReadLog", BALANCES, lambda s: s.daily_prepayment),
        ("98.1.10", "DailyReadLog(export)", "u32", lambda s: s.daily_export),
        ("98.1.0", "BillingDataLog(BillingCalendar)", registers, lambda s: s.billing_calendar),
        ("98.1.1", "BillingDataLog(BillingCalendar)", BALANCES, lambda s: s.billing_balances),
        (
            "98.1.2",
            "BillingDataLog(SetPaymentModeOrTariff)",
            f"{registers},{BALANCES}",
            lambda s: s.billing_changes,
        ),
        ("99.98.20", "BoostFunctionEventLog", "u32", lambda s: s.boosts),
    ):
        yield cosem(
            f"7/0-0:{name}.255",
            title,
            _snapshots(row, held),
        )
    for name, title, held in (
        ("98.1.4", "BillingDataLog(PaymentBasedDebtRepayment)", lambda s: s.debt_payments),
        ("98.1.5", "BillingDataLog(PrepaymentCredits)", lambda s: s.credits),
    ):
        yield cosem(f"7/0-0:{name}.255", title, _amounts(held))
    yield from _protected_reads()
    yield from _code_logs()


def _profiles(twin: bool) -> Iterator[CosemObject[Meter]]:
    yield cosem(
        "7/0-0:99.1.0.255",
        "ProfileDataLog(ActiveEnergyImport)",
        timed_log(
            "u32,u32" if twin else "u32",
            lambda m: m.kept.measurements.half_hours.active_import,
            lambda entry: entry if twin else entry[:1],
            lambda row: (number(row[0]), number(row[1]) if twin else 0),
        ),
    )
    yield cosem(
        "7/0-0:99.1.1.255",
        "ProfileDataLog(Export)",
        timed_log(
            "u32,u32",
            lambda m: m.kept.measurements.half_hours.export,
            lambda entry: entry,
            lambda row: (number(row[0]), number(row[1])),
        ),
    )
    yield cosem(
        "7/0-0:99.1.2.255",
        "ProfileDataLog(ReactiveImport)",
        timed_log(
            "u32",
            lambda m: m.kept.measurements.half_hours.reactive_import,
            lambda varh: (varh,),
            lambda row: number(row[0]),
        ),
    )
    yield cosem(
        "7/0-0:99.1.3.255",
        "DailyConsumptionLog",
        timed_log(
            "u32",
            lambda m: m.kept.measurements.days.consumption,
            lambda wh: (wh,),
            lambda row: number(row[0]),
        ),
    )


def _snapshots(row: str, held: Callable[[Snapshots], Log[Row]]) -> MeterAttribute:
    return timed_log(row, lambda m: held(m.kept.snapshots), _to_row, _from_row)


def _amounts(held: Callable[[Snapshots], Log[Row]]) -> MeterAttribute:
    """Of a payment remote parties see the amount alone."""
    return timed_log("u32", lambda m: held(m.kept.snapshots), lambda row: row[:1], _from_row)


def _to_row(entry: Row) -> tuple[Plain, ...]:
    return entry


def _from_row(row: tuple[Plain, ...]) -> Row:
    return tuple(
        tuple(number(each) for each in elements(cell)) if isinstance(cell, tuple) else number(cell)
        for cell in row
    )


def _protected_reads() -> Iterator[CosemObject[Meter]]:
    for place, title, protected in (
        ("2", "BillingDataLog(BillingCalendar)", ("98.1.0", "98.1.1")),
        ("3", "BillingDataLog(SetPaymentModeOrTariff)", ("98.1.2",)),
        ("4", "DailyConsumptionLog", ("99.1.3",)),
        ("5", "DailyReadLog(excExport)", ("98.1.9",)),
        ("6", "PrepaymentDailyReadLog", ("98.1.8",)),
        ("7", "ProfileDataLog(ActiveEnergyImport)", ("99.1.0",)),
        ("11", "BillingDataLog of the alert", ("98.1.0",)),
    ):
        places = tuple(f"7/0-0:{name}.255/2" for name in protected)
        yield cosem(f"30/0-0:43.2.{place}.255", title, protects=places)


def _code_logs() -> Iterator[CosemObject[Meter]]:
    yield cosem(
        "7/0-0:99.98.0.255",
        "EventLog",
        code_log(
            ",os(..8)",
            lambda m: m.reporter.event_log,
            lambda other: (other,),
            lambda row: octets(row[0]),
        ),
        reset(lambda m, _: m.clear_event_log()),
    )
    yield cosem(
        "7/0-0:99.98.1.255",
        "SecurityLog",
        code_log("", lambda m: m.reporter.security_log, lambda _: (), lambda _: b""),
    )
    yield cosem(
        "7/0-0:99.98.4.255",
        "PowerEventLog",
        code_log(
            ",u32",
            lambda m: m.reporter.power_log,
            _POWER.unpack,
            lambda row: _POWER.pack(number(row[0])),
        ),
    )
    yield controller_log()
