"""The hub's mailboxes over its restarts."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from chub.mailroom import Mailroom
from chub.settings import ChfSettings
from device.store import MemoryStore, StoreError
from han.tunnel import TunnelServer

NOW = datetime(2026, 1, 5, tzinfo=UTC)
GSME = 0x02434855420000A1


def mailroom(store: MemoryStore, capacity: int, expired: list[tuple[int, bytes, str]]) -> Mailroom:
    return Mailroom(
        TunnelServer(1),
        store,
        ChfSettings(mailbox_capacity=capacity),
        upward=lambda peer, octets: None,
        pending=lambda peer, pending: None,
        expired=lambda peer, octets, reason: expired.append((peer, octets, reason)),
        noise=lambda peer, octets: None,
    )


def test_what_finds_no_room_in_a_smaller_box_is_given_up_and_not_kept_for_ever() -> None:
    store, expired = MemoryStore(), list[tuple[int, bytes, str]]()
    before = mailroom(store, 3, expired)
    assert [before.put(GSME, bytes((n,)), NOW) for n in range(4)] == [True, True, True, False]
    again = mailroom(store, 2, expired)
    again.restore(NOW)
    assert again.waiting(GSME) == 2
    assert [(peer, octets) for peer, octets, _ in expired] == [(GSME, b"\x02")]
    once_more = mailroom(store, 3, expired)
    once_more.restore(NOW)
    assert once_more.waiting(GSME) == 2


def test_a_message_whose_unit_was_undone_does_not_wait() -> None:
    store = MemoryStore()
    room = mailroom(store, 3, [])
    room.put(GSME, b"first", NOW)
    with suppress(StoreError), store.transaction():
        room.put(GSME, b"second", NOW)
        raise StoreError("the disk is full")
    assert room.waiting(GSME) == 1
    again = mailroom(store, 3, [])
    again.restore(NOW)
    assert again.waiting(GSME) == 1
