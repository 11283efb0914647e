"""Maps the columns of a source to bar columns, selects one symbol, and converts prices to numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.data.bad_rows import BadRows
from seatrial_backtesting.data.errors import data_error
from seatrial_backtesting.data.number_cells import NumberCells
from seatrial_backtesting.data.tables import ALIASES, Column, RawTable
from seatrial_trading.quant.candles import PRICES

UNKNOWN_SYMBOL = "UNKNOWN"
MAX_SYMBOLS_LISTED = 30

Arrays = dict[str, NDArray[Any]]  # Any: int64 for time, float64 for the rest


@dataclass(frozen=True, eq=False)
class BarColumns:
    """Unparsed columns under the names `time open high low close volume symbol`; time, volume and symbol may lack.

    Args:
        columns: The columns, all of one length.
        row_numbers: Number of each row in its source, for messages, int64[n].
    """

    columns: Mapping[str, Column]
    row_numbers: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.row_numbers)


def name_columns(table: RawTable) -> BarColumns:
    """Return the bar columns of a table, matched by their usual names.

    Raises:
        DataError: A price column is missing, or the columns differ in length.
    """
    source_names = _match(list(table.columns))
    missing = [name for name in PRICES if name not in source_names]
    if missing:
        raise data_error("data", table.source, f"columns open, high, low, close (missing: {', '.join(missing)})")
    columns = {name: table.columns[source_name] for name, source_name in source_names.items()}
    if "time" not in columns and table.index is not None:
        columns["time"] = table.index
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        raise data_error("data", table.source, f"columns of one length (lengths: {lengths})")
    numbers = np.arange(lengths["open"], dtype=np.int64) if table.row_numbers is None else table.row_numbers
    return BarColumns(columns, numbers)


def select_symbol(bars: BarColumns, symbol: str | None, file_stem: str | None) -> tuple[BarColumns, str]:
    """Return the rows of one symbol and its name.

    Args:
        bars: Columns of one or more symbols.
        symbol: The symbol to select; None takes the only one.
        file_stem: Name of a file without its suffix, the symbol where the data has none.

    Raises:
        DataError: The data has several symbols and none is named, or lacks the one that is.
    """
    if "symbol" not in bars.columns:
        return bars, symbol or file_stem or UNKNOWN_SYMBOL
    names = [str(name).strip() for name in bars.columns["symbol"]]
    symbols = list(dict.fromkeys(names))
    if symbol is None and len(symbols) > 1:
        raise data_error(
            "symbol", None, f"one of {_listing(symbols)}; the data has several symbols, choose one with --symbol"
        )
    match = next((name for name in symbols if symbol is None or name.upper() == symbol.upper()), None)
    if match is None:
        # Data of a single symbol may be traded under another name; one of several must be named exactly.
        if len(symbols) == 1 and file_stem is None:
            return bars, str(symbol)
        raise data_error("symbol", symbol, f"one of {_listing(symbols)}")
    rows = np.flatnonzero(np.fromiter((name == match for name in names), dtype=np.bool_, count=len(names)))
    columns = {name: _take(column, rows) for name, column in bars.columns.items()}
    return BarColumns(columns, bars.row_numbers[rows]), match


def parse_numbers(bars: BarColumns) -> tuple[Arrays, BadRows]:
    """Return prices and volume as float64[n], and the rows with a cell that is not a number."""
    arrays: Arrays = {}
    bad_rows = BadRows.none(len(bars))
    for name in (*PRICES, "volume"):
        if name not in bars.columns:
            arrays[name] = np.zeros(len(bars))
            continue
        cells = _as_numbers(name, bars.columns[name])
        if isinstance(cells, NumberCells):
            bad_rows = bad_rows.before(cells.bad_rows(name))
        arrays[name] = cells.numbers if isinstance(cells, NumberCells) else cells
    return arrays, bad_rows


def _as_numbers(name: str, cells: Column) -> NDArray[np.float64] | NumberCells:
    if isinstance(cells, NumberCells):
        return cells
    try:
        return np.asarray(cells, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return NumberCells.parse(cells, empty_is_zero=name == "volume")


def _match(names: list[str]) -> dict[str, str]:
    by_lower = {name.strip().lower(): name for name in reversed(names)}
    source_names = {}
    for name, aliases in ALIASES.items():
        source_name = next((by_lower[alias] for alias in aliases if alias in by_lower), None)
        if source_name is None and name == "volume":
            source_name = next((other for lower, other in by_lower.items() if lower.startswith("volume")), None)
        if source_name is not None:
            source_names[name] = source_name
    return source_names


def _listing(names: list[str]) -> str:
    shown = ", ".join(names[:MAX_SYMBOLS_LISTED])
    return shown + (f" ... ({len(names)})" if len(names) > MAX_SYMBOLS_LISTED else "")


def _take(column: Column, rows: NDArray[np.intp]) -> Column:
    if isinstance(column, np.ndarray):
        cells: NDArray[Any] = column[rows]
        return cells
    return column.take(rows) if isinstance(column, NumberCells) else [column[row] for row in rows.tolist()]
