"""The stamp of a GPF's Response, from the provenance of what it returns (SECMP0015)."""

from datetime import UTC, datetime, timedelta

import pytest

from gbcs.stamp import Reliability, Source
from gbcs.zcl.types import DataType, zcl_seconds
from gpf.mirror import INVALID_UTC, METERING, READING_SNAPSHOT_TIME, Mirror
from gpf.settings import GpfSettings
from gpf.stamp import NOTHING_PUSHED, Provenance, stamp_of

TEN = datetime(2026, 1, 5, 10, tzinfo=UTC)
LATER = TEN + timedelta(minutes=20)
DEFAULT = GpfSettings()


@pytest.mark.parametrize(
    ("provenance", "settings", "octets"),
    [
        pytest.param(
            Provenance(TEN, Source.GSME, Reliability.RELIABLE),
            DEFAULT,
            "07ea0105ff0a000000800004",
            id="GSME's time",
        ),
        pytest.param(
            Provenance(TEN, Source.OWN, Reliability.RELIABLE),
            DEFAULT,
            "07ea0105ff0a000000800000",
            id="own time of receipt",
        ),
        pytest.param(
            Provenance(TEN, Source.OWN, Reliability.RELIABLE),
            GpfSettings(own_stamp="response_time"),
            "07ea0105ff0a140000800000",
            id="own time of the Response",
        ),
        pytest.param(
            Provenance(TEN, Source.GSME, Reliability.UNRELIABLE),
            DEFAULT,
            "07ea0105ff0a000000800006",
            id="GSME's unreliable time",
        ),
        pytest.param(
            Provenance(TEN, Source.GSME, Reliability.UNRELIABLE),
            GpfSettings(report_gsme_unreliable=False),
            "07ea0105ff0a000000800002",
            id="GSME's unreliable time, base not told",
        ),
        pytest.param(NOTHING_PUSHED, DEFAULT, "ffffffffffffffffff800001", id="nothing pushed"),
        pytest.param(
            Provenance(TEN, Source.OWN, Reliability.INVALID),
            GpfSettings(invalid_time_encoding="stale"),
            "07ea0105ff0a000000800001",
            id="invalid, last known moment kept",
        ),
    ],
)
def test_the_stamp_says_when_whose_clock_and_how_reliable(
    provenance: Provenance, settings: GpfSettings, octets: str
) -> None:
    assert stamp_of([provenance], LATER, settings).to_bytes().hex() == octets


def test_values_of_two_pushes_are_stamped_with_the_older_and_the_worse() -> None:
    old = Provenance(TEN, Source.GSME, Reliability.RELIABLE)
    new = Provenance(LATER, Source.GSME, Reliability.UNRELIABLE)
    assert stamp_of([new, old], LATER, DEFAULT).to_bytes().hex() == "07ea0105ff0a000000800006"


def mirror() -> Mirror:
    return Mirror(own_reliability=lambda: Reliability.RELIABLE)


def test_a_push_takes_effect_when_it_is_complete_and_not_before() -> None:
    held = mirror()
    held.receive((METERING, 0x0000), DataType.UINT48, 1000, TEN)
    assert held.get(METERING, 0x0000) is None
    held.complete()
    first = held.get(METERING, 0x0000)
    assert first is not None
    assert (first.value, first.provenance.taken_at) == (1000, TEN)


def test_the_snapshot_time_covers_values_of_earlier_frames_of_the_same_push() -> None:
    held, stated = mirror(), TEN - timedelta(seconds=7)
    held.receive((METERING, 0x0000), DataType.UINT48, 1000, TEN)
    held.receive((METERING, READING_SNAPSHOT_TIME), DataType.UTC_TIME, zcl_seconds(stated), TEN)
    held.complete()
    value = held.get(METERING, 0x0000)
    assert value is not None
    assert value.provenance == Provenance(stated, Source.GSME, Reliability.RELIABLE)


def test_a_push_without_its_last_frame_is_complete_after_a_while() -> None:
    held = mirror()
    held.receive((METERING, 0x0000), DataType.UINT48, 1000, TEN)
    deadline = held.deadline
    assert deadline == TEN + timedelta(seconds=30)
    held.poll(deadline)
    assert held.get(METERING, 0x0000) is not None
    assert held.deadline is None


def test_a_meter_that_has_no_time_makes_an_invalid_stamp() -> None:
    held = mirror()
    held.receive((METERING, READING_SNAPSHOT_TIME), DataType.UTC_TIME, INVALID_UTC, TEN)
    held.receive((METERING, 0x0000), DataType.UINT48, 1000, TEN)
    held.complete()
    stamp = stamp_of(held.provenances(iter([(METERING, 0x0000)])), LATER, DEFAULT)
    assert (stamp.source, stamp.reliability, stamp.at) == (Source.GSME, Reliability.INVALID, None)
