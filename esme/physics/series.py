"""Time series from a CSV text: a measured load, or a measured voltage.

The first column, ``time``, is ISO 8601 with an offset from UTC; a row's values hold from its time
until the next row's. Other columns are named by whoever asks; numbers may have three decimals.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from esme.physics.signal import Steps
from gbcs.errors import LocalError

THOUSANDTHS: Final = 1000
"""Columns are in V, W or var; signals in thousandths of them."""


def read_series(lines: Iterable[str], column: str, *, before: int = 0) -> Steps:
    """One column as a signal in thousandths; ``before`` is its value before the first row.

    LocalError names the row that cannot be read.
    """
    return Steps(before, _rows(csv.DictReader(lines), column))


def _rows(reader: csv.DictReader[str], column: str) -> Iterator[tuple[datetime, int]]:
    for missing in {"time", column} - set(reader.fieldnames or ()):
        raise LocalError(f"the series has no column {missing!r}")
    for row in reader:
        try:
            yield _moment(row["time"]), _thousandths(row[column])
        except (ValueError, TypeError, ArithmeticError) as exc:
            raise LocalError(f"row {reader.line_num} of the series: {exc}") from exc


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} does not say its offset from UTC")
    return moment.astimezone(UTC)


def _thousandths(text: str) -> int:
    exact = Decimal(text) * THOUSANDTHS
    if exact != exact.to_integral_value():
        raise ValueError(f"{text} has more than three decimals")
    return int(exact)
