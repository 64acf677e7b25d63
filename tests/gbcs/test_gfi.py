"""The GFI text form: lines cut from a stream, whatever the stream does."""

from hypothesis import given
from hypothesis import strategies as st

from gbcs.envelope import MESSAGE_LIMIT_OCTETS
from gbcs.errors import MalformedMessage
from gbcs.gfi import GfiReader, from_gfi, to_gfi

LINE = b"GBCS:DATA#0:4:DD0000FF\r\n"


def test_a_line_is_its_count_in_octets_and_upper_case_hex() -> None:
    assert to_gfi(bytes.fromhex("dd0000ff")) == LINE
    assert from_gfi(LINE).hex() == "dd0000ff"


def test_a_wrong_count_names_both_numbers() -> None:
    [error] = GfiReader().feed(b"GBCS:DATA#0:5:DD0000FF\r\n")
    assert isinstance(error, MalformedMessage)
    assert "5 octets" in str(error)
    assert "8 hex digits" in str(error)


def test_a_bad_line_costs_nothing_after_it() -> None:
    first, second = GfiReader().feed(b"GET / HTTP/1.1\r\n" + LINE)
    assert isinstance(first, MalformedMessage)
    assert second == bytes.fromhex("dd0000ff")


def test_a_megabyte_without_a_line_end_is_one_error_and_is_not_kept() -> None:
    reader = GfiReader()
    errors = [found for _ in range(16) for found in reader.feed(b"\xff" * 65_536)]
    assert len(errors) == 1
    assert reader.feed(b"\xff\n" + LINE) == [bytes.fromhex("dd0000ff")]


@given(st.lists(st.binary(max_size=80), max_size=5), st.lists(st.integers(1, 50), max_size=20))
def test_messages_survive_any_cutting_of_the_stream(messages: list[bytes], cuts: list[int]) -> None:
    stream, reader, found = b"".join(map(to_gfi, messages)), GfiReader(), []
    for cut in [*cuts, len(stream)]:
        found += reader.feed(stream[:cut])
        stream = stream[cut:]
    assert found == messages


def test_the_limit_is_above_every_reference_message() -> None:
    assert MESSAGE_LIMIT_OCTETS > 3986
