"""Mailboxes for a GSME that sleeps: GET, GET-RESPONSE, PUT over a tunnel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gbcs.errors import MalformedMessage
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
                        self.collector.put(b"answer to " + message, self.air.now)
                        self.collector.next(self.air.now)
                    case CollectionEnded(reason):
                        self.ended.append(reason)
            told = self.boxes.events()
            self.told += told
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
        b"answer to " + bytes([n]) for n in range(3)
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
@settings(deadline=None, max_examples=25)
def test_over_a_lossy_air_every_message_arrives_exactly_once(seed: int) -> None:
    random = Random(seed)
    post = mail()
    post.air.lost = lambda frame: random.random() < 0.1
    messages = [random.randbytes(1200) for _ in range(3)]
    for message in messages:
        post.boxes.put(METER, message, START)
    for _ in range(40):
        if post.collector.deadline is None and post.boxes.pending(METER):
            post.collector.collect(post.air.now)
        post.turn()
        post.pass_time(10 * SECOND)
    assert post.collected == messages


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
