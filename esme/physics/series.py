"""Time series from a CSV text or a Parquet file: a measured load, or a measured voltage.

The column ``time`` says from when on a row's values hold, until the next row's: ISO 8601 with an
offset from UTC, or a timestamp with a time zone; rows may come in any order, but not contradict
each other. Other columns are named by whoever asks. A row without a value says nothing about that
column: the value before goes on. Numbers are rounded to three decimals, moments down to
microseconds. Parquet is read by pyarrow, which is imported when it is needed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from esme.physics.signal import Steps
from gbcs.errors import LocalError

THOUSANDTHS: Final = 1000
"""Columns are in V, W or var; signals in thousandths of them."""
MOST: Final = 1_000_000_000
"""Above this a number is no voltage and no power of a house."""
_BEYOND: Final = None
"""Where csv puts the cells of a row that no column has a name for."""
_Row = tuple[int, datetime, int]
"""Its number, its moment, its value."""


def read_series(lines: Iterable[str], column: str, *, before: int = 0, least: int = -MOST) -> Steps:
    """One column as a signal in thousandths; ``before`` is its value before the first row.

    LocalError names the row that cannot be read, or is below ``least`` (V, W, var).
    """
    rows = _rows(csv.DictReader(lines), column)
    return Steps(before, _agreeing(rows, column, least))


def read_parquet(path: Path, column: str, *, before: int = 0, least: int = -MOST) -> Steps:
    """One column of a Parquet file as a signal in thousandths; arguments as above.

    LocalError names the row that cannot be read; ModuleNotFoundError when pyarrow is absent.
    """
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(path)
        _check_columns(column, table.schema_arrow.names)
        return Steps(before, _agreeing(_parquet_rows(table, column), column, least))
    except pyarrow.ArrowException as exc:
        raise LocalError(f"not a Parquet file: {exc}") from exc


def _agreeing(rows: Iterable[_Row], column: str, least: int) -> Iterator[tuple[datetime, int]]:
    """Each moment with its value; LocalError when two rows contradict each other, or none says one.

    A row that repeats another is left out.
    """
    found: dict[datetime, tuple[int, int]] = {}
    for number, moment, value in rows:
        if value < least * THOUSANDTHS:
            raise LocalError(f"row {number} of the series: {column} is below {least}")
        first, known = found.setdefault(moment, (number, value))
        if known != value:
            raise LocalError(f"rows {first} and {number} of the series say two things of {moment}")
    if not found:
        raise LocalError(f"no row of the series has a value in the column {column!r}")
    return ((moment, value) for moment, (_, value) in found.items())


def _parquet_rows(table: object, column: str) -> Iterator[_Row]:
    number = 0
    for batch in table.iter_batches(columns=["time", column]):  # type: ignore[attr-defined]  # pyarrow has no types
        try:
            times = _in_microseconds(batch.column("time")).to_pylist()
            values = batch.column(column).to_pylist()
        except ValueError as exc:
            raise LocalError(f"after row {number} of the series: {exc}") from exc
        for time, value in zip(times, values, strict=True):
            number += 1
            if value is None:
                continue
            try:
                yield number, _moment(time), _of_number(value)
            except (ValueError, TypeError, ArithmeticError) as exc:
                raise LocalError(f"row {number} of the series: {exc}") from exc


def _in_microseconds(times: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow

    kind = times.type
    if not pyarrow.types.is_timestamp(kind):
        return times
    return times.cast(pyarrow.timestamp("us", tz=kind.tz), safe=False)


def _rows(reader: csv.DictReader[str], column: str) -> Iterator[_Row]:
    _check_columns(column, reader.fieldnames or ())
    for row in reader:
        number = reader.line_num
        if _BEYOND in row:
            raise LocalError(f"row {number} of the series has more cells than the first line")
        written = (row[column] or "").strip()
        if not written:
            continue
        try:
            yield number, _moment(row["time"]), _thousandths(written)
        except (ValueError, TypeError, ArithmeticError) as exc:
            raise LocalError(f"row {number} of the series: {exc}") from exc


def _check_columns(column: str, found: Sequence[str]) -> None:
    for name in ("time", column):
        if name not in found:
            there = ", ".join(map(repr, found)) or "none at all"
            raise LocalError(f"the series has no column {name!r}; its first line has {there}")
        if found.count(name) > 1:
            raise LocalError(f"the series has more than one column {name!r}")


def _moment(written: object) -> datetime:
    if not written:
        raise ValueError("there is no time")
    if isinstance(written, str):
        written = datetime.fromisoformat(written)
    if not isinstance(written, datetime):
        raise TypeError(f"{written} is no moment")
    if written.tzinfo is None:
        raise ValueError(f"{written} does not say its offset from UTC")
    return written.astimezone(UTC)


def _of_number(value: object) -> int:
    if not isinstance(value, int | float | Decimal):
        raise TypeError(f"{value!r} is no number")
    return _thousandths(str(value))


def _thousandths(text: str) -> int:
    try:
        value = Decimal(text)
    except ArithmeticError:
        raise ValueError(f"{text!r} is no number") from None
    if not value.is_finite() or abs(value) > MOST:
        raise ValueError(f"{text} is no measured value")
    return int((value * THOUSANDTHS).to_integral_value())
