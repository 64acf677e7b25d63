"""Who has which short address, as far as a host of a dongle knows."""

from __future__ import annotations

from hw.bellows_messages import AddressBook

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
