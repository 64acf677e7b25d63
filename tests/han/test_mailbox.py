"""Mailboxes for a GSME that sleeps: GET, GET-RESPONSE, PUT over a tunnel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gbcs.errors import MalformedMessage
from han.exchange import DEFAULT_RESPONSE
from han.radio import ApsFrame
from han.tunnel import (
    Collected,
    CollectionEnded,
    Collector,
    Mailboxes,
    MailboxNoise,
    MailboxSettings,
    MessagePut,
    NotRetrieved,
    PendingChanged,
    Retrieved,
    TunnelMessage,
    TunnelServer,
)
from han.tunnel.mailbox import Get, GetResponse, Put, parse
from tests.han.home import HUB, METER, START, Home
from tests.han.tunnels import METER_ENDPOINT, SECOND, Rig, rig

ANSWER = b"answer to "


@pytest.mark.parametrize(
    ("octets", "meaning"),
    [
        ("01", Get.GET),
        ("0200", GetResponse(b"", 0)),
        ("0200dd01", GetResponse(b"\xdd\x01", 0)),
        ("0205dd", GetResponse(b"\xdd", 5)),
        ("03dd", Put(b"\xdd")),
    ],
)
def test_mailbox_octets(octets: str, meaning: object) -> None:
    assert parse(bytes.fromhex(octets)) == meaning
    if not isinstance(meaning, Get):
        assert isinstance(meaning, GetResponse | Put)
        assert meaning.to_bytes().hex() == octets


@pytest.mark.parametrize("octets", ["", "02", "03", "0101", "04dd", "dd"])
def test_anything_else_is_no_mailbox_message(octets: str) -> None:
    with pytest.raises(MalformedMessage):
        parse(bytes.fromhex(octets))


@dataclass
class MailRig:
    tunnels: Rig
    boxes: Mailboxes
    collector: Collector
    collected: list[bytes]
    ended: list[str | None]
    put: list[bytes]
    told: list[object]

    @property
    def air(self) -> Home:
        return self.tunnels.air

    def turn(self) -> None:
        """What hub and GSME do with the events of their tunnels, until nothing happens."""
        busy = True
        while busy:
            self.tunnels.kick()
            hub, gsme = self.tunnels.server.events(), self.tunnels.clients.events()
            for event in hub:
                self.boxes.receive(event, self.air.now)
            for event in gsme:
                self.collector.receive(event, self.air.now)
            self.collector.poll(self.air.now)
            happened = self.collector.events()
            for done in happened:
                match done:
                    case Collected(message):
                        self.collected.append(message)
                        self.collector.put(ANSWER + message, self.air.now)
                        self.collector.next(self.air.now)
                    case CollectionEnded(reason):
                        self.ended.append(reason)
            told = self.boxes.events()
            self.told += told
            for put in [one.message for one in told if isinstance(one, MessagePut)]:
                self.boxes.answered(METER, put.removeprefix(ANSWER).__eq__)
            busy = bool(hub or gsme or happened)

    def pass_time(self, duration: timedelta) -> None:
        self.air.wait(duration)
        self.turn()


def mail() -> MailRig:
    """The hub serves, the GSME is the client."""
    setup = rig(server_at=HUB)
    boxes = Mailboxes(setup.server)
    setup.open()
    setup.clients.events()
    return MailRig(setup, boxes, Collector(setup.clients, HUB), [], [], [], [])


def test_an_empty_box_ends_the_collection() -> None:
    post = mail()
    post.collector.collect(START)
    post.turn()
    assert (post.collected, post.ended) == ([], [None])


def test_messages_come_in_order_each_answered_before_the_next() -> None:
    post = mail()
    for n in range(3):
        assert post.boxes.put(METER, bytes([n]), START)
    assert post.boxes.pending(METER) == 3
    post.collector.collect(START)
    post.turn()
    assert post.collected == [b"\x00", b"\x01", b"\x02"]
    assert post.ended == [None]
    assert post.boxes.pending(METER) == 0
    told = [e for e in post.told if isinstance(e, Retrieved | MessagePut | PendingChanged)]
    assert told[0] == PendingChanged(METER, pending=True)
    assert [e.message for e in told if isinstance(e, MessagePut)] == [
        ANSWER + bytes([n]) for n in range(3)
    ]
    assert PendingChanged(METER, pending=False) in told
    counts = [
        frame.payload[6]
        for source, frame in post.air.carried
        if source == HUB and frame.payload[2:3] == b"\x01" and frame.payload[5:6] == b"\x02"
    ]
    assert counts == [2, 1, 0]


def test_a_message_is_kept_for_24_hours() -> None:
    post = mail()
    post.boxes.put(METER, b"x", START)
    assert post.boxes.deadline == START + timedelta(hours=24)
    post.boxes.poll(START + timedelta(hours=24))
    assert NotRetrieved(METER, b"x", "not fetched in time") in (told := post.boxes.events())
    assert told[-1] == PendingChanged(METER, pending=False)


def test_a_full_box_refuses_and_a_gsme_that_leaves_loses_its_box() -> None:
    boxes = Mailboxes(TunnelServer(1), MailboxSettings(capacity=1))
    assert boxes.put(METER, b"x", START)
    assert not boxes.put(METER, b"y", START)
    boxes.forget(METER)
    assert boxes.pending(METER) == 0
    assert boxes.events()[-1] == NotRetrieved(METER, b"x", "the GSME left")


def test_noise_through_the_tunnel_is_told() -> None:
    boxes = Mailboxes(TunnelServer(1))
    boxes.receive(TunnelMessage(METER, b"\x07"), START)
    boxes.receive(TunnelMessage(METER, b"\x02\x00"), START)
    assert boxes.events() == [MailboxNoise(METER, b"\x07"), MailboxNoise(METER, b"\x02\x00")]


def test_a_hub_that_is_silent_is_asked_three_times() -> None:
    post = mail()
    post.air.nodes[HUB].endpoints[METER_ENDPOINT].enabled = False
    post.collector.collect(START)
    for _ in range(4):
        post.pass_time(10 * SECOND)
    assert post.ended == ["the hub does not answer GET"]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_over_a_lossy_air_every_message_arrives_and_again_only_when_its_confirmation_was_lost(
    seed: int,
) -> None:
    random, confirmations_lost = Random(seed), 0
    post = mail()

    def lost(frame: ApsFrame) -> bool:
        nonlocal confirmations_lost
        if random.random() >= 0.1:
            return False
        confirmations_lost += frame.peer == HUB and frame.payload[2:3] == bytes((DEFAULT_RESPONSE,))
        return True

    post.air.lost = lost
    messages = [random.randbytes(1200) for _ in range(3)]
    for message in messages:
        post.boxes.put(METER, message, START)
    for _ in range(40):
        if post.collector.deadline is None and post.boxes.pending(METER):
            post.collector.collect(post.air.now)
        post.turn()
        post.pass_time(10 * SECOND)
    assert list(dict.fromkeys(post.collected)) == messages
    assert len(post.collected) - len(messages) <= confirmations_lost


def fetch(post: MailRig) -> None:
    """The GSME fetches a message, and is gone before it has executed it."""
    post.collector.collect(post.air.now)
    post.tunnels.kick()
    for event in post.tunnels.server.events():
        post.boxes.receive(event, post.air.now)
    post.tunnels.kick()
    for event in post.tunnels.server.events():
        post.boxes.receive(event, post.air.now)
    post.tunnels.clients.events()


def come_back(post: MailRig) -> None:
    """The GSME starts anew: it knows no tunnel."""
    post.tunnels.clients.forget(HUB)
    post.tunnels.open()
    post.collector = Collector(post.tunnels.clients, HUB)
    for event in post.tunnels.server.events():
        post.boxes.receive(event, post.air.now)


def pending_told(post: MailRig) -> list[bool]:
    """How the flag of waiting messages went."""
    return [one.pending for one in post.boxes.events() if isinstance(one, PendingChanged)]


def test_a_gsme_that_died_with_a_message_in_its_hands_gets_it_again() -> None:
    post = mail()
    post.boxes.put(METER, b"x", START)
    fetch(post)
    assert post.boxes.pending(METER) == 0
    assert pending_told(post) == [True, False]
    come_back(post)
    assert post.boxes.pending(METER) == 1
    assert pending_told(post) == [True]
    post.collector.collect(START)
    post.turn()
    assert post.collected == [b"x"]
    assert post.boxes.deadline is None


def test_a_gsme_that_answered_before_it_died_does_not_get_the_message_again() -> None:
    post = mail()
    post.boxes.put(METER, b"x", START)
    fetch(post)
    assert post.boxes.answered(METER, lambda sent: sent == b"x")
    assert not post.boxes.answered(METER, lambda sent: sent == b"x")
    assert Retrieved(METER, b"x") in post.boxes.events()
    come_back(post)
    assert post.boxes.pending(METER) == 0
    assert post.boxes.deadline is None


def test_a_message_without_an_answer_ends_with_the_next_get_and_not_as_one_not_retrieved() -> None:
    post = mail()
    post.boxes.put(METER, b"refused", START)
    fetch(post)
    fetch(post)
    assert [one for one in post.boxes.events() if isinstance(one, Retrieved)] == [
        Retrieved(METER, b"refused")
    ]
    post.boxes.put(METER, b"refused too", START)
    fetch(post)
    post.boxes.poll(START + timedelta(hours=24))
    assert Retrieved(METER, b"refused too") in post.boxes.events()
    come_back(post)
    assert post.boxes.pending(METER) == 0


def test_a_gsme_that_opens_its_tunnel_at_each_wake_is_not_offered_a_message_for_ever() -> None:
    post = mail()
    post.boxes.put(METER, b"refused", START)
    waiting = []
    for _ in range(4):
        waiting.append(post.boxes.pending(METER))
        fetch(post)
        come_back(post)
    assert waiting == [1, 1, 1, 0]
    assert Retrieved(METER, b"refused") in post.boxes.events()


def test_a_message_in_parts_is_offered_again_from_its_first_part() -> None:
    post = mail()
    assert post.boxes.put(METER, b"abc", START, (b"a", b"b", b"c"))
    assert post.boxes.put(METER, b"d", START)
    fetch(post)
    fetch(post)
    assert post.boxes.pending(METER) == 2
    come_back(post)
    assert post.boxes.pending(METER) == 4
    post.collector.collect(START)
    post.turn()
    assert post.collected == [b"a", b"b", b"c", b"d"]


def test_a_message_in_more_parts_than_there_is_room_for_is_refused_as_a_whole() -> None:
    boxes = Mailboxes(TunnelServer(1), MailboxSettings(capacity=3))
    assert boxes.put(METER, b"ab", START, (b"a", b"b"))
    assert not boxes.put(METER, b"cd", START, (b"c", b"d"))
    assert boxes.pending(METER) == 2
    boxes.take_back(METER, b"ab")
    assert boxes.pending(METER) == 0
    assert [one for one in boxes.events() if not isinstance(one, PendingChanged)] == []


def test_the_frames_of_the_reference_example() -> None:
    """GSME to hub ``01 11 02 0000 01``; hub to GSME ``09 20 01 0000 02 00 DD...``."""
    post = mail()
    post.boxes.put(METER, b"\xdd\x99", START)
    post.collector.collect(START)
    post.turn()
    sent = [(s, f.payload.hex()) for s, f in post.air.carried]
    gets = [p for s, p in sent if s == METER and p[4:6] == "02"]
    assert gets[0][:2] == "01"
    assert gets[0][4:] == "02000001"
    answers = [p for s, p in sent if s == HUB and p[:2] == "09"]
    assert answers[0][4:] == "0100000200dd99"
