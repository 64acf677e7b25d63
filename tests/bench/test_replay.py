"""Reference commands against emulated devices, and what the replay says when they differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.replay import pair_of, replay, replay_directory
from bench.replay_pair import Pair, difference_of
from gbcs.envelope import Message
from gbcs.gbz import Gbz
from gbcs.keys import KeyStore
from gbcs.protection import attribute_cipher
from gbcs.rtds import RtdsFile, pairs

STAMPED = ("GCS13a", "GCS13b", "GCS13c", "GCS14", "GCS60", "GCS60a")


@pytest.mark.parametrize("use_case", STAMPED)
def test_every_recorded_pair_of_a_stamped_read_matches(
    use_case: str, rtds_dir: Path, rtds_files: list[RtdsFile]
) -> None:
    recorded = [f for f in rtds_files if f.name.startswith(f"{use_case}_") and f.kind == "COMMAND"]
    outcome = replay_directory(rtds_dir, only=use_case)
    assert outcome.pairs == len(recorded)
    assert outcome.matched == outcome.pairs
    assert outcome.mismatched == []


def one_pair(files: list[RtdsFile], keys: KeyStore) -> Pair:
    by_name = {file.name: file for file in files}
    name = "GCS13a_4.1.1_SUCCESS_RELIABLE_GSME"
    command = by_name[f"{name}_COMMAND"].octets
    response = Message.parse(by_name[f"{name}_RESPONSE"].octets)
    payload = Gbz.parse(response.payload).opened(attribute_cipher(response, keys))
    return Pair(name, Message.parse(command), response, payload, command)


def test_a_response_that_differs_in_its_stamp_is_named(
    rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    pair = one_pair(rtds_files, rtds_keys)
    assert replay(pair, rtds_keys) is None
    answer = replace(pair.response, originator_counter=pair.response.originator_counter + 1)
    assert str(difference_of(pair, answer, rtds_keys)).startswith("originator counter")
    answer = replace(pair.response, date_time=None)
    assert str(difference_of(pair, answer, rtds_keys)).startswith("date-time")


def test_a_tampered_recorded_command_gets_no_response(
    rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    pair = one_pair(rtds_files, rtds_keys)
    sent = bytes([*pair.sent[:-1], pair.sent[-1] ^ 0x80])
    assert replay(replace(pair, sent=sent), rtds_keys) == "no Response"


PARTNERS = ("CS03A2", "CS03CNonCritical", "CS04ACNonCritical", "CS08", "CS02gLoadControllerBy")


@pytest.mark.parametrize("use_case", PARTNERS)
def test_every_recorded_pair_of_ppmid_hcalcs_and_sapc_matches(
    use_case: str, rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    partners = {0x00DB1234567890A4, 0x00DB1234567890A5, 0x00DB1234567890A6}
    found = [
        (command, answer)
        for command, answer in pairs(rtds_files)
        if command.name.startswith(use_case) and Message.parse(command.octets).recipient in partners
    ]
    assert found
    for command, answer in found:
        assert replay(pair_of(command, answer, rtds_keys), rtds_keys) is None, command.name
