"""Tariffs, payment mode, debts and balances (ECS01 to ECS09, ECS19, ECS24, ECS26a, ECS82)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from device.cosem.fields import elements, number, octets
from device.cosem.shape import Plain, plain, shape
from device.cosem.table import (
    Access,
    Attribute,
    CosemObject,
    Method,
    Place,
    cosem,
    scaler_unit,
    stored,
)
from esme.account.top_up import TopUp
from esme.money import Balances, PaymentMode
from esme.objects.calendars import activation_time, limited, schedule, special_days
from esme.objects.fields import CURRENCY, Meter, MeterAttribute
from esme.tariff.registers import UNUSED_THRESHOLD
from gbcs.dlms.apdu import Result

SEASONS: Final = "array<{os(..8),os(12),os(..8)}>"
WEEKS: Final = "array<{os(..8),u8,u8,u8,u8,u8,u8,u8}>"
DAYS: Final = "array<{u8,array<{os(4),os(6),u16}>}>"
CHARGE: Final = "{{i8,i8},{u16,os(6),i8},array<{os(..1),i16}>}"
CHARGES: Final = "array<{os(6),os(6),bs(3)}>"
BILLING: Final = "array<{os(4),os(5)}>"
_NO_COMMODITY: Final = (0, bytes(6), 0)
_NO_CHARGE: Final = ((0, -5), _NO_COMMODITY, ((b"", 0),))
_NO_PRICES: Final = ((3, -5), (3, bytes.fromhex("0100010800FF"), 2), ())
_PRICE_SCALER: Final = -5
_TARIFF_SPECIAL_DAYS: Final = 50
_NON_DISABLEMENT_ENTRIES: Final = 22
_NON_DISABLEMENT_SPECIAL_DAYS: Final = 20
_BLOCK_COUNTERS: Final = 99
"""Script of the block counters' reset."""


def commercial_objects(twin: bool) -> Iterator[CosemObject[Meter]]:
    """Objects of a meter with one element or two."""
    yield from _switching(0, "primary")
    if twin:
        yield from _switching(1, "secondary")
    yield from _thresholds_and_prices(twin)
    yield from _account()
    yield from _balances()
    yield from _debts()
    yield from _extended_data()


def _passive(index: int, name: str, notation: str, initial: Plain) -> MeterAttribute:
    return stored(index, name, notation, initial)


def _active(index: int, name: str, notation: str, initial: Plain) -> MeterAttribute:
    return stored(index, name, notation, initial, writable=False)


def _switching(element: int, title: str) -> Iterator[CosemObject[Meter]]:
    table = f"20/0-0:13.0.{element}.255"
    kinds = (
        ("season_profile", SEASONS, 4),
        ("week_profile_table", WEEKS, 4),
        ("day_profile_table", DAYS, None),
    )
    yield cosem(
        table,
        f"TariffSwitchingTable({title})",
        *(_active(3 + n, f"{name}_active", kind, ()) for n, (name, kind, _) in enumerate(kinds)),
        *(
            limited(7 + n, f"{name}_passive", kind, most)
            for n, (name, kind, most) in enumerate(kinds)
        ),
        activation_time(10, f"{table}/10", "activate_passive_calendar_time"),
    )
    yield from special_days(
        element,
        29 + element,
        f"TariffSwitchingTable({title})(SpecialDays)",
        most=_TARIFF_SPECIAL_DAYS,
    )


def _thresholds_and_prices(twin: bool) -> Iterator[CosemObject[Meter]]:
    unused = (UNUSED_THRESHOLD,) * 3
    for tou in range(1, 9):
        title = f"TariffThresholdMatrix, time of use {tou}"
        for interface, made in ((0, _active), (1, _passive)):
            yield cosem(
                f"21/0-0:16.{interface}.{10 + tou}.255",
                title,
                made(2, "thresholds", "array<u32>", unused),
            )
    yield cosem(
        "9000/0-0:63.1.1.255",
        "TariffThresholdMatrix",
        activation_time(6, "9000/0-0:63.1.1.255/6", "activate_passive_value_time"),
    )
    charges = [("4", "StandingCharge", _NO_CHARGE), ("0", "TariffPriceMatrix", _NO_PRICES)]
    active_prices: list[tuple[str, str, Callable[[Meter], int]]] = [
        ("7", "(Primary)ActiveTariffPrice", lambda meter: meter.sheet.active_price)
    ]
    if twin:
        charges.append(("5", "SecondaryTariffTOUPriceMatrix", _NO_PRICES))
        active_prices.append(
            ("8", "SecondaryActiveTariffPrice", lambda meter: meter.sheet.secondary_active_price)
        )
    for number_, title, nothing in charges:
        yield _charge(number_, title, nothing)
    for number_, title, price in active_prices:
        yield cosem(
            f"3/0-0:94.44.1.{number_}",
            title,
            _active_price(Place.parse(f"3/0-0:94.44.1.{number_}/2"), price),
            scaler_unit(CURRENCY, _PRICE_SCALER),
        )
    yield cosem("22/0-0:15.0.0.255", "BillingCalendar", stored(4, "execution_time", BILLING, ()))
    yield cosem(
        "22/0-0:15.1.0.255",
        "TariffBlockCounterMatrix, resets",
        stored(4, "execution_time", BILLING, ()),
    )
    yield cosem(
        "9/0-0:10.0.100.255",
        "TariffBlockCounterMatrix",
        Method(1, "execute", shape("u16"), _reset_block_counters),
    )


def _active_price(place: Place, price: Callable[[Meter], int]) -> MeterAttribute:
    """The price now, unless a bench has put another one there."""

    def read(meter: Meter) -> Plain:
        put = meter.settings.find(place)
        return price(meter) if put is None else plain(put)

    kind = shape("u32")
    return Attribute(
        2,
        "value",
        kind,
        read=read,
        load=lambda meter, value: meter.settings.put(place, kind.build(value)),
    )


def _charge(number_: str, title: str, nothing: Plain) -> CosemObject[Meter]:
    name = f"113/0-0:19.20.{number_}.255"
    return cosem(
        name,
        title,
        _active(5, "unit_charge_active", CHARGE, nothing),
        _passive(6, "unit_charge_passive", CHARGE, nothing),
        activation_time(7, f"{name}/7", "unit_charge_activation_time"),
    )


def _reset_block_counters(meter: Meter, value: Plain, _: Access) -> Result:
    if value != _BLOCK_COUNTERS:
        return Result.OTHER_REASON
    meter.tariff.settle()
    meter.kept.tariff.reset_counters()
    return Result.SUCCESS


def _account() -> Iterator[CosemObject[Meter]]:
    mode, passive = (PaymentMode.CREDIT, 2), "111/0-1:19.0.0.255"
    yield cosem(
        "111/0-0:19.0.0.255",
        "PaymentMode and account settings",
        _active(2, "account_mode_and_status", "{enum,enum}", mode),
        _active(11, "credit_charge_configuration", CHARGES, ()),
        _active(16, "low_credit_threshold", "i32", 0),
        _active(18, "max_provision", "u16", 0),
        _active(19, "max_provision_period", "i32", 604_800),
    )
    yield cosem(
        passive,
        "PaymentMode and account settings",
        _passive(2, "account_mode_and_status", "{enum,enum}", mode),
        _passive(11, "credit_charge_configuration", CHARGES, ()),
        activation_time(13, f"{passive}/13", "account_activation_time"),
    )
    yield cosem(
        "21/0-0:16.0.1.255", "DisablementThreshold", _active(2, "thresholds", "array<i32>", (0,))
    )
    yield cosem(
        "21/0-0:16.0.0.255",
        "LowMediumPowerThreshold / MediumHighPowerThreshold",
        stored(2, "thresholds", "array<u32>", (0, 0)),
    )
    yield from special_days(
        2, 31, "Non-DisablementCalendar(SpecialDays)", most=_NON_DISABLEMENT_SPECIAL_DAYS
    )
    yield from schedule(1, 28, "Non-DisablementCalendar", most=_NON_DISABLEMENT_ENTRIES)


def _balance(field: str) -> tuple[Callable[[Meter], int], Callable[[Meter, int], None]]:
    def put(meter: Meter, amount: int) -> None:
        setattr(meter.kept.balances, field, amount)

    return (lambda meter: getattr(meter.kept.balances, field)), put


def _change(index: int, name: str, field: str, *, add: bool) -> Method[Meter]:
    get, put = _balance(field)

    def call(meter: Meter, value: Plain, _: Access) -> Result:
        put(meter, number(value) + (get(meter) if add else 0))
        return Result.SUCCESS

    return Method(index, name, shape("i32"), call)


def _balances() -> Iterator[CosemObject[Meter]]:
    get, put = _balance("meter_balance")
    yield cosem(
        "112/0-0:19.10.0.255",
        "MeterBalance",
        Attribute(
            2,
            "current_credit_amount",
            shape("i32"),
            read=get,
            load=lambda meter, value: put(meter, number(value)),
        ),
        _change(1, "update_amount", "meter_balance", add=True),
        _change(2, "set_amount_to_value", "meter_balance", add=False),
    )
    yield cosem(
        "112/0-0:19.10.1.255",
        "EmergencyCredit",
        _active(9, "preset_credit_amount", "i32", 0),
        _active(10, "credit_available_threshold", "i32", 0),
        _change(2, "set_amount_to_value", "emergency_credit", add=False),
        Method(3, "invoke_credit", shape("i8"), _activate_emergency_credit),
    )
    yield cosem(
        "112/0-0:19.10.2.255",
        "AccumulatedDebtRegister",
        _change(2, "set_amount_to_value", "accumulated_debt", add=False),
    )
    yield cosem(
        "115/0-0:19.40.0.255",
        "PrepaymentCredit",
        Method(1, "enter", shape("os(20)"), _enter_token),
    )
    yield cosem("1/0-0:94.44.34.30", "PrepaymentBalanceCollection", _collection())
    yield cosem(
        "30/0-0:43.2.1.255", "PrepaymentBalanceCollection", protects=("1/0-0:94.44.34.30/2",)
    )


def _collection() -> MeterAttribute:
    def load(meter: Meter, value: Plain) -> None:
        held = Balances(*(number(each) for each in elements(value)))
        meter.kept.balances = held

    return Attribute(
        2,
        "value",
        shape("{i32,i32,i32,i32,i32,i32}"),
        read=lambda meter: meter.kept.balances.collection(),
        load=load,
    )


def _activate_emergency_credit(meter: Meter, _: Plain, __: Access) -> Result:
    meter.prepayment.activate_emergency_credit()
    return Result.SUCCESS


def _enter_token(meter: Meter, value: Plain, access: Access) -> Result:
    """A top-up; "other reason" when the token is not accepted."""
    counter = access.originator_counter >> 32
    outcome = meter.prepayment.top_up(octets(value), meter.now, counter=counter)
    return Result.SUCCESS if isinstance(outcome, TopUp) else Result.OTHER_REASON


def _debts() -> Iterator[CosemObject[Meter]]:
    for number_ in (1, 2):
        name = f"113/0-0:19.20.{number_}.255"
        yield cosem(
            name,
            f"DebtRecoveryRates[{number_}] / TimeDebtRegisters[{number_}]",
            _active(5, "unit_charge_active", CHARGE, _NO_CHARGE),
            _passive(6, "unit_charge_passive", CHARGE, _NO_CHARGE),
            stored(8, "period", "u32", 86_400),
            Method(2, "activate_passive_unit_charge", shape("i8"), _activate_rate(name)),
            _change(4, "update_total_amount_remaining", f"time_debt_{number_}", add=True),
        )
    yield cosem(
        "113/0-0:19.20.3.255",
        "DebtRecoveryperPayment / PaymentDebtRegister",
        stored(13, "proportion", "u16", 0),
        _change(4, "update_total_amount_remaining", "payment_debt", add=True),
    )


def _activate_rate(name: str) -> Callable[[Meter, Plain, Access], Result]:
    active, passive = Place.parse(f"{name}/5"), Place.parse(f"{name}/6")

    def call(meter: Meter, _: Plain, __: Access) -> Result:
        rate = meter.settings.find(passive)
        if rate is not None:
            meter.settings.put(active, rate)
        return Result.SUCCESS

    return call


_EXTENDED: Final = (
    ("94.44.128.2", "EmergencyCreditLimit", "i32"),
    ("94.44.128.3", "EmergencyCreditThreshold", "i32"),
    ("94.44.128.6", "LoadLimitPeriod", "u32"),
    ("94.44.128.7", "LoadLimitPowerThreshold", "u32"),
    ("94.44.128.8", "LoadLimitRestorationPeriod", "u32"),
    ("94.44.128.9", "LowCreditThreshold", "i32"),
    ("94.44.128.12", "DebtRecoveryRateCap(amount)", "u16"),
    ("94.44.128.13", "DebtRecoveryRateCap(period)", "i32"),
    ("94.44.128.22", "DisablementThreshold", "i32"),
)
_EXTENDED_HERE: Final = (
    ("94.44.0.3", "LoadLimitSupplyState", "bool", False),
    ("94.44.2.0", "CurrencyUnit", "bool", True),
    ("94.44.2.10", "MaximumCreditThreshold", "i32", 0),
    ("94.44.2.20", "MaximumMeterBalance", "i32", 0),
)


def _extended_data() -> Iterator[CosemObject[Meter]]:
    for name, title, kind in _EXTENDED:
        place = f"9000/0-0:{name}"
        yield cosem(
            place,
            title,
            _passive(4, "value_passive", kind, 0),
            activation_time(6, f"{place}/6", "activate_passive_value_time"),
        )
    for name, title, kind, initial in _EXTENDED_HERE:
        place = f"9000/0-0:{name}"
        yield cosem(
            place,
            title,
            stored(2, "value_active", kind, initial),
            _passive(4, "value_passive", kind, initial),
            activation_time(6, f"{place}/6", "activate_passive_value_time"),
        )
