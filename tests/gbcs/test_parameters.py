"""Typed parameters of cluster commands."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gbcs.body import GbzAlertBody, decode_body, sealed_parts
from gbcs.catalogue.clusters import command
from gbcs.envelope import Message
from gbcs.errors import GbcsError, LocalError, MalformedMessage
from gbcs.gbz import Gbz
from gbcs.keys import KeyStore
from gbcs.plain import date_to_text, text_to_date
from gbcs.protection import attribute_cipher
from gbcs.rtds import RtdsFile
from gbcs.zcl.composite import LAYOUTS, Row
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import decode_general
from gbcs.zcl.parameters import Parameters, decode_parameters, encode_parameters


def _decode(cluster: int, control: int, command_id: int, payload: str) -> Parameters:
    return decode_parameters(cluster, Frame(control, 0, command_id, bytes.fromhex(payload)))


def test_every_reference_component_is_typed_and_rebuilt(
    rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    seen = set()
    for file in rtds_files:
        message = Message.parse(file.octets)
        if message.payload[:2] != b"\x01\x09":
            continue
        body = decode_body(message)
        assert isinstance(body, (Gbz, GbzAlertBody))
        cipher = attribute_cipher(message, rtds_keys) if sealed_parts(body) else None
        for component in body.components:
            opened = component.opened(cipher) if cipher else component
            frame = opened.frame
            if not frame.is_cluster_command:
                assert decode_general(frame.command_id, frame.payload).to_bytes() == frame.payload
                continue
            values = decode_parameters(opened.cluster_id, frame)
            key = (opened.cluster_id, frame.from_server, frame.command_id)
            seen.add(key)
            again = encode_parameters(key[0], key[2], values, from_server=frame.from_server)
            assert again == frame.payload, file.name
    assert len(seen & LAYOUTS.keys()) > 8


# RTDS 4.5.0: GCS61, GCS16b, GCS15b, GCS01a, GCS20
_KNOWN = [
    (
        0x0702, 0x09, 0x07, "0100801B2A1C00FFFF02004ABE008E4400",
        "Samples", [{"samples": [48714, 17550]}],
    ),
    (
        0x0705, 0x09, 0x01,
        "000000001026351C1F000101000000008200000079000000DF000000CA0000003200000042000000",
        "Snapshot Payload",
        [{
            "accumulated_debt": 130, "debt_1_remaining": 121, "debt_2_remaining": 223,
            "debt_3_remaining": 202, "emergency_credit_remaining": 50, "credit_remaining": 66,
        }],
    ),
    (
        0x0700, 0x09, 0x06,
        "00000000804A371C90888138010000000001010340420F00000080841E000000C0C62D000000",
        "Block Threshold Sub-payload",
        [{"tier_and_count": 3, "thresholds": [1000000, 2000000, 3000000]}],
    ),
    (
        0x0708, 0x09, 0x04, "804A371C000000000800010E81",
        "Event Configuration Payload", [{"event_ids": [0x810E]}],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("cluster", "control", "command_id", "payload", "name", "rows"), _KNOWN)
def test_rows_of_reference_payloads(
    cluster: int, control: int, command_id: int, payload: str, name: str, rows: object
) -> None:
    values = _decode(cluster, control, command_id, payload)
    assert values[name] == rows
    assert encode_parameters(cluster, command_id, values, from_server=True).hex().upper() == payload


@pytest.mark.parametrize("kind", [0x00, 0x02, 0x04, 0x06, 0x7F])
def test_every_kind_of_snapshot(kind: int) -> None:
    head = f"00000000006C0E1C02000108000000{kind:02X}"
    summation = "900000000000"
    bill = "01000000" + "02000000" + "03000000" + "04000000" + "05" if kind in (0, 2) else ""
    tiers = "02" + "010000000000" * 2
    blocks = "11" + "020000000000" if kind in (2, 6) else ""
    payload = head + summation + bill + tiers + blocks
    values = _decode(0x0702, 0x09, 0x06, payload)
    rows = values["SnapshotSub-Payload"]
    assert isinstance(rows, bytes if kind == 0x7F else list)
    assert encode_parameters(0x0702, 0x06, values, from_server=True).hex().upper() == payload


@pytest.mark.parametrize(
    ("control", "rest"), [(0, "01810E"), (1, "0100"), (2, "03"), (3, "08"), (9, "AABB")]
)
def test_every_kind_of_event_configuration(control: int, rest: str) -> None:
    payload = f"804A371C0000000008{control:02X}{rest}"
    values = _decode(0x0708, 0x09, 0x04, payload)
    assert encode_parameters(0x0708, 0x04, values, from_server=True).hex().upper() == payload


def test_logs_of_top_ups_debts_and_events() -> None:
    top_ups = "000114" + "37" * 20 + "40420F00" + "001E2F1C"
    assert _decode(0x0705, 0x09, 0x05, top_ups)["Top Up Payload"] == [
        {"top_up_code": b"7" * 20, "top_up_amount": 1000000, "top_up_time": 0x1C2F1E00}
    ]
    debts = "0001" + "001E2F1C" + "0A000000" + "02" + "0B000000"
    values = _decode(0x0705, 0x09, 0x06, debts)
    assert encode_parameters(0x0705, 0x06, values, from_server=True).hex().upper() == debts
    events = "0100000100" + "031F8F00F9351C00"
    values = _decode(0x0709, 0x09, 0x01, events)
    assert encode_parameters(0x0709, 0x01, values, from_server=True).hex().upper() == events


@pytest.mark.parametrize(
    ("cluster", "control", "command_id", "payload"),
    [
        (0x0702, 0x09, 0x07, "0100801B2A1C00FFFF0200 4ABE00"),  # one sample for two
        (0x0702, 0x09, 0x07, "0100801B2A1C00FFFF0000 4ABE00"),
        (0x0702, 0x09, 0x06, "00000000006C0E1C0200010800000004 900000000000 00 00"),
        (0x0708, 0x09, 0x04, "804A371C000000000800010E8100"),
        (0x0705, 0x01, 0x0C, "00"),
        (0x0705, 0x01, 0x09, "0000000000"),
        (0x0705, 0x01, 0x77, ""),
        (0x0705, 0x00, 0x09, "00000000"),
    ],
)
def test_wrong_parameters_are_malformed(
    cluster: int, control: int, command_id: int, payload: str
) -> None:
    with pytest.raises(MalformedMessage):
        _decode(cluster, control, command_id, payload)


_SAMPLES = {
    "SampleID": 1,
    "SampleStartTime": 0,
    "SampleType": 0,
    "SampleRequestInterval": 0,
    "NumberOfSamples": 0,
}


@pytest.mark.parametrize(
    ("cluster", "command_id", "values", "reason"),
    [
        (0x0705, 0x77, {}, "no command"),
        (0x0705, 0x09, {}, "needs 'Low Credit"),
        (0x0705, 0x09, {"Low Credit Warning Level": []}, "one value"),
        (0x0705, 0x09, {"Low Credit Warning Level": 1, "Other": 1}, "no parameter 'Other'"),
    ],
)
def test_parameters_that_cannot_be_written(
    cluster: int, command_id: int, values: Parameters, reason: str
) -> None:
    with pytest.raises(LocalError, match=reason):
        encode_parameters(cluster, command_id, values, from_server=False)


@pytest.mark.parametrize("rows", [5, [], [{"samples": 5}], [{}], [{"samples": [1 << 24]}]])
def test_rows_that_cannot_be_written(rows: object) -> None:
    values: Parameters = {**_SAMPLES, "Samples": rows}  # type: ignore[dict-item]  # wrong on purpose
    with pytest.raises(LocalError):
        encode_parameters(0x0702, 0x07, values, from_server=True)


@given(st.sampled_from(sorted(LAYOUTS)), st.binary(max_size=60))
@settings(max_examples=300)
def test_arbitrary_payloads_are_parameters_or_malformed(
    key: tuple[int, bool, int], payload: bytes
) -> None:
    cluster, from_server, command_id = key
    spec = command(cluster, command_id, from_server=from_server)
    assert spec is not None
    frame = Frame(0x09 if from_server else 0x01, 0, command_id, payload)
    with contextlib.suppress(GbcsError):
        values = decode_parameters(cluster, frame)
        assert encode_parameters(cluster, command_id, values, from_server=from_server) == payload


def test_rows_take_dates_times_and_octets_as_people_write_them() -> None:
    seasons = "00000000804A371C804A371C0001FF0314FF01"  # GCS01a: 20 March of any year
    values = _decode(0x0707, 0x09, 0x03, seasons)
    assert values["Season Entry"] == [{"start_date": 0xFF1403FF, "week_id": 1}]
    assert date_to_text(0xFF1403FF) == "*-03-20"
    values["Season Entry"] = [{"start_date": "*-03-20", "week_id": "1"}]
    assert encode_parameters(0x0707, 0x03, values, from_server=True).hex().upper() == seasons
    top_ups: Parameters = {"Command Index": 0, "Total Number of Commands": 1}
    row: Row = {"top_up_code": "7" * 20, "top_up_amount": 5, "top_up_time": "2015-01-01T00:00:00Z"}
    octets = encode_parameters(0x0705, 0x05, {**top_ups, "Top Up Payload": [row]}, from_server=True)
    assert octets.hex() == "000114" + "37" * 20 + "05000000" + "804a371c"


@pytest.mark.parametrize("text", ["2014-09-23", "*-09-23", "2014-*-*", "*-*-*"])
def test_dates_survive_as_text(text: str) -> None:
    assert date_to_text(text_to_date(text)) == text


def test_other_dates() -> None:
    assert text_to_date(date_to_text(0x01140372)) == 0x01140372  # with a day of the week
    for text in ("1899-01-01", "2200-01-01", "tomorrow"):
        with pytest.raises(LocalError):
            text_to_date(text)
