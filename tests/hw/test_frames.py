"""Zigbee frames against known answers that an independent dissector opens, and noise."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from han.radio import key_transport_key
from hw.zigbee import MalformedFrame, NotAuthentic, aps, aps_commands, beacon, mac, nwk, zdo
from hw.zigbee.security import AuxiliaryHeader, KeyId

NETWORK_KEY = bytes.fromhex("5A" * 16)
INSTALL_CODE_KEY = bytes.fromhex("66B6900981E1EE3CA4206B6B861C02BB")
LINK_KEY = bytes.fromhex("AA4689C70BE0FAF0C9BE534ABD9F4CDC")
HUB, METER = 0x0A0B0C0D0E0F1011, 0x0A0B0C0D0E0F1012
TRANSPORT_KEY = bytes.fromhex(
    "618801cdab213f00000800213f00001e012101305500000011100f0e0d0c0b0ac5933b5cb3ead7a3709f84"
    "6f0775ba8a"
    "43583ed59e83f653b3de18a523d8da3b9dd823d21a4f20ad85"
)
GET = bytes.fromhex(
    "618801cdab0000213f48020000213f1e01280120000012100f0e0d0c0b0a00f060286eb4ef3ae0d434b166"
    "e7e41abb14"
    "a1d10f47abfbd9acc9450ef8"
)
examples = settings(max_examples=60)
short = st.integers(0, 0xFFFF)
eui64 = st.integers(0, (1 << 64) - 1)
octet = st.integers(0, 0xFF)


def test_a_transport_key_is_built_to_the_last_octet() -> None:
    command = aps_commands.TransportNetworkKey(NETWORK_KEY, 0, METER, HUB)
    key = key_transport_key(INSTALL_CODE_KEY)
    payload = aps_commands.seal_command(key, KeyId.KEY_TRANSPORT, 1, 0x55, HUB, command.to_bytes())
    frame = nwk.NwkFrame(nwk.FrameType.DATA, 0x3F21, 0x0000, 1, payload, secured=False)
    octets = mac.data(0xABCD, 0x3F21, 0x0000, 1, frame.to_bytes())
    assert (octets + mac.frame_check_sequence(octets)).hex() == TRANSPORT_KEY.hex()


def test_a_transport_key_is_read_and_its_key_is_not_printed() -> None:
    frame = mac.MacFrame.from_bytes(TRANSPORT_KEY[:-2])
    assert (frame.pan, frame.destination, frame.source) == (
        0xABCD,
        mac.Address(0x3F21),
        mac.Address(0),
    )
    envelope = aps.parse(nwk.parse(frame.payload).frame.payload)
    clear = envelope.open(key_transport_key(INSTALL_CODE_KEY), 0)
    command = aps_commands.TransportNetworkKey.from_bytes(clear)
    assert command == aps_commands.TransportNetworkKey(NETWORK_KEY, 0, METER, HUB)
    assert "5a5a" not in repr(command).lower()


def test_key_commands_are_read_as_they_were_built_and_hide_their_keys() -> None:
    given = aps_commands.TransportLinkKey(LINK_KEY, METER, initiator=True)
    assert aps_commands.TransportLinkKey.from_bytes(given.to_bytes()) == given
    assert LINK_KEY.hex() not in repr(given).lower()
    assert aps_commands.read_request_key(aps_commands.request_key(METER)) == METER
    with pytest.raises(MalformedFrame):
        aps_commands.read_request_key(aps_commands.request_key(METER)[:-1])
    with pytest.raises(MalformedFrame):
        aps_commands.TransportNetworkKey.from_bytes(given.to_bytes())


def test_a_tunnelled_get_is_built_to_the_last_octet() -> None:
    header = aps.ApsHeader(
        aps.FrameType.DATA,
        counter=1,
        destination_endpoint=3,
        source_endpoint=1,
        cluster_id=0x0704,
        profile_id=0x0109,
        ack_request=True,
        secured=True,
    )
    payload = header.seal(
        LINK_KEY, AuxiliaryHeader(KeyId.LINK, 2), METER, bytes.fromhex("011102000001")
    )
    frame = nwk.NwkFrame(nwk.FrameType.DATA, 0x0000, 0x3F21, 1, payload, discover_route=True)
    octets = mac.data(0xABCD, 0x0000, 0x3F21, 1, frame.seal(NETWORK_KEY, 0, 0x2001, METER))
    assert (octets + mac.frame_check_sequence(octets)).hex() == GET.hex()


def test_a_tunnelled_get_is_read() -> None:
    frame = mac.MacFrame.from_bytes(GET[:-2])
    opened = nwk.parse(frame.payload).open(NETWORK_KEY)
    envelope = aps.parse(opened.payload)
    assert envelope.open(LINK_KEY, METER).hex() == "011102000001"
    assert (envelope.header.cluster_id, envelope.header.profile_id) == (0x0704, 0x0109)


@pytest.mark.parametrize("position", range(9, len(GET) - 2))
def test_no_octet_behind_the_mac_header_can_be_changed(position: int) -> None:
    changed = bytearray(GET[:-2])
    changed[position] ^= 0x10
    with pytest.raises((MalformedFrame, NotAuthentic)):
        nwk.parse(mac.MacFrame.from_bytes(bytes(changed)).payload).open(NETWORK_KEY)


def test_the_frame_check_sequence_is_crc_16_kermit() -> None:
    assert mac.frame_check_sequence(b"123456789").hex() == "8921"


def test_scan_and_association_frames_have_their_known_control_fields() -> None:
    capability = beacon.Capability.RX_ON_WHEN_IDLE | beacon.Capability.ALLOCATE_ADDRESS
    assert beacon.beacon_request(7).hex() == "030807ffffffff07"
    request = beacon.association_request(8, 0xABCD, 0, METER, capability)
    assert request.hex() == "23c808cdab0000ffff12100f0e0d0c0b0a0188"
    response = beacon.association_response(
        9, 0xABCD, HUB, METER, 0x3F21, beacon.AssociationStatus.SUCCESSFUL
    )
    assert response.hex() == "63cc09cdab12100f0e0d0c0b0a11100f0e0d0c0b0a02213f00"
    poll = beacon.data_request(10, 0xABCD, 0, mac.Address(0x3F21))
    assert poll.hex() == "63880acdab0000213f04"
    assert mac.acknowledgement(10, pending=True).hex() == "12000a"


@examples
@given(short, short, eui64, st.booleans(), st.booleans(), octet)
def test_a_beacon_is_read_as_it_was_written(
    pan: int, source: int, extended: int, permits: bool, coordinator: bool, sequence: int
) -> None:
    told = beacon.ZigbeeBeacon(pan, source, extended, permits, coordinator)
    frame = mac.MacFrame.from_bytes(told.to_bytes(sequence))
    assert beacon.ZigbeeBeacon.from_frame(frame) == told


@examples
@given(
    st.sampled_from(list(aps.FrameType)),
    octet,
    octet,
    short,
    st.booleans(),
    st.one_of(st.none(), st.tuples(st.booleans(), octet)),
    st.binary(max_size=40),
)
def test_an_aps_frame_is_read_as_it_was_written(
    kind: aps.FrameType,
    counter: int,
    endpoint: int,
    cluster: int,
    secured: bool,
    part: tuple[bool, int] | None,
    payload: bytes,
) -> None:
    addressed = kind is not aps.FrameType.COMMAND
    block = None
    if part is not None and addressed:
        received = 0x01 if kind is aps.FrameType.ACK else None
        block = aps.BlockHeader(part[0], part[1], received)
    header = aps.ApsHeader(
        kind,
        counter,
        destination_endpoint=endpoint if addressed else 0,
        cluster_id=cluster if addressed else 0,
        secured=secured,
        block=block,
    )
    if secured:
        octets = header.seal(LINK_KEY, AuxiliaryHeader(KeyId.LINK, 5), METER, payload)
    else:
        octets = header.to_bytes() + payload
    envelope = aps.parse(octets)
    assert envelope.header == header
    assert envelope.open(LINK_KEY, METER) == payload


@examples
@given(st.binary(max_size=130))
def test_noise_is_malformed_or_a_value(octets: bytes) -> None:
    for read in (mac.MacFrame.from_bytes, nwk.parse, aps.parse):
        with suppress(MalformedFrame):
            read(octets)
    zdo.told_addresses(zdo.DEVICE_ANNCE, octets)


@examples
@given(st.integers(0, len(GET) - 3))
def test_a_frame_cut_short_is_refused(length: int) -> None:
    with pytest.raises((MalformedFrame, NotAuthentic)):
        aps.parse(
            nwk.parse(mac.MacFrame.from_bytes(GET[:length]).payload).open(NETWORK_KEY).payload
        )
