"""Who has which short address, as far as a host of a dongle knows."""

from __future__ import annotations

import asyncio
from typing import cast

from device.timeline import Timeline
from han.radio import ApsReceived, RadioError
from hw.bellows_messages import AddressBook, Messages
from hw.ezsp_callbacks import ApsHeader, Incoming
from hw.ezsp_port import EzspPort

METER, DISPLAY = 0x02434855420000A0, 0x02434855420000D1


def test_an_address_that_another_device_got_leads_to_that_device_alone() -> None:
    book = AddressBook()
    book.learn(METER, 0x1234)
    book.learn(DISPLAY, 0x1234)
    assert book.eui64_of(0x1234) == DISPLAY
    assert book.node_of(METER) is None
    assert book.known() == (DISPLAY,)


def test_a_device_that_lost_its_address_to_another_does_not_take_the_others_name_away() -> None:
    book = AddressBook()
    book.learn(METER, 0x1234)
    book.learn(DISPLAY, 0x1234)
    book.learn(METER, 0x4321)
    assert (book.eui64_of(0x1234), book.eui64_of(0x4321)) == (DISPLAY, METER)
    book.forget(METER)
    assert (book.eui64_of(0x1234), book.eui64_of(0x4321)) == (DISPLAY, None)


async def test_whoever_asks_for_an_address_that_was_told_meanwhile_need_not_wait(
    timeline: Timeline,
) -> None:
    book = AddressBook()
    book.learn(METER, 0x1234)
    await book.told(METER)
    assert timeline.elapsed_s == 0


class _Firmware:
    """Knows who has which address, when it answers at all."""

    def __init__(self, *, answers: bool = True) -> None:
        self.answers = answers

    async def eui64_of(self, node: int) -> int:
        if not self.answers:
            await asyncio.get_running_loop().create_future()
        if node == 0xBAD:
            raise RadioError("no answer in time")
        return METER


def _incoming(node: int, payload: bytes) -> Incoming:
    return Incoming(ApsHeader(0x0109, 0x0702, 1, 1, 0), node, payload, False, 255, -40, None)


async def test_messages_after_a_loss_do_not_wait_for_an_answer_from_before_it() -> None:
    heard: list[ApsReceived] = []
    messages = Messages(AddressBook(), heard.append)
    messages.incoming(cast("EzspPort", _Firmware(answers=False)), _incoming(0x1234, b"before"))
    await asyncio.sleep(1)
    messages.lost()
    messages.incoming(cast("EzspPort", _Firmware()), _incoming(0x1234, b"after"))
    await asyncio.sleep(1)
    assert [message.payload for message in heard] == [b"after"]


async def test_a_sender_whom_the_firmware_does_not_name_holds_nobody_up() -> None:
    heard: list[ApsReceived] = []
    messages = Messages(AddressBook(), heard.append)
    firmware = cast("EzspPort", _Firmware())
    messages.incoming(firmware, _incoming(0xBAD, b"whose"))
    messages.incoming(firmware, _incoming(0x1234, b"mine"))
    await asyncio.sleep(1)
    assert [message.payload for message in heard] == [b"mine"]
