"""GBZ payloads."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gbcs.body import GbzAlertBody, decode_body, sealed_parts
from gbcs.envelope import Message
from gbcs.errors import LocalError, MalformedMessage, NotAuthentic
from gbcs.gbz import CANCEL, Component, Gbz, GbzAlert
from gbcs.keys import KeyStore
from gbcs.protection import attribute_cipher
from gbcs.rtds import RtdsFile
from gbcs.zcl.frame import Frame
from tests.gbcs.samples import GPF, RESPONSE, SUPPLIER

READ = bytes.fromhex("010901010702000B00000002030103000300 00")


def test_components_of_a_command() -> None:
    gbz = Gbz.parse(READ)
    frame = Frame(0x00, 0, 0x00, bytes.fromhex("0203010300030000"))
    assert gbz == Gbz((Component(0x0702, frame),))
    assert gbz.to_bytes() == READ


def test_from_date_time_is_big_endian_in_front_of_the_frame() -> None:
    component = Component(0x0705, Frame(0x01, 0, 0x09, bytes(4)), from_date_time=CANCEL)
    octets = Gbz((component,)).to_bytes()
    assert octets.hex().upper() == "01090111 0705 000B FFFFFFFF 010009 00000000".replace(" ", "")
    assert Gbz.parse(octets) == Gbz((component,))


def test_sealing_again_gives_the_octets_of_every_reference_payload(
    rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    for file in rtds_files:
        message = Message.parse(file.octets)
        if message.payload[:2] != b"\x01\x09" or not sealed_parts(body := decode_body(message)):
            continue
        cipher = attribute_cipher(message, rtds_keys)
        if isinstance(body, Gbz):
            assert body.opened(cipher).to_bytes(cipher) == message.payload, file.name
        if isinstance(body, GbzAlertBody):
            closed = tuple(c.opened(cipher).closed(cipher) for c in body.components)
            again = GbzAlert.with_components(body.alert.alert_code, body.alert.time_s, closed)
            assert again.to_bytes() == message.payload, file.name


def test_a_changed_ciphertext_is_not_authentic() -> None:
    keys = KeyStore()
    keys.add_secret(SUPPLIER, GPF, bytes(32))
    message = Message.parse(RESPONSE)
    with pytest.raises(NotAuthentic):
        Gbz.parse(message.payload).opened(attribute_cipher(message, keys))


def test_an_encrypted_component_needs_a_cipher() -> None:
    gbz = Gbz((Component(0x0702, Frame(0x18, 0, 1, b"x"), encrypted=True),))
    with pytest.raises(LocalError, match="cipher"):
        gbz.to_bytes()


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "010A00",
        "01090100070200030000",  # last component without its bit, cut short
        "01090111070200020000",  # From Date Time cut short
        "010901 01 0702 0003 020000",  # reserved frame type
        "010901 13 0702 0003 000000",  # encrypted with From Date Time
        "010901 41 0702 0003 000000",  # unknown control bit
        "010901 01 0702 0003 000000 00",  # octet after the last component
        "010901 03 0702 0007 0001 180001 0000",  # wrong additional header
    ],
)
def test_what_is_wrong_is_malformed(octets: str) -> None:
    with pytest.raises(MalformedMessage):
        Gbz.parse(bytes.fromhex(octets))


def test_a_generic_alert() -> None:
    octets = bytes.fromhex("010900810E1C374A80")  # GNCA-ZigBee_NA_810E_ALERT
    alert = GbzAlert.parse(octets)
    assert alert == GbzAlert(0x810E, 0x1C374A80)
    assert alert.to_bytes() == octets
    for wrong in (octets[:-1], octets + b"\x00", b"\x01\x0a" + octets[2:]):
        with pytest.raises(MalformedMessage):
            GbzAlert.parse(wrong)


_FRAMES = st.builds(
    Frame,
    frame_control=st.sampled_from((0x00, 0x01, 0x08, 0x09, 0x18, 0x19)),
    sequence=st.integers(0, 255),
    command_id=st.integers(0, 255),
    payload=st.binary(max_size=60),
)
_COMPONENTS = st.builds(
    Component,
    cluster_id=st.integers(0, 0xFFFF),
    frame=_FRAMES,
    from_date_time=st.none() | st.integers(0, 0xFFFFFFFF),
) | st.builds(Component, cluster_id=st.integers(0, 0xFFFF), frame=_FRAMES, encrypted=st.just(True))


@given(st.lists(_COMPONENTS, max_size=6).map(tuple))
@settings(max_examples=40)
def test_components_survive_sealing_and_opening(components: tuple[Component, ...]) -> None:
    keys = KeyStore()
    keys.add_secret(SUPPLIER, GPF, bytes(32))
    cipher = attribute_cipher(Message.parse(RESPONSE), keys)
    gbz = Gbz(components)
    assert Gbz.parse(gbz.to_bytes(cipher)).opened(cipher) == gbz


@given(st.binary(max_size=60).map(lambda tail: b"\x01\x09" + tail))
@settings(max_examples=150)
def test_arbitrary_octets_are_components_or_malformed(octets: bytes) -> None:
    with contextlib.suppress(MalformedMessage):
        assert Gbz.parse(octets).to_bytes() == octets
    with contextlib.suppress(MalformedMessage):
        GbzAlert.parse(octets).components()
