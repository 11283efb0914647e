"""Reads files, text, frames and rows into tables; column names and cells stay as the source has them."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any, BinaryIO, cast

from seatrial_backtesting.data import csv_tables, parquet_tables
from seatrial_backtesting.data.errors import data_error
from seatrial_backtesting.data.tables import TIME_NAMES, Column, LazyColumns, RawTable, ReadLimits

SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".parquet")


def read(source: Any, limits: ReadLimits | None = None) -> RawTable:  # Any: one of the sources below
    """Return the table of a source.

    Args:
        source: A path (CSV, TSV, gzip or not, Parquet), bytes or a binary file of a CSV, a DataFrame, a list of dicts,
            or a mapping of columns.
        limits: Rows and bytes beyond which a file is refused.

    Raises:
        DataError: The source cannot be read as a table, or exceeds a limit.
    """
    limits = limits or ReadLimits()
    if isinstance(source, str | Path):
        return _read_file(Path(source), limits)
    if isinstance(source, bytes):
        return csv_tables.read(io.BytesIO(source), "text/csv", limits)
    if isinstance(source, io.BufferedIOBase):
        return csv_tables.read(cast(BinaryIO, source), "text/csv", limits)
    if isinstance(source, Mapping):
        return RawTable(source, "columns")
    if hasattr(source, "columns") and hasattr(source, "index"):
        return _read_frame(source)
    if isinstance(source, Iterable):
        return _read_rows(source)
    raise data_error("historical_data", type(source).__name__, "a path, a DataFrame, a list of dicts or columns")


def _read_file(path: Path, limits: ReadLimits) -> RawTable:
    if not path.is_file():
        raise data_error("data", str(path), f"an existing file ({' '.join(SUFFIXES)})")
    try:
        if path.suffix.lower() == ".parquet":
            table = parquet_tables.read(path, limits)
        else:
            with path.open("rb") as file:
                table = csv_tables.read(file, str(path), limits)
    except OSError as error:
        raise data_error("data", str(path), f"a file that can be read ({error.strerror or error})") from error
    return replace(table, file_stem=path.name.partition(".")[0])


def _read_frame(frame: Any) -> RawTable:  # Any: a DataFrame; pandas is optional and not imported here
    series = {str(name): frame[name] for name in frame.columns}
    index = _series_values(frame.index) if _holds_time(frame.index) else None
    return RawTable(LazyColumns(series, lambda name: _series_values(series[name])), "DataFrame", index=index)


def _holds_time(index: Any) -> bool:  # Any: a pandas Index
    return type(index).__name__ == "DatetimeIndex" or getattr(index, "name", None) in TIME_NAMES


def _series_values(series: Any) -> Column:  # Any: a pandas Series or Index
    if getattr(series.dtype, "tz", None) is not None:
        series = series.dt.tz_convert(None) if hasattr(series, "dt") else series.tz_convert(None)
        return [timestamp.replace(tzinfo=UTC) for timestamp in series.tolist()]
    values: Column = series.to_numpy()
    return values


def _read_rows(source: Iterable[Mapping[str, Any]]) -> RawTable:  # Any: numbers, texts, datetimes
    rows = list(source)
    if not rows:
        raise data_error("historical_data", [], "at least one bar")

    def column(name: str) -> Column:
        try:
            return [row[name] for row in rows]
        except (KeyError, TypeError) as error:
            allowed = "bars that all have the keys of the first one"
            raise data_error("historical_data", str(error), allowed) from error

    try:
        names = [str(key) for key in rows[0]]
    except TypeError as error:
        raise data_error("historical_data", type(rows[0]).__name__, "a list of dicts") from error
    return RawTable(LazyColumns(names, column), "rows")
