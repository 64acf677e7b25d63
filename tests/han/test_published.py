"""What is asked for is chosen from what would be published, by time, number, kind and count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gbcs.zcl.frame import Frame
from gbcs.zcl.general import DefaultResponse
from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_seconds
from han.clusters import CALENDAR, DEVICE_MANAGEMENT, MESSAGING, PRICE
from han.commands.calendar import (
    GetCalendar,
    GetDayProfiles,
    PublishCalendar,
    PublishDayProfile,
    ScheduleEntry,
)
from han.commands.device_management import UpdateCIN
from han.commands.events import DisplayMessage
from han.commands.price import (
    GetBillingPeriod,
    GetCurrentPrice,
    GetPriceMatrix,
    GetScheduledPrices,
    GetTariffInformation,
    GetTierLabels,
    PublishBillingPeriod,
    PublishPrice,
    PublishPriceMatrix,
    PublishTariffInformation,
    PublishTierLabels,
    TierLabel,
    TierPrice,
)
from han.endpoint import Endpoint
from han.messaging import MessageBoard, MessageDisplay
from han.node import Node
from han.published import NO_ISSUER_EVENT, Publications, published
from han.publisher import Publisher
from han.requests import Far, command_of
from han.zcl.payload import decode, encode
from han.zcl.server import ZclServer
from han.zcl.tables import Access, ClusterDefinition, Served
from tests.han.home import DISPLAY, HUB, START, Home

NOW = zcl_seconds(START)


def price(start: int, millipence: int) -> PublishPrice:
    return PublishPrice(0, b"Day", 5, NOW, 0, 826, 0x51, 0x20, start, 0xFFFF, millipence)


def tariff(start: int, event: int, kind: int = 0) -> PublishTariffInformation:
    return PublishTariffInformation(
        0, event, 7, start, kind, b"Two rates", 2, 0, 0, 826, 0x50, 20_000, 0xFF, 1, 1000
    )


def day(number: int) -> PublishDayProfile:
    return PublishDayProfile(0, 5, 9, number, 1, 0, 1, 0, (ScheduleEntry(0, 1),))


MATRIX = PublishPriceMatrix(0, 5, 0, 7, 0, 1, 1, (TierPrice(1, 3221), TierPrice(2, 4327)))
PRICES: Publications = {
    PublishPrice: lambda _: [price(NOW - 60, 1), price(NOW + 60, 2), price(NOW + 120, 3)],
    PublishTariffInformation: lambda _: [tariff(NOW - 60, 3), tariff(NOW + 60, 4, 1)],
    PublishPriceMatrix: lambda _: [MATRIX],
    PublishTierLabels: lambda _: [PublishTierLabels(0, 5, 7, 0, 1, (TierLabel(1, b"Night"),))],
    PublishBillingPeriod: lambda _: [PublishBillingPeriod(0, 5, NOW - 60, 1440, 0, 0)],
}
CALENDARS: Publications = {
    PublishCalendar: lambda _: [
        PublishCalendar(0, 5, 9, 0, kind, 0, b"", 1, 1, 3) for kind in (0, 3)
    ],
    PublishDayProfile: lambda _: [day(number) for number in (1, 2, 3)],
}


def ask(served: Served, definition: ClusterDefinition, question: object) -> list[object] | Status:
    """The publications in answer, or the status of the Default Response."""
    command = command_of(definition, type(question).__name__)
    frame = Frame(0x01, 0, command.id, encode(question))
    answers = ZclServer([served]).execute(served.cluster_id, frame, Access(DISPLAY, START))
    if not answers[0].is_cluster_command:
        return Status(DefaultResponse.parse(answers[0].payload).status)
    kinds = {PRICE.cluster_id: PRICES, CALENDAR.cluster_id: CALENDARS}[definition.cluster_id]
    names = {command_of(definition, kind.__name__, served.side.other).id: kind for kind in kinds}
    return [decode(names[answer.command_id], answer.payload) for answer in answers]


def prices_of(answer: Sequence[object] | Status) -> list[int]:
    assert not isinstance(answer, Status)
    return [each.price for each in answer if isinstance(each, PublishPrice)]


def test_prices_are_those_in_force_and_those_to_come() -> None:
    served = published(PRICE, PRICES)
    assert prices_of(ask(served, PRICE, GetCurrentPrice(0))) == [1]
    assert prices_of(ask(served, PRICE, GetScheduledPrices(NOW + 70, 0))) == [2, 3]
    assert prices_of(ask(served, PRICE, GetScheduledPrices(0, 2))) == [1, 2]


def test_tariffs_are_chosen_by_their_kind_and_by_what_the_asker_knows_already() -> None:
    served = published(PRICE, PRICES)
    question = GetTariffInformation(0, NO_ISSUER_EVENT, 0, 2)
    assert ask(served, PRICE, question) == [tariff(NOW - 60, 3), tariff(NOW + 60, 4, 1)]
    assert ask(served, PRICE, replace(question, tariff_type=1)) == [tariff(NOW + 60, 4, 1)]
    assert ask(served, PRICE, replace(question, min_issuer_event_id=4)) == [tariff(NOW + 60, 4, 1)]
    assert ask(served, PRICE, replace(question, min_issuer_event_id=5)) is Status.NOT_FOUND


def test_matrices_labels_and_periods_belong_to_a_tariff() -> None:
    served = published(PRICE, PRICES)
    assert ask(served, PRICE, GetPriceMatrix(7)) == [MATRIX]
    assert ask(served, PRICE, GetPriceMatrix(8)) is Status.NOT_FOUND
    labels = ask(served, PRICE, GetTierLabels(7))
    assert labels == [PublishTierLabels(0, 5, 7, 0, 1, (TierLabel(1, b"Night"),))]
    billing = ask(served, PRICE, GetBillingPeriod(0, NO_ISSUER_EVENT, 1, 0))
    assert billing == [PublishBillingPeriod(0, 5, NOW - 60, 1440, 0, 0)]


def test_calendars_are_chosen_by_type_and_days_from_a_number() -> None:
    served = published(CALENDAR, CALENDARS)
    question = GetCalendar(0, NO_ISSUER_EVENT, 0, 3, 0)
    found = ask(served, CALENDAR, question)
    assert not isinstance(found, Status)
    assert [each.calendar_type for each in found if isinstance(each, PublishCalendar)] == [3]
    assert ask(served, CALENDAR, GetDayProfiles(0, 9, 2, 0)) == [day(2), day(3)]
    assert ask(served, CALENDAR, GetDayProfiles(0, 0xFFFFFFFF, 1, 1)) == [day(1)]
    assert ask(served, CALENDAR, GetDayProfiles(0, 8, 1, 0)) is Status.NOT_FOUND


def test_a_command_whose_answer_nobody_holds_is_not_served() -> None:
    commands = published(PRICE, {PublishPriceMatrix: lambda _: []}).commands
    assert list(commands) == [command_of(PRICE, "GetPriceMatrix").id]
    served = published(DEVICE_MANAGEMENT, {UpdateCIN: lambda _: [UpdateCIN(1, 0, 0, b"1234")]})
    (answer,) = ZclServer([served]).execute(0x0708, Frame(0x01, 0, 0x05), Access(DISPLAY, START))
    assert decode(UpdateCIN, answer.payload).customer_id_number == b"1234"


class Audience:
    """A hub with a price and a message, and a display."""

    def __init__(self) -> None:
        board = MessageBoard(5, DisplayMessage(1, 0, 0, 0xFFFF, "Hello"))
        hub = Node(HUB, [Endpoint(5, 0x0500, [published(PRICE, PRICES), board.served()])])
        self.publisher = Publisher(5, lambda: hub.bindings)
        hub.attach(self.publisher)
        self.display = MessageDisplay(Far(HUB, 5, MESSAGING.cluster_id, 9))
        ihd = Node(DISPLAY, [Endpoint(9, 0x0502, [self.display.served()])])
        ihd.attach(self.display)
        self.board, self.air = board, Home.of(hub, ihd)

    def settle(self) -> None:
        self.air.settle()
        events = self.air.events[HUB]
        for event in events:
            self.publisher.hear(event)
        events.clear()

    def ask(self) -> None:
        self.display.ask()
        self.settle()


@pytest.mark.parametrize("asks", [True, False])
def test_a_display_that_asked_is_told_and_one_that_did_not_is_left_alone(asks: bool) -> None:
    home = Audience()
    if asks:
        home.ask()
    home.settle()
    home.board.message = DisplayMessage(2, 0, 0, 0xFFFF, "World")
    home.board.announce(home.publisher)
    home.settle()
    shown = home.display.shown(START)
    assert (shown.text if shown else None) == ("World" if asks else None)


def test_a_display_that_is_gone_is_forgotten_until_it_asks_again() -> None:
    home = Audience()
    home.ask()
    assert home.publisher.listeners(MESSAGING.cluster_id) == [(DISPLAY, 9)]
    home.air.lost = lambda frame: frame.peer == DISPLAY
    home.board.announce(home.publisher)
    home.air.settle()
    assert home.publisher.listeners(MESSAGING.cluster_id) == []
