"""What payments have recovered of debt, as long as the cap on it asks."""

from datetime import UTC, datetime, timedelta

from device.recovered import PLACES, Recovered

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)


def paid(times: int, every: timedelta) -> Recovered:
    found = Recovered()
    for number in range(times):
        found.add(START + number * every, 10, WEEK)
    return found


def test_a_payment_counts_until_the_period_is_over() -> None:
    found = paid(3, HOUR)
    assert [found.since(START + hours * HOUR - WEEK) for hours in (2, 168, 169, 170)] == (
        [30, 20, 10, 0]
    )


def test_many_payments_are_all_counted_in_few_places() -> None:
    found = paid(1000, timedelta(minutes=1))
    assert len(found.payments) == PLACES
    assert found.since(START - WEEK) == 10_000


def test_payments_of_former_weeks_are_forgotten() -> None:
    found = paid(1000, 10 * HOUR)
    assert len(found.payments) == 17
    assert found.since(START) == 170
