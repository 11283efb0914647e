"""Reads files, text, frames and rows into tables; column names and cells stay as the source has them."""

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.data.errors import data_error

HEADERLESS_COLUMNS = ("time", "open", "high", "low", "close", "volume")
HEADER_NAMES = frozenset({"open", "high", "low", "close", "o", "h", "l", "c"})
DELIMITERS = ",;\t|"
MIN_FIELDS = 5
SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".parquet")
TIME_NAMES = (
    "time",
    "timestamp",
    "datetime",
    "date",
    "open_time",
    "opentime",
    "unix",
    "ts",
    "gmt time",
    "bar_time",
    "t",
)

Column = Sequence[Any] | NDArray[Any]  # Any: texts, numbers or datetimes, as the source has them


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as its source has it.

    Args:
        columns: Columns under the source's names.
        source: Name of the source, for messages.
        first_row: Number of the first row in the source: the line of a CSV, 0 elsewhere.
        file_stem: Name of the file without its suffix, None for data that is not a file.
        index: Index of a DataFrame that holds times, used where no column does.
    """

    columns: Mapping[str, Column]
    source: str
    first_row: int = 0
    file_stem: str | None = None
    index: Column | None = field(default=None, repr=False)


class _LazyColumns(Mapping[str, Column]):
    """Columns that are converted when they are read, so that unused ones cost nothing and cannot fail."""

    def __init__(self, names: Iterable[str], convert: Callable[[str], Column]) -> None:
        self._names = tuple(dict.fromkeys(names))
        self._convert = convert

    def __getitem__(self, name: str) -> Column:
        return self._convert(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def read(source: Any) -> RawTable:  # Any: one of the sources below
    """Return the table of a source.

    Args:
        source: A path (CSV, TSV, gzip or not, Parquet), bytes of a CSV, a DataFrame, a list of dicts, or a mapping of
            columns.

    Raises:
        DataError: The source cannot be read as a table.
    """
    if isinstance(source, str | Path):
        return _read_file(Path(source))
    if isinstance(source, bytes):
        return _read_bytes(source, "text/csv")
    if isinstance(source, Mapping):
        return RawTable(source, "columns")
    if hasattr(source, "columns") and hasattr(source, "index"):
        return _read_frame(source)
    if isinstance(source, Iterable):
        return _read_rows(source)
    raise data_error("historical_data", type(source).__name__, "a path, a DataFrame, a list of dicts or columns")


def _read_file(path: Path) -> RawTable:
    if not path.is_file():
        raise data_error("data", str(path), f"an existing file ({' '.join(SUFFIXES)})")
    try:
        is_parquet = path.suffix.lower() == ".parquet"
        table = _read_parquet(path) if is_parquet else _read_bytes(path.read_bytes(), str(path))
    except OSError as error:
        raise data_error("data", str(path), f"a file that can be read ({error.strerror or error})") from error
    return replace(table, file_stem=path.name.partition(".")[0])


def _read_bytes(content: bytes, source: str) -> RawTable:
    try:
        plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        text = plain.decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise data_error("data", source, f"CSV in UTF-8, plain or gzip ({error})") from error
    return _read_text(text, source)


def _read_text(text: str, source: str) -> RawTable:
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if _count_fields(line) >= MIN_FIELDS), None)
    if start is None:
        raise data_error("data", source, "a CSV with the columns time, open, high, low, close and at least one row")
    delimiter = max(DELIMITERS, key=lines[start].count)
    rows = [row for row in csv.reader(io.StringIO("\n".join(lines[start:])), delimiter=delimiter) if row]
    header = [cell.strip().strip("<>").strip() for cell in rows[0]]
    if HEADER_NAMES.isdisjoint(name.lower() for name in header):
        return _table_of(rows, list(HEADERLESS_COLUMNS[: len(header)]), start + 1, source)
    if len(rows) < 2:
        raise data_error("data", source, "at least one row below the header; the file has none")
    return _table_of(rows[1:], header, start + 2, source)


def _count_fields(line: str) -> int:
    return max(line.count(delimiter) for delimiter in DELIMITERS) + 1


def _table_of(rows: list[list[str]], names: list[str], first_row: int, source: str) -> RawTable:
    width = len(names)
    for number, row in enumerate(rows):
        if len(row) < min(width, MIN_FIELDS):
            raise data_error("data", f"line {first_row + number} of {source}: {row!r}", f"{width} fields per line")
    cells = list(zip(*(row[:width] + [""] * (width - len(row)) for row in rows), strict=True))
    columns: dict[str, Column] = dict(zip(names, cells, strict=False))
    return RawTable(_join_date_and_time(columns), source, first_row)


def _join_date_and_time(columns: dict[str, Column]) -> dict[str, Column]:
    names = {name.lower(): name for name in columns}
    if not {"date", "time"} <= names.keys():
        return columns
    days, hours = columns[names["date"]], columns[names["time"]]
    others = {name: column for name, column in columns.items() if name.lower() not in {"date", "time"}}
    return {"timestamp": [f"{day} {hour}" for day, hour in zip(days, hours, strict=True)], **others}


def _read_frame(frame: Any) -> RawTable:  # Any: a DataFrame; pandas is optional and not imported here
    series = {str(name): frame[name] for name in frame.columns}
    index = _series_values(frame.index) if _holds_time(frame.index) else None
    return RawTable(_LazyColumns(series, lambda name: _series_values(series[name])), "DataFrame", index=index)


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
    return RawTable(_LazyColumns(names, column), "rows")


def _read_parquet(path: Path) -> RawTable:
    try:
        from pyarrow import parquet
    except ImportError as error:
        allowed = "a CSV file; to read Parquet, install pyarrow: pip install pyarrow"
        raise data_error("data", str(path), allowed) from error
    try:
        table = parquet.read_table(path)
    except (OSError, ValueError) as error:
        raise data_error("data", str(path), f"a Parquet file ({error})") from error
    return RawTable(_LazyColumns(table.column_names, lambda name: _arrow_values(table.column(name))), str(path))


def _arrow_values(column: Any) -> Column:  # Any: a pyarrow ChunkedArray
    if getattr(column.type, "tz", None):
        values: Column = column.to_pylist()
        return values
    return np.asarray(column.to_numpy())
