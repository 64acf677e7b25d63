"""The terms of the account: prices, thresholds and limits that the supplier has set.

Money is in 1/100000 of the currency unit throughout.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from device.cosem.settings import Settings
from device.cosem.shape import Plain, plain
from device.cosem.table import Place
from esme.money import PaymentMode
from esme.tariff.registers import TOU_REGISTERS, TariffRegisters
from gbcs.dlms.data import Bits

NANO: Final = 1_000_000_000
"""Costs are computed in billionths of the unit of money, so that nothing is lost."""
_MONEY_SCALE: Final = -5
_NANO_SCALE: Final = 9

_MODE: Final = Place.parse("111/0-0:19.0.0.255/2")
_LOW_CREDIT: Final = Place.parse("111/0-0:19.0.0.255/16")
_EMERGENCY_LIMIT: Final = Place.parse("112/0-0:19.10.1.255/9")
_EMERGENCY_THRESHOLD: Final = Place.parse("112/0-0:19.10.1.255/10")
_DISABLEMENT: Final = Place.parse("21/0-0:16.0.1.255/2")
_MAXIMUM_CREDIT: Final = Place.parse("9000/0-0:94.44.2.10/2")
_MAXIMUM_BALANCE: Final = Place.parse("9000/0-0:94.44.2.20/2")
_DEBT_SHARE: Final = Place.parse("113/0-0:19.20.3.255/13")
_DEBT_CAP: Final = Place.parse("111/0-0:19.0.0.255/18")
_DEBT_CAP_PERIOD: Final = Place.parse("111/0-0:19.0.0.255/19")
_COLLECTION: Final = Place.parse("111/0-0:19.0.0.255/11")
_STANDING_CHARGE: Final = Place.parse("113/0-0:19.20.4.255/5")
_PRICES: Final = Place.parse("113/0-0:19.20.0.255/5")
_SECONDARY_PRICES: Final = Place.parse("113/0-0:19.20.5.255/5")
_DEBT_RATES: Final = tuple(
    (Place.parse(f"113/0-0:19.20.{n}.255/5"), Place.parse(f"113/0-0:19.20.{n}.255/8"))
    for n in (1, 2)
)
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
_WEEK_S: Final = 604_800
_WH_PER_KWH: Final = 1000
_ACCUMULATED_DEBT: Final = bytes.fromhex("0000130A02FF")
_TIME_DEBTS: Final = (bytes.fromhex("0000131401FF"), bytes.fromhex("0000131402FF"))
_ALSO_WHEN_DISABLED: Final = 0x20
"""Third bit of a collection configuration."""


class Terms:
    """Views of the stored attributes; what was never set is zero, and sets no limit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._version = -1
        self._known: dict[Place, dict[int, int]] = {}

    @property
    def prepayment(self) -> bool:
        """Whether the consumer pays before use."""
        match self._plain(_MODE):
            case (int(mode), _):
                return mode == PaymentMode.PREPAYMENT
        return False

    @property
    def low_credit(self) -> int:
        """Combined credit below which the consumer is warned."""
        return self._int(_LOW_CREDIT)

    @property
    def emergency_limit(self) -> int:
        """Emergency credit that an activation gives."""
        return self._int(_EMERGENCY_LIMIT)

    @property
    def emergency_threshold(self) -> int:
        """Balance at which emergency credit may be activated."""
        return self._int(_EMERGENCY_THRESHOLD)

    @property
    def disablement(self) -> int:
        """Credit at which the supply is disabled."""
        match self._plain(_DISABLEMENT):
            case (int(threshold), *_):
                return threshold
        return 0

    @property
    def maximum_credit(self) -> int:
        """Largest top-up; 0: any."""
        return self._int(_MAXIMUM_CREDIT)

    @property
    def maximum_balance(self) -> int:
        """Largest balance a top-up may lead to; 0: any."""
        return self._int(_MAXIMUM_BALANCE)

    @property
    def debt_share(self) -> int:
        """Part of each top-up that recovers payment debt, in ten-thousandths."""
        return self._int(_DEBT_SHARE)

    @property
    def standing_charge(self) -> int:
        """Standing charge of a day, in whole units of money."""
        return self.standing_charge_nano() // NANO

    @property
    def debt_cap(self) -> int:
        """DebtRecoveryRateCap: most that top-ups may recover in its period; 0: any."""
        return self._int(_DEBT_CAP)

    @property
    def debt_cap_period(self) -> timedelta:
        """The period of the cap: a week unless said otherwise."""
        return timedelta(seconds=self._int(_DEBT_CAP_PERIOD) or _WEEK_S)

    @property
    def suspends_debt_in_emergency(self) -> bool:
        """SuspendDebtEmergency: what time costs waits while emergency credit is in use.

        That is when charges may be collected from the accumulated debt; unset it is so.
        """
        rows = self._collection()
        return not rows or any(credit == _ACCUMULATED_DEBT for credit, _, _ in rows)

    @property
    def suspends_debt_when_disabled(self) -> bool:
        """SuspendDebtDisabled: time debts wait while the supply is off.

        That is when the last bit of their collection is not set.
        """
        return any(
            charge in _TIME_DEBTS and not bits.octets[0] & _ALSO_WHEN_DISABLED
            for _, charge, bits in self._collection()
        )

    def prices(self) -> dict[int, int]:
        """Price of a kWh by index: 1 to 48 by time of use, then four blocks of eight."""
        return _per_kwh(self.prices_nano())

    def secondary_prices(self) -> dict[int, int]:
        """Price of a kWh on the secondary element, by time of use."""
        return _per_kwh(self.secondary_prices_nano())

    def prices_nano(self) -> dict[int, int]:
        """Price of a Wh by index."""
        return self._charge(_PRICES, energy=True)

    def secondary_prices_nano(self) -> dict[int, int]:
        """Price of a Wh on the secondary element, by time of use."""
        return self._charge(_SECONDARY_PRICES, energy=True)

    def debt_rate(self, number: int) -> tuple[int, int]:
        """What time debt 1 or 2 recovers, and each how many seconds."""
        rate, period = _DEBT_RATES[number - 1]
        return sum(self._charge(rate).values()) // NANO, self._int(period) or _DAY_S

    def standing_charge_nano(self) -> int:
        """Standing charge of a day."""
        return sum(self._charge(_STANDING_CHARGE).values())

    def debt_recovery_nano(self, number: int, length_s: int) -> int:
        """What time debt 1 or 2 recovers at the end of an hour or of a day.

        A rate for up to an hour is recovered hour by hour, one for longer day by day.
        """
        rate, period = _DEBT_RATES[number - 1]
        period_s = self._int(period) or _DAY_S
        if length_s != (_HOUR_S if period_s <= _HOUR_S else _DAY_S):
            return 0
        return sum(self._charge(rate).values()) * length_s // period_s

    def cost_nano(self, used: TariffRegisters) -> int:
        """Cost of consumption, given as what each tariff register has taken."""
        prices, second = self.prices_nano(), self.secondary_prices_nano()
        cost = sum(wh * prices.get(n, 0) for n, wh in enumerate(used.tou, start=1))
        cells = [wh for block in used.blocks for wh in block]
        cost += sum(wh * prices.get(n, 0) for n, wh in enumerate(cells, start=_FIRST_BLOCK_PRICE))
        return cost + sum(wh * second.get(n, 0) for n, wh in enumerate(used.secondary, start=1))

    def _charge(self, place: Place, *, energy: bool = False) -> dict[int, int]:
        """Prices of a charge; read once for each time that something is set."""
        if self._version != self._settings.version:
            self._version, self._known = self._settings.version, {}
        if place not in self._known:
            self._known[place] = _prices(self._plain(place), energy=energy)
        return self._known[place]

    def _collection(self) -> list[tuple[bytes, bytes, Bits]]:
        """Which charge is collected from which credit, and when."""
        found = []
        rows = self._plain(_COLLECTION)
        for row in rows if isinstance(rows, tuple) else ():
            match row:
                case (bytes(credit), bytes(charge), Bits() as when):
                    found.append((credit, charge, when))
        return found

    def _plain(self, place: Place) -> Plain:
        data = self._settings.find(place)
        return None if data is None else plain(data)

    def _int(self, place: Place) -> int:
        value = self._plain(place)
        return value if isinstance(value, int) else 0


_FIRST_BLOCK_PRICE: Final = TOU_REGISTERS + 1
"""Prices 1 to 48 are by time of use; then come four blocks of eight."""


def _prices(charge: object, *, energy: bool) -> dict[int, int]:
    """Prices of a charge by their index, in billionths of the unit (per Wh if ``energy``)."""
    match charge:
        case ((int(commodity), int(scale)), _, tuple(rows)):
            power = _NANO_SCALE + scale - _MONEY_SCALE - (commodity if energy else 0)
            return {index: _scaled(price, power) for index, price in _rows(rows)}
    return {}


def _scaled(number: int, power: int) -> int:
    return int(number * 10**power if power >= 0 else number // 10**-power)


def _per_kwh(prices_nano: dict[int, int]) -> dict[int, int]:
    return {n: nano * _WH_PER_KWH // NANO for n, nano in prices_nano.items()}


def _rows(rows: tuple[object, ...]) -> Iterator[tuple[int, int]]:
    for row in rows:
        match row:
            case (bytes(index), int(price)):
                yield int.from_bytes(index, "big"), price
