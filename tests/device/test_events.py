"""The event stream: order, failing observers, and how events read as JSON."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import Enum

import pytest

from device import events
from device.events import (
    ClockStepped,
    CommandReceived,
    CommandRefused,
    Eui64,
    Event,
    EventStream,
    FrameIgnored,
    Joined,
    LogEntry,
    RadioUp,
    to_json,
    to_json_line,
)
from gbcs.stamp import Reliability

AT = datetime(2015, 1, 1, tzinfo=UTC)
GPF = 0x00DB1234567890A3


class Why(Enum):
    BECAUSE = "because"


def up(device: int = GPF) -> RadioUp:
    return RadioUp(moment=AT, device=device)


def test_events_come_in_the_order_published_even_from_inside_a_subscriber() -> None:
    stream, seen = EventStream(), list[int]()

    def echo(event: Event) -> None:
        if event.device == 1:
            stream.publish(up(2))
            stream.publish(up(3))

    stream.subscribe(echo)
    stream.subscribe(lambda event: seen.append(event.device))
    stream.publish(up(1))
    stream.publish(up(4))
    assert seen == [1, 2, 3, 4]


def test_a_failing_subscriber_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    stream, seen = EventStream(), list[Event]()

    def fail(_: Event) -> None:
        raise KeyError("observer")

    stream.subscribe(fail)
    stream.subscribe(seen.append)
    with caplog.at_level(logging.WARNING):
        stream.publish(up())
        stream.publish(up())
    assert len(seen) == 2
    assert "RadioUp of 00DB1234567890A3" in caplog.text


def test_a_subscriber_hears_only_the_types_it_named_until_it_leaves() -> None:
    stream, seen = EventStream(), list[Event]()
    leave = stream.subscribe(seen.append, Joined)
    joined = Joined(moment=AT, device=GPF, peer=5, kind="associated")
    stream.publish(up())
    stream.publish(joined)
    leave()
    stream.publish(joined)
    assert seen == [joined]


def test_json_writes_identifiers_and_codes_as_hex_and_enums_by_name() -> None:
    refused = CommandRefused(
        moment=AT,
        device=GPF,
        refusal=Why.BECAUSE,
        detail="no",
        security_log_code=0x8F3D,
        originator=0x90B3D51F30010000,
        originator_counter=1000,
    )
    assert to_json(refused) == {
        "event": "CommandRefused",
        "moment": "2015-01-01T00:00:00Z",
        "device": "00DB1234567890A3",
        "refusal": "BECAUSE",
        "detail": "no",
        "security_log_code": "0x8F3D",
        "message_code": None,
        "originator": "90B3D51F30010000",
        "originator_counter": 1000,
    }


def test_json_of_octets_moments_and_unknown_numbers() -> None:
    entry = LogEntry(moment=AT, device=1, log="event", code=0x8154, at=None, other=b"\x00\x9b")
    assert to_json(entry)["other"] == "009B"
    ignored = FrameIgnored(
        moment=AT, device=1, peer=2, cluster_id=0x702, reason="r", octets=b"\xff"
    )
    assert to_json(ignored)["cluster_id"] == "0x0702"


def test_one_event_is_one_line() -> None:
    stepped = ClockStepped(
        moment=AT + timedelta(milliseconds=5),
        device=1,
        occurrence=Why.BECAUSE,
        before=AT,
        after=AT,
        status_before=Reliability.INVALID,
        status=Reliability.RELIABLE,
        adjusted=True,
        alert=False,
    )
    line = to_json_line(stepped)
    assert "\n" not in line
    assert json.loads(line)["status"] == "RELIABLE"
    assert json.loads(line)["moment"] == "2015-01-01T00:00:00.005000Z"


def test_every_event_type_is_documented_and_knows_its_device() -> None:
    types = [t for t in vars(events).values() if isinstance(t, type) and issubclass(t, Event)]
    assert len(types) > 15
    for event_type in types:
        assert event_type.__doc__
        assert {"moment", "device"} <= {f.name for f in fields(event_type)}


def test_received_commands_name_the_unknown_remote_party() -> None:
    received = CommandReceived(
        moment=AT,
        device=GPF,
        use_case="GCS61",
        message_code=0xB9,
        originator=1,
        originator_counter=2,
        supplementary_id=3,
    )
    assert to_json(received)["supplementary_id"] == "0000000000000003"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Event):
    """An event type of somebody else."""

    peers: tuple[Eui64, ...]
    took: timedelta
    share: float
    good: bool


def test_event_types_of_others_are_written_by_their_annotations() -> None:
    event = Measured(
        moment=AT, device=1, peers=(1, 2), took=timedelta(seconds=1.5), share=0.5, good=True
    )
    written = to_json(event)
    assert written["peers"] == ["0000000000000001", "0000000000000002"]
    assert (written["took"], written["share"], written["good"]) == (1.5, 0.5, True)
