"""Price and Calendar over a tariff book: the server that displays read, the client that takes.

What a remote party publishes to a gas meter the meter takes as a client, and the proxy likewise;
what a display asks the proxy is answered from the same book.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gbcs.zcl.status import Status
from gbcs.zcl.types import Value
from han.clusters import CALENDAR, PRICE
from han.clusters.mirrored import mirrored
from han.commands import payload_class
from han.commands.calendar import (
    PublishCalendar,
    PublishDayProfile,
    PublishSeasons,
    PublishSpecialDays,
    PublishWeekProfile,
)
from han.commands.price import (
    PublishBillingPeriod,
    PublishBlockPeriod,
    PublishBlockThresholds,
    PublishCalorificValue,
    PublishConversionFactor,
    PublishPrice,
    PublishPriceMatrix,
    PublishTariffInformation,
)
from han.published import Held, Publications, choose, published
from han.tariff.book import DELIVERED, NON_DISABLEMENT, TariffBook
from han.tariff.calendar import PublishedCalendar
from han.zcl.payload import decode, encode
from han.zcl.tables import (
    Access,
    Answer,
    Cluster,
    ClusterDefinition,
    Command,
    CommandDefinition,
    Failure,
    Reply,
    Served,
    Side,
)

PriceNow = Callable[[Access], PublishPrice | None]

_IN_FORCE: Final[Mapping[int, int]] = {0xFFFFFFFF: DELIVERED, 0xFFFFFFFE: NON_DISABLEMENT}
"""Calendar identifiers that mean the calendar of a type, whichever it is (GBCS 10.4.2.11)."""
_LABEL: Final = 0x0610


def price_server(book: TariffBook, now: PriceNow) -> Served:
    """Price 0x0700: attributes, and Get commands answered with what was published."""

    def value_of(attribute_id: int) -> Value | Failure:
        if attribute_id == _LABEL:
            return b"" if book.information is None else book.information.label
        value = book.values.get(attribute_id)
        return Failure(Status.UNSUPPORTED_ATTRIBUTE) if value is None else value

    return mirrored(PRICE, Side.SERVER, value_of).joined(published(PRICE, _prices(book, now)))


def calendar_server(book: TariffBook) -> Served:
    """Calendar 0x0707: Get commands for the calendars in force."""
    commands = tuple(_calendar_gets())
    table: Cluster[TariffBook] = Cluster(CALENDAR, commands=commands)
    return table.on(book)


def tariff_clients(book: TariffBook) -> tuple[Served, ...]:
    """The clients of Price and Calendar, which put into the book what they are published."""
    return tuple(_taking(definition, book) for definition in (PRICE, CALENDAR))


def _prices(book: TariffBook, now: PriceNow) -> Publications:
    def one(name: str) -> Held:
        def held(_access: Access) -> Sequence[object]:
            message = getattr(book, name)
            return () if message is None else (message,)

        return held

    def current(access: Access) -> Sequence[object]:
        price = now(access)
        return () if price is None else (price,)

    return {
        PublishPrice: current,
        PublishBlockPeriod: one("block_period"),
        PublishConversionFactor: one("conversion_factor"),
        PublishCalorificValue: one("calorific_value"),
        PublishTariffInformation: one("information"),
        PublishPriceMatrix: one("matrix"),
        PublishBlockThresholds: one("thresholds"),
        PublishBillingPeriod: one("billing_period"),
    }


_PARTS: Final[Mapping[type, Callable[[PublishedCalendar], Sequence[object | None]]]] = {
    PublishCalendar: lambda calendar: (calendar.header,),
    PublishDayProfile: lambda calendar: tuple(calendar.days.values()),
    PublishWeekProfile: lambda calendar: tuple(calendar.weeks.values()),
    PublishSeasons: lambda calendar: (calendar.seasons,),
    PublishSpecialDays: lambda calendar: (calendar.special_days,),
}


def _calendar_gets() -> list[Command[TariffBook]]:
    found = []
    for command in CALENDAR.to_server:
        for answer_id in command.answered_by:
            kind = payload_class(CALENDAR.cluster_id, Side.CLIENT, answer_id)
            question = payload_class(CALENDAR.cluster_id, Side.SERVER, command.id)
            if kind is not None and kind in _PARTS and question is not None:
                found.append(_calendar_get(command, kind, question, answer_id))
    return found


def _calendar_get(
    command: CommandDefinition, kind: type, question: type, answer_id: int
) -> Command[TariffBook]:
    def handle(book: TariffBook, payload: bytes, access: Access) -> Answer:
        asked: object = decode(question, payload)
        only = _IN_FORCE.get(getattr(asked, "issuer_calendar_id", 0))
        held = [
            part
            for calendar_type, calendar in book.calendars.items()
            if only in (None, calendar_type)
            for part in _PARTS[kind](calendar)
            if part is not None
        ]
        chosen = choose(asked, held, access)
        if not chosen:
            return Status.NOT_FOUND
        return tuple(Reply(answer_id, encode(each)) for each in chosen)

    return Command(command, handle)


def _taking(definition: ClusterDefinition, book: TariffBook) -> Served:
    table: Cluster[TariffBook] = Cluster(
        definition,
        Side.CLIENT,
        commands=tuple(
            _take(command, kind)
            for command in definition.to_client
            if (kind := payload_class(definition.cluster_id, Side.CLIENT, command.id)) in _TAKEN
        ),
    )
    return table.on(book)


def _take(command: CommandDefinition, kind: type | None) -> Command[TariffBook]:
    def handle(book: TariffBook, payload: bytes, _access: Access) -> Answer:
        assert kind is not None  # it is one of those taken
        return Status.SUCCESS if book.take(decode(kind, payload)) else Status.NOT_FOUND

    return Command(command, handle)


_TAKEN: Final = frozenset(
    {
        *_PARTS,
        PublishBlockPeriod,
        PublishConversionFactor,
        PublishCalorificValue,
        PublishTariffInformation,
        PublishPriceMatrix,
        PublishBlockThresholds,
        PublishBillingPeriod,
    }
)
