"""Time series from a CSV text or a Parquet file: a measured load, or a measured voltage.

The column ``time`` says from when on a row's values hold, until the next row's: ISO 8601 with an
offset from UTC, or a timestamp with a time zone. Other columns are named by whoever asks; numbers
may have three decimals. Parquet is read by pyarrow, which is imported when it is needed.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
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


def read_parquet(path: Path, column: str, *, before: int = 0) -> Steps:
    """One column of a Parquet file as a signal in thousandths, binary fractions rounded to them.

    LocalError names the row that cannot be read; ModuleNotFoundError when pyarrow is absent.
    """
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(path)
        for missing in {"time", column} - set(table.schema_arrow.names):
            raise LocalError(f"the series has no column {missing!r}")
        return Steps(before, _parquet_rows(table, column))
    except pyarrow.ArrowException as exc:
        raise LocalError(f"not a Parquet file: {exc}") from exc


def _parquet_rows(table: object, column: str) -> Iterator[tuple[datetime, int]]:
    number = 0
    for batch in table.iter_batches(columns=["time", column]):  # type: ignore[attr-defined]  # pyarrow has no types
        try:
            times, values = (batch.column(name).to_pylist() for name in ("time", column))
        except ValueError as exc:
            raise LocalError(f"after row {number} of the series: {exc}") from exc
        for time, value in zip(times, values, strict=True):
            number += 1
            try:
                yield _moment(time), _of_number(value)
            except (ValueError, TypeError, ArithmeticError) as exc:
                raise LocalError(f"row {number} of the series: {exc}") from exc


def _rows(reader: csv.DictReader[str], column: str) -> Iterator[tuple[datetime, int]]:
    for missing in {"time", column} - set(reader.fieldnames or ()):
        raise LocalError(f"the series has no column {missing!r}")
    for row in reader:
        try:
            yield _moment(row["time"]), _thousandths(row[column])
        except (ValueError, TypeError, ArithmeticError) as exc:
            raise LocalError(f"row {reader.line_num} of the series: {exc}") from exc


def _moment(written: str | datetime | None) -> datetime:
    if written is None:
        raise ValueError("there is no time")
    moment = written if isinstance(written, datetime) else datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise ValueError(f"{written} does not say its offset from UTC")
    return moment.astimezone(UTC)


def _of_number(value: object) -> int:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is no measured value")
        return round(value * THOUSANDTHS)
    if not isinstance(value, int | Decimal):
        raise TypeError(f"{value!r} is no number")
    return _thousandths(str(value))


def _thousandths(text: str) -> int:
    exact = Decimal(text) * THOUSANDTHS
    if exact != exact.to_integral_value():
        raise ValueError(f"{text} has more than three decimals")
    return int(exact)
