"""What a pipeline refuses, each by its name; hostile octets among it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from device.command import Answered, Outcome, Refused
from device.events import (
    CommandAnswered,
    CommandRefused,
)
from device.refusal import Refusal, RefusedError
from device.settings import Check, PipelineSettings
from device.template import check_template
from gbcs.catalogue import Protection, by_name, gbz_components
from gbcs.envelope import Cra, Message
from gbcs.gbz import Component, Gbz
from gbcs.keys import KeyStore, Usage
from gbcs.party import DeviceType, Role
from gbcs.protection import add_mac, protect, verify
from gbcs.zcl.frame import Frame
from tests.device.commands import URP, critical, gsme, refusal_of, response_of
from tests.device.rig import (
    BROKER,
    GSME,
    LOAD_CONTROLLER,
    OPERATOR,
    SUPPLIER,
    Rig,
    command,
    read_payload,
    test_keys,
)


def _wrong_key(rig: Rig) -> bytes:
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


def test_only_the_broker_speaks_for_others() -> None:
    rig = Rig()
    octets = command(rig, supplementary_id=URP, supplementary_counter=1)
    result = rig.pipeline().receive(octets)
    assert refusal_of(result) is Refusal.NOT_AUTHORISED


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


@settings(max_examples=150)
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


@settings(max_examples=150)
@given(_PAYLOADS)
def test_an_authentic_command_with_any_payload_is_answered_or_refused(payload: bytes) -> None:
    rig = Rig()
    lenient = rig.pipeline(settings=PipelineSettings(exact_attributes=False))
    result = lenient.receive(command(rig, payload=payload))
    assert isinstance(result, Answered) or result.refusal is Refusal.TEMPLATE


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
