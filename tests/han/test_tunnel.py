"""Tunneling 0x0704: both ends of the cluster."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gbcs.zcl.frame import Frame
from gbcs.zcl.general import GeneralCommand
from gbcs.zcl.status import Status
from han.clusters.tunneling import (
    RequestTunnel,
    ToClient,
    ToServer,
    TransferDataError,
    TransferStatus,
    TunnelStatus,
)
from han.exchange import Executed, Replied, Request, Ticket
from han.fragmentation import MessageTooLong
from han.radio import ApsFrame
from han.tunnel import (
    CloseRejected,
    RequestRejected,
    TransferDone,
    TransferFailed,
    TunnelClients,
    TunnelClosed,
    TunnelMessage,
    TunnelOpened,
    TunnelRefused,
    TunnelServer,
    TunnelSettings,
)
from han.zcl.payload import encode
from han.zcl.tables import Access
from tests.han.home import HUB, METER, START
from tests.han.tunnels import HUB_ENDPOINT, METER_ENDPOINT, REQUEST, SECOND, ask, rig


def test_a_gb_request_is_given_a_tunnel_and_again_the_same() -> None:
    server = TunnelServer(METER_ENDPOINT)
    assert encode(RequestTunnel()).hex() == "06ffff00dc05"
    assert ask(server, REQUEST) == "191100000000dc05"
    assert ask(server, REQUEST) == "191100000000dc05"
    assert ask(server, REQUEST, peer=5) == "191100010000dc05"
    assert server.events()[0] == TunnelOpened(HUB, 0)


@pytest.mark.parametrize(
    ("request_octets", "status"),
    [
        ("0111 00 05 ffff 00 dc05", "03"),
        ("0111 00 06 3412 00 dc05", "03"),
        ("0111 00 06 ffff 00 0001", "03"),
        ("0111 00 06 ffff 01 dc05", "04"),
    ],
)
def test_any_other_request_is_refused(request_octets: str, status: str) -> None:
    assert ask(TunnelServer(1), request_octets) == "191100ffff" + status + "dc05"


def test_strangers_a_busy_server_and_a_full_one() -> None:
    stranger = TunnelServer(1, admits=lambda peer: peer != HUB)
    assert ask(stranger, REQUEST) == "191100ffff03dc05"
    busy = TunnelServer(1)
    busy.busy = True
    assert ask(busy, REQUEST) == "191100ffff01dc05"
    full = TunnelServer(1, TunnelSettings(capacity=1))
    assert ask(full, REQUEST, peer=5) == "191100000000dc05"
    assert ask(full, REQUEST) == "191100ffff02dc05"


def test_what_a_server_rejects_is_told_to_its_owner() -> None:
    server = TunnelServer(METER_ENDPOINT)
    ask(server, "0111 00 06 ffff 01 dc05")
    ask(server, "0112 01 0700")
    rejected = RequestRejected(HUB, TunnelStatus.FLOW_CONTROL_NOT_SUPPORTED)
    assert server.events() == [rejected, CloseRejected(HUB)]


def test_transfer_to_the_server_is_command_2_and_from_it_command_1() -> None:
    server = TunnelServer(METER_ENDPOINT)
    ask(server, REQUEST)
    server.events()
    assert ask(server, "0112 02 0000 01") == "18120b0200"
    assert server.events() == [TunnelMessage(HUB, b"\x01")]
    server.send(HUB, b"\xdd", START)
    (request,) = server.requests()
    assert (request.command_id, request.payload.hex(), request.from_server) == (1, "0000dd", True)
    assert (request.endpoint, request.source_endpoint) == (9, METER_ENDPOINT)
    assert ask(server, "0913 01 0000 01") == "10130b01c3"  # to a client side that is not here


def test_a_transfer_without_its_tunnel_says_which_error() -> None:
    server = TunnelServer(METER_ENDPOINT)
    ask(server, REQUEST, peer=5)
    assert ask(server, "0112 02 0700 01", peer=5) == "191202070000"
    assert ask(server, "0112 02 0000 01") == "191202000001"
    assert ask(server, "0112 02 0000" + "00" * 1501, peer=5) == "191202000002"
    assert ask(server, "0112 01 0000") == "18120b018b"
    assert ask(server, "0112 01 0000", peer=5) == "18120b0100"
    assert not server.is_open(5)


def test_protocols_and_the_close_timeout_can_be_read() -> None:
    server = TunnelServer(1, TunnelSettings(close_timeout_s=600))
    assert ask(server, "0101 06 00") == "1901050101ffff06"
    assert ask(server, "0101 06 01") == "1901050100"
    assert ask(server, "0001 00 0000") == "180101000000215802"


def test_a_tunnel_opens_and_carries_both_ways() -> None:
    setup = rig()
    setup.open()
    assert setup.clients.events() == [TunnelOpened(METER, 0)]
    ref = setup.clients.send(METER, b"\xdd\x01", setup.air.now)
    back = setup.server.send(HUB, b"\xdf" * 1200, setup.air.now)
    setup.kick()
    heard = setup.clients.events()
    assert set(heard) == {TransferDone(METER, ref), TunnelMessage(METER, b"\xdf" * 1200)}
    assert TunnelMessage(HUB, b"\xdd\x01") in (events := setup.server.events())
    assert TransferDone(HUB, back) in events


def test_what_is_sent_before_the_tunnel_is_open_waits_for_it() -> None:
    setup = rig()
    setup.clients.open(METER, METER_ENDPOINT, START)
    refs = [setup.clients.send(METER, bytes([n]), START) for n in range(3)]
    setup.kick()
    heard = [e.octets for e in setup.server.events() if isinstance(e, TunnelMessage)]
    assert heard == [b"\x00", b"\x01", b"\x02"]
    done = [e.ref for e in setup.clients.events() if isinstance(e, TransferDone)]
    assert done == refs


def test_a_busy_server_is_asked_again_until_the_attempts_are_used_up() -> None:
    setup = rig()
    setup.server.busy = True
    setup.open()
    ref = setup.clients.send(METER, b"x", setup.air.now)
    assert setup.clients.deadline == START + 10 * SECOND
    setup.air.wait(15 * SECOND)
    setup.server.busy = False
    setup.air.wait(10 * SECOND)
    assert setup.clients.events() == [
        RequestRejected(METER, TunnelStatus.BUSY),
        RequestRejected(METER, TunnelStatus.BUSY),
        TunnelOpened(METER, 0),
        TransferDone(METER, ref),
    ]
    setup.server.busy = True
    setup.server.forget(HUB)
    setup.clients.forget(METER)
    setup.open()
    setup.air.wait(60 * SECOND)
    assert setup.clients.events()[-1] == TunnelRefused(METER, "BUSY")


def test_silence_and_loss_end_the_same_way() -> None:
    setup = rig()
    setup.air.lost = lambda _: True
    setup.open()
    ref = setup.clients.send(METER, b"x", setup.air.now)
    setup.air.wait(timedelta(minutes=2))
    assert setup.clients.events() == [
        TunnelRefused(METER, "no acknowledgement"),
        TransferFailed(METER, ref, "no acknowledgement"),
    ]


def test_a_server_that_lost_the_tunnel_is_asked_for_a_new_one_and_nothing_is_lost() -> None:
    setup = rig()
    setup.open()
    setup.server.forget(HUB)
    setup.server.events()
    ref = setup.clients.send(METER, b"hello", setup.air.now)
    setup.kick()
    heard = [e for e in setup.server.events() if isinstance(e, TunnelMessage)]
    assert heard == [TunnelMessage(HUB, b"hello")]
    kinds = [type(e) for e in setup.clients.events()]
    assert kinds == [TunnelOpened, TunnelClosed, TunnelOpened, TransferDone]
    assert ref


def test_what_a_server_without_the_tunnel_did_not_take_comes_again_in_its_order() -> None:
    setup = rig()
    setup.open()
    setup.server.forget(HUB)
    for number in range(4):
        setup.clients.send(METER, bytes([number]), setup.air.now)
    setup.kick()
    heard = [e.octets for e in setup.server.events() if isinstance(e, TunnelMessage)]
    assert heard == [b"\x00", b"\x01", b"\x02", b"\x03"]
    kinds = [type(e) for e in setup.clients.events()]
    assert kinds.count(TunnelOpened) == 2  # one new tunnel for all of them


def test_a_transfer_that_a_server_refuses_after_closing_the_tunnel_opens_a_new_one() -> None:
    clients = TunnelClients(HUB_ENDPOINT)
    clients.open(METER, METER_ENDPOINT, START)
    _answered(clients, "00 00 00 dc05")
    ref = clients.send(METER, b"\xdd", START)
    (transfer,) = clients.requests()
    clients.closure(bytes.fromhex("0000"), Access(peer=METER, now=START))
    clients.concluded(_error(transfer, 0), START)
    _answered(clients, "01 00 00 dc05")
    (again,) = clients.requests()
    assert (again.tag, again.payload.hex()) == (ref, "0100dd")


def test_an_error_about_an_earlier_tunnel_leaves_the_present_one_alone() -> None:
    server = TunnelServer(METER_ENDPOINT)
    ask(server, REQUEST)
    ref = server.send(HUB, b"\xdd", START, confirmed=True)
    (transfer,) = server.requests()
    server.forget(HUB)
    ask(server, REQUEST)
    server.concluded(_error(transfer, 0, ToServer.TRANSFER_DATA_ERROR), START)
    assert server.is_open(HUB)
    assert TransferFailed(HUB, ref, "the client has lost the tunnel") in server.events()


def _answered(clients: TunnelClients, response: str) -> None:
    """The server answers the request for a tunnel."""
    (request,) = clients.requests()
    frame = Frame.parse(bytes.fromhex("190000" + response))
    clients.concluded(Replied(Ticket(1), request, METER, frame), START)


def _error(
    transfer: Request, tunnel_id: int, command: int = ToClient.TRANSFER_DATA_ERROR
) -> Replied:
    """The answer that there is no such tunnel."""
    error = TransferDataError(tunnel_id, TransferStatus.NO_SUCH_TUNNEL)
    frame = Frame.parse(bytes((0x11, 0, command)) + encode(error))
    return Replied(Ticket(1), transfer, METER, frame)


def test_a_server_that_always_forgets_is_not_asked_for_ever() -> None:
    setup = rig()
    setup.open()

    def amnesia(frame: ApsFrame) -> bool:
        if frame.peer == METER and frame.payload[2:3] == b"\x02":
            setup.server.forget(HUB)
        return False

    setup.air.lost = amnesia
    ref = setup.clients.send(METER, b"hello", setup.air.now)
    setup.air.wait(timedelta(minutes=5))
    assert TransferFailed(METER, ref, "the server loses its tunnels") in setup.clients.events()


def test_an_idle_tunnel_is_closed_by_the_server_and_reopened_by_use() -> None:
    setup = rig(TunnelSettings(close_timeout_s=60))
    setup.open()
    setup.air.wait(61 * SECOND)
    assert TunnelClosed(METER, "closed by the server") in setup.clients.events()
    assert TunnelClosed(HUB, "idle") in setup.server.events()
    setup.clients.send(METER, b"x", setup.air.now)
    setup.kick()
    assert TunnelMessage(HUB, b"x") in setup.server.events()


def test_a_transfer_to_be_confirmed_is_done_when_the_client_has_taken_it() -> None:
    setup = rig()
    setup.open()
    setup.server.events()
    ref = setup.server.send(HUB, b"alert", setup.air.now, confirmed=True)
    setup.kick()
    assert TunnelMessage(METER, b"alert") in setup.clients.events()
    assert setup.server.events() == [TransferDone(HUB, ref)]


def unconfirmed(frame: ApsFrame) -> bool:
    """A Default Response is lost."""
    return frame.payload[2:3] == bytes((GeneralCommand.DEFAULT_RESPONSE,))


@pytest.mark.parametrize("end", ["server", "clients"])
def test_a_peer_that_confirms_nothing_is_waited_for_twice(end: str) -> None:
    setup = rig()
    setup.open()
    sender, peer = (setup.server, HUB) if end == "server" else (setup.clients, METER)
    sender.events()
    setup.air.lost = unconfirmed
    first, second = (sender.send(peer, b"x", setup.air.now, confirmed=True) for _ in range(2))
    setup.kick()
    assert sender.events() == []
    setup.air.wait(6 * SECOND)
    assert sender.events() == [
        TransferFailed(peer, first, "it was not confirmed"),
        TransferDone(peer, second),
    ]
    third = sender.send(peer, b"y", setup.air.now, confirmed=True)
    setup.air.wait(6 * SECOND)
    assert sender.events() == [TransferDone(peer, third)]


@pytest.mark.parametrize("end", ["server", "clients"])
def test_a_transfer_fails_when_a_peer_that_confirms_is_silent(end: str) -> None:
    setup = rig()
    setup.open()
    sender, peer = (setup.server, HUB) if end == "server" else (setup.clients, METER)
    sender.send(peer, b"1", setup.air.now, confirmed=True)
    setup.kick()
    sender.events()
    setup.air.lost = unconfirmed  # its radio acknowledges, its host was killed
    refs = [sender.send(peer, b"2", setup.air.now, confirmed=True) for _ in range(3)]
    setup.air.wait(6 * SECOND)
    assert sender.events() == [TransferFailed(peer, ref, "it was not confirmed") for ref in refs]


def test_a_client_that_lost_the_tunnel_has_not_taken_what_was_to_be_confirmed() -> None:
    setup = rig()
    setup.open()
    setup.server.events()
    setup.clients.forget(METER)
    ref = setup.server.send(HUB, b"alert", setup.air.now, confirmed=True)
    setup.kick()
    assert setup.server.events() == [
        TunnelClosed(HUB, "the client refused a transfer"),
        TransferFailed(HUB, ref, "the client has lost the tunnel"),
    ]
    assert not setup.server.is_open(HUB)


def test_a_tunnel_that_its_server_closed_is_opened_again_without_a_transfer() -> None:
    setup = rig(TunnelSettings(close_timeout_s=60))
    setup.open()
    setup.air.wait(61 * SECOND)
    assert not setup.clients.is_open(METER)
    setup.clients.resume(METER, setup.air.now)
    setup.kick()
    assert setup.clients.is_open(METER)
    assert setup.server.is_open(HUB)
    setup.clients.resume(0x1D, setup.air.now)  # nobody it ever had a tunnel to


def test_the_client_closes_its_tunnel() -> None:
    setup = rig()
    setup.open()
    setup.clients.close(METER)
    setup.kick()
    assert not setup.server.is_open(HUB)
    assert not setup.clients.is_open(METER)


def test_transfers_without_a_tunnel_or_beyond_its_size_fail_at_once() -> None:
    server, clients = TunnelServer(1), TunnelClients(1)
    assert server.send(HUB, b"x", START) == 1
    assert server.events() == [TransferFailed(HUB, 1, "no tunnel")]
    assert clients.send(METER, b"x", START) == 1
    assert clients.events() == [TransferFailed(METER, 1, "no tunnel")]
    for end in (server, clients):
        with pytest.raises(MessageTooLong):
            end.send(HUB, bytes(1496), START)


def test_octets_from_a_server_with_another_tunnel_are_refused() -> None:
    setup = rig()
    setup.open()
    hub = setup.air.nodes[HUB].endpoints[HUB_ENDPOINT].server
    access = Access(peer=METER, now=START)
    (answer,) = hub.execute(0x0704, Frame(0x09, 5, ToClient.TRANSFER_DATA, b"\x07\x00x"), access)
    assert answer.to_bytes().hex() == "110503070000"
    (answer,) = hub.execute(0x0704, Frame(0x09, 5, 2, b"\x00\x00\x00"), access)
    assert answer.payload[1] == Status.SUCCESS
    assert not setup.clients.is_open(METER)


def test_a_default_response_is_not_sent_to_who_wants_none() -> None:
    setup = rig()
    setup.open()
    quiet = Request(
        METER, METER_ENDPOINT, 0x0704, ToServer.TRANSFER_DATA, b"\x00\x00x", HUB_ENDPOINT
    )
    before = len(setup.air.carried)
    setup.air.nodes[HUB].send(replace(quiet, default_response=False), setup.air.now)
    setup.air.settle()
    assert len(setup.air.carried) == before + 1
    assert setup.air.seen(METER, Executed)
    assert not [e for e in setup.air.seen(HUB, Replied) if isinstance(e, Replied) and e.status]
