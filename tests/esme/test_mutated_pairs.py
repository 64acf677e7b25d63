"""Recorded pairs with other values, other logs and other failures are answered as well."""

from __future__ import annotations

import random

import pytest

from esme.conformance import replay
from gbcs.dlms.apdu import AccessRequest, AccessResponse, Result
from gbcs.envelope import Message
from gbcs.keys import KeyStore
from gbcs.rtds import RtdsFile
from tests.esme.mutation import with_a_failure, with_other_values
from tests.esme.test_conformance import recorded

FIXED = frozenset(
    {
        "1/0-0:96.1.1.255/2",  # the device identifier
        "8/0-0:1.0.0.255/2",  # the clock, which stands at the moment of the pair
        "8/0-0:1.0.0.255/4",
        "1/0-0:94.44.0.0/2",  # offset, limit and number follow from each other
        "1/0-0:94.44.0.1/2",
        "1/0-0:94.44.0.2/2",
    }
)
"""What a meter cannot hold another value of, or not by itself."""


def failed_at(response: Message) -> int:
    results = AccessResponse.parse(response.payload).results
    return next((n for n, one in enumerate(results) if one.result), len(results))


@pytest.mark.parametrize("seed", range(2))
def test_a_meter_answers_whatever_values_it_holds(
    rtds_files: list[RtdsFile], rtds_keys: KeyStore, seed: int
) -> None:
    draw, outcomes, changed = random.Random(seed), dict[str, str](), 0
    for name, command, response in recorded(rtds_files):
        asked = AccessRequest.parse(command.payload)
        made = with_other_values(asked, response, rtds_keys, draw, FIXED)
        changed += made != response
        outcomes[name] = replay(command, made, rtds_keys)
    assert changed > 60
    assert {name: why for name, why in outcomes.items() if why} == {}


@pytest.mark.parametrize("seed", range(2))
def test_a_meter_that_fails_at_any_item_refuses_all_that_follow(
    rtds_files: list[RtdsFile], rtds_keys: KeyStore, seed: int
) -> None:
    draw, outcomes, places = random.Random(seed), dict[str, str](), set[int]()
    for name, command, response in recorded(rtds_files):
        if failed_at(response) == len(AccessResponse.parse(response.payload).results):
            made = with_a_failure(response, draw)
            places.add(failed_at(made))
            outcomes[name] = replay(command, made, rtds_keys)
    assert len(places) > 10
    assert {name: why for name, why in outcomes.items() if why} == {}


def test_a_response_that_no_meter_gives_is_found_out(
    rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    _, command, response = next(
        pair for pair in recorded(rtds_files) if pair[0].startswith("ECS26c_6.2.2_SUCCESS")
    )
    read = AccessResponse.parse(response.payload)
    assert {one.result for one in read.results} == {Result.SUCCESS}
    impossible = response.payload.replace(b"\x12\x00\xc8", b"\x12\x00\xc9", 1)
    assert impossible != response.payload
    made = Message.parse(response.to_bytes())
    object.__setattr__(made, "payload", impossible)
    assert replay(command, made, rtds_keys).startswith("item ")
