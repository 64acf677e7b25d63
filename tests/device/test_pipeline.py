"""Commands in, Responses out: against reference messages, stamped, and to unknown parties."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from device.chassis import Chassis
from device.clock import DeviceClock
from device.command import Executed, Outcome
from device.credentials import Credentials
from device.events import (
    CommandAnswered,
    EventStream,
)
from device.gbz_engine import GbzEngine
from device.pipeline import Pipeline
from device.refusal import Refusal
from device.settings import PipelineSettings
from device.store import MemoryStore
from gbcs.catalogue import Protection, Technology, by_code, by_name
from gbcs.envelope import Cra, Message
from gbcs.errors import LocalError, MissingKey
from gbcs.gbz import Gbz
from gbcs.keys import KeyStore, Usage
from gbcs.party import DeviceType, Role
from gbcs.protection import attribute_cipher, protect, verify
from gbcs.rtds import RtdsFile, find_keystore, pairs
from gbcs.stamp import Reliability, Source, Stamp
from tests.device.commands import URP, critical, gsme, opened, refusal_of, response_of
from tests.device.rig import (
    BROKER,
    GSME,
    HARDWARE_FAILURE,
    MIDNIGHT,
    SUPPLIER,
    Rig,
    TrueTime,
    command,
    gas_values,
    read_payload,
)
from tests.device.test_gbz_engine import Recorded


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


def test_a_critical_command_is_answered_with_a_signature_alone() -> None:
    rig, pipeline = gsme()
    response = response_of(pipeline.receive(critical(rig, 1)))
    assert response.mac is None
    assert verify(response, rig.keys).is_authentic


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
