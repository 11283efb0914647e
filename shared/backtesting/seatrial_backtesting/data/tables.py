"""A table as its source has it, the names of columns that are read, and the limits of reading one."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.data.errors import DataError, data_error
from seatrial_backtesting.data.number_cells import NumberCells

MAX_ROWS = 5_000_000
MAX_BYTES = 1 << 30
EXTRA_LINES = 1_000
RAISE_LIMIT = (
    "raise the limit with `--max-rows`, in Python with LoadOptions(max_rows=...), "
    "in the backtest service with SEATRIAL_BACKTEST_MAX_ROWS"
)

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
PRICE_NAMES: Mapping[str, tuple[str, ...]] = {
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v", "tickvol", "tick_volume"),
}
ALIASES: Mapping[str, tuple[str, ...]] = {
    "time": TIME_NAMES,
    **PRICE_NAMES,
    "symbol": ("symbol", "ticker", "instrument", "pair"),
}

Column = Sequence[Any] | NDArray[Any] | NumberCells  # Any: texts, numbers or datetimes, as the source has them


@dataclass(frozen=True)
class ReadLimits:
    """The largest table that is read: a small file may contain a very large one.

    Args:
        rows: Rows of the table.
        bytes: Bytes of the file after it is unpacked.
    """

    rows: int = MAX_ROWS
    bytes: int = MAX_BYTES

    @classmethod
    def of_rows(cls, rows: int | None) -> "ReadLimits":
        """Return the limits for a number of rows, None for the default; the bytes grow with the rows."""
        rows = rows or MAX_ROWS
        return cls(rows, max(MAX_BYTES, MAX_BYTES * rows // MAX_ROWS))

    @property
    def lines(self) -> int:
        """Return the lines of a CSV beyond which it is refused; blank lines and a preamble count too."""
        return 2 * self.rows + EXTRA_LINES

    def too_many_rows(self, source: str) -> DataError:
        """Return the error of a table with too many rows."""
        allowed = f"at most {self.rows} rows; {RAISE_LIMIT}"
        return data_error("data", source, allowed)

    def too_many_bytes(self, source: str) -> DataError:
        """Return the error of a file that is too large."""
        allowed = f"at most {self.bytes} bytes when unpacked ({MAX_BYTES // MAX_ROWS} per row); {RAISE_LIMIT}"
        return data_error("data", source, allowed)


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as its source has it.

    Args:
        columns: Columns under the source's names.
        source: Name of the source, for messages.
        row_numbers: Number of each row in the source, the line of a CSV; None counts from 0.
        file_stem: Name of the file without its suffix, None for data that is not a file.
        index: Index of a DataFrame that holds times, used where no column does.
    """

    columns: Mapping[str, Column]
    source: str
    row_numbers: NDArray[np.int64] | None = field(default=None, repr=False)
    file_stem: str | None = None
    index: Column | None = field(default=None, repr=False)


class LazyColumns(Mapping[str, Column]):
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


def is_read(name: str) -> bool:
    """Return whether a column with this name can hold something of a bar."""
    lower = name.strip().lower()
    return lower.startswith("volume") or any(lower in aliases for aliases in ALIASES.values())


def is_number_column(name: str) -> bool:
    """Return whether a column with this name holds prices or volumes."""
    lower = name.strip().lower()
    return lower.startswith("volume") or any(lower in aliases for aliases in PRICE_NAMES.values())


def is_volume(name: str) -> bool:
    """Return whether a column with this name holds volumes."""
    lower = name.strip().lower()
    return lower.startswith("volume") or lower in PRICE_NAMES["volume"]


def join(parts: Sequence[Column]) -> Column:
    """Return one column of its parts: an array of numbers if all are, else a list of their cells."""
    if any(isinstance(part, NumberCells) for part in parts):
        return NumberCells.join([part if isinstance(part, NumberCells) else np.asarray(part) for part in parts])
    if all(isinstance(part, np.ndarray) for part in parts):
        numbers: NDArray[Any] = np.concatenate([np.asarray(part) for part in parts])
        return numbers
    return [cell for part in parts for cell in part]
