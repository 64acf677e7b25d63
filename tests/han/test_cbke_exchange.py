"""Key establishment over two nodes: every suite, every refusal, silence at every step."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gbcs.zcl.frame import Frame
from han.cbke.authority import Authority, Credentials
from han.cbke.certificate import Suite
from han.cbke.exchange import NEXT, Exchange, State
from han.cbke.messages import KeyStatus, RefusalError, Step
from han.cbke.service import (
    KeyEstablished,
    KeyEstablishment,
    KeyNotEstablished,
    KeySettings,
    Role,
)
from han.endpoint import Endpoint
from han.node import Node
from han.outbox import PayloadLimits
from han.radio import ApsFrame
from han.settings import NodeSettings
from han.zcl.server import ZclServer
from han.zcl.tables import Access
from tests.han.home import DISPLAY, HUB, METER, START, Home

ISSUER = 0x1112131415161718
RANDOM = Random(5).randbytes
AUTHORITIES = {s: Authority.create(s, ISSUER, RANDOM) for s in Suite}
OTHER = Authority.create(Suite.SUITE_2, 0x99, RANDOM)
IMPOSTOR = Authority.create(Suite.SUITE_2, ISSUER, RANDOM)
CREDENTIALS = {(e, s): AUTHORITIES[s].issue(e, RANDOM) for e in (HUB, METER) for s in Suite}


def service(
    eui64: int, credentials: Iterable[Credentials] | None = None, seed: int = 1
) -> KeyEstablishment:
    chosen = [CREDENTIALS[eui64, Suite.SUITE_2]] if credentials is None else credentials
    return KeyEstablishment(eui64, 0x21, chosen, Random(seed + eui64).randbytes)


def rig(
    meter: KeyEstablishment, hub: KeyEstablishment | None = None
) -> tuple[Home, KeyEstablishment]:
    hub = hub or service(HUB)
    nodes = []
    for each in (meter, hub):
        eui64 = HUB if each is hub else METER
        whole = NodeSettings(limits=PayloadLimits(clear=82))  # an Initiate is 81 octets
        node = Node(eui64, [Endpoint(0x21, 0x0500, each.served())], whole)
        node.attach(each)
        nodes.append(node)
    return Home.of(*nodes), hub


def run(
    meter: KeyEstablishment, hub: KeyEstablishment | None = None
) -> tuple[list[object], list[object], Home]:
    air, hub = rig(meter, hub)
    meter.start(HUB, 0x21)
    air.settle()
    return list(meter.events()), list(hub.events()), air


@pytest.mark.parametrize(
    ("suites_of_meter", "suites_of_hub", "chosen"),
    [
        ([Suite.SUITE_2], [Suite.SUITE_2], Suite.SUITE_2),
        ([Suite.SUITE_1], [Suite.SUITE_1], Suite.SUITE_1),
        (list(Suite), list(Suite), Suite.SUITE_2),
        (list(Suite), [Suite.SUITE_1], Suite.SUITE_1),
    ],
)
def test_both_sides_get_the_same_key_by_the_best_suite_in_common(
    suites_of_meter: list[Suite], suites_of_hub: list[Suite], chosen: Suite
) -> None:
    meter = service(METER, [CREDENTIALS[METER, s] for s in suites_of_meter])
    hub = service(HUB, [CREDENTIALS[HUB, s] for s in suites_of_hub])
    (ours,), (theirs,), air = run(meter, hub)
    air.wait(timedelta(seconds=6))
    assert isinstance(ours, KeyEstablished)
    assert isinstance(theirs, KeyEstablished)
    assert ours.link_key == theirs.link_key
    assert (ours.partner, ours.role, ours.suite) == (HUB, Role.INITIATOR, chosen)
    assert (theirs.partner, theirs.role) == (METER, Role.RESPONDER)
    assert ours.link_key.hex() not in repr(ours) + repr(theirs)
    assert len(air.carried) == 8
    assert not any(frame.encrypted for _, frame in air.carried)
    assert not any(frame.block for _, frame in air.carried)
    assert hub.deadline is None


def test_a_suite_2_initiate_is_81_octets() -> None:
    _, _, air = run(service(METER))
    initiate = air.carried[2][1].payload
    assert len(initiate) == 81
    assert initiate[3:7].hex() == "02000a0a"


def test_an_initiate_may_come_in_parts() -> None:
    meter, hub = service(METER), service(HUB)
    air = Home.of(*(Node(k.eui64, [Endpoint(0x21, 0x0500, k.served())]) for k in (meter, hub)))
    air.nodes[METER].attach(meter)
    air.nodes[HUB].attach(hub)
    meter.start(HUB, 0x21)
    air.settle()
    assert [type(e) for e in (*meter.events(), *hub.events())] == [KeyEstablished] * 2
    assert any(frame.block for _, frame in air.carried)


def test_nothing_in_common_ends_before_any_certificate_is_sent() -> None:
    meter = service(METER, [CREDENTIALS[METER, Suite.SUITE_1]])
    (failure,), answered, air = run(meter)
    assert isinstance(failure, KeyNotEstablished)
    assert failure.status is KeyStatus.UNSUPPORTED_SUITE
    assert answered == []
    assert len(air.carried) == 2


@pytest.mark.parametrize(
    ("issued_by", "subject", "status"),
    [
        (OTHER, METER, KeyStatus.UNKNOWN_ISSUER),
        (AUTHORITIES[Suite.SUITE_2], DISPLAY, KeyStatus.INVALID_CERTIFICATE),
        (IMPOSTOR, METER, KeyStatus.BAD_KEY_CONFIRM),
    ],
)
def test_a_wrong_certificate_is_refused_by_the_responder(
    issued_by: Authority, subject: int, status: KeyStatus
) -> None:
    own = CREDENTIALS[METER, Suite.SUITE_2]
    false = issued_by.issue(subject, Random(3).randbytes)
    mixed = Credentials(false.certificate, false.key, own.authority)
    if status is KeyStatus.UNKNOWN_ISSUER:
        mixed = false
    (ours,), (theirs,), _ = run(service(METER, [mixed]))
    assert isinstance(ours, KeyNotEstablished)
    assert isinstance(theirs, KeyNotEstablished)
    assert (ours.status, theirs.status) == (status, status)


def test_a_wrong_certificate_is_refused_by_the_initiator() -> None:
    false = OTHER.issue(HUB, Random(3).randbytes)
    own = CREDENTIALS[METER, Suite.SUITE_2]
    hub = service(HUB, [Credentials(false.certificate, false.key, own.authority)])
    hub_accepts_meter = service(METER)
    ours, theirs, _ = run(hub_accepts_meter, hub)
    assert [e.status for e in ours if isinstance(e, KeyNotEstablished)] == [
        KeyStatus.UNKNOWN_ISSUER
    ]
    assert [e.status for e in theirs if isinstance(e, KeyNotEstablished)] == [
        KeyStatus.UNKNOWN_ISSUER
    ]


@pytest.mark.parametrize("lost", range(8))
def test_silence_at_any_step_ends_both_sides(lost: int) -> None:
    meter = service(METER)
    air, hub = rig(meter)
    count = 0

    def lose(frame: ApsFrame) -> bool:
        nonlocal count
        count += 1
        return count > lost

    air.lost = lose
    meter.start(HUB, 0x21)
    air.wait(timedelta(minutes=1))
    assert [type(e) for e in meter.events()] == [KeyNotEstablished]
    theirs = hub.events()
    assert len(theirs) == (0 if lost < 3 else 1)
    assert isinstance(theirs[0], KeyEstablished) == (lost >= 7) if theirs else True
    assert hub.deadline is None
    assert meter.deadline is None


def test_a_flipped_bit_in_any_message_gives_no_key() -> None:
    for index in (2, 3, 4, 5, 6, 7):
        meter = service(METER)
        air, hub = rig(meter)
        count = -1

        def spoil(frame: ApsFrame, index: int = index) -> bool:
            nonlocal count
            count += 1
            if count == index:
                octets = bytearray(frame.payload)
                octets[-1] ^= 1
                object.__setattr__(frame, "payload", bytes(octets))
            return False

        air.lost = spoil
        meter.start(HUB, 0x21)
        air.wait(timedelta(minutes=1))
        assert not [e for e in meter.events() if isinstance(e, KeyEstablished)], index
        assert not [e for e in hub.events() if isinstance(e, KeyEstablished)] or index == 7


def ask(responder: KeyEstablishment, command: int, payload: bytes, peer: int = METER) -> bytes:
    frame = Frame(0x01, 7, command, payload)
    (answer,) = ZclServer(responder.served()).execute(0x0800, frame, Access(peer, START))
    assert answer.is_cluster_command
    return bytes((answer.command_id,)) + answer.payload


def initiate(suite: int, octets: bytes | None = None) -> bytes:
    certificate = CREDENTIALS[METER, Suite.SUITE_2].certificate.octets
    return suite.to_bytes(2, "little") + b"\x0a\x0a" + (certificate if octets is None else octets)


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (initiate(0x0003), KeyStatus.BAD_MESSAGE),
        (initiate(0x0000), KeyStatus.BAD_MESSAGE),
        (initiate(0x0004), KeyStatus.UNSUPPORTED_SUITE),
        (initiate(0x0001), KeyStatus.UNSUPPORTED_SUITE),
        (initiate(0x0002, b"\x00" * 73), KeyStatus.BAD_MESSAGE),
        (b"\x02\x00", KeyStatus.BAD_MESSAGE),
    ],
)
def test_an_initiate_that_cannot_be_is_terminated_at_once(
    payload: bytes, status: KeyStatus
) -> None:
    assert ask(service(HUB), Step.INITIATE, payload) == bytes((3, status, 0, 2, 0))


@pytest.mark.parametrize("step", [Step.EPHEMERAL_DATA, Step.CONFIRM_KEY])
def test_a_step_out_of_order_is_a_bad_message(step: Step) -> None:
    responder = service(HUB)
    assert ask(responder, step, bytes(37)) == bytes((3, KeyStatus.BAD_MESSAGE, 0, 2, 0))
    assert responder.events() == []
    ask(responder, Step.INITIATE, initiate(2))
    assert ask(responder, Step.CONFIRM_KEY, bytes(16))[:2] == bytes((3, KeyStatus.BAD_MESSAGE))
    (event,) = responder.events()
    assert isinstance(event, KeyNotEstablished)


def test_a_responder_with_no_room_says_how_long_to_wait() -> None:
    responder = service(HUB)
    responder.settings = KeySettings(capacity=0, busy_wait_s=30)
    assert ask(responder, Step.INITIATE, initiate(2)) == bytes((3, 4, 30, 2, 0))


def test_an_initiate_may_begin_anew() -> None:
    responder = service(HUB)
    assert ask(responder, Step.INITIATE, initiate(2))[0] == Step.INITIATE
    assert ask(responder, Step.INITIATE, initiate(2))[0] == Step.INITIATE
    assert responder.deadline == START + timedelta(seconds=12)


@given(steps=st.lists(st.sampled_from(list(Step)), max_size=5), initiator=st.booleans())
@settings(max_examples=40)
def test_every_step_in_every_state_is_in_the_table_or_refused(
    steps: list[Step], *, initiator: bool
) -> None:
    own, peer = CREDENTIALS[METER, Suite.SUITE_1], CREDENTIALS[HUB, Suite.SUITE_1]
    exchange = Exchange(METER, HUB, own, own.key, initiator)
    payloads = {
        Step.INITIATE: peer.certificate.octets,
        Step.EPHEMERAL_DATA: Suite.SUITE_1.curve.compress(peer.key.public),
    }
    for step in steps:
        before = exchange.state
        try:
            exchange.advance(step, payloads.get(step, b""))
        except RefusalError:
            assert exchange.state is before
        else:
            assert exchange.state is NEXT[before, step]
    if exchange.state is not State.ESTABLISHED:
        with pytest.raises(ValueError, match="no key"):
            _ = exchange.link_key


def test_an_initiator_that_repeats_a_step_gets_the_same_answer_again() -> None:
    responder = service(HUB)
    own = CREDENTIALS[METER, Suite.SUITE_2]
    meter = Exchange(METER, HUB, own, own.key, initiator=True)

    def twice(step: Step, payload: bytes) -> bytes:
        first, second = ask(responder, step, payload), ask(responder, step, payload)
        assert first == second
        assert first[0] == step
        return first[1:]

    meter.advance(Step.INITIATE, twice(Step.INITIATE, initiate(2))[4:])
    meter.advance(Step.EPHEMERAL_DATA, twice(Step.EPHEMERAL_DATA, meter.ephemeral_point))
    meter.advance(Step.CONFIRM_KEY, twice(Step.CONFIRM_KEY, meter.confirmation))
    (event,) = responder.events()
    assert isinstance(event, KeyEstablished)
    assert event.link_key == meter.link_key
    assert responder.deadline == START + timedelta(seconds=5)
    responder.poll(START + timedelta(seconds=5))
    assert responder.events() == []
    assert ask(responder, Step.CONFIRM_KEY, meter.confirmation)[:2] == b"\x03\x03"
    assert responder.events() == []


@pytest.mark.parametrize("later", [METER, HUB])
def test_when_both_begin_at_once_the_exchange_of_the_lower_address_goes_on(later: int) -> None:
    meter, hub = service(METER), service(HUB)
    air, _ = rig(meter, hub)
    partner = {id(meter): HUB, id(hub): METER}
    for one in (meter, hub) if later == HUB else (hub, meter):
        one.start(partner[id(one)], 0x21)
    air.settle()
    ours, theirs = meter.events(), hub.events()
    established = [e for e in (*ours, *theirs) if isinstance(e, KeyEstablished)]
    assert len({e.link_key for e in established}) == 1
    roles = {e.partner: e.role for e in established}
    lower, higher = sorted((METER, HUB))
    assert roles == {higher: Role.INITIATOR, lower: Role.RESPONDER}
