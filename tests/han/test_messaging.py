"""A text for the household, from the ESI to a display and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_seconds
from han.clusters import MESSAGING
from han.commands.events import CancelAllMessages, CancelMessage, DisplayMessage
from han.endpoint import Endpoint
from han.exchange import Replied, Request
from han.messaging import CONFIRMATION_REQUIRED, Confirmed, MessageBoard, MessageDisplay
from han.node import Node
from han.requests import Far, command_of
from han.zcl.payload import encode
from han.zcl.tables import Side
from tests.han.home import DISPLAY, HUB, START, Home

MINUTE = timedelta(minutes=1)


@dataclass
class Rig:
    air: Home
    board: MessageBoard
    display: MessageDisplay

    def send(self, request: Request | None) -> None:
        assert request is not None
        self.air.nodes[HUB].send(request, self.air.now)
        self.air.settle()

    def command(self, name: str, message: object) -> None:
        far = Far(DISPLAY, 9, MESSAGING.cluster_id, 5, Side.CLIENT)
        self.send(far.command(command_of(MESSAGING, name, Side.CLIENT), encode(message)))

    def text(self) -> str | None:
        shown = self.display.shown(self.air.now)
        return shown.text if shown else None


def rig(message: DisplayMessage | None = None) -> Rig:
    board = MessageBoard(5, message)
    display = MessageDisplay(Far(HUB, 5, MESSAGING.cluster_id, 9))
    ihd = Node(DISPLAY, [Endpoint(9, 0x0502, [display.served()])])
    ihd.attach(display)
    return Rig(Home.of(Node(HUB, [Endpoint(5, 0x0500, [board.served()])]), ihd), board, display)


def test_a_message_is_shown_from_its_start_for_its_time() -> None:
    setup = rig(DisplayMessage(1, 0, zcl_seconds(START + 10 * MINUTE), 5, "Reset"))
    setup.send(setup.board.show(DISPLAY, 9))
    assert setup.text() is None
    setup.air.wait(10 * MINUTE)
    assert setup.text() == "Reset"
    setup.air.wait(5 * MINUTE)
    assert setup.text() is None


def test_a_display_asks_at_power_up_and_shows_until_changed() -> None:
    setup = rig(DisplayMessage(1, 0, 0, 0xFFFF, "Hello"))
    setup.display.ask()
    setup.air.settle()
    assert setup.text() == "Hello"
    setup.air.wait(timedelta(days=400))
    assert setup.text() == "Hello"
    setup.command("DisplayMessage", DisplayMessage(2, 0, 0, 0xFFFF, "World"))
    assert setup.text() == "World"


def test_an_esi_without_a_message_says_not_found() -> None:
    setup = rig()
    setup.display.ask()
    setup.air.settle()
    assert setup.text() is None
    assert setup.board.show(DISPLAY, 9) is None
    assert setup.board.withdraw(DISPLAY, 9) is None
    over = rig(DisplayMessage(1, 0, zcl_seconds(START) - 3600, 5, "Old"))
    over.display.ask()
    over.air.settle()
    (reply,) = over.air.seen(DISPLAY, Replied)
    assert isinstance(reply, Replied)
    assert reply.status is Status.NOT_FOUND


def test_the_household_confirms_a_message_that_wants_it() -> None:
    setup = rig(DisplayMessage(7, CONFIRMATION_REQUIRED, 0, 0xFFFF, "Press the button"))
    assert not setup.display.confirm(START)
    setup.send(setup.board.show(DISPLAY, 9))
    assert setup.display.confirm(setup.air.now)
    setup.air.settle()
    assert setup.board.events() == [Confirmed(DISPLAY, 7, START)]
    setup.board.message = None
    assert setup.display.confirm(setup.air.now)
    setup.air.settle()
    assert setup.board.events() == []


def test_messages_are_cancelled_one_or_all_now_or_later() -> None:
    setup = rig(DisplayMessage(7, 0, 0, 0xFFFF, "Text"))
    setup.send(setup.board.show(DISPLAY, 9))
    setup.command("CancelMessage", CancelMessage(8, 0))
    assert setup.text() == "Text"
    setup.send(setup.board.withdraw(DISPLAY, 9))
    assert setup.text() is None
    setup.send(setup.board.show(DISPLAY, 9))
    setup.command("CancelAllMessages", CancelAllMessages(zcl_seconds(START + MINUTE)))
    assert setup.text() == "Text"
    setup.air.wait(MINUTE)
    assert setup.text() is None
    setup.send(setup.board.show(DISPLAY, 9))
    setup.command("CancelAllMessages", CancelAllMessages(0))
    assert setup.text() is None
