"""Excursions and outages; numbers from the bench's acceptance scenarios."""

from datetime import timedelta

import pytest

from esme.metrology import Metrology
from esme.physics.site import Phase, Site
from esme.voltage.codes import Quality
from tests.esme.bench import at, clock_times, codes, mains, meter, volts, watts

START = at("10:00:00")


def watched(site: Site, quality: Quality, threshold_v: int, duration_s: int = 30) -> Metrology:
    measuring = meter(site, START)
    limit = measuring.measured.limits[quality]
    limit.threshold_v, limit.duration_s = threshold_v, duration_s
    return measuring


def excursion(voltage: float, lasting_s: int) -> Site:
    out, back = START + timedelta(seconds=60), START + timedelta(seconds=60 + lasting_s)
    return mains(volts(230, (out, voltage), (back, 230)))


def test_a_short_excursion_is_not_reported() -> None:
    measuring = watched(excursion(290, 29), Quality.EXTREME_OVER, 287)
    assert measuring.advance(at("10:10")) == ()


def test_an_excursion_of_just_the_duration_is_not_longer_than_it() -> None:
    measuring = watched(excursion(290, 30), Quality.EXTREME_OVER, 287)
    assert measuring.advance(at("10:10")) == ()


def test_a_duration_that_is_made_shorter_meanwhile_is_over_at_once() -> None:
    measuring = watched(mains(volts(290), watts(3600)), Quality.EXTREME_OVER, 287, duration_s=3600)
    assert measuring.advance(at("10:30")) == ()
    measuring.measured.limits[Quality.EXTREME_OVER].duration_s = 60
    (event,) = measuring.advance(at("10:40"))
    assert (event.code, event.at) == (0x8020, at("10:30"))
    assert measuring.measured.energy.readings().active_import_wh == 2400


def test_a_long_excursion_is_reported_when_it_begins_and_when_it_ends() -> None:
    measuring = watched(excursion(290, 31), Quality.EXTREME_OVER, 287)
    events = measuring.advance(at("10:10"))
    assert codes(events) == ["8020", "808D"]
    assert clock_times(event.at for event in events) == ["10:01:30", "10:02:01"]


def test_a_short_return_does_not_end_an_excursion() -> None:
    script = [(60, 290), (120, 230), (149, 290), (200, 230)]
    steps = [(START + timedelta(seconds=s), v) for s, v in script]
    measuring = watched(mains(volts(230, *steps)), Quality.EXTREME_OVER, 287)
    events = measuring.advance(at("10:10"))
    assert codes(events) == ["8020", "808D"]
    assert clock_times(event.at for event in events) == ["10:01:30", "10:03:50"]


@pytest.mark.parametrize(
    ("quality", "threshold_v", "voltage", "expected"),
    [
        (Quality.EXTREME_OVER, 287, 288, ["8022", "808F"]),
        (Quality.EXTREME_UNDER, 180, 179, ["802A", "8097"]),
        (Quality.SWELL, 253, 254, ["8026", "8093"]),
        (Quality.SAG, 216, 215, ["802E", "809B"]),
    ],
)
def test_on_three_phases_the_codes_name_the_phase(
    quality: Quality, threshold_v: int, voltage: float, expected: list[str]
) -> None:
    site = Site((Phase(), *excursion(voltage, 40).phases, Phase()))
    assert codes(watched(site, quality, threshold_v).advance(at("10:10"))) == expected


@pytest.mark.parametrize(("threshold_v", "duration_s"), [(0, 30), (287, 0)])
def test_a_zero_switches_an_excursion_off(threshold_v: int, duration_s: int) -> None:
    measuring = watched(excursion(300, 600), Quality.EXTREME_OVER, threshold_v, duration_s)
    assert measuring.advance(at("10:20")) == ()


def test_a_missing_supply_is_no_sag() -> None:
    measuring = watched(excursion(0, 120), Quality.SAG, 216)
    assert codes(measuring.advance(at("10:20"))) == ["8F57", "8F35"]


def test_an_outage_interrupts_the_wait_for_an_excursion() -> None:
    script = [(60, 290.0), (80, 0.0), (82, 290.0), (111, 230.0)]
    steps = [(START + timedelta(seconds=s), v) for s, v in script]
    measuring = watched(mains(volts(230, *steps)), Quality.EXTREME_OVER, 287)
    assert codes(measuring.advance(at("10:10"))) == ["8F57", "8F35"]


@pytest.mark.parametrize(
    ("restored", "code"), [("23:52:59", "8F35"), ("23:53", "8F36"), ("23:59", "8F36")]
)
def test_an_outage_is_reported_when_it_is_over(restored: str, code: str) -> None:
    site = mains(volts(230, (at("23:50"), 0), (at(restored), 230)))
    measuring = meter(site, at("12:00"))
    assert measuring.advance(at("23:51")) == ()
    interrupted, back = measuring.advance(at("00:10", day=1))
    assert codes([interrupted, back]) == ["8F57", code]
    assert (interrupted.at, back.at) == (at("23:50"), at(restored))
    assert (back.interrupted_at, back.restores_supply) == (at("23:50"), True)


def test_one_lost_phase_of_three_is_reported_at_once() -> None:
    lost = Phase(volts(230, (at("10:05"), 0), (at("10:07"), 230)))
    measuring = meter(Site((Phase(), Phase(), lost)), START)
    events = measuring.advance(at("10:30"))
    assert codes(events) == ["8F5A", "8F3B"]
    assert clock_times(event.at for event in events) == ["10:05:00", "10:07:00"]


def test_all_phases_lost_is_one_outage_and_a_phase_may_stay_away() -> None:
    early, late = volts(230, (at("10:05"), 0), (at("10:09"), 230)), volts(230, (at("10:05"), 0))
    measuring = meter(Site((Phase(early), Phase(early), Phase(late))), START)
    assert codes(measuring.advance(at("10:30"))) == ["8F57", "8F36", "8F5A"]


def test_the_next_deadline_is_when_something_can_be_noticed() -> None:
    measuring = watched(excursion(290, 60), Quality.EXTREME_OVER, 287)
    seen = []
    for _ in range(4):
        deadline = measuring.deadline
        assert deadline is not None
        seen.append((f"{deadline:%H:%M:%S}", codes(measuring.advance(deadline))))
    assert seen == [
        ("10:01:00", []),
        ("10:01:30", ["8020"]),
        ("10:02:00", []),
        ("10:02:30", ["808D"]),
    ]
