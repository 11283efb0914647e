"""Reads CSV, plain or gzip, in pieces: prices become numbers at once, columns that no bar needs are left out."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.data import tables
from seatrial_backtesting.data.errors import data_error
from seatrial_backtesting.data.number_cells import NumberCells
from seatrial_backtesting.data.tables import Column, RawTable, ReadLimits

HEADERLESS_COLUMNS = ("time", "open", "high", "low", "close", "volume")
HEADER_NAMES = frozenset({"open", "high", "low", "close", "o", "h", "l", "c"})
DELIMITERS = ",;\t|"
MIN_FIELDS = 5
MAX_FIELDS = 1_000
MAX_LINE = 64 << 10
MAX_CELL = 128
MAX_QUOTE = 200
CHUNK_ROWS = 2_000
GZIP_MAGIC = b"\x1f\x8b"
NO_TABLE = "a CSV with the columns time, open, high, low, close and at least one row"


def read(file: BinaryIO, source: str, limits: ReadLimits) -> RawTable:
    """Return the table of a CSV.

    Args:
        file: The content, plain or gzip.
        source: Its name, for messages.
        limits: Rows and unpacked bytes beyond which it is refused.

    Raises:
        DataError: It is no CSV of bars, or exceeds a limit.
    """
    buffered = io.BufferedReader(cast(io.RawIOBase, file)) if not hasattr(file, "peek") else file
    is_gzip = buffered.peek(2)[:2] == GZIP_MAGIC
    plain = gzip.GzipFile(fileobj=buffered) if is_gzip else buffered
    counted = _CountedBytes(cast(BinaryIO, plain), source, limits)
    text = io.TextIOWrapper(io.BufferedReader(counted, 1 << 16), encoding="utf-8-sig")
    try:
        return _read_text(text, source, limits)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise data_error("data", source, f"CSV in UTF-8, plain or gzip ({error})") from error
    except csv.Error as error:
        raise data_error("data", source, f"CSV ({error})") from error
    finally:
        text.detach()  # the caller closes the file


class _CountedBytes(io.RawIOBase):
    def __init__(self, file: BinaryIO, source: str, limits: ReadLimits) -> None:
        self._file = file
        self._source = source
        self._limits = limits
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # Any: memory of the caller
        part = self._file.read(len(buffer))
        buffer[: len(part)] = part
        self._count += len(part)
        if self._count > self._limits.bytes:
            raise self._limits.too_many_bytes(self._source)
        return len(part)


class _Lines:
    def __init__(self, text: io.TextIOWrapper, source: str, limits: ReadLimits) -> None:
        self._text = text
        self._source = source
        self._limits = limits
        self.count = 0
        self.record_length = 0  # a quoted field may extend a record over many lines

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(MAX_LINE):
            self.count += 1
            self.record_length += len(line)
            if self.record_length >= MAX_LINE:
                allowed = f"lines of fewer than {MAX_LINE} characters, and a closing quote for each quoted field"
                raise data_error("data", f"line {self.count} of {self._source}", allowed)
            if self.count > self._limits.lines:
                raise self._limits.too_many_rows(self._source)
            yield line


def _read_text(text: io.TextIOWrapper, source: str, limits: ReadLimits) -> RawTable:
    lines = _Lines(text, source, limits)
    unread = iter(lines)
    first = _first_line(lines, unread)
    if first is None:
        raise data_error("data", source, NO_TABLE)
    delimiter = max(DELIMITERS, key=first.count)
    rows = _rows(lines, chain([first], unread), delimiter, source)
    number, header_row = next(rows, (0, []))
    header = [cell.strip().strip("<>").strip() for cell in header_row]
    if HEADER_NAMES.isdisjoint(name.lower() for name in header):
        names = list(HEADERLESS_COLUMNS[: len(header)])
        return _table_of(chain([(number, header_row)], rows), names, source, limits)
    return _table_of(rows, header, source, limits)


def _first_line(lines: _Lines, unread: Iterator[str]) -> str | None:
    for line in unread:
        if _count_fields(line) >= MIN_FIELDS:
            return line
        lines.record_length = 0
    return None


def _rows(lines: _Lines, content: Iterator[str], delimiter: str, source: str) -> Iterator[tuple[int, list[str]]]:
    number = lines.count
    for row in csv.reader(content, delimiter=delimiter):
        if len(row) > MAX_FIELDS:
            raise data_error("data", f"line {number} of {source}", f"at most {MAX_FIELDS} columns")
        if row:
            yield number, row
        number = lines.count + 1
        lines.record_length = 0


def _count_fields(line: str) -> int:
    return max(line.count(delimiter) for delimiter in DELIMITERS) + 1


def _table_of(rows: Iterator[tuple[int, list[str]]], names: list[str], source: str, limits: ReadLimits) -> RawTable:
    positions = {name: position for position, name in enumerate(names) if tables.is_read(name)}
    parts: dict[str, list[Column]] = {name: [] for name in positions}
    numbers: list[NDArray[np.int64]] = []
    count = 0
    while chunk := list(islice(rows, CHUNK_ROWS)):
        _check_widths(chunk, len(names), source)
        count += len(chunk)
        if count > limits.rows:
            raise limits.too_many_rows(source)
        numbers.append(np.array([number for number, _ in chunk], dtype=np.int64))
        for name, position in positions.items():
            cells = [row[position] if position < len(row) else "" for _, row in chunk]
            parts[name].append(_convert(name, cells, source))
    if not count:
        raise data_error("data", source, "at least one row below the header; the file has none")
    columns = {name: tables.join(parts.pop(name)) for name in positions}
    missing: dict[str, Column] = {name: [] for name in names if name not in columns}
    return RawTable(_join_date_and_time({**missing, **columns}), source, np.concatenate(numbers))


def _check_widths(rows: list[tuple[int, list[str]]], width: int, source: str) -> None:
    for number, row in rows:
        if len(row) < min(width, MIN_FIELDS):
            place = f"line {number} of {source}: {repr(row)[:MAX_QUOTE]}"
            raise data_error("data", place, f"{width} fields per line")


def _convert(name: str, cells: list[str], source: str) -> Column:
    if tables.is_number_column(name):
        try:
            return np.array(cells, dtype=np.float64)
        except ValueError:
            # Numbers and the first bad cells: a million texts would fill the memory.
            _check_lengths(name, cells, source)
            return NumberCells.parse(cells, empty_is_zero=tables.is_volume(name))
    _check_lengths(name, cells, source)
    first_cells: dict[str, str] = {}
    return [first_cells.setdefault(cell, cell) for cell in cells]  # one object per text, not one per row


def _check_lengths(name: str, cells: list[str], source: str) -> None:
    if max(map(len, cells)) > MAX_CELL:
        raise data_error("data", source, f"at most {MAX_CELL} characters in a cell of the column {name[:MAX_QUOTE]!r}")


def _join_date_and_time(columns: dict[str, Column]) -> dict[str, Column]:
    names = {name.lower(): name for name in columns}
    if not {"date", "time"} <= names.keys():
        return columns
    days, hours = columns[names["date"]], columns[names["time"]]
    others = {name: column for name, column in columns.items() if name.lower() not in {"date", "time"}}
    return {"timestamp": [f"{day} {hour}" for day, hour in zip(days, hours, strict=True)], **others}
