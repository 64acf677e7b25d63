"""Time series from a CSV text or a Parquet file: a measured load, or a measured voltage.

The column ``time`` says from when on a row's values hold, until the next row's: ISO 8601 with an
offset from UTC, or a timestamp with a time zone; rows may come in any order. Other columns are
named by whoever asks. A row without a value says nothing about that column: the value before goes
on. Numbers are rounded to three decimals. Parquet is read by pyarrow, which is imported when it is
needed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
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
    """One column of a Parquet file as a signal in thousandths.

    LocalError names the row that cannot be read; ModuleNotFoundError when pyarrow is absent.
    """
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(path)
        _check_columns(column, table.schema_arrow.names)
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
            if value is None:
                continue
            try:
                yield _moment(time), _of_number(value)
            except (ValueError, TypeError, ArithmeticError) as exc:
                raise LocalError(f"row {number} of the series: {exc}") from exc


def _rows(reader: csv.DictReader[str], column: str) -> Iterator[tuple[datetime, int]]:
    _check_columns(column, reader.fieldnames or ())
    for row in reader:
        written = (row[column] or "").strip()
        if not written:
            continue
        try:
            yield _moment(row["time"]), _thousandths(written)
        except (ValueError, TypeError, ArithmeticError) as exc:
            raise LocalError(f"row {reader.line_num} of the series: {exc}") from exc


def _check_columns(column: str, found: Sequence[str]) -> None:
    for missing in [name for name in ("time", column) if name not in found]:
        there = ", ".join(map(repr, found)) or "none at all"
        raise LocalError(f"the series has no column {missing!r}; its first line has {there}")


def _moment(written: str | datetime | None) -> datetime:
    if not written:
        raise ValueError("there is no time")
    moment = written if isinstance(written, datetime) else datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise ValueError(f"{written} does not say its offset from UTC")
    return moment.astimezone(UTC)


def _of_number(value: object) -> int:
    if not isinstance(value, int | float | Decimal):
        raise TypeError(f"{value!r} is no number")
    return _thousandths(str(value))


def _thousandths(text: str) -> int:
    try:
        value = Decimal(text)
    except ArithmeticError:
        raise ValueError(f"{text!r} is no number") from None
    if not value.is_finite():
        raise ValueError(f"{text} is no measured value")
    return int((value * THOUSANDTHS).to_integral_value())
