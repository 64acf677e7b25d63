"""Mirroring: flags, payloads as zigpy reads them, and a GSME with its GPF over two nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
import zigpy.types as zt
import zigpy.zcl.clusters.smartenergy as zigpy_smart_energy
from hypothesis import given
from hypothesis import strategies as st

from gbcs.zcl.frame import Frame
from gbcs.zcl.general import AttributeValue, GeneralCommand, ReadAttributes, ReadAttributesResponse
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType, Value
from han.clusters import METERING
from han.endpoint import Endpoint
from han.exchange import Replied, Request
from han.mirror import (
    ConfigureMirror,
    FlagsReceived,
    FunctionalFlag,
    MirrorClient,
    MirrorConfigured,
    MirrorCreated,
    MirrorGone,
    MirrorHost,
    MirrorReady,
    MirrorRefused,
    MirrorSettings,
    NotificationFlags,
    Notified,
    PrepaymentFlag,
    PriceFlag,
    ReportComplete,
    ReportDelivered,
    ReportFailed,
    Scheme,
    mirrored_device_type,
)
from han.mirror.messages import GetNotifiedMessage, MirrorReportAttributeResponse, ToMirror
from han.node import Node
from han.zcl.payload import decode, encode
from han.zcl.tables import Access
from tests.han.home import DISPLAY, HUB, METER, START, Home

ESI, MIRROR, GSME = 0x11, 0x12, 0x33
PENDING = FunctionalFlag.TUNNEL_MESSAGE_PENDING
VOLUME = AttributeValue(0x0000, DataType.UINT48, 12345)


@dataclass
class Kept:
    values: dict[tuple[int, int, int], Value] = field(default_factory=dict)
    unknown: set[int] = field(default_factory=set)

    def reported(self, peer: int, cluster_id: int, record: AttributeValue, now: datetime) -> Status:
        if record.attribute_id in self.unknown:
            return Status.INSUFFICIENT_SPACE
        self.values[peer, cluster_id, record.attribute_id] = record.value
        return Status.SUCCESS


@dataclass
class Rig:
    air: Home
    host: MirrorHost
    client: MirrorClient
    kept: Kept
    mirror: Endpoint

    def shown(self) -> bool:
        return self.mirror.enabled

    def start(self) -> None:
        self.client.start(self.air.now, issuer_event_id=1)
        self.air.settle()


def rig(*, admits: bool = True, settings: MirrorSettings | None = None) -> Rig:
    kept = Kept()
    mirror = Endpoint(MIRROR, 0x0501)
    host = MirrorHost([mirror], kept, lambda peer: admits, settings)
    esi = Endpoint(ESI, 0x0500, [host.served_by_esi()])
    client = MirrorClient(HUB, ESI, GSME)
    gsme = Node(METER, [Endpoint(GSME, 0x0501, [client.served()])])
    gsme.attach(client)
    return Rig(Home.of(Node(HUB, [esi, mirror]), gsme), host, client, kept, mirror)


def test_a_mirror_is_requested_configured_and_shown() -> None:
    setup = rig()
    assert not setup.shown()
    setup.start()
    assert setup.client.events() == [MirrorReady(HUB, MIRROR)]
    assert setup.host.events() == [
        MirrorCreated(METER, MIRROR),
        MirrorConfigured(METER, ConfigureMirror(1, 1800, True, 2)),
    ]
    assert setup.shown()
    setup.start()
    assert setup.client.events() == [MirrorReady(HUB, MIRROR)]
    assert setup.host.events() == []


def test_a_push_is_split_kept_and_answered_with_the_flags() -> None:
    setup = rig()
    setup.start()
    setup.client.events()
    setup.host.events()
    setup.host.set_flag(METER, PENDING)
    records = [AttributeValue(0x0100 + 2 * n, DataType.UINT48, n) for n in range(20)]
    balance = AttributeValue(0x0001, DataType.INT32, -5)
    name = AttributeValue(0x0004, DataType.CHAR_STRING, "maker")
    before = len(setup.air.carried)
    setup.client.report([(0x0000, [name]), (0x0705, [balance]), (0x0702, [VOLUME, *records])])
    setup.air.settle()
    (done,) = setup.client.events()
    assert done == ReportDelivered(NotificationFlags().with_flag(PENDING))
    assert setup.host.events() == [ReportComplete(METER, setup.air.now)]
    assert setup.kept.values[METER, 0x0702, 0x0000] == 12345
    assert setup.kept.values[METER, 0x0705, 0x0001] == -5
    assert setup.kept.values[METER, 0x0000, 0x0004] == "maker"
    assert len(setup.kept.values) == 23
    frames = [f for s, f in setup.air.carried[before:] if s == METER]
    assert all(f.block is None and len(f.payload) <= 69 for f in frames)
    assert frames[-1].payload.endswith(bytes.fromhex("feff3001"))
    assert sum(f.payload.count(bytes.fromhex("feff30")) for f in frames) == 1


def test_the_flags_can_be_read_as_attributes_of_the_mirror() -> None:
    setup = rig()
    setup.start()
    setup.host.set_flag(METER, PENDING)
    setup.host.set_flag(METER, PrepaymentFlag.GET_TOP_UP_LOG)
    question = Request(
        HUB,
        MIRROR,
        METERING.cluster_id,
        GeneralCommand.READ_ATTRIBUTES,
        ReadAttributes(tuple(range(6))).to_bytes(),
        GSME,
        general=True,
        from_server=True,
        reply_within=timedelta(seconds=5),
    )
    setup.air.nodes[METER].send(question, START)
    setup.air.settle()
    reply = setup.air.seen(METER, Replied)[-1]
    assert isinstance(reply, Replied)
    records = ReadAttributesResponse.parse(reply.frame.payload).records
    assert [r.value for r in records] == [1 << 21, 0, 0, 1 << 7, 0, None]
    assert records[5].status == Status.UNSUPPORTED_ATTRIBUTE


def test_the_host_answers_get_notified_message_only_for_bits_that_are_set() -> None:
    setup = rig()
    setup.start()
    setup.host.events()
    setup.client.get_notified_message(FunctionalFlag.GET_SAMPLED_DATA)
    setup.air.settle()
    assert setup.host.events() == []
    setup.host.set_flag(METER, FunctionalFlag.GET_SAMPLED_DATA)
    setup.client.get_notified_message(FunctionalFlag.GET_SAMPLED_DATA)
    setup.air.settle()
    assert setup.host.events() == [Notified(METER, 0, 1 << 23, MIRROR, GSME)]
    statuses = [r.status for r in setup.air.seen(METER, Replied) if isinstance(r, Replied)]
    assert statuses[-2:] == [Status.NOT_FOUND, Status.SUCCESS]


def test_a_meter_that_is_not_admitted_gets_no_mirror() -> None:
    setup = rig(admits=False)
    setup.start()
    assert setup.client.events() == [MirrorRefused(HUB, "NOT_AUTHORIZED")]
    assert setup.client.deadline == START + timedelta(minutes=30)
    setup = rig(admits=False, settings=MirrorSettings(refuse_with_status=False))
    setup.start()
    assert setup.client.events() == [MirrorRefused(HUB, "no mirror is free")]


def test_a_mirror_serves_its_own_meter_only() -> None:
    setup = rig()
    setup.start()
    report = Request(
        HUB,
        MIRROR,
        METERING.cluster_id,
        GeneralCommand.REPORT_ATTRIBUTES,
        VOLUME.to_bytes(),
        GSME,
        general=True,
        from_server=True,
        reply_within=timedelta(seconds=5),
    )
    stranger = Node(DISPLAY, [Endpoint(GSME, 0x0501)])
    setup.air.nodes[DISPLAY] = stranger
    stranger.send(report, START)
    setup.air.settle()
    (reply,) = setup.air.seen(DISPLAY, Replied)
    assert isinstance(reply, Replied)
    assert reply.status is Status.NOT_AUTHORIZED
    assert setup.kept.values == {}


def test_an_attribute_that_cannot_be_kept_is_left_out_of_its_report() -> None:
    setup = rig()
    setup.start()
    setup.kept.unknown.add(0x0014)
    status = AttributeValue(0x0014, DataType.ENUM8, 2)
    later = AttributeValue(0x0307, DataType.OCTET_STRING, b"x")
    setup.client.report([(0x0702, [VOLUME, status, later])])
    setup.air.settle()
    assert isinstance(setup.client.events()[-1], ReportDelivered)
    assert list(setup.kept.values) == [(METER, 0x0702, 0x0000), (METER, 0x0702, 0x0307)]


def test_a_hub_that_forgot_the_mirror_is_asked_for_a_new_one() -> None:
    setup = rig()
    setup.start()
    setup.host.forget(METER)
    setup.mirror.enabled = True
    setup.client.events()
    setup.client.report([(0x0702, [VOLUME])])
    setup.air.settle()
    assert setup.client.events() == [ReportFailed("NOT_AUTHORIZED"), MirrorReady(HUB, MIRROR)]


def test_a_report_that_gets_lost_fails_and_the_next_one_is_whole() -> None:
    setup = rig()
    setup.start()
    setup.client.events()
    setup.air.lost = lambda frame: frame.cluster_id == 0x0702
    setup.client.report([(0x0705, [AttributeValue(1, DataType.INT32, 1)]), (0x0702, [VOLUME])])
    setup.air.settle()
    assert setup.client.events() == [ReportFailed("no acknowledgement")]
    setup.air.lost = lambda _: False
    setup.client.report([(0x0702, [VOLUME])])
    setup.air.settle()
    assert setup.client.events() == [ReportDelivered(NotificationFlags())]


def test_an_older_configuration_changes_nothing_and_a_wrong_scheme_is_refused() -> None:
    setup = rig()
    setup.start()
    setup.host.events()
    node = setup.air.nodes[METER]

    def configure(message: ConfigureMirror) -> Status | None:
        request = Request(
            HUB,
            MIRROR,
            METERING.cluster_id,
            ToMirror.CONFIGURE_MIRROR,
            encode(message),
            GSME,
            from_server=True,
            reply_within=timedelta(seconds=5),
        )
        node.send(request, START)
        setup.air.settle()
        reply = setup.air.seen(METER, Replied)[-1]
        assert isinstance(reply, Replied)
        return reply.status

    assert configure(ConfigureMirror(1, 60, True, Scheme.A)) is Status.SUCCESS
    assert setup.host.events() == []
    assert configure(ConfigureMirror(2, 60, True, 9)) is Status.INVALID_FIELD
    assert configure(ConfigureMirror(2, 60, True, Scheme.A)) is Status.SUCCESS
    assert len(setup.host.events()) == 1
    setup.client.report([(0x0702, [VOLUME])])
    setup.air.settle()
    answers = [f for s, f in setup.air.carried if s == HUB and f.payload[2:3] == b"\x09"]
    assert len(answers[-1].payload) == 3 + 1 + 4


def test_a_mirror_is_given_back() -> None:
    setup = rig()
    setup.start()
    setup.host.events()
    request = Request(
        HUB,
        ESI,
        METERING.cluster_id,
        ToMirror.REMOVE_MIRROR,
        source_endpoint=GSME,
        from_server=True,
        answered_by=frozenset({2}),
        reply_within=timedelta(seconds=5),
    )
    setup.air.nodes[METER].send(request, START)
    setup.air.settle()
    reply = setup.air.seen(METER, Replied)[-1]
    assert isinstance(reply, Replied)
    assert reply.frame.payload == MIRROR.to_bytes(2, "little")
    assert setup.host.events() == [MirrorGone(METER, MIRROR)]
    assert not setup.shown()


def test_a_mirror_survives_a_restart_of_its_hub() -> None:
    setup = rig()
    setup.host.restore(METER, MIRROR, ConfigureMirror(5))
    assert setup.host.endpoint_of(METER) == MIRROR
    assert setup.shown()
    setup.host.forget(METER)
    assert setup.host.endpoint_of(METER) is None


def test_flags_outside_a_push_are_heard() -> None:
    setup = rig()
    setup.start()
    setup.client.events()
    words = encode(MirrorReportAttributeResponse(2, (1, 2, 3, 4, 5)))
    hub = setup.air.nodes[HUB]
    hub.send(Request(METER, GSME, METERING.cluster_id, 0x09, words, MIRROR), START)
    setup.air.settle()
    assert setup.client.events() == [FlagsReceived(NotificationFlags((1, 2, 3, 4, 5)))]


# -- values ----------------------------------------------------------------------------------------


def test_device_types_as_a_mirror_shows_them() -> None:
    assert [mirrored_device_type(v) for v in (0, 1, 126, 127, 128)] == [127, 128, 253, 127, 128]


def test_flags_of_five_words() -> None:
    flags = NotificationFlags().with_flag(PENDING).with_flag(PriceFlag.CANCEL_TARIFF)
    flags = flags.with_flag(PrepaymentFlag.GET_DEBT_REPAYMENT_LOG)
    assert flags.words == (1 << 21, 1 << 15, 0, 1 << 9, 0)
    assert PENDING in flags
    assert flags.without(PENDING).words[0] == 0
    assert flags.permitted_for_gsme().words == (1 << 21, 0, 0, 1 << 9, 0)


def test_a_code_of_a_field_replaces_the_one_before() -> None:
    flags = NotificationFlags().with_flag(FunctionalFlag.PUSH_HISTORICAL_METERING_DAY)
    flags = flags.with_flag(FunctionalFlag.PUSH_HISTORICAL_METERING_WEEK)
    assert flags.words[0] == 2 << 6
    assert FunctionalFlag.PUSH_HISTORICAL_METERING_WEEK in flags
    assert FunctionalFlag.PUSH_HISTORICAL_METERING_DAY not in flags
    assert FunctionalFlag.PUSH_HISTORICAL_METERING_MONTH not in flags


def test_a_gsme_may_act_on_seventeen_functional_bits() -> None:
    everything = NotificationFlags((0xFFFFFFFF,) * 5).permitted_for_gsme().words
    bits = [n for n in range(32) if everything[0] >> n & 1]
    assert bits == [0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 21, 22, 23]
    assert [n for n in range(32) if everything[3] >> n & 1] == [6, 7, 9]
    assert (everything[1], everything[2], everything[4]) == (0, 0, 0)


SERVER = zigpy_smart_energy.Metering.server_commands
CLIENT = zigpy_smart_energy.Metering.client_commands


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**24 - 1), st.booleans(), st.integers(0, 2))
def test_zigpy_reads_configure_mirror(
    event: int, interval: int, reporting: bool, scheme: int
) -> None:
    octets = encode(ConfigureMirror(event, interval, reporting, scheme))
    theirs, left = CLIENT[0x08].schema.deserialize(octets)
    assert left == b""
    assert (theirs.issuer_event_id, theirs.reporting_interval) == (event, interval)
    assert bool(theirs.mirror_notification_reporting) is reporting
    assert theirs.notification_scheme == scheme
    assert theirs.serialize() == octets
    assert decode(ConfigureMirror, octets) == ConfigureMirror(event, interval, reporting, scheme)


@given(st.tuples(*[st.integers(0, 2**32 - 1)] * 5))
def test_zigpy_reads_the_notification_words(words: tuple[int, ...]) -> None:
    octets = encode(MirrorReportAttributeResponse(2, words))
    theirs, left = SERVER[0x09].schema.deserialize(octets)
    assert left == b""
    assert theirs.notification_scheme == 2
    assert tuple(int(w) for w in theirs.notification_flags) == words
    assert decode(MirrorReportAttributeResponse, octets).words == words


def test_zigpy_reads_get_notified_message() -> None:
    octets = encode(GetNotifiedMessage(2, 3, 1 << 9))
    theirs, _ = CLIENT[0x0B].schema.deserialize(octets)
    assert theirs.notification_flag_attribute_id == 3
    assert theirs.notification_flags == zt.bitmap32(1 << 9)


@pytest.mark.parametrize("payload", [b"", b"\x02\x01"])
def test_malformed_flags_are_refused(payload: bytes) -> None:
    setup = rig()
    setup.start()
    server = setup.air.nodes[METER].endpoints[GSME].server
    (answer,) = server.execute(0x0702, Frame(0x01, 7, 0x09, payload), Access(HUB, START))
    assert answer.payload == bytes((0x09, Status.MALFORMED_COMMAND))
