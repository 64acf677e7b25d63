"""Commands in, Responses out: against reference messages, and refused by name."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from device.chassis import Chassis
from device.clock import DeviceClock
from device.command import Answered, Command, Executed, Outcome, Refused
from device.counters import OwnCounter
from device.credentials import Credentials
from device.events import (
    CommandAnswered,
    CommandReceived,
    CommandRefused,
    EventStream,
    LogEntry,
    StorageCommitted,
)
from device.gbz_engine import GbzEngine
from device.pipeline import Pipeline
from device.refusal import Refusal, RefusedError
from device.settings import Check, PipelineSettings
from device.store import MemoryStore, StoreError
from device.template import check_template
from gbcs.catalogue import Protection, Technology, UseCase, by_code, by_name, gbz_components
from gbcs.envelope import Cra, Message
from gbcs.errors import LocalError, MalformedMessage, MissingKey
from gbcs.gbz import Component, Gbz
from gbcs.keys import KeyStore, Usage
from gbcs.party import DeviceType, Role
from gbcs.protection import add_mac, attribute_cipher, protect, verify
from gbcs.rtds import RtdsFile, find_keystore, pairs
from gbcs.stamp import Reliability, Source, Stamp
from gbcs.zcl.frame import Frame
from tests.device.rig import (
    BROKER,
    GSME,
    HARDWARE_FAILURE,
    LOAD_CONTROLLER,
    MIDNIGHT,
    OPERATOR,
    SUPPLIER,
    Rig,
    TrueTime,
    command,
    gas_values,
    read_payload,
    test_keys,
)
from tests.device.test_gbz_engine import Recorded


def refusal_of(result: Answered | Refused) -> Refusal:
    assert isinstance(result, Refused), result
    return result.refusal


def response_of(result: Answered | Refused) -> Message:
    assert isinstance(result, Answered), result
    return Message.parse(result.octets)


def opened(rig: Rig, response: Message) -> Gbz:
    return Gbz.parse(response.payload).opened(attribute_cipher(response, rig.keys))


def test_a_read_is_answered_encrypted_stamped_and_authentic() -> None:
    rig = Rig()
    response = response_of(rig.pipeline().receive(command(rig)))
    assert verify(response, rig.keys).is_authentic
    assert (response.cra, response.originator_counter) == (Cra.RESPONSE, 1000)
    assert (response.originator, response.recipient) == (rig.eui64, SUPPLIER)
    assert response.date_time == Stamp.of(MIDNIGHT)
    (part,) = opened(rig, response).components
    # RTDS 4.5.0 GCS13a, decrypted: divisor 1000, multiplier 1, m3, 12.345 m3
    assert part.frame.payload.hex() == (
        "02030022e8030001030022010000000300300100000025393000000000"
    )


def test_the_same_read_again_is_answered_again() -> None:
    rig = Rig()
    pipeline = rig.pipeline()
    assert response_of(pipeline.receive(command(rig))) == response_of(
        pipeline.receive(command(rig))
    )


# Reference messages


def rtds_chassis(recipient: int, keys: KeyStore, device_type: DeviceType) -> Chassis:
    true_time = TrueTime()
    return Chassis(
        Credentials(recipient, device_type, keys),
        true_time=true_time,
        clock=DeviceClock(true_time, status=Reliability.RELIABLE),
        store=MemoryStore(),
        events=EventStream(),
    )


_TYPES = {0xA0: DeviceType.ESME, 0xA1: DeviceType.GSME, 0xA2: DeviceType.CHF, 0xA3: DeviceType.GPF}


def test_reference_commands_get_the_reference_responses(
    rtds_files: list[RtdsFile], rtds_dir: object
) -> None:
    keys = find_keystore(rtds_dir)  # type: ignore[arg-type]  # a Path; keys of our own are added
    own_signing_key = ec.derive_private_key(7, ec.SECP256R1())
    equal = signed = 0
    for command_file, response_file in pairs(rtds_files):
        asked, expected = Message.parse(command_file.octets), Message.parse(response_file.octets)
        use_case = by_code(asked.message_code)
        if use_case is None or use_case.technology is not Technology.GBZ:
            continue
        if asked.originator not in {e for e, _ in keys.cells()} or use_case.name == "PCS02":
            continue  # between devices: no published key
        gbz = Gbz.parse(expected.payload)
        if gbz.has_sealed:
            gbz = gbz.opened(attribute_cipher(expected, keys, asked.certificate))
        if expected.signature:
            keys.add_private(asked.recipient, Usage.DIGITAL_SIGNATURE, own_signing_key)
        chassis = rtds_chassis(asked.recipient, keys, _TYPES[asked.recipient & 0xFF])
        own = expected.supplementary_originator_counter
        if own is not None:
            chassis.own_counter._first = own
        pipeline = Pipeline(
            chassis,
            use_cases=[use_case.name],
            engines={Technology.GBZ: GbzEngine(Recorded(gbz))},
            stamp=lambda _, stamp=expected.date_time: stamp,  # type: ignore[misc]  # bound now
        )
        answer = response_of(pipeline.receive(command_file.octets))
        if expected.signature:
            assert replace(answer, signature=expected.signature) == expected, response_file.name
            signed += 1
        else:
            assert answer.to_bytes() == response_file.octets, response_file.name
            equal += 1
    assert equal > 40
    assert signed > 20


# Refusals


def _wrong_key(rig: Rig) -> bytes:
    strangers = test_keys(0, 1, 2, 3)
    other = KeyStore(access_control_broker=BROKER)
    other.add_private(
        BROKER,
        Usage.KEY_AGREEMENT,
        ec.derive_private_key(99999, ec.SECP256R1()),
        role=Role.ACCESS_CONTROL_BROKER,
    )
    other.add_public(
        rig.eui64, Usage.KEY_AGREEMENT, rig.keys.public_key(rig.eui64, Usage.KEY_AGREEMENT)
    )
    del strangers
    message = Message.parse(command(rig))
    return protect(message, other).to_bytes()


def _bare(rig: Rig, **fields: object) -> Message:
    return replace(Message.parse(command(rig)), **fields)  # type: ignore[arg-type]  # passed through


REFUSED: list[tuple[Refusal, int | None, Callable[[Rig], bytes]]] = [
    (Refusal.MALFORMED, 0x8F1E, lambda rig: b""),
    (Refusal.MALFORMED, 0x8F1E, lambda rig: command(rig)[:-1]),
    (Refusal.MALFORMED, 0x8F1E, lambda rig: command(rig) + b"\x00"),
    (Refusal.MALFORMED, 0x8F1E, lambda rig: bytes(2_000_000)),
    (Refusal.WRONG_RECIPIENT, 0x8F1E, lambda rig: command(rig, recipient=GSME)),
    (
        Refusal.UNKNOWN_USE_CASE,
        0x8F1E,
        lambda rig: protect(_bare(rig, message_code=0x7777), rig.keys, Protection.MAC).to_bytes(),
    ),
    (Refusal.NOT_SUPPORTED, 0x8F1E, lambda rig: command(rig, "GCS14")),
    (Refusal.NOT_SUPPORTED, 0x8F1E, lambda rig: command(rig, "GCS33")),
    (
        Refusal.NOT_A_COMMAND,
        0x8F1E,
        lambda rig: protect(_bare(rig, cra=Cra.RESPONSE), rig.keys).to_bytes(),
    ),
    (Refusal.UNKNOWN_ORIGINATOR, 0x8F30, lambda rig: command(rig, originator=0x1234)),
    (Refusal.NOT_AUTHORISED, 0x8F30, lambda rig: command(rig, originator=LOAD_CONTROLLER)),
    (Refusal.NOT_AUTHORISED, 0x8F30, lambda rig: command(rig, "GCS60a", originator=OPERATOR)),
    (Refusal.WRONG_PROTECTION, 0x8F1E, lambda rig: _bare(rig, mac=None).to_bytes()),
    (
        Refusal.WRONG_PROTECTION,
        0x8F1E,
        lambda rig: _bare(rig, mac=None, signature=None).to_bytes(),
    ),
    (
        Refusal.WRONG_PROTECTION,
        0x8F1E,
        lambda rig: protect(_bare(rig), rig.keys, Protection.SIGNATURE | Protection.MAC).to_bytes(),
    ),
    (Refusal.MAC_INVALID, 0x8F3D, _wrong_key),
    (Refusal.MAC_INVALID, 0x8F3D, lambda rig: command(rig)[:-1] + b"\x00"),
    (Refusal.TEMPLATE, 0x8F1E, lambda rig: command(rig, payload=b"")),
    (Refusal.TEMPLATE, 0x8F1E, lambda rig: command(rig, payload=b"\x01\x09\x00")),
    (Refusal.TEMPLATE, 0x8F1E, lambda rig: command(rig, payload=read_payload("GCS60a"))),
    (Refusal.TEMPLATE, 0x8F1E, lambda rig: command(rig, payload=b"\xd9\x20\x00\x00\x01")),
    (
        Refusal.TEMPLATE,
        0x8F1E,
        lambda rig: command(rig, payload=read_payload("GCS13a").replace(b"\x02\x03", b"\x03\x03")),
    ),
]


@pytest.mark.parametrize(("refusal", "code", "octets"), REFUSED)
def test_refused_by_name_with_its_security_log_code_and_no_response(
    refusal: Refusal, code: int | None, octets: Callable[[Rig], bytes]
) -> None:
    rig = Rig()
    result = rig.pipeline().receive(octets(rig))
    assert isinstance(result, Refused)
    assert (result.refusal, bool(result.detail)) == (refusal, True)
    assert [entry.code for entry in rig.chassis.security_log.entries()] == [code]
    (event,) = rig.events_of(CommandRefused)
    assert isinstance(event, CommandRefused)
    assert (event.refusal, event.security_log_code) == (refusal, code)
    assert not rig.events_of(CommandAnswered)


def test_a_pipeline_without_any_keys_refuses_by_name() -> None:
    rig, empty = Rig(), Rig(keys=KeyStore())
    result = empty.pipeline().receive(command(rig))
    assert refusal_of(result) is Refusal.NO_KEY


def test_a_key_missing_for_the_answer_undoes_the_execution() -> None:
    rig = Rig(eui64=GSME, device_type=DeviceType.GSME)
    effects: list[int] = []

    def execute(asked: Command) -> Outcome:
        asked.unit.put("effect", 1)
        effects.append(1)
        asked.unit.on_rollback(effects.clear)
        return Outcome(b"\x05\x00")

    pipeline = rig.pipeline("GCS13a", handlers={"GCS28": execute})
    octets = command(rig, "GCS28", payload=b"\x05\x00")
    rig.keys.remove(GSME, Usage.DIGITAL_SIGNATURE)
    assert refusal_of(pipeline.receive(octets)) is Refusal.NO_KEY
    with rig.chassis.store.transaction() as unit:
        assert unit.get("effect") is None
    assert effects == []


def critical(rig: Rig, counter: int) -> bytes:
    return command(rig, "GCS28", counter=counter, payload=b"\x05\x00")


def gsme(outcomes: list[Command] | None = None) -> tuple[Rig, Pipeline]:
    rig = Rig(eui64=GSME, device_type=DeviceType.GSME)

    def execute(asked: Command) -> Outcome:
        if outcomes is not None:
            outcomes.append(asked)
        asked.unit.put("executed", asked.message.originator_counter)
        return Outcome(b"\x05\x00")

    return rig, rig.pipeline("GCS13a", handlers={"GCS28": execute})


def test_a_critical_command_is_answered_with_a_signature_alone() -> None:
    rig, pipeline = gsme()
    response = response_of(pipeline.receive(critical(rig, 1)))
    assert response.mac is None
    assert verify(response, rig.keys).is_authentic


def test_a_signature_of_somebody_else_is_refused() -> None:
    rig, pipeline = gsme()
    message = Message.parse(critical(rig, 1))
    forged = replace(message, signature=bytes(63) + b"\x01")
    octets = protect_mac(rig, forged)
    assert refusal_of(pipeline.receive(octets)) is Refusal.SIGNATURE_INVALID
    rig.keys.remove(SUPPLIER, Usage.DIGITAL_SIGNATURE)
    assert refusal_of(pipeline.receive(octets)) is Refusal.NO_KEY


def protect_mac(rig: Rig, message: Message) -> bytes:
    return add_mac(message, rig.keys).to_bytes()


def test_a_counter_must_rise_for_each_originator() -> None:
    asked: list[Command] = []
    rig, pipeline = gsme(asked)
    assert isinstance(pipeline.receive(critical(rig, 1000)), Answered)
    for counter in (1000, 999, 1):
        result = pipeline.receive(critical(rig, counter))
        assert refusal_of(result) is Refusal.REPLAYED
    assert isinstance(pipeline.receive(critical(rig, 1001)), Answered)
    assert [c.message.originator_counter for c in asked] == [1000, 1001]


def test_a_refused_command_uses_no_counter_up() -> None:
    rig, pipeline = gsme()
    spoilt = critical(rig, 5000)[:-1] + b"\x00"
    assert refusal_of(pipeline.receive(spoilt)) is Refusal.MAC_INVALID
    assert isinstance(pipeline.receive(critical(rig, 5)), Answered)


def test_counters_survive_a_restart() -> None:
    rig, pipeline = gsme()
    assert isinstance(pipeline.receive(critical(rig, 7)), Answered)
    again = Rig(eui64=GSME, device_type=DeviceType.GSME, store=rig.store)
    pipeline = again.pipeline("GCS13a", handlers={"GCS28": lambda _: Outcome(b"\x05\x00")})
    assert refusal_of(pipeline.receive(critical(rig, 7))) is Refusal.REPLAYED


def test_a_payload_that_its_handler_cannot_read_is_refused_and_undone() -> None:
    def execute(asked: Command) -> Outcome:
        asked.unit.put("effect", 1)
        raise MalformedMessage("no such time", 3)

    rig = Rig(eui64=GSME, device_type=DeviceType.GSME)
    pipeline = rig.pipeline("GCS13a", handlers={"GCS28": execute})
    result = pipeline.receive(critical(rig, 1))
    assert refusal_of(result) is Refusal.TEMPLATE
    with rig.chassis.store.transaction() as unit:
        assert unit.get("effect") is None
    assert refusal_of(pipeline.receive(critical(rig, 1))) is Refusal.TEMPLATE


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (KeyError("bug"), Refusal.FAULT),
        (RecursionError(), Refusal.FAULT),
        (MissingKey(1, "x"), Refusal.NO_KEY),
        (StoreError("disk full"), Refusal.STORAGE),
    ],
)
def test_nothing_that_goes_wrong_inside_escapes(
    error: Exception, refusal: Refusal, caplog: pytest.LogCaptureFixture
) -> None:
    def execute(_: Command) -> Outcome:
        raise error

    rig = Rig(eui64=GSME, device_type=DeviceType.GSME)
    pipeline = rig.pipeline("GCS13a", handlers={"GCS28": execute})
    with caplog.at_level(logging.CRITICAL):
        assert refusal_of(pipeline.receive(critical(rig, 1))) is refusal
    assert isinstance(pipeline.receive(command(rig)), Answered)


def test_a_store_that_fails_at_the_end_means_no_response() -> None:
    rig, pipeline = gsme()

    def fail(depth: int) -> None:
        if depth == 0:
            raise StoreError("disk full")

    octets = critical(rig, 1)
    kept, rig.store._backend.commit = rig.store._backend.commit, fail  # type: ignore[method-assign]  # a disk that is full
    assert refusal_of(pipeline.receive(octets)) is Refusal.STORAGE
    rig.store._backend.commit = kept  # type: ignore[method-assign]  # and has room again
    assert isinstance(pipeline.receive(octets), Answered)


# Order, authority, settings


def test_a_device_may_obey_fewer_roles_than_the_catalogue() -> None:
    rig = Rig(eui64=GSME, device_type=DeviceType.GSME)
    supplier_only = {"GCS13a": frozenset({Role.SUPPLIER})}
    pipeline = rig.pipeline("GCS13a", authority=supplier_only)
    assert isinstance(pipeline.receive(command(rig)), Answered)
    result = pipeline.receive(command(rig, originator=OPERATOR))
    assert refusal_of(result) is Refusal.NOT_AUTHORISED
    assert isinstance(Rig().pipeline().receive(command(Rig(), originator=OPERATOR)), Answered)


def test_a_use_case_for_other_devices_is_not_supported() -> None:
    rig = Rig()
    pipeline = rig.pipeline("GCS13a", "GCS33")
    assert DeviceType.ESME not in by_name("GCS13a").targets
    esme = Rig(device_type=DeviceType.ESME)
    assert refusal_of(esme.pipeline().receive(command(esme))) is Refusal.NOT_SUPPORTED
    assert [use_case.name for use_case in pipeline.use_cases] == ["GCS13a", "GCS33"]


def test_the_first_failing_check_names_the_refusal() -> None:
    rig = Rig()
    spoilt = command(rig, originator=LOAD_CONTROLLER)[:-1] + b"\x00"
    assert refusal_of(rig.pipeline().receive(spoilt)) is Refusal.NOT_AUTHORISED
    mac_first = PipelineSettings(
        order=tuple(sorted(Check, key=lambda check: check is not Check.MAC))
    )
    result = rig.pipeline(settings=mac_first).receive(spoilt)
    assert refusal_of(result) is Refusal.MAC_INVALID


def test_an_order_names_every_check_once() -> None:
    with pytest.raises(ValueError, match="each check once"):
        PipelineSettings(order=(Check.MAC,))
    with pytest.raises(ValueError, match="counter classes"):
        PipelineSettings(counter_classes="none")


@pytest.mark.parametrize(("classes", "refused"), [("kind", True), ("code", False)])
def test_counters_may_be_kept_for_each_message_code(classes: str, refused: bool) -> None:
    rig = Rig(eui64=GSME, device_type=DeviceType.GSME)
    handlers = {name: lambda _: Outcome(b"\x05\x00") for name in ("GCS28", "CS02c")}
    pipeline = rig.pipeline(
        "GCS13a", handlers=handlers, settings=PipelineSettings(counter_classes=classes)
    )
    assert isinstance(pipeline.receive(critical(rig, 10)), Answered)
    other = pipeline.receive(command(rig, "CS02c", counter=9, payload=b"\x05\x00"))
    assert isinstance(other, Refused) is refused


def test_a_pipeline_needs_an_engine_for_what_it_promises() -> None:
    with pytest.raises(LocalError, match="no engine executes ECS17a"):
        Rig().pipeline("ECS17a")
    with pytest.raises(LocalError, match="no use case"):
        Rig().pipeline("GCS99")


def test_a_read_may_be_allowed_other_attributes_than_the_catalogue_has() -> None:
    rig = Rig()
    payload = read_payload("GCS13a").replace(b"\x02\x03", b"\xef\xbe")
    lenient = rig.pipeline(settings=PipelineSettings(exact_attributes=False))
    response = response_of(lenient.receive(command(rig, payload=payload)))
    (part,) = opened(rig, response).components
    assert part.frame.payload.startswith(b"\xef\xbe\x86\x01\x03\x00")


# The stamp


def test_the_stamp_is_derived_from_what_is_returned() -> None:
    rig, seen = Rig(), list[Executed]()
    gsme_time = Stamp.of(MIDNIGHT - timedelta(minutes=20), Source.GSME, Reliability.RELIABLE)

    def stamp(executed: Executed) -> Stamp:
        seen.append(executed)
        return gsme_time

    pipeline = rig.pipeline(stamp=stamp)
    response = response_of(pipeline.receive(command(rig)))
    assert response.date_time == gsme_time
    assert [r.value for r in seen[0].outcome.returned] == [1000, 1, 1, 12345]
    assert response.date_time.to_bytes().hex()[-6:] == "800004"


def test_gcs60_has_no_stamp_and_gcs60a_has() -> None:
    rig = Rig()
    pipeline = rig.pipeline()
    assert response_of(pipeline.receive(command(rig, "GCS60"))).date_time is None
    assert response_of(pipeline.receive(command(rig, "GCS60a"))).date_time is not None
    older = rig.pipeline(settings=PipelineSettings(never_stamped=frozenset({"GCS13a"})))
    assert response_of(older.receive(command(rig))).date_time is None


def test_a_response_with_a_fault_is_an_ordinary_stamped_response() -> None:
    rig = Rig()
    values = gas_values()
    values[0x0702, 0x0A00] = (values[0x0702, 0x0A00][0], HARDWARE_FAILURE)
    rig = Rig(values=values)
    response = response_of(rig.pipeline().receive(command(rig, "GCS60a")))
    assert response.date_time is not None
    first, second = Gbz.parse(response.payload).components
    assert (first.frame.payload, second.frame.payload) == (b"\x00\x0a\xc0", b"\xff\x01")
    (event,) = rig.events_of(CommandAnswered)
    assert isinstance(event, CommandAnswered)
    assert event.failed_components == 2


# Unknown remote parties


URP = 0x0BAD


def certificate_of(private: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody")])
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=private.public_key(),
        serial_number=1,
        not_valid_before=MIDNIGHT,
        not_valid_after=MIDNIGHT + timedelta(days=1),
    )
    return builder.sign(private, SHA256()).public_bytes(Encoding.DER)


def urp_command(rig: Rig, certificate: bytes | None) -> bytes:
    return command(
        rig,
        originator=BROKER,
        supplementary_id=URP,
        supplementary_counter=77,
        certificate=certificate,
    )


def test_an_answer_to_an_unknown_remote_party_is_for_its_key_and_takes_an_own_counter() -> None:
    rig, theirs = Rig(), ec.derive_private_key(4711, ec.SECP256R1())
    pipeline = rig.pipeline(authority={"GCS13a": frozenset({Role.ACCESS_CONTROL_BROKER})})
    octets = urp_command(rig, certificate_of(theirs))
    first, second = (response_of(pipeline.receive(octets)) for _ in range(2))
    assert (first.recipient, first.supplementary_id) == (BROKER, URP)
    assert (first.supplementary_counter, first.certificate) == (77, None)
    assert first.supplementary_originator_counter == 1
    assert second.supplementary_originator_counter == 2
    own_keys = KeyStore()
    own_keys.add_private(URP, Usage.KEY_AGREEMENT, theirs)
    device_key = rig.keys.public_key(rig.eui64, Usage.KEY_AGREEMENT)
    own_keys.add_public(rig.eui64, Usage.KEY_AGREEMENT, device_key)
    for response in (first, second):
        Gbz.parse(response.payload).opened(attribute_cipher(response, own_keys))
    with pytest.raises(MissingKey):
        attribute_cipher(first, rig.keys)


def test_an_answer_for_an_unknown_remote_party_needs_its_certificate() -> None:
    rig = Rig()
    pipeline = rig.pipeline(authority={"GCS13a": frozenset({Role.ACCESS_CONTROL_BROKER})})
    assert refusal_of(pipeline.receive(urp_command(rig, None))) is Refusal.NO_KEY
    nonsense = urp_command(rig, bytes.fromhex("300A") + bytes(10))
    assert refusal_of(pipeline.receive(nonsense)) is Refusal.NO_KEY


# Events and logs


def test_events_tell_received_kept_answered_in_this_order() -> None:
    rig = Rig()
    rig.pipeline().receive(command(rig))
    assert [type(event) for event in rig.seen] == [
        CommandReceived,
        StorageCommitted,
        CommandAnswered,
    ]


def test_an_unusual_number_of_refusals_is_one_entry_and_one_alert() -> None:
    rig, alerts = Rig(), list[int]()
    pipeline = rig.pipeline(alert=alerts.append)
    for _ in range(12):
        pipeline.receive(b"noise")
        rig.true_time.pass_(60)
    assert alerts == [0x8F60]
    codes = [entry.code for entry in rig.chassis.security_log.entries()]
    assert codes.count(0x8F60) == 1
    rig.true_time.pass_(7200)
    for _ in range(9):
        pipeline.receive(b"noise")
    assert alerts == [0x8F60]


def test_the_security_log_keeps_the_newest_hundred() -> None:
    rig = Rig()
    pipeline = rig.pipeline()
    for _ in range(150):
        pipeline.receive(b"noise")
    assert len(rig.chassis.security_log.entries()) == 100


def test_entries_of_a_device_without_time_say_so() -> None:
    rig = Rig()
    rig.clock.power_loss(backup_held=False)
    rig.chassis.event_log.add(0x8F43, b"\x01")
    (entry,) = rig.chassis.event_log.entries()
    assert (entry.at, entry.code, entry.other) == (None, 0x8F43, b"\x01")
    rig.clock.set_clock(MIDNIGHT, None, None)
    rig.chassis.event_log.clear()
    rig.chassis.event_log.add(0x8F43)
    assert rig.chassis.event_log.entries()[0].at == MIDNIGHT
    assert len(rig.events_of(LogEntry)) == 2


def test_a_clock_far_off_is_no_reason_to_fail() -> None:
    rig = Rig()
    rig.clock.hold(MIDNIGHT - timedelta(days=365 * 40))
    assert refusal_of(rig.pipeline().receive(b"noise")) is Refusal.MALFORMED
    (entry,) = rig.chassis.security_log.entries()
    assert entry.at is None
    assert isinstance(rig.pipeline().receive(command(rig)), Answered)


def test_an_alert_that_cannot_be_raised_is_no_reason_to_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: int) -> None:
        raise MissingKey(SUPPLIER, "key agreement")

    rig = Rig()
    pipeline = rig.pipeline(alert=fail)
    with caplog.at_level(logging.WARNING):
        for _ in range(12):
            assert refusal_of(pipeline.receive(b"noise")) is Refusal.MALFORMED
    assert "could not log or alert" in caplog.text


def test_only_the_broker_speaks_for_others() -> None:
    rig = Rig()
    octets = command(rig, supplementary_id=URP, supplementary_counter=1)
    result = rig.pipeline().receive(octets)
    assert refusal_of(result) is Refusal.NOT_AUTHORISED


def test_an_answer_too_large_for_its_format_is_a_fault_that_undoes_the_command(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def flood(asked: Command) -> Outcome:
        asked.unit.put("effect", 1)
        return Outcome(Gbz(tuple(Component(0x0702, Frame(8, 0, 11)) for _ in range(256))))

    rig = Rig()
    with caplog.at_level(logging.CRITICAL):
        result = rig.pipeline(handlers={"GCS13a": flood}).receive(command(rig))
    assert refusal_of(result) is Refusal.FAULT
    with rig.chassis.store.transaction() as unit:
        assert unit.get("effect") is None


def test_a_clock_that_is_not_adjusted_is_logged() -> None:
    rig = Rig()
    rig.clock.sync(MIDNIGHT + timedelta(seconds=11))
    assert [entry.code for entry in rig.chassis.security_log.entries()] == [0x8F0C]


# Hostile octets


def test_no_single_bit_of_a_command_can_be_flipped_unnoticed() -> None:
    rig = Rig()
    pipeline = rig.pipeline()
    octets = command(rig)
    for bit in range(8 * len(octets)):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 1 << bit % 8
        assert isinstance(pipeline.receive(bytes(flipped)), Refused), bit
    assert isinstance(pipeline.receive(octets), Answered)


def test_no_single_bit_of_a_critical_command_can_be_flipped_unnoticed() -> None:
    rig, pipeline = gsme()
    octets = critical(rig, 1)
    for bit in range(0, 8 * len(octets), 3):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 1 << bit % 8
        assert isinstance(pipeline.receive(bytes(flipped)), Refused), bit
    assert isinstance(pipeline.receive(octets), Answered)


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=300), st.integers(0, 120), st.integers(0, 40))
def test_noise_of_any_size_is_refused(noise: bytes, at: int, cut: int) -> None:
    rig = Rig()
    octets = command(rig)
    pipeline = rig.pipeline()
    assert isinstance(pipeline.receive(noise), Refused)
    mixed = octets[:at] + noise + octets[at + cut :]
    assert (mixed == octets) == isinstance(pipeline.receive(mixed), Answered)


_PAYLOADS = st.binary(max_size=60) | st.builds(
    lambda head, rest: read_payload("GCS13a")[:head] + rest,
    st.integers(0, 20),
    st.binary(max_size=40),
)


@settings(deadline=None, max_examples=150)
@given(_PAYLOADS)
def test_an_authentic_command_with_any_payload_is_answered_or_refused(payload: bytes) -> None:
    rig = Rig()
    lenient = rig.pipeline(settings=PipelineSettings(exact_attributes=False))
    result = lenient.receive(command(rig, payload=payload))
    assert isinstance(result, Answered) or result.refusal is Refusal.TEMPLATE


def test_every_critical_use_case_of_the_catalogue_needs_a_fresh_counter() -> None:
    rig = Rig()
    checks = rig.pipeline()._checks

    def is_protected(use_case: UseCase) -> bool:
        return checks._is_replay_protected(use_case)

    assert is_protected(by_name("GCS28"))
    assert is_protected(by_name("GCS09")) is (by_name("GCS09").replay_protection is True)
    assert not is_protected(by_name("GCS13a"))


def test_roles_come_from_trust_anchors_or_from_certificates(rtds_keys: KeyStore) -> None:
    supplier = 0x90B3D51F30010000
    everybody = Credentials(0x00DB1234567890A3, DeviceType.GPF, rtds_keys)
    assert everybody.role(supplier) is Role.SUPPLIER
    assert everybody.role(0x00DB1234567890A0) is None
    assert everybody.party(Role.NETWORK_OPERATOR) == 0x90B3D51F30020000
    nobody = Credentials(0x00DB1234567890A3, DeviceType.GPF, rtds_keys, trusted={})
    assert nobody.role(supplier) is None
    with pytest.raises(MissingKey, match="supplier"):
        nobody.party(Role.SUPPLIER)
    nobody.trust(supplier, Role.SUPPLIER)
    assert nobody.party(Role.SUPPLIER) == supplier


# Corners


def test_a_variant_is_answered_in_its_own_form() -> None:
    # CS02a: MAC form and signature form, each answered alike
    rig = Rig(eui64=GSME, device_type=DeviceType.GSME)
    pipeline = rig.pipeline(
        "GCS13a",
        handlers={"CS02a": lambda _: Outcome(b"\x05\x00")},
        authority={"CS02a": frozenset()},
    )
    forms = by_name("CS02a").protections(Cra.COMMAND)
    assert set(forms) == {Protection.MAC, Protection.SIGNATURE}
    message = Message.parse(command(rig, "CS02a", payload=b"\x05\x00"))
    for form, counter in zip(forms, (1, 2), strict=True):
        asked = protect(replace(message, originator_counter=counter), rig.keys, form)
        answer = response_of(pipeline.receive(asked.to_bytes()))
        assert (answer.mac is not None) is (form is Protection.MAC)
        assert bool(answer.signature) is (form is Protection.SIGNATURE)


def test_a_display_is_obeyed_only_when_it_is_joined() -> None:
    ppmid = 0x00DB1234567890A4
    rig = Rig(eui64=GSME, device_type=DeviceType.GSME, keys=test_keys(GSME, ppmid))
    pipeline = rig.pipeline("GCS13a", handlers={"PCS02": lambda _: Outcome(Gbz(()))})
    (spec,) = gbz_components("PCS02", Cra.COMMAND)
    frame = Frame(spec.frame_control, 0, spec.command_id)
    payload = Gbz((Component(spec.cluster_id, frame),)).to_bytes()
    octets = command(rig, "PCS02", originator=ppmid, payload=payload)
    assert refusal_of(pipeline.receive(octets)) is Refusal.UNKNOWN_ORIGINATOR
    rig.credentials.devices[ppmid] = DeviceType.PPMID
    response = response_of(pipeline.receive(octets))
    assert response.recipient == ppmid
    assert verify(response, rig.keys).is_authentic


def test_a_use_case_of_unknown_structure_is_refused_as_such() -> None:
    use_case = replace(by_name("GCS13a"), name="nothing of the kind")
    with pytest.raises(RefusedError, match="structure of nothing of the kind is not known"):
        check_template(use_case, Gbz(()))


def test_a_counter_at_its_end_is_an_error_and_not_a_repetition() -> None:
    store = MemoryStore()
    counter = OwnCounter(store, first=2**64 - 1)
    assert counter.next() == 2**64 - 1
    with pytest.raises(StoreError, match="used up"):
        counter.next()


def test_what_is_kept_is_not_trusted_blindly() -> None:
    rig = Rig()
    with rig.chassis.store.transaction() as unit:
        unit.put("counter:own", "no octets")
        unit.append("log:event", 5, keep=9)
    with pytest.raises(StoreError, match="no counter"):
        rig.chassis.own_counter.next()
    with pytest.raises(StoreError, match="no log entry"):
        rig.chassis.event_log.entries()


def test_a_security_log_that_cannot_be_written_is_no_reason_to_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    pipeline = rig.pipeline()

    def fail(depth: int) -> None:
        raise StoreError("disk full")

    kept, rig.store._backend.begin = rig.store._backend.begin, fail  # type: ignore[method-assign]  # a disk that is full
    with caplog.at_level(logging.CRITICAL):
        assert refusal_of(pipeline.receive(b"noise")) is Refusal.MALFORMED
        assert refusal_of(pipeline.receive(command(rig))) is Refusal.STORAGE
    rig.store._backend.begin = kept  # type: ignore[method-assign]  # and has room again
    assert isinstance(pipeline.receive(command(rig)), Answered)


def test_keys_never_appear_in_what_the_pipeline_says(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    pipeline = rig.pipeline()
    with caplog.at_level(logging.DEBUG):
        pipeline.receive(command(rig))
        pipeline.receive(command(rig)[:-1] + b"\x00")
    secret = rig.keys.shared_secret(BROKER, rig.eui64).octets.hex()
    said = caplog.text + "".join(map(repr, rig.seen)) + repr(pipeline) + repr(rig.credentials)
    assert secret not in said.lower()


def set_clock(rig: Rig) -> Callable[[Command], Outcome]:
    def execute(asked: Command) -> Outcome:
        rig.clock.set_clock(MIDNIGHT + timedelta(hours=1), None, None)
        return Outcome(b"\x05\x00")

    return execute


def test_a_clock_that_was_set_is_still_set_after_a_restart() -> None:
    rig = Rig(eui64=GSME, device_type=DeviceType.GSME)
    pipeline = rig.pipeline("GCS13a", handlers={"GCS28": set_clock(rig)})
    rig.clock.power_loss(backup_held=False)
    rig.clock.drift_ppm = 50.0
    assert isinstance(pipeline.receive(critical(rig, 1)), Answered)
    later = TrueTime(MIDNIGHT + timedelta(days=1))
    again = Rig(eui64=GSME, device_type=DeviceType.GSME, store=rig.store, true_time=later)
    assert again.clock.status is Reliability.RELIABLE
    assert again.clock.drift_ppm == 50.0
    assert again.clock.now() - later() == timedelta(hours=1, seconds=86400 * 50e-6)


def test_a_clock_whose_setting_cannot_be_answered_goes_back() -> None:
    rig = Rig(eui64=GSME, device_type=DeviceType.GSME)
    rig.clock.power_loss(backup_held=False)
    pipeline = rig.pipeline("GCS13a", handlers={"GCS28": set_clock(rig)})
    octets = critical(rig, 1)
    rig.keys.remove(GSME, Usage.DIGITAL_SIGNATURE)
    assert refusal_of(pipeline.receive(octets)) is Refusal.NO_KEY
    assert (rig.clock.status, rig.clock.now()) == (Reliability.INVALID, MIDNIGHT)
    again = Rig(eui64=GSME, device_type=DeviceType.GSME, store=rig.store)
    assert again.clock.status is Reliability.INVALID


@pytest.mark.parametrize("kept", ["5", "{}", '{"true": 1}', "no json"])
def test_a_kept_clock_that_makes_no_sense_is_a_named_error(kept: str) -> None:
    rig = Rig()
    with rig.chassis.store.transaction() as unit:
        unit.put("clock", kept)
    with pytest.raises(StoreError):
        Rig(store=rig.store)
