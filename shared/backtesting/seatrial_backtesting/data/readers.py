"""Reads a file, a text or rows into named columns, whatever dialect they came in."""

import csv
import gzip
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial_core.errors import FieldError, ValidationFailed

COLUMNS = ("time", "open", "high", "low", "close", "volume")
NEEDED = ("open", "high", "low", "close")
ALIASES: Mapping[str, tuple[str, ...]] = {
    "time": (
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
    ),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v", "tickvol", "tick_volume"),
    "symbol": ("symbol", "ticker", "instrument", "pair"),
}
DELIMITERS = ",;\t|"
MIN_FIELDS = 5
SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".parquet")

Column = Sequence[Any] | NDArray[Any]  # Any: texts, numbers or instants, as the source has them


class DataError(ValidationFailed):
    """Data that cannot be read as bars."""

    code = "bad_data"


@dataclass(frozen=True, eq=False)
class RawTable:
    """Columns by our names (`time open high low close volume symbol`), as they came; `first_row` numbers the first."""

    columns: Mapping[str, Column]
    first_row: int = 0

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


def from_file(path: Path) -> RawTable:
    """Return the columns of a CSV (plain or gzip) or Parquet file."""
    suffix = "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if not path.is_file():
        raise refused("data", str(path), f"an existing file ({' '.join(SUFFIXES)})")
    if suffix.endswith(".parquet"):
        return _parquet(path)
    try:
        return from_bytes(path.read_bytes(), str(path))
    except OSError as error:
        raise refused("data", str(path), f"a file that can be read ({error.strerror or error})") from error


def from_bytes(content: bytes, name: str = "text/csv") -> RawTable:
    """Return the columns of a CSV, plain or gzip."""
    try:
        plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        text = plain.decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise refused("data", name, f"CSV in UTF-8, plain or gzip ({error})") from error
    return from_text(text, name)


def from_text(text: str, name: str = "text/csv") -> RawTable:
    """Return the columns of a CSV: comma, semicolon, tab or bar between fields, with or without a header."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if _fields_of(line) >= MIN_FIELDS), None)
    if start is None:
        raise refused("data", name, "a CSV with the columns time, open, high, low, close and bars below")
    delimiter = max(DELIMITERS, key=lines[start].count)
    rows = [row for row in csv.reader(io.StringIO("\n".join(lines[start:])), delimiter=delimiter) if row]
    header = _header(rows[0])
    if not _is_header(rows[0]):
        names = list(COLUMNS[: len(rows[0])])
        return _of_rows(rows, names, start + 1, name)
    if len(rows) < 2:
        raise refused("data", name, "bars below the header; the file has none")
    return _of_rows(rows[1:], header, start + 2, name)


def from_frame(frame: Any) -> RawTable:  # Any: a DataFrame, without importing pandas for everybody
    """Return the columns of a DataFrame; where no column holds the time, the index does."""
    named = {str(name): frame[name] for name in frame.columns}
    columns = {ours: _values(named[theirs]) for ours, theirs in _ours(list(named)).items()}
    if "time" not in columns and _holds_time(frame.index):
        columns["time"] = _values(frame.index)
    return RawTable(_required(columns, "DataFrame"))


def from_rows(rows: Iterable[Mapping[str, Any]]) -> RawTable:  # Any: numbers, texts, datetimes
    """Return the columns of a list of dicts; the first row's keys name them."""
    listed = list(rows)
    if not listed:
        raise refused("historical_data", [], "at least one bar")
    names = _ours([str(key) for key in listed[0]])
    try:
        columns: dict[str, Column] = {ours: [row[theirs] for row in listed] for ours, theirs in names.items()}
    except (KeyError, TypeError) as error:
        raise refused("historical_data", str(error), "bars that all have the keys of the first one") from error
    return RawTable(_required(columns, "rows"))


def from_columns(columns: Mapping[str, Column]) -> RawTable:
    """Return columns under our names."""
    found: dict[str, Column] = {ours: columns[theirs] for ours, theirs in _ours(list(columns)).items()}
    return RawTable(_required(found, "columns"))


def refused(field: str, value: object, allowed: str) -> DataError:
    """Return the error for data that cannot be read."""
    return DataError(f"`{field}` was {value!r}; allowed: {allowed}", errors=[FieldError(field, value, allowed)])


def _fields_of(line: str) -> int:
    return max(line.count(delimiter) for delimiter in DELIMITERS) + 1


def _header(row: list[str]) -> list[str]:
    return [cell.strip().strip("<>").strip() for cell in row]


def _is_header(row: list[str]) -> bool:
    return any(cell.strip().strip("<>").lower() in {"open", "close", "high", "low", "o", "c"} for cell in row)


def _of_rows(rows: list[list[str]], names: list[str], first_row: int, source: str) -> RawTable:
    width = len(names)
    for number, row in enumerate(rows):
        if len(row) < min(width, MIN_FIELDS):
            raise refused("data", f"line {first_row + number} of {source}: {row!r}", f"{width} fields a line")
    cells = list(zip(*(row[:width] + [""] * (width - len(row)) for row in rows), strict=True))
    named = dict(zip(names, cells, strict=False))
    lower = {name.lower(): name for name in named}
    if "date" in lower and "time" in lower:
        days, hours = named.pop(lower["date"]), named.pop(lower["time"])
        named["timestamp"] = tuple(f"{day} {hour}" for day, hour in zip(days, hours, strict=True))
    columns: dict[str, Column] = {ours: named[theirs] for ours, theirs in _ours(list(named)).items()}
    return RawTable(_required(columns, source), first_row)


def _ours(names: list[str]) -> dict[str, str]:
    by_lower = {name.strip().lower(): name for name in reversed(names)}
    found = {}
    for ours, aliases in ALIASES.items():
        theirs = next((by_lower[alias] for alias in aliases if alias in by_lower), None)
        if theirs is None and ours == "volume":
            theirs = next((name for lower, name in by_lower.items() if lower.startswith("volume")), None)
        if theirs is not None:
            found[ours] = theirs
    return found


def _required(columns: dict[str, Column], source: str) -> dict[str, Column]:
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise refused("data", source, f"columns open, high, low, close (missing: {', '.join(missing)})")
    return columns


def _values(column: Any) -> Column:  # Any: a pandas Series or Index
    zoned = getattr(column.dtype, "tz", None) is not None
    if zoned:
        column = column.dt.tz_convert(None) if hasattr(column, "dt") else column.tz_convert(None)
        return [stamp.replace(tzinfo=UTC) for stamp in column.tolist()]
    values: Column = column.to_numpy()
    return values


def _holds_time(index: Any) -> bool:
    return type(index).__name__ == "DatetimeIndex" or getattr(index, "name", None) in ALIASES["time"]


def _parquet(path: Path) -> RawTable:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise refused("data", str(path), "a CSV file; to read Parquet, install pyarrow: pip install pyarrow") from error
    try:
        read = parquet.read_table(path)
    except (OSError, ValueError) as error:
        raise refused("data", str(path), f"a Parquet file ({error})") from error
    return from_columns({name: _arrow(read.column(name)) for name in read.column_names})


def _arrow(column: Any) -> Column:  # Any: a pyarrow ChunkedArray
    if getattr(column.type, "tz", None):
        values: Column = column.to_pylist()
        return values
    return np.asarray(column.to_numpy())
