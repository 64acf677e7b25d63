"""The 12-octet date-time."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gbcs.errors import LocalError, MalformedMessage
from gbcs.stamp import NEVER, NOW, Reliability, Source, Stamp, status_octet


@pytest.mark.parametrize(
    ("octets", "hour", "source", "reliability"),
    [  # RTDS 4.5.0, responses of GCS13a; the last one of ECS17b
        ("07df0101ff00000000800000", 0, Source.OWN, Reliability.RELIABLE),
        ("07df0101ff00000000800004", 0, Source.GSME, Reliability.RELIABLE),
        ("07df0101ff09000000800002", 9, Source.OWN, Reliability.UNRELIABLE),
        ("07df0101ff000000008000ff", 0, Source.OWN, Reliability.NOT_SPECIFIED),
    ],
)
def test_stamp_octets(octets: str, hour: int, source: Source, reliability: Reliability) -> None:
    stamp = Stamp.of(datetime(2015, 1, 1, hour, tzinfo=UTC), source, reliability)
    assert stamp.to_bytes().hex() == octets
    assert Stamp.from_bytes(bytes.fromhex(octets)) == stamp
    assert (stamp.source, stamp.reliability) == (source, reliability)
    assert stamp.at == datetime(2015, 1, 1, hour, tzinfo=UTC)


def test_an_invalid_time_of_the_gas_meter() -> None:
    assert status_octet(Source.GSME, Reliability.INVALID) == 0x05


def test_unknown_status_bits_survive() -> None:
    octets = bytes.fromhex("07df0101ff00000000800078")
    assert Stamp.from_bytes(octets).to_bytes() == octets


@pytest.mark.parametrize(("stamp", "words"), [(NOW, "now"), (NEVER, "never")])
def test_the_two_reserved_times_have_no_moment(stamp: Stamp, words: str) -> None:
    assert stamp.at is None
    assert Stamp.from_bytes(stamp.to_bytes()) == stamp
    assert str(stamp).startswith(words)


def test_a_deviation_is_taken_into_account() -> None:
    one_hour_behind = Stamp.from_bytes(bytes.fromhex("07df0101ff0c000000ffc400"))
    assert one_hour_behind.at == datetime(2015, 1, 1, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    "octets",
    [
        "07df0101ff000000008000",  # eleven octets
        "07df0d01ff00000000800000",  # month 13
        "07df0120ff00000000800000",  # day 32
        "07df0101ff18000000800000",  # hour 24
        "07df0101ff00003c00800000",  # second 60
    ],
)
def test_impossible_fields_are_malformed(octets: str) -> None:
    with pytest.raises(MalformedMessage):
        Stamp.from_bytes(bytes.fromhex(octets))


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(LocalError):
        Stamp.of(datetime(2015, 1, 1))  # noqa: DTZ001 - the mistake under test


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 255))
@settings(max_examples=60)
def test_moments_survive(moment: datetime, status: int) -> None:
    stamp = Stamp.with_status(moment, status)
    assert Stamp.from_bytes(stamp.to_bytes()) == stamp
    assert stamp.at == moment.replace(microsecond=0)


@given(st.binary(min_size=12, max_size=12))
@settings(max_examples=100)
def test_twelve_octets_are_a_stamp_or_malformed(octets: bytes) -> None:
    try:
        stamp = Stamp.from_bytes(octets)
    except MalformedMessage:
        return
    assert stamp.to_bytes() == octets
    assert str(stamp)
