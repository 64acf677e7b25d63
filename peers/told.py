"""What a meter told a display of one fuel, and what the display makes of it for people.

Values are kept by cluster and attribute as they came; what was never told is not shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Final

from gbcs.zcl.types import Value
from han.clusters import DEVICE_MANAGEMENT, METERING, PREPAYMENT, PRICE
from han.commands.events import PublishEvent
from han.commands.price import PublishPrice
from peers.reading import DIVISOR, MULTIPLIER, REGISTER, UNIT, amount_text

POWER, AMBIENT, SUPPLY = 0x0400, 0x0207, 0x0014
USED: Final = (0x0401, 0x0403, 0x0430, 0x0440)
"""Of Metering: consumption today, yesterday, this week, this month; electricity has these."""
USED_ALTERNATIVELY: Final = (0x0C01, 0x0C03, 0x0C30, 0x0C40)
"""The same in the alternative unit; gas has these, for its register counts volume."""
COSTS: Final = (0x051C, 0x051E, 0x0530, 0x0540)
"""Of Prepayment: what that cost."""
ALTERNATIVE_UNIT: Final = 0x0312
STANDING_CHARGE, CURRENCY, TRAILING_DIGIT = 0x0301, 0x0616, 0x0617
PAYMENT, CREDIT, EMERGENCY, CREDIT_STATUS, ACCUMULATED_DEBT = 0x0000, 0x0001, 0x0002, 0x0003, 0x0005
DEBTS: Final = (ACCUMULATED_DEBT, 0x0211, 0x0221, 0x0231)
SUPPLIER, TELEPHONE = 0x0101, 0x0102

_FORM: Final = (UNIT, MULTIPLIER, DIVISOR, ALTERNATIVE_UNIT)
"""Of Metering: in what the meter counts, whoever lives there."""

OFTEN: Final = (*REGISTER, POWER, AMBIENT)
"""Of Metering: what moves."""
DETAILS: Final[tuple[tuple[int, tuple[int, ...]], ...]] = (
    (METERING.cluster_id, (*USED, *USED_ALTERNATIVELY, ALTERNATIVE_UNIT, SUPPLY)),
    (PRICE.cluster_id, (STANDING_CHARGE, CURRENCY, TRAILING_DIGIT)),
    (PREPAYMENT.cluster_id, (PAYMENT, CREDIT, EMERGENCY, CREDIT_STATUS, *DEBTS)),
    (PREPAYMENT.cluster_id, COSTS),
    (DEVICE_MANAGEMENT.cluster_id, (SUPPLIER, TELEPHONE)),
)
"""Cluster and attributes of each read: what is read less often, so much that one frame tells it."""
_PREPAYMENT_ENABLED: Final = 1 << 1
_LOW, _OFFERED, _IN_USE = 1 << 1, 1 << 3, 1 << 4
_EVENTS_KEPT: Final = 10
_TRAILING_DIGIT: Final = 0x50
"""Of a meter that does not tell it: amounts in hundred-thousandths, as in GB."""
_SYMBOLS: Final = {826: "GBP", 978: "EUR"}
_SUPPLIES: Final = ("off", "armed", "on")
_COLOURS: Final = ("low", "medium", "high")


class Payment(Enum):
    """How the consumer pays."""

    CREDIT = "credit"
    PREPAYMENT = "prepayment"


@dataclass(frozen=True, slots=True)
class Tariff:
    """What energy costs now; amounts of money in the currency unit."""

    price: Decimal
    tier: int
    standing_charge: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class Credit:
    """The consumer's account, in the currency unit; debts are what is still to be collected."""

    payment: Payment
    balance: Decimal
    emergency_credit: Decimal
    debt: Decimal
    is_low: bool
    emergency_offered: bool
    emergency_in_use: bool


@dataclass(frozen=True, slots=True)
class Consumption:
    """Amounts with their unit, or what they cost; None where the meter does not tell."""

    today: str | None
    yesterday: str | None
    this_week: str | None
    this_month: str | None


@dataclass(slots=True)
class Told:
    """One fuel. ``values`` by cluster and attribute."""

    values: dict[tuple[int, int], Value] = field(default_factory=dict)
    price: PublishPrice | None = None
    events: deque[PublishEvent] = field(default_factory=lambda: deque(maxlen=_EVENTS_KEPT))

    def take(self, cluster_id: int, values: Mapping[int, Value]) -> None:
        """Take attributes of one cluster."""
        self.values.update({(cluster_id, number): value for number, value in values.items()})

    def forget(self) -> None:
        """A new tenant: what was told to the former one is gone, but not how the meter counts."""
        form = {number: value for number, value in self.metering().items() if number in _FORM}
        self.values.clear()
        self.take(METERING.cluster_id, form)
        self.events.clear()
        self.price = None

    def metering(self) -> dict[int, int]:
        """Numbers of the Metering cluster."""
        return {
            number: value
            for (cluster_id, number), value in self.values.items()
            if cluster_id == METERING.cluster_id and isinstance(value, int)
        }

    @property
    def power_kw(self) -> Decimal | None:
        """Power now; None where the meter does not measure it."""
        found = self.metering()
        if POWER not in found:
            return None
        return Decimal(found[POWER] * found.get(MULTIPLIER, 1)) / (found.get(DIVISOR) or 1)

    @property
    def ambient(self) -> str | None:
        """Low, medium or high consumption."""
        return _name(_COLOURS, self.metering().get(AMBIENT))

    @property
    def supply(self) -> str | None:
        """Off, armed or on."""
        return _name(_SUPPLIES, self.metering().get(SUPPLY))

    @property
    def consumption(self) -> Consumption:
        """Amounts by day, week and month: energy, where the meter tells it."""
        found = self.metering()
        alternative = USED_ALTERNATIVELY[0] in found
        unit = found.get(ALTERNATIVE_UNIT, 0) if alternative else found.get(UNIT, 0)

        def text(number: int) -> str | None:
            register = found.get(number)
            if register is None:
                return None
            return amount_text(register, unit, found.get(MULTIPLIER, 1), found.get(DIVISOR, 1))

        return Consumption(*map(text, USED_ALTERNATIVELY if alternative else USED))

    @property
    def costs(self) -> Consumption:
        """What was used by day, week and month cost, in the currency unit."""

        def text(number: int) -> str | None:
            cost = self._number(PREPAYMENT.cluster_id, number)
            return None if cost is None else f"{_money(cost, self._digits):.2f}"

        return Consumption(*map(text, COSTS))

    @property
    def tariff(self) -> Tariff | None:
        """Price and rate; None while the meter tells no price."""
        price = self.price
        if price is None:
            return None
        digits = price.trailing_digit_and_tier >> 4
        charge = self._number(PRICE.cluster_id, STANDING_CHARGE)
        return Tariff(
            _money(price.price, digits),
            price.trailing_digit_and_tier & 0x0F,
            None if charge is None else _money(charge, digits),
            _SYMBOLS.get(price.currency, str(price.currency)),
        )

    @property
    def cost_of_an_hour(self) -> Decimal | None:
        """What an hour at the power of now would cost; None where one of both is not told."""
        power, tariff = self.power_kw, self.tariff
        return None if power is None or tariff is None else power * tariff.price

    @property
    def credit(self) -> Credit | None:
        """The account; None while the meter tells no balance."""
        number = PREPAYMENT.cluster_id
        balance = self._number(number, CREDIT)
        if balance is None:
            return None
        digits = self._digits
        status = self._number(number, CREDIT_STATUS) or 0
        prepaid = (self._number(number, PAYMENT) or 0) & _PREPAYMENT_ENABLED
        return Credit(
            Payment.PREPAYMENT if prepaid else Payment.CREDIT,
            _money(balance, digits),
            _money(self._number(number, EMERGENCY) or 0, digits),
            _money(sum(self._number(number, debt) or 0 for debt in DEBTS), digits),
            bool(status & _LOW),
            bool(status & _OFFERED),
            bool(status & _IN_USE),
        )

    def text(self, attribute_id: int) -> str:
        """A text of Device Management; empty while it is not told."""
        value = self.values.get((DEVICE_MANAGEMENT.cluster_id, attribute_id))
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""

    @property
    def _digits(self) -> int:
        """Digits of amounts of money behind the point."""
        told = self._number(PRICE.cluster_id, TRAILING_DIGIT)
        return (_TRAILING_DIGIT if told is None else told) >> 4

    def _number(self, cluster_id: int, attribute_id: int) -> int | None:
        value = self.values.get((cluster_id, attribute_id))
        return value if isinstance(value, int) else None


def _money(amount: int, digits: int) -> Decimal:
    return Decimal(amount).scaleb(-digits)


def _name(names: tuple[str, ...], number: int | None) -> str | None:
    return names[number] if number is not None and 0 <= number < len(names) else None
